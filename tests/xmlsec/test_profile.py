"""Everything in a Signature that the profile does not have is refused at step 6, by its own rule."""

from __future__ import annotations

import pytest

from smartcard_dm.errors import VerificationError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.rules import Rule, Step
from smartcard_dm.xmlsec import sign_message
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE, read_signature
from tests.materials import MESSAGE, SHARED_SECRET, signing
from tests.xmlsec.checking import DEFAULT

SIGNED = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT, key_name="a name")
C14N = b'<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">'
ENVELOPED = b'<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>'
EXCLUSIVE = b'<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></Transform>'
METHOD = b'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#hmac-sha256">'
REFERENCE = b'<Reference URI="">'
DIGEST_METHOD = b'<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256">'

FAULTS = [
    ("object added", b"</KeyInfo>", b"</KeyInfo><Object></Object>", Rule.SIGNATURE_FORM),
    ("key info twice", b"<KeyInfo>", b"<KeyInfo><KeyName>a</KeyName></KeyInfo><KeyInfo>", Rule.SIGNATURE_FORM),
    ("value missing", b"SignatureValue>", b"OtherValue>", Rule.SIGNATURE_FORM),
    ("identifier on signature", b"<Signature ", b'<Signature Id="s" ', Rule.SIGNATURE_FORM),
    ("identifier on signed info", b"<SignedInfo>", b'<SignedInfo Id="s">', Rule.SIGNATURE_FORM),
    ("identifier on value", b"<SignatureValue>", b'<SignatureValue Id="v">', Rule.SIGNATURE_FORM),
    ("text between elements", b"<SignatureValue>", b"text<SignatureValue>", Rule.SIGNATURE_FORM),
    ("text in signed info", b"<SignedInfo>", b"<SignedInfo>text", Rule.SIGNATURE_FORM),
    ("element in value", b"<SignatureValue>", b"<SignatureValue><a></a>", Rule.SIGNATURE_FORM),
    ("value no base64", b"<SignatureValue>", b"<SignatureValue>*", Rule.SIGNATURE_FORM),
    ("other order", C14N + b"</CanonicalizationMethod>", b"", Rule.SIGNATURE_FORM),
    ("unknown signed info child", REFERENCE, b"<Other></Other>" + REFERENCE, Rule.SIGNATURE_FORM),
    ("foreign namespace", METHOD, METHOD.replace(b" ", b' xmlns="urn:other" ', 1), Rule.SIGNATURE_FORM),
    ("inclusive c14n", C14N, C14N.replace(b"2001/10/xml-exc-c14n#", b"TR/2001/REC-xml-c14n-20010315"),
     Rule.CANONICALIZATION_METHOD),
    ("c14n with comments", C14N, C14N.replace(b'c14n#"', b'c14n#WithComments"'), Rule.CANONICALIZATION_METHOD),
    ("inclusive namespaces", C14N, C14N + b'<InclusiveNamespaces PrefixList="a"></InclusiveNamespaces>',
     Rule.CANONICALIZATION_METHOD),
    ("c14n without algorithm", C14N, b"<CanonicalizationMethod>", Rule.CANONICALIZATION_METHOD),
    ("method unknown", b"#hmac-sha256", b"#hmac-sha3", Rule.SIGNATURE_METHOD),
    ("method md5", b"2001/04/xmldsig-more#hmac-sha256", b"2001/04/xmldsig-more#hmac-md5", Rule.SIGNATURE_METHOD),
    ("method sha1", b"2001/04/xmldsig-more#hmac-sha256", b"2000/09/xmldsig#hmac-sha1", Rule.SIGNATURE_METHOD),
    ("method without algorithm", METHOD, b"<SignatureMethod>", Rule.SIGNATURE_METHOD),
    ("method with attribute", METHOD, METHOD[:-1] + b' Id="m">', Rule.SIGNATURE_METHOD),
    ("method with text", METHOD, METHOD + b"text", Rule.SIGNATURE_METHOD),
    ("hmac output length", METHOD, METHOD + b"<HMACOutputLength>128</HMACOutputLength>", Rule.HMAC_OUTPUT_LENGTH),
    ("hmac output length full", METHOD, METHOD + b"<HMACOutputLength>256</HMACOutputLength>", Rule.HMAC_OUTPUT_LENGTH),
    ("no reference", b"Reference", b"Other", Rule.SIGNATURE_FORM),
    ("uri absent", REFERENCE, b"<Reference>", Rule.REFERENCE_URI),
    ("uri fragment", REFERENCE, b'<Reference URI="#id">', Rule.REFERENCE_URI),
    ("uri external", REFERENCE, b'<Reference URI="http://127.0.0.1/other.xml">', Rule.REFERENCE_URI),
    ("uri file", REFERENCE, b'<Reference URI="file:///etc/passwd">', Rule.REFERENCE_URI),
    ("uri xpointer", REFERENCE, b'<Reference URI="#xpointer(/)">', Rule.REFERENCE_URI),
    ("reference with type", REFERENCE, b'<Reference Type="t" URI="">', Rule.REFERENCE_URI),
    ("transform missing", ENVELOPED, b"", Rule.TRANSFORMS),
    ("transforms empty", ENVELOPED + EXCLUSIVE, b"", Rule.TRANSFORMS),
    ("transforms swapped", ENVELOPED + EXCLUSIVE, EXCLUSIVE + ENVELOPED, Rule.TRANSFORMS),
    ("transform added", EXCLUSIVE, EXCLUSIVE + EXCLUSIVE, Rule.TRANSFORMS),
    ("transform xslt", EXCLUSIVE, b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></Transform>',
     Rule.TRANSFORMS),
    ("transform xpath", ENVELOPED, b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"></Transform>',
     Rule.TRANSFORMS),
    ("transform with content", EXCLUSIVE, EXCLUSIVE.replace(b"></", b"><a></a></"), Rule.TRANSFORMS),
    ("transforms absent", b"<Transforms>" + ENVELOPED + EXCLUSIVE + b"</Transforms>", b"", Rule.TRANSFORMS),
    ("transform other element", ENVELOPED, b"<Other></Other>", Rule.TRANSFORMS),
    ("transforms with attribute", b"<Transforms>", b'<Transforms a="b">', Rule.SIGNATURE_FORM),
    ("digest twice", DIGEST_METHOD, DIGEST_METHOD + b"</DigestMethod>" + DIGEST_METHOD, Rule.SIGNATURE_FORM),
    ("digest sha1", b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1", Rule.DIGEST_METHOD),
    ("digest md5", b"xmlenc#sha256", b"xmldsig-more#md5", Rule.DIGEST_METHOD),
    ("digest empty", b"<DigestValue>", b"<DigestValue></DigestValue><DigestValue>", Rule.SIGNATURE_FORM),
    ("key value", b"<KeyName>a name</KeyName>", b"<KeyValue></KeyValue>", Rule.KEY_INFO),
    ("x509 data", b"<KeyName>a name</KeyName>", b"<X509Data></X509Data>", Rule.KEY_INFO),
    ("retrieval method", b"<KeyName>a name</KeyName>", b'<RetrievalMethod URI="#k"></RetrievalMethod>', Rule.KEY_INFO),
    ("key name twice", b"<KeyName>", b"<KeyName>a</KeyName><KeyName>", Rule.KEY_INFO),
    ("key info empty", b"<KeyName>a name</KeyName>", b"", Rule.KEY_INFO),
    ("key info with attribute", b"<KeyInfo>", b'<KeyInfo Id="k">', Rule.KEY_INFO),
]  # fmt: skip


def read(xml: bytes, limits: Limits = DEFAULT_LIMITS) -> None:
    element = parse_document(xml).find(SIGNATURE)
    assert element is not None
    # A relative namespace name inside has no canonical form: such a Signature is handed over as it stands.
    octets = xml[xml.index(b"<Signature ") : xml.index(b"</SyncML>")] if b'"relative"' in xml else canonical(element)
    read_signature(octets, DEFAULT, limits)


def test_the_signature_itself_has_the_form() -> None:
    read(SIGNED)


@pytest.mark.parametrize(("old", "new", "rule"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_fault(old: bytes, new: bytes, rule: Rule) -> None:
    changed = SIGNED.replace(old, new)
    assert changed != SIGNED
    with pytest.raises(VerificationError) as caught:
        read(changed)
    assert (caught.value.rule, caught.value.step) == (rule, Step.PROFILE)
    assert caught.value.place is not None
    assert caught.value.place.startswith("/SyncML/Signature")


@pytest.mark.parametrize(("old", "new", "rule"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_fault_in_a_signature_with_white_space(old: bytes, new: bytes, rule: Rule) -> None:
    changed = SIGNED.replace(old, new).replace(b"<SignatureValue>", b"\n<SignatureValue>")
    with pytest.raises(VerificationError) as caught:
        read(changed)
    assert caught.value.rule is rule


def test_two_references_are_counted() -> None:
    start, end = SIGNED.index(REFERENCE), SIGNED.index(b"</Reference>") + len(b"</Reference>")
    with pytest.raises(VerificationError) as caught:
        read(SIGNED[:end] + SIGNED[start:end] + SIGNED[end:])
    assert caught.value.rule is Rule.REFERENCE_COUNT
    with pytest.raises(VerificationError) as caught:
        read(SIGNED[:start] + SIGNED[end:])
    assert caught.value.rule is Rule.REFERENCE_COUNT


def test_an_empty_signature_value_is_refused() -> None:
    start, end = SIGNED.index(b"<SignatureValue>") + 16, SIGNED.index(b"</SignatureValue>")
    with pytest.raises(VerificationError) as caught:
        read(SIGNED[:start] + SIGNED[end:])
    assert caught.value.rule is Rule.SIGNATURE_FORM


def test_a_large_signature_is_refused() -> None:
    with pytest.raises(VerificationError) as caught:
        read(SIGNED.replace(b"<SignatureValue>", b"<SignatureValue>" + b" " * 70_000))
    assert caught.value.rule is Rule.SIGNATURE_TOO_LARGE


@pytest.mark.parametrize(("space", "rule"), [(b"", Rule.TRANSFORMS), (b"\n", Rule.SIGNATURE_FORM)])
def test_a_signed_info_in_a_relative_namespace_is_refused(space: bytes, rule: Rule) -> None:
    changed = SIGNED.replace(b"<Transforms>", b'<Transforms><a xmlns="relative"></a>')
    with pytest.raises(VerificationError) as caught:
        read(changed.replace(b"<SignatureValue>", space + b"<SignatureValue>"))
    assert caught.value.rule is rule
