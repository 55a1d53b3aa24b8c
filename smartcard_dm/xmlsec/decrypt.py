"""Opening the encrypted parts of one message: keys first, then content.

Guarantees: what does not open is refused by one rule that says nothing of the reason; keys come from the device and the
account, never from the message; a key is derived once, and what derivations cost is bounded for the whole message.
Leaves to its caller: that the message was verified before (nothing unauthenticated is ever opened), and what becomes
of the content.

Spec: XML Encryption 1.1, 4.4 and 5; docs/encryption-profile.md, 5 to 7 and 9.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import DecryptionError, KeyMaterialError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.ciphers import decrypt, unwrap_key
from smartcard_dm.xmlsec.encrypted_data import TransportedKey, WrappedKey
from smartcard_dm.xmlsec.encryption_algorithms import KeyTransport
from smartcard_dm.xmlsec.key_derivation import Pbkdf2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec.decryption_keys import DecryptionKey
    from smartcard_dm.xmlsec.encrypted_data import EncryptedData
    from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
    from smartcard_dm.xmlsec.key_derivation import KeyDerivation
    from smartcard_dm.xmlsec.keys import TrustedKey

_REJECTION_OCTETS: Final = 32


class Opener:
    """Opens the encrypted parts of one message with the keys of one device and one account.

    Args:
        device_key: the device's RSA key, if there is one.
        secrets: the account's shared secrets, keys of family HMAC.
        policy: the smallest RSA key; which algorithms are accepted was asked when the parts were read.
        limits: `pbkdf2_iterations` is held.
        random: returns as many unpredictable octets as it is asked for; used for rsa-1_5 only.
    """

    def __init__(
        self,
        *,
        device_key: DecryptionKey | None,
        secrets: Sequence[TrustedKey],
        policy: EncryptionPolicy,
        limits: Limits,
        random: Callable[[int], bytes],
    ) -> None:
        self._device_key = device_key
        self._secrets = secrets
        self._policy = policy
        self._most = self._left = limits.pbkdf2_iterations
        self._random = random
        self._derived: list[tuple[KeyDerivation, int, TrustedKey, Secret]] = []

    def open(self, encrypted: EncryptedData, place: str) -> tuple[bytes, str]:
        """Return the content of an encrypted part, and where the key was found that opened it.

        Args:
            encrypted: as it was read.
            place: XML path of the EncryptedData, for a refusal.

        Raises:
            VerificationError: `encryption.key-none`, `encryption.key-name`, `encryption.key-unusable`,
                `encryption.too-large`, or `encryption.failed`.
        """
        key = encrypted.key
        try:
            if isinstance(key, WrappedKey):
                content_key, origin = self._unwrap(key, f"{place}/KeyInfo/EncryptedKey")
            else:
                content_key, origin = self._transported(
                    key, encrypted.cipher.key_octets, f"{place}/KeyInfo/EncryptedKey"
                )
            return decrypt(encrypted.cipher, content_key, encrypted.ciphertext), origin
        except DecryptionError as error:
            raise failed(place) from error

    def _transported(self, key: TransportedKey, octets: int, place: str) -> tuple[Secret, str]:
        device_key = self._device_key
        if device_key is None:
            raise VerificationError(
                Rule.ENCRYPTION_KEY_NONE, "it is encrypted to a device key, and none was given", place=place
            )
        if key.key_name is not None and device_key.names and key.key_name not in device_key.names:
            raise VerificationError(
                Rule.ENCRYPTION_KEY_NAME, "the device key has another name than KeyName", place=f"{place}/KeyInfo"
            )
        if device_key.bits < self._policy.minimum_rsa_bits:
            raise VerificationError(
                Rule.ENCRYPTION_KEY_UNUSABLE,
                f"wanted an RSA key of {self._policy.minimum_rsa_bits} bits or more, found {device_key.bits}",
                place=place,
            )
        try:
            if key.method is KeyTransport.RSA_1_5:
                opened = device_key.decrypt_pkcs1(key.ciphertext, substitute=self._substitute(key, octets))
            else:
                opened = device_key.decrypt_oaep(key.ciphertext, digest=key.digest, mgf_digest=key.mgf_digest)
        except KeyMaterialError as error:
            raise VerificationError(Rule.ENCRYPTION_KEY_UNUSABLE, str(error), place=place) from error
        return opened, device_key.origin

    def _substitute(self, key: TransportedKey, octets: int) -> Secret:
        """Return the key to go on with when a padding is wrong, so that it shows no earlier than a wrong key does."""
        return Secret(hmac.digest(self._random(_REJECTION_OCTETS), key.ciphertext, "sha256")[:octets])

    def _unwrap(self, key: WrappedKey, place: str) -> tuple[Secret, str]:
        if not self._secrets:
            raise VerificationError(
                Rule.ENCRYPTION_KEY_NONE,
                "it is encrypted to a shared secret, and the account has none",
                place=place,
            )
        name = key.secret_name
        secrets = [secret for secret in self._secrets if name is None or name in secret.names]
        if not secrets:
            raise VerificationError(
                Rule.ENCRYPTION_KEY_NAME,
                "no shared secret of the account has the name in MasterKeyName",
                place=f"{place}/KeyInfo/DerivedKey/MasterKeyName",
            )
        for secret in secrets:
            wrapping = self._derive(key, secret, place)
            try:
                return unwrap_key(wrapping, key.ciphertext), secret.origin
            except DecryptionError:
                continue
        raise DecryptionError

    def _derive(self, key: WrappedKey, secret: TrustedKey, place: str) -> Secret:
        """Return a wrapping key; parts that share their parameters share the work."""
        octets = key.method.key_octets
        for derivation, length, source, derived in self._derived:
            if derivation == key.derivation and length == octets and source is secret:
                return derived
        if isinstance(key.derivation, Pbkdf2):
            self._left -= key.derivation.iterations
            if self._left < 0:
                raise VerificationError(
                    Rule.ENCRYPTION_TOO_LARGE,
                    f"wanted at most {self._most} iterations of PBKDF2 in one message",
                    place=place,
                )
        assert isinstance(secret.key, Secret)  # noqa: S101 - what a key of family HMAC is
        derived = key.derivation.derive(secret.key, octets)
        self._derived.append((key.derivation, octets, secret, derived))
        return derived


def failed(place: str) -> VerificationError:
    """Return the one refusal of what does not open: it never says why."""
    return VerificationError(Rule.ENCRYPTION_FAILED, "it does not open with the key it is for", place=place)
