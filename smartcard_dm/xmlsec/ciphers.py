"""Block encryption and key wrap, as XML Encryption lays their octets out.

Guarantees: what does not open gives one error that says nothing more. Leaves to its caller: that a random value is one.

Spec: XML Encryption 1.1, 5.2 (CBC: IV, ciphertext with padding; GCM: 96-bit IV, ciphertext, 128-bit tag) and 5.7.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from smartcard_dm.errors import DecryptionError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher

_BLOCK: Final = 16
_GCM_IV: Final = 12
_GCM_TAG: Final = 16


def encrypt(cipher: BlockCipher, key: Secret, plaintext: bytes, random: Callable[[int], bytes]) -> bytes:
    """Return the octets of a CipherValue.

    Args:
        cipher: fixes the length of the key.
        key: for this content only.
        plaintext: what to encrypt.
        random: returns as many unpredictable octets as it is asked for.
    """
    if cipher.authenticates:
        iv = random(_GCM_IV)
        return iv + AESGCM(key.reveal()).encrypt(iv, plaintext, None)
    iv = random(_BLOCK)
    length = _BLOCK - len(plaintext) % _BLOCK
    padding = bytes(length - 1) + bytes([length])
    encryptor = Cipher(AES(key.reveal()), CBC(iv)).encryptor()
    return iv + encryptor.update(plaintext + padding) + encryptor.finalize()


def decrypt(cipher: BlockCipher, key: Secret, ciphertext: bytes) -> bytes:
    """Return what the octets of a CipherValue hold.

    Raises:
        DecryptionError: too short, cut, changed, or under another key.
    """
    if len(key) != cipher.key_octets:
        raise DecryptionError
    if cipher.authenticates:
        if len(ciphertext) < _GCM_IV + _GCM_TAG:
            raise DecryptionError
        try:
            return AESGCM(key.reveal()).decrypt(ciphertext[:_GCM_IV], ciphertext[_GCM_IV:], None)
        except InvalidTag:
            raise DecryptionError from None
    if len(ciphertext) < 2 * _BLOCK or len(ciphertext) % _BLOCK:
        raise DecryptionError
    decryptor = Cipher(AES(key.reveal()), CBC(ciphertext[:_BLOCK])).decryptor()
    padded = decryptor.update(ciphertext[_BLOCK:]) + decryptor.finalize()
    # The last octet says how many to drop; the others of the padding are arbitrary (XML Encryption 1.1, 5.2.1).
    if not 1 <= padded[-1] <= _BLOCK:
        raise DecryptionError
    return padded[: -padded[-1]]


def wrap_key(wrapping: Secret, key: Secret) -> bytes:
    """Return a key wrapped under another (RFC 3394)."""
    return aes_key_wrap(wrapping.reveal(), key.reveal())


def unwrap_key(wrapping: Secret, wrapped: bytes) -> Secret:
    """Return the key that was wrapped (RFC 3394).

    Raises:
        DecryptionError: cut, changed, or under another key.
    """
    try:
        return Secret(aes_key_unwrap(wrapping.reveal(), wrapped))
    except (InvalidUnwrap, ValueError):
        raise DecryptionError from None
