"""TNDS objects in the readable form of an operator's commands.

    object:
      dmacc: {...}      an account, or a list of them; keys of `account_from_mapping`, and `acl`
      nap: {...}        an access point, or a list; keys of `access_point_from_mapping`, and `acl`
      proxy: {...}      a proxy, or a list; keys of `proxy_from_mapping`, and `acl`
      nodes: {NAME: ...}  free nodes by name; a text is a leaf of Format chr
      file: object.xml  a MgmtTree document
      man: ..., mod: ...  the manufacturer and model it is for; default: what the file says

Guarantees: an unknown key is refused by name with its line. Leaves to its caller: the command and its embedding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import (
    NodeFormat,
    NodeType,
    NodeUri,
    TndsNode,
    TypeKind,
    access_point_from_mapping,
    account_from_mapping,
    parse_tnds,
    proxy_from_mapping,
)
from smartcard_dm.dm.formats import encode_base64
from smartcard_dm.dm.namespaces import DDF_NS
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError
from smartcard_dm.server.markup import STRUCTURE, canonical, in_namespaces, parse_markup
from smartcard_dm.server.objects import ObjectBuilder
from smartcard_dm.server.variables import sole_variable
from smartcard_dm.server.yaml_values import read_acl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml import etree

    from smartcard_dm.dm import Acl, TndsDocument
    from smartcard_dm.limits import Limits
    from smartcard_dm.server.yaml_document import YamlNode
    from smartcard_dm.server.yaml_values import Values

_KINDS: Final = ("dmacc", "nap", "proxy", "nodes", "file")
_TEXTS: Final = ("man", "mod")
_NODE_KEYS: Final = ("value", "file", "format", "type", "children", "mo", "acl", "title", "path")
_LEAF_ONLY: Final = ("value", "file")
_INTERIOR_ONLY: Final = ("children", "mo")
_OCTETS: Final = frozenset({"data", "certificate"})
"""Keys of an account whose text is Base64."""


class ObjectReader:
    """Reads TNDS objects of one source."""

    def __init__(self, values: Values, limits: Limits) -> None:
        self._values = values
        self._limits = limits

    def read(self, node: YamlNode, *, acl: Acl | None, at_target: bool) -> TndsDocument:
        """Return the TNDS object.

        Args:
            node: the mapping.
            acl: for the nodes directly below MgmtTree that have none.
            at_target: whether it goes to a target of its own and not to `./Inbox`.

        Raises:
            DmError: an unknown key, or what is no object.
            UnsupportedError: a file with elements that are deliberately not handled.
        """
        keys = node.fields([*_KINDS, *_TEXTS])
        texts = {name: keys[name].text() for name in _TEXTS if name in keys}
        builder = ObjectBuilder()
        for kind, given in keys.items():
            if kind in _TEXTS:
                continue
            if kind == "nodes":
                builder = builder.node(*(self._node(name, each) for name, each in given.mapping().items()))
            elif kind == "file":
                for each in given.one_or_more():
                    document = self._file(each)
                    builder = builder.node(*document.nodes)
                    said = {"man": document.man, "mod": document.mod}
                    texts = {name: text for name, text in said.items() if text is not None} | texts
            else:
                for each in given.one_or_more():
                    builder = _with_part(builder, kind, each)
        try:
            return builder.build(acl=acl, at_target=at_target, **texts)
        except DmError as error:
            where = f" ({error.place})" if error.place else ""
            raise node.fault(f"{error.detail}{where}", wanted=error.wanted) from None
        except ValueError as error:
            raise node.fault(str(error)) from None

    def _file(self, node: YamlNode) -> TndsDocument:
        octets = self._values.file(node)
        if len(octets) > self._limits.xml_octets:
            raise node.fault("the file is too large", wanted=f"at most {self._limits.xml_octets} octets")
        try:
            root = in_namespaces(parse_markup(octets), DDF_NS)
            _keep_binary_variables(root)
            return parse_tnds(canonical(root), limits=self._limits)
        except DmError as error:
            place = f" at {error.place}" if error.place else ""
            raise node.fault(f"{node.text()}{place}: {error.detail}", wanted=error.wanted, found=error.found) from None

    def _node(self, name: str, node: YamlNode) -> TndsNode:
        fault = segment_fault(name) if name else None
        if fault is not None:
            raise node.fault(fault, found=repr(name[:40]))
        if not node.is_mapping:
            return TndsNode(name, NodeFormat.CHR, node.text(), type=NodeType(TypeKind.MIME, "text/plain"))
        keys = node.fields(_NODE_KEYS)
        format_ = self._values.format(keys.get("format"))
        if format_ is None:
            format_ = NodeFormat.NODE if any(key in keys for key in _INTERIOR_ONLY) else NodeFormat.CHR
        wrong = _LEAF_ONLY if format_ is NodeFormat.NODE else _INTERIOR_ONLY
        for key in wrong:
            if key in keys:
                raise keys[key].fault(f"not a key of a node of Format {format_.value}")
        return self._made(name, node, keys, format_)

    def _made(self, name: str, node: YamlNode, keys: Mapping[str, YamlNode], format_: NodeFormat) -> TndsNode:
        children = keys.get("children")
        if format_ is NodeFormat.NODE:
            value = None
            type_ = NodeType(TypeKind.DDF_NAME, keys["mo"].text() if "mo" in keys else "")
        else:
            if "file" in keys and "value" in keys:
                raise keys["file"].fault("value and file cannot both be there")
            given = node if "file" in keys else keys.get("value")
            if "file" in keys:
                given = replace(node, value={"file": keys["file"]})
            value = self._values.value(given, format_)
            default = "application/octet-stream" if format_.is_binary else "text/plain"
            type_ = NodeType(TypeKind.MIME, keys["type"].text() if "type" in keys else default)
        try:
            return TndsNode(
                name=name,
                format=format_,
                value=value,
                children=tuple(self._node(each, below) for each, below in children.mapping().items())
                if children is not None
                else (),
                type=type_,
                acl=read_acl(keys["acl"]) if "acl" in keys else None,
                title=keys["title"].text() if "title" in keys else None,
                path=NodeUri.parse(keys["path"].text(), limits=self._limits) if "path" in keys else None,
            )
        except DmError as error:
            if error.structure == STRUCTURE:
                raise
            raise node.fault(error.detail, wanted=error.wanted, found=error.found) from None
        except ValueError as error:
            raise node.fault(str(error)) from None


def _with_part(builder: ObjectBuilder, kind: str, node: YamlNode) -> ObjectBuilder:
    acl_node = node.mapping().get("acl")
    acl = None if acl_node is None else read_acl(acl_node)
    mapping = {key: _plain(key, each) for key, each in node.mapping().items() if key != "acl"}
    with node.located():
        if kind == "dmacc":
            return builder.account(account_from_mapping(mapping, place=node.path), acl=acl)
        if kind == "nap":
            return builder.access_point(access_point_from_mapping(mapping, place=node.path), acl=acl)
        return builder.proxy(proxy_from_mapping(mapping, place=node.path), acl=acl)


def _plain(key: str, node: YamlNode) -> object:
    """Return a value as text, lists and dictionaries; a variable that stands for octets as its own octets."""
    if isinstance(node.value, str):
        return encode_base64(node.value.encode()) if key in _OCTETS and sole_variable(node.value) else node.value
    if isinstance(node.value, tuple):
        return [_plain(key, each) for each in node.value]
    return {name: _plain(name, each) for name, each in node.value.items()}


def _keep_binary_variables(root: etree._Element) -> None:
    """Write variables that stand for octets as Base64 of themselves, so that the object can be read."""
    for value in root.iter(f"{{{DDF_NS}}}Value"):
        if value.text and sole_variable(value.text) and _is_binary(value):
            value.text = encode_base64(value.text.encode())


def _is_binary(value: etree._Element) -> bool:
    node = value.getparent()
    format_ = None if node is None else node.find(f"{{{DDF_NS}}}RTProperties/{{{DDF_NS}}}Format")
    return format_ is not None and any(True for _ in _binary_names(format_))


def _binary_names(format_: etree._Element) -> Iterator[etree._Element]:
    for each in NodeFormat:
        if each.is_binary:
            yield from format_.iter(f"{{{DDF_NS}}}{each.value}")
