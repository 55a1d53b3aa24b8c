"""Content signatures beside others: openssl signs and verifies the octets that XML Signature says, hashlib digests.

No library at hand digests what a Reference without URI means here: python-xmlsec takes the whole document for it,
signxml refuses. So the octets are made by the XML library alone, and judged by the program openssl.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.xmlsec import AlgorithmPolicy, SignatureAlgorithm
from smartcard_dm.xmlsec.content_signature import sign_content, verify_content
from tests import materials
from tests.materials import signing, trusted

if TYPE_CHECKING:
    from pathlib import Path

KEY = materials.rsa_private(number=3)
LEGACY = AlgorithmPolicy.oma_1_2_legacy()
CONTENT = '<a:tone xmlns:a="urn:a" b="1"><c/></a:tone>'
DIGESTS = {SignatureAlgorithm.RSA_SHA1: "sha1", SignatureAlgorithm.RSA_SHA256: "sha256"}
SIGNATURE = """<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">
  <SignedInfo>
    <CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
    <SignatureMethod Algorithm="{method}"/>
    <Reference>
      <Transforms><Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>
      <DigestMethod Algorithm="{digest}"/>
      <DigestValue>{value}</DigestValue>
    </Reference>
  </SignedInfo>
  <SignatureValue>{signature}</SignatureValue>
</Signature>
"""


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_what_openssl_signs_is_trusted(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    digest = DIGESTS[algorithm]
    value = base64.b64encode(hashlib.new(digest, canonical(etree.fromstring(CONTENT))).digest()).decode()
    words = {"method": algorithm.uri, "digest": algorithm.hash_algorithm.uri, "value": value}
    signed_info = canonical(etree.fromstring(SIGNATURE.format(**words, signature=""))[0])
    (tmp_path / "key").write_bytes(materials.private_pem(KEY))
    arguments = ["openssl", "dgst", f"-{digest}", "-sign", str(tmp_path / "key")]
    made = subprocess.run(arguments, input=signed_info, capture_output=True, check=True).stdout
    text = SIGNATURE.format(**words, signature=base64.b64encode(made).decode()) + CONTENT
    signed = verify_content(text.encode(), [trusted(KEY)], LEGACY, DEFAULT_LIMITS)
    assert signed.octets == canonical(etree.fromstring(CONTENT))


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_what_is_signed_here_openssl_verifies(algorithm: SignatureAlgorithm, tmp_path: Path) -> None:
    text = sign_content(CONTENT.encode(), signing(KEY), LEGACY, algorithm=algorithm)
    signature, content = etree.fromstring(b"<Data>" + text + b"</Data>")
    space = {"d": "http://www.w3.org/2000/09/xmldsig#"}
    digest = base64.b64decode(signature.findtext(".//d:DigestValue", "", space))
    assert digest == hashlib.new(DIGESTS[algorithm], canonical(content)).digest()
    (tmp_path / "key").write_bytes(materials.public_pem(KEY))
    (tmp_path / "value").write_bytes(base64.b64decode(signature.findtext("d:SignatureValue", "", space)))
    arguments = ["openssl", "dgst", f"-{DIGESTS[algorithm]}", "-verify", str(tmp_path / "key")]
    arguments += ["-signature", str(tmp_path / "value")]
    done = subprocess.run(arguments, input=canonical(signature[0]), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"Verified OK\n")
