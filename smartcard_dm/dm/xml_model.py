"""Content models as tables, and the one loop that reads elements by them.

Guarantees: elements are read in document order, so the first fault of a document is the one that is told; what a model
does not name is refused with the names that would have been right. An element costs one look-up: a model is a chain of
states, worked out once, and its place is worked out only for an error or where it is part of a value.
Leaves to its caller: the models, and what the text of a leaf means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from smartcard_dm.dm.xml_walk import XmlElement, missing, out_of_place, wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.xml_walk import Document

    Reader = Callable[[LxmlElement, Document], object]
    """Reads an element."""
    PlacedReader = Callable[[LxmlElement, Document, str], object]
    """Reads an element that may repeat, and is told its place."""


def at(element: LxmlElement, document: Document) -> XmlElement:
    """Return an element in the form that raises errors."""
    return XmlElement(element, str(element.tag), document)


def read_text(element: LxmlElement, document: Document) -> str:
    """Read an element that holds text, or nothing.

    Raises:
        DmError: an attribute or an element is there too.
    """
    text = element.text
    if text and not len(element) and not document.has_attributes:
        return text
    return at(element, document).text()


def read_filled(element: LxmlElement, document: Document) -> str:
    """Read an element that holds text.

    Raises:
        DmError: it is empty, or an attribute or an element is there too.
    """
    return read_text(element, document) or at(element, document).required_text()


def read_flag(element: LxmlElement, document: Document) -> bool:
    """Read an element that says something by being there.

    Raises:
        DmError: it holds anything.
    """
    if len(element) or element.text or document.has_attributes:
        at(element, document).nothing()
    return True


def read_later(element: LxmlElement, _: Document) -> LxmlElement:
    """Leave an element to be read once its parent is known to be complete."""
    return element


def read_elements(element: LxmlElement, document: Document) -> list[LxmlElement]:
    """Return the elements inside an element that holds nothing else.

    Raises:
        DmError: an attribute is there, or text other than white space stands between the elements.
    """
    if element.text or document.has_attributes:
        return at(element, document).elements()
    elements = element[:]
    for child in elements:
        if child.tail:
            return at(element, document).elements()
    return elements


@dataclass(frozen=True, slots=True)
class Slot:
    """What may stand at one point of a content model; made by the functions below."""

    readers: Mapping[str, Reader | PlacedReader]
    """By the names of the elements that may stand there."""
    label: str
    """How errors name it."""
    required: bool
    absent: object = None
    """The value when no element stands there."""
    placed: bool = False
    """Whether the readers are told the place, and the value is a list."""
    repeats: bool = False


def one(tag: str, read: Reader) -> Slot:
    """Make the slot of an element that has to be there."""
    return Slot({tag: read}, tag, required=True)


def maybe(tag: str, read: Reader) -> Slot:
    """Make the slot of an element that may be there; its value is None when it is not."""
    return Slot({tag: read}, tag, required=False)


def flag(tag: str) -> Slot:
    """Make the slot of an element that says something by being there."""
    return Slot({tag: read_flag}, tag, required=False, absent=False)


def only(tag: str, read: PlacedReader) -> Slot:
    """Make the slot of an element that might repeat elsewhere, and has to be there once."""
    return Slot({tag: read}, tag, required=True, absent=(), placed=True)


def many(tag: str, read: PlacedReader, *, least: Literal[0, 1] = 0) -> Slot:
    """Make the slot of elements of one name that repeat."""
    return Slot({tag: read}, tag, required=least > 0, absent=(), placed=True, repeats=True)


def some(readers: Mapping[str, PlacedReader], label: str) -> Slot:
    """Make the slot of elements of several names, at least one, in any order."""
    return Slot(readers, label, required=True, absent=(), placed=True, repeats=True)


class Model:
    """The content model of an element: slots in their order."""

    __slots__ = ("_absent", "_start")

    def __init__(self, *slots: Slot) -> None:
        self._absent = [slot.absent for slot in slots]
        self._start = _first_state(slots)

    def read(self, element: LxmlElement, document: Document, place: str = "") -> list[Any]:
        """Read what stands inside an element; the result has one value for each slot.

        Args:
            element: the element.
            document: what it belongs to.
            place: the place of the element, where a slot repeats.

        Raises:
            DmError: an element is missing or out of place, stray text or an attribute is there, or a reader refuses.
            UnsupportedError: an element is deliberately not handled, or a reader says so.
        """
        values: list[Any] = self._absent.copy()
        counts: dict[str, int] = {}
        state = self._start
        for child in read_elements(element, document):
            step = state.steps.get(child.tag)
            if step is None:
                raise out_of_place(at(child, document), state.wanted)
            state = step.state
            if not step.placed:
                values[step.number] = step.read(child, document)
            else:
                name = step.name
                counts[name] = index = counts.get(name, 0) + 1
                value = step.read(child, document, f"{place}/{name}[{index}]")
                if values[step.number]:
                    values[step.number].append(value)
                else:
                    values[step.number] = [value]
        if not state.complete:
            raise missing(at(element, document), state.wanted)
        return values


class _State:
    """What may stand next in a content model."""

    __slots__ = ("complete", "labels", "steps", "wanted")

    def __init__(self, steps: dict[object, _Step], labels: tuple[str, ...], *, complete: bool) -> None:
        self.steps = steps
        self.labels = labels
        self.wanted = wishes(labels)
        self.complete = complete
        """Whether nothing that has to be there is still to come."""


class _Step:
    """What to do with an element, and the state after it."""

    __slots__ = ("name", "number", "placed", "read", "state")

    def __init__(self, number: int, tag: str, slot: Slot, state: _State) -> None:
        self.number = number
        self.name = tag.rpartition("}")[2]
        self.read: Callable[..., object] = slot.readers[tag]
        self.placed = slot.placed
        self.state = state


def _first_state(slots: tuple[Slot, ...]) -> _State:
    """Work out the states of a model, from its end to its start."""
    state = _State({}, (), complete=True)
    for number, slot in reversed(tuple(enumerate(slots))):
        rest = state
        after = _repeating(number, slot, rest) if slot.repeats else rest
        steps: dict[object, _Step] = {tag: _Step(number, tag, slot, after) for tag in slot.readers}
        if slot.required:
            state = _State(steps, (slot.label,), complete=False)
        else:
            state = _State(steps | rest.steps, (slot.label, *rest.labels), complete=rest.complete)
    return state


def _repeating(number: int, slot: Slot, rest: _State) -> _State:
    """Return the state after one element of a slot that repeats: it leads to itself, or to the rest."""
    # A choice is told only as long as nothing was chosen.
    labels = (slot.label, *rest.labels) if slot.label in slot.readers else rest.labels
    state = _State(dict(rest.steps), labels, complete=rest.complete)
    state.steps.update({tag: _Step(number, tag, slot, state) for tag in slot.readers})
    return state
