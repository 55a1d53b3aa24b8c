"""xmlsec1, the program: what it signs is authorized here, what is signed here it verifies."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import AppAuth, AuthLevel, AuthType
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import SignatureAlgorithm, sign_message
from tests import materials
from tests.materials import MESSAGE, SERVER_ID, SHARED_SECRET, signing
from tests.trust.device import account, refused, verifier, verify
from tests.xmlsec.checking import DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.trust.verifier import Verifier
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

TEMPLATE = """<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
  <SignedInfo>
    <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <SignatureMethod Algorithm="{method}"/>
    <Reference URI="">
      <Transforms>
        <Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
        <Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
      </Transforms>
      <DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
      <DigestValue/>
    </Reference>
  </SignedInfo>
  <SignatureValue/>
</Signature>
"""
CASES: list[tuple[SignatureAlgorithm, PrivateKey | Secret]] = [
    (SignatureAlgorithm.RSA_SHA256, materials.rsa_private()),
    (SignatureAlgorithm.RSA_SHA512, materials.rsa_private()),
    (SignatureAlgorithm.ECDSA_SHA256, materials.ec_private()),
    (SignatureAlgorithm.ECDSA_SHA384, materials.ec_private("secp384r1")),
    (SignatureAlgorithm.HMAC_SHA256, SHARED_SECRET),
    (SignatureAlgorithm.HMAC_SHA512, SHARED_SECRET),
]
IDS = [algorithm.identifier for algorithm, _ in CASES]


def device(key: PrivateKey | Secret) -> Verifier:
    entry = (
        AppAuth(node_name="k", level=AuthLevel.SRVCRED, type=AuthType.HMAC, secret=key)
        if isinstance(key, Secret)
        else AppAuth(
            node_name="k",
            level=AuthLevel.SRVCRED,
            type=AuthType.X509,
            certificate=materials.certificate_der(key),
        )
    )
    return verifier(account(SERVER_ID, entry))


def key_arguments(key: PrivateKey | Secret, folder: Path, *, private: bool) -> list[str]:
    path = folder / "key"
    if isinstance(key, Secret):
        path.write_bytes(key.reveal())
        return ["--hmackey", str(path)]
    path.write_bytes(materials.private_pem(key) if private else materials.public_pem(key))
    return ["--privkey-pem" if private else "--pubkey-pem", str(path)]


def sign_with_xmlsec1(xml: bytes, algorithm: SignatureAlgorithm, key: PrivateKey | Secret, folder: Path) -> bytes:
    template = folder / "template.xml"
    template.write_bytes(xml.replace(b"</SyncML>", TEMPLATE.format(method=algorithm.uri).encode() + b"</SyncML>"))
    result = folder / "signed.xml"
    arguments = ["xmlsec1", "--sign", *key_arguments(key, folder, private=True), "--output", str(result), str(template)]
    subprocess.run(arguments, check=True, capture_output=True, timeout=30)
    return result.read_bytes()


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_xmlsec1_signs_is_authorized(
    algorithm: SignatureAlgorithm, key: PrivateKey | Secret, tmp_path: Path
) -> None:
    signed = sign_with_xmlsec1(MESSAGE, algorithm, key, tmp_path)
    message = verify(signed, device(key))
    assert message.signature.algorithm is algorithm
    # The end of line after the Signature is the message's, not the Signature's: it stays and is signed.
    assert message.octets == MESSAGE.replace(b"</SyncML>", b"\n</SyncML>")
    changed = signed.replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/Nome")
    assert refused(changed, device(key)).step == 8


@pytest.mark.parametrize(("algorithm", "key"), CASES, ids=IDS)
def test_what_is_signed_here_xmlsec1_verifies(
    algorithm: SignatureAlgorithm, key: PrivateKey | Secret, tmp_path: Path
) -> None:
    signed = sign_message(MESSAGE, signing(key), DEFAULT, algorithm=algorithm)
    path = tmp_path / "message.xml"
    arguments = ["xmlsec1", "--verify", *key_arguments(key, tmp_path, private=False), str(path)]
    path.write_bytes(signed)
    assert subprocess.run(arguments, check=False, capture_output=True, timeout=30).returncode == 0
    path.write_bytes(signed.replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/Nome"))
    assert subprocess.run(arguments, check=False, capture_output=True, timeout=30).returncode != 0


def test_the_xml_form_after_wbxml_still_verifies_with_xmlsec1(tmp_path: Path) -> None:
    signed = sign_message(MESSAGE, signing(SHARED_SECRET), DEFAULT)
    path = tmp_path / "message.xml"
    path.write_bytes(wbxml.to_xml(wbxml.from_xml(signed)))
    arguments = ["xmlsec1", "--verify", *key_arguments(SHARED_SECRET, tmp_path, private=False), str(path)]
    assert subprocess.run(arguments, check=False, capture_output=True, timeout=30).returncode == 0
