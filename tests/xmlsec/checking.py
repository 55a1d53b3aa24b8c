"""The signature half of the verifier on XML, so that these tests need no card and no WBXML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.xmlsec.document import parse_document
from smartcard_dm.xmlsec.policy import AlgorithmPolicy
from smartcard_dm.xmlsec.signature_element import SIGNATURE, read_signature
from smartcard_dm.xmlsec.verify import select_keys, verify_digest, verify_signature_value

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.keys import TrustedKey

DEFAULT = AlgorithmPolicy.default()


def check(xml: bytes, *keys: TrustedKey, policy: AlgorithmPolicy = DEFAULT) -> bytes:
    """Return the verified canonical octets of a signed message."""
    root = parse_document(xml)
    element = root.find(SIGNATURE)
    assert element is not None
    signature = read_signature(element, policy, DEFAULT_LIMITS)
    verify_signature_value(signature, select_keys(signature, keys, policy))
    return verify_digest(root, element, signature.signed_info)
