"""The header fields of a WSP push: known, unknown, and those that came as text; in their order, octet for octet.

Guarantees: a field keeps its value as it came; the application identifier is there once at most, whichever way it is
named, and no field is a second content type. Leaves to its caller: which application a push may be for.

Spec: WAP-230-WSP, 8.4.1 (fields, code pages), 8.4.2.54 (X-Wap-Application-Id), table 39.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.push.wsp_coding import (
    FIRST_TEXT,
    QUOTE,
    SHORT_INTEGER,
    WspReader,
    encode_integer,
    encode_text,
    encode_token,
)
from smartcard_dm.push.wsp_names import (
    APPLICATION_ID_FIELD,
    APPLICATION_IDS,
    CONTENT_TYPE,
    DEFAULT_PAGE,
    HEADER_FIELDS,
)
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits

STRUCTURE: Final = "WSP headers"
_LAST_SHORTCUT = 0x1F
_NUMBERS: Final = {name.lower(): number for number, name in HEADER_FIELDS.items()}


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field.

    Raises:
        ValueError: no such name, value or code page.
    """

    name: int | str
    """Its number in its code page, 0 to 127, or its name where it came as text."""
    value: bytes
    """Its value as WSP codes it."""
    page: int = DEFAULT_PAGE
    """The header code page its number belongs to, 1 to 255; 1 for a field that came as text."""

    def __post_init__(self) -> None:
        written = isinstance(self.name, str)
        if isinstance(self.name, str):
            encode_token(self.name)
        elif not 0 <= self.name < SHORT_INTEGER:
            raise ValueError(f"a header field has a number of 0 to 127, found {self.name}")
        if not 1 <= self.page <= 0xFF or (written and self.page != DEFAULT_PAGE):
            raise ValueError(f"no code page of this field: {self.page}")
        reader = WspReader(self.value, structure=STRUCTURE)
        try:
            _skip_value(reader, as_text=written)
        except EnvelopeError as error:
            raise ValueError(f"no value of a header field: {error}") from error
        if reader.remaining:
            raise ValueError("a header field has one value, found more")

    @property
    def number(self) -> int | None:
        """The number of a field of the first code page, known by its name too; None for any other."""
        if isinstance(self.name, str):
            return _NUMBERS.get(self.name.lower())
        return self.name if self.page == DEFAULT_PAGE else None

    @property
    def label(self) -> str:
        """How the field is called, for people."""
        if isinstance(self.name, str):
            return self.name
        page = "" if self.page == DEFAULT_PAGE else f" of code page {self.page}"
        known = HEADER_FIELDS.get(self.name) if self.page == DEFAULT_PAGE else None
        return known or f"field 0x{self.name:02X}{page}"

    @classmethod
    def application_id(cls, identifier: int | str) -> HeaderField:
        """Return the field that says which application a push is for, by number or by its URN."""
        value = encode_text(identifier) if isinstance(identifier, str) else encode_integer(identifier)
        return cls(APPLICATION_ID_FIELD, value)


def read_headers(reader: WspReader, limits: Limits) -> tuple[HeaderField, ...]:
    """Read header fields to the end of the reader.

    Raises:
        EnvelopeError: they are malformed, or contradict one another.
        LimitExceededError: there are more than `Limits.wsp_headers`.
    """
    fields: list[HeaderField] = []
    page, shifted = DEFAULT_PAGE, False
    while reader.remaining:
        if len(fields) >= limits.wsp_headers:
            raise LimitExceededError(STRUCTURE, "wsp_headers", limits.wsp_headers, offset=reader.position)
        first = reader.peek()
        shift = first == QUOTE or first < FIRST_TEXT
        if shift and shifted:
            reader.refuse(WspRule.CODE_PAGE, "two changes of the code page in a row")
        if shift:
            page = _page(reader)
        else:
            fields.append(_field(reader, page))
        shifted = shift
    if shifted:
        reader.refuse(WspRule.CODE_PAGE, "a change of the code page that no field follows")
    check_headers(tuple(fields))
    return tuple(fields)


def encode_headers(fields: tuple[HeaderField, ...]) -> bytes:
    """Return header fields, with changes of the code page where they need them."""
    written: list[bytes] = []
    page = DEFAULT_PAGE
    for field in fields:
        if isinstance(field.name, str):
            written.append(encode_token(field.name))
        else:
            if field.page != page:
                page = field.page
                written.append(bytes((page,)) if page <= _LAST_SHORTCUT else bytes((QUOTE, page)))
            written.append(encode_integer(field.name))
        written.append(field.value)
    return b"".join(written)


def check_headers(fields: tuple[HeaderField, ...]) -> None:
    """Check the fields this project knows.

    Raises:
        EnvelopeError: a second content type or application identifier; an application identifier of another kind.
    """
    if any(field.number == CONTENT_TYPE for field in fields):
        raise EnvelopeError(WspRule.HEADER_TWICE, STRUCTURE, "a second content type among the headers")
    found = [field for field in fields if field.number == APPLICATION_ID_FIELD]
    if len(found) > 1:
        raise EnvelopeError(WspRule.HEADER_TWICE, STRUCTURE, f"X-Wap-Application-Id is there {len(found)} times")
    for field in found:
        read_application_id(field)


def read_application_id(field: HeaderField) -> str:
    """Return the URN of an application, or its number in words where it has no URN here.

    Raises:
        EnvelopeError: the value is neither an integer nor text.
    """
    reader = WspReader(field.value, structure="X-Wap-Application-Id")
    if FIRST_TEXT <= reader.peek() < SHORT_INTEGER:
        return reader.text()
    number = reader.integer()
    return APPLICATION_IDS.get(number, f"number 0x{number:X}")


def _page(reader: WspReader) -> int:
    start = reader.position
    first = reader.octet()
    page = reader.octet() if first == QUOTE else first
    if page == 0:
        reader.refuse(WspRule.CODE_PAGE, "no such code page", offset=start, wanted="01 to FF", found="00")
    return page


def _field(reader: WspReader, page: int) -> HeaderField:
    first = reader.peek()
    as_text = first < SHORT_INTEGER
    name: int | str = reader.token() if as_text else reader.octet() & 0x7F
    start = reader.position
    _skip_value(reader, as_text=as_text)
    return HeaderField(name, reader.since(start), DEFAULT_PAGE if as_text else page)


def _skip_value(reader: WspReader, *, as_text: bool) -> None:
    # The value of a field with a name is text. Read as any value it could end elsewhere, and two readers would differ.
    if as_text and reader.peek() != 0 and not FIRST_TEXT <= reader.peek() < SHORT_INTEGER:
        wanted = "text"
        found = f"{reader.peek():02X}"
        reader.refuse(WspRule.HEADER, "a field with a name has a value that is no text", wanted=wanted, found=found)
    reader.value()
