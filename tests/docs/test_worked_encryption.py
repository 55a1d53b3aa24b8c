"""The worked example of the encryption profile: made again, opened, and recomputed without this project's code."""

from __future__ import annotations

import base64
import hashlib
import re

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap

from docs import worked_encryption, worked_message
from docs.marked import read_part
from smartcard_dm.secret import Secret
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import Policy
from tests.trust.device import SERVER_SECRET, account

PRINTED = read_part(worked_encryption.DOCUMENT.read_text("utf-8"), worked_encryption.PART)
SECRET, CONTENT, WRAPPING_KEY, DATA = re.findall(r"```(?:text|xml)\n(.*?)\n```", PRINTED, re.DOTALL)


def test_the_document_shows_what_the_script_makes() -> None:
    assert worked_encryption.render(worked_encryption.build()).strip() == PRINTED


def test_the_printed_octets_open_by_hand() -> None:
    other = b"http://www.w3.org/2001/04/xmlenc#kw-aes256" + worked_message.SERVER_ID.encode() + bytes(range(16))
    wrapping = hashlib.sha256(b"\0\0\0\1" + SECRET.encode() + other).digest()
    assert wrapping.hex() == WRAPPING_KEY
    key, content = (base64.b64decode(value) for value in re.findall(r"<CipherValue>([^<]*)<", DATA))
    content_key = aes_key_unwrap(wrapping, key)
    assert content_key == bytes(range(0x10, 0x30))
    assert content[:12] == bytes(range(0x30, 0x3C))
    assert AESGCM(content_key).decrypt(content[:12], content[12:], None).decode() == CONTENT


def test_the_example_opens() -> None:
    made = worked_encryption.build()
    entry = type(SERVER_SECRET)(
        node_name="1", level=SERVER_SECRET.level, type=SERVER_SECRET.type, secret=Secret(SECRET.encode())
    )
    decryptor = MessageDecryptor(random=worked_encryption.counting())
    octets, _ = decryptor.decrypt(made.sealed, account(worked_message.SERVER_ID, entry), Policy.default())
    assert octets == made.plain
