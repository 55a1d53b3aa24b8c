"""Attacks on a signed message: wrapped, moved, doubled, flipped, cut; never one of them is authorized."""

from __future__ import annotations

import base64
import hashlib

import pytest

from smartcard_dm import wbxml
from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport
from tests import materials
from tests.materials import MESSAGE, NOW
from tests.trust.device import account, refused, signed, verifier

SIGNED = signed()
SIGNATURE = SIGNED[SIGNED.index(b"<Signature ") : SIGNED.index(b"</SyncML>")]
HEADER = MESSAGE[MESSAGE.index(b"<SyncHdr>") : MESSAGE.index(b"<SyncBody>")]
BODY = MESSAGE[MESSAGE.index(b"<SyncBody>") : MESSAGE.index(b"</SyncML>")]
EVIL = BODY.replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/AppAddr")
BODY_START = b'<SyncBody xmlns="SYNCML:SYNCML1.2"'
ROOT = b'<SyncML xmlns="SYNCML:SYNCML1.2">'
END = b"</SyncML>"

WRAPPED = [
    ("signature twice", ROOT + HEADER + BODY + SIGNATURE + SIGNATURE + END, Rule.SIGNATURE_SEVERAL),
    ("signature first", ROOT + SIGNATURE + HEADER + BODY + END, Rule.SIGNATURE_PLACE),
    ("signature between", ROOT + HEADER + SIGNATURE + BODY + END, Rule.SIGNATURE_PLACE),
    ("signature in the body", ROOT + HEADER + BODY.replace(b"<Final>", SIGNATURE + b"<Final>") + END,
     Rule.SIGNATURE_PLACE),
    ("signature in Data", ROOT + HEADER + BODY.replace(b"</Data>", SIGNATURE + b"</Data>") + END, Rule.SIGNATURE_PLACE),
    ("signature in a signature's object", ROOT + HEADER + BODY
     + SIGNATURE.replace(b"</Signature>", b"<Object>" + SIGNATURE + b"</Object></Signature>") + END,
     Rule.SIGNATURE_SEVERAL),
    ("two bodies", ROOT + HEADER + EVIL + BODY + SIGNATURE + END, Rule.SHAPE_ORDER),
    ("two headers", ROOT + HEADER + HEADER + BODY + SIGNATURE + END, Rule.SHAPE_ORDER),
    ("body after the signature", ROOT + HEADER + BODY + SIGNATURE + EVIL + END, Rule.SIGNATURE_PLACE),
    ("another element", ROOT + HEADER + BODY + b"<Final></Final>" + SIGNATURE + END, Rule.SHAPE_ORDER),
    ("body and header swapped", ROOT + BODY + HEADER + SIGNATURE + END, Rule.SHAPE_ORDER),
    ("text beside the body", ROOT + HEADER + BODY + b"text" + SIGNATURE + END, Rule.SHAPE_ORDER),
    ("message wrapped in its own body", ROOT + HEADER + b"<SyncBody>" + SIGNED + b"</SyncBody>" + SIGNATURE + END,
     Rule.SIGNATURE_SEVERAL),
    ("original body kept in an object", ROOT + HEADER + EVIL
     + SIGNATURE.replace(b"</Signature>", b"<Object>" + BODY.replace(b"<SyncBody", BODY_START)
                         + b"</Object></Signature>") + END, Rule.SIGNATURE_FORM),
    ("evil body", ROOT + HEADER + EVIL + SIGNATURE + END, Rule.DIGEST_VALUE),
    ("white space added", ROOT + HEADER + b"\n" + BODY + SIGNATURE + END, Rule.DIGEST_VALUE),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "rule"), [case[1:] for case in WRAPPED], ids=[case[0] for case in WRAPPED])
def test_wrapping(xml: bytes, rule: Rule) -> None:
    assert refused(xml).rule is rule


def test_the_signature_of_one_message_does_not_serve_another() -> None:
    other = signed(MESSAGE.replace(b"<MsgID>1<", b"<MsgID>2<"))
    assert refused(other.replace(b"<MsgID>2<", b"<MsgID>3<")).rule is Rule.DIGEST_VALUE


def test_a_new_digest_without_a_new_signature_is_refused_at_step_7() -> None:
    changed = MESSAGE.replace(b"<MsgID>1<", b"<MsgID>2<")
    value = base64.b64encode(hashlib.sha256(changed).digest())
    start = SIGNATURE.index(b"<DigestValue>") + 13
    forged = SIGNATURE[:start] + value + SIGNATURE[SIGNATURE.index(b"</DigestValue>") :]
    assert refused(changed.replace(END, forged + END)).rule is Rule.SIGNATURE_VALUE


def test_key_value_in_the_message_does_not_make_a_signer() -> None:
    stranger = materials.rsa_private(number=1)
    claim = b"<KeyInfo><KeyValue><RSAKeyValue></RSAKeyValue></KeyValue></KeyInfo></Signature>"
    assert refused(signed(key=stranger).replace(b"</Signature>", claim)).rule is Rule.KEY_INFO


@pytest.mark.parametrize("text", [b"./DMAcc/dms/Name", b"com.example.dms", b"DM/1.2"])
def test_another_encoding_of_the_same_xml_form_is_the_same_message(text: bytes) -> None:
    octets = wbxml.from_xml(SIGNED)
    assert octets.count(b"\x03" + text + b"\x00") == 1
    split = b"\x03" + text[:2] + b"\x00\x02" + bytes([text[2]]) + b"\x03" + text[3:] + b"\x00"
    other = octets.replace(b"\x03" + text + b"\x00", split)
    message = verifier(account()).verify(other, transport=Transport.local(), at=NOW)
    assert message.octets == MESSAGE


DEVICE = verifier(account())


def judge(octets: bytes) -> str:
    try:
        DEVICE.verify(octets, transport=Transport.local(), at=NOW)
    except VerificationError as error:
        return error.rule.identifier
    return "authorized"


def test_every_prefix_is_refused() -> None:
    octets = wbxml.from_xml(SIGNED)
    assert {judge(octets[:end]) for end in range(len(octets))} == {Rule.WBXML_MALFORMED.identifier}


@pytest.mark.parametrize("tail", [b"\x00", b"\x01", b"\xff", b"\x03a\x00"])
def test_trailing_octets_are_refused(tail: bytes) -> None:
    assert judge(wbxml.from_xml(SIGNED) + tail) == Rule.WBXML_MALFORMED.identifier


def test_depth_and_size_bombs_are_refused() -> None:
    deep = b"\x02\xa4\x01\x6a\x00\x6d" + b"\x48" * 100_000
    assert judge(deep) == Rule.BOUND_EXCEEDED.identifier
    table = b"A" * 60_000 + b"\x00"
    length = b"\x83\xd4\x61"
    bomb = b"\x02\xa4\x01\x6a" + length + table + b"\x6d" + b"\x83\x00" * 200_000
    assert judge(bomb) in {Rule.BOUND_EXCEEDED.identifier, Rule.WBXML_MALFORMED.identifier}
