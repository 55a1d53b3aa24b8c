"""The header fields that a push over SIP needs, read strictly and written.

Guarantees: a field that must stand once and does not is refused, as is one that does not have its form. Text between
quotes and angle brackets is never cut. Leaves to its caller: what follows from the values.
Spec: RFC 3261, clauses 7.3.1, 8.1.1, 20 and 25.1; RFC 3581 (rport); RFC 3840 and RFC 3841 (feature tags).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.shown import shown
from smartcard_dm.push.sip_message import TOKEN
from smartcard_dm.push.sip_rules import SipRule

if TYPE_CHECKING:
    from smartcard_dm.push.sip_message import SipRequest, SipResponse

BRANCH_COOKIE: Final = "z9hG4bK"
"""How every branch of RFC 3261 begins; older ones say nothing about a transaction."""
APPLICATION_TAG: Final = "+g.oma.pusheventapp"
"""Feature tag that names the application of a SIP push."""
DM_APPLICATION: Final = "syncml.dm"

_SPACE: Final = " \t"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_VIA: Final = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z0-9\-.!%*_+`'~]+)\s+"
    r"(?P<host>[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(?:\s*:\s*(?P<port>[0-9]{1,5}))?\s*",
    re.IGNORECASE | re.ASCII,
)
_HOST: Final = re.compile(r"[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\]")
_CALL_ID: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+(?:@[\x21-\x3f\x41-\x7e]+)?")
_CSEQ: Final = re.compile(r"([0-9]{1,10})[ \t]+(\S+)")
_MAX_FORWARDS: Final = re.compile(r"[0-9]{1,3}")
_MEDIA: Final = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+)\s*/\s*([A-Za-z0-9\-.!%*_+`'~]+)")
_ADDRESS_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"]+")

Parameters = tuple[tuple[str, str | None], ...]
"""Names in lower case, with their values as they stand; None where there is no equals sign."""


@dataclass(frozen=True, slots=True)
class Via:
    """One hop a request took."""

    transport: str
    host: str
    """As it says itself; an IPv6 address in brackets."""
    port: int | None
    parameters: Parameters

    @property
    def sent_by(self) -> str:
        """Host and port, as they say themselves."""
        return self.host.lower() if self.port is None else f"{self.host.lower()}:{self.port}"

    @property
    def branch(self) -> str | None:
        """The name of the transaction, None where it has none of RFC 3261."""
        value = value_of(self.parameters, "branch")
        return value if value is not None and value.startswith(BRANCH_COOKIE) else None

    def seen_from(self, host: str, port: int) -> Via:
        """Return the hop with the address it was really seen from, for an answer (RFC 3261 18.2.1, RFC 3581 4)."""
        asked = any(name == "rport" for name, _ in self.parameters)
        kept = [(name, value) for name, value in self.parameters if name not in {"received", "rport"}]
        if asked or self.host.strip("[]").lower() != host.lower():
            kept.append(("received", host))
        if asked:
            kept.append(("rport", str(port)))
        return replace(self, parameters=tuple(kept))

    def text(self) -> str:
        """Return the value of the field."""
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{parameters_text(self.parameters)}"


@dataclass(frozen=True, slots=True)
class Core:
    """The fields every request has (RFC 3261 8.1.1)."""

    via: Via
    """The last hop."""
    hops: int
    from_tag: str | None
    to_tag: str | None
    call_id: str
    sequence: int


def read_core(request: SipRequest) -> Core:
    """Return what every request says.

    Raises:
        EnvelopeError: `sip.field-missing`, `sip.field-repeated` or `sip.field-form`.
    """
    hops = via_values(request)
    call_id = single(request, "call-id")
    if not _CALL_ID.fullmatch(call_id):
        raise _form("Call-ID", "no identifier", call_id)
    forwards = single(request, "max-forwards")
    if not _MAX_FORWARDS.fullmatch(forwards) or int(forwards) > 255:
        raise _form("Max-Forwards", "0 to 255", forwards)
    number, method = read_cseq(single(request, "cseq"))
    if method != request.method:
        raise _form("CSeq", "another method than the request's", method)
    return Core(
        via=read_via(hops[0]),
        hops=len(hops),
        from_tag=read_tag("From", single(request, "from")),
        to_tag=read_tag("To", single(request, "to")),
        call_id=call_id,
        sequence=number,
    )


def single(message: SipRequest | SipResponse, name: str) -> str:
    """Return the value of a field that stands exactly once.

    Raises:
        EnvelopeError: `sip.field-missing` or `sip.field-repeated`.
    """
    values = message.all(name)
    if not values:
        raise EnvelopeError(SipRule.FIELD_MISSING, "SIP headers", f"no {name}")
    if len(values) > 1:
        raise EnvelopeError(SipRule.FIELD_REPEATED, "SIP headers", f"{name} stands {len(values)} times, wanted once")
    return values[0]


def via_values(message: SipRequest | SipResponse) -> tuple[str, ...]:
    """Return the hops, the last one first; several may stand in one field.

    Raises:
        EnvelopeError: there is none.
    """
    hops = tuple(hop for value in message.all("via") for hop in cut(value, ","))
    if not hops:
        raise EnvelopeError(SipRule.FIELD_MISSING, "SIP headers", "no via")
    return hops


def read_via(value: str) -> Via:
    """Return one hop.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    found = _VIA.match(value)
    if found is None or not (found.end() == len(value) or value[found.end()] == ";"):
        raise _form("Via", "no hop of SIP/2.0", value)
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 0 < port <= 65535:
        raise _form("Via", "no port", value)
    return Via(found["transport"], found["host"], port, read_parameters("Via", value[found.end() :]))


def read_cseq(value: str) -> tuple[int, str]:
    """Return the number and the method of CSeq.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    found = _CSEQ.fullmatch(value)
    if found is None or int(found[1]) >= 1 << 31 or not TOKEN.fullmatch(found[2]):
        raise _form("CSeq", "no number below 2^31 and method", value)
    return int(found[1]), found[2]


def read_tag(name: str, value: str) -> str | None:
    """Return the tag of a From or To field, None where it has none.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    quoted = _QUOTED.match(value)
    rest = value[quoted.end() :].lstrip(_SPACE) if quoted else value
    if "<" in rest:
        display, _, rest = rest.partition("<")
        uri, closed, tail = rest.partition(">")
        if not closed or not all(TOKEN.fullmatch(word) for word in display.split()):
            raise _form(name, "no address", value)
    else:
        uri, semicolon, tail = rest.partition(";")
        tail = semicolon + tail
        if quoted:
            raise _form(name, "a name without an address in angle brackets", value)
    if not _ADDRESS_URI.fullmatch(uri.strip(_SPACE)):
        raise _form(name, "no address", value)
    tag = value_of(read_parameters(name, tail.lstrip(_SPACE)), "tag")
    if tag is not None and not TOKEN.fullmatch(tag):
        raise _form(name, "a tag that is no token", tag)
    return tag


def read_media_type(value: str) -> str:
    """Return a media type in lower case, without its parameters.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    kind, semicolon, tail = value.partition(";")
    found = _MEDIA.fullmatch(kind.strip(_SPACE))
    if found is None:
        raise _form("Content-Type", "no media type", value)
    read_parameters("Content-Type", semicolon + tail)
    return f"{found[1]}/{found[2]}".lower()


def read_tokens(request: SipRequest, name: str) -> tuple[str, ...]:
    """Return the tokens of a list such as Require, in lower case.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    found = tuple(token for value in request.all(name) for token in cut(value, ",") if token)
    for token in found:
        if not TOKEN.fullmatch(token):
            raise _form(name.title(), "no list of tokens", token)
    return tuple(token.lower() for token in found)


def applications_asked_for(request: SipRequest) -> tuple[frozenset[str], ...]:
    """Return, for each Accept-Contact that names push applications, which ones.

    Raises:
        EnvelopeError: `sip.field-form`.
    """
    asked: list[frozenset[str]] = []
    for predicate in (part for value in request.all("accept-contact") for part in cut(value, ",")):
        star, semicolon, tail = predicate.partition(";")
        if star.strip(_SPACE) != "*":
            raise _form("Accept-Contact", "no predicate that begins with *", predicate)
        value = value_of(read_parameters("Accept-Contact", semicolon + tail), APPLICATION_TAG)
        if value is not None:
            asked.append(frozenset(name.strip(_SPACE).lower() for name in unquoted(value).split(",")))
    return tuple(asked)


def read_parameters(name: str, text: str) -> Parameters:
    """Return the parameters of a field, from their first semicolon on; `name` is the field's, for errors.

    Raises:
        EnvelopeError: `sip.field-form`, which one that stands twice breaks too.
    """
    if not text.strip(_SPACE):
        return ()
    first, *parts = cut(text, ";")
    if first:
        raise _form(name, "text before the parameters", first)
    found: dict[str, str | None] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        key, value = key.strip(_SPACE).lower(), value.strip(_SPACE)
        sound = _QUOTED.fullmatch(value) or TOKEN.fullmatch(value) or _HOST.fullmatch(value)
        if not TOKEN.fullmatch(key) or key in found or (equals and not sound):
            raise _form(name, "parameters that are none, or stand twice", part)
        found[key] = value if equals else None
    return tuple(found.items())


def parameters_text(parameters: Parameters) -> str:
    """Return parameters as they stand in a field."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in parameters)


def value_of(parameters: Parameters, name: str) -> str | None:
    """Return the value of a parameter, None where it has none or is not there."""
    return next((value for key, value in parameters if key == name), None)


def unquoted(value: str) -> str:
    """Return what a quoted string says; other text as it is."""
    found = _QUOTED.fullmatch(value)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else value


def cut(text: str, separator: str) -> tuple[str, ...]:
    """Return the parts of a text between separators outside of quotes and angle brackets, without white space around.

    Raises:
        EnvelopeError: `sip.field-form`: a quote is not closed.
    """
    parts: list[str] = []
    begin = at = 0
    bracket = False
    while at < len(text):
        char = text[at]
        if char == '"' and not bracket:
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                raise _form("headers", "a quote that is not closed", text)
            at = quoted.end()
            continue
        if char in "<>":
            bracket = char == "<"
        elif char == separator and not bracket:
            parts.append(text[begin:at].strip(_SPACE))
            begin = at + 1
        at += 1
    parts.append(text[begin:].strip(_SPACE))
    return tuple(parts)


def _form(name: str, detail: str, found: str) -> EnvelopeError:
    return EnvelopeError(SipRule.FIELD_FORM, f"SIP {name}", detail, found=shown(found))
