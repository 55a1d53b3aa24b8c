"""What a receiver sees of a finished message: octets, tokens, XML form, the octets that were signed, sizes.

Guarantees: everything is read from the message itself, nothing from how it was made; known secrets are hidden.
Leaves to its caller: showing it.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md, 4 (what is signed).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm import wbxml
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.markup import parse_markup
from smartcard_dm.server.masking import HIDDEN, Mask
from smartcard_dm.server.push_size import PushSizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from smartcard_dm.limits import Limits
    from smartcard_dm.wbxml import DumpLine

HIDDEN_OCTET: Final = "**"
_SIGNATURE: Final = b"<Signature "
_END: Final = b"</SyncML>"
_OPAQUE: Final = "OPAQUE of "


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token, or one part of the header."""

    offset: int
    octets: tuple[str, ...]
    """Its octets in hex, `**` where a secret is."""
    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class ReceiverView:
    """A finished message as its receiver sees it."""

    octets: tuple[str, ...]
    """The message in hex, octet by octet, `**` where a secret is."""
    characters: str
    """The same in ASCII, `.` for what does not print."""
    tokens: tuple[TokenLine, ...]
    xml: str
    """Its XML form, secrets hidden."""
    xml_lines: tuple[str, ...]
    """The same with white space added, an element a line."""
    signed_octets: int
    """Length of the canonical octets that the signature covers."""
    signed_sha256: str
    sizes: PushSizes
    masked: bool
    """Whether anything is hidden."""


def receiver_view(message: bytes, secrets: Iterable[bytes] = (), *, limits: Limits = DEFAULT_LIMITS) -> ReceiverView:
    """Return what a receiver sees of a message.

    Args:
        message: WBXML, signed.
        secrets: values that are not to be shown.
        limits: bounds of the message.

    Raises:
        WbxmlError: not WBXML.
        LimitExceededError: too large.
        UnsupportedError: another document type, character set or WBXML version.
    """
    mask = Mask(secrets)
    hidden = mask.spans(message)
    octets = tuple(_hex(message, hidden))
    xml = wbxml.to_xml(message, limits=limits)
    signed = _signed_octets(xml)
    root = parse_markup(xml)
    for element in root.iter():
        if element.text:
            element.text = mask.text(element.text)
    shown = etree.tostring(root, method="c14n", exclusive=True, with_comments=False).decode()
    etree.indent(root)
    return ReceiverView(
        octets=octets,
        characters="".join(
            "*" if secret else chr(octet) if 0x20 <= octet < 0x7F else "."
            for octet, secret in zip(message, hidden, strict=True)
        ),
        tokens=tuple(_tokens(wbxml.dump(message, limits=limits), octets)),
        xml=shown,
        xml_lines=tuple(etree.tostring(root, encoding="unicode").splitlines()),
        signed_octets=len(signed),
        signed_sha256=hashlib.sha256(signed).hexdigest(),
        sizes=PushSizes(len(message)),
        masked=any(hidden),
    )


def _hex(octets: bytes, hidden: list[bool]) -> Iterator[str]:
    for octet, secret in zip(octets, hidden, strict=True):
        yield HIDDEN_OCTET if secret else f"{octet:02x}"


def _signed_octets(xml: bytes) -> bytes:
    """Return the canonical octets without the Signature, the last child of the root."""
    start = xml.rfind(_SIGNATURE)
    return xml if start < 0 else xml[:start] + _END


def _tokens(lines: Iterable[DumpLine], octets: tuple[str, ...]) -> Iterator[TokenLine]:
    for line in lines:
        shown = octets[line.offset : line.offset + len(line.octets)]
        yield TokenLine(line.offset, shown, line.depth, _token_text(line.text, hidden=HIDDEN_OCTET in shown))


def _token_text(text: str, *, hidden: bool) -> str:
    if not hidden:
        return text
    if text.startswith(_OPAQUE):
        return text.partition(":")[0]
    return f"{text.partition(' ')[0]} {HIDDEN}"
