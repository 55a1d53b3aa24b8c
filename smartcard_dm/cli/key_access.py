"""Which key a command signs with: one set of options for every command that signs.

Guarantees: a password or shared secret comes from an environment variable named on the command line, never from an
argument; exactly one key is named. Leaves to its caller: which algorithm to sign with.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import click

from smartcard_dm.cli.inputs import INPUT_FILE, STDIN
from smartcard_dm.cli.options import secret_from_environment
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.cli.inputs import InputFile
    from smartcard_dm.xmlsec import SigningKey

Command = TypeVar("Command", bound="Callable[..., object]")

KEY_FILE_OCTETS: Final = 64 * 1024
"""Octets of a private key's file. An RSA key of 16,384 bits needs 13,000."""


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What a command line says of the key to sign with."""

    key: InputFile | None
    key_password_env: str | None
    secret_env: str | None

    @property
    def name(self) -> str:
        """What lines about the key call it."""
        return self.key.name if self.key is not None else "the shared secret"

    @property
    def advice(self) -> str:
        """What to do about a key that cannot be used, in one clause."""
        if self.key is None:
            return "give a secret of 16 octets or more"
        return "give a PEM private key, and its password with --key-password-env if it has one"

    def check(self, other_input: InputFile | None = None) -> None:
        """Refuse a command line that names no key, or more than one; nothing is read.

        Args:
            other_input: the file the command reads besides; standard input can be one of the two.

        Raises:
            click.UsageError: the options do not go together.
        """
        if (self.key is None) == (self.secret_env is None):
            raise usage_error("give exactly one of --key and --secret-env")
        if self.key is None:
            if self.key_password_env is not None:
                raise usage_error("--key-password-env goes with --key")
        elif other_input is not None and self.key.path == STDIN == other_input.path:
            raise usage_error("standard input cannot hold both COMMANDS and the key: give one of them as a file")

    def load(self) -> SigningKey:
        """Return the key, ready to sign any number of messages.

        Raises:
            click.UsageError: the options do not go together, or what they name cannot be read.
            KeyMaterialError: what was read is no usable key.
        """
        self.check()
        password = secret_from_environment(self.key_password_env, "--key-password-env")
        secret = secret_from_environment(self.secret_env, "--secret-env")
        if secret is not None:
            return SecretSigningKey(secret)
        assert self.key is not None  # noqa: S101 - exactly one was checked for
        pem = self.key.read(KEY_FILE_OCTETS)
        if len(pem) > KEY_FILE_OCTETS:
            raise KeyMaterialError(f"larger than {KEY_FILE_OCTETS} octets: not a private key")
        return PrivateSigningKey.from_pem(pem, password)


def key_options(function: Command) -> Command:
    """Add --key, --secret-env and what belongs to them; the command gets them as one `signer`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        key: InputFile | None,
        key_password_env: str | None,
        secret_env: str | None,
        **others: object,
    ) -> object:
        return function(*arguments, signer=KeyAccess(key, key_password_env, secret_env), **others)

    options = (
        click.option(
            "--key",
            type=INPUT_FILE,
            metavar="PEM",
            help="File of the private key: RSA, EC (P-256, P-384, P-521) or Ed25519.",
        ),
        click.option(
            "--key-password-env", metavar="NAME", help="Environment variable with the password of the private key."
        ),
        click.option("--secret-env", metavar="NAME", help="Environment variable with the shared secret, for an HMAC."),
    )
    decorated: Callable[..., object] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value] # the same command to click, whatever its arguments are
