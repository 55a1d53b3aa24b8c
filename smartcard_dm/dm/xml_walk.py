"""The strict walk over the elements of a parsed document.

Guarantees: content models are followed in order; no attribute and no stray text is passed over; errors quote names and
places, never text content. Leaves to its caller: the content model of each element, as calls in its order or as a table
(see `xml_model`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.dm.namespaces import NOT_HANDLED
from smartcard_dm.errors import DmError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.limits import Limits

_XML_SPACE: Final = " \t\r\n"
_REPEATED: Final = frozenset(
    {
        *("Add", "Alert", "Atomic", "Copy", "Delete", "Exec", "Get", "Replace", "Results", "Sequence", "Status"),
        *("Item", "Node", "SourceRef", "TargetRef"),
    }
)
"""Elements that may repeat: their place always carries an index."""


@cache
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


@dataclass(slots=True)
class Document:
    """What all elements of one document share."""

    structure: str
    limits: Limits
    has_attributes: bool
    """Whether any element has an attribute: most documents have none, and asking each element is slow."""
    identifiers: set[str] = field(default_factory=set)
    """Identifiers read so far, of the kind that may occur once."""


def _step(tag: str, index: int) -> str:
    """Return one step of an XML path; an index is shown where the element may repeat, or does."""
    name = tag.rpartition("}")[2]
    return f"{name}[{index}]" if name in _REPEATED or index > 1 else name


def _path(element: LxmlElement) -> str:
    """Work out an XML path from the tree; this counts siblings, so it is for the one element that an error names."""
    steps: list[str] = []
    here: LxmlElement | None = element
    while here is not None:
        tag = str(here.tag)
        steps.append(_step(tag, 1 + len(list(here.itersiblings(tag, preceding=True)))))
        here = here.getparent()
    return "/".join(("", *reversed(steps)))


class XmlElement:
    """An element that knows its place; the place is worked out when an error or a value asks for it."""

    __slots__ = ("_index", "above", "document", "element", "tag")

    def __init__(
        self, element: LxmlElement, tag: str, document: Document, above: Children | None = None, index: int = 1
    ) -> None:
        self.element = element
        self.tag = tag
        self.document = document
        self.above = above
        self._index = index

    @property
    def structure(self) -> str:
        """What the document is."""
        return self.document.structure

    @property
    def step(self) -> str:
        """The last step of the place."""
        return _step(self.tag, self._index)

    @property
    def place(self) -> str:
        """The XML path."""
        steps: list[str] = []
        here = self
        while here.above is not None and here.above.moved_to is None:
            steps.append(here.step)
            here = here.above.owner
        start = _path(here.element) if here.above is None else f"{here.above.moved_to}/{here.step}"
        return "/".join((start, *reversed(steps)))

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
        return Children(self, self.elements(), self.document)

    def elements(self) -> list[LxmlElement]:
        """Return the elements inside, as `children` does, without a walk."""
        elements = self.element[:]
        self._refuse_attributes()
        text = self.element.text
        stray = text is not None and text.strip(_XML_SPACE)
        for child in elements:
            tail = child.tail
            stray = stray or (tail is not None and tail.strip(_XML_SPACE))
        if stray:
            raise self.fault("text stands where only elements belong")
        return elements

    def _refuse_attributes(self) -> None:
        if self.document.has_attributes and self.element.attrib:
            name = readable(str(next(iter(self.element.attrib))))
            raise self.fault("no element of this structure has attributes", found=f"attribute {name}")


class Children:
    """A walk over the elements inside one element, in the order of its content model."""

    __slots__ = ("_counts", "_document", "_elements", "_position", "_tags", "_wanted", "moved_to", "owner")

    def __init__(self, owner: XmlElement, elements: list[LxmlElement], document: Document) -> None:
        self.owner = owner
        self._elements = elements
        self._document = document
        self._tags = [str(element.tag) for element in elements]
        self._position = 0
        self._counts: dict[str, int] = {}
        self._wanted: list[str] = []
        self.moved_to: str | None = None

    @property
    def structure(self) -> str:
        """What the document is."""
        return self._document.structure

    @property
    def place(self) -> str:
        """The place of the element whose inside this is."""
        return self.owner.place if self.moved_to is None else self.moved_to

    def move(self, place: str) -> None:
        """Name the parent differently from here on, once more is known about it than its XML path."""
        self.moved_to = place

    @property
    def next_tag(self) -> str | None:
        """Name of the next element, None at the end."""
        return self._tags[self._position] if self._position < len(self._tags) else None

    def peek(self) -> XmlElement | None:
        """Return the next element without taking it."""
        tag = self.next_tag
        if tag is None:
            return None
        return XmlElement(self._elements[self._position], tag, self._document, self, self._counts.get(tag, 0) + 1)

    def take(self) -> XmlElement:
        """Take the next element, whatever it is.

        Raises:
            DmError: none is left.
        """
        child = self.peek()
        if child is None:
            raise self.unexpected()
        self._counts[child.tag] = self._counts.get(child.tag, 0) + 1
        self._position += 1
        self._wanted.clear()
        return child

    def optional(self, tag: str) -> XmlElement | None:
        """Take the next element when it has this name."""
        if self.next_tag == tag:
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
        wanted = wishes(self._wanted)
        return missing(self, wanted) if child is None else out_of_place(child, wanted)


def wishes(tags: Iterable[str]) -> str:
    """Return what would have been right, as errors say it."""
    return " or ".join(tag.rpartition("}")[2] for tag in tags) or "nothing more"


def missing(inside: XmlElement | Children, wanted: str) -> DmError:
    """Make the error for an element that ends too early."""
    return DmError(inside.structure, "an element is missing", place=inside.place, wanted=wanted)


def out_of_place(child: XmlElement, wanted: str) -> DmError | UnsupportedError:
    """Make the error for an element that does not belong where it stands."""
    if child.tag in NOT_HANDLED:
        return UnsupportedError(f"element {readable(child.tag)}", f"{child.structure} at {child.place}")
    return child.fault("an element stands out of place", wanted=wanted, found=readable(child.tag))
