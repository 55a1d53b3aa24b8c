"""What the oracles of encryption share: the algorithms of the profile, recipients, templates, keys of the libraries."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import xmlsec

from smartcard_dm.secret import Secret
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import EncryptionPolicy
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey
from smartcard_dm.xmlsec.encrypt import CertificateRecipient, SecretRecipient
from smartcard_dm.xmlsec.encrypted_data import EncryptedData
from smartcard_dm.xmlsec.encrypted_data_write import write_encrypted_data
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType, KeyTransport, KeyWrap, Prf
from smartcard_dm.xmlsec.key_derivation import ConcatKdf, Pbkdf2
from tests import materials
from tests.materials import NOW, SHARED_SECRET
from tests.trust.device import account

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.encrypt import Recipient

LEGACY = EncryptionPolicy.oma_1_2_legacy()
CIPHERS = list(BlockCipher)
DEVICE_KEY = materials.rsa_private(number=1)
KEY_NAME = "device"
SECRET_NAME = "hmac-key"
"""The AAuthName of the test account's shared secret."""


@dataclass(frozen=True)
class Way:
    """One way to hand a content key over."""

    name: str
    transport: KeyTransport | None = None
    digest: DigestAlgorithm = DigestAlgorithm.SHA256
    wrap: KeyWrap = KeyWrap.KW_AES256
    derivation: ConcatKdf | Pbkdf2 | None = None


TRANSPORTS = [
    Way("rsa-oaep", KeyTransport.RSA_OAEP),
    Way("rsa-oaep-mgf1p", KeyTransport.RSA_OAEP_MGF1P, DigestAlgorithm.SHA1),
    Way("rsa-oaep-mgf1p-sha256", KeyTransport.RSA_OAEP_MGF1P, DigestAlgorithm.SHA256),
    Way("rsa-oaep-mgf1p-sha384", KeyTransport.RSA_OAEP_MGF1P, DigestAlgorithm.SHA384),
    Way("rsa-oaep-mgf1p-sha512", KeyTransport.RSA_OAEP_MGF1P, DigestAlgorithm.SHA512),
    Way("rsa-1_5", KeyTransport.RSA_1_5),
]
DERIVATIONS: list[tuple[str, ConcatKdf | Pbkdf2]] = [
    *(
        (f"concatkdf-{digest.identifier}", ConcatKdf(digest, b"\x12\x34", b"ALICE", b"BOB", b"n" * 16, b"private"))
        for digest in (DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512)
    ),
    *((f"pbkdf2-{prf.identifier}", Pbkdf2(prf, b"0123456789abcdef", 1000)) for prf in Prf),
]
WRAPS = [
    Way(f"{wrap.identifier}-{name}", wrap=wrap, derivation=derivation)
    for wrap in KeyWrap
    for name, derivation in DERIVATIONS
]


def recipient(way: Way) -> Recipient:
    """Return the test device as a recipient."""
    if way.transport is None:
        assert way.derivation is not None
        wrapping = way.derivation.derive(SHARED_SECRET, way.wrap.key_octets)
        return SecretRecipient(wrapping, way.wrap, way.derivation, SECRET_NAME, LEGACY)
    certificate = materials.certificate_der(DEVICE_KEY)
    return CertificateRecipient.from_certificate(
        certificate, at=NOW, method=way.transport, digest=way.digest, key_name=KEY_NAME, policy=LEGACY
    )


def template(way: Way, cipher: BlockCipher, type_: EncryptedType) -> bytes:
    """Return an EncryptedData without values, for a library to fill."""
    handed = recipient(way).hand_over(Secret(bytes(cipher.key_octets)))
    full = write_encrypted_data(EncryptedData(type_, cipher, handed, b"any"))
    while b"<CipherValue>" in full:
        before, _, rest = full.partition(b"<CipherValue>")
        full = before + b"<CipherValue/>" + rest.partition(b"</CipherValue>")[2]
    return full


def device(*, policy: Policy | None = None, key: PrivateDecryptionKey | None = None) -> Verifier:
    """Return the verifier of a device that has the key and the secret."""
    key = key or PrivateDecryptionKey(DEVICE_KEY, (KEY_NAME,))
    return Verifier(
        Credentials(None, (account(),), ()),
        policy=policy or Policy.oma_1_2_legacy(),
        decryptor=MessageDecryptor(device_key=key, random=os.urandom),
    )


@cache
def _derivation_key_data(name: str) -> Any:  # noqa: ANN401 - the binding's own type is private
    """Return python-xmlsec's constant for a kind of key that its library knows and the binding has no name for.

    A constant is an object of three words: count of references, type, and the library's description of the kind.
    """
    library = ctypes.CDLL(xmlsec.__spec__.origin)
    describe = getattr(library, f"xmlSecOpenSSLKeyData{name}GetKlass")
    describe.restype = ctypes.c_void_p
    model = xmlsec.constants.KeyDataHmac
    words = (ctypes.c_void_p * 3)(1 << 20, id(type(model)), describe())
    _KEPT.append(words)
    return ctypes.cast(ctypes.addressof(words), ctypes.py_object).value


_KEPT: list[object] = []


def foreign_keys(way: Way, secret: Secret = SHARED_SECRET, *, private: bool) -> xmlsec.KeysManager:
    """Return python-xmlsec's keys of the device (private), or for it."""
    if way.transport is None:
        kind = "Pbkdf2" if isinstance(way.derivation, Pbkdf2) else "ConcatKdf"
        key = xmlsec.Key.from_binary_data(_derivation_key_data(kind), secret.reveal())
        key.name = SECRET_NAME
    else:
        pem = materials.private_pem(DEVICE_KEY) if private else materials.public_pem(DEVICE_KEY)
        key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
        key.name = KEY_NAME
    manager = xmlsec.KeysManager()
    manager.add_key(key)
    return manager
