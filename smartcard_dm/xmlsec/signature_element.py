"""The Signature element of the profile: read strictly, written in one form.

Guarantees: whatever is read from SignedInfo is read from its canonical octets, the ones the signature is checked over,
so that the reference can never differ from what was verified. Any other child, attribute or text is refused.
Leaves to its caller: the trusted key, and the comparison of digest and signature value.

Spec: docs/signature-profile.md, 2 to 7; XML Signature 1.1, 4.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import (
    DIGEST_BY_URI,
    ENVELOPED_SIGNATURE,
    EXCLUSIVE_C14N,
    SIGNATURE_BY_URI,
    XMLDSIG,
    DigestAlgorithm,
    SignatureAlgorithm,
)
from smartcard_dm.xmlsec.document import canonical, parse_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec.policy import AlgorithmPolicy

SIGNATURE: Final = f"{{{XMLDSIG}}}Signature"
PLACE: Final = "/SyncML/Signature"
_SIGNED_INFO: Final = f"{PLACE}/SignedInfo"
_REFERENCE: Final = f"{_SIGNED_INFO}/Reference"
_DIGEST_START: Final = b"<DigestValue>"
_DIGEST_END: Final = b"</DigestValue>"
_SIGNED_INFO_START: Final = f'<SignedInfo xmlns="{XMLDSIG}">'.encode("ascii")
_PLAIN: Final = re.compile(
    rb'<Signature xmlns="' + re.escape(XMLDSIG.encode("ascii")) + rb'"><SignedInfo>(?P<signed>.*</SignedInfo>)'
    rb"<SignatureValue>(?P<value>[A-Za-z0-9+/=]*)</SignatureValue>"
    rb"(?:<KeyInfo><KeyName>(?P<name>[^<&]*)</KeyName></KeyInfo>)?</Signature>",
    re.DOTALL,
)
_XML_SPACE: Final = " \t\r\n"
_DROP_SPACE: Final = str.maketrans("", "", _XML_SPACE)


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """What SignedInfo says, with the canonical octets it was read from."""

    octets: bytes
    """Exclusive canonical octets: what the signature value is made over."""
    method: SignatureAlgorithm
    """SignatureMethod."""
    digest_method: DigestAlgorithm
    """DigestMethod of the one Reference."""
    digest_value: bytes
    """DigestValue of the one Reference, decoded."""


@dataclass(frozen=True, slots=True)
class SignatureElement:
    """A Signature that has the form of the profile; nothing in it is trusted yet."""

    signed_info: SignedInfo
    """Read from its canonical octets."""
    value: bytes
    """SignatureValue, decoded."""
    claimed_key_name: str | None
    """KeyName, when there is one: a hint, never a key."""


def read_signature(octets: bytes, policy: AlgorithmPolicy, limits: Limits) -> SignatureElement:
    """Return what a Signature element of a message says, or refuse it (verification step 6).

    Args:
        octets: the element in canonical form, cut out of the canonical message.
        policy: which algorithms are accepted.
        limits: `signature_xml_octets` is held.

    Raises:
        VerificationError: a rule of step 6, with the place inside the Signature.
    """
    signed_info, value_text, key_name = _cut_plainly(octets) or _cut_as_tree(octets)
    size = len(signed_info) + len(value_text)
    if size > limits.signature_xml_octets:
        raise VerificationError(
            Rule.SIGNATURE_TOO_LARGE, f"wanted at most {limits.signature_xml_octets} octets, found {size}", place=PLACE
        )
    value_place = f"{PLACE}/SignatureValue"
    return SignatureElement(read_signed_info(signed_info, policy), _base64(value_text, value_place), key_name)


def _cut_plainly(octets: bytes) -> tuple[bytes, str, str | None] | None:
    """Cut a Signature without white space or references between its tags; in canonical XML `<` opens a tag only."""
    match = _PLAIN.fullmatch(octets)
    if match is None or octets.count(b"</SignedInfo>") != 1:
        return None
    name = match["name"]
    key_name = None if name is None else name.decode("utf-8").strip(_XML_SPACE)
    return _SIGNED_INFO_START + match["signed"], match["value"].decode("ascii"), key_name


def _cut_as_tree(octets: bytes) -> tuple[bytes, str, str | None]:
    element = parse_document(octets)
    children = _children(element, PLACE)
    names = [_local(child) for child in children]
    if names not in (["SignedInfo", "SignatureValue"], ["SignedInfo", "SignatureValue", "KeyInfo"]):
        raise VerificationError(
            Rule.SIGNATURE_FORM,
            f"wanted SignedInfo, SignatureValue and at most one KeyInfo, found {', '.join(names) or 'nothing'}",
            place=PLACE,
        )
    _no_attributes(element, PLACE)
    value_text = _text(children[1], f"{PLACE}/SignatureValue")
    key_name = _key_name(children[2]) if len(children) == 3 else None
    return _canonical_signed_info(children[0]), value_text, key_name


def read_signed_info(octets: bytes, policy: AlgorithmPolicy) -> SignedInfo:
    """Return what the canonical octets of a SignedInfo say.

    Raises:
        VerificationError: a rule of step 6, with the place inside SignedInfo.
    """
    # Everything but the digest is the same in each message of a server, so the rest is read once and remembered.
    head, start, rest = octets.partition(_DIGEST_START)
    digest, end, tail = rest.partition(_DIGEST_END)
    method, digest_method = _read_all_but_digest(head + start + end + tail, policy)
    digest = digest.replace(b"&#xD;", b"\r")  # white space of a signer that ends lines with CR LF
    return SignedInfo(octets, method, digest_method, _base64(digest.decode("utf-8"), f"{_REFERENCE}/DigestValue"))


@lru_cache(maxsize=64)
def _read_all_but_digest(octets: bytes, policy: AlgorithmPolicy) -> tuple[SignatureAlgorithm, DigestAlgorithm]:
    """Read the octets of a SignedInfo whose DigestValue was emptied; only what is accepted is remembered."""
    place = _SIGNED_INFO
    root = parse_document(octets)
    _no_attributes(root, place)
    children = _children(root, place)
    names = [_local(child) for child in children]
    if names[:2] != ["CanonicalizationMethod", "SignatureMethod"] or set(names[2:]) - {"Reference"}:
        raise VerificationError(
            Rule.SIGNATURE_FORM,
            f"wanted CanonicalizationMethod, SignatureMethod, Reference, found {', '.join(names) or 'nothing'}",
            place=place,
        )
    if len(names) != 3:
        raise VerificationError(
            Rule.REFERENCE_COUNT, f"wanted exactly one Reference, found {len(names) - 2}", place=place
        )
    method_uri = _algorithm(children[0], f"{place}/CanonicalizationMethod", Rule.CANONICALIZATION_METHOD)
    if method_uri != EXCLUSIVE_C14N:
        raise VerificationError(
            Rule.CANONICALIZATION_METHOD,
            f"wanted {EXCLUSIVE_C14N}, found {method_uri}",
            place=f"{place}/CanonicalizationMethod",
        )
    method = _signature_method(children[1], f"{place}/SignatureMethod", policy)
    return method, _reference(children[2], _REFERENCE, policy)


def build_signed_info(method: SignatureAlgorithm, digest_method: DigestAlgorithm, digest_value: bytes) -> bytes:
    """Return the canonical octets of a SignedInfo of the profile."""
    digest = base64.b64encode(digest_value).decode("ascii")
    return (
        f'<SignedInfo xmlns="{XMLDSIG}">'
        f'<CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method.uri}"></SignatureMethod>'
        '<Reference URI=""><Transforms>'
        f'<Transform Algorithm="{ENVELOPED_SIGNATURE}"></Transform>'
        f'<Transform Algorithm="{EXCLUSIVE_C14N}"></Transform>'
        "</Transforms>"
        f'<DigestMethod Algorithm="{digest_method.uri}"></DigestMethod>'
        f"<DigestValue>{digest}</DigestValue>"
        "</Reference></SignedInfo>"
    ).encode("ascii")


def build_signature(signed_info: bytes, value: bytes, key_name: str | None) -> bytes:
    """Return the canonical octets of a Signature around the octets of `build_signed_info`."""
    namespace = f' xmlns="{XMLDSIG}"'.encode("ascii")
    inside = signed_info.replace(namespace, b"", 1)
    key_info = b""
    if key_name is not None:
        escaped = key_name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
        key_info = f"<KeyInfo><KeyName>{escaped}</KeyName></KeyInfo>".encode()
    text = base64.b64encode(value)
    return b"".join(
        (b"<Signature", namespace, b">", inside, b"<SignatureValue>", text, b"</SignatureValue>", key_info)
    ) + (b"</Signature>")


def _canonical_signed_info(element: etree._Element) -> bytes:
    try:
        return canonical(element)
    except WbxmlError as error:
        raise VerificationError(Rule.SIGNATURE_FORM, error.detail, place=f"{PLACE}/SignedInfo") from error


def _signature_method(element: etree._Element, place: str, policy: AlgorithmPolicy) -> SignatureAlgorithm:
    if any(_local(child) == "HMACOutputLength" for child in element):
        raise VerificationError(
            Rule.HMAC_OUTPUT_LENGTH, "wanted the full HMAC, found HMACOutputLength (CVE-2009-0217)", place=place
        )
    uri = _algorithm(element, place, Rule.SIGNATURE_METHOD)
    method = SIGNATURE_BY_URI.get(uri)
    if method is None or method not in policy.signatures:
        raise VerificationError(
            Rule.SIGNATURE_METHOD, f"policy {policy.name} does not allow the signature method {uri}", place=place
        )
    return method


def _reference(element: etree._Element, place: str, policy: AlgorithmPolicy) -> DigestAlgorithm:
    uri = element.get("URI")
    if set(element.attrib) != {"URI"} or uri != "":
        found = "none" if uri is None else f"{uri!r}"
        others = sorted(str(key) for key in element.attrib if key != "URI")
        raise VerificationError(
            Rule.REFERENCE_URI,
            f'wanted URI="" (the whole message) and no other attribute, found URI {found}'
            + (f" and {', '.join(others)}" if others else ""),
            place=place,
        )
    children = _children(element, place)
    names = [_local(child) for child in children]
    if names != ["Transforms", "DigestMethod", "DigestValue"]:
        raise VerificationError(
            Rule.TRANSFORMS if "Transforms" not in names else Rule.SIGNATURE_FORM,
            f"wanted Transforms, DigestMethod, DigestValue, found {', '.join(names) or 'nothing'}",
            place=place,
        )
    _transforms(children[0], f"{place}/Transforms")
    digest_uri = _algorithm(children[1], f"{place}/DigestMethod", Rule.DIGEST_METHOD)
    digest_method = DIGEST_BY_URI.get(digest_uri)
    if digest_method is None or digest_method not in policy.digests:
        raise VerificationError(
            Rule.DIGEST_METHOD,
            f"policy {policy.name} does not allow the digest method {digest_uri}",
            place=f"{place}/DigestMethod",
        )
    if _text(children[2], f"{place}/DigestValue"):
        raise VerificationError(Rule.SIGNATURE_FORM, "wanted base64 text", place=f"{place}/DigestValue")
    return digest_method


def _transforms(element: etree._Element, place: str) -> None:
    _no_attributes(element, place)
    children = _children(element, place)
    found = [child.get("Algorithm", "none") if _local(child) == "Transform" else _local(child) for child in children]
    if found != [ENVELOPED_SIGNATURE, EXCLUSIVE_C14N]:
        raise VerificationError(
            Rule.TRANSFORMS,
            f"wanted exactly enveloped-signature, then exclusive C14N, found {', '.join(found) or 'none'}",
            place=place,
        )
    for child in children:
        _algorithm(child, f"{place}/Transform", Rule.TRANSFORMS)


def _key_name(element: etree._Element) -> str:
    place = f"{PLACE}/KeyInfo"
    children = _children(element, place)
    names = [_local(child) for child in children]
    if names != ["KeyName"] or element.attrib:
        raise VerificationError(
            Rule.KEY_INFO,
            f"wanted a single KeyName (a key in a message is only a claim), found {', '.join(names) or 'nothing'}",
            place=place,
        )
    return _text(children[0], f"{place}/KeyName").strip(_XML_SPACE)


def _algorithm(element: etree._Element, place: str, rule: Rule) -> str:
    """Return the Algorithm attribute of an element that has nothing else."""
    algorithm = element.get("Algorithm")
    if algorithm is None or len(element.attrib) != 1:
        raise VerificationError(rule, "wanted the attribute Algorithm and no other", place=place)
    if len(element) or (element.text or "").strip(_XML_SPACE):
        raise VerificationError(rule, "wanted no content: the profile has no parameters", place=place)
    return algorithm


def _children(element: etree._Element, place: str) -> Sequence[etree._Element]:
    if (element.text or "").strip(_XML_SPACE) or any((child.tail or "").strip(_XML_SPACE) for child in element):
        raise VerificationError(Rule.SIGNATURE_FORM, "wanted elements only, found text between them", place=place)
    return element[:]


def _local(element: etree._Element) -> str:
    """Return the local name of a child of the xmldsig namespace, else the whole name, which no rule wants."""
    tag = str(element.tag)
    return tag[len(XMLDSIG) + 2 :] if tag.startswith(f"{{{XMLDSIG}}}") else tag


def _no_attributes(element: etree._Element, place: str) -> None:
    if element.attrib:
        names = ", ".join(str(key) for key in element.attrib)
        raise VerificationError(Rule.SIGNATURE_FORM, f"wanted no attribute, found {names}", place=place)


def _text(element: etree._Element, place: str) -> str:
    if len(element) or element.attrib:
        raise VerificationError(Rule.SIGNATURE_FORM, "wanted text only, found an element or attribute", place=place)
    return element.text or ""


def _base64(text: str, place: str) -> bytes:
    digits = text.translate(_DROP_SPACE)
    try:
        octets = base64.b64decode(digits, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerificationError(Rule.SIGNATURE_FORM, "wanted base64 text", place=place) from error
    # The unused bits of the last digit are zero (RFC 4648, 3.5): no second spelling of one value.
    if not octets or base64.b64encode(octets).decode("ascii") != digits:
        raise VerificationError(Rule.SIGNATURE_FORM, "wanted base64 text in its one canonical spelling", place=place)
    return octets
