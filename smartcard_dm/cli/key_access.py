"""Which key a command signs with: one set of options for every command that signs.

Guarantees: a password, PIN or shared secret comes from an environment variable, a file, a file descriptor or a prompt
named on the command line, never from an argument; exactly one key is named; a token's PIN is presented once. Leaves to
its caller: which algorithm to sign with.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from smartcard_dm.cli.inputs import INPUT_FILE, STDIN, InputFile
from smartcard_dm.cli.key_files import is_pkcs12, key_from_pkcs12, password_of_key, read_key_file
from smartcard_dm.cli.options import secret_from_environment
from smartcard_dm.cli.secret_sources import PIN_OCTETS, secret_from_descriptor, secret_from_file, secret_from_prompt
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.tokens import TokenSigningKey, TokenUri, is_token_uri, parse_token_uri
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.secret import Secret
    from smartcard_dm.xmlsec import KeyFamily, SignatureAlgorithm, SigningKey

Command = TypeVar("Command", bound="Callable[..., object]")

if TYPE_CHECKING:
    _KeyParam = click.ParamType[InputFile | TokenUri]
else:
    _KeyParam = click.ParamType  # older releases of click have no type argument


class KeyType(_KeyParam):
    """The type of an option that names a private key: a file, or a PKCS#11 URI."""

    name = "key"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> InputFile | TokenUri:
        """Return the file, which is opened when it is read, or what the URI says."""
        if not is_token_uri(str(value)):
            return INPUT_FILE.convert(value, param, ctx)
        try:
            return parse_token_uri(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A signing key that knows what it was loaded from."""

    key: SigningKey = field(repr=False)
    kind: str
    """`pem`, `pkcs12`, `pkcs11` or `secret`."""
    label: str | None = None
    """CKA_LABEL on a token, friendly name in PKCS#12."""

    @property
    def family(self) -> KeyFamily:
        """Fixes the algorithms it can be asked for."""
        return self.key.family

    @property
    def default_algorithm(self) -> SignatureAlgorithm:
        """The algorithm to use when none is asked for."""
        return self.key.default_algorithm

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        """Return the signature value."""
        return self.key.sign(algorithm, octets)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAccess:
    """What a command line says of the key to sign with."""

    key: InputFile | TokenUri | None = None
    key_password_env: str | None = None
    key_password_file: str | None = None
    pin_env: str | None = None
    pin_fd: int | None = None
    pin_prompt: bool = False
    use_last_try: bool = False
    secret_env: str | None = None
    secret_file: str | None = None

    @property
    def name(self) -> str:
        """What lines about the key call it."""
        if isinstance(self.key, TokenUri):
            return self.key.path
        return self.key.name if self.key is not None else "the shared secret"

    @property
    def advice(self) -> str:
        """What to do about a key that cannot be used, in one clause."""
        if self.key is None:
            return "give a secret of 16 octets or more"
        if isinstance(self.key, TokenUri):
            return "`p11tool --list-tokens` and `pkcs11-tool --list-objects` show what there is; --pin-env gives a PIN"
        return (
            "give a PEM or PKCS#12 file with one private key, "
            "and its password with --key-password-env or --key-password-file if it has one"
        )

    def check(self, other_input: InputFile | None = None) -> None:
        """Refuse a command line that names no key, or more than one, or a secret with no use; nothing is read.

        Args:
            other_input: the file the command reads besides; standard input can be one of the two.

        Raises:
            click.UsageError: the options do not go together.
        """
        secrets = [name for name in (self.secret_env, self.secret_file) if name is not None]
        if len(secrets) + (self.key is not None) != 1:
            raise usage_error("give exactly one of --key and --secret-env, or --secret-file")
        passwords = [name for name in (self.key_password_env, self.key_password_file) if name is not None]
        if passwords and not isinstance(self.key, InputFile):
            raise usage_error("--key-password-env and --key-password-file go with --key and a file")
        if len(passwords) > 1:
            raise usage_error("give one of --key-password-env and --key-password-file")
        self._check_pin()
        if isinstance(self.key, InputFile) and other_input is not None and self.key.path == STDIN == other_input.path:
            raise usage_error("standard input cannot hold both COMMANDS and the key: give one of them as a file")

    def load(self) -> LoadedKey:
        """Return the key, ready to sign any number of messages; a token is closed when the command ends.

        Raises:
            click.UsageError: the options do not go together, or what they name cannot be read.
            KeyMaterialError: what was read is no usable key.
        """
        self.check()
        if isinstance(self.key, TokenUri):
            return self._load_from_token(self.key)
        if isinstance(self.key, InputFile):
            return self._load_from_file(self.key)
        secret = secret_from_environment(self.secret_env, "--secret-env")
        secret = secret or secret_from_file(self.secret_file, "--secret-file")
        assert secret is not None  # noqa: S101 - exactly one was checked for
        return LoadedKey(SecretSigningKey(secret), "secret")

    def _check_pin(self) -> None:
        given = [self.pin_env is not None, self.pin_fd is not None, self.pin_prompt]
        if not isinstance(self.key, TokenUri):
            if any(given) or self.use_last_try:
                raise usage_error("--pin-env, --pin-fd, --pin-prompt and --use-last-try go with --key pkcs11:...")
            return
        if sum(given) > 1:
            raise usage_error("give one of --pin-env, --pin-fd and --pin-prompt")
        if any(given) and self.key.pin_source is not None:
            raise usage_error("the URI names a pin-source: leave it out, or --pin-env, --pin-fd and --pin-prompt")

    def _load_from_token(self, uri: TokenUri) -> LoadedKey:
        key = TokenSigningKey.open(uri, self._pin(uri), use_last_try=self.use_last_try)
        context = click.get_current_context(silent=True)
        if context is not None:
            context.call_on_close(key.close)
        return LoadedKey(key, "pkcs11", key.label)

    def _pin(self, uri: TokenUri) -> Secret | None:
        if self.pin_fd is not None:
            return secret_from_descriptor(self.pin_fd, "--pin-fd", "PIN")
        if self.pin_prompt:
            return secret_from_prompt("--pin-prompt", "PIN", "--pin-env or --pin-fd")
        if self.pin_env is not None:
            return secret_from_environment(self.pin_env, "--pin-env")
        return secret_from_file(uri.pin_source, "pin-source", PIN_OCTETS)

    def _load_from_file(self, file: InputFile) -> LoadedKey:
        password = password_of_key(self.key_password_env, self.key_password_file, "--key-password")
        octets = read_key_file(file)
        if not is_pkcs12(octets):
            return LoadedKey(PrivateSigningKey.from_pem(octets, password), "pem")
        key, label = key_from_pkcs12(octets, password, datetime.now(UTC))
        return LoadedKey(key, "pkcs12", label)


def key_options(function: Command) -> Command:
    """Add --key, --secret-env and what belongs to them; the command gets them as one `signer`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        key: InputFile | TokenUri | None,
        key_password_env: str | None,
        key_password_file: str | None,
        pin_env: str | None,
        pin_fd: int | None,
        pin_prompt: bool,
        use_last_try: bool,
        secret_env: str | None,
        secret_file: str | None,
        **others: object,
    ) -> object:
        signer = KeyAccess(
            key=key,
            key_password_env=key_password_env,
            key_password_file=key_password_file,
            pin_env=pin_env,
            pin_fd=pin_fd,
            pin_prompt=pin_prompt,
            use_last_try=use_last_try,
            secret_env=secret_env,
            secret_file=secret_file,
        )
        return function(*arguments, signer=signer, **others)

    options = (
        click.option(
            "--key",
            type=KeyType(),
            metavar="KEY",
            help="The private key, RSA, EC (P-256, P-384, P-521) or Ed25519: a PEM or PKCS#12 file, or the PKCS#11 URI "
            "of a key on a token, such as 'pkcs11:token=dms;object=signer?module-name=softhsm2'.",
        ),
        click.option("--key-password-env", metavar="NAME", help="Environment variable with the password of the file."),
        click.option("--key-password-file", metavar="FILE", help="File with the password of the file."),
        click.option(
            "--pin-env", metavar="NAME", help="Environment variable with the token's PIN; it is presented once."
        ),
        click.option("--pin-fd", metavar="N", type=click.IntRange(min=0), help="File descriptor to read the PIN from."),
        click.option("--pin-prompt", is_flag=True, help="Ask for the PIN on the terminal."),
        click.option(
            "--use-last-try",
            is_flag=True,
            help="Present the PIN even when one try is left; a wrong one then locks the token.",
        ),
        click.option("--secret-env", metavar="NAME", help="Environment variable with the shared secret, for an HMAC."),
        click.option(
            "--secret-file",
            metavar="FILE",
            help="File with the shared secret; one line end at its end is dropped. Files that every user may read are "
            "refused.",
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
