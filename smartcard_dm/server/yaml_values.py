"""Values and ACLs in the readable form of an operator's commands.

Guarantees: what is given has the type that its Format wants. Leaves to its caller: whether a value is one of its Format
in every detail, which lint says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import Acl, AclCommand, NodeFormat, ServerId, parse_acl, parse_server_id
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.errors import DmError
from smartcard_dm.server.markup import STRUCTURE
from smartcard_dm.server.variables import sole_variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.server.yaml_document import YamlNode

    ReadFile = Callable[[str], bytes]

_FILE: Final = "file"
_EVERYONE: Final = "*"


def no_files(name: str) -> bytes:
    """Refuse to read a file; for callers that have none.

    Raises:
        DmError: always.
    """
    raise DmError(STRUCTURE, "files are not read here", place=name[:80])


@dataclass(frozen=True, slots=True)
class Values:
    """Reads values, from files too."""

    read_file: ReadFile
    """Gives the octets of a file that a source names."""

    def file(self, node: YamlNode) -> bytes:
        """Return the octets of the file that `file: name` names."""
        return self.read_file(node.text())

    def format(self, node: YamlNode | None) -> NodeFormat | None:
        """Return a Format; None for none."""
        if node is None:
            return None
        try:
            return NodeFormat(node.text())
        except ValueError:
            wanted = ", ".join(each.value for each in NodeFormat)
            raise node.fault("unknown Format", wanted=wanted, found=repr(node.text()[:40])) from None

    def value(self, node: YamlNode | None, format_: NodeFormat | None) -> str | bytes | None:
        """Return the value of a leaf: octets for bin and b64, None for null, text for every other Format.

        Written as text (Base64 for octets), or as `{file: name}`, whose octets are the value.
        """
        if format_ in {NodeFormat.NULL, NodeFormat.NODE}:
            if node is not None:
                raise node.fault(f"a node of Format {format_.value} has no value")
            return None
        if node is None:
            return b"" if format_ is not None and format_.is_binary else ""
        binary = format_ is not None and format_.is_binary
        if node.is_mapping:
            return self._content(node.fields([_FILE], required=[_FILE])[_FILE], binary=binary)
        text = node.text()
        if not binary:
            return text
        if sole_variable(text):
            return text.encode()
        with node.located():
            return decode_base64(text, structure=STRUCTURE, place=node.path)

    def _content(self, node: YamlNode, *, binary: bool) -> str | bytes:
        octets = self.file(node)
        if binary:
            return octets
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise node.fault("the file is not UTF-8", wanted="text, or format: bin") from None


def read_acl(node: YamlNode) -> Acl:
    """Return an ACL: a text such as `Get=*&Replace=com.example.dms`, or a mapping of commands to servers.

    Servers are `*`, one ServerID, or a list of ServerIDs.
    """
    with node.located():
        if node.is_text:
            return parse_acl(node.text(), place=node.path)
        granted: dict[AclCommand, frozenset[ServerId] | None] = {}
        for name, servers in node.fields([each.value for each in AclCommand]).items():
            texts = [each.text() for each in servers.one_or_more()]
            if not texts:
                raise servers.fault("a command has no server", wanted="'*', or a ServerID")
            ids = frozenset(parse_server_id(text, place=servers.path) for text in texts if text != _EVERYONE)
            granted[AclCommand(name)] = None if _EVERYONE in texts else ids
        return Acl.of(granted)
