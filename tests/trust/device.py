"""A device with accounts, and messages for it; each test changes one fact and runs the whole verifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import AppAddress, AppAuth, AuthLevel, AuthType, DmAccount, ServerId
from smartcard_dm.errors import VerificationError
from smartcard_dm.identity import Origin
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import AlgorithmPolicy, sign_message
from tests.materials import MESSAGE, NOW, SERVER_ID, SHARED_SECRET, signing

if TYPE_CHECKING:
    from smartcard_dm.secret import Secret
    from smartcard_dm.trust.anchors import TrustAnchor
    from smartcard_dm.trust.verified import VerifiedMessage
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

LEGACY = AlgorithmPolicy.oma_1_2_legacy()
SERVER_SECRET = AppAuth(
    node_name="srv", level=AuthLevel.SRVCRED, type=AuthType.HMAC, name="hmac-key", secret=SHARED_SECRET
)


def account(server_id: str = SERVER_ID, *auth: AppAuth, node_name: str = "dms") -> DmAccount:
    """Return an account; by default its server shares a secret."""
    return DmAccount(
        server_id=ServerId(server_id),
        node_name=node_name,
        addresses=(AppAddress(node_name="1", addr="https://dms.example.com/dm"),),
        auth=auth or (SERVER_SECRET,),
        origin=Origin("DM bootstrap", f"7F50/{node_name}", "2.23.43.7.1"),
    )


def verifier(*accounts: DmAccount, anchors: tuple[TrustAnchor, ...] = (), policy: Policy | None = None) -> Verifier:
    """Return the verifier of a device with these accounts."""
    return Verifier(Credentials(None, accounts, anchors), policy=policy or Policy.default())


def signed(xml: bytes = MESSAGE, key: PrivateKey | Secret = SHARED_SECRET) -> bytes:
    """Return the signed XML form of a message."""
    return sign_message(xml, signing(key), LEGACY)


def verify(xml: bytes, judge: Verifier | None = None) -> VerifiedMessage:
    """Encode a signed XML form and verify it on a device."""
    judge = judge or verifier(account())
    return judge.verify(wbxml.from_xml(xml), transport=Transport.local(), at=NOW)


def refused(xml: bytes, judge: Verifier | None = None) -> VerificationError:
    """Return the refusal of a signed XML form."""
    with pytest.raises(VerificationError) as caught:
        verify(xml, judge)
    return caught.value
