"""The algorithms of the signature profile, as enums that carry what follows from them.

Guarantees: an algorithm's key family, hash and strength stand on its enum member; nothing is derived from a URI's
spelling. Leaves to its caller: which of them a policy allows.

Spec: XML Signature 1.1, 6; RFC 9231, 2 (identifiers).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes

if TYPE_CHECKING:
    from collections.abc import Callable

XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
XMLENC: Final = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED_SIGNATURE: Final = XMLDSIG + "enveloped-signature"
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_MORE_2021: Final = "http://www.w3.org/2021/04/xmldsig-more#"


class KeyFamily(Enum):
    """The kind of a key; it fixes which algorithms can be meant before a message is looked at."""

    HMAC = "hmac"
    RSA = "rsa"
    EC = "ec"
    ED25519 = "ed25519"


class Scheme(Enum):
    """How a signature value is made."""

    HMAC = "hmac"
    RSA_PKCS1 = "rsa-pkcs1"
    RSA_PSS = "rsa-pss"
    ECDSA = "ecdsa"
    EDDSA = "eddsa"

    @property
    def family(self) -> KeyFamily:
        """The key family this scheme needs."""
        return _FAMILY_OF[self]


_FAMILY_OF: Final = {
    Scheme.HMAC: KeyFamily.HMAC,
    Scheme.RSA_PKCS1: KeyFamily.RSA,
    Scheme.RSA_PSS: KeyFamily.RSA,
    Scheme.ECDSA: KeyFamily.EC,
    Scheme.EDDSA: KeyFamily.ED25519,
}


class DigestAlgorithm(Enum):
    """Digest algorithms: name, URI, hash."""

    SHA1 = ("sha1", XMLDSIG + "sha1", hashes.SHA1)
    SHA256 = ("sha256", XMLENC + "sha256", hashes.SHA256)
    SHA384 = ("sha384", _MORE + "sha384", hashes.SHA384)
    SHA512 = ("sha512", XMLENC + "sha512", hashes.SHA512)

    def __init__(self, identifier: str, uri: str, make_hash: Callable[[], hashes.HashAlgorithm]) -> None:
        self.identifier = identifier
        self.uri = uri
        self.make_hash = make_hash

    def digest(self, octets: bytes) -> bytes:
        """Return the digest of `octets`."""
        context = hashes.Hash(self.make_hash())
        context.update(octets)
        return context.finalize()


class SignatureAlgorithm(Enum):
    """Signature algorithms: name, URI, scheme, digest (which is also the digest of the default Reference)."""

    HMAC_SHA1 = ("hmac-sha1", XMLDSIG + "hmac-sha1", Scheme.HMAC, DigestAlgorithm.SHA1)
    HMAC_SHA256 = ("hmac-sha256", _MORE + "hmac-sha256", Scheme.HMAC, DigestAlgorithm.SHA256)
    HMAC_SHA384 = ("hmac-sha384", _MORE + "hmac-sha384", Scheme.HMAC, DigestAlgorithm.SHA384)
    HMAC_SHA512 = ("hmac-sha512", _MORE + "hmac-sha512", Scheme.HMAC, DigestAlgorithm.SHA512)
    RSA_SHA1 = ("rsa-sha1", XMLDSIG + "rsa-sha1", Scheme.RSA_PKCS1, DigestAlgorithm.SHA1)
    RSA_SHA256 = ("rsa-sha256", _MORE + "rsa-sha256", Scheme.RSA_PKCS1, DigestAlgorithm.SHA256)
    RSA_SHA384 = ("rsa-sha384", _MORE + "rsa-sha384", Scheme.RSA_PKCS1, DigestAlgorithm.SHA384)
    RSA_SHA512 = ("rsa-sha512", _MORE + "rsa-sha512", Scheme.RSA_PKCS1, DigestAlgorithm.SHA512)
    RSA_PSS_SHA256 = ("rsa-pss-sha256", _MORE_2007 + "sha256-rsa-MGF1", Scheme.RSA_PSS, DigestAlgorithm.SHA256)
    RSA_PSS_SHA384 = ("rsa-pss-sha384", _MORE_2007 + "sha384-rsa-MGF1", Scheme.RSA_PSS, DigestAlgorithm.SHA384)
    RSA_PSS_SHA512 = ("rsa-pss-sha512", _MORE_2007 + "sha512-rsa-MGF1", Scheme.RSA_PSS, DigestAlgorithm.SHA512)
    ECDSA_SHA256 = ("ecdsa-sha256", _MORE + "ecdsa-sha256", Scheme.ECDSA, DigestAlgorithm.SHA256)
    ECDSA_SHA384 = ("ecdsa-sha384", _MORE + "ecdsa-sha384", Scheme.ECDSA, DigestAlgorithm.SHA384)
    ECDSA_SHA512 = ("ecdsa-sha512", _MORE + "ecdsa-sha512", Scheme.ECDSA, DigestAlgorithm.SHA512)
    EDDSA_ED25519 = ("eddsa-ed25519", _MORE_2021 + "eddsa-ed25519", Scheme.EDDSA, DigestAlgorithm.SHA512)

    def __init__(self, identifier: str, uri: str, scheme: Scheme, hash_algorithm: DigestAlgorithm) -> None:
        self.identifier = identifier
        self.uri = uri
        self.scheme = scheme
        self.hash_algorithm = hash_algorithm

    @property
    def family(self) -> KeyFamily:
        """The key family this algorithm needs."""
        return self.scheme.family


SIGNATURE_BY_URI: Final = {member.uri: member for member in SignatureAlgorithm}
SIGNATURE_BY_NAME: Final = {member.identifier: member for member in SignatureAlgorithm}
DIGEST_BY_URI: Final = {member.uri: member for member in DigestAlgorithm}
