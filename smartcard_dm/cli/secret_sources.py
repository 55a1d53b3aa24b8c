"""Where a secret comes from when a command line names one: a file, a file descriptor, the terminal.

Guarantees: a secret is never an argument; what is read is bounded, and refused when it is longer, not cut. One line
end (LF or CRLF) at the end belongs to the editor and is dropped; everything else is part of the secret. A file that
every user of the machine may read is refused.
Environment variables: `options.secret_from_environment`.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

import click

from smartcard_dm.cli.usage import usage_error
from smartcard_dm.secret import Secret

SECRET_FILE_OCTETS: Final = 4096
"""Octets of a file that holds a secret, its line end included."""

PIN_OCTETS: Final = 256
"""Octets of a PIN for a token, its line end included; tokens take 255 at most."""


def secret_from_file(path: str | None, option: str, at_most: int = SECRET_FILE_OCTETS) -> Secret | None:
    """Return the secret a file holds.

    Pipes and terminals are read as they are; a regular file must not be readable by others (mode o+r).

    Raises:
        click.UsageError: it cannot be read, everybody may read it, it is empty or too long.
    """
    if path is None:
        return None
    try:
        with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - an unbuffered read of what may be a pipe
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_ISREG(mode) and mode & stat.S_IROTH:
                raise usage_error(f"{option}: every user may read {path}; take that away with: chmod o= {path}")
            return _secret(_read(stream.fileno(), at_most), f"{option}: {path}", at_most)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{option}: {path} cannot be read: {reason}") from error


def secret_from_descriptor(descriptor: int, option: str, what: str, at_most: int = PIN_OCTETS) -> Secret:
    """Return the secret that a file descriptor gives until its end, or until the first read that is short of a line.

    Raises:
        click.UsageError: it cannot be read, is empty or too long.
    """
    try:
        octets = os.read(descriptor, at_most + 1)
    except OSError as error:
        raise usage_error(f"{option}: file descriptor {descriptor} cannot be read: {error.strerror}") from error
    if not octets.rstrip(b"\r\n"):
        raise usage_error(f"{option}: file descriptor {descriptor} gave no {what}")
    return _secret(octets, f"{option}: file descriptor {descriptor}", at_most)


def secret_from_prompt(option: str, what: str, instead: str) -> Secret:
    """Return what is typed on the terminal, unseen.

    Raises:
        click.UsageError: standard input is no terminal.
    """
    if not sys.stdin.isatty():
        raise usage_error(f"{option}: standard input is no terminal; use {instead}")
    typed: str = click.prompt(what, hide_input=True, err=True)
    return Secret(typed.encode())


def _read(descriptor: int, at_most: int) -> bytes:
    octets = b""
    while len(octets) <= at_most and (more := os.read(descriptor, at_most + 1 - len(octets))):
        octets += more
    return octets


def _secret(octets: bytes, source: str, at_most: int) -> Secret:
    if len(octets) > at_most:
        raise usage_error(f"{source} holds more than {at_most} octets: not what is meant")
    octets = octets.removesuffix(b"\n").removesuffix(b"\r") if octets.endswith(b"\n") else octets
    if not octets:
        raise usage_error(f"{source} is empty")
    return Secret(octets)
