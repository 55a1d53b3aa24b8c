"""The one place of this room that parses XML text, and the strict walk over its elements.

Guarantees: no DTD, entity, comment, processing instruction, network access or attribute gets past this module; every
error of the XML library leaves as a `DmError` that quotes names and places, never text content.
Leaves to its caller: the content model of each element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.dm.namespaces import NOT_HANDLED
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.limits import Limits

_XML_SPACE: Final = " \t\r\n"
_PROLOG: Final = re.compile(rb"(?:\xEF\xBB\xBF)?(?:<\?xml(?P<declaration>[ \t\r\n][^<>]*)\?>)?[ \t\r\n]*<(?![!?])")
_ENCODING: Final = re.compile(rb"encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"']*)[\"']")
_REPEATED: Final = frozenset(
    {
        *("Add", "Alert", "Atomic", "Copy", "Delete", "Exec", "Get", "Replace", "Results", "Sequence", "Status"),
        *("Item", "Node", "SourceRef", "TargetRef"),
    }
)
"""Elements that may repeat: their place always carries an index."""


def clark(namespace: str, name: str) -> str:
    """Return the `{namespace}name` form of an element name."""
    return f"{{{namespace}}}{name}"


def readable(tag: str) -> str:
    """Return an element name as it is shown in errors: without the braces' noise, and never long."""
    namespace, _, name = tag.removeprefix("{").rpartition("}")
    return f"{name[:64]} of namespace {namespace[:64]!r}"


def canonical_octets(element: LxmlElement) -> bytes:
    """Return the exclusive canonical form of an element, in UTF-8, without its tail."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


@dataclass(frozen=True, slots=True)
class XmlElement:
    """An element, its place as an XML path, and the structure it is part of."""

    element: LxmlElement
    structure: str
    place: str

    @property
    def tag(self) -> str:
        """The name as `{namespace}name`."""
        return str(self.element.tag)

    def fault(self, detail: str, *, wanted: str | None = None, found: str | None = None) -> DmError:
        """Make the error that names this element."""
        return DmError(self.structure, detail, place=self.place, wanted=wanted, found=found)

    def text(self) -> str:
        """Return the text, exactly as it stands.

        Raises:
            DmError: an attribute or an element is there too.
        """
        self._refuse_attributes()
        if len(self.element):
            raise self.fault("an element stands where text belongs", found=readable(str(self.element[0].tag)))
        return self.element.text or ""

    def required_text(self) -> str:
        """Return the text, which must not be empty.

        Raises:
            DmError: the element is empty, or holds more than text.
        """
        text = self.text()
        if not text:
            raise self.fault("the element is empty", wanted="text")
        return text

    def nothing(self) -> None:
        """Check that the element is empty; white space is ignored.

        Raises:
            DmError: it holds anything.
        """
        if self.text().strip(_XML_SPACE):
            raise self.fault("text stands where nothing belongs")

    def children(self) -> Children:
        """Return a walk over the elements inside; white space between them is ignored.

        Raises:
            DmError: an attribute is there, or text other than white space stands between the elements.
        """
        self._refuse_attributes()
        texts = [self.element.text, *(child.tail for child in self.element)]
        if any(text and text.strip(_XML_SPACE) for text in texts):
            raise self.fault("text stands where only elements belong")
        return Children(self)

    def canonical(self) -> bytes:
        """Return the exclusive canonical form of this element."""
        return canonical_octets(self.element)

    def _refuse_attributes(self) -> None:
        if self.element.attrib:
            name = readable(str(next(iter(self.element.attrib))))
            raise self.fault("no element of this structure has attributes", found=f"attribute {name}")


class Children:
    """A walk over the elements inside one element, in the order of its content model."""

    __slots__ = ("_place", "_position", "_rest", "_structure", "_wanted")

    def __init__(self, parent: XmlElement) -> None:
        self._structure = parent.structure
        self._place = parent.place
        self._rest = list(_with_steps(parent.element))
        self._position = 0
        self._wanted: list[str] = []

    def move(self, place: str) -> None:
        """Name the parent differently from here on, once more is known about it than its XML path."""
        self._place = place

    def peek(self) -> XmlElement | None:
        """Return the next element without taking it."""
        if self._position == len(self._rest):
            return None
        _, element, step = self._rest[self._position]
        return XmlElement(element, self._structure, f"{self._place}/{step}")

    def take(self) -> XmlElement:
        """Take the next element, whatever it is.

        Raises:
            DmError: none is left.
        """
        child = self.peek()
        if child is None:
            raise self.unexpected()
        self._position += 1
        self._wanted.clear()
        return child

    def optional(self, tag: str) -> XmlElement | None:
        """Take the next element when it has this name."""
        if self._position < len(self._rest) and self._rest[self._position][0] == tag:
            return self.take()
        self._wanted.append(tag)
        return None

    def flag(self, tag: str) -> bool:
        """Take the next element when it has this name; it has to be empty.

        Raises:
            DmError: it is there and holds something.
        """
        child = self.optional(tag)
        if child is not None:
            child.nothing()
        return child is not None

    def required(self, tag: str) -> XmlElement:
        """Take the next element, which has to have this name.

        Raises:
            DmError: it is missing or another one stands in its place.
            UnsupportedError: what stands in its place is deliberately not handled.
        """
        child = self.optional(tag)
        if child is None:
            raise self.unexpected()
        return child

    def several(self, tag: str, *, least: int = 0) -> Iterator[XmlElement]:
        """Take elements as long as they have this name.

        Raises:
            DmError: there are fewer than `least`.
            UnsupportedError: what stands in their place is deliberately not handled.
        """
        count = 0
        while (child := self.optional(tag)) is not None:
            count += 1
            yield child
        if count < least:
            raise self.unexpected()

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            DmError: an element stands where none belongs.
            UnsupportedError: that element is deliberately not handled.
        """
        if self.peek() is not None:
            raise self.unexpected()

    def unexpected(self) -> DmError | UnsupportedError:
        """Make the error for the next element, or for its absence."""
        child = self.peek()
        wanted = " or ".join(tag.rpartition("}")[2] for tag in self._wanted) or "nothing more"
        if child is None:
            return DmError(self._structure, "an element is missing", place=self._place, wanted=wanted)
        if child.tag in NOT_HANDLED:
            return UnsupportedError(f"element {readable(child.tag)}", f"{child.structure} at {child.place}")
        return child.fault("an element stands out of place", wanted=wanted, found=readable(child.tag))


def _with_steps(parent: LxmlElement) -> Iterator[tuple[str, LxmlElement, str]]:
    """Give each child its name and its step in a path; an index is shown where the element may repeat, or does."""
    counts: dict[str, int] = {}
    for child in parent:
        tag = str(child.tag)
        counts[tag] = counts.get(tag, 0) + 1
        name = tag.rpartition("}")[2]
        yield tag, child, f"{name}[{counts[tag]}]" if name in _REPEATED or counts[tag] > 1 else name


def parse_xml(octets: bytes, *, root: str, structure: str, limits: Limits) -> XmlElement:
    """Return the root element of an XML document.

    Args:
        octets: the document, in UTF-8.
        root: the name that the root has to have, as `{namespace}name`.
        structure: what the document is, for errors.
        limits: holds `xml_octets` and `wbxml_depth`, the elements open at one time.

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
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
    )
    try:
        element = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        # The library's text may quote the document, which may hold secrets: only the kind of fault is told.
        kind = error.error_log.last_error.type_name if error.error_log.last_error is not None else "no content"
        place = f"line {error.lineno}, column {error.offset}"
        raise DmError(structure, f"the XML is not well-formed: {kind}", place=place) from None
    _check_tree(element, structure, limits)
    if element.tag != root:
        raise DmError(structure, "another root element", wanted=readable(root), found=readable(str(element.tag)))
    return XmlElement(element, structure, f"/{root.rpartition('}')[2]}")


def _check_tree(root: LxmlElement, structure: str, limits: Limits) -> None:
    """Refuse depth, and every node that is neither element nor text."""
    if root.getnext() is not None:
        raise DmError(structure, "a comment or processing instruction stands after the root element")
    depth, level = 0, [root]
    while level:
        depth += 1
        if depth > limits.wbxml_depth:
            raise LimitExceededError(structure, "wbxml_depth", limits.wbxml_depth, found="a deeper element")
        for element in level:
            if not isinstance(element.tag, str):
                raise DmError(structure, "a comment or processing instruction is refused", place=f"depth {depth}")
        level = [child for element in level for child in element]
