"""Verification and decryption from WBXML octets beside python-xmlsec, which gets the XML form of the same message.

The whole body is encrypted: AES-256-GCM under a key transported with rsa-oaep-mgf1p to an RSA-2048 key. Ours decodes,
verifies, opens, and rebuilds the canonical message; python-xmlsec checks the signature of XML that is there already and
decrypts in place. Keys are loaded once on both sides; each contestant parses its input anew.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial

import xmlsec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from benchmarks.bench_verify import SERVER_ID, SIZES, certificate
from benchmarks.bench_wbxml import make_message
from benchmarks.harness import Row, compare, report
from smartcard_dm import wbxml
from smartcard_dm.dm import AppAddress, AppAuth, AuthLevel, AuthType, DmAccount, ServerId
from smartcard_dm.server.encrypt import encrypt_body
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import AlgorithmPolicy, PrivateSigningKey, sign_message
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey
from smartcard_dm.xmlsec.encrypt import CertificateRecipient
from smartcard_dm.xmlsec.encrypted_data import ENCRYPTED_DATA
from smartcard_dm.xmlsec.encryption_algorithms import KeyTransport

AIM = 1.0


def run(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """Measure messages signed with RSA-SHA256; every contestant has given the message back before it is timed."""
    server, device = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    trusted = certificate(server)
    account = DmAccount(
        server_id=ServerId(SERVER_ID),
        node_name="dms",
        addresses=(AppAddress(node_name="1", addr="https://dms.example.com"),),
        auth=(
            AppAuth(
                node_name="1",
                level=AuthLevel.SRVCRED,
                type=AuthType.X509,
                certificate=trusted.public_bytes(serialization.Encoding.DER),
            ),
        ),
    )
    decryptor = MessageDecryptor(device_key=PrivateDecryptionKey(device), random=os.urandom)
    verifier = Verifier(Credentials(None, (account,), ()), policy=Policy.default(), decryptor=decryptor)
    recipient = CertificateRecipient(
        device.public_key(), KeyTransport.RSA_OAEP_MGF1P, DigestAlgorithm.SHA1, key_name="device"
    )
    signer = xmlsec.Key.from_memory(
        trusted.public_bytes(serialization.Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem
    )
    opener = xmlsec.Key.from_memory(
        device.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        xmlsec.constants.KeyDataFormatPem,
    )
    opener.name = "device"
    manager = xmlsec.KeysManager()
    manager.add_key(opener)

    def with_xmlsec(xml: bytes) -> etree._Element:
        root = etree.fromstring(xml)
        context = xmlsec.SignatureContext()
        context.key = signer
        context.verify(root[-1])
        xmlsec.EncryptionContext(manager).decrypt(next(root.iter(ENCRYPTED_DATA)))
        return root

    rows: list[Row] = []
    for size in sizes:
        plain = make_message(size)
        sealed = encrypt_body(plain, recipient, random=os.urandom)
        xml = sign_message(sealed, PrivateSigningKey.from_key(server), AlgorithmPolicy.default())
        octets = wbxml.from_xml(xml)
        ours = partial(verifier.verify, octets, transport=Transport.local(), at=datetime.now(UTC))
        root = with_xmlsec(xml)
        root.remove(root[-1])
        if etree.tostring(root, method="c14n", exclusive=True) != ours().octets:
            raise AssertionError("the two read different messages")
        rows += compare(
            f"verify and decrypt, {len(octets) / 1000:.1f} kB of WBXML, {len(xml) / 1000:.1f} kB of XML",
            len(octets),
            {"python-xmlsec, XML form": partial(with_xmlsec, xml), "Verifier.verify, WBXML octets": ours},
            aims={"Verifier.verify, WBXML octets": AIM},
        )
    return rows


def main() -> None:
    """Print the comparison."""
    report("Verification and decryption beside python-xmlsec", run())


if __name__ == "__main__":
    main()
