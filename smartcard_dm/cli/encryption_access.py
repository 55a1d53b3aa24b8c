"""What a command that issues encrypts, and to whom: one set of options, and what they turn into.

Guarantees: a shared secret comes from an environment variable or a file named on the command line, never from an
argument; exactly one recipient is named. Leaves to its caller: composing before and signing afterwards.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.cli.inputs import INPUT_FILE, STDIN, InputFile
from smartcard_dm.cli.options import TEXT, secret_from_environment
from smartcard_dm.cli.secret_sources import secret_from_file
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import DmError, KeyMaterialError
from smartcard_dm.server.confidential import Confidential, Encrypted, Scope
from smartcard_dm.xmlsec import DigestAlgorithm
from smartcard_dm.xmlsec.encrypt import CertificateRecipient, SecretRecipient
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, KeyTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.xmlsec.encrypt import Recipient

Command = TypeVar("Command", bound="Callable[..., object]")

CERTIFICATE_FILE_OCTETS: Final = 64 * 1024
"""Octets of a certificate's file, with the text that some tools write above it."""

_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_TRANSPORTS: Final = (KeyTransport.RSA_OAEP, KeyTransport.RSA_OAEP_MGF1P)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionAccess:
    """What a command line says of encryption."""

    scope: Scope
    certificate: InputFile | None = None
    secret_env: str | None = None
    secret_file: str | None = None
    secret_name: str | None = None
    targets: tuple[str, ...] = ()
    transport: str | None = None

    @property
    def name(self) -> str:
        """What lines about the recipient call it."""
        return "the shared secret to encrypt to" if self.certificate is None else self.certificate.name

    @property
    def advice(self) -> str:
        """What to do about a recipient nothing can be encrypted to, in one clause."""
        if self.certificate is None:
            return "give the secret that the device's account has"
        return "give the certificate of the device's RSA key, PEM or DER, with --to-certificate"

    @property
    def has_recipient(self) -> bool:
        """Whether anybody is named who opens it; lint alone needs nobody."""
        return self.certificate is not None or self.secret_env is not None or self.secret_file is not None

    def check(self, *others: object, recipient: bool = True) -> None:
        """Refuse a command line whose options for encryption do not go together; nothing is read.

        Args:
            others: what else the command reads, files among them; standard input can be one of them.
            recipient: whether somebody has to be named.

        Raises:
            click.UsageError: the options do not go together.
        """
        given = [way is not None for way in (self.certificate, self.secret_env, self.secret_file)]
        if sum(given) > 1 or (recipient and not any(given)):
            raise usage_error(
                "--encrypt: give exactly one of --to-certificate and --to-secret-env, or --to-secret-file"
            )
        if self.targets and self.scope is Scope.BODY:
            raise usage_error("--encrypt-target goes with --encrypt data and --encrypt commands")
        if self.transport is not None and self.certificate is None:
            raise usage_error("--key-transport goes with --to-certificate")
        if self.secret_name is not None and self.secret_env is None and self.secret_file is None:
            raise usage_error("--to-secret-name goes with --to-secret-env and --to-secret-file")
        files = [each for each in (self.certificate, *others) if isinstance(each, InputFile) and each.path == STDIN]
        if self.certificate in files and len(files) > 1:
            raise usage_error(
                "standard input cannot hold the certificate and something else: give one of them as a file"
            )

    def places(self, xml: bytes) -> tuple[str, ...]:
        """Return the XML paths of what will be encrypted in a composed message.

        Raises:
            click.UsageError: nothing in the message is meant.
        """
        try:
            return self._confidential.places(xml)
        except DmError as error:
            if error.place != "/SyncML/SyncBody":
                raise
            option = "--encrypt-target" if self.targets else f"--encrypt {self.scope.value}"
            raise usage_error(f"{option}: {error.detail}; name what the message has") from error

    def encrypt(self, xml: bytes, recipient: Recipient) -> tuple[bytes, Encrypted]:
        """Return a composed message with its confidential parts encrypted, and what became of it.

        Raises:
            DmError: a part is encrypted already.
        """
        cipher = BlockCipher.AES256_GCM
        to = "secret" if self.certificate is None else "certificate"
        done = Encrypted(self.scope, to, cipher, self.places(xml))
        return self._confidential.encrypt(xml, recipient, random=os.urandom, cipher=cipher), done

    def load(self) -> Recipient:
        """Return who opens it, for one message.

        Raises:
            click.UsageError: what the options name cannot be read.
            KeyMaterialError: what was read is nothing to encrypt to.
        """
        if self.certificate is not None:
            return self._to_certificate(self.certificate)
        secret = secret_from_environment(self.secret_env, "--to-secret-env")
        secret = secret or secret_from_file(self.secret_file, "--to-secret-file")
        assert secret is not None  # noqa: S101 - exactly one was checked for
        return SecretRecipient.with_pbkdf2(secret, random=os.urandom, secret_name=self.secret_name)

    @property
    def _confidential(self) -> Confidential:

        return Confidential(self.scope, self.targets)

    def _to_certificate(self, file: InputFile) -> CertificateRecipient:

        octets = file.read(CERTIFICATE_FILE_OCTETS)
        if len(octets) > CERTIFICATE_FILE_OCTETS:
            raise KeyMaterialError(f"larger than {CERTIFICATE_FILE_OCTETS} octets: not a certificate")
        count = octets.count(_PEM)
        if count > 1:
            raise KeyMaterialError(f"{count} certificates in one file: give a file with the device's alone")
        method = next((each for each in _TRANSPORTS if each.identifier == self.transport), KeyTransport.RSA_OAEP)
        # Tokens that know rsa-oaep-mgf1p only know it with SHA-1; in OAEP its collisions harm nothing (RFC 8017, 8).
        digest = DigestAlgorithm.SHA256 if method is KeyTransport.RSA_OAEP else DigestAlgorithm.SHA1
        return CertificateRecipient.from_certificate(
            octets[octets.find(_PEM) :] if count else octets, at=datetime.now(UTC), method=method, digest=digest
        )


def encryption_options(function: Command) -> Command:
    """Add --encrypt and what belongs to it; the command gets them as one `encryption`, None without --encrypt."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        encrypt: str | None,
        to_certificate: InputFile | None,
        to_secret_env: str | None,
        to_secret_file: str | None,
        to_secret_name: str | None,
        encrypt_target: tuple[str, ...],
        key_transport: str | None,
        **others: object,
    ) -> object:
        if encrypt is not None:
            encryption = EncryptionAccess(
                scope=Scope(encrypt),
                certificate=to_certificate,
                secret_env=to_secret_env,
                secret_file=to_secret_file,
                secret_name=to_secret_name,
                targets=encrypt_target,
                transport=key_transport,
            )
            return function(*arguments, encryption=encryption, **others)
        rest = (to_certificate, to_secret_env, to_secret_file, to_secret_name, key_transport)
        if encrypt_target or any(given is not None for given in rest):
            raise usage_error(
                "--to-certificate, --to-secret-..., --encrypt-target and --key-transport go with --encrypt"
            )
        return function(*arguments, encryption=None, **others)

    options = (
        click.option(
            "--encrypt",
            type=click.Choice([each.value for each in Scope]),
            metavar="WHAT",
            help="Encrypt before it is signed: data (of items), commands, or body (all of them as one part).",
        ),
        click.option(
            "--to-certificate",
            type=INPUT_FILE,
            metavar="FILE",
            help="Encrypt to the device's certificate (RSA), PEM or DER.",
        ),
        click.option(
            "--to-secret-env",
            metavar="NAME",
            help="Environment variable with the secret that the device's account has: encrypt to it.",
        ),
        click.option("--to-secret-file", metavar="FILE", help="File with that secret; see --secret-file."),
        click.option(
            "--to-secret-name",
            type=TEXT,
            metavar="NAME",
            help="The secret's AAuthName, a hint for a device whose account has several.",
        ),
        click.option(
            "--encrypt-target",
            type=TEXT,
            metavar="URI",
            multiple=True,
            help="Encrypt only the data, or the command, of the item with this Target; may be given again.",
        ),
        click.option(
            "--key-transport",
            type=click.Choice([each.identifier for each in _TRANSPORTS]),
            metavar="NAME",
            help="rsa-oaep (SHA-256), or rsa-oaep-mgf1p (SHA-1) for keys on tokens that know no other.  "
            "[default: rsa-oaep]",
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
