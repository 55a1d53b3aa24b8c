"""What we sign verifies, and nothing else does."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from smartcard_dm.errors import KeyMaterialError, VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import AlgorithmPolicy, DigestAlgorithm, SignatureAlgorithm, sign_message
from smartcard_dm.xmlsec.algorithms import Scheme
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE
from tests import materials
from tests.materials import MESSAGE, SHARED_SECRET, signing, trusted
from tests.xmlsec.checking import DEFAULT, check

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

LEGACY = AlgorithmPolicy.oma_1_2_legacy()
ALL_DEFAULT = sorted(DEFAULT.signatures, key=lambda algorithm: algorithm.identifier)


def key_for(algorithm: SignatureAlgorithm) -> PrivateKey | Secret:
    match algorithm.scheme:
        case Scheme.HMAC:
            return SHARED_SECRET
        case Scheme.ECDSA:
            return materials.ec_private()
        case Scheme.EDDSA:
            return materials.ed25519_private()
        case _:
            return materials.rsa_private()


@pytest.mark.parametrize("algorithm", ALL_DEFAULT, ids=lambda algorithm: algorithm.identifier)
def test_every_default_algorithm_signs_and_verifies(algorithm: SignatureAlgorithm) -> None:
    key = key_for(algorithm)
    signed = sign_message(MESSAGE, signing(key), DEFAULT, algorithm=algorithm)
    assert check(signed, trusted(key)) == MESSAGE


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1", "secp521r1"])
@pytest.mark.parametrize("digest", [DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512])
def test_every_curve_and_digest(curve: str, digest: DigestAlgorithm) -> None:
    key = materials.ec_private(curve)
    signed = sign_message(MESSAGE, signing(key), DEFAULT, digest=digest)
    assert check(signed, trusted(key)) == MESSAGE


@pytest.mark.parametrize("algorithm", [SignatureAlgorithm.RSA_SHA1, SignatureAlgorithm.HMAC_SHA1])
def test_sha1_only_under_the_legacy_policy(algorithm: SignatureAlgorithm) -> None:
    key = key_for(algorithm)
    signed = sign_message(MESSAGE, signing(key), LEGACY, algorithm=algorithm)
    assert check(signed, trusted(key), policy=LEGACY) == MESSAGE
    with pytest.raises(VerificationError) as caught:
        check(signed, trusted(key))
    assert caught.value.rule is Rule.SIGNATURE_METHOD
    with pytest.raises(KeyMaterialError, match="does not allow"):
        sign_message(MESSAGE, signing(key), DEFAULT, algorithm=algorithm)


def test_the_result_is_canonical_and_differs_only_by_the_signature() -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT, key_name="a <name> & more")
    root = parse_document(signed)
    assert canonical(root) == signed
    assert re.sub(rb"<Signature .*</Signature>", b"", signed) == MESSAGE
    assert [etree.QName(child).localname for child in root] == ["SyncHdr", "SyncBody", "Signature"]


def test_white_space_around_and_inside_the_signature_is_signed_with_the_rest() -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT)
    spaced = signed.replace(b"<SignatureValue>", b"\n  <SignatureValue>\n").replace(b"</SyncML>", b"\n</SyncML>")
    with pytest.raises(VerificationError) as caught:
        check(spaced, trusted(SHARED_SECRET))
    assert caught.value.rule is Rule.DIGEST_VALUE
    unsigned = MESSAGE.replace(b"</SyncML>", b"\n\n</SyncML>")
    signed = sign_message(unsigned, signing(SHARED_SECRET), DEFAULT)
    moved = signed.replace(b"\n\n<Signature", b"\n<Signature").replace(
        b"</Signature></SyncML", b"</Signature>\n</SyncML"
    )
    assert check(moved, trusted(SHARED_SECRET)) == unsigned
    inside = signed.replace(b"<SignatureValue>", b"\n  <SignatureValue>\n ")
    assert check(inside, trusted(SHARED_SECRET)) == unsigned


def test_a_signer_that_ends_its_lines_with_cr_lf_is_understood() -> None:
    key = signing(SHARED_SECRET)
    signed = sign_message(MESSAGE, key, DEFAULT)
    parts = re.fullmatch(rb"(.*<DigestValue>)(.{20})(.*)(<SignatureValue>)(.*)(</SignatureValue>.*)", signed)
    assert parts is not None
    broken = parts[1] + parts[2] + b"&#xD;\n" + parts[3] + parts[4]
    element = parse_document(broken + parts[5] + parts[6]).find(f"{SIGNATURE}/{{*}}SignedInfo")
    assert element is not None
    value = base64.b64encode(key.sign(key.default_algorithm, canonical(element)))
    assert check(broken + value[:10] + b"&#xD;\n" + value[10:] + parts[6], trusted(SHARED_SECRET)) == MESSAGE


def test_any_key_of_the_family_may_have_signed() -> None:
    first, second = materials.rsa_private(), materials.rsa_private(number=1)
    signed = sign_message(MESSAGE, signing(second), DEFAULT)
    assert check(signed, trusted(SHARED_SECRET), trusted(first), trusted(second)) == MESSAGE


def test_a_stranger_is_refused_at_step_7() -> None:
    signed = sign_message(MESSAGE, signing(materials.rsa_private(number=1)), DEFAULT)
    with pytest.raises(VerificationError) as caught:
        check(signed, trusted(materials.rsa_private()))
    assert (caught.value.step, caught.value.rule) == (7, Rule.SIGNATURE_VALUE)


def test_the_octets_of_a_public_key_are_never_an_hmac_secret() -> None:
    private = materials.rsa_private()
    forged = sign_message(MESSAGE, signing(Secret(materials.public_der(private))), DEFAULT)
    with pytest.raises(VerificationError) as caught:
        check(forged, trusted(private))
    assert caught.value.rule is Rule.KEY_FAMILY


def test_a_small_rsa_key_is_refused_even_when_trusted() -> None:
    small = materials.rsa_private(bits=1024)
    root = sign_message(MESSAGE, signing(materials.rsa_private()), DEFAULT)
    with pytest.raises(VerificationError) as caught:
        check(root, trusted(small))
    assert caught.value.rule is Rule.KEY_SIZE
    with pytest.raises(KeyMaterialError, match="1024 bits"):
        signing(small)


def test_a_changed_message_is_refused_at_step_8() -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT)
    with pytest.raises(VerificationError) as caught:
        check(signed.replace(b"a &lt;new", b"b &lt;new"), trusted(SHARED_SECRET))
    assert (caught.value.step, caught.value.rule) == (8, Rule.DIGEST_VALUE)


@pytest.mark.parametrize("cut", [1, 16, 31])
def test_a_shortened_hmac_value_is_refused(cut: int) -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT)
    match = re.search(rb"<SignatureValue>(.*)</SignatureValue>", signed)
    assert match is not None
    shortened = base64.b64encode(base64.b64decode(match[1])[:cut])
    with pytest.raises(VerificationError) as caught:
        check(signed.replace(match[1], shortened), trusted(SHARED_SECRET))
    assert caught.value.rule is Rule.SIGNATURE_VALUE


def test_a_der_coded_ecdsa_value_is_refused() -> None:
    key = materials.ec_private()
    signed = sign_message(MESSAGE, signing(key), DEFAULT)
    match = re.search(rb"<SignatureValue>(.*)</SignatureValue>", signed)
    assert match is not None
    longer = base64.b64encode(base64.b64decode(match[1]) + b"\x00")
    with pytest.raises(VerificationError) as caught:
        check(signed.replace(match[1], longer), trusted(key))
    assert caught.value.rule is Rule.SIGNATURE_VALUE


@pytest.mark.parametrize(
    ("name", "accepted"), [("com.example.dms", True), (" com.example.dms\n", True), ("com.example.other", False)]
)
def test_a_key_name_is_a_hint_that_must_fit(name: str, *, accepted: bool) -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT, key_name=name)
    if accepted:
        assert check(signed, trusted(SHARED_SECRET, "com.example.dms")) == MESSAGE
        return
    with pytest.raises(VerificationError) as caught:
        check(signed, trusted(SHARED_SECRET, "com.example.dms"))
    assert caught.value.rule is Rule.KEY_NAME


def test_signing_refuses_what_is_no_message() -> None:
    with pytest.raises(WbxmlError, match="wanted root SyncML"):
        sign_message(b"<a></a>", signing(SHARED_SECRET), DEFAULT)
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT)
    with pytest.raises(WbxmlError, match="already"):
        sign_message(signed, signing(SHARED_SECRET), DEFAULT)
    with pytest.raises(WbxmlError, match="not well-formed"):
        sign_message(b"<SyncML", signing(SHARED_SECRET), DEFAULT)
    with pytest.raises(KeyMaterialError, match="family"):
        sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT, algorithm=SignatureAlgorithm.RSA_SHA256)


@pytest.mark.parametrize(
    "extra",
    [
        b'<!DOCTYPE SyncML [<!ENTITY e "x">]>',
        b"<!-- a comment -->",
        b"<?target data?>",
    ],
    ids=["doctype", "comment", "processing instruction"],
)
def test_a_document_holds_elements_and_text_only(extra: bytes) -> None:
    with pytest.raises(WbxmlError, match="never part of"):
        parse_document(extra + MESSAGE)


def test_a_comment_inside_is_refused() -> None:
    with pytest.raises(WbxmlError, match="never part of"):
        parse_document(MESSAGE.replace(b"<SyncBody>", b"<SyncBody><!-- hidden -->"))


def test_a_relative_namespace_name_has_no_canonical_form() -> None:
    with pytest.raises(WbxmlError, match="relative URI"):
        canonical(parse_document(b'<a xmlns="relative"></a>'))
