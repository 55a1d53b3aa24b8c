"""Block ciphers and key wrap against published vectors, and every length of padding."""

from __future__ import annotations

import os

import pytest

from smartcard_dm.errors import DecryptionError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.ciphers import decrypt, encrypt, unwrap_key, wrap_key
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher

GCM = {
    # NIST GCM specification, test cases 3 and 15: key, IV, plaintext, ciphertext with tag
    BlockCipher.AES128_GCM: (
        "feffe9928665731c6d6a8f9467308308",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
        "3d58e091473f5985" + "4d5c2af327cd64a62cf35abd2ba6fab4",
    ),
    BlockCipher.AES256_GCM: (
        "feffe9928665731c6d6a8f9467308308" * 2,
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
        "bcc9f662898015ad" + "b094dac5d93471bdec1a502270e3cc6c",
    ),
}
IV = bytes.fromhex("cafebabefacedbaddecaf888")
PLAINTEXT = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
)


@pytest.mark.parametrize("cipher", GCM)
def test_gcm_is_iv_ciphertext_and_tag(cipher: BlockCipher) -> None:
    key, wanted = GCM[cipher]
    value = IV + bytes.fromhex(wanted)
    assert encrypt(cipher, Secret(bytes.fromhex(key)), PLAINTEXT, lambda _: IV) == value
    assert decrypt(cipher, Secret(bytes.fromhex(key)), value) == PLAINTEXT


def test_key_wrap_is_that_of_rfc_3394() -> None:
    wrapping = Secret(bytes.fromhex("000102030405060708090A0B0C0D0E0F"))
    key = Secret(bytes.fromhex("00112233445566778899AABBCCDDEEFF"))
    wrapped = bytes.fromhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5")
    assert wrap_key(wrapping, key) == wrapped
    assert unwrap_key(wrapping, wrapped) == key


@pytest.mark.parametrize("cipher", BlockCipher)
def test_every_length_comes_back(cipher: BlockCipher) -> None:
    key = Secret(os.urandom(cipher.key_octets))
    for length in range(50):
        plaintext = os.urandom(length)
        assert decrypt(cipher, key, encrypt(cipher, key, plaintext, os.urandom)) == plaintext


@pytest.mark.parametrize("cipher", BlockCipher)
def test_every_prefix_is_refused(cipher: BlockCipher) -> None:
    key = Secret(os.urandom(cipher.key_octets))
    value = encrypt(cipher, key, b"x" * 16, bytes)
    for end in range(len(value)):
        if not cipher.authenticates and end == 32:
            continue  # whole blocks: what comes out depends on the key
        with pytest.raises(DecryptionError):
            decrypt(cipher, key, value[:end])
    with pytest.raises(DecryptionError):
        decrypt(cipher, Secret(key.reveal()[:-1]), value)


@pytest.mark.parametrize("octets", [0, 1, 8, 15, 16, 17, 23, 25])
def test_a_wrapped_key_of_another_length_is_refused(octets: int) -> None:
    with pytest.raises(DecryptionError):
        unwrap_key(Secret(bytes(16)), bytes(octets))
