"""Encrypted messages for the test device, and what it says of them; each test changes one fact."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import KeyMaterialError, VerificationError
from smartcard_dm.server.encrypt import encrypt_body
from smartcard_dm.trust.credentials import Credentials
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey
from smartcard_dm.xmlsec.encrypt import CertificateRecipient, SecretRecipient, encrypt_part
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType
from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
from tests import materials
from tests.materials import MESSAGE, NOW, SHARED_SECRET
from tests.trust.device import account, signed, verify

if TYPE_CHECKING:
    from smartcard_dm.dm import DmAccount
    from smartcard_dm.secret import Secret
    from smartcard_dm.trust.verified import VerifiedMessage
    from smartcard_dm.xmlsec.decryption_keys import DecryptionKey
    from smartcard_dm.xmlsec.encrypt import Recipient
    from smartcard_dm.xmlsec.encryption_algorithms import KeyTransport

LEGACY = EncryptionPolicy.oma_1_2_legacy()
DEVICE_KEY = materials.rsa_private(number=1)
CERTIFICATE = materials.certificate_der(DEVICE_KEY)
KEY = PrivateDecryptionKey(DEVICE_KEY, ("device",))
SECRET_NAME = "hmac-key"
CONTENT = MESSAGE[MESSAGE.index(b"<SyncBody>") + len(b"<SyncBody>") : MESSAGE.index(b"</SyncBody>")]
"""What stands in SyncBody."""
COMMAND = CONTENT.removesuffix(b"<Final></Final>")


def to_certificate(method: KeyTransport | None = None) -> CertificateRecipient:
    if method is None:
        return CertificateRecipient.from_certificate(CERTIFICATE, at=NOW, key_name="device")
    return CertificateRecipient.from_certificate(CERTIFICATE, at=NOW, method=method, key_name="device", policy=LEGACY)


def to_secret(secret: Secret = SHARED_SECRET, name: str | None = SECRET_NAME) -> SecretRecipient:
    return SecretRecipient.with_concat_kdf(secret, random=os.urandom, party_u_info=b"server", secret_name=name)


def to_password(iterations: int = 1000, secret: Secret = SHARED_SECRET) -> SecretRecipient:
    return SecretRecipient.with_pbkdf2(secret, random=os.urandom, iterations=iterations)


def encrypted(recipient: Recipient | None = None, cipher: BlockCipher = BlockCipher.AES128_GCM) -> bytes:
    """Return the test message with its whole body encrypted."""
    return encrypt_body(MESSAGE, recipient or to_secret(), random=os.urandom, cipher=cipher)


def part(
    plaintext: bytes,
    type_: EncryptedType = EncryptedType.CONTENT,
    cipher: BlockCipher = BlockCipher.AES128_GCM,
    recipient: Recipient | None = None,
) -> bytes:
    """Return an EncryptedData."""
    return encrypt_part(plaintext, type_, recipient or to_secret(), random=os.urandom, cipher=cipher)


def body(content: bytes) -> bytes:
    """Return the test message with another content of SyncBody."""
    return MESSAGE.replace(CONTENT, content)


def device(*accounts: DmAccount, key: DecryptionKey | None = KEY, policy: Policy | None = None) -> Verifier:
    """Return the verifier of the test device."""
    decryptor = MessageDecryptor(device_key=key, random=os.urandom)
    credentials = Credentials(None, accounts or (account(),), ())
    return Verifier(credentials, policy=policy or Policy.default(), decryptor=decryptor)


def opened(xml: bytes, judge: Verifier | None = None) -> VerifiedMessage:
    """Return the message that the device makes of one signed by its server."""
    return verify(signed(xml), judge or device())


def refusal(xml: bytes, judge: Verifier | None = None) -> VerificationError:
    """Return the device's refusal of a message signed by its server; no refusal quotes what was encrypted."""
    with pytest.raises(VerificationError) as caught:
        opened(xml, judge)
    assert "DMAcc" not in str(caught.value)
    return caught.value


KINDS = {b"K": encrypted(to_certificate()), b"S": encrypted(to_secret()), b"P": encrypted(to_password())}


def changed(kind: bytes, before: bytes, after: bytes) -> bytes:
    """Return one of `KINDS` with the first match of a pattern replaced."""
    xml, count = re.subn(before, after, KINDS[kind], count=1, flags=re.DOTALL)
    assert count == 1
    assert xml != KINDS[kind]
    return xml


class PulledToken:
    """A device key that cannot be used."""

    bits = 2048
    names: tuple[str, ...] = ()
    origin = "a token"

    def decrypt_oaep(self, *_: object, **__: object) -> Secret:
        raise KeyMaterialError("the token is gone")

    def decrypt_pkcs1(self, *_: object, **__: object) -> Secret:
        raise KeyMaterialError("the token is gone")
