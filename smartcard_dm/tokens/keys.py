"""Signing and decryption keys on a token, as the protocols of `xmlsec` want them.

Guarantees: the private value never leaves the token, and only digests (whole octets for Ed25519) go to it; a key that
no client would accept is refused when it is opened. One session serves any number of messages. A token that was
removed gives one `KeyMaterialError` for each use from then on; opening the key again is the only way back.
Leaves to its caller: where the PIN comes from, and closing. A key serves one process; each opens its own.

Spec: RFC 8017, 8.1 and 8.2 (signatures), 7.1 and 7.2 (encryption), 9.2 (DigestInfo); FIPS 186-5, 6.4 (truncation).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from smartcard_dm.errors import DecryptionError, KeyMaterialError
from smartcard_dm.tokens.cryptoki import open_token
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, KeyFamily, Scheme, SignatureAlgorithm
from smartcard_dm.xmlsec.policy import MINIMUM_RSA_BITS
from smartcard_dm.xmlsec.signing_keys import DEFAULT_BY_CURVE, check_family

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from smartcard_dm.secret import Secret
    from smartcard_dm.tokens.cryptoki import TokenKey
    from smartcard_dm.tokens.uri import TokenUri

_DIGEST_INFO: Final = {
    DigestAlgorithm.SHA1: bytes.fromhex("3021300906052b0e03021a05000414"),
    DigestAlgorithm.SHA256: bytes.fromhex("3031300d060960864801650304020105000420"),
    DigestAlgorithm.SHA384: bytes.fromhex("3041300d060960864801650304020205000430"),
    DigestAlgorithm.SHA512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before the digest in a DigestInfo. Spec: RFC 8017, 9.2, note 1."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenSigningKey:
    """An RSA, EC or Ed25519 private key on a token; build it with `open`."""

    key: TokenKey = field(repr=False)

    @classmethod
    def open(cls, uri: TokenUri, pin: Secret | None, *, use_last_try: bool = False) -> Self:
        """Return the one private key a URI names.

        Args:
            uri: names the module, the token and the key.
            pin: the token's user PIN, presented once; None presents none.
            use_last_try: whether it is presented even when a wrong one would lock the token.

        Raises:
            KeyMaterialError: the module, the token or the key is not there, or several are; the PIN is wrong or
                locked; the key may not sign, or no client would accept it.
        """
        key = _open(uri, pin, _check_signing, use_last_try=use_last_try)
        return cls(key)

    @property
    def label(self) -> str:
        """CKA_LABEL of the key."""
        return self.key.label

    @property
    def family(self) -> KeyFamily:
        """RSA, EC or Ed25519."""
        return self.key.family

    @property
    def default_algorithm(self) -> SignatureAlgorithm:
        """RSA-SHA-256; ECDSA with the hash of the curve's strength; Ed25519."""
        if self.key.curve is not None:
            return DEFAULT_BY_CURVE[self.key.curve]
        return SignatureAlgorithm.RSA_SHA256 if self.family is KeyFamily.RSA else SignatureAlgorithm.EDDSA_ED25519

    def sign(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        """Return the signature value of `octets`.

        Raises:
            KeyMaterialError: the algorithm is of another family, the token cannot do it, or the token is gone.
        """
        check_family(self.family, algorithm)
        wanted = (self.key.bits + 7) // 8 * (1 if self.family is KeyFamily.RSA else 2)
        value = self._value(algorithm, octets)
        if len(value) != wanted:
            raise KeyMaterialError(f"{self.key.name}: the token gave a signature of {len(value)} octets, not {wanted}")
        return value

    def _value(self, algorithm: SignatureAlgorithm, octets: bytes) -> bytes:
        if algorithm.scheme is Scheme.EDDSA:
            return self.key.sign_eddsa(octets)
        digest = algorithm.hash_algorithm.digest(octets)
        if algorithm.scheme is Scheme.ECDSA:
            # The leftmost bits count; some tokens refuse a digest longer than the curve's order.
            return self.key.sign_ecdsa(digest[: (self.key.bits + 7) // 8])
        if algorithm.scheme is Scheme.RSA_PSS:
            return self.key.sign_pss(digest, algorithm.hash_algorithm)
        return self.key.sign_pkcs1(_DIGEST_INFO[algorithm.hash_algorithm] + digest)

    def close(self) -> None:
        """Give the token up; the last key of a token logs out. Nothing is signed afterwards."""
        self.key.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, eq=False)
class TokenDecryptionKey:
    """An RSA private key on a token that opens the keys transported to a device; build it with `open`."""

    key: TokenKey = field(repr=False)
    names: tuple[str, ...] = ()
    """What a KeyName may call it; empty means that any KeyName is taken for it."""

    @classmethod
    def open(
        cls, uri: TokenUri, pin: Secret | None, *, names: tuple[str, ...] = (), use_last_try: bool = False
    ) -> Self:
        """Return the one private key a URI names.

        Raises:
            KeyMaterialError: as `TokenSigningKey.open`; the key may not decrypt, or is not RSA.
        """
        key = _open(uri, pin, _check_decrypting, use_last_try=use_last_try)
        return cls(key, names)

    @property
    def bits(self) -> int:
        """Size of the modulus in bits."""
        return self.key.bits

    @property
    def origin(self) -> str:
        """Where it was found, in words for a verdict."""
        return self.key.name

    def decrypt_oaep(self, ciphertext: bytes, *, digest: DigestAlgorithm, mgf_digest: DigestAlgorithm) -> Secret:
        """Return what was transported with RSAES-OAEP, its label empty."""
        if len(ciphertext) != self._octets:
            raise DecryptionError
        return self.key.decrypt_oaep(ciphertext, digest, mgf_digest)

    def decrypt_pkcs1(self, ciphertext: bytes, *, substitute: Secret) -> Secret:
        """Return what was transported with RSAES-PKCS1-v1_5, or `substitute` when that is not as long.

        The token looks at the padding; how evenly it does so in time is the token's.
        """
        if len(ciphertext) != self._octets:
            return substitute
        try:
            opened = self.key.decrypt_pkcs1(ciphertext)
        except DecryptionError:
            opened = substitute
        return (substitute, opened)[len(opened) == len(substitute)]

    def close(self) -> None:
        """Give the token up; the last key of a token logs out. Nothing is opened afterwards."""
        self.key.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _octets(self) -> int:
        return (self.key.bits + 7) // 8


def _open(uri: TokenUri, pin: Secret | None, check: Callable[[TokenKey], None], *, use_last_try: bool) -> TokenKey:
    token = open_token(uri, pin, use_last_try=use_last_try)
    try:
        key = token.find(uri)
        check(key)
    except BaseException:
        token.release()
        raise
    return key


def _check_signing(key: TokenKey) -> None:
    if not key.signs:
        raise KeyMaterialError(f"{key.name}: the token does not let it sign (CKA_SIGN)")
    if key.family is KeyFamily.RSA and key.bits < MINIMUM_RSA_BITS:
        raise KeyMaterialError(
            f"{key.name}: RSA key of {key.bits} bits: no client would accept it, use {MINIMUM_RSA_BITS} or more"
        )


def _check_decrypting(key: TokenKey) -> None:
    if key.family is not KeyFamily.RSA:
        raise KeyMaterialError(f"{key.name}: only an RSA key opens a transported key, this one is {key.family.value}")
    if key.bits < MINIMUM_RSA_BITS:
        raise KeyMaterialError(f"{key.name}: wanted an RSA key of {MINIMUM_RSA_BITS} bits or more, found {key.bits}")
    if not key.decrypts:
        raise KeyMaterialError(f"{key.name}: the token does not let it decrypt (CKA_DECRYPT)")
