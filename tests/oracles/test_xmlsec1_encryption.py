"""xmlsec1, the program of Debian 12 (xmlsec 1.2), both ways, for every algorithm of the profile that it knows.

It knows neither rsa-oaep of XML Encryption 1.1 nor its key derivations, nor a digest but SHA-1 in rsa-oaep-mgf1p;
python-xmlsec brings a newer library for those. For key wrap it gets the wrapping key, which hashlib derives.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.server.encrypt import encrypt_body, encrypt_commands, encrypt_data
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.encryption_algorithms import EncryptedType
from smartcard_dm.xmlsec.key_derivation import Pbkdf2
from tests import materials
from tests.materials import MESSAGE, SHARED_SECRET
from tests.oracles.encryption import CIPHERS, DEVICE_KEY, KEY_NAME, TRANSPORTS, WRAPS, device, recipient, template
from tests.trust.device import signed, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher
    from tests.oracles.encryption import Way

KNOWN = [way for way in TRANSPORTS if way.name in {"rsa-oaep-mgf1p", "rsa-1_5"}]
WRAPPED = [way for way in WRAPS if way.name.endswith("pbkdf2-hmac-sha256")]


def key_arguments(way: Way, folder: Path, *, private: bool) -> list[str]:
    path = folder / "key"
    if way.transport is None:
        assert isinstance(way.derivation, Pbkdf2)
        salt, iterations = way.derivation.salt, way.derivation.iterations
        path.write_bytes(hashlib.pbkdf2_hmac("sha256", SHARED_SECRET.reveal(), salt, iterations, way.wrap.key_octets))
        return ["--aeskey", str(path)]
    path.write_bytes(materials.private_pem(DEVICE_KEY) if private else materials.public_pem(DEVICE_KEY))
    return [f"--{'privkey' if private else 'pubkey'}-pem:{KEY_NAME}", str(path)]


def run(arguments: list[str], folder: Path) -> bytes:
    result = folder / "result.xml"
    subprocess.run(
        ["xmlsec1", *arguments[:-1], "--output", str(result), arguments[-1]],
        check=True,
        capture_output=True,
        timeout=30,
    )
    return canonical(parse_document(result.read_bytes()))


def decrypt_there(xml: bytes, way: Way, folder: Path) -> bytes:
    path = folder / "message.xml"
    path.write_bytes(xml)
    return run(["--decrypt", *key_arguments(way, folder, private=True), str(path)], folder)


def encrypt_there(way: Way, cipher: BlockCipher, name: str, folder: Path) -> bytes:
    type_ = EncryptedType.ELEMENT if name == "Replace" else EncryptedType.CONTENT
    message, form = folder / "message.xml", folder / "template.xml"
    message.write_bytes(MESSAGE)
    form.write_bytes(template(way, cipher, type_))
    keys = [*key_arguments(way, folder, private=False), "--session-key", f"aes-{8 * cipher.key_octets}"]
    part = ["--xml-data", str(message), "--node-name", f"SYNCML:SYNCML1.2:{name}"]
    return run(["--encrypt", *keys, *part, str(form)], folder)


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.identifier)
@pytest.mark.parametrize("way", [*KNOWN, *WRAPPED], ids=lambda way: way.name)
def test_what_is_encrypted_here_xmlsec1_decrypts(way: Way, cipher: BlockCipher, tmp_path: Path) -> None:
    xml = encrypt_body(MESSAGE, recipient(way), random=os.urandom, cipher=cipher)
    assert decrypt_there(xml, way, tmp_path) == MESSAGE


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.identifier)
@pytest.mark.parametrize("way", [*KNOWN, *WRAPPED], ids=lambda way: way.name)
def test_what_xmlsec1_encrypts_opens_here(way: Way, cipher: BlockCipher, tmp_path: Path) -> None:
    xml = encrypt_there(way, cipher, "SyncBody", tmp_path)
    assert b"DMAcc" not in xml
    assert verify(signed(xml), device()).octets == MESSAGE


@pytest.mark.parametrize("encrypt", [encrypt_data, encrypt_commands], ids=lambda function: function.__name__)
def test_xmlsec1_decrypts_each_kind_of_part(encrypt: Callable[..., bytes], tmp_path: Path) -> None:
    assert decrypt_there(encrypt(MESSAGE, recipient(KNOWN[0]), random=os.urandom), KNOWN[0], tmp_path) == MESSAGE


@pytest.mark.parametrize("name", ["Data", "Replace"])
def test_each_kind_of_part_that_xmlsec1_encrypts_opens_here(name: str, tmp_path: Path) -> None:
    xml = encrypt_there(KNOWN[0], CIPHERS[0], name, tmp_path)
    assert verify(signed(xml), device()).octets == MESSAGE
