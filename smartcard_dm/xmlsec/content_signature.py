"""The Signature of content trust: one that stands in front of the content it signs, in the text of one Data.

Guarantees: one narrow form, detached: a Signature whose one Reference has no URI, then one element, which is what was
signed; a key in KeyInfo is only compared with trusted keys. Leaves to its caller: the trusted keys, and that this says
nothing about the message around it.

Spec: OMA-TS-DM_Security-V1_2_1, appendix on content signing; docs/encryption-profile.md, 10.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import rsa

from smartcard_dm.errors import KeyMaterialError, VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import (
    DIGEST_BY_URI,
    EXCLUSIVE_C14N,
    SIGNATURE_BY_URI,
    XMLDSIG,
    DigestAlgorithm,
)
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.element_form import XML_SPACE, ElementForm, clark
from smartcard_dm.xmlsec.signature_element import SIGNATURE, SignatureElement, SignedInfo, build_signature
from smartcard_dm.xmlsec.signing_keys import check_family
from smartcard_dm.xmlsec.verify import select_keys, verify_digest, verify_signature_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec.algorithms import SignatureAlgorithm
    from smartcard_dm.xmlsec.keys import TrustedKey
    from smartcard_dm.xmlsec.policy import AlgorithmPolicy
    from smartcard_dm.xmlsec.signing_keys import SigningKey

_FORM: Final = ElementForm(Rule.SIGNATURE_FORM)
_START: Final = b"<Content>"
_END: Final = b"</Content>"


def _tag(name: str) -> str:
    return clark(XMLDSIG, name)


@dataclass(frozen=True, slots=True)
class SignedContent:
    """Content whose Signature was verified."""

    octets: bytes
    """Canonical octets of the element that was signed."""
    algorithm: SignatureAlgorithm
    """Of the signature value."""
    key: TrustedKey
    """Which made it."""


def verify_content(text: bytes, keys: Sequence[TrustedKey], policy: AlgorithmPolicy, limits: Limits) -> SignedContent:
    """Return the content that a Signature in front of it signs.

    Args:
        text: a Signature and one element, XML, as it stands in a Data.
        keys: the trusted keys.
        policy: which algorithms are accepted.
        limits: `signature_xml_octets` is held.

    Raises:
        VerificationError: a rule of step 6, 7 or 8; places begin at the Signature.
    """
    signature, content = _cut(text)
    children = _FORM.children(
        signature,
        "Signature",
        *map(_tag, ("SignedInfo", "SignatureValue", "KeyInfo")),
        maybe=frozenset({_tag("KeyInfo")}),
    )
    _FORM.attributes(signature, "Signature")
    most = limits.signature_xml_octets
    signed_octets = _canonical(children[_tag("SignedInfo")])
    if len(signed_octets) > most:
        raise VerificationError(Rule.SIGNATURE_TOO_LARGE, f"wanted at most {most} octets", place="Signature")
    signed_info = _signed_info(signed_octets, policy)
    value = _FORM.base64(children[_tag("SignatureValue")], "Signature/SignatureValue", most, Rule.SIGNATURE_TOO_LARGE)
    key_info = children.get(_tag("KeyInfo"))
    name, keys = (None, keys) if key_info is None else _key_info(key_info, keys, most)
    element = SignatureElement(signed_info, value, name)
    key = verify_signature_value(element, select_keys(element, keys, policy))
    octets = _canonical(content)
    verify_digest(octets, signed_info)
    return SignedContent(octets, signed_info.method, key)


def sign_content(
    content: bytes,
    key: SigningKey,
    policy: AlgorithmPolicy,
    *,
    algorithm: SignatureAlgorithm | None = None,
    key_name: str | None = None,
) -> bytes:
    """Return a Signature and the canonical octets of the content behind it: the text of a Data.

    Args:
        content: one element, XML.
        key: signs.
        policy: what the signer may use.
        algorithm: default is the key's own.
        key_name: written as KeyName, a hint.

    Raises:
        WbxmlError: the content is not one well-formed element.
        KeyMaterialError: algorithm and key do not fit, or the policy does not allow them.
    """
    octets = canonical(parse_document(content))
    algorithm = algorithm or key.default_algorithm
    digest = algorithm.hash_algorithm
    check_family(key.family, algorithm)
    if algorithm not in policy.signatures or digest not in policy.digests:
        raise KeyMaterialError(f"policy {policy.name} does not allow {algorithm.identifier}")
    value = base64.b64encode(digest.digest(octets)).decode("ascii")
    signed_info = (
        f'<SignedInfo xmlns="{XMLDSIG}">'
        f'<CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{algorithm.uri}"></SignatureMethod>'
        f'<Reference><Transforms><Transform Algorithm="{EXCLUSIVE_C14N}"></Transform></Transforms>'
        f'<DigestMethod Algorithm="{digest.uri}"></DigestMethod><DigestValue>{value}</DigestValue></Reference>'
        "</SignedInfo>"
    ).encode("ascii")
    return build_signature(signed_info, key.sign(algorithm, signed_info), key_name) + octets


def _cut(text: bytes) -> tuple[etree._Element, etree._Element]:
    try:
        around = parse_document(b"".join((_START, text, _END)))
    except WbxmlError:
        raise VerificationError(
            Rule.SIGNATURE_FORM, "wanted a Signature and one element, found XML that is not well-formed"
        ) from None
    texts = (around.text, *(child.tail for child in around))
    if len(around) != 2 or around[0].tag != SIGNATURE or any(each and each.strip(XML_SPACE) for each in texts):
        raise VerificationError(
            Rule.SIGNATURE_FORM,
            "wanted a Signature and behind it one element, which it signs; enveloping and enveloped ones are not read",
        )
    signatures = sum(1 for _ in around.iter(SIGNATURE))
    if signatures != 1:
        raise VerificationError(Rule.SIGNATURE_FORM, f"wanted one Signature, found {signatures}")
    signature, content = around
    signature.tail = content.tail = None
    return signature, content


def _signed_info(octets: bytes, policy: AlgorithmPolicy) -> SignedInfo:
    place = "Signature/SignedInfo"
    element = parse_document(octets)
    _FORM.attributes(element, place)
    names = ("CanonicalizationMethod", "SignatureMethod", "Reference")
    canonicalization, method, reference = _FORM.exactly(element, place, *map(_tag, names))
    uri = _FORM.algorithm(canonicalization, f"{place}/CanonicalizationMethod")
    if uri != EXCLUSIVE_C14N:
        raise VerificationError(Rule.CANONICALIZATION_METHOD, f"wanted {EXCLUSIVE_C14N}, found {uri:.100}", place=place)
    method_uri = _FORM.algorithm(method, f"{place}/SignatureMethod")
    algorithm = SIGNATURE_BY_URI.get(method_uri)
    if algorithm is None or algorithm not in policy.signatures:
        raise VerificationError(
            Rule.SIGNATURE_METHOD,
            f"policy {policy.name} does not allow the signature method {method_uri:.100}",
            place=f"{place}/SignatureMethod",
        )
    digest_method, digest_value = _reference(reference, f"{place}/Reference", policy)
    return SignedInfo(octets, algorithm, digest_method, digest_value)


def _reference(element: etree._Element, place: str, policy: AlgorithmPolicy) -> tuple[DigestAlgorithm, bytes]:
    if element.attrib:
        raise VerificationError(
            Rule.REFERENCE_URI, "wanted a Reference without attributes (the content stands behind it)", place=place
        )
    names = ("Transforms", "DigestMethod", "DigestValue")
    transforms, digest, value = _FORM.exactly(element, place, *map(_tag, names))
    _FORM.attributes(transforms, f"{place}/Transforms")
    found = [child.get("Algorithm", "none") if child.tag == _tag("Transform") else "other" for child in transforms]
    if found != [EXCLUSIVE_C14N]:
        raise VerificationError(
            Rule.TRANSFORMS, "wanted exactly one Transform, exclusive C14N", place=f"{place}/Transforms"
        )
    _FORM.algorithm(_FORM.exactly(transforms, f"{place}/Transforms", _tag("Transform"))[0], f"{place}/Transforms")
    digest_uri = _FORM.algorithm(digest, f"{place}/DigestMethod")
    digest_method = DIGEST_BY_URI.get(digest_uri)
    if digest_method is None or digest_method not in policy.digests:
        raise VerificationError(
            Rule.DIGEST_METHOD,
            f"policy {policy.name} does not allow the digest method {digest_uri:.100}",
            place=f"{place}/DigestMethod",
        )
    return digest_method, _FORM.base64(value, f"{place}/DigestValue", 64, Rule.SIGNATURE_FORM)


def _key_info(
    element: etree._Element, keys: Sequence[TrustedKey], most: int
) -> tuple[str | None, Sequence[TrustedKey]]:
    """Return a KeyName, and the trusted keys that an RSAKeyValue leaves: a key in a message never adds one."""
    place = "Signature/KeyInfo"
    _FORM.attributes(element, place)
    names = [child.tag for child in element]
    if names == [_tag("KeyName")]:
        (name,) = _FORM.exactly(element, place, _tag("KeyName"))
        return _FORM.text(name, f"{place}/KeyName").strip(XML_SPACE), keys
    if names != [_tag("KeyValue")]:
        raise VerificationError(Rule.KEY_INFO, "wanted a single KeyName or KeyValue", place=place)
    (value,) = _FORM.exactly(element, place, _tag("KeyValue"))
    _FORM.attributes(value, f"{place}/KeyValue")
    (rsa_value,) = _FORM.exactly(value, f"{place}/KeyValue", _tag("RSAKeyValue"))
    place = f"{place}/KeyValue/RSAKeyValue"
    _FORM.attributes(rsa_value, place)
    numbers = [
        int.from_bytes(_FORM.base64(child, place, most, Rule.SIGNATURE_TOO_LARGE), "big")
        for child in _FORM.exactly(rsa_value, place, _tag("Modulus"), _tag("Exponent"))
    ]
    same = [key for key in keys if isinstance(key.key, rsa.RSAPublicKey) and _numbers(key.key) == numbers]
    if not same:
        raise VerificationError(
            Rule.KEY_INFO,
            "the key in KeyValue is none that the account trusts; a key in a message is a claim",
            place=place,
        )
    return None, same


def _numbers(key: rsa.RSAPublicKey) -> list[int]:
    numbers = key.public_numbers()
    return [numbers.n, numbers.e]


def _canonical(element: etree._Element) -> bytes:
    try:
        return canonical(element)
    except WbxmlError as error:
        raise VerificationError(Rule.SIGNATURE_FORM, error.detail) from error
