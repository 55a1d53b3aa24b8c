"""Files a command reads, whole and bounded.

Guarantees: never more octets are read than a bound and one; a file that cannot be read is a usage error that names it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from typing import BinaryIO

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file named on the command line."""

    path: str
    """As it was given; `-` is standard input."""

    @property
    def name(self) -> str:
        """What lines about it call it."""
        return "standard input" if self.path == STDIN else self.path

    def read(self, at_most: int) -> bytes:
        """Return its octets, one more than `at_most` when it is longer.

        Raises:
            click.UsageError: it cannot be read.
        """
        try:
            if self.path == STDIN:
                return _stdin().read(at_most + 1)
            with Path(self.path).open("rb") as stream:
                return stream.read(at_most + 1)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or str(error)
            raise usage_error(f"{self.name} cannot be read: {reason}; give a file that can be read") from error


if TYPE_CHECKING:
    _FileParam = click.ParamType[InputFile]
else:
    _FileParam = click.ParamType  # the older releases of click that are allowed have no type argument


class InputFileType(_FileParam):
    """The type of an argument that names a file to read."""

    name = "file"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,  # noqa: ARG002 - click's signature
        ctx: click.Context | None,  # noqa: ARG002 - same
    ) -> InputFile:
        """Return the file; it is opened when it is read."""
        return InputFile(os.fsdecode(str(value)))


INPUT_FILE: Final = InputFileType()


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise usage_error("standard input is closed: give a file")
    return sys.stdin.buffer
