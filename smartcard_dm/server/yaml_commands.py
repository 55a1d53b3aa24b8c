"""The short YAML form of a message: see docs/issuing.md.

Guarantees: an unknown key is refused by name with its line; every scalar is text unless its Format says otherwise.
Leaves to its caller: reading files, and what the commands mean.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import INBOX_URI, Embedding, NodeFormat, PropertyUri, parse_target
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.server.builder import Leaf, MessageBuilder
from smartcard_dm.server.yaml_document import YamlNode, parse_yaml
from smartcard_dm.server.yaml_objects import ObjectReader
from smartcard_dm.server.yaml_values import Values, no_files, read_acl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from smartcard_dm.limits import Limits
    from smartcard_dm.server.header import Header
    from smartcard_dm.server.yaml_values import ReadFile

_HEADER: Final = ("session_id", "msg_id", "target")
_COMMANDS: Final = ("add", "replace", "delete", "copy", "exec", "atomic", "sequence")
_VALUE_KEYS: Final = ("value", "format", "type")
_OBJECT_KEYS: Final = ("object", "acl", "embedding")


@dataclass(frozen=True, slots=True)
class YamlMessage:
    """What a source says: the header's texts where it has them, and the commands."""

    builder: MessageBuilder
    session_id: str | None = None
    msg_id: str | None = None
    target: str | None = None

    def header(self, said: Header) -> Header:
        """Return the header of the message: what the issuer says stands over the source."""
        return replace(
            said,
            session_id=said.session_id or self.session_id,
            msg_id=said.msg_id or self.msg_id,
            target=said.target or self.target,
        )


def parse_yaml_message(source: bytes, *, limits: Limits, read_file: ReadFile = no_files) -> YamlMessage:
    """Read a message in the short YAML form.

    Args:
        source: the text.
        limits: bounds of node URIs and of TNDS objects.
        read_file: gives the octets of a file that the source names with `file:`.

    Raises:
        DmError: not YAML, an unknown or missing key, a value that is none; the line is named.
        LimitExceededError: a URI or an object is too large.
        UnsupportedError: an element of a TNDS file that is deliberately not handled.
        WbxmlError: an object has no WBXML form.
    """
    root = parse_yaml(source)
    keys = root.fields([*_HEADER, "commands"], required=["commands"])
    reader = _Commands(Values(read_file), limits)
    builder = reader.read(keys["commands"], MessageBuilder())
    texts = {name: keys[name].text() for name in _HEADER if name in keys}
    for name, text in texts.items():
        if not text:
            raise keys[name].fault("the value is empty")
    return YamlMessage(builder, **texts)


class _Commands:
    """Reads commands into a builder."""

    def __init__(self, values: Values, limits: Limits) -> None:
        self._values = values
        self._objects = ObjectReader(values, limits)
        self._by_name: Mapping[str, Callable[[YamlNode, MessageBuilder], MessageBuilder]] = {
            "add": self._add,
            "replace": self._replace,
            "delete": self._delete,
            "copy": self._copy,
            "exec": self._exec,
            "atomic": self._group,
            "sequence": self._group,
        }

    def read(self, node: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        """Put the commands of a list into a builder."""
        for entry in node.entries():
            names = [key for key in entry.mapping() if key in _COMMANDS]
            if len(names) != 1:
                found = ", ".join(names) or ", ".join(key[:20] for key in entry.mapping()) or "nothing"
                raise entry.fault("not one command", wanted=f"one of {', '.join(_COMMANDS)}", found=found)
            with _in_command(entry):
                builder = self._by_name[names[0]](entry, builder)
        return builder

    def _add(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        keys = entry.fields(["add", *_VALUE_KEYS, *_OBJECT_KEYS])
        if keys["add"].is_mapping:
            return builder.add_leaves(*self._leaves(keys, "add"))
        uri = keys["add"].text()
        if "object" in keys:
            return self._object(entry, keys, uri, builder.add_object)
        _refuse(keys, ("acl", "embedding"), "it goes with object")
        format_ = self._values.format(keys.get("format"))
        if format_ is NodeFormat.NODE:
            _refuse(keys, ("value",), "an interior node has no value")
            return builder.add_interior(uri, mo_id=keys["type"].text() if "type" in keys else None)
        if "value" not in keys and format_ is not NodeFormat.NULL:
            raise entry.fault("what is added is missing", wanted="value, object, or format: node")
        return builder.add_leaves(self._leaf(uri, keys))

    def _replace(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        keys = entry.fields(["replace", *_VALUE_KEYS, *_OBJECT_KEYS])
        if keys["replace"].is_mapping:
            return builder.replace_leaves(*self._leaves(keys, "replace"))
        uri = keys["replace"].text()
        if "object" in keys:
            return self._object(entry, keys, uri, builder.replace_object)
        _refuse(keys, ("embedding",), "it goes with object")
        if "acl" in keys:
            _refuse(keys, _VALUE_KEYS, "it does not go with acl")
            return builder.replace_acl(uri, read_acl(keys["acl"]))
        if "value" not in keys and "format" not in keys:
            raise entry.fault("the new value is missing", wanted="value, object or acl")
        leaf = self._leaf(uri, keys)
        if leaf.format is NodeFormat.NODE:
            raise keys["format"].fault("an interior node has no value", wanted="object")
        return builder.replace_leaves(leaf)

    def _delete(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        keys = entry.fields(["delete"])
        return builder.delete(*(each.text() for each in keys["delete"].one_or_more()))

    def _copy(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        keys = entry.fields(["copy", "from"], required=["from"])
        return builder.copy(keys["from"].text(), keys["copy"].text())

    def _exec(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        keys = entry.fields(["exec", "value", "correlator"])
        data = keys["value"].text() if "value" in keys else None
        correlator = keys["correlator"].text() if "correlator" in keys else None
        return builder.execute(keys["exec"].text(), data, correlator=correlator)

    def _group(self, entry: YamlNode, builder: MessageBuilder) -> MessageBuilder:
        name = "atomic" if "atomic" in entry.mapping() else "sequence"
        keys = entry.fields([name])
        commands = self.read(keys[name], MessageBuilder())
        return builder.atomic(commands) if name == "atomic" else builder.sequence(commands)

    def _leaves(self, keys: Mapping[str, YamlNode], name: str) -> list[Leaf]:
        """Read a mapping of URIs to values."""
        _refuse(keys, (*_VALUE_KEYS, *_OBJECT_KEYS), f"it does not go with a mapping of {name}")
        leaves = []
        for uri, given in keys[name].mapping().items():
            fields: Mapping[str, YamlNode] = {"value": given}
            if given.is_mapping:
                fields = given.fields([*_VALUE_KEYS, "file"])
                if "file" in fields:
                    _refuse(fields, ("value",), "value and file cannot both be there")
                    fields = {**fields, "value": replace(given, value={"file": fields["file"]})}
            leaves.append(self._leaf(uri, fields))
        return leaves

    def _leaf(self, uri: str, keys: Mapping[str, YamlNode]) -> Leaf:
        format_ = self._values.format(keys.get("format"))
        type_ = keys["type"].text() if "type" in keys else None
        value = self._values.value(keys.get("value"), format_)
        return Leaf(uri, value, format_, type_)

    def _object(
        self,
        entry: YamlNode,
        keys: Mapping[str, YamlNode],
        uri: str,
        put: Callable[..., MessageBuilder],
    ) -> MessageBuilder:
        _refuse(keys, _VALUE_KEYS, "it does not go with object")
        target = parse_target(uri)
        if isinstance(target, PropertyUri):
            raise entry.fault("a property is no place for an object", found=repr(uri[:80]))
        document = self._objects.read(
            keys["object"],
            acl=read_acl(keys["acl"]) if "acl" in keys else None,
            at_target=target != INBOX_URI,
        )
        return put(uri, document, embedding=_embedding(keys.get("embedding")))


def _embedding(node: YamlNode | None) -> Embedding:
    if node is None:
        return Embedding.WBXML
    try:
        return Embedding(node.text())
    except ValueError:
        wanted = ", ".join(each.value for each in Embedding)
        raise node.fault("unknown embedding", wanted=wanted, found=repr(node.text()[:40])) from None


def _refuse(keys: Mapping[str, YamlNode], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in keys:
            raise keys[name].fault(f"the key {name} has no place here: {why}")


@contextmanager
def _in_command(entry: YamlNode) -> Iterator[None]:
    """Give the errors of parsers that know no lines the place of the command."""
    try:
        yield
    except LimitExceededError:
        raise
    except DmError as error:
        if error.place is not None and error.place.startswith("line "):
            raise
        raise entry.fault(error.detail, wanted=error.wanted, found=error.found) from None
    except ValueError as error:
        raise entry.fault(str(error)) from None
