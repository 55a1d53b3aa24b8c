"""The device's RSA key in memory: what it loads, opens, and never says."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from smartcard_dm.errors import DecryptionError, KeyMaterialError
from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey
from tests import materials

PRIVATE = materials.rsa_private(number=1)
KEY = PrivateDecryptionKey(PRIVATE)
CONTENT_KEY = Secret(b"sixteen octets!!")
SUBSTITUTE = Secret(b"unpredictable 16")


def oaep(digest: DigestAlgorithm, mgf_digest: DigestAlgorithm, label: bytes | None = None) -> bytes:
    scheme = padding.OAEP(padding.MGF1(mgf_digest.make_hash()), digest.make_hash(), label)
    return PRIVATE.public_key().encrypt(CONTENT_KEY.reveal(), scheme)


def pkcs1(octets: bytes) -> bytes:
    return PRIVATE.public_key().encrypt(octets, padding.PKCS1v15())


@pytest.mark.parametrize("password", [None, Secret(b"a password")])
def test_a_pem_document_is_loaded(password: Secret | None) -> None:
    pem = materials.private_pem(PRIVATE, None if password is None else password.reveal())
    key = PrivateDecryptionKey.from_pem(pem, password, names=("d",), origin="the file")
    assert (key.bits, key.names, key.origin) == (2048, ("d",), "the file")
    assert repr(key) == "PrivateDecryptionKey(names=('d',), origin='the file')"


@pytest.mark.parametrize(
    ("pem", "password", "fault"),
    [
        (materials.private_pem(PRIVATE, b"right"), None, "needs a password"),
        (materials.private_pem(PRIVATE, b"right"), Secret(b"wrong"), "the password is wrong"),
        (materials.private_pem(PRIVATE), Secret(b"any"), "needs no password"),
        (materials.public_pem(PRIVATE), None, "not a PEM private key"),
        (b"", None, "not a PEM private key"),
        (materials.private_pem(materials.ec_private()), None, "only an RSA key"),
        (
            materials.private_pem(materials.rsa_private(1024)),
            None,
            "2048 bits or more, found 1024",
        ),
    ],
)
def test_what_is_no_such_key_is_refused(pem: bytes, password: Secret | None, fault: str) -> None:
    with pytest.raises(KeyMaterialError, match=fault) as caught:
        PrivateDecryptionKey.from_pem(pem, password)
    assert "wrong" not in str(caught.value).replace("the password is wrong", "")


@pytest.mark.parametrize(
    ("digest", "mgf_digest"),
    [
        (DigestAlgorithm.SHA256, DigestAlgorithm.SHA256),
        (DigestAlgorithm.SHA1, DigestAlgorithm.SHA1),
        (DigestAlgorithm.SHA512, DigestAlgorithm.SHA1),
    ],
)
def test_oaep_opens_with_its_digests_only(digest: DigestAlgorithm, mgf_digest: DigestAlgorithm) -> None:
    assert KEY.decrypt_oaep(oaep(digest, mgf_digest), digest=digest, mgf_digest=mgf_digest) == CONTENT_KEY
    with pytest.raises(DecryptionError, match=r"^the key does not open it$"):
        KEY.decrypt_oaep(oaep(digest, mgf_digest), digest=digest, mgf_digest=DigestAlgorithm.SHA384)


@pytest.mark.parametrize("ciphertext", [b"", b"\0", bytes(256), b"\xff" * 256, bytes(257)])
def test_what_oaep_does_not_open_has_one_error(ciphertext: bytes) -> None:
    for octets in (ciphertext, oaep(DigestAlgorithm.SHA256, DigestAlgorithm.SHA256, b"a label")):
        with pytest.raises(DecryptionError, match=r"^the key does not open it$") as caught:
            KEY.decrypt_oaep(octets, digest=DigestAlgorithm.SHA256, mgf_digest=DigestAlgorithm.SHA256)
        assert caught.value.__cause__ is None


def test_pkcs1_opens() -> None:
    assert KEY.decrypt_pkcs1(pkcs1(CONTENT_KEY.reveal()), substitute=SUBSTITUTE) == CONTENT_KEY


@pytest.mark.parametrize(
    "ciphertext",
    [b"", b"\xff" * 256, bytes(257), pkcs1(b"short"), pkcs1(b"seventeen octets!"), pkcs1(b"")],
    ids=["nothing", "ones", "longer", "short key", "long key", "no key"],
)
def test_pkcs1_that_does_not_open_gives_the_substitute(ciphertext: bytes) -> None:
    assert KEY.decrypt_pkcs1(ciphertext, substitute=SUBSTITUTE) == SUBSTITUTE


def test_pkcs1_with_wrong_padding_gives_no_error() -> None:
    # The library gives octets of some length instead of an error; of one length in 245 they have the wanted one.
    damaged = bytearray(pkcs1(CONTENT_KEY.reveal()))
    for index in range(0, 256, 16):
        damaged[index] ^= 1
        opened = KEY.decrypt_pkcs1(bytes(damaged), substitute=SUBSTITUTE)
        assert opened != CONTENT_KEY
        assert len(opened) == 16


def test_the_library_rejects_implicitly_itself() -> None:
    """It gives octets where the padding is wrong; the length then decides, which only a wanted length can pass."""
    below_every_modulus = (2).to_bytes(256)  # one above it is another fault, which the library does tell
    assert isinstance(PRIVATE.decrypt(below_every_modulus, padding.PKCS1v15()), bytes)


def test_a_number_above_the_modulus_opens_nothing() -> None:
    assert KEY.decrypt_pkcs1(b"\xff" * 256, substitute=SUBSTITUTE) == SUBSTITUTE
