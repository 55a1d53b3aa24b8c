"""The primitive values of WSP headers: uintvar, value-length, integers, text; read strictly, written in one form.

Guarantees: a reader never leaves the octets it was given; any octets give values or `EnvelopeError` with a `WspRule`.
Where WSP has one spelling of a number, others are refused. A value-length of up to 30 behind its quote octet is a
second spelling that the grammar allows: it is read, and never written.
Leaves to its caller: what a value means.

Spec: WAP-230-WSP, 8.1.2 (uintvar), 8.4.1.2 (how long a value is), 8.4.2.1, 8.4.2.2.
"""

from __future__ import annotations

from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from typing import NoReturn

TOKEN_CHARACTERS: Final = frozenset(ascii_letters + digits + "!#$%&'*+-.^_`|~")
"""Characters of a token (RFC 9110, 5.6.2)."""
SHORT_INTEGER: Final = 0x80
"""The bit that marks an integer of one octet, and a number in place of a name."""
FIRST_TEXT: Final = 0x20
"""The lowest octet that text begins with."""
QUOTE: Final = 0x7F
"""Stands before text whose first octet has its high bit set."""

_LENGTH_QUOTE = 0x1F
_LONGEST_UINTVAR = 5
_LARGEST = 0xFFFF_FFFF
_LONGEST_INTEGER = 30


def encode_uintvar(number: int) -> bytes:
    """Return a number, seven bits to an octet.

    Raises:
        ValueError: it does not fit into 32 bits.
    """
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"a uintvar has 32 bits, found {number}")
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def encode_value_length(length: int) -> bytes:
    """Return the length of a value: one octet up to 30, more behind the quote octet.

    Raises:
        ValueError: it does not fit into 32 bits.
    """
    uintvar = encode_uintvar(length)
    return uintvar if length < _LENGTH_QUOTE else bytes((_LENGTH_QUOTE,)) + uintvar


def encode_integer(number: int) -> bytes:
    """Return an integer, in one octet where it fits.

    Raises:
        ValueError: it is negative, or longer than 30 octets.
    """
    if 0 <= number < SHORT_INTEGER:
        return bytes((SHORT_INTEGER | number,))
    length = (number.bit_length() + 7) // 8
    if number < 0 or length > _LONGEST_INTEGER:
        raise ValueError(f"an integer of WSP has 0 to {_LONGEST_INTEGER} octets, found {number}")
    return bytes((length,)) + number.to_bytes(length, "big")


def encode_text(text: str) -> bytes:
    """Return text in UTF-8 with the octet that ends it, and the quote octet where it needs one.

    Raises:
        ValueError: it holds a control character.
    """
    octets = text.encode("utf-8")
    if _control(octets) is not None:
        raise ValueError("text of WSP has no control characters")
    return (bytes((QUOTE,)) if octets and octets[0] >= SHORT_INTEGER else b"") + octets + b"\0"


def encode_token(token: str) -> bytes:
    """Return a token with the octet that ends it.

    Raises:
        ValueError: it is none.
    """
    if not token or not TOKEN_CHARACTERS.issuperset(token):
        raise ValueError(f"no token: {token!r}")
    return token.encode("ascii") + b"\0"


class WspReader:
    """Reads values one after another from a part of some octets.

    Args:
        octets: the whole push, so that offsets in errors are those of the push.
        start: where the part begins.
        end: where it ends; None is the end of the octets.
        structure: what is read, for errors.
    """

    __slots__ = ("_end", "_octets", "_structure", "position")

    def __init__(self, octets: bytes, start: int = 0, end: int | None = None, *, structure: str = "WSP push") -> None:
        self._octets = octets
        self._end = len(octets) if end is None else end
        self._structure = structure
        self.position = start
        """Offset of the next octet."""

    @property
    def remaining(self) -> int:
        """Octets left."""
        return self._end - self.position

    def refuse(
        self,
        rule: WspRule,
        detail: str,
        *,
        offset: int | None = None,
        wanted: str | None = None,
        found: str | None = None,
    ) -> NoReturn:
        """Refuse what stands at an offset, which is that of the next octet where none is given."""
        at = self.position if offset is None else offset
        raise EnvelopeError(rule, self._structure, detail, offset=at, wanted=wanted, found=found)

    def peek(self) -> int:
        """Return the next octet and stay before it."""
        if not self.remaining:
            self.refuse(WspRule.CUT, "an octet is missing", wanted="1 octet", found="none")
        return self._octets[self.position]

    def octet(self) -> int:
        """Return the next octet."""
        octet = self.peek()
        self.position += 1
        return octet

    def take(self, length: int) -> bytes:
        """Return the next octets."""
        if length > self.remaining:
            self.refuse(WspRule.CUT, "octets are missing", wanted=f"{length} octets", found=str(self.remaining))
        self.position += length
        return self._octets[self.position - length : self.position]

    def rest(self) -> bytes:
        """Return all octets that are left."""
        return self.take(self.remaining)

    def since(self, start: int) -> bytes:
        """Return what was read since an offset, as it came."""
        return self._octets[start : self.position]

    def inside(self, length: int, structure: str) -> WspReader:
        """Return a reader for the next octets, and go on behind them."""
        if length > self.remaining:
            detail = "the value reaches past what holds it"
            self.refuse(WspRule.VALUE_LENGTH, detail, wanted=f"at most {self.remaining} octets", found=str(length))
        start = self.position
        self.position += length
        return WspReader(self._octets, start, self.position, structure=structure)

    def uintvar(self) -> int:
        """Return a number of at most 32 bits in its one spelling."""
        start, number = self.position, 0
        while True:
            octet = self.octet()
            if octet == 0x80 and number == 0:
                self.refuse(WspRule.UINTVAR, "a number begins with an empty group", offset=start, found="80")
            number = number << 7 | octet & 0x7F
            if octet < 0x80:
                break
            if self.position - start >= _LONGEST_UINTVAR:
                wanted = f"at most {_LONGEST_UINTVAR} octets"
                self.refuse(WspRule.UINTVAR, "the number does not end", offset=start, wanted=wanted)
        if number > _LARGEST:
            self.refuse(WspRule.UINTVAR, "the number is too large", offset=start, wanted="at most 32 bits")
        return number

    def value_length(self) -> int:
        """Return the length of the value that follows."""
        first = self.octet()
        if first < _LENGTH_QUOTE:
            return first
        if first != _LENGTH_QUOTE:
            wanted = "00 to 1F"
            self.refuse(
                WspRule.VALUE_LENGTH,
                "a length is missing",
                offset=self.position - 1,
                wanted=wanted,
                found=f"{first:02X}",
            )
        return self.uintvar()

    def integer(self) -> int:
        """Return an integer: up to 127 in one octet, longer ones without leading zeros."""
        start = self.position
        first = self.octet()
        if first >= SHORT_INTEGER:
            return first & 0x7F
        if not 1 <= first <= _LONGEST_INTEGER:
            wanted = "01 to 1E, or 80 to FF"
            self.refuse(WspRule.INTEGER, "an integer is missing", offset=start, wanted=wanted, found=f"{first:02X}")
        octets = self.take(first)
        if octets[0] == 0 or (first == 1 and octets[0] < SHORT_INTEGER):
            self.refuse(
                WspRule.INTEGER, "the integer is not in its shortest form", offset=start, found=octets.hex().upper()
            )
        return int.from_bytes(octets, "big")

    def text(self) -> str:
        """Return text without its quote octet and the octet that ends it."""
        start = self.position
        octets = self._until_nul()
        if octets[:1] == bytes((QUOTE,)):
            octets = octets[1:]
            if octets[:1] < bytes((SHORT_INTEGER,)):
                self.refuse(WspRule.TEXT, "a quote octet before text that needs none", offset=start)
        elif octets[:1] >= bytes((SHORT_INTEGER,)):
            self.refuse(WspRule.TEXT, "the quote octet is missing", offset=start, found=f"{octets[0]:02X}")
        control = _control(octets)
        if control is not None:
            self.refuse(WspRule.TEXT, "a control character in text", offset=start, found=f"{control:02X}")
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise EnvelopeError(
                WspRule.TEXT, self._structure, "the text is no UTF-8", offset=start + error.start
            ) from error

    def token(self) -> str:
        """Return a token."""
        start = self.position
        token = self._until_nul()
        wrong = next((octet for octet in token if chr(octet) not in TOKEN_CHARACTERS), None)
        if not token or wrong is not None:
            found = "nothing" if wrong is None else f"{wrong:02X}"
            self.refuse(
                WspRule.TEXT, "no token", offset=start, wanted="letters, digits and !#$%&'*+-.^_`|~", found=found
            )
        return token.decode("ascii")

    def value(self) -> bytes:
        """Return one value of any kind as it came, cut by its first octet alone."""
        start = self.position
        first = self.peek()
        if first >= SHORT_INTEGER:
            self.octet()
        elif first >= FIRST_TEXT:
            self._until_nul()
        else:
            length = self.value_length()
            if length > self.remaining:
                wanted = f"at most {self.remaining} octets"
                detail = "the value reaches past what holds it"
                self.refuse(WspRule.VALUE_LENGTH, detail, offset=start, wanted=wanted, found=str(length))
            self.take(length)
        return self.since(start)

    def _until_nul(self) -> bytes:
        nul = self._octets.find(0, self.position, self._end)
        if nul < 0:
            self.refuse(WspRule.TEXT, "the text does not end", wanted="00", found="none")
        octets = self._octets[self.position : nul]
        self.position = nul + 1
        return octets


def _control(octets: bytes) -> int | None:
    return next((octet for octet in octets if octet < FIRST_TEXT or octet == QUOTE), None)
