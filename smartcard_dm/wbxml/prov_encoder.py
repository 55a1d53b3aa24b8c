"""PROV 1.0 documents: an XML tree to WBXML.

Guarantees: attribute tokens wherever the document type has one for a name with its value, inline strings
elsewhere, page switches only in the attribute space and only where needed.
Spec: WAP-192-WBXML, 5.8; OMA-WAP-TS-ProvCont-V1_1, 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.errors import LimitExceededError, WbxmlError
from smartcard_dm.wbxml.prov import ATTRIBUTE_NAMES, START_TOKENS, TAG_TOKENS, VALUE_TOKENS
from smartcard_dm.wbxml.tokens import HAS_ATTRIBUTES, HAS_CONTENT, Global

if TYPE_CHECKING:
    from lxml import etree

_XML = "PROV XML"


class ProvEncoder:
    """Writes the body of one PROV document."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._page = 0
        self._parts: list[bytes] = []

    def body(self, root: etree._Element) -> bytes:
        """Return the body of a document that has neither comments nor processing instructions.

        Raises:
            WbxmlError: an element or attribute that the document type does not have.
            LimitExceededError: the document is deeper than its bound.
        """
        self._element(root, 1, "")
        return b"".join(self._parts)

    def _element(self, element: etree._Element, depth: int, above: str) -> None:
        name = str(element.tag)
        place = f"{above}/{name}"
        if depth > self._depth:
            raise LimitExceededError(_XML, "wbxml_depth", self._depth, place=place)
        token = TAG_TOKENS.get(name.encode())
        if token is None:
            raise WbxmlError(_XML, "no such element in PROV 1.0", place=place)
        content = bool(len(element) or element.text)
        attributes = {str(key): str(value) for key, value in sorted(element.attrib.items())}
        self._parts.append(bytes((token | (HAS_CONTENT if content else 0) | (HAS_ATTRIBUTES if attributes else 0),)))
        for key, value in attributes.items():
            if key.encode() not in ATTRIBUTE_NAMES:
                raise WbxmlError(_XML, f"no attribute {key} in PROV 1.0", place=place)
            self._attribute(key.encode(), value.encode())
        if attributes:
            self._parts.append(bytes((Global.END,)))
        if content:
            self._text(element.text)
            for child in element:
                self._element(child, depth + 1, place)
                self._text(child.tail)
            self._parts.append(bytes((Global.END,)))

    def _attribute(self, name: bytes, value: bytes) -> None:
        for page in (self._page, 1 - self._page):
            token = START_TOKENS[page].get((name, value))
            if token is not None:
                self._start(page, token)
                return
        page = self._page if (name, b"") in START_TOKENS[self._page] else 0
        self._start(page, START_TOKENS[page][name, b""])
        piece = VALUE_TOKENS[self._page].get(value)
        if piece is not None:
            self._parts.append(bytes((piece,)))
        else:
            self._text(value.decode())

    def _start(self, page: int, token: int) -> None:
        if page != self._page:
            self._parts.append(bytes((Global.SWITCH_PAGE, page)))
            self._page = page
        self._parts.append(bytes((token,)))

    def _text(self, text: str | None) -> None:
        if text:
            self._parts.append(bytes((Global.STR_I,)) + text.encode() + b"\0")
