"""Which values of a message are secrets, and the rule that they are encrypted.

A value is a secret when the table of its object says so, or when the name of its node does. The octets of a certificate
(AAuthData of type X509) are none.

Guarantees: `secret_values` finds what the rule finds. Leaves to its caller: encryption.
Spec: OMA-TS-DM_Sessionless 5.2 (XML encryption); OMA-TS-DM_StdObj-V1_2_1, 5.3.1 (leaves without Get).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm import AuthType, NodeFormat, NodeUri, TextData
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.errors import DmError
from smartcard_dm.server.lint.rules import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm import TndsNode
    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.server.lint.finding import Finding
    from smartcard_dm.server.lint.view import Entry, Placed, View

_NAME: Final = re.compile(r"secret|passw|passphrase|pwd$|privatekey|(?:^|[_-])(?:pin|puk|psk)$", re.IGNORECASE)
_DATA: Final = "AAuthData"
_TYPE: Final = "AAuthType"


class SecretValue(NamedTuple):
    """One secret of a message and where it stands; its repr is of no use to anybody."""

    place: str
    """XML path of the Data."""
    node: str
    """URI of the node."""
    octets: bytes
    """The value: UTF-8 of a text, or octets."""

    def __repr__(self) -> str:
        return f"SecretValue({self.place!r}, {self.node!r})"


def check_secrets(view: View) -> Iterator[Finding]:
    """Look for secrets that everybody on the way could read."""
    for secret in secret_values(view):
        if not view.policy.will_be_encrypted(secret.place):
            detail = "a secret stands outside encryption"
            yield view.policy.finding(LintRule.PLAIN_SECRET, secret.place, detail, secret.node)


def secret_values(view: View) -> Iterator[SecretValue]:
    """Yield the secrets of a message, encrypted or not; empty values are none."""
    for entry in view.entries:
        if not entry.writes:
            continue
        if entry.document is None:
            yield from _of_item(entry)
        for top in entry.placed():
            yield from _of_nodes(view, entry, top, None)


def _of_item(entry: Entry) -> Iterator[SecretValue]:
    target, data = entry.target, entry.item.data
    if not isinstance(target, NodeUri) or not isinstance(data, TextData) or not data.text:
        return
    if target.name != _DATA and not _NAME.search(target.name):
        return
    octets = data.text.encode()
    if entry.meta.format in {NodeFormat.BIN.value, NodeFormat.B64.value}:
        try:
            octets = decode_base64(data.text, structure="value", place=None)
        except DmError:
            octets = data.text.encode()
    yield SecretValue(entry.data_place, str(target), octets)


def _of_nodes(view: View, entry: Entry, placed: Placed, known: NodeDescription | None) -> Iterator[SecretValue]:
    table = view.table(placed.node)
    known = known if table is None else table.description
    for child in placed.below():
        described = None if known is None else known.child(child.node.name)
        if child.node.is_interior:
            yield from _of_nodes(view, entry, child, described)
        elif child.node.value and _is_secret(child.node, placed.node, described):
            value = child.node.value
            yield SecretValue(entry.data_place, str(child.uri), value if isinstance(value, bytes) else value.encode())
    if not placed.node.is_interior and known is None and placed.node.value and _NAME.search(placed.node.name):
        value = placed.node.value
        yield SecretValue(entry.data_place, str(placed.uri), value if isinstance(value, bytes) else value.encode())


def _is_secret(node: TndsNode, parent: TndsNode, described: NodeDescription | None) -> bool:
    if node.name == _DATA:
        types = [child.value for child in parent.children if child.name == _TYPE]
        return AuthType.X509.value not in types
    return (described is not None and described.secret) or _NAME.search(node.name) is not None
