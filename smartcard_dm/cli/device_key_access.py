"""Which key of the device opens encrypted parts: one set of options for every command that verifies.

What is encrypted to a shared secret of an account needs no option: the account has the secret.

Guarantees: a password or PIN comes from an environment variable, a file or a file descriptor named on the command line,
never from an argument; a token's PIN is presented once. Leaves to its caller: the message.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from smartcard_dm.cli.inputs import STDIN, InputFile
from smartcard_dm.cli.key_access import KeyType
from smartcard_dm.cli.key_files import is_pkcs12, password_of_key, pkcs12_content, read_key_file
from smartcard_dm.cli.options import secret_from_environment
from smartcard_dm.cli.secret_sources import PIN_OCTETS, secret_from_descriptor, secret_from_file
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.tokens import TokenDecryptionKey, TokenUri
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.secret import Secret
    from smartcard_dm.xmlsec.decryption_keys import DecryptionKey

Command = TypeVar("Command", bound="Callable[..., object]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceKeyAccess:
    """What a command line says of the device's key; it may say nothing."""

    key: InputFile | TokenUri | None = None
    password_env: str | None = None
    password_file: str | None = None
    pin_env: str | None = None
    pin_fd: int | None = None

    @property
    def name(self) -> str:
        """What lines about the key call it."""
        if isinstance(self.key, TokenUri):
            return self.key.path
        return "the device key" if self.key is None else self.key.name

    @property
    def advice(self) -> str:
        """What to do about a key that cannot be used, in one clause."""
        if isinstance(self.key, TokenUri):
            return (
                "`p11tool --list-tokens` and `pkcs11-tool --list-objects` show what there is; "
                "--device-pin-env gives a PIN"
            )
        return (
            "give a PEM or PKCS#12 file with one RSA private key, "
            "and its password with --device-key-password-env or --device-key-password-file if it has one"
        )

    def check(self, other_input: InputFile | None = None) -> None:
        """Refuse a command line whose options for the device's key do not go together; nothing is read.

        Args:
            other_input: the file the command reads besides; standard input can be one of the two.

        Raises:
            click.UsageError: the options do not go together.
        """
        passwords = [name for name in (self.password_env, self.password_file) if name is not None]
        if passwords and not isinstance(self.key, InputFile):
            raise usage_error(
                "--device-key-password-env and --device-key-password-file go with --device-key and a file"
            )
        if len(passwords) > 1:
            raise usage_error("give one of --device-key-password-env and --device-key-password-file")
        pins = [pin for pin in (self.pin_env, self.pin_fd) if pin is not None]
        if pins and not isinstance(self.key, TokenUri):
            raise usage_error("--device-pin-env and --device-pin-fd go with --device-key pkcs11:...")
        if len(pins) > 1:
            raise usage_error("give one of --device-pin-env and --device-pin-fd")
        if pins and isinstance(self.key, TokenUri) and self.key.pin_source is not None:
            raise usage_error("the URI names a pin-source: leave it out, or --device-pin-env and --device-pin-fd")
        if isinstance(self.key, InputFile) and other_input is not None and self.key.path == STDIN == other_input.path:
            raise usage_error("standard input cannot hold both the message and the key: give one of them as a file")

    def decryptor(self) -> MessageDecryptor:
        """Return what opens encrypted parts; a token is closed when the command ends.

        Raises:
            click.UsageError: what the options name cannot be read.
            KeyMaterialError: what was read is no key that opens anything.
        """
        return MessageDecryptor(device_key=self._load(), random=os.urandom)

    def _load(self) -> DecryptionKey | None:
        if isinstance(self.key, InputFile):
            return self._load_from_file(self.key)
        if self.key is None:
            return None
        key = TokenDecryptionKey.open(self.key, self._pin(self.key))
        context = click.get_current_context(silent=True)
        if context is not None:
            context.call_on_close(key.close)
        return key

    def _load_from_file(self, file: InputFile) -> DecryptionKey:
        password = password_of_key(self.password_env, self.password_file, "--device-key-password")
        octets = read_key_file(file)
        origin = f"the device key in {file.name}"
        if not is_pkcs12(octets):
            return PrivateDecryptionKey.from_pem(octets, password, origin=origin)
        # A key opens what was encrypted to it before its certificate expired: no certificate is looked at.
        return PrivateDecryptionKey.from_key(pkcs12_content(octets, password).key, origin=origin)

    def _pin(self, uri: TokenUri) -> Secret | None:
        if self.pin_fd is not None:
            return secret_from_descriptor(self.pin_fd, "--device-pin-fd", "PIN")
        if self.pin_env is not None:
            return secret_from_environment(self.pin_env, "--device-pin-env")
        return secret_from_file(uri.pin_source, "pin-source", PIN_OCTETS)


def device_key_options(function: Command) -> Command:
    """Add --device-key and what belongs to it; the command gets them as one `device`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        device_key: InputFile | TokenUri | None,
        device_key_password_env: str | None,
        device_key_password_file: str | None,
        device_pin_env: str | None,
        device_pin_fd: int | None,
        **others: object,
    ) -> object:
        device = DeviceKeyAccess(
            key=device_key,
            password_env=device_key_password_env,
            password_file=device_key_password_file,
            pin_env=device_pin_env,
            pin_fd=device_pin_fd,
        )
        return function(*arguments, device=device, **others)

    options = (
        click.option(
            "--device-key",
            type=KeyType(),
            metavar="KEY",
            help="The device's RSA private key, for what is encrypted to its certificate: a PEM or PKCS#12 file, or "
            "the PKCS#11 URI of a key on a token. What is encrypted to an account's secret needs none.",
        ),
        click.option(
            "--device-key-password-env", metavar="NAME", help="Environment variable with the password of that file."
        ),
        click.option("--device-key-password-file", metavar="FILE", help="File with the password of that file."),
        click.option(
            "--device-pin-env", metavar="NAME", help="Environment variable with the token's PIN; it is presented once."
        ),
        click.option(
            "--device-pin-fd",
            metavar="N",
            type=click.IntRange(min=0),
            help="File descriptor to read the token's PIN from.",
        ),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
