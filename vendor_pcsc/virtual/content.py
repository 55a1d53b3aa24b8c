"""From a description of a file's content to its octets.

A description is a mapping of one generator's name to its value, such as `{hex: A706}`. The built-in generators
know octets only; generators that know PKCS#15 or OMA documents are given by the caller.

Guarantees: every failure is a `ProfileError` at the place of the description, and every result is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from vendor_pcsc.errors import ProfileError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CONTENT_LENGTH: Final = 32 * 1024
"""Octets of one file: READ BINARY reaches offset 7FFF."""
MAX_INPUT_LENGTH: Final = 4 * MAX_CONTENT_LENGTH
"""Octets of a file a generator reads: hexadecimal text with white space of the longest content."""

_DIGITS: Final = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class GeneratorContext:
    """What a generator may know and do besides its value."""

    base: Path
    """Folder against which file names are resolved: the profile's own."""
    place: str
    """Place of the description for errors, such as `files[3].content.odf`."""
    line: int = field(repr=False)
    generators: Mapping[str, Generator] = field(repr=False)

    def generate(self, value: object) -> bytes:
        """Return the octets of a nested description `{name: value}`.

        Raises:
            ProfileError: no such generator, its value is wrong, or the result is too long.
        """
        if not isinstance(value, dict) or len(value) != 1:
            raise self.error("wanted one generator and its value, such as {hex: A706}")
        [(name, argument)] = value.items()
        generator = self.generators.get(name)
        if generator is None:
            raise self.error(f"unknown generator {name!r}; known: {', '.join(sorted(self.generators))}")
        inner = replace(self, place=f"{self.place}.{name}")
        try:
            octets = generator(argument, inner)
        except ValueError as error:
            raise inner.error(str(error)) from error
        if len(octets) > MAX_CONTENT_LENGTH:
            raise inner.error(f"wanted at most {MAX_CONTENT_LENGTH} octets, found {len(octets)}")
        return octets

    def read_file(self, relative: str) -> bytes:
        """Return the octets of a file named relative to the profile; `..` is allowed.

        Raises:
            ProfileError: an absolute name, not a plain file, not readable, or too long.
        """
        name = Path(relative)
        if name.is_absolute():
            raise self.error("wanted a file name relative to the profile, found an absolute one")
        path = self.base / name
        try:
            if not path.is_file():
                raise self.error(f"there is no file {relative!r} beside the profile")
            with path.open("rb") as stream:
                octets = stream.read(MAX_INPUT_LENGTH + 1)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise self.error(f"file {relative!r} cannot be read") from error
        if len(octets) > MAX_INPUT_LENGTH:
            raise self.error(f"file {relative!r} has more than {MAX_INPUT_LENGTH} octets")
        return octets

    def at(self, index: int) -> GeneratorContext:
        """Return the context of an entry of a list."""
        return replace(self, place=f"{self.place}[{index}]")

    def error(self, detail: str) -> ProfileError:
        """Return the error that names this place."""
        return ProfileError(f"{self.place} (line {self.line})", detail)


Generator: TypeAlias = Callable[[object, GeneratorContext], bytes]
"""Makes octets of a value (text, list or dictionary); raises ValueError when the value is wrong."""


def with_built_in(injected: Mapping[str, Generator]) -> Mapping[str, Generator]:
    """Return the built-in generators and the injected ones.

    Raises:
        ValueError: an injected name is a built-in one.
    """
    taken = sorted(injected.keys() & BUILT_IN.keys())
    if taken:
        raise ValueError(f"generators are built in: {', '.join(taken)}")
    return {**BUILT_IN, **injected}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("wanted text")  # noqa: TRY004 - a generator reports a wrong value by ValueError
    return value


def _hex(value: object, _context: GeneratorContext) -> bytes:
    try:
        return bytes.fromhex(_text(value))
    except ValueError:
        raise ValueError("wanted pairs of hexadecimal digits") from None


def _ascii(value: object, _context: GeneratorContext) -> bytes:
    text = _text(value)
    if not text.isascii():
        raise ValueError("wanted ASCII characters only")
    return text.encode("ascii")


def _utf8(value: object, _context: GeneratorContext) -> bytes:
    try:
        return _text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("wanted text without lone surrogates") from None


def _file(value: object, context: GeneratorContext) -> bytes:
    name = _text(value)
    octets = context.read_file(name)
    if not name.endswith(".hex"):
        return octets
    try:
        return bytes.fromhex(octets.decode("ascii"))
    except ValueError:
        raise ValueError("the file's name ends with .hex, its text is not pairs of hexadecimal digits") from None


def _iccid(value: object, _context: GeneratorContext) -> bytes:
    # Spec: TS 102 221, 13.2; ITU-T E.118: up to 19 digits, 20 in use.
    digits = _decimal(value, 18, 20)
    return _swapped(digits.ljust(20, "F"))


def _imsi(value: object, _context: GeneratorContext) -> bytes:
    # Spec: TS 131 102, 4.2.2; TS 124 008, 10.5.1.4: the first half octet is 9 for an odd count of digits, else 1.
    digits = _decimal(value, 6, 15)
    coded = ("9" if len(digits) % 2 else "1") + digits
    octets = _swapped(coded + "F" * (len(coded) % 2))
    return bytes([len(octets)]) + octets.ljust(8, b"\xff")


def _concat(value: object, context: GeneratorContext) -> bytes:
    if not isinstance(value, list):
        raise ValueError("wanted a list of generators")  # noqa: TRY004 - as above
    octets = bytearray()
    for index, part in enumerate(value):
        octets += context.at(index).generate(part)
        if len(octets) > MAX_CONTENT_LENGTH:
            raise ValueError(f"wanted at most {MAX_CONTENT_LENGTH} octets in all")
    return bytes(octets)


def _truncate(value: object, context: GeneratorContext) -> bytes:
    fields = _fields(value, ("content", "length"))
    octets = context.generate(fields["content"])
    length = _number(fields["length"])
    if length > len(octets):
        raise ValueError(f"wanted a length of at most {len(octets)}, the octets of the content")
    return octets[:length]


def _pad(value: object, context: GeneratorContext) -> bytes:
    fields = _fields(value, ("content", "size"), ("octet",))
    octets = context.generate(fields["content"])
    size = _number(fields["size"])
    if size < len(octets):
        raise ValueError(f"wanted a size of at least {len(octets)}, the octets of the content")
    padding = _hex(fields.get("octet", "FF"), context)
    if len(padding) != 1:
        raise ValueError("wanted one octet of padding")
    return octets.ljust(size, padding)


def _empty(value: object, _context: GeneratorContext) -> bytes:
    if value:
        raise ValueError("wanted nothing")
    return b""


def _fields(value: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    if not isinstance(value, dict) or not set(required) <= value.keys() <= {*required, *optional}:
        also = f", and may have {', '.join(optional)}" if optional else ""
        raise ValueError(f"wanted a mapping that has {', '.join(required)}{also}")
    return value


def _number(value: object) -> int:
    text = _decimal(value, 1, 5)
    if int(text) > MAX_CONTENT_LENGTH:
        raise ValueError(f"wanted a number from 0 to {MAX_CONTENT_LENGTH}")
    return int(text)


def _decimal(value: object, low: int, high: int) -> str:
    text = _text(value)
    if not _DIGITS.fullmatch(text) or not low <= len(text) <= high:
        raise ValueError(f"wanted {low} to {high} decimal digits")
    return text


def _swapped(nibbles: str) -> bytes:
    return bytes.fromhex("".join(nibbles[i + 1] + nibbles[i] for i in range(0, len(nibbles), 2)))


BUILT_IN: Final[Mapping[str, Generator]] = MappingProxyType(
    {
        "ascii": _ascii,
        "concat": _concat,
        "empty": _empty,
        "file": _file,
        "hex": _hex,
        "iccid": _iccid,
        "imsi": _imsi,
        "pad": _pad,
        "truncate": _truncate,
        "utf8": _utf8,
    }
)
"""The generators every profile may use."""
