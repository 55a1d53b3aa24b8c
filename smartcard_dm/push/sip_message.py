"""SIP requests and responses as values: built strictly, their heads read strictly.

Guarantees: what is built reads back as the same value; a value that would break out of its line is refused. Header
names are compared without case, compact forms are read as the long ones; a folded line is read as one line with a
space. Leaves to its caller: framing on a stream (`sip_reader`), and what the fields mean (`sip_headers`).
Spec: RFC 3261, clauses 7 and 25.1; compact forms of the IANA registry of SIP parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.shown import shown
from smartcard_dm.push.sip_rules import SipRule

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION: Final = "SIP/2.0"
CRLF: Final = "\r\n"
TOKEN: Final = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
"""A token of RFC 3261, 25.1."""

_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_SPELLING: Final = {"call-id": "Call-ID", "cseq": "CSeq"}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FOLD: Final = re.compile(r"\r\n[ \t]+")
_URI: Final = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+")  # no space, quote, <, >, \, ^, `, {|}
_STATUS: Final = re.compile(r"[1-6][0-9]{2}")
_DIGITS: Final = re.compile(r"[0-9]{1,10}")
_ANSWERS: Final[dict[str, int]] = {SipRule.BODY_SIZE: 413, SipRule.VERSION: 505}
"""What answers a request whose head is broken; 400 answers all others."""


@dataclass(frozen=True, slots=True)
class SipHeader:
    """One header field."""

    name: str
    """The long form in lower case."""
    value: str
    """Without white space around it."""


class _Fields:
    """What requests and responses share."""

    __slots__ = ()
    headers: tuple[SipHeader, ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of every field of that name (long form, lower case), in order."""
        return tuple(header.value for header in self.headers if header.name == name)

    def first(self, name: str) -> str | None:
        """Return the value of the first field of that name, None where there is none."""
        return next((header.value for header in self.headers if header.name == name), None)


@dataclass(frozen=True, slots=True)
class SipRequest(_Fields):
    """A request."""

    method: str
    """Case counts."""
    uri: str
    """The Request-URI."""
    headers: tuple[SipHeader, ...]
    """In the order of the wire, without Content-Length."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SipResponse(_Fields):
    """A response."""

    status: int
    """100 to 699."""
    reason: str
    """The reason phrase, of whoever answers."""
    headers: tuple[SipHeader, ...]
    """In the order of the wire, without Content-Length."""
    body: bytes = b""


SipMessage = SipRequest | SipResponse
Message = TypeVar("Message", bound=SipRequest | SipResponse)


@dataclass(frozen=True, slots=True)
class SipHead:
    """What stands before a body."""

    message: SipMessage
    """With an empty body."""
    length: int
    """Octets of the body that follows."""


class BrokenHeadError(Exception):
    """A head that cannot be read whole; never leaves the reader.

    Args:
        error: what is wrong.
        heard: the request as far as its lines are sound, from which an answer can be made; None for none.
        status: what a response to it would say.
    """

    def __init__(self, error: EnvelopeError, heard: SipRequest | None, status: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.heard = heard
        self.status = status


def build(message: SipMessage) -> bytes:
    """Return the octets of a message; Content-Length is always its last header.

    Raises:
        ValueError: a value does not fit into its line, or Content-Length is among the headers.
    """
    match message:
        case SipRequest():
            if not TOKEN.fullmatch(message.method) or not _URI.fullmatch(message.uri):
                raise ValueError("a method is a token, and a Request-URI holds no white space")
            start = f"{message.method} {message.uri} {VERSION}"
        case SipResponse():
            if not _STATUS.fullmatch(str(message.status)) or _CONTROL.search(message.reason):
                raise ValueError("a status is 100 to 699, and a reason is one line")
            start = f"{VERSION} {message.status} {message.reason}"
    lines = [start, *_header_lines(message.headers), f"Content-Length: {len(message.body)}", "", ""]
    return CRLF.join(lines).encode() + message.body


def read_head(octets: bytes, maximum: int) -> SipHead:
    """Return a start line and headers; `octets` ends with the empty line.

    Args:
        octets: from the first octet of the start line to the end of the empty line.
        maximum: octets a body may have.

    Raises:
        BrokenHeadError: one of the rules of `SipRule`.
    """
    try:
        text = octets[:-4].decode()
    except UnicodeDecodeError as error:
        raise BrokenHeadError(_line_error("text is UTF-8", error.start), None, 400) from None
    line, end, rest = text.partition(CRLF)
    if rest.startswith((" ", "\t")):  # a field may be folded, the line before them may not
        raise BrokenHeadError(_start_error("a start line is one line", [line]), None, 400)
    start, version = _read_start(line)
    headers: list[SipHeader] = []
    try:
        headers.extend(_read_header(field) for field in (_FOLD.sub(" ", rest).split(CRLF) if end else ()))
        _check_version(version)
        length = _content_length(headers, maximum)
    except EnvelopeError as error:
        status = _ANSWERS.get(error.rule, 400)
        heard = start if isinstance(start, SipRequest) else None
        raise BrokenHeadError(error, None if heard is None else _with(heard, headers), status) from None
    return SipHead(_with(start, headers), length)


def _header_lines(headers: Iterable[SipHeader]) -> Iterable[str]:
    for header in headers:
        if not TOKEN.fullmatch(header.name) or header.name != header.name.lower() or header.name in _COMPACT:
            raise ValueError(f"a header's name is the long form in lower case, found {header.name!r}")
        if header.name == "content-length":
            raise ValueError("Content-Length is written from the body")
        if _CONTROL.search(header.value) or header.value != header.value.strip(" \t"):
            raise ValueError(f"the value of {header.name} does not fit into its line")
        yield f"{_SPELLING.get(header.name) or header.name.title()}: {header.value}"


def _read_start(line: str) -> tuple[SipMessage, str]:
    """Return a message without fields, and the version it says: a request of another one is still answered."""
    try:
        if _CONTROL.search(line):
            raise _line_error("a line ends with CR LF and holds no control character", 0)
        parts = line.split(" ", 2)
        if len(parts) != 3:
            raise _start_error("a start line has three parts", parts)
        if _names_a_version(parts[0]):
            if not _STATUS.fullmatch(parts[1]):
                raise _start_error("a status is 100 to 699", parts)
            return SipResponse(int(parts[1]), parts[2], ()), parts[0]
        if not _names_a_version(parts[2]):
            raise _start_error("a request line ends with the version of SIP", parts)
        if not TOKEN.fullmatch(parts[0]) or not _URI.fullmatch(parts[1]):
            raise _start_error("a request line is a method and an address", parts)
    except EnvelopeError as error:
        raise BrokenHeadError(error, None, 400) from None
    return SipRequest(parts[0], parts[1], ()), parts[2]


def _names_a_version(text: str) -> bool:
    return text.isascii() and text.upper().startswith(
        "SIP/"
    )  # beyond ASCII there are other letters with these capitals


def _check_version(text: str) -> None:
    if text.upper() != VERSION:
        raise EnvelopeError(
            SipRule.VERSION, "SIP start line", "another version of SIP", wanted=VERSION, found=shown(text)
        )


def _read_header(line: str) -> SipHeader:
    if _CONTROL.search(line):
        raise _line_error("a line ends with CR LF and holds no control character", 0)
    name, colon, value = line.partition(":")
    name = name.rstrip(" \t")
    if not colon or not TOKEN.fullmatch(name):
        raise EnvelopeError(
            SipRule.HEADER, "SIP headers", "a header field is a name, a colon, a value", found=shown(line)
        )
    name = name.lower()
    return SipHeader(_COMPACT.get(name, name), value.strip(" \t"))


def _content_length(headers: list[SipHeader], maximum: int) -> int:
    values = [header.value for header in headers if header.name == "content-length"]
    if len(values) != 1 or not _DIGITS.fullmatch(values[0]):
        raise EnvelopeError(
            SipRule.CONTENT_LENGTH,
            "SIP headers",
            "a stream needs exactly one Content-Length",
            wanted="one decimal number",
            found=", ".join(shown(value) for value in values[:2]) or "none",
        )
    length = int(values[0])
    if length > maximum:
        raise EnvelopeError(
            SipRule.BODY_SIZE,
            "SIP body",
            "larger than the bound Limits.message_octets",
            wanted=f"at most {maximum} octets",
            found=values[0],
        )
    return length


def _with(message: Message, headers: Iterable[SipHeader]) -> Message:
    return replace(message, headers=tuple(header for header in headers if header.name != "content-length"))


def _line_error(detail: str, offset: int) -> EnvelopeError:
    return EnvelopeError(SipRule.LINE, "SIP headers", detail, offset=offset)


def _start_error(detail: str, parts: list[str]) -> EnvelopeError:
    return EnvelopeError(SipRule.START_LINE, "SIP start line", detail, found=shown(" ".join(parts)))
