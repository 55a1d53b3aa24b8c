"""Verification from WBXML octets beside python-xmlsec and signxml, which get the XML form of the same message.

Ours decodes, finds account and key, checks form, signature and digest; a row of its own also reads the commands. The
others only check the signature of XML that is there already. Each contestant parses its input anew, as it would for
each message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from benchmarks.bench_wbxml import make_message
from benchmarks.harness import Row, compare, report
from smartcard_dm import wbxml
from smartcard_dm.dm import AppAddress, AppAuth, AuthLevel, AuthType, DmAccount, DmMessage, ServerId
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import AlgorithmPolicy, PrivateSigningKey, sign_message

if TYPE_CHECKING:
    from smartcard_dm.trust.verified import VerifiedMessage

SIZES = (900, 2_000, 60_000)
"""Octets of the unsigned WBXML messages."""
SERVER_ID = "com.example.dms"
AIM_XMLSEC = 0.8
AIM_SIGNXML = 0.5


def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    """Return a certificate that signxml accepts for a signer."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERVER_ID)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
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
    )


def run(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """Measure verification of RSA-SHA256 messages; every contestant has accepted the message before it is timed."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    trusted = certificate(private)
    pem = trusted.public_bytes(serialization.Encoding.PEM)
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
    verifier = Verifier(Credentials(None, (account,), ()), policy=Policy.default())
    foreign_key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    config = SignatureConfiguration(location="./")

    def with_xmlsec(xml: bytes) -> None:
        context = xmlsec.SignatureContext()
        context.key = foreign_key
        context.verify(etree.fromstring(xml)[-1])

    def with_signxml(xml: bytes) -> None:
        XMLVerifier().verify(xml, x509_cert=pem.decode(), expect_config=config)

    rows: list[Row] = []
    for size in sizes:
        xml = sign_message(make_message(size), PrivateSigningKey.from_key(private), AlgorithmPolicy.default())
        octets = wbxml.from_xml(xml)
        ours = partial(verifier.verify, octets, transport=Transport.local(), at=datetime.now(UTC))

        def with_commands(verify: partial[VerifiedMessage] = ours) -> DmMessage:
            return verify().message

        with_commands()
        rows += compare(
            f"verify, {len(octets) / 1000:.1f} kB of WBXML, {len(xml) / 1000:.1f} kB of XML",
            len(octets),
            {
                "python-xmlsec, XML form": partial(with_xmlsec, xml),
                "Verifier.verify, WBXML octets": ours,
                "the same, and its commands read": with_commands,
            },
            aims={"Verifier.verify, WBXML octets": AIM_XMLSEC},
        )
        rows += compare(
            f"verify, {len(octets) / 1000:.1f} kB of WBXML, {len(xml) / 1000:.1f} kB of XML",
            len(octets),
            {
                "signxml, XML form": partial(with_signxml, xml),
                "Verifier.verify, WBXML octets": ours,
            },
            aims={"Verifier.verify, WBXML octets": AIM_SIGNXML},
        )
    return rows


def main() -> None:
    """Print the comparison."""
    report("Verification beside python-xmlsec and signxml", run())


if __name__ == "__main__":
    main()
