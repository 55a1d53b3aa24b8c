"""python-xmlsec decrypts what is encrypted here, and what it encrypts opens here: every algorithm of the profile.

Its library, xmlsec 1.3, knows all of them. Python names for the two key derivations are missing in the binding; the
test gives it the library's own descriptions of them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import xmlsec
from lxml import etree

from smartcard_dm.server.encrypt import encrypt_body, encrypt_commands, encrypt_data
from smartcard_dm.xmlsec.encrypted_data import ENCRYPTED_DATA
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType
from tests.materials import MESSAGE
from tests.oracles.encryption import CIPHERS, TRANSPORTS, WRAPS, device, foreign_keys, recipient, template
from tests.trust.device import signed, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.oracles.encryption import Way

WAYS = [*TRANSPORTS, *WRAPS]
PLACES = {"Data": "Data", "command": "Replace", "body": "SyncBody"}
WITH_TREE = MESSAGE.replace(
    b"a &lt;new&gt; name &amp; more", b'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD></MgmtTree>'
)
"""The binding cannot give back the text node that it takes out of a Data which holds text; an element it can."""


def canonical(root: etree._Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=True)


def decrypt_there(xml: bytes, way: Way) -> bytes:
    root = etree.fromstring(xml)
    element = next(root.iter(ENCRYPTED_DATA))
    xmlsec.EncryptionContext(foreign_keys(way, private=True)).decrypt(element)
    return canonical(root)


def encrypt_there(way: Way, cipher: BlockCipher, place: str, message: bytes = MESSAGE) -> bytes:
    type_ = EncryptedType.ELEMENT if place == "command" else EncryptedType.CONTENT
    root = etree.fromstring(message)
    element = next(root.iter("{*}" + PLACES[place]))
    context = xmlsec.EncryptionContext(foreign_keys(way, private=False))
    bits = 8 * cipher.key_octets
    context.key = xmlsec.Key.generate(xmlsec.constants.KeyDataAes, bits, xmlsec.constants.KeyDataTypeSession)
    context.encrypt_xml(etree.fromstring(template(way, cipher, type_)), element)
    return canonical(root)


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.identifier)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_is_encrypted_here_python_xmlsec_decrypts(way: Way, cipher: BlockCipher) -> None:
    xml = encrypt_body(MESSAGE, recipient(way), random=os.urandom, cipher=cipher)
    assert b"DMAcc" not in xml
    assert decrypt_there(xml, way) == MESSAGE


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.identifier)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_python_xmlsec_encrypts_opens_here(way: Way, cipher: BlockCipher) -> None:
    xml = encrypt_there(way, cipher, "body")
    assert b"DMAcc" not in xml
    assert verify(signed(xml), device()).octets == MESSAGE


@pytest.mark.parametrize("encrypt", [encrypt_data, encrypt_commands], ids=lambda function: function.__name__)
@pytest.mark.parametrize("way", [TRANSPORTS[0], WRAPS[0]], ids=lambda way: way.name)
def test_python_xmlsec_decrypts_each_kind_of_part(way: Way, encrypt: Callable[..., bytes]) -> None:
    assert decrypt_there(encrypt(MESSAGE, recipient(way), random=os.urandom), way) == MESSAGE


@pytest.mark.parametrize("place", ["Data", "command"])
@pytest.mark.parametrize("way", [TRANSPORTS[0], WRAPS[0]], ids=lambda way: way.name)
def test_each_kind_of_part_that_python_xmlsec_encrypts_opens_here(way: Way, place: str) -> None:
    xml = encrypt_there(way, BlockCipher.AES128_GCM, place, WITH_TREE)
    assert verify(signed(xml), device()).octets == WITH_TREE
