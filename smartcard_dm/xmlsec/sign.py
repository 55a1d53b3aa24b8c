"""Signing: a message in XML form goes in, the same message with its Signature comes out.

Guarantees: the result is canonical, has the form of the profile and differs from the input's canonical form only by
the Signature. Leaves to its caller: that the message is worth signing, and its WBXML encoding.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md, 2 to 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import KeyMaterialError, WbxmlError
from smartcard_dm.xmlsec.document import SYNCML, canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE, build_signature, build_signed_info
from smartcard_dm.xmlsec.signing_keys import check_family

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, SignatureAlgorithm
    from smartcard_dm.xmlsec.policy import AlgorithmPolicy
    from smartcard_dm.xmlsec.signing_keys import SigningKey

_START: Final = f'<SyncML xmlns="{SYNCML}">'.encode("ascii")
_END: Final = b"</SyncML>"


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
        xml: a message in XML form, without a Signature.
        key: signs; its family must fit `algorithm`.
        policy: what the signer may use; a signer that makes what no verifier takes is a mistake.
        algorithm: default is the key's own.
        digest: default is the signature algorithm's.
        key_name: written as KeyName, a hint for the verifier.

    Raises:
        WbxmlError: `xml` is no message, or is signed already.
        KeyMaterialError: the algorithm is not of the key's family, or not of the policy.
    """
    root = parse_document(xml)
    if root.tag != f"{{{SYNCML}}}SyncML":
        raise WbxmlError("XML form of a message", "not a message", wanted="root SyncML", found=str(root.tag))
    if root.find(f".//{SIGNATURE}") is not None:
        raise WbxmlError("XML form of a message", "it holds a Signature already", place="/SyncML")
    return sign_canonical(canonical(root), key, policy, algorithm=algorithm, digest=digest, key_name=key_name)


def sign_canonical(
    octets: bytes,
    key: SigningKey,
    policy: AlgorithmPolicy,
    *,
    algorithm: SignatureAlgorithm | None = None,
    digest: DigestAlgorithm | None = None,
    key_name: str | None = None,
) -> bytes:
    """Return what `sign_message` returns, for octets that are the canonical form of an unsigned message already.

    Nothing is parsed here: octets of another form would be signed as they stand, and no verifier would accept them.

    Args:
        octets: what `server.compose` or `canonical` returned.
        key: as in `sign_message`.
        policy: as in `sign_message`.
        algorithm: as in `sign_message`.
        digest: as in `sign_message`.
        key_name: as in `sign_message`.

    Raises:
        ValueError: the octets do not begin and end as a canonical message does.
        KeyMaterialError: as in `sign_message`.
    """
    if not (octets.startswith(_START) and octets.endswith(_END)):
        raise ValueError("wanted a message in canonical form, as compose returns it")
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
