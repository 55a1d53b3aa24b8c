from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from smartcard_dm.errors import DecryptionError, KeyMaterialError, TokenError
from smartcard_dm.secret import Secret
from smartcard_dm.tokens import TokenDecryptionKey
from smartcard_dm.xmlsec import DigestAlgorithm
from tests.tokens.lab import PIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.xmlsec.decryption_keys import DecryptionKey
    from tests.tokens.lab import TokenLab

SESSION_KEY = bytes(range(32))
SUBSTITUTE = Secret(b"s" * 32)
SHA1 = DigestAlgorithm.SHA1


@pytest.fixture
def key(tokens: TokenLab) -> Iterator[DecryptionKey]:
    with TokenDecryptionKey.open(tokens.uri("rsa-2048"), PIN) as opened:
        yield opened


def transported(tokens: TokenLab, label: str, how: padding.AsymmetricPadding) -> bytes:
    public = tokens.public_key(label)
    assert isinstance(public, rsa.RSAPublicKey)
    return public.encrypt(SESSION_KEY, how)


def oaep(digest: DigestAlgorithm, mask: DigestAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(mask.make_hash()), digest.make_hash(), label=None)


@pytest.mark.parametrize("label", ["rsa-2048", "rsa-3072", "for decryption", "asks each time"])
def test_a_token_opens_what_was_transported_with_oaep(tokens: TokenLab, label: str) -> None:
    with TokenDecryptionKey.open(tokens.uri(label), PIN, names=("device",)) as key:
        ciphertext = transported(tokens, label, oaep(SHA1, SHA1))
        assert key.decrypt_oaep(ciphertext, digest=SHA1, mgf_digest=SHA1) == Secret(SESSION_KEY)
        assert key.bits == 8 * len(ciphertext)
        assert key.names == ("device",)
        assert label in key.origin


@pytest.mark.parametrize("spoilt", ["first", "last", "short", "long", "empty", "zero", "larger than the modulus"])
def test_what_does_not_open_gives_one_error(tokens: TokenLab, key: DecryptionKey, spoilt: str) -> None:
    good = transported(tokens, "rsa-2048", oaep(SHA1, SHA1))
    ciphertext = {
        "first": bytes([good[0] ^ 1]) + good[1:],
        "last": good[:-1] + bytes([good[-1] ^ 1]),
        "short": good[1:],
        "long": b"\0" + good,
        "empty": b"",
        "zero": bytes(256),
        "larger than the modulus": b"\xff" * 256,
    }[spoilt]
    with pytest.raises(DecryptionError) as caught:
        key.decrypt_oaep(ciphertext, digest=SHA1, mgf_digest=SHA1)
    assert str(caught.value) == "the key does not open it"
    assert key.decrypt_oaep(good, digest=SHA1, mgf_digest=SHA1) == Secret(SESSION_KEY)


def test_a_token_that_cannot_do_a_hash_says_so(tokens: TokenLab, key: DecryptionKey) -> None:
    sha256 = DigestAlgorithm.SHA256
    for digest, mask in ((sha256, sha256), (sha256, SHA1)):
        ciphertext = transported(tokens, "rsa-2048", oaep(digest, mask))
        with pytest.raises(TokenError, match="the token cannot do this"):
            key.decrypt_oaep(ciphertext, digest=digest, mgf_digest=mask)


def test_the_hashes_asked_for_go_to_the_token(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tokens.folder / "oaep.calls"
    monkeypatch.setenv("MODULE_CALLS", str(calls))
    pairs = [(SHA1, SHA1), (DigestAlgorithm.SHA256, DigestAlgorithm.SHA256), (DigestAlgorithm.SHA512, SHA1)]
    with TokenDecryptionKey.open(tokens.uri("rsa-2048", module=tokens.faulty), PIN) as key:
        for digest, mask in pairs:
            with pytest.raises((DecryptionError, TokenError)):
                key.decrypt_oaep(bytes(256), digest=digest, mgf_digest=mask)
    # CKM_RSA_PKCS_OAEP; hash, MGF1, CKZ_DATA_SPECIFIED (PKCS #11 2.40, 2.1.7)
    lines = [line for line in calls.read_text().splitlines() if line.startswith("C_DecryptInit")]
    assert lines == ["C_DecryptInit 9 220 1 1", "C_DecryptInit 9 250 2 1", "C_DecryptInit 9 270 1 1"]


def test_a_token_opens_the_legacy_form_or_the_substitute_stands_in(tokens: TokenLab, key: DecryptionKey) -> None:
    good = transported(tokens, "rsa-2048", padding.PKCS1v15())
    assert key.decrypt_pkcs1(good, substitute=SUBSTITUTE) == Secret(SESSION_KEY)
    for spoilt in (good[:-1] + bytes([good[-1] ^ 1]), bytes(256), b"\xff" * 256, good[1:], b"", b"\0" + good):
        assert key.decrypt_pkcs1(spoilt, substitute=SUBSTITUTE) == SUBSTITUTE
    assert key.decrypt_pkcs1(good, substitute=Secret(bytes(16))) == Secret(bytes(16))


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("p-256", "only an RSA key opens a transported key, this one is ec"),
        ("ed25519", "only an RSA key"),
        ("rsa-1024", "wanted an RSA key of 2048 bits or more, found 1024"),
        ("for signing", "does not let it decrypt"),
    ],
)
def test_a_key_that_cannot_open_is_refused_when_it_is_opened(tokens: TokenLab, label: str, told: str) -> None:
    with pytest.raises(KeyMaterialError, match=told):
        TokenDecryptionKey.open(tokens.uri(label), PIN)


def test_a_token_that_left_is_no_wrong_ciphertext(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    with TokenDecryptionKey.open(tokens.uri("rsa-2048", module=tokens.faulty), PIN) as key:
        monkeypatch.setenv("MODULE_FAULTS", "C_Decrypt=32")  # CKR_DEVICE_REMOVED
        with pytest.raises(TokenError, match="was removed"):
            key.decrypt_oaep(bytes(256), digest=SHA1, mgf_digest=SHA1)
        monkeypatch.delenv("MODULE_FAULTS")
        with pytest.raises(TokenError, match="was removed"):
            key.decrypt_pkcs1(bytes(256), substitute=SUBSTITUTE)
