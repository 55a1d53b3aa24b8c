"""Signing: a message in XML form goes in, the same message with its Signature comes out.

Guarantees: the result is canonical, has the form of the profile and differs from the input's canonical form only by
the Signature. Leaves to its caller: that the message is worth signing, and its WBXML encoding.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md, 2 to 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import KeyMaterialError, WbxmlError
from smartcard_dm.xmlsec.document import SYNCML, CanonicalXml, canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE, build_signature, build_signed_info
from smartcard_dm.xmlsec.signing_keys import check_family

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, SignatureAlgorithm
    from smartcard_dm.xmlsec.policy import AlgorithmPolicy
    from smartcard_dm.xmlsec.signing_keys import SigningKey

_END: Final = b"</SyncML>"
_SIGNATURE_NAME: Final = b"Signature"


def sign_message(
    xml: bytes,
    key: SigningKey,
    policy: AlgorithmPolicy,
    *,
    algorithm: SignatureAlgorithm | None = None,
    digest: DigestAlgorithm | None = None,
    key_name: str | None = None,
) -> bytes:
    """Return the canonical octets of `xml` with a Signature over all of it as the last child of SyncML.

    Args:
        xml: a message in XML form, without a Signature; `CanonicalXml` is not parsed again.
        key: signs; its family must fit `algorithm`.
        policy: what the signer may use; a signer that makes what no verifier takes is a mistake.
        algorithm: default is the key's own.
        digest: default is the signature algorithm's.
        key_name: written as KeyName, a hint for the verifier.

    Raises:
        WbxmlError: `xml` is no message, or is signed already.
        KeyMaterialError: the algorithm is not of the key's family, or not of the policy.
    """
    known = isinstance(xml, CanonicalXml) and xml.find(_SIGNATURE_NAME) < 0
    return _sign(xml if known else _checked(xml), key, policy, algorithm, digest, key_name)


def _checked(xml: bytes) -> bytes:
    root = parse_document(xml)
    if root.tag != f"{{{SYNCML}}}SyncML":
        raise WbxmlError("XML form of a message", "not a message", wanted="root SyncML", found=str(root.tag))
    octets = canonical(root)
    if _SIGNATURE_NAME in octets and root.find(f".//{SIGNATURE}") is not None:
        raise WbxmlError("XML form of a message", "it holds a Signature already", place="/SyncML")
    return octets


def _sign(
    octets: bytes,
    key: SigningKey,
    policy: AlgorithmPolicy,
    algorithm: SignatureAlgorithm | None,
    digest: DigestAlgorithm | None,
    key_name: str | None,
) -> bytes:
    algorithm = algorithm or key.default_algorithm
    digest = digest or algorithm.hash_algorithm
    check_family(key.family, algorithm)
    if algorithm not in policy.signatures or digest not in policy.digests:
        raise KeyMaterialError(
            f"policy {policy.name} does not allow {algorithm.identifier} with {digest.identifier}: "
            "no client on that policy would accept the message"
        )
    signed_info = build_signed_info(algorithm, digest, digest.digest(octets))
    signature = build_signature(signed_info, key.sign(algorithm, signed_info), key_name)
    # Canonical XML ends with the end tag of its root, and the root is SyncML in a default namespace.
    return b"".join((octets[: -len(_END)], signature, _END))
