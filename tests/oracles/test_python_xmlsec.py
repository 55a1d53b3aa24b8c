"""python-xmlsec, which brings a newer xmlsec library than Debian's program: RSA-PSS beside the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import xmlsec
from lxml import etree

from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import SignatureAlgorithm, sign_message
from tests import materials
from tests.materials import MESSAGE, SHARED_SECRET, signing
from tests.oracles.test_xmlsec1 import TEMPLATE, device
from tests.trust.device import verify
from tests.xmlsec.checking import DEFAULT

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

CASES: list[tuple[SignatureAlgorithm, PrivateKey | Secret]] = [
    (SignatureAlgorithm.RSA_SHA256, materials.rsa_private()),
    (SignatureAlgorithm.RSA_SHA384, materials.rsa_private()),
    (SignatureAlgorithm.RSA_PSS_SHA256, materials.rsa_private()),
    (SignatureAlgorithm.RSA_PSS_SHA384, materials.rsa_private()),
    (SignatureAlgorithm.RSA_PSS_SHA512, materials.rsa_private()),
    (SignatureAlgorithm.ECDSA_SHA256, materials.ec_private()),
    (SignatureAlgorithm.ECDSA_SHA512, materials.ec_private("secp521r1")),
    (SignatureAlgorithm.HMAC_SHA384, SHARED_SECRET),
]
IDS = [algorithm.identifier for algorithm, _ in CASES]


def foreign_key(key: PrivateKey | Secret, *, private: bool) -> xmlsec.Key:
    if isinstance(key, Secret):
        return xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, key.reveal())
    pem = materials.private_pem(key) if private else materials.public_pem(key)
    return xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_python_xmlsec_signs_is_authorized(algorithm: SignatureAlgorithm, key: PrivateKey | Secret) -> None:
    root = etree.fromstring(
        MESSAGE.replace(b"</SyncML>", TEMPLATE.format(method=algorithm.uri).encode() + b"</SyncML>")
    )
    context = xmlsec.SignatureContext()
    context.key = foreign_key(key, private=True)
    context.sign(root[-1])
    assert verify(etree.tostring(root), device(key)).signature.algorithm is algorithm


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_is_signed_here_python_xmlsec_verifies(algorithm: SignatureAlgorithm, key: PrivateKey | Secret) -> None:
    signed = sign_message(MESSAGE, signing(key), DEFAULT, algorithm=algorithm)
    context = xmlsec.SignatureContext()
    context.key = foreign_key(key, private=False)
    context.verify(etree.fromstring(signed)[-1])
    changed = etree.fromstring(signed.replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/Nome"))
    context = xmlsec.SignatureContext()
    context.key = foreign_key(key, private=False)
    with pytest.raises(xmlsec.VerificationError):
        context.verify(changed[-1])
