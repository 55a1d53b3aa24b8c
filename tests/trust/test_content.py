"""Content trust: signed and encrypted content of items is judged apart from the message, which it never changes."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import AppAuth, AuthLevel, AuthType
from smartcard_dm.errors import KeyMaterialError, VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.server.content import encrypt_content, sign_content
from smartcard_dm.trust.content import ContentTrust, ContentVerdict
from smartcard_dm.trust.policy import Policy
from smartcard_dm.xmlsec import AlgorithmPolicy, SignatureAlgorithm
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, KeyTransport
from tests import materials
from tests.materials import MESSAGE, SERVER_ID, SHARED_SECRET, signing
from tests.trust.device import SERVER_SECRET, account, refused, signed, verifier, verify
from tests.trust.encrypted import device, opened, to_certificate, to_password, to_secret

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.encrypt import Recipient

LEGACY = AlgorithmPolicy.oma_1_2_legacy()
CREATOR = materials.rsa_private(number=3)
STRANGER = materials.rsa_private(number=4)
CREATOR_ENTRY = AppAuth(
    node_name="creator",
    level=AuthLevel.SRVCRED,
    type=AuthType.X509,
    name="creator",
    certificate=materials.certificate_der(CREATOR),
)
DEVICE = account(SERVER_ID, SERVER_SECRET, CREATOR_ENTRY)
CONTENT = b'<ringtone xmlns="urn:content"><name>a &lt;tone&gt;</name></ringtone>'
DATA = b"a &lt;new&gt; name &amp; more"
META = b'<Format xmlns="syncml:metinf">chr</Format><Type xmlns="syncml:metinf">text/plain</Type>'


def item(data: bytes, type_: bytes = b"application/xml", format_: bytes = b"xml") -> bytes:
    """Return the test message with one item of a Type."""
    meta = META.replace(b"chr", format_).replace(b"text/plain", type_)
    return MESSAGE.replace(META, meta).replace(DATA, data)


def as_text(xml: bytes) -> bytes:
    return xml.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#xD;")


def legacy_signed(content: bytes = CONTENT, **arguments: str) -> bytes:
    return sign_content(content, signing(CREATOR), LEGACY, algorithm=SignatureAlgorithm.RSA_SHA1, **arguments)


def judged(xml: bytes, policy: Policy | None = None) -> ContentTrust:
    """Return the one judgement about a message, whose octets it leaves alone."""
    message = opened(xml, device(DEVICE, policy=policy or Policy.oma_1_2_legacy()))
    assert message.octets == xml
    assert message.content_trust is message.content_trust
    (found,) = message.content_trust
    assert (found.place, found.target) == ("/SyncML/SyncBody/Replace[1]/Item[1]", "./DMAcc/dms/Name")
    return found


def rule_of(xml: bytes, policy: Policy | None = None) -> Rule:
    found = judged(xml, policy)
    assert found.verdict is ContentVerdict.REFUSED
    assert found.refusal is not None
    assert (found.content, found.key_origin, found.algorithm) == (b"", None, None)
    return found.refusal.rule


# Signed


def test_content_signed_as_dm_security_mandates() -> None:
    found = judged(item(as_text(legacy_signed())))
    assert found.verdict is ContentVerdict.SIGNED
    assert found.algorithm is SignatureAlgorithm.RSA_SHA1
    assert found.key_origin == "AppAuth/creator of account dms (X509)"
    assert found.content == CONTENT
    assert (found.encryption, found.refusal) == (None, None)
    assert "ringtone" not in repr(found)


def test_the_default_policy_refuses_the_content_and_not_the_message() -> None:
    assert rule_of(item(as_text(legacy_signed())), Policy.default()) is Rule.SIGNATURE_METHOD


@pytest.mark.parametrize("key", [CREATOR, SHARED_SECRET])
def test_content_signed_with_sha_2_is_trusted_by_default(key: object) -> None:
    text = sign_content(CONTENT, signing(key), AlgorithmPolicy.default())  # type: ignore[arg-type]
    assert judged(item(as_text(text)), Policy.default()).verdict is ContentVerdict.SIGNED


def test_a_key_name_chooses() -> None:
    assert judged(item(as_text(legacy_signed(key_name="creator")))).verdict is ContentVerdict.SIGNED
    assert rule_of(item(as_text(legacy_signed(key_name="nobody")))) is Rule.KEY_NAME


def with_key_value(key: object) -> bytes:
    numbers = key.public_key().public_numbers()  # type: ignore[attr-defined]
    modulus, exponent = (
        base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
        for number in (numbers.n, numbers.e)
    )
    value = (
        f"<KeyInfo><KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent>"
        "</RSAKeyValue></KeyValue></KeyInfo></Signature>"
    )
    text = sign_content(CONTENT, signing(key), LEGACY, algorithm=SignatureAlgorithm.RSA_SHA1)  # type: ignore[arg-type]
    return text.replace(b"</Signature>", value.encode())


def test_a_key_in_the_signature_is_only_compared() -> None:
    assert judged(item(as_text(with_key_value(CREATOR)))).verdict is ContentVerdict.SIGNED
    assert rule_of(item(as_text(with_key_value(STRANGER)))) is Rule.KEY_INFO


def test_a_stranger_vouches_for_nothing() -> None:
    text = sign_content(CONTENT, signing(STRANGER), LEGACY)
    assert rule_of(item(as_text(text))) is Rule.SIGNATURE_VALUE


def test_a_key_of_another_family() -> None:
    text = sign_content(CONTENT, signing(materials.ec_private()), LEGACY)
    assert rule_of(item(as_text(text))) is Rule.KEY_FAMILY


def test_changed_content() -> None:
    assert rule_of(item(as_text(legacy_signed().replace(b"tone&gt;", b"tune&gt;")))) is Rule.DIGEST_VALUE


def test_content_in_another_spelling_is_the_same() -> None:
    text = legacy_signed().replace(b"<name>", b"<name >").replace(b"a &lt;tone", b"a &#60;tone")
    assert judged(item(as_text(text))).content == CONTENT


CHANGES: dict[str, tuple[bytes, bytes, Rule]] = {
    "no content": (CONTENT, b"", Rule.SIGNATURE_FORM),
    "text as content": (CONTENT, b"text", Rule.SIGNATURE_FORM),
    "two elements": (CONTENT, CONTENT * 2, Rule.SIGNATURE_FORM),
    "text behind": (CONTENT, CONTENT + b"text", Rule.SIGNATURE_FORM),
    "not well-formed": (CONTENT, b"<ringtone>", Rule.SIGNATURE_FORM),
    "closing the wrapper": (CONTENT, CONTENT + b"</Content><Content>", Rule.SIGNATURE_FORM),
    "a doctype": (CONTENT, b"<!DOCTYPE a>" + CONTENT, Rule.SIGNATURE_FORM),
    "a comment": (CONTENT, b"<!-- -->" + CONTENT, Rule.SIGNATURE_FORM),
    "a second Signature inside": (
        b"<name>",
        b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature><name>',
        Rule.SIGNATURE_FORM,
    ),
    "enveloping": (b"</Signature>", b"<Object></Object></Signature>", Rule.SIGNATURE_FORM),
    "an Id": (b"<SignedInfo>", b'<SignedInfo Id="a">', Rule.SIGNATURE_FORM),
    "a URI": (b"<Reference>", b'<Reference URI="">', Rule.REFERENCE_URI),
    "a Type": (b"<Reference>", b'<Reference Type="a">', Rule.REFERENCE_URI),
    "two references": (b"(<Reference>.*</Reference>)", rb"\1\1", Rule.SIGNATURE_FORM),
    "no transform": (b"<Transform .*</Transform>", b"", Rule.TRANSFORMS),
    "no transforms": (b"<Transforms>.*</Transforms>", b"", Rule.SIGNATURE_FORM),
    "enveloped": (
        b"<Transforms>",
        b'<Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>',
        Rule.TRANSFORMS,
    ),
    "an XPath": (b'xml-exc-c14n#"></Transform>', b'xml-exc-c14n#"><XPath></XPath></Transform>', Rule.SIGNATURE_FORM),
    "another canonicalization": (
        b'<CanonicalizationMethod Algorithm="[^"]*"',
        b'<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
        Rule.CANONICALIZATION_METHOD,
    ),
    "an unknown digest": (b"xmldsig#sha1", b"xmldsig#md5", Rule.DIGEST_METHOD),
    "not base64": (b"<SignatureValue>", b"<SignatureValue>*", Rule.SIGNATURE_FORM),
    "a relative namespace": (CONTENT, b'<ringtone xmlns="./here"></ringtone>', Rule.SIGNATURE_FORM),
    "a long value": (b"<SignatureValue>", b"<SignatureValue>" + b"A" * 100_000, Rule.SIGNATURE_TOO_LARGE),
    "a long SignedInfo": (b"<SignedInfo>", b"<SignedInfo>" + b" " * 100_000, Rule.SIGNATURE_TOO_LARGE),
    "a certificate": (b"</Signature>", b"<KeyInfo><X509Data></X509Data></KeyInfo></Signature>", Rule.KEY_INFO),
    "a DSA key": (
        b"</Signature>",
        b"<KeyInfo><KeyValue><DSAKeyValue></DSAKeyValue></KeyValue></KeyInfo></Signature>",
        Rule.SIGNATURE_FORM,
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_form_is_refused_by_its_rule(change: tuple[bytes, bytes, Rule]) -> None:
    before, after, rule = change
    pattern = before if b".*" in before or b"[^" in before else re.escape(before)
    text, count = re.subn(
        pattern, after if b"\\1" in after else after.replace(b"\\", b"\\\\"), legacy_signed(), count=1
    )
    assert count == 1
    assert rule_of(item(as_text(text))) is rule


def test_a_digest_that_the_policy_does_not_allow() -> None:
    text = sign_content(CONTENT, signing(CREATOR), LEGACY).replace(b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1")
    assert rule_of(item(as_text(text)), Policy.default()) is Rule.DIGEST_METHOD


@pytest.mark.parametrize(
    ("type_", "format_", "data"),
    [
        (b"application/xml", b"xml", as_text(CONTENT)),
        (b"text/plain", b"chr", as_text(legacy_signed())),
        (b"application/xml", b"chr", as_text(legacy_signed())),
        (b"application/xml", b"xml", b""),
    ],
    ids=["no Signature", "another Type", "another Format", "nothing"],
)
def test_what_does_not_say_that_it_is_signed_is_not_judged(type_: bytes, format_: bytes, data: bytes) -> None:
    assert opened(item(data, type_, format_), device(DEVICE)).content_trust == ()


def test_a_signature_as_an_element_in_data_is_still_refused_at_step_2() -> None:
    xml = signed(item(DATA)).replace(DATA, legacy_signed())
    error = refused(xml, device(DEVICE, policy=Policy.oma_1_2_legacy()))
    assert (error.step, error.rule) == (2, Rule.SIGNATURE_SEVERAL)


def test_only_what_can_be_signed_is() -> None:
    with pytest.raises(WbxmlError):
        sign_content(b"text", signing(CREATOR), LEGACY)
    with pytest.raises(KeyMaterialError, match="policy default does not allow rsa-sha1"):
        sign_content(CONTENT, signing(CREATOR), AlgorithmPolicy.default(), algorithm=SignatureAlgorithm.RSA_SHA1)
    with pytest.raises(KeyMaterialError, match="family"):
        sign_content(CONTENT, signing(CREATOR), LEGACY, algorithm=SignatureAlgorithm.HMAC_SHA1)


# Encrypted

XENC = b"application/xenc+xml"


def legacy_encrypted(content: bytes) -> bytes:
    recipient = to_certificate(KeyTransport.RSA_1_5)
    return encrypt_content(content, recipient, random=os.urandom, cipher=BlockCipher.AES128_CBC)


@pytest.mark.parametrize("carried", [bytes, as_text], ids=["element", "text"])
def test_content_signed_and_then_encrypted_as_dm_security_mandates(carried: type[bytes]) -> None:
    found = judged(item(carried(legacy_encrypted(legacy_signed())), XENC))
    assert found.verdict is ContentVerdict.SIGNED
    assert found.encryption == "aes128-cbc, rsa-1_5 by the device key"
    assert found.key_origin == "AppAuth/creator of account dms (X509)"
    assert found.content == CONTENT


@pytest.mark.parametrize("recipient", [to_certificate(), to_secret()], ids=["key", "secret"])
def test_content_that_is_only_encrypted_is_opened_and_nobody_vouches_for_it(recipient: Recipient) -> None:
    for content in (CONTENT, b"any octets \0\xff"):
        found = judged(item(encrypt_content(content, recipient, random=os.urandom), XENC), Policy.default())
        assert found.verdict is ContentVerdict.OPENED
        assert (found.content, found.algorithm) == (content, None)
        assert found.encryption is not None


def test_signed_content_that_a_stranger_signed_is_refused_after_it_was_opened() -> None:
    text = sign_content(CONTENT, signing(STRANGER), LEGACY)
    xml = item(legacy_encrypted(text), XENC)
    assert rule_of(xml) is Rule.SIGNATURE_VALUE
    assert judged(xml).encryption is not None


def test_the_default_policy_refuses_legacy_encryption_of_content_and_not_the_message() -> None:
    assert rule_of(item(legacy_encrypted(CONTENT), XENC), Policy.default()) is Rule.ENCRYPTION_METHOD


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", Rule.ENCRYPTION_FORM),
        (b"text", Rule.ENCRYPTION_FORM),
        (b"&lt;a/&gt;", Rule.ENCRYPTION_FORM),
        (as_text(legacy_encrypted(b"x").replace(b"CipherData", b"Cipher")), Rule.ENCRYPTION_FORM),
        (re.sub(rb"(.*<CipherValue>)[^<]*", rb"\1AAAA", legacy_encrypted(b"x")), Rule.ENCRYPTION_FAILED),
    ],
    ids=["nothing", "text", "another element", "another form", "damaged"],
)
def test_content_that_does_not_open_is_refused_and_not_the_message(data: bytes, rule: Rule) -> None:
    assert rule_of(item(data, XENC)) is rule


def test_without_a_decryptor_text_is_refused_as_content_and_an_element_as_a_message() -> None:
    secret = encrypt_content(CONTENT, to_secret(), random=os.urandom)
    (found,) = verify(signed(item(as_text(secret), XENC)), verifier(DEVICE)).content_trust
    assert found.refusal is not None
    assert found.refusal.rule is Rule.ENCRYPTED_UNSUPPORTED
    assert refused(signed(item(secret, XENC)), verifier(DEVICE)).rule is Rule.ENCRYPTED_UNSUPPORTED


def several(count: int, data: bytes) -> bytes:
    """Return the test message with several items of encrypted content."""
    xml = item(data, XENC)
    one = xml[xml.index(b"<Item>") : xml.index(b"</Item>") + len(b"</Item>")]
    return xml.replace(one, one * count)


def test_encrypted_content_is_bounded_for_the_whole_message() -> None:
    xml = several(65, as_text(encrypt_content(b"x", to_secret(), random=os.urandom)))
    found = opened(xml, device(DEVICE)).content_trust
    assert [each.verdict for each in found] == [ContentVerdict.OPENED] * 64 + [ContentVerdict.REFUSED]
    assert found[-1].refusal is not None
    assert found[-1].refusal.rule is Rule.ENCRYPTION_TOO_LARGE


def test_iterations_of_encrypted_content_are_bounded_for_the_whole_message() -> None:
    xml = item(b"@", XENC)
    one = xml[xml.index(b"<Item>") : xml.index(b"</Item>") + len(b"</Item>")]
    dear = [encrypt_content(b"x", to_password(400_000), random=os.urandom) for _ in range(3)]
    xml = xml.replace(one, b"".join(one.replace(b"@", as_text(data)) for data in dear))
    found = opened(xml, device(DEVICE)).content_trust
    assert [each.verdict for each in found] == [ContentVerdict.OPENED] * 2 + [ContentVerdict.REFUSED]


def test_the_type_of_a_command_is_that_of_its_items() -> None:
    meta = META.replace(b"chr", b"xml").replace(b"text/plain", XENC)
    data = encrypt_content(CONTENT, to_secret(), random=os.urandom)
    xml = MESSAGE.replace(b"<Meta>" + META + b"</Meta>", b"").replace(DATA, data)
    xml = xml.replace(b"</CmdID>", b"</CmdID><Meta>" + meta + b"</Meta>")
    assert judged(xml).verdict is ContentVerdict.OPENED


def test_a_message_whose_commands_cannot_be_read_has_no_content() -> None:
    message = opened(MESSAGE.replace(b"<CmdID>1</CmdID>", b""))
    with pytest.raises(VerificationError):
        assert message.content_trust
