"""A device with its card and the servers that manage it, all in this process.

Guarantees: the card is walked as any other; the tree is in memory; the servers use what a server's operator uses.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from itertools import count
from typing import TYPE_CHECKING, Final, Self

from smartcard_dm.card.subscriber import read_imsi
from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import ServerId
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, MessageBuilder, sign_and_encode
from smartcard_dm.tree import Applied, DeviceInformation, DeviceTree
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import SecretSigningKey

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from smartcard_dm.tree.nodes import NodeRow
    from smartcard_dm.xmlsec import SigningKey

ONE: Final = "com.example.one"
TWO: Final = "com.example.two"
STRANGER: Final = "com.example.stranger"
_PIN: Final = Secret(b"1234")
_DEVICE: Final = DeviceInformation(
    dev_id="urn:example:conformance", man="smartcard-dm", mod="conformance device", lang="en", dev_type="lab"
)


class Lab:
    """One device that was switched on with the card of this room."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._sessions = count(1)
        with (
            as_file(files("smartcard_dm.conformance") / "lab_card.yaml") as profile,
            open_card(f"profile:{profile}", pin=_PIN) as card,
        ):
            self.imsi = read_imsi(card)
            self.credentials = read_credentials(card)
        self.tree = DeviceTree.create(None, _DEVICE, at=at)
        self.tree.sync(self.credentials, at=at)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tree.close()

    def key(self, server: str) -> SigningKey:
        """Return the key of a server; a stranger has one too."""
        return SecretSigningKey(Secret(f"the shared secret of server {server.rpartition('.')[2]}".encode()))

    def issued(
        self, commands: MessageBuilder, server: str = ONE, *, key: SigningKey | None = None, version: str = "1.2"
    ) -> bytes:
        """Return a message with a SessionID of its own, signed by its server or with another key."""
        header = Header(session_id=str(next(self._sessions)), version=version)
        xml = commands.compose(ServerId(server), header)
        return sign_and_encode(xml, key or self.key(server), version=version)

    def apply(self, octets: bytes, transport: Transport | None = None, policy: Policy | None = None) -> Applied:
        """Verify a message and carry it out."""
        return self.tree.apply(
            octets, transport=transport or Transport.local(), at=self.at, policy=policy or Policy.default()
        )

    def status_of(self, octets: bytes) -> str:
        """Carry out a message and return the statuses of its commands, separated by white space."""
        return " ".join(str(int(row.status)) for row in self.apply(octets).report)

    def statuses(self, commands: MessageBuilder, server: str = ONE) -> str:
        """Issue commands, carry them out and return their statuses, separated by white space."""
        return self.status_of(self.issued(commands, server))

    def value(self, uri: str) -> str | bytes | None:
        """Return what a leaf of the tree holds; None when it is not there."""
        row = self._row(uri)
        return None if row is None else row.value

    def acl(self, uri: str) -> str | None:
        """Return the ACL of a node of the tree; None when it is not there."""
        row = self._row(uri)
        return None if row is None else row.acl

    def _row(self, uri: str) -> NodeRow | None:
        return self.tree.nodes.get(uri.removeprefix("./"))
