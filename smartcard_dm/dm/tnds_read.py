"""Reading a TNDS object from XML.

Guarantees: the content model is held exactly, order included; every error names the node.
Leaves to its caller: how the object was embedded (see `embedding`).
Spec: OMA-TS-DM_TNDS-V1_2, 6.2; OMA-TS-DM_TND-V1_2_1, 7.8.4 (elements).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.acl import parse_acl
from smartcard_dm.dm.formats import NodeFormat, decode_base64
from smartcard_dm.dm.namespaces import DDF_NS, TNDS_VER_DTD
from smartcard_dm.dm.tnds import NodeType, TndsDocument, TndsNode, TypeKind
from smartcard_dm.dm.uri import NodeUri, segment_fault
from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_walk import clark, readable
from smartcard_dm.errors import DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from smartcard_dm.dm.acl import Acl
    from smartcard_dm.dm.xml_walk import Children, XmlElement

_STRUCTURE: Final = "TNDS object"
_TSTAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DECIMAL: Final = re.compile(r"[0-9]{1,5}")
_FORMATS: Final = {clark(DDF_NS, known.value): known for known in NodeFormat}
_TYPES: Final = {clark(DDF_NS, kind.value): kind for kind in TypeKind}
MAX_TITLE_OCTETS: Final = 255
"""Spec: OMA-TS-DM_TND-V1_2_1, 7.7.5."""


def _ddf(name: str) -> str:
    return clark(DDF_NS, name)


def parse_tnds(xml: bytes, *, limits: Limits = DEFAULT_LIMITS, place: str = ".") -> TndsDocument:
    """Read a TNDS object from its XML form.

    Run-time properties may be missing on an interior node (an example of the standard does that); the document then
    carries a warning. A missing Format is worked out: `node` with children or with a DDFName and no value, else `chr`.

    Args:
        xml: the document, root `MgmtTree`.
        limits: holds `xml_octets`, `wbxml_depth`, `tnds_nodes` and the bounds of a node URI.
        place: the URI that the object is sent to, for errors.

    Raises:
        DmError: not the content model, or values that contradict each other; the node is named.
        LimitExceededError: too large, too deep or too many nodes.
        UnsupportedError: another version, or elements of a device description file.
    """
    root = parse_xml(xml, root=_ddf("MgmtTree"), structure=_STRUCTURE, limits=limits)
    walk = root.children()
    version = walk.required(_ddf("VerDTD")).text()
    if version != TNDS_VER_DTD:
        raise UnsupportedError(f"TNDS version {version[:16]!r}", f"wanted {TNDS_VER_DTD}")
    man, mod = walk.optional(_ddf("Man")), walk.optional(_ddf("Mod"))
    reader = _Reader(limits)
    nodes = tuple(reader.node(element, place) for element in walk.several(_ddf("Node"), least=1))
    walk.end()
    return TndsDocument(
        nodes=nodes,
        man=man.text() if man is not None else None,
        mod=mod.text() if mod is not None else None,
        warnings=tuple(reader.warnings),
    )


class _Reader:
    """Counts nodes and collects warnings while it reads them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = 0
        self.warnings: list[str] = []

    def node(self, element: XmlElement, parent: str, depth: int = 0) -> TndsNode:
        """Read a node and all below it; depth 0 is directly below MgmtTree, where a Path may stand."""
        walk = element.children()
        name = self._name(walk.required(_ddf("NodeName")))
        path = self._path(walk) if depth == 0 else None
        above = parent if path is None or path.is_root else f"{parent}/{str(path).removeprefix('./')}"
        uri = f"{above}/{name or '(unnamed)'}"
        # From here on places begin with the node's URI: a report has to name the node.
        walk.move(f"{uri} <Node>")
        self._hold_bounds(uri, depth + 1 + (len(path.segments) if path is not None else 0))
        properties = _properties(walk.optional(_ddf("RTProperties")))
        children = tuple(self.node(child, uri, depth + 1) for child in walk.several(_ddf("Node")))
        written = walk.optional(_ddf("Value")) if not children else None
        walk.end()
        _refuse_twins(children, uri)
        format_ = properties.format or _implied_format(children, written, properties.type)
        if properties.type is None:
            self._tolerate_bare(format_, uri)
        node = TndsNode(
            name=name,
            format=format_,
            value=_value(format_, written, children, uri),
            children=children,
            type=properties.type,
            acl=properties.acl,
            title=properties.title,
            tstamp=properties.tstamp,
            verno=properties.verno,
            path=path,
        )
        if not name and depth and node.mo_id is None:
            raise DmError(_STRUCTURE, "only the first node of an object may be without a name", place=uri)
        return node

    def _name(self, element: XmlElement) -> str:
        name = element.text()
        fault = segment_fault(name) if name else None
        if fault is not None:
            raise element.fault(fault, found=repr(name[:80]))
        return name

    def _path(self, walk: Children) -> NodeUri | None:
        element = walk.optional(_ddf("Path"))
        if element is None:
            return None
        # An empty Path adds nothing to the target, as '.' does.
        return NodeUri.parse(element.text() or ".", limits=self._limits, place=element.place)

    def _hold_bounds(self, uri: str, depth: int) -> None:
        self._count += 1
        if self._count > self._limits.tnds_nodes:
            raise LimitExceededError(_STRUCTURE, "tnds_nodes", self._limits.tnds_nodes, place=uri)
        if depth > self._limits.node_uri_segments:
            raise LimitExceededError(_STRUCTURE, "node_uri_segments", self._limits.node_uri_segments, place=uri)

    def _tolerate_bare(self, format_: NodeFormat, uri: str) -> None:
        # DEVIATION: OMA-TS-DM_TNDS-V1_2, 6.2.3 wants RTProperties on every node; its own example has none here.
        if format_ is not NodeFormat.NODE:
            raise DmError(_STRUCTURE, "a leaf has no RTProperties", place=uri)
        self.warnings.append(f"{uri}: an interior node has no RTProperties")


@dataclass(frozen=True, slots=True)
class _RunTimeProperties:
    """The properties of one node as written; `format` is None where it has to be worked out."""

    format: NodeFormat | None = None
    type: NodeType | None = None
    acl: Acl | None = None
    title: str | None = None
    tstamp: str | None = None
    verno: int | None = None


def _properties(element: XmlElement | None) -> _RunTimeProperties:
    if element is None:
        return _RunTimeProperties()
    walk = element.children()
    acl = walk.optional(_ddf("ACL"))
    format_ = walk.optional(_ddf("Format"))
    title = walk.optional(_ddf("Title"))
    tstamp = walk.optional(_ddf("TStamp"))
    type_ = walk.required(_ddf("Type"))
    verno = walk.optional(_ddf("VerNo"))
    walk.end()
    return _RunTimeProperties(
        format=_format(format_) if format_ is not None else None,
        type=_type(type_),
        acl=parse_acl(acl.text(), place=acl.place) if acl is not None else None,
        title=_title(title) if title is not None else None,
        tstamp=_tstamp(tstamp) if tstamp is not None else None,
        verno=_verno(verno) if verno is not None else None,
    )


def _format(element: XmlElement) -> NodeFormat:
    walk = element.children()
    child = walk.take()
    walk.end()
    child.nothing()
    if child.tag not in _FORMATS:
        wanted = ", ".join(known.value for known in NodeFormat)
        raise child.fault("unknown Format", wanted=wanted, found=readable(child.tag))
    return _FORMATS[child.tag]


def _type(element: XmlElement) -> NodeType:
    walk = element.children()
    child = walk.take()
    walk.end()
    if child.tag not in _TYPES:
        raise child.fault("unknown kind of Type", wanted="MIME or DDFName", found=readable(child.tag))
    return NodeType(_TYPES[child.tag], child.text())


def _title(element: XmlElement) -> str:
    title = element.text()
    if len(title.encode()) > MAX_TITLE_OCTETS:
        raise element.fault("the title is too long", wanted=f"at most {MAX_TITLE_OCTETS} octets")
    return title


def _tstamp(element: XmlElement) -> str:
    tstamp = element.text()
    if not _TSTAMP.fullmatch(tstamp):
        raise element.fault("not a time stamp", wanted="20010711T163817Z", found=repr(tstamp[:40]))
    return tstamp


def _verno(element: XmlElement) -> int:
    verno = element.text()
    if not _DECIMAL.fullmatch(verno) or int(verno) > 0xFFFF:
        raise element.fault("not a version number", wanted="decimal, 16 bit", found=repr(verno[:40]))
    return int(verno)


def _implied_format(
    children: tuple[TndsNode, ...],
    written: XmlElement | None,
    type_: NodeType | None,
) -> NodeFormat:
    if children or type_ is None:
        return NodeFormat.NODE if written is None else NodeFormat.CHR
    is_object = type_.kind is TypeKind.DDF_NAME and written is None
    return NodeFormat.NODE if is_object else NodeFormat.CHR


def _value(
    format_: NodeFormat,
    written: XmlElement | None,
    children: tuple[TndsNode, ...],
    uri: str,
) -> str | bytes | None:
    text = written.text() if written is not None else ""
    if children and format_ is not NodeFormat.NODE:
        raise DmError(_STRUCTURE, "a leaf has children", place=uri, found=f"Format {format_.value}")
    if format_ in {NodeFormat.NODE, NodeFormat.NULL}:
        if text:
            raise DmError(_STRUCTURE, f"a node of Format {format_.value} has a value", place=uri)
        return None
    return decode_base64(text, structure=_STRUCTURE, place=uri) if format_.is_binary else text


def _refuse_twins(children: tuple[TndsNode, ...], uri: str) -> None:
    names: set[str] = set()
    for child in children:
        if child.name and child.name in names:
            raise DmError(_STRUCTURE, "two nodes have one name", place=f"{uri}/{child.name}")
        names.add(child.name)
