"""Reading a device description file (DDF).

Guarantees: nothing but the octets given is ever read, and nothing in them is expanded; the content model is held; every
error names the node, every deviation that is tolerated is told.
Leaves to its caller: what a device does with the description, and how the branches of several files go together.
Spec: OMA-TS-DM_TND-V1_2_1, 7.8 (description framework).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.ddf_prolog import without_doctype
from smartcard_dm.dm.ddf_properties import PropertiesReader, is_foreign, text_or_empty
from smartcard_dm.dm.description import AccessType, DescribedBranch, DeviceDescription, NodeDescription
from smartcard_dm.dm.formats import NodeFormat, decode_base64
from smartcard_dm.dm.namespaces import DDF_NS, TNDS_VER_DTD
from smartcard_dm.dm.uri import NodeUri, segment_fault
from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_walk import clark
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm.xml_walk import Children, XmlElement

_STRUCTURE: Final = "device description"
_ROOT: Final = "MgmtTree"
_RUN_TIME: Final = ("ACL", "Format", "Name", "Size", "Title", "TStamp")
_ATTRIBUTES_OF_XML: Final = "{http://www.w3.org/XML/1998/namespace}"


def parse_ddf(xml: bytes, *, limits: Limits = DEFAULT_LIMITS, place: str = ".") -> DeviceDescription:
    """Read a device description file, its elements in the namespace of the standard or in none.

    A node without an Occurrence occurs exactly once, and one without a Scope is dynamic: so says 7.8.4.3, read in a
    third-party copy. A node that has no children here and may be added to is `free`, unless a Path continues it; a leaf
    that nobody can Get is `secret`. DefaultValue and Value are two places for one default value.

    Args:
        xml: the document, root `MgmtTree`. A DOCTYPE is passed over, comments too.
        limits: holds `xml_octets`, `wbxml_depth`, `tnds_nodes` and the bounds of a node URI.
        place: the URI that the paths of the file are seen from, for errors and warnings.

    Raises:
        DmError: not the content model, or properties that contradict each other; the node is named.
        LimitExceededError: too large, too deep or too many nodes.
        UnsupportedError: another version, or a Path further down.
    """
    roots = (clark(DDF_NS, _ROOT), _ROOT)
    octets = without_doctype(xml, structure=_STRUCTURE)
    root = parse_xml(octets, root=roots, structure=_STRUCTURE, limits=limits, drop_comments=True)
    namespace = DDF_NS if root.tag == roots[0] else ""
    return _Reader(namespace, limits, place).document(root)


@dataclass(frozen=True, slots=True)
class _Head:
    """A node of which name and place are known, and the walk over the rest of it."""

    walk: Children
    name: str
    above: NodeUri
    """The node above a branch; the root for every other node."""
    segments: tuple[str, ...]
    """Where the node is, seen from the root; an empty segment stands for any name."""
    uri: str


class _Reader:
    """Counts nodes and collects warnings while it reads them."""

    def __init__(self, namespace: str, limits: Limits, place: str) -> None:
        self._properties = PropertiesReader(namespace, self._tell)
        self._tag = self._properties.tag
        self._limits = limits
        self._place = place
        self._here = place
        self._described: set[tuple[str, ...]] = set()
        self._continued: set[tuple[str, ...]] = set()
        self._first: dict[str, str] = {}
        self._count: Counter[str] = Counter()

    def document(self, root: XmlElement) -> DeviceDescription:
        """Read the whole document."""
        self._drop_attributes_of_xml(root)
        walk = root.children()
        self._pass_foreign(walk)
        version = walk.required(self._tag("VerDTD")).text()
        if version != TNDS_VER_DTD:
            raise UnsupportedError(f"device description version {version[:16]!r}", f"wanted {TNDS_VER_DTD}")
        self._pass_foreign(walk)
        man = walk.optional(self._tag("Man"))
        self._pass_foreign(walk)
        mod = walk.optional(self._tag("Mod"))
        heads: list[_Head] = []
        self._pass_foreign(walk)
        while (element := walk.optional(self._tag("Node"))) is not None:
            heads.append(self._head(element, None))
            self._pass_foreign(walk)
        if not heads:
            raise walk.unexpected()
        walk.end()
        return DeviceDescription(
            branches=tuple(DescribedBranch(head.above, self._node(head)) for head in heads),
            man=man.text() if man is not None else None,
            mod=mod.text() if mod is not None else None,
            warnings=tuple(self._told()),
        )

    def _head(self, element: XmlElement, parent: _Head | None) -> _Head:
        """Read name and Path of a node; one without a parent is directly below MgmtTree, where a Path may stand."""
        above = parent.segments if parent is not None else ()
        walk = element.children()
        self._here = self._uri(above)
        name = self._name(walk.required(self._tag("NodeName")))
        path = NodeUri()
        if parent is None:
            path = self._path(walk.optional(self._tag("Path")))
            above = path.segments
            self._continued.update(above[:depth] for depth in range(1, len(above) + 1))
        segments = (*above, name)
        self._hold_bounds(segments, self._uri(above))
        # From here on places begin with the node's URI: a report has to name the node.
        uri = self._uri(segments)
        walk.move(f"{uri} <Node>")
        if parent is not None and walk.next_tag == self._tag("Path"):
            raise UnsupportedError("Path below another node", f"{_STRUCTURE} at {uri}")
        if segments in self._described:
            raise DmError(_STRUCTURE, "two nodes have one name" if name else "two nodes may have any name", place=uri)
        self._described.add(segments)
        return _Head(walk, name, path, segments, uri)

    def _node(self, head: _Head) -> NodeDescription:
        """Read the rest of a node and all below it."""
        walk = head.walk
        self._here = head.uri
        self._pass_run_time(walk.optional(self._tag("RTProperties")))
        properties = self._properties.read(walk.required(self._tag("DFProperties")))
        is_interior = properties.format is NodeFormat.NODE
        children = tuple(self._node(self._head(child, head)) for child in walk.several(self._tag("Node")))
        value = walk.optional(self._tag("Value")) if not children else None
        walk.end()
        if children and not is_interior:
            found = f"DFFormat {properties.format.value}"
            raise DmError(_STRUCTURE, "a leaf has children", place=head.uri, found=found)
        may_grow = is_interior and AccessType.ADD in properties.access
        return NodeDescription(
            name=head.name,
            format=properties.format,
            access=properties.access,
            occurrence=properties.occurrence,
            scope=properties.scope,
            types=properties.types,
            default=_default(properties.format, properties.default, value, head.uri),
            maximum=properties.maximum,
            secret=not is_interior and AccessType.GET not in properties.access,
            free=may_grow and not children and head.segments not in self._continued,
            children=children,
        )

    def _name(self, element: XmlElement) -> str:
        name = text_or_empty(element)
        # DEVIATION: OMA-TS-DM_TND-V1_2_1, 7.8.4.1 leaves the name empty when any will do; files of Microsoft write `*`
        # or a line end there.
        if name == "*" or (not name and element.text()):
            self._tell("a name of white space, or '*', is read as any name")
            return ""
        fault = segment_fault(name) if name else None
        if fault is not None:
            raise element.fault(fault, found=repr(name[:80]))
        return name

    def _path(self, element: XmlElement | None) -> NodeUri:
        # An empty Path adds nothing, as '.' does.
        text = text_or_empty(element) if element is not None else ""
        if element is None or not text:
            return NodeUri()
        if text.endswith("/"):
            # DEVIATION: OMA-TS-DM_TND-V1_2_1, 5 wants no '/' at the end; files of Microsoft have it.
            self._tell(f"the '/' at the end of a Path is ignored: {text[:80]!r}")
            text = text[:-1]
        return NodeUri.parse(text, limits=self._limits, place=element.place)

    def _hold_bounds(self, segments: tuple[str, ...], above: str) -> None:
        if len(self._described) >= self._limits.tnds_nodes:
            raise LimitExceededError(_STRUCTURE, "tnds_nodes", self._limits.tnds_nodes, place=above)
        if len(segments) > self._limits.node_uri_segments:
            raise LimitExceededError(_STRUCTURE, "node_uri_segments", self._limits.node_uri_segments, place=above)
        # Without this, a long name far up would be written out again for every node below it.
        if len("/".join(segments).encode()) > self._limits.node_uri_octets:
            raise LimitExceededError(_STRUCTURE, "node_uri_octets", self._limits.node_uri_octets, place=above)

    def _uri(self, segments: tuple[str, ...]) -> str:
        return "/".join((self._place, *(segment or "(unnamed)" for segment in segments)))

    def _pass_foreign(self, walk: Children) -> None:
        """Pass over extensions of a maker directly below MgmtTree."""
        while (tag := walk.next_tag) is not None and is_foreign(tag):
            self._properties.tell_foreign(walk.take())

    def _pass_run_time(self, element: XmlElement | None) -> None:
        """Pass over the run-time properties: which ones a node has is not part of its description here."""
        if element is None:
            return
        walk = element.children()
        for name in _RUN_TIME:
            walk.optional(self._tag(name))
        walk.required(self._tag("Type"))
        walk.optional(self._tag("VerNo"))
        walk.end()
        self._tell("run-time properties are ignored")

    def _drop_attributes_of_xml(self, root: XmlElement) -> None:
        """Pass over `xml:lang` and its like, which may stand on every element (7.8.3)."""
        if not root.document.has_attributes:
            return
        for element in root.element.iter():
            for name in [str(name) for name in element.attrib if str(name).startswith(_ATTRIBUTES_OF_XML)]:
                del element.attrib[name]
                self._tell("attributes such as xml:lang are ignored")

    def _tell(self, warning: str) -> None:
        """Note a warning for the node that is being read; what is before a colon is the kind of it."""
        kind = warning.partition(":")[0]
        self._first.setdefault(kind, f"{self._here}: {warning}")
        self._count[kind] += 1

    def _told(self) -> Iterator[str]:
        """Yield one warning of each kind: a file has thousands of extensions, and one is enough to find them."""
        for kind, first in self._first.items():
            count = self._count[kind]
            yield f"{first} (the first of {count})" if count > 1 else first


def _default(format_: NodeFormat, factory: XmlElement | None, value: XmlElement | None, uri: str) -> str | bytes | None:
    found = [_value(format_, written) for written in (factory, value) if written is not None]
    if len(found) > 1 and found[0] != found[1]:
        raise DmError(_STRUCTURE, "DefaultValue and Value differ", place=uri)
    return found[0] if found else None


def _value(format_: NodeFormat, element: XmlElement) -> str | bytes | None:
    if format_ in {NodeFormat.NODE, NodeFormat.NULL}:
        if text_or_empty(element):
            raise element.fault(f"a node of DFFormat {format_.value} has a default value")
        return None
    text = element.text()
    return decode_base64(text, structure=_STRUCTURE, place=element.place) if format_.is_binary else text
