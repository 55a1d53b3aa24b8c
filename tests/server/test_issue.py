"""Issued messages: what the server side of the conformance requirements asks for (B.2)."""

from __future__ import annotations

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import ServerId
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.server import Header, issue
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import SignatureAlgorithm
from tests import materials
from tests.materials import NOW, SERVER_ID, SHARED_SECRET, signing
from tests.server.test_compose import BARE
from tests.trust.device import account, verifier

SERVER = ServerId(SERVER_ID)


@pytest.mark.parametrize(("version", "octet"), [("1.1", 1), ("1.2", 2), ("1.3", 3)])
def test_dm_sm_s_002_the_message_is_wbxml(version: str, octet: int) -> None:
    message = issue(BARE, SERVER, signing(SHARED_SECRET), version=version)
    assert message[0] == octet
    assert verifier(account()).verify(message, transport=Transport.local(), at=NOW)


def test_dm_sm_s_003_the_server_id_is_the_source() -> None:
    message = issue(BARE, SERVER, signing(SHARED_SECRET))
    assert f"<Source><LocURI>{SERVER_ID}</LocURI></Source>".encode() in wbxml.to_xml(message)


def test_dm_sm_s_004_the_entire_message_is_signed() -> None:
    message = issue(BARE, SERVER, signing(SHARED_SECRET), key_name="hmac-key")
    verified = verifier(account()).verify(message, transport=Transport.local(), at=NOW)
    start = wbxml.to_xml(message).index(b"<Signature ")
    assert wbxml.to_xml(message)[:start] + b"</SyncML>" == verified.octets


def test_deterministic_signatures_give_the_same_octets() -> None:
    for key in (SHARED_SECRET, materials.rsa_private(), materials.ed25519_private()):
        first, second = (issue(BARE, SERVER, signing(key), header=Header(session_id="5")) for _ in range(2))
        assert first == second


def test_an_algorithm_that_does_not_fit_is_refused_before_anything_is_signed() -> None:
    with pytest.raises(KeyMaterialError, match="family"):
        issue(BARE, SERVER, signing(SHARED_SECRET), algorithm=SignatureAlgorithm.RSA_SHA256)
    with pytest.raises(KeyMaterialError, match="does not allow"):
        issue(BARE, SERVER, signing(SHARED_SECRET), algorithm=SignatureAlgorithm.HMAC_SHA1)
