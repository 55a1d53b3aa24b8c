"""Checking a Signature against trusted keys: steps 7 and 8 of the verification order.

Guarantees: every function returns what it established or raises; none returns a flag. The digest is compared with the
value in the SignedInfo octets that were verified, never with the document as received.
Leaves to its caller: which keys are trusted (step 5), and reading nothing but the octets that were digested.

Spec: XML Signature 1.1, 3.2; docs/verification.md, 6 to 8.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import KeyFamily
from smartcard_dm.xmlsec.signature_element import PLACE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.xmlsec.keys import TrustedKey
    from smartcard_dm.xmlsec.policy import AlgorithmPolicy
    from smartcard_dm.xmlsec.signature_element import SignatureElement, SignedInfo


def select_keys(
    signature: SignatureElement, keys: Sequence[TrustedKey], policy: AlgorithmPolicy
) -> tuple[TrustedKey, ...]:
    """Return the trusted keys whose family the claimed method fits (the end of step 6).

    The families come from the trusted keys; the message's claim can only pick among them, so a public key is never
    taken for an HMAC secret. A KeyName can only narrow the choice further.

    Raises:
        VerificationError: no key of that family, of that name, or of sufficient size.
    """
    method = signature.signed_info.method
    place = f"{PLACE}/SignedInfo/SignatureMethod"
    fitting = [key for key in keys if key.family is method.family]
    if not fitting:
        families = ", ".join(sorted({key.family.value for key in keys}))
        raise VerificationError(
            Rule.KEY_FAMILY,
            f"{method.identifier} needs a key of family {method.family.value}; the account's keys are {families}",
            place=place,
        )
    name = signature.claimed_key_name
    if name is not None:
        fitting = [key for key in fitting if name in key.names]
        if not fitting:
            raise VerificationError(
                Rule.KEY_NAME, "no trusted key of the account has the name in KeyName", place=f"{PLACE}/KeyInfo/KeyName"
            )
    strong = [key for key in fitting if key.family is not KeyFamily.RSA or key.bits >= policy.minimum_rsa_bits]
    if not strong:
        raise VerificationError(
            Rule.KEY_SIZE,
            f"wanted an RSA key of {policy.minimum_rsa_bits} bits or more, the account's has {fitting[0].bits}",
            place=place,
        )
    return tuple(strong)


def verify_signature_value(signature: SignatureElement, keys: Sequence[TrustedKey]) -> TrustedKey:
    """Return the key that made the signature value over the octets of SignedInfo (step 7).

    Raises:
        VerificationError: none of `keys` made it.
    """
    signed_info = signature.signed_info
    for key in keys:
        if key.verifies(signed_info.method, signature.value, signed_info.octets):
            return key
    raise VerificationError(
        Rule.SIGNATURE_VALUE,
        f"the {signed_info.method.identifier} value over SignedInfo was not made by "
        + " or ".join(key.origin for key in keys),
        place=f"{PLACE}/SignatureValue",
    )


def verify_digest(octets: bytes, verified: SignedInfo) -> None:
    """Check that the digest of the canonical message without its Signature is the signed one (step 8).

    Raises:
        VerificationError: the digest differs.
    """
    if not hmac.compare_digest(verified.digest_method.digest(octets), verified.digest_value):
        raise VerificationError(
            Rule.DIGEST_VALUE,
            f"the {verified.digest_method.identifier} digest of the canonical message differs from the signed one",
            place=f"{PLACE}/SignedInfo/Reference/DigestValue",
        )
