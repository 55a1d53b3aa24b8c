"""The options of TLS: what a listener proves itself by and asks of senders, and whom a sender trusts.

Guarantees: a key's password comes from an environment variable or a file named on the command line, never from an
argument; options that do not go together are refused before anything is opened. Leaves to its caller: what is done
with the context.
"""

from __future__ import annotations

import functools
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.key_files import password_of_key
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.push.apart import TlsFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smartcard_dm.secret import Secret

    Option = Callable[[Callable[..., object]], Callable[..., object]]
    MakeContext = Callable[[Sequence[str], str | None, str | None, Secret | None], ssl.SSLContext]

Command = TypeVar("Command", bound="Callable[..., object]")

LISTENER_ADVICE: Final = (
    "give --cert and --key as PEM, the password of the key with --key-password-env or --key-password-file"
)
_SENDER_ADVICE: Final = (
    "give --ca, --cert and --key as PEM, the key's password with --key-password-env or --key-password-file"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerTls:
    """What a command line says of the TLS of a listener."""

    cert: str | None
    key: str | None
    key_password_env: str | None
    key_password_file: str | None
    client_ca: str | None
    require_client: bool

    @property
    def is_named(self) -> bool:
        """Whether anything is said at all."""
        return any((self.cert, self.key, self.key_password_env, self.key_password_file, self.client_ca)) or (
            self.require_client
        )

    @property
    def asked_of_senders(self) -> str:
        """What a sender has to show, in words."""
        if self.client_ca is None:
            return "TLS"
        return "TLS, certificate required" if self.require_client else "TLS, certificate asked for"

    def check(self) -> None:
        """Refuse options that do not go together; nothing is read.

        Raises:
            click.UsageError: they do not.
        """
        if self.cert is None:
            raise usage_error("give --cert and --key, which the listener proves itself by")
        if self.require_client and self.client_ca is None:
            raise usage_error("--require-client goes with --client-ca")
        _check_passwords(self.key_password_env, self.key_password_file)

    def files(self) -> TlsFiles:
        """Return the files and the password of the key; only the password is read.

        Raises:
            click.UsageError: the options do not go together, or there is no password where it was said to be.
        """
        self.check()
        assert self.cert is not None  # noqa: S101 - it was checked for
        return TlsFiles(
            certificate=self.cert,
            key=self.key or self.cert,
            client_ca=self.client_ca,
            required=self.require_client,
            passphrase=password_of_key(self.key_password_env, self.key_password_file, "--key-password"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderTls:
    """What a command line says of the TLS of a sender."""

    ca: tuple[str, ...]
    cert: str | None
    key: str | None
    key_password_env: str | None
    key_password_file: str | None

    def check(self) -> None:
        """Refuse options that do not go together; nothing is read.

        Raises:
            click.UsageError: they do not.
        """
        if self.cert is None and (self.key or self.key_password_env or self.key_password_file):
            raise usage_error("--key and its password go with --cert")
        _check_passwords(self.key_password_env, self.key_password_file)

    def context(self, make: MakeContext, *, as_json: bool) -> ssl.SSLContext:
        """Return what a sender needs.

        Args:
            make: `push.tls.client_context`, or one that does more.
            as_json: how an error is told.

        Raises:
            click.UsageError: no authority, or no password where it was said to be.
            click.exceptions.Exit: a file cannot be used.
        """
        password = password_of_key(self.key_password_env, self.key_password_file, "--key-password")
        with reported(as_json=as_json, advice=_SENDER_ADVICE):
            return make(self._authorities(), self.cert, self.key, password)

    def _authorities(self) -> Sequence[str]:
        """Return the files of the authorities that are trusted: those that are named, else those of this system.

        Raises:
            click.UsageError: none is named, and this system has none.
        """
        if self.ca:
            return self.ca
        system = ssl.get_default_verify_paths().cafile
        if system is None:
            raise usage_error("this system trusts no authority: give --ca FILE")
        return (system,)


def listener_tls_options(function: Command) -> Command:
    """Add --cert, --key, --client-ca and what belongs to them; the command gets them as one `tls`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        cert: str | None,
        key: str | None,
        key_password_env: str | None,
        key_password_file: str | None,
        client_ca: str | None,
        require_client: bool,
        **others: object,
    ) -> object:
        tls = ListenerTls(
            cert=cert,
            key=key,
            key_password_env=key_password_env,
            key_password_file=key_password_file,
            client_ca=client_ca,
            require_client=require_client,
        )
        return function(*arguments, tls=tls, **others)

    options: tuple[Option, ...] = (
        click.option("--cert", metavar="FILE", help="Certificate of the listener (PEM), intermediate ones after it."),
        click.option("--key", metavar="FILE", help="Its private key (PEM).  [default: in the file of --cert]"),
        *_password_options(),
        click.option(
            "--client-ca",
            metavar="FILE",
            help="Authorities of senders (PEM): ask each for a certificate, and refuse what comes from one without.",
        ),
        click.option(
            "--require-client", is_flag=True, help="Talk to no sender without a certificate of --client-ca at all."
        ),
    )
    return cast("Command", _decorated(command, options))


def sender_tls_options(function: Command) -> Command:
    """Add --ca, --cert, --key and what belongs to them; the command gets them as one `tls`."""

    @functools.wraps(function)
    def command(
        *arguments: object,
        ca: tuple[str, ...],
        cert: str | None,
        key: str | None,
        key_password_env: str | None,
        key_password_file: str | None,
        **others: object,
    ) -> object:
        tls = SenderTls(
            ca=ca, cert=cert, key=key, key_password_env=key_password_env, key_password_file=key_password_file
        )
        return function(*arguments, tls=tls, **others)

    options: tuple[Option, ...] = (
        click.option(
            "--ca",
            metavar="FILE",
            multiple=True,
            help="Authorities to trust (PEM); nothing else is. May be given again.  [default: those of this system]",
        ),
        click.option(
            "--cert", metavar="FILE", help="Certificate of the sender (PEM), for a listener that asks for one."
        ),
        click.option("--key", metavar="FILE", help="Its private key (PEM).  [default: in the file of --cert]"),
        *_password_options(),
    )
    return cast("Command", _decorated(command, options))


def _password_options() -> tuple[Option, ...]:
    return (
        click.option("--key-password-env", metavar="NAME", help="Environment variable with the password of the key."),
        click.option("--key-password-file", metavar="FILE", help="File with the password of the key."),
    )


def _decorated(command: Callable[..., object], options: Sequence[Option]) -> Callable[..., object]:
    for option in reversed(options):
        command = option(command)
    return command


def _check_passwords(variable: str | None, file: str | None) -> None:
    if variable is not None and file is not None:
        raise usage_error("give one of --key-password-env and --key-password-file")
