"""The algorithms of the encryption profile, as enums that carry what follows from them.

Guarantees: key lengths, modes and identifiers stand on the enum member; nothing is derived from a URI's spelling.
Leaves to its caller: which of them a policy allows.

Spec: XML Encryption 1.1, 5.1 to 5.7; RFC 9231, 2.6.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from smartcard_dm.xmlsec.algorithms import XMLENC, DigestAlgorithm

XMLENC11: Final = "http://www.w3.org/2009/xmlenc11#"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
CONCAT_KDF: Final = XMLENC11 + "ConcatKDF"
PBKDF2: Final = XMLENC11 + "pbkdf2"


class EncryptedType(Enum):
    """What an EncryptedData stands for."""

    ELEMENT = XMLENC + "Element"
    """One element."""
    CONTENT = XMLENC + "Content"
    """The whole content of the element around it."""


class BlockCipher(Enum):
    """Ciphers of content: name, URI, octets of the key, whether it authenticates what it encrypts."""

    AES128_GCM = ("aes128-gcm", XMLENC11 + "aes128-gcm", 16, True)
    AES256_GCM = ("aes256-gcm", XMLENC11 + "aes256-gcm", 32, True)
    AES128_CBC = ("aes128-cbc", XMLENC + "aes128-cbc", 16, False)
    AES192_CBC = ("aes192-cbc", XMLENC + "aes192-cbc", 24, False)
    AES256_CBC = ("aes256-cbc", XMLENC + "aes256-cbc", 32, False)

    def __init__(self, identifier: str, uri: str, key_octets: int, authenticates: bool) -> None:  # noqa: FBT001 - a row
        self.identifier = identifier
        self.uri = uri
        self.key_octets = key_octets
        self.authenticates = authenticates


class KeyTransport(Enum):
    """Ways to transport a key under an RSA key: name, URI."""

    RSA_OAEP = ("rsa-oaep", XMLENC11 + "rsa-oaep")
    """OAEP with the digest and the mask generation that the message names."""
    RSA_OAEP_MGF1P = ("rsa-oaep-mgf1p", XMLENC + "rsa-oaep-mgf1p")
    """OAEP with the digest that the message names, SHA-1 if none, and MGF1 with SHA-1."""
    RSA_1_5 = ("rsa-1_5", XMLENC + "rsa-1_5")
    """PKCS #1 v1.5, which DM Security 1.2.1 mandates."""

    def __init__(self, identifier: str, uri: str) -> None:
        self.identifier = identifier
        self.uri = uri


class KeyWrap(Enum):
    """Ways to wrap a key under a symmetric key: name, URI, octets of that key."""

    KW_AES128 = ("kw-aes128", XMLENC + "kw-aes128", 16)
    KW_AES256 = ("kw-aes256", XMLENC + "kw-aes256", 32)

    def __init__(self, identifier: str, uri: str, key_octets: int) -> None:
        self.identifier = identifier
        self.uri = uri
        self.key_octets = key_octets


class Prf(Enum):
    """Pseudo-random functions of PBKDF2: name, URI, hash of the HMAC."""

    HMAC_SHA256 = ("hmac-sha256", _MORE + "hmac-sha256", DigestAlgorithm.SHA256)
    HMAC_SHA384 = ("hmac-sha384", _MORE + "hmac-sha384", DigestAlgorithm.SHA384)
    HMAC_SHA512 = ("hmac-sha512", _MORE + "hmac-sha512", DigestAlgorithm.SHA512)

    def __init__(self, identifier: str, uri: str, digest: DigestAlgorithm) -> None:
        self.identifier = identifier
        self.uri = uri
        self.digest = digest


MGF_URI: Final = {
    DigestAlgorithm.SHA1: XMLENC11 + "mgf1sha1",
    DigestAlgorithm.SHA256: XMLENC11 + "mgf1sha256",
    DigestAlgorithm.SHA384: XMLENC11 + "mgf1sha384",
    DigestAlgorithm.SHA512: XMLENC11 + "mgf1sha512",
}
"""Mask generation functions, by the hash of MGF1."""
BLOCK_BY_URI: Final = {member.uri: member for member in BlockCipher}
TRANSPORT_BY_URI: Final = {member.uri: member for member in KeyTransport}
WRAP_BY_URI: Final = {member.uri: member for member in KeyWrap}
PRF_BY_URI: Final = {member.uri: member for member in Prf}
