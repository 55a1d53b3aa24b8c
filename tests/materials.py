"""Keys, certificates and messages that several tests share; made anew in each run, so that nothing fits by habit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec import PrivateSigningKey, SecretSigningKey, TrustedKey

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.signing_keys import PrivateKey

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SERVER_ID = "com.example.dms"
SHARED_SECRET = Secret(b"correct horse battery staple 42")

MESSAGE = (
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
    "<SessionID>7</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
    f"<Source><LocURI>{SERVER_ID}</LocURI></Source></SyncHdr><SyncBody><Replace><CmdID>1</CmdID><Item>"
    "<Target><LocURI>./DMAcc/dms/Name</LocURI></Target>"
    '<Meta><Format xmlns="syncml:metinf">chr</Format><Type xmlns="syncml:metinf">text/plain</Type></Meta>'
    "<Data>a &lt;new&gt; name &amp; more</Data></Item></Replace><Final></Final></SyncBody></SyncML>"
).encode()


@cache
def rsa_private(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Return the RSA key of this run with that number."""
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_private(curve: str = "secp256r1") -> ec.EllipticCurvePrivateKey:
    """Return the EC key of this run on that curve."""
    curves: dict[str, ec.EllipticCurve] = {
        "secp256r1": ec.SECP256R1(),
        "secp384r1": ec.SECP384R1(),
        "secp521r1": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
    }
    return ec.generate_private_key(curves[curve])


@cache
def ed25519_private() -> ed25519.Ed25519PrivateKey:
    """Return the Ed25519 key of this run."""
    return ed25519.Ed25519PrivateKey.generate()


def private_pem(key: PrivateKey, password: bytes | None = None) -> bytes:
    """Return a private key as PEM."""
    protection: serialization.KeySerializationEncryption = (
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def public_der(key: PrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a private key."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: PrivateKey) -> bytes:
    """Return the public key of a private key as PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def certificate_der(
    key: PrivateKey,
    *,
    common_name: str = "a server",
    dns_names: tuple[str, ...] = (),
    uris: tuple[str, ...] = (),
    ca: bool | None = None,
    not_before: datetime = NOW - timedelta(days=1),
    not_after: datetime = NOW + timedelta(days=1),
) -> bytes:
    """Return a self-signed certificate (DER)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    names = [*(x509.DNSName(dns) for dns in dns_names), *(x509.UniformResourceIdentifier(uri) for uri in uris)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.DER)


def trusted(key: PrivateKey | Secret, *names: str) -> TrustedKey:
    """Return the trusted key that belongs to a signing key."""
    if isinstance(key, Secret):
        return TrustedKey.from_secret(key, names=names, origin="a test secret")
    return TrustedKey.from_public_key(public_der(key), names=names, origin="a test key")


def signing(key: PrivateKey | Secret) -> PrivateSigningKey | SecretSigningKey:
    """Return the signing key of a private key or secret."""
    return SecretSigningKey(key) if isinstance(key, Secret) else PrivateSigningKey.from_key(key)
