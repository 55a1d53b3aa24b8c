"""Commands as the card understands them, and answers before they are put on the wire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeAlias

from vendor_pcsc.virtual.status import SW, StatusError

SHORT_MAX: Final = 256
"""Octets an Le of 00 asks for. Spec: ISO/IEC 7816-4, 5.1."""
EXTENDED_MAX: Final = 65536
"""Octets an Le of 0000 asks for. Spec: ISO/IEC 7816-4, 5.1."""


@dataclass(frozen=True, slots=True)
class ClassByte:
    """What a class octet says. Spec: TS 102 221, 10.1.1."""

    channel: int
    """Logical channel, 0 to 19."""
    proprietary: bool
    """True for 8X, CX and EX: commands of TS 102 221 that ISO/IEC 7816-4 does not have."""


def parse_class(cla: int) -> ClassByte:
    """Return the meaning of a class octet.

    Raises:
        StatusError: 6882 for secure messaging; 6E00 for command chaining and for any other class, A0 included.
    """
    family = cla & 0x70
    proprietary = bool(cla & 0x80)
    if family == 0x00:
        if cla & 0x0C:
            raise StatusError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
        return ClassByte(cla & 0x03, proprietary)
    if family == 0x40:
        return ClassByte(4 + (cla & 0x0F), proprietary)
    if family == 0x60:
        raise StatusError(SW.SECURE_MESSAGING_NOT_SUPPORTED)
    raise StatusError(SW.UNKNOWN_CLASS)


@dataclass(frozen=True, slots=True)
class Command:
    """A command APDU, its lengths understood."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None
    """Octets asked for, 1 to 65536; None: no answer data are expected."""
    takes_all: bool = False
    """True when Le was 00 or 0000: as much as there is, up to `le`."""

    @property
    def channel(self) -> int:
        """Return the logical channel; the class octet has been checked before."""
        return parse_class(self.cla).channel

    def refuse_data(self) -> None:
        """Answer 6700 to a data field where none may be."""
        if self.data:
            raise StatusError(SW.WRONG_LENGTH)

    def require_p1(self, wanted: int) -> None:
        """Answer 6A86 to any other P1."""
        if self.p1 != wanted:
            raise StatusError(SW.WRONG_P1_P2)


class AnswerKind(Enum):
    """How the length of the data relates to Le."""

    TEMPLATE = auto()
    """A whole data object; Le may ask for more, and without Le there are no data."""
    RECORD = auto()
    """A whole record; Le is needed."""
    OCTETS = auto()
    """As many octets of a file as Le asks for; Le is needed."""
    AS_IS = auto()
    """Already cut to Le."""


def _nothing() -> None:
    """Change nothing."""


Effect: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers once its Le fits."""

    data: bytes = field(default=b"", repr=False)
    sw: int = SW.OK
    kind: AnswerKind = AnswerKind.TEMPLATE
    effect: Effect = field(default=_nothing, repr=False)
    """What the command changes; not done when a wrong Le makes the terminal send it again."""


def parse_apdu(apdu: bytes, *, extended: bool) -> Command:
    """Return the command of a short or, where allowed, extended APDU. Spec: ISO/IEC 7816-4, 5.1.

    Raises:
        StatusError: 6700 when the lengths do not agree with the octets.
    """
    if len(apdu) < 4:
        raise StatusError(SW.WRONG_LENGTH)
    header = (apdu[0], apdu[1], apdu[2], apdu[3])
    body = apdu[4:]
    if not body:
        return Command(*header)
    width = 1
    if body[0] == 0 and len(body) > 1:
        if not extended or len(body) < 3:
            raise StatusError(SW.WRONG_LENGTH)
        width, body = 2, body[1:]
    if len(body) == width:
        return _with_le(header, b"", body)
    count, rest = int.from_bytes(body[:width]), body[width:]
    if count == 0 or len(rest) not in {count, count + width}:
        raise StatusError(SW.WRONG_LENGTH)
    if len(rest) == count:
        return Command(*header, rest)
    return _with_le(header, rest[:count], rest[count:])


def _with_le(header: tuple[int, int, int, int], data: bytes, le_field: bytes) -> Command:
    count = int.from_bytes(le_field)
    most = SHORT_MAX if len(le_field) == 1 else EXTENDED_MAX
    return Command(*header, data, count or most, count == 0)
