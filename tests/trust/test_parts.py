"""Cutting a message plainly and cutting it as a tree give the same parts; what is not plain goes the other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from smartcard_dm import wbxml
from smartcard_dm.errors import VerificationError, WbxmlError
from smartcard_dm.trust import parts
from smartcard_dm.trust.parts import MessageParts, cut_message
from smartcard_dm.xmlsec.document import canonical, parse_document
from tests.materials import MESSAGE
from tests.trust.device import signed

SIGNED = signed()
PIECES = [
    b"<SyncHdr>", b"</SyncHdr>", b"<SyncHdr></SyncHdr>", b"<SyncBody>", b"</SyncBody>", b"<SyncBody></SyncBody>",
    b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature>', b"<Signature>", b"</Signature>",
    b'<SyncML xmlns="SYNCML:SYNCML1.2">', b"</SyncML>", b" ", b"\n", b"&#xD;", b"text", b"<Final></Final>",
    b'<Signature xmlns="urn:other"></Signature>', b'<SyncHdr xmlns="syncml:metinf"></SyncHdr>',
    MESSAGE[MESSAGE.index(b"<SyncHdr>") : MESSAGE.index(b"<SyncBody>")],
    MESSAGE[MESSAGE.index(b"<SyncBody>") : MESSAGE.index(b"</SyncML>")],
    SIGNED[SIGNED.index(b"<Signature ") : SIGNED.index(b"</SyncML>")],
]  # fmt: skip


def shown(found: MessageParts) -> tuple[bytes, bytes, bytes]:
    header = etree.tostring(found.header, method="c14n", exclusive=True, with_comments=False)
    return header, found.signature, found.octets


def as_tree(xml: bytes) -> tuple[bytes, bytes, bytes] | None:
    try:
        return shown(parts._cut_as_tree(parse_document(xml)))
    except VerificationError:
        return None


def test_a_message_of_the_usual_shape_is_cut_plainly() -> None:
    plain = parts._cut_plainly(SIGNED)
    assert plain is not None
    assert shown(plain) == as_tree(SIGNED)
    assert plain.octets == MESSAGE


def test_white_space_where_the_parts_meet_is_kept() -> None:
    spaced = SIGNED.replace(b"<SyncBody>", b"\n <SyncBody>").replace(b"<Signature ", b"\n<Signature ")
    spaced = spaced.replace(b"</SyncML>", b"\n\n</SyncML>").replace(b"<SyncHdr>", b"\n<SyncHdr>")
    plain = parts._cut_plainly(spaced)
    assert plain is not None
    assert shown(plain) == as_tree(spaced)


@pytest.mark.parametrize(
    "change",
    [
        (b"<Final></Final>", b'<Final></Final><Signature xmlns="urn:other"></Signature>'),
        (b"<SyncBody>", b"&#xD;<SyncBody>"),
        (b"<Data>", b'<Data><SyncBody xmlns="urn:other"></SyncBody>'),
    ],
    ids=["a signature of another kind", "a carriage return", "a second body of another kind"],
)
def test_what_is_not_plain_is_cut_as_a_tree(change: tuple[bytes, bytes]) -> None:
    changed = SIGNED.replace(*change)
    assert parts._cut_plainly(changed) is None
    assert shown(cut_message(changed)) == as_tree(changed)


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_both_ways_agree_about_any_arrangement(pieces: list[bytes]) -> None:
    xml = b'<SyncML xmlns="SYNCML:SYNCML1.2">' + b"".join(pieces) + b"</SyncML>"
    try:
        root = parse_document(xml)
    except WbxmlError:
        return
    xml = canonical(root)
    plain = parts._cut_plainly(xml)
    if plain is not None:
        assert shown(plain) == as_tree(xml)


def test_what_the_decoder_writes_is_what_canonicalization_gives() -> None:
    xml = wbxml.to_xml(wbxml.from_xml(SIGNED))
    assert xml == canonical(parse_document(xml))
