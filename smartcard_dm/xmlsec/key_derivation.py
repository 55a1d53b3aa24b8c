"""Key derivation: from the shared secret of an account to a key that wraps keys.

Guarantees: parameters are frozen values; what is derived is a `Secret`. Leaves to its caller: that the secret is the
account's, and the bound on iterations.

Spec: XML Encryption 1.1, 5.4; NIST SP 800-56A, 5.8.1 (ConcatKDF); RFC 8018, 5.2 (PBKDF2);
docs/encryption-profile.md, 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
    from smartcard_dm.xmlsec.encryption_algorithms import Prf


@dataclass(frozen=True, slots=True)
class ConcatKdf:
    """ConcatKDF; for secrets that are keys, because a guess costs one digest."""

    digest: DigestAlgorithm
    """Hash of the derivation."""
    algorithm_id: bytes = b""
    """AlgorithmID, whole octets."""
    party_u_info: bytes = b""
    """PartyUInfo, whole octets."""
    party_v_info: bytes = b""
    """PartyVInfo, whole octets."""
    supp_pub_info: bytes = b""
    """SuppPubInfo, whole octets."""
    supp_priv_info: bytes = b""
    """SuppPrivInfo, whole octets."""

    def derive(self, secret: Secret, octets: int) -> Secret:
        """Return `octets` octets derived from the secret."""
        parts = (self.algorithm_id, self.party_u_info, self.party_v_info, self.supp_pub_info, self.supp_priv_info)
        return Secret(ConcatKDFHash(self.digest.make_hash(), octets, b"".join(parts)).derive(secret.reveal()))


@dataclass(frozen=True, slots=True)
class Pbkdf2:
    """PBKDF2; for secrets that a person may have chosen."""

    prf: Prf
    """HMAC with its hash."""
    salt: bytes
    """8 octets or more."""
    iterations: int
    """1,000 or more."""

    def derive(self, secret: Secret, octets: int) -> Secret:
        """Return `octets` octets derived from the secret."""
        derivation = PBKDF2HMAC(self.prf.digest.make_hash(), octets, self.salt, self.iterations)
        return Secret(derivation.derive(secret.reveal()))


KeyDerivation = ConcatKdf | Pbkdf2
