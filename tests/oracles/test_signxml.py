"""signxml: what is signed here it verifies, what it signs to this profile is authorized here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import methods
from signxml.algorithms import SignatureMethod
from signxml.exceptions import InvalidSignature
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, XMLVerifier

from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import SignatureAlgorithm, sign_message
from smartcard_dm.xmlsec.algorithms import XMLDSIG
from tests import materials
from tests.materials import MESSAGE, SHARED_SECRET, signing
from tests.oracles.test_xmlsec1 import device
from tests.trust.device import verify
from tests.xmlsec.checking import DEFAULT

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

CASES: list[tuple[SignatureAlgorithm, PrivateKey | Secret]] = [
    (SignatureAlgorithm.RSA_SHA256, materials.rsa_private()),
    (SignatureAlgorithm.RSA_PSS_SHA256, materials.rsa_private()),
    (SignatureAlgorithm.ECDSA_SHA256, materials.ec_private()),
    (SignatureAlgorithm.HMAC_SHA256, SHARED_SECRET),
]
IDS = [algorithm.identifier for algorithm, _ in CASES]


def certificate_for(key: PrivateKey) -> bytes:
    """Return a certificate (PEM) with the key usage signxml asks for, valid now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def verify_with_signxml(xml: bytes, key: PrivateKey | Secret) -> bytes:
    config = SignatureConfiguration(location="./")
    if isinstance(key, Secret):
        result = XMLVerifier().verify(xml, hmac_key=key.reveal(), require_x509=False, expect_config=hmac_config())
    else:
        result = XMLVerifier().verify(xml, x509_cert=certificate_for(key).decode(), expect_config=config)
    assert not isinstance(result, list)
    return result.signed_data


def hmac_config() -> SignatureConfiguration:
    return SignatureConfiguration(
        location="./", require_x509=False, signature_methods=frozenset({SignatureMethod.HMAC_SHA256})
    )


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_is_signed_here_signxml_verifies(algorithm: SignatureAlgorithm, key: PrivateKey | Secret) -> None:
    signed = sign_message(MESSAGE, signing(key), DEFAULT, algorithm=algorithm)
    assert verify_with_signxml(signed, key) == MESSAGE
    with pytest.raises(InvalidSignature):
        verify_with_signxml(signed.replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/Nome"), key)


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_signxml_signs_to_this_profile_is_authorized(
    algorithm: SignatureAlgorithm, key: PrivateKey | Secret
) -> None:
    signer = XMLSigner(
        method=methods.enveloped,
        signature_algorithm=algorithm.uri,
        digest_algorithm="sha256",
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
    )
    setattr(signer, "namespaces", {None: XMLDSIG})  # noqa: B010 - documented so, typed otherwise
    material = key.reveal() if isinstance(key, Secret) else materials.private_pem(key)
    signed = signer.sign(etree.fromstring(MESSAGE), key=material, always_add_key_value=False)
    signed = etree.fromstring(etree.tostring(signed))
    signature = signed[-1]
    for key_info in signature.findall(f"{{{XMLDSIG}}}KeyInfo"):
        # signxml states a KeyValue; the profile takes no key from a message, and KeyInfo is not signed.
        signature.remove(key_info)
    assert verify(etree.tostring(signed), device(key)).signature.algorithm is algorithm
