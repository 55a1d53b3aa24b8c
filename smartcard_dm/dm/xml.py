"""The one place of this room that parses XML text.

Guarantees: no DTD, entity, comment, processing instruction or network access gets past this module; comments are
dropped where the caller says so; every error of the XML library leaves as a `DmError` that never quotes the document.
Leaves to its caller: the content model (see `xml_walk`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.dm.xml_walk import Document, XmlElement, readable
from smartcard_dm.errors import DmError, LimitExceededError

if TYPE_CHECKING:
    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.limits import Limits

_PROLOG: Final = re.compile(rb"(?:\xEF\xBB\xBF)?(?:<\?xml(?P<declaration>[ \t\r\n][^<>]*)\?>)?[ \t\r\n]*<(?![!?])")
_ENCODING: Final = re.compile(rb"encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"']*)[\"']")
_ATTRIBUTE: Final = etree.XPath("boolean(/descendant::*/@*)")
_PARSER_DEPTH: Final = 256
"""Elements open at one time that the XML library itself allows when it is not told to be generous."""


def _make_parser(*, drop_comments: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=drop_comments,
        remove_pis=False,
    )


_PARSER: Final = _make_parser(drop_comments=False)
_COMMENT_DROPPER: Final = _make_parser(drop_comments=True)
"""Two for all documents: making one takes as long as a small document, and the library lets in one thread at a time."""


def parse_xml(
    octets: bytes, *, root: str | tuple[str, ...], structure: str, limits: Limits, drop_comments: bool = False
) -> XmlElement:
    """Return the root element of an XML document.

    Args:
        octets: the document, in UTF-8.
        root: the name that the root has to have, as `{namespace}name`; or several, of which it has one.
        structure: what the document is, for errors.
        limits: holds `xml_octets` and `wbxml_depth`, the elements open at one time.
        drop_comments: passes over comments inside and behind the root element.

    Raises:
        DmError: not well-formed; another root; a DOCTYPE, comment, processing instruction or other encoding.
        LimitExceededError: too large or too deep.
    """
    if len(octets) > limits.xml_octets:
        raise LimitExceededError(structure, "xml_octets", limits.xml_octets, found=f"{len(octets)} octets")
    prolog = _PROLOG.match(octets)
    if prolog is None:
        detail = "the document does not begin with its root element; a DOCTYPE, comment or instruction is refused"
        raise DmError(structure, detail, offset=0)
    encoding = _ENCODING.search(prolog["declaration"] or b"")
    if encoding is not None and encoding[1].lower() != b"utf-8":
        raise DmError(structure, "the document has another encoding", wanted="UTF-8")
    try:
        element = etree.fromstring(octets, _COMMENT_DROPPER if drop_comments else _PARSER)
    except etree.XMLSyntaxError as error:
        # The library's text may quote the document, which may hold secrets: only the kind of fault is told.
        kind = error.error_log.last_error.type_name if error.error_log.last_error is not None else "no content"
        place = f"line {error.lineno}, column {error.offset}"
        raise DmError(structure, f"the XML is not well-formed: {kind}", place=place) from None
    if _may_hold_others(octets, prolog.end()) and _holds_others(element):
        raise DmError(structure, "a comment or processing instruction is refused")
    if _deeper_than(limits.wbxml_depth)(element):
        raise LimitExceededError(structure, "wbxml_depth", limits.wbxml_depth, found="a deeper element")
    tag, roots = str(element.tag), (root,) if isinstance(root, str) else root
    if tag not in roots:
        wanted = " or ".join(map(readable, roots))
        raise DmError(structure, "another root element", wanted=wanted, found=readable(tag))
    return XmlElement(element, tag, Document(structure, limits, has_attributes=bool(_ATTRIBUTE(element))))


def _may_hold_others(octets: bytes, start: int) -> bool:
    """Whether a comment or processing instruction may stand behind `start`: no `!` or no `?`, none of them."""
    return octets.find(b"!", start) >= 0 or octets.find(b"?", start) >= 0


def _holds_others(root: LxmlElement) -> bool:
    """Whether there is a node that is neither element nor text; none stands before the root."""
    # Not an XPath: the library would gather all of them, in time that grows with the square of their number.
    others = root.iter(etree.Comment, etree.ProcessingInstruction)
    return root.getnext() is not None or next(others, None) is not None


@cache
def _deeper_than(depth: int) -> etree.XPath:
    """Return a test for an element below `depth` others."""
    return etree.XPath(f"boolean({'/*' * (min(depth, _PARSER_DEPTH) + 1)})")
