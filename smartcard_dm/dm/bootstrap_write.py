"""Writing a bootstrap message.

Guarantees: reading the message gives equal accounts, their origin aside.
Leaves to its caller: padding to the size of the file. The result holds the secrets in clear.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm.account_write import build_dmacc
from smartcard_dm.dm.embedding import Embedding, embed_tnds
from smartcard_dm.dm.message import CommandKind, DmMessage, ItemCommand, SyncHeader
from smartcard_dm.dm.message_write import build_message
from smartcard_dm.dm.tnds import TndsDocument
from smartcard_dm.dm.uri import INBOX_URI, NodeUri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.dm.account import DmAccount

THIS_DEVICE: Final = "./"
"""Target of a message that names no device: whichever device reads it."""


def build_bootstrap(
    accounts: Sequence[DmAccount],
    *,
    session_id: str = "1",
    msg_id: str = "1",
    target: str = THIS_DEVICE,
    embedding: Embedding = Embedding.WBXML,
) -> bytes:
    """Return the XML form of a bootstrap message: one Add to the Inbox with one TNDS object for all accounts.

    Args:
        accounts: at least one; the first one's ServerID becomes the Source.
        session_id: SessionID.
        msg_id: MsgID.
        target: Target/LocURI, the device.
        embedding: how the TNDS object stands in the message.

    Raises:
        ValueError: no account, or a text has characters that XML cannot hold.
        WbxmlError: the object has no WBXML form.
    """
    if not accounts:
        raise ValueError("a bootstrap message has at least one account")
    root = NodeUri()
    document = TndsDocument(nodes=tuple(replace(build_dmacc(account), path=root) for account in accounts))
    item = embed_tnds(document, str(INBOX_URI), embedding)
    header = SyncHeader(
        session_id=session_id,
        msg_id=msg_id,
        target=target,
        source=str(accounts[0].server_id),
    )
    return build_message(DmMessage(header, (ItemCommand(kind=CommandKind.ADD, cmd_id="1", items=(item,)),)))


def build_bootstrap_wbxml(
    accounts: Sequence[DmAccount],
    *,
    session_id: str = "1",
    msg_id: str = "1",
    target: str = THIS_DEVICE,
    embedding: Embedding = Embedding.WBXML,
) -> bytes:
    """Return a bootstrap message as it stands on a card: WBXML, without padding; see `build_bootstrap`.

    Raises:
        ValueError: no account, or a text has characters that XML cannot hold.
        WbxmlError: the message has no WBXML form.
    """
    xml = build_bootstrap(accounts, session_id=session_id, msg_id=msg_id, target=target, embedding=embedding)
    return wbxml.from_xml(xml)
