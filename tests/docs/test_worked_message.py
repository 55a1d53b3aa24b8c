"""The worked message of the signature profile: made again, verified, and recomputed without this project's code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from datetime import UTC, datetime

import pytest

from docs import worked_message
from docs.marked import read_part, replace_part
from smartcard_dm import wbxml
from smartcard_dm.dm import AppAddress, AppAuth, AuthLevel, AuthType, DmAccount, parse_server_id
from smartcard_dm.secret import Secret
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import SignatureAlgorithm

PRINTED = read_part(worked_message.DOCUMENT.read_text("utf-8"), worked_message.PART)
SECRET, COMMANDS, HEX, TOKENS, XML, MESSAGE, DIGEST, SIGNED_INFO, VALUE = re.findall(
    r"```(?:text|xml)\n(.*?)\n```", PRINTED, re.DOTALL
)


def octets() -> bytes:
    return b"".join(bytes.fromhex(line[6:]) for line in HEX.splitlines())


def test_the_document_shows_what_the_script_makes() -> None:
    assert worked_message.render(worked_message.build()).strip() == PRINTED


def test_the_printed_octets_are_authorized() -> None:
    auth = AppAuth(node_name="1", level=AuthLevel.SRVCRED, type=AuthType.HMAC, secret=Secret(SECRET.encode()))
    account = DmAccount(
        server_id=parse_server_id(worked_message.SERVER_ID),
        node_name="dms",
        addresses=(AppAddress(node_name="1", addr="https://dms.example.com/dm"),),
        auth=(auth,),
    )
    verifier = Verifier(Credentials(None, (account,), ()), policy=Policy.default())
    message = verifier.verify(octets(), transport=Transport.local(), at=datetime(2026, 7, 1, tzinfo=UTC))
    assert message.octets == MESSAGE.encode()
    assert message.signature.algorithm is SignatureAlgorithm.HMAC_SHA256
    assert message.command_count == 1


def test_digest_and_signature_value_follow_from_the_printed_octets_alone() -> None:
    in_hex, in_base64 = DIGEST.splitlines()
    digest = hashlib.sha256(MESSAGE.encode()).digest()
    assert (digest.hex(), base64.b64encode(digest).decode()) == (in_hex, in_base64)
    assert f"<DigestValue>{in_base64}</DigestValue>" in SIGNED_INFO
    in_hex, in_base64 = VALUE.splitlines()
    value = hmac.new(SECRET.encode(), SIGNED_INFO.encode(), "sha256").digest()
    assert (value.hex(), base64.b64encode(value).decode()) == (in_hex, in_base64)
    assert f"<SignatureValue>{in_base64}</SignatureValue>" in XML


def test_the_printed_forms_belong_together() -> None:
    start, end = XML.index("<Signature "), XML.index("</SyncML>")
    assert XML[:start] + XML[end:] == MESSAGE
    inner = SIGNED_INFO.replace(' xmlns="http://www.w3.org/2000/09/xmldsig#"', "", 1)
    assert XML[start:].startswith(f'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">{inner}<SignatureValue>')
    assert wbxml.to_xml(octets()) == XML.encode()
    assert hashlib.sha256(octets()).hexdigest() in PRINTED


def test_the_header_and_the_offsets_are_what_the_specification_says() -> None:
    version, high, low, charset, length_high, length_low = struct.unpack("6B", octets()[:6])
    assert (version, high & 0x7F, low, charset) == (0x02, 0x24, 0x01, 106)
    table = (length_high & 0x7F) << 7 | length_low
    assert octets()[6 : 6 + table].split(b"\0")[0] == b"Signature"
    assert octets()[6 + table] == 0x6D
    for line in TOKENS.splitlines():
        assert octets()[int(line[:4], 16) :].startswith(bytes.fromhex(line[6:30].split("..")[0].strip()))


def test_a_part_is_found_once_or_not_at_all() -> None:
    document = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n"
    assert replace_part(document, "x", "new") == "a\n<!-- begin: x -->\n\nnew\n\n<!-- end: x -->\nb\n"
    for wrong in ("", document + document, document.replace("end", "End")):
        with pytest.raises(ValueError, match="wanted one part 'x'"):
            replace_part(wrong, "x", "new")
