"""Printing: JSON as one document, text through one console, octets to a file or a pipe.

Guarantees: JSON is UTF-8, in the order of its form, and ends with a newline; text wraps at the terminal's width, has no
padding at the end of a line, and is styled only on a terminal (with NO_COLOR not even there). A control character or a
character that changes the direction of text, which a card or a message may hold, is shown as its escape. A file is
written whole or left as it was.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.usage import usage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType
    from rich.segment import Segment

STDOUT: Final = "-"


def print_json(form: object) -> None:
    """Print one JSON document on stdout."""
    text = json.dumps(form, indent=2, ensure_ascii=False)
    _echo("".join(f"{_escaped(line)}\n" for line in text.split("\n")).encode())


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(mark if mark.isprintable() else json.dumps(mark)[1:-1] for mark in line)


def print_text(*renderables: RenderableType, wrap: bool = True) -> None:
    """Print text on stdout.

    Args:
        renderables: what to print, each from a new line.
        wrap: False for what is to be copied, such as a command line; it is then printed as it stands.
    """
    from rich.segment import Segments  # noqa: PLC0415 - a third of the start time of a command

    page = _Page()
    out = _console(page)
    options = out.options if wrap else out.options.update(width=1 << 16)
    lines = [line for item in renderables for line in out.render_lines(item, options, pad=False)]
    out.print(Segments([segment for line in lines for segment in _trimmed(line)]), soft_wrap=True, end="")
    _echo(page.getvalue().encode(page.encoding, "backslashreplace"))


def print_line(text: str) -> None:
    """Print one line on stdout at once, for a command that goes on."""
    _echo(f"{one_line(text)}\n".encode())


def print_value(text: str) -> None:
    """Print a value on stdout, line by line as it stands; a character that does not print is its escape."""
    _echo("".join(f"{visible(line)}\n" for line in text.split("\n")).encode("utf-8", "backslashreplace"))


def print_problem(text: str) -> None:
    """Print one line on stderr."""
    click.echo(f"smartcard-dm: {one_line(text)}", err=True)


def one_line(text: str) -> str:
    """Return text on one line, each run of white space as one space, with nothing in it that does not print."""
    return visible(" ".join(text.split()))


def visible(text: str) -> str:
    """Return text in which every character that does not print is its escape."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode("ascii") for mark in text)


def write_octets(path: str, octets: bytes, *, private: bool = False) -> None:
    """Write octets to a file whole, or leave what was there as it was; `-` is standard output.

    Args:
        path: the file.
        octets: what to write.
        private: whether a new file is readable by its owner only.

    Raises:
        click.UsageError: it cannot be written.
        BrokenPipeError: nobody reads standard output any more.
    """
    if path == STDOUT:
        _echo(octets)
        return
    try:
        _write_file(Path(os.path.realpath(path)), octets, 0o600 if private else 0o666)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{path} cannot be written: {reason}; give another -o FILE") from error


def stdout_is_terminal() -> bool:
    """Tell whether stdout is a terminal, where octets would do harm."""
    return sys.stdout is not None and sys.stdout.isatty()


def abandon_stdout() -> None:
    """Point stdout at nothing, so that flushing what is left of it at the end of the process cannot fail."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or no file at all
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _echo(octets: bytes) -> None:
    if sys.stdout is None:
        raise usage_error("standard output is closed: leave it open, or send it to a file")
    try:
        _echo_octets(octets)
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_stdout()
        raise usage_error(f"standard output cannot be written: {error.strerror}; send it elsewhere") from error


def _echo_octets(octets: bytes) -> None:
    click.echo(octets, nl=False)


def _write_file(path: Path, octets: bytes, new_mode: int) -> None:
    mode = None
    if path.exists():
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):  # a device or a pipe is written to, never replaced
            path.write_bytes(octets)
            return
        mode = stat.S_IMODE(there.st_mode)
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, new_mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Page(io.StringIO):
    """A page in memory that a console takes for stdout: a device that fails is met in one place, when it is written."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only in the standard library too
        """That of stdout."""
        return getattr(sys.stdout, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Tell whether stdout is a terminal."""
        return stdout_is_terminal()


def _console(page: _Page) -> Console:
    from rich.console import Console as RichConsole  # noqa: PLC0415 - a third of the start time of a command

    plain = bool(os.environ.get("NO_COLOR"))
    return RichConsole(file=page, highlight=False, emoji=False, markup=False, color_system=None if plain else "auto")


def _trimmed(line: list[Segment]) -> Iterator[Segment]:
    """Yield the segments of a line without the white space it ends with, every character visible."""
    from rich.segment import Segment as RichSegment  # noqa: PLC0415 - same

    width = len("".join(segment.text for segment in line).rstrip())
    for segment in line:
        kept = segment.text[:width]
        width -= len(kept)
        if kept:
            yield RichSegment(visible(kept), segment.style)
    yield RichSegment.line()
