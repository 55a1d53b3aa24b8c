"""The content type of a WSP push: a media type, and parameters among which are SEC and MAC.

Guarantees: a media type that has a number is the same value whether it came as number or text; parameters keep their
octets, known or not, and none of Charset, SEC and MAC is there twice, whichever way it is named.
Leaves to its caller: whether a SEC or a MAC proves anything.

Spec: WAP-230-WSP, 8.4.2.4 (parameters), 8.4.2.24 (Content-Type), tables 38 and 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError, LimitExceededError
from smartcard_dm.push.wsp_coding import (
    FIRST_TEXT,
    SHORT_INTEGER,
    TOKEN_CHARACTERS,
    WspReader,
    encode_integer,
    encode_text,
    encode_token,
    encode_value_length,
)
from smartcard_dm.push.wsp_names import CHARSET, MAC, MEDIA_NUMBERS, MEDIA_TYPES, PARAMETERS, SEC, Q
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from smartcard_dm.limits import Limits

STRUCTURE: Final = "WSP content type"
_ONCE: Final = (CHARSET, SEC, MAC)
_NUMBERS: Final = {name.lower(): number for number, name in PARAMETERS.items()}
_QUOTED = '"'


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a content type.

    Raises:
        ValueError: no such name, or not exactly one value.
    """

    name: int | str
    """Its number, 0 to 127, or its name where it came as text."""
    value: bytes
    """Its value as WSP codes it."""

    def __post_init__(self) -> None:
        if isinstance(self.name, str):
            encode_token(self.name)
        elif not 0 <= self.name < SHORT_INTEGER:
            raise ValueError(f"a parameter has a number of 0 to 127, found {self.name}")
        reader = WspReader(self.value, structure=STRUCTURE)
        try:
            _skip_value(reader, self.name)
        except EnvelopeError as error:
            raise ValueError(f"no value of a parameter: {error}") from error
        if reader.remaining:
            raise ValueError("a parameter has one value, found more")

    @property
    def number(self) -> int | None:
        """The number of a parameter this project knows by its name too; None for a name without one."""
        return self.name if isinstance(self.name, int) else _NUMBERS.get(self.name.lower())

    @classmethod
    def sec(cls, code: int) -> Parameter:
        """Return the SEC parameter, by its number."""
        return cls(SEC, encode_integer(code))

    @classmethod
    def mac(cls, text: str) -> Parameter:
        """Return the MAC parameter."""
        return cls(MAC, encode_text(text))


@dataclass(frozen=True, slots=True)
class ContentType:
    """A content type.

    Raises:
        ValueError: no media type; text asked for where there is nothing else; a parameter that is there twice or has
            a value of another kind.
    """

    media: str
    """Media type in lower case."""
    parameters: tuple[Parameter, ...] = ()
    """In the order they came."""
    as_text: bool = False
    """Whether a media type that has a number is written out all the same."""

    def __post_init__(self) -> None:
        if not is_media_type(self.media) or self.media != self.media.lower():
            raise ValueError(f"no media type in lower case: {self.media!r}")
        if self.as_text and self.media not in MEDIA_NUMBERS:
            raise ValueError(f"{self.media} has no number: it is written out in any case")
        try:
            check_parameters(self.parameters)
        except EnvelopeError as error:
            raise ValueError(str(error)) from error

    @property
    def sec(self) -> int | str | None:
        """The method of SEC, by number or by name; None where there is none."""
        value = _value(self.parameters, SEC)
        return None if value is None else _number_or_text(value)

    @property
    def mac(self) -> str | None:
        """The text of MAC; None where there is none."""
        value = _value(self.parameters, MAC)
        return None if value is None else _text(value)

    @property
    def charset(self) -> int | str | None:
        """The MIBenum of the character set, or its name; None where there is none."""
        value = _value(self.parameters, CHARSET)
        return None if value is None else _number_or_text(value)


def is_media_type(text: str) -> bool:
    """Tell whether a text is a media type without parameters."""
    parts = text.split("/")
    return len(parts) == 2 and all(part and TOKEN_CHARACTERS.issuperset(part) for part in parts)


def read_content_type(reader: WspReader, limits: Limits) -> ContentType:
    """Read a content type in any of its forms: number, text, or the general form with parameters.

    Raises:
        EnvelopeError: it is malformed, or its media type has a number that nobody here knows.
        LimitExceededError: it has more parameters than `Limits.wsp_headers`.
    """
    if reader.peek() >= FIRST_TEXT:
        return _media(reader)
    inner = reader.inside(reader.value_length(), STRUCTURE)
    media = _media(inner)
    parameters: list[Parameter] = []
    while inner.remaining:
        if len(parameters) >= limits.wsp_headers:
            raise LimitExceededError(STRUCTURE, "wsp_headers", limits.wsp_headers, offset=inner.position)
        parameters.append(_parameter(inner))
    check_parameters(tuple(parameters))
    return ContentType(media.media, tuple(parameters), as_text=media.as_text)


def encode_content_type(content_type: ContentType) -> bytes:
    """Return a content type: in the general form where it has parameters."""
    number = MEDIA_NUMBERS.get(content_type.media)
    written_out = number is None or content_type.as_text
    media = encode_text(content_type.media) if written_out or number is None else encode_integer(number)
    if not content_type.parameters:
        return media
    value = media + b"".join(_encode_parameter(parameter) for parameter in content_type.parameters)
    return encode_value_length(len(value)) + value


def check_parameters(parameters: tuple[Parameter, ...]) -> None:
    """Check the parameters this project knows.

    Raises:
        EnvelopeError: one is there twice, or has a value of another kind.
    """
    for number in _ONCE:
        values = [parameter.value for parameter in parameters if parameter.number == number]
        name = PARAMETERS[number]
        if len(values) > 1:
            raise EnvelopeError(WspRule.PARAMETER_TWICE, STRUCTURE, f"{name} is there {len(values)} times")
        for value in values:
            wanted = "text" if number == MAC else "an integer or text"
            as_text = FIRST_TEXT <= value[0] < SHORT_INTEGER
            if value[0] == 0 or (number == MAC and not as_text):
                _refuse(name, wanted, value)
            reader = WspReader(value, structure=STRUCTURE)
            _ = reader.text() if as_text else reader.integer()


def _refuse(name: str, wanted: str, value: bytes) -> None:
    raise EnvelopeError(
        WspRule.PARAMETER, STRUCTURE, f"{name} has a value of another kind", wanted=wanted, found=f"{value[0]:02X}"
    )


def _media(reader: WspReader) -> ContentType:
    start = reader.position
    if FIRST_TEXT <= reader.peek() < SHORT_INTEGER:
        text = reader.text()
        if not is_media_type(text):
            reader.refuse(WspRule.MEDIA_TYPE, "no media type", offset=start, wanted="type/subtype")
        media = text.lower()
        return ContentType(media, as_text=media in MEDIA_NUMBERS)
    number = reader.integer()
    known = MEDIA_TYPES.get(number)
    if known is None:
        reader.refuse(WspRule.MEDIA_TYPE, "a number of no media type known here", offset=start, found=f"0x{number:02X}")
    return ContentType(known)


def _parameter(reader: WspReader) -> Parameter:
    first = reader.peek()
    if FIRST_TEXT <= first < SHORT_INTEGER:
        name: int | str = reader.token()
    elif first >= SHORT_INTEGER:
        name = reader.octet() & 0x7F
    else:
        wanted = "20 to FF"
        reader.refuse(WspRule.PARAMETER, "the name of a parameter is missing", wanted=wanted, found=f"{first:02X}")
    start = reader.position
    _skip_value(reader, name)
    return Parameter(name, reader.since(start))


def _skip_value(reader: WspReader, name: int | str) -> None:
    # A quality factor is a bare uintvar, whose first octet does not say how long it is as others do.
    if name == Q:
        reader.uintvar()
    else:
        reader.value()


def _encode_parameter(parameter: Parameter) -> bytes:
    name = parameter.name
    return (encode_token(name) if isinstance(name, str) else encode_integer(name)) + parameter.value


def _value(parameters: tuple[Parameter, ...], number: int) -> bytes | None:
    return next((parameter.value for parameter in parameters if parameter.number == number), None)


def _number_or_text(value: bytes) -> int | str:
    if FIRST_TEXT <= value[0] < SHORT_INTEGER:
        return _text(value)
    return WspReader(value, structure=STRUCTURE).integer()


def _text(value: bytes) -> str:
    return WspReader(value, structure=STRUCTURE).text().removeprefix(_QUOTED)
