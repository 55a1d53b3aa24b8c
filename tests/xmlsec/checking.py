"""The signature half of the verifier on XML, so that these tests need no card and no WBXML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.trust.parts import cut_message
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.policy import AlgorithmPolicy
from smartcard_dm.xmlsec.signature_element import read_signature
from smartcard_dm.xmlsec.verify import select_keys, verify_digest, verify_signature_value

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.keys import TrustedKey

DEFAULT = AlgorithmPolicy.default()


def check(xml: bytes, *keys: TrustedKey, policy: AlgorithmPolicy = DEFAULT) -> bytes:
    """Return the verified canonical octets of a signed message."""
    parts = cut_message(canonical(parse_document(xml)))
    signature = read_signature(parts.signature, policy, DEFAULT_LIMITS)
    verify_signature_value(signature, select_keys(signature, keys, policy))
    verify_digest(parts.octets, signature.signed_info)
    return parts.octets
