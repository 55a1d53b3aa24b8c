"""Step 11: another form, method or place of an encrypted part is refused by its rule."""

from __future__ import annotations

import re

import pytest

from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType, KeyTransport
from tests.materials import MESSAGE
from tests.trust.encrypted import (
    COMMAND,
    CONTENT,
    PulledToken,
    body,
    changed,
    device,
    encrypted,
    part,
    refusal,
    to_certificate,
)

PROPERTIES = b"<EncryptionProperties></EncryptionProperties>"
FORMS: dict[str, tuple[bytes, bytes, bytes]] = {
    # what is changed in a message to the certificate (K) or to a secret (S): before, after
    "K: no Type": (b"K", b' Type="http://www.w3.org/2001/04/xmlenc#Content"', b""),
    "K: another Type": (b"K", b"xmlenc#Content", b"xmlenc#Something"),
    "K: an Id": (b"K", b" Type=", b' Id="a" Type='),
    "K: a MimeType": (b"K", b" Type=", b' MimeType="text/xml" Type='),
    "K: a second EncryptionMethod": (b"K", b"<KeyInfo", b'<EncryptionMethod Algorithm="x"></EncryptionMethod><KeyInfo'),
    "K: a KeySize": (b"K", b"</EncryptionMethod><KeyInfo", b"<KeySize>128</KeySize></EncryptionMethod><KeyInfo"),
    "K: OAEPparams": (b"K", b"<DigestMethod", b"<OAEPparams>AA==</OAEPparams><DigestMethod"),
    "K: no DigestMethod": (b"K", b"<DigestMethod .*?</DigestMethod>", b""),
    "K: no MGF": (b"K", b"<MGF .*?</MGF>", b""),
    "K: MGF first": (b"K", b"(<DigestMethod .*?</DigestMethod>)(<MGF .*?</MGF>)", rb"\2\1"),
    "K: parameters of a parameter": (b"K", b"</DigestMethod>", b"<x></x></DigestMethod>"),
    "K: no key at all": (b"K", b"<KeyInfo .*</KeyInfo>", b""),
    "K: an empty KeyInfo": (b"K", b"(<KeyInfo [^>]*>).*(</KeyInfo>)", rb"\1\2"),
    "K: a KeyName beside the key": (b"K", b"<EncryptedKey", b"<KeyName>k</KeyName><EncryptedKey"),
    "K: two keys": (b"K", b"(<EncryptedKey.*</EncryptedKey>)", rb"\1\1"),
    "K: a Recipient": (b"K", b"<EncryptedKey ", b'<EncryptedKey Recipient="me" '),
    "K: a CarriedKeyName": (b"K", b"</EncryptedKey>", b"<CarriedKeyName>x</CarriedKeyName></EncryptedKey>"),
    "K: a ReferenceList": (b"K", b"</EncryptedKey>", b"<ReferenceList></ReferenceList></EncryptedKey>"),
    "K: X509Data": (b"K", b"<KeyName>device</KeyName>", b"<X509Data></X509Data>"),
    "K: a RetrievalMethod": (b"K", b"<KeyName>device</KeyName>", b'<RetrievalMethod URI="file:///a"></RetrievalMethod>'),
    "K: two names": (b"K", b"<KeyName>device</KeyName>", b"<KeyName>device</KeyName><KeyName>device</KeyName>"),
    "K: a CipherReference": (b"K", b"<CipherValue>[^<]*</CipherValue>", b'<CipherReference URI="http://a/"></CipherReference>'),
    "K: two CipherValue": (b"K", b"(<CipherValue>[^<]*</CipherValue>)", rb"\1\1"),
    "K: no CipherData": (b"K", b"<CipherData><CipherValue>[^<]*</CipherValue></CipherData>", b""),
    "K: an empty CipherValue": (b"K", b"<CipherValue>[^<]*<", b"<CipherValue><"),
    "K: not base64": (b"K", b"<CipherValue>", b"<CipherValue>*"),
    "K: an attribute of CipherValue": (b"K", b"<CipherValue>", b'<CipherValue a="b">'),
    "K: base64 not padded": (b"K", b"=+</CipherValue>", b"</CipherValue>"),
    "K: EncryptionProperties": (b"K", b"</EncryptedData>", PROPERTIES + b"</EncryptedData>"),
    "K: text between elements": (b"K", b"<CipherData>", b"text<CipherData>"),
    "K: another namespace inside": (b"K", b"<CipherData>", b'<CipherData xmlns="urn:x">'),
    "S: no DerivedKey": (b"S", b"<KeyInfo [^>]*><DerivedKey.*</DerivedKey></KeyInfo>", b""),
    "S: a KeyName instead": (b"S", b"<DerivedKey.*</DerivedKey>", b"<KeyName>k</KeyName>"),
    "S: two DerivedKey": (b"S", b"(<DerivedKey.*</DerivedKey>)", rb"\1\1"),
    "S: a DerivedKeyName": (b"S", b"<MasterKeyName>", b"<DerivedKeyName>x</DerivedKeyName><MasterKeyName>"),
    "S: a Type of DerivedKey": (b"S", b"<DerivedKey ", b'<DerivedKey Type="x" '),
    "S: no KeyDerivationMethod": (b"S", b"<KeyDerivationMethod.*</KeyDerivationMethod>", b""),
    "S: another attribute": (b"S", b" PartyUInfo=", b' Foo="00" PartyUInfo='),
    "S: bits that are no octets": (b"S", b'PartyUInfo="00', b'PartyUInfo="03'),
    "S: not hexadecimal": (b"S", b'PartyUInfo="00', b'PartyUInfo="00zz'),
    "S: hexadecimal in small letters": (b"S", b'PartyUInfo="00', b'PartyUInfo="00ab'),
    "S: half an octet": (b"S", b'PartyUInfo="00', b'PartyUInfo="0'),
    "S: no parameters": (b"S", b"<ConcatKDFParams.*</ConcatKDFParams>", b""),
    "P: no salt": (b"P", b"<Salt>.*</Salt>", b""),
    "P: another source of salt": (b"P", b"<Specified>.*</Specified>", b"<OtherSource></OtherSource>"),
    "P: an empty salt": (b"P", b"<Specified>.*</Specified>", b"<Specified></Specified>"),
    "P: no number": (b"P", b"<IterationCount>1000<", b"<IterationCount>1e3<"),
    "P: a negative number": (b"P", b"<IterationCount>1000<", b"<IterationCount>-1000<"),
    "P: a number with zeros": (b"P", b"<IterationCount>1000<", b"<IterationCount>01000<"),
    "P: a number without end": (b"P", b"<IterationCount>1000<", b"<IterationCount>" + b"9" * 40 + b"<"),
    "P: another length of key": (b"P", b"<KeyLength>32<", b"<KeyLength>16<"),
    "P: a huge length of key": (b"P", b"<KeyLength>32<", b"<KeyLength>2000000000<"),
    "P: no PRF": (b"P", b"<PRF .*</PRF>", b""),
}  # fmt: skip


@pytest.mark.parametrize("change", FORMS.values(), ids=FORMS.keys())
def test_another_form(change: tuple[bytes, bytes, bytes]) -> None:
    error = refusal(changed(*change))
    assert error.rule is Rule.ENCRYPTION_FORM
    assert error.place is not None
    assert error.place.startswith("/SyncML/SyncBody/EncryptedData")


METHODS: dict[str, tuple[bytes, bytes, bytes]] = {
    "K: an unknown cipher": (b"K", b"2009/xmlenc11#aes128-gcm", b"2001/04/xmlenc#tripledes-cbc"),
    "K: AES-192-GCM": (b"K", b"#aes128-gcm", b"#aes192-gcm"),
    "K: a legacy cipher": (b"K", b"2009/xmlenc11#aes128-gcm", b"2001/04/xmlenc#aes128-cbc"),
    "K: rsa-1_5": (b"K", b"2009/xmlenc11#rsa-oaep", b"2001/04/xmlenc#rsa-1_5"),
    "K: an unknown transport": (b"K", b"2009/xmlenc11#rsa-oaep", b"2001/04/xmlenc#dh"),
    "K: kw-aes192": (b"K", b"2009/xmlenc11#rsa-oaep", b"2001/04/xmlenc#kw-aes192"),
    "K: rsa-oaep with SHA-512": (b"K", b"2001/04/xmlenc#sha256", b"2001/04/xmlenc#sha512"),
    "K: rsa-oaep with SHA-1": (b"K", b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
    "K: rsa-oaep with MD5": (b"K", b"2001/04/xmlenc#sha256", b"2001/04/xmldsig-more#md5"),
    "K: MGF1 with SHA-1": (b"K", b"#mgf1sha256", b"#mgf1sha1"),
    "K: no MGF1": (b"K", b"#mgf1sha256", b"#mgf2"),
    "S: another derivation": (b"S", b"#ConcatKDF", b"#HKDF"),
    "S: ConcatKDF with SHA-1": (b"S", b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1"),
    "P: HMAC-SHA-1": (b"P", b"2001/04/xmldsig-more#hmac-sha256", b"2000/09/xmldsig#hmac-sha1"),
    "P: few iterations": (b"P", b"<IterationCount>1000<", b"<IterationCount>999<"),
    "P: little salt": (b"P", b"<Specified>.*</Specified>", b"<Specified>NyBvY3RldA==</Specified>"),
}  # fmt: skip


@pytest.mark.parametrize("change", METHODS.values(), ids=METHODS.keys())
def test_another_method(change: tuple[bytes, bytes, bytes]) -> None:
    assert refusal(changed(*change)).rule is Rule.ENCRYPTION_METHOD


def test_a_legacy_method_is_refused_before_a_key_is_touched() -> None:
    xml = encrypted(to_certificate(KeyTransport.RSA_1_5), BlockCipher.AES256_GCM)
    assert refusal(xml, device(key=PulledToken())).rule is Rule.ENCRYPTION_METHOD


# Place


PLACES = {
    "content for a command": body(part(COMMAND) + b"<Final></Final>"),
    "a command for content": body(part(CONTENT, EncryptedType.ELEMENT) + COMMAND).replace(
        b"a &lt;new&gt; name &amp; more", part(b"x", EncryptedType.ELEMENT)
    ),
    "text before content": MESSAGE.replace(b"&lt;new&gt;", part(b"x")),
    "content twice": MESSAGE.replace(b"a &lt;new&gt; name &amp; more", part(b"x") * 2),
    "in Target": MESSAGE.replace(b"./DMAcc/dms/Name", part(b"./DMAcc/dms/Name")),
    "in Meta": MESSAGE.replace(b'<Format xmlns="syncml:metinf">chr</Format>', part(b"", EncryptedType.ELEMENT)),
    "for an Item": re.sub(rb"<Item>.*</Item>", part(b"<Item></Item>", EncryptedType.ELEMENT), MESSAGE),
    "content of an Item": re.sub(rb"<Item>.*</Item>", b"<Item>" + part(b"") + b"</Item>", MESSAGE),
    "for a CmdID": MESSAGE.replace(b"<CmdID>1</CmdID>", part(b"<CmdID>1</CmdID>", EncryptedType.ELEMENT)),
    "in the header": MESSAGE.replace(b"<Source>", part(b"", EncryptedType.ELEMENT) + b"<Source>"),
    "in Cred": MESSAGE.replace(b"</SyncHdr>", b"<Cred><Data>" + part(b"secret") + b"</Data></Cred></SyncHdr>"),
    "an EncryptedKey alone": MESSAGE.replace(
        b"a &lt;new&gt; name &amp; more", b'<EncryptedKey xmlns="http://www.w3.org/2001/04/xmlenc#"></EncryptedKey>'
    ),
    "a DerivedKey alone": MESSAGE.replace(
        b"a &lt;new&gt; name &amp; more", b'<DerivedKey xmlns="http://www.w3.org/2009/xmlenc11#"></DerivedKey>'
    ),
}  # fmt: skip


@pytest.mark.parametrize("xml", PLACES.values(), ids=PLACES.keys())
def test_another_place(xml: bytes) -> None:
    assert refusal(xml).rule is Rule.ENCRYPTION_PLACE
