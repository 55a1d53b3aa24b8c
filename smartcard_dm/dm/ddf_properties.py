"""The description framework properties of one node, as a device description file has them.

Guarantees: the properties are read whole, each once; what is passed over or tolerated is told.
Leaves to its caller: the node they belong to, and what stands below it.
Spec: OMA-TS-DM_TND-V1_2_1, 7.8.4.3 (framework property elements).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.dm.description import AccessType, Occurrence, Scope
from smartcard_dm.dm.formats import NodeFormat
from smartcard_dm.dm.namespaces import DDF_NS
from smartcard_dm.dm.xml_walk import clark, missing, out_of_place, readable, wishes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smartcard_dm.dm.xml_walk import XmlElement

_Kind = TypeVar("_Kind")
_ORDER: Final = (
    *("AccessType", "DefaultValue", "Description", "DFFormat", "Occurrence"),
    *("Scope", "DFTitle", "DFType", "CaseSense"),
)
_FORMATS: Final = {each.value: each for each in NodeFormat}
_SCOPES: Final = {each.value: each for each in Scope}
_IS_CASE_SENSITIVE: Final = {"CS": True, "CIS": False}
_COMMANDS: Final = {each.value: each for each in AccessType}
_OCCURRENCES: Final[Mapping[str, tuple[Occurrence, Occurrence | None]]] = {
    **{each.value: (each, None) for each in Occurrence},
    "ZeroOrN": (Occurrence.ZERO_OR_MORE, Occurrence.ZERO_OR_ONE),
    "OneOrN": (Occurrence.ONE_OR_MORE, Occurrence.ONE),
}
"""What is meant by each; of those that hold a number, also what is meant when that is 1."""
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,4}")
MAX_OCCURRENCE: Final = 65536
"""Spec: OMA-TS-DM_TND-V1_2_1, 7.8.4.3 (ZeroOrN, OneOrN: between 2 and 65536)."""
_XML_SPACE: Final = " \t\r\n"


def is_foreign(tag: str) -> bool:
    """Whether an element is of a namespace of its own: a maker's extension."""
    return tag.startswith("{") and not tag.startswith(f"{{{DDF_NS}}}")


def text_or_empty(element: XmlElement) -> str:
    """Return the text as it stands; nothing where it is white space only."""
    text = element.text()
    return text if text.strip(_XML_SPACE) else ""


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of one node as written; a missing one has its default."""

    access: frozenset[AccessType]
    format: NodeFormat
    occurrence: Occurrence
    maximum: int | None
    scope: Scope
    types: tuple[str, ...]
    default: XmlElement | None
    """The DefaultValue: it can only be read together with a Value of the node."""


class PropertiesReader:
    """Reads the properties of nodes of one document.

    Args:
        namespace: the namespace of its elements; empty for none.
        tell: takes a warning, without the node it concerns.
    """

    def __init__(self, namespace: str, tell: Callable[[str], None]) -> None:
        self._namespace = namespace
        self._tell = tell
        self._names = {self.tag(name): name for name in _ORDER}

    def tag(self, name: str) -> str:
        """Return the name of an element of this document, as the XML library has it."""
        return clark(self._namespace, name) if self._namespace else name

    def read(self, element: XmlElement) -> Properties:
        """Read DFProperties.

        Raises:
            DmError: one is missing, unknown, there twice, or not of its content model.
            UnsupportedError: an element of another kind of document stands among them.
        """
        found = self._collect(element)
        format_ = self._choice(found["DFFormat"], _FORMATS, "DFFormat")
        occurrence, maximum = self._occurrence(found.get("Occurrence"))
        for name in ("Description", "DFTitle"):
            if name in found:
                found[name].text()
        if "CaseSense" in found and not self._choice(found["CaseSense"], _IS_CASE_SENSITIVE, "CaseSense"):
            self._tell("names are compared exactly, although CaseSense is CIS")
        return Properties(
            access=self._access(found["AccessType"]),
            format=format_,
            occurrence=occurrence,
            maximum=maximum,
            scope=self._choice(found["Scope"], _SCOPES, "Scope") if "Scope" in found else Scope.DYNAMIC,
            types=self._types(found.get("DFType"), is_leaf=format_ is not NodeFormat.NODE),
            default=found.get("DefaultValue"),
        )

    def _collect(self, element: XmlElement) -> dict[str, XmlElement]:
        walk = element.children()
        found: dict[str, XmlElement] = {}
        while (child := walk.peek()) is not None:
            name = self._names.get(child.tag)
            if name is not None and name not in found:
                found[name] = walk.take()
            elif is_foreign(child.tag):
                self.tell_foreign(walk.take())
            else:
                raise out_of_place(child, wishes(each for each in _ORDER if each not in found))
        for name in ("AccessType", "DFFormat"):
            if name not in found:
                raise missing(walk, name)
        # DEVIATION: OMA-TS-DM_TND-V1_2_1, 7.8.4.1 fixes the order; files of Microsoft and Symbian have another.
        if list(found) != [name for name in _ORDER if name in found]:
            self._tell("the properties stand in another order than the DTD has")
        return found

    def tell_foreign(self, element: XmlElement) -> None:
        """Warn of an element that is passed over, with all that is in it."""
        self._tell("elements of other namespaces are ignored: " + readable(element.tag))

    def _choice(self, element: XmlElement, known: Mapping[str, _Kind], what: str) -> _Kind:
        child = self._only(element, known)
        name = self._known(child, known, what)
        child.nothing()
        return known[name]

    def _only(self, element: XmlElement, known: Mapping[str, _Kind]) -> XmlElement:
        walk = element.children()
        if walk.peek() is None:
            raise missing(walk, wishes(known))
        child = walk.take()
        walk.end()
        return child

    def _known(self, child: XmlElement, known: Mapping[str, _Kind], what: str) -> str:
        for name in known:
            if child.tag == self.tag(name):
                return name
        raise child.fault(f"unknown {what}", wanted=", ".join(known), found=readable(child.tag))

    def _access(self, element: XmlElement) -> frozenset[AccessType]:
        walk = element.children()
        found: set[AccessType] = set()
        while walk.peek() is not None:
            child = walk.take()
            access = _COMMANDS[self._known(child, _COMMANDS, "command")]
            child.nothing()
            if access in found:
                raise child.fault("a command stands there twice")
            found.add(access)
        return frozenset(found)

    def _occurrence(self, element: XmlElement | None) -> tuple[Occurrence, int | None]:
        if element is None:
            return Occurrence.ONE, None
        child = self._only(element, _OCCURRENCES)
        occurrence, of_one = _OCCURRENCES[self._known(child, _OCCURRENCES, "Occurrence")]
        if of_one is None:
            child.nothing()
            return occurrence, None
        text = child.text()
        if not _NUMBER.fullmatch(text) or int(text) > MAX_OCCURRENCE:
            raise child.fault("not a number of nodes", wanted=f"2 to {MAX_OCCURRENCE}", found=repr(text[:40]))
        if text != "1":
            return occurrence, int(text)
        # DEVIATION: OMA-TS-DM_TND-V1_2_1, 7.8.4.3 wants at least 2; files of Microsoft have 1.
        self._tell(f"an occurrence of up to 1 is read as {of_one.value}")
        return of_one, None

    def _types(self, element: XmlElement | None, *, is_leaf: bool) -> tuple[str, ...]:
        walk = element.children() if element is not None else None
        if walk is None or walk.peek() is None:
            # DEVIATION: OMA-TS-DM_TND-V1_2_1, 7.8.4.3 wants a DFType; files of Microsoft, Motorola and Symbian lack it.
            self._tell("without a DFType any type will do")
            return ()
        identifier = walk.optional(self.tag("DDFName"))
        if identifier is not None and is_leaf:
            raise identifier.fault("a leaf has the identifier of an object", wanted="MIME")
        found = [identifier] if identifier is not None else list(walk.several(self.tag("MIME"), least=1))
        walk.end()
        if len(found) > 1 and not is_leaf:
            raise found[1].fault("an interior node has one type")
        return tuple(filter(None, map(text_or_empty, found)))
