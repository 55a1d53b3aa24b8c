"""What a receiver sees is read from the message alone, and shows no secret in any form."""

from __future__ import annotations

import base64
import hashlib

import pytest

from smartcard_dm.dm import ServerId
from smartcard_dm.server import Header, PushSizes, compile_source, receiver_view, sign_and_encode
from smartcard_dm.server.lint import find_secrets
from smartcard_dm.server.masking import Mask
from tests.materials import SERVER_ID, SHARED_SECRET, signing

SERVER = ServerId(SERVER_ID)
SECRET = "hidden <&> word"
NONCE = b"\x01\xf2nonce\xff\x00!"


def composed(embedding: str) -> bytes:
    source = f"""
    commands:
      - replace: {{./DMAcc/x/AppAuth/1/AAuthSecret: "{SECRET}"}}
      - replace: {{./A: visible}}
      - add: ./Inbox
        embedding: {embedding}
        acl: Get=*
        object:
          dmacc:
            server_id: com.example.b
            addresses: [{{addr: "https://b.example.com"}}]
            auth:
              - {{level: SRVCRED, type: HMAC, secret: "{SECRET}", data: "{base64.b64encode(NONCE).decode()}"}}
    """
    return compile_source(source.encode(), SERVER, Header()).fill({})


def issued(xml: bytes) -> bytes:
    return sign_and_encode(xml, signing(SHARED_SECRET))


@pytest.mark.parametrize("embedding", ["xml", "wbxml", "inline"])
def test_no_secret_is_shown_in_any_form(embedding: str) -> None:
    xml = composed(embedding)
    message = issued(xml)
    secrets = [secret.octets for secret in find_secrets(xml, SERVER)]
    assert set(secrets) == {SECRET.encode(), NONCE}
    view = receiver_view(message, secrets)
    assert view.masked
    shown = "\n".join([view.xml, *view.xml_lines, view.characters, *(line.text for line in view.tokens)])
    octets = "".join(view.octets) + "".join("".join(line.octets) for line in view.tokens)
    for secret in (SECRET.encode(), NONCE, b"hidden", b"nonce"):
        assert secret.decode("latin-1") not in shown
        assert base64.b64encode(secret).decode() not in shown
        assert secret.hex() not in octets
        assert secret.hex() not in shown
    assert "visible" in view.xml
    assert b"visible".hex() in octets


def test_what_was_signed_is_what_was_composed() -> None:
    xml = composed("wbxml")
    view = receiver_view(issued(xml))
    assert (view.signed_octets, view.signed_sha256) == (len(xml), hashlib.sha256(xml).hexdigest())
    assert not view.masked


def test_octets_and_tokens_cover_the_message() -> None:
    message = issued(composed("wbxml"))
    view = receiver_view(message)
    assert bytes.fromhex("".join(view.octets)) == message
    assert len(view.characters) == len(message)
    for line in view.tokens:
        assert message[line.offset : line.offset + len(line.octets)].hex() == "".join(line.octets)
    assert view.sizes == PushSizes(len(message))


def test_a_mask_hides_a_secret_that_stands_where_nobody_expects_it() -> None:
    mask = Mask([b"", b"a<b", b"\x00\x01"])
    assert mask.text("x a<b y a&lt;b z") == "x [secret] y [secret] z"
    assert mask.text("AAE=") == "[2 octets with a secret]"
    assert mask.text(base64.b64encode(b"...a<b...").decode()) == "[9 octets with a secret]"
    assert mask.spans(b"xa<bx") == [False, True, True, True, False]
    assert "a<b" not in repr(mask)
    assert Mask([]).text("AAE=") == "AAE="
