"""Key derivation against vectors of others: the W3C's interoperability note for XML Encryption 1.1, hashlib.

The note (DRV.1 and DRV.2, tried by IBM and Microsoft) names the secrets; the files are its
dkey-example-ConcatKDF-crypto and dkey-example-PBKDF2-crypto: one plaintext, AES-256-CBC under the derived key.
"""

from __future__ import annotations

import base64
import hashlib

import pytest

from smartcard_dm.secret import Secret
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.ciphers import decrypt
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, Prf
from smartcard_dm.xmlsec.key_derivation import ConcatKdf, KeyDerivation, Pbkdf2

CONCAT_SECRET = bytes.fromhex("0001020304050607 1011121314151617 2021222324252627 3031323334353637")
CONCAT_PARAMETERS = [bytes.fromhex(text) for text in ("123456789ABCDEF0", "414C494345313233", "424F424259343536")]
CONCAT_TEXT = """
Hoc86jjd8cj+IlJxpg+r83uGh8X3wv81zu0I2lqv32Ql5YqUnJKruumozLgQZPnYb6lwMBQ1yeBkdNsmeCwkYVBN5fpqctcJxHjnQvYS3MXu
Vl8Nx7rmBjmUKPiH4xSIJFdfAKA8703LTDl0rFnubqqukoZYj3WPxxcIZY9fjMmdiW+VKiV9yh2duC6LMr3f9PAow2jrN3iU5jhf+HGzNBJe
8pm9ilWEHeWXGLoodZxWr2Qda/xWqiri7o/NO6uRMFntS37i0vqMq7lMtiRDlrDWMC00C0bIMpIqS04WxprjDUKlHk3jwqPuIFruP05wUHj9
CW2xiWOQNiLbQwcEpZesDMjLn4TAS6zLlsocN439zPAOpRLR6VLCCqoDlb5WGkhdFYqhs5f5HjibLra/OKNivmsrFq9eye9SB0WvEIgg1vuJ
+sjXj/OM5fQxb/bk"""
PBKDF2_TEXT = """
Hoc86jjd8cj+IlJxpg+r8xrqhDcPZrqGSD33OmFWqF8HFcXzmQGor1Bi23wKL90xiAACK7C20TBqzL9/A3r47wmi0pr9GV9uu6gtU9UhM+ME
ItfeBJHykaTVTCrpQ+PbaJQ//105jnXUbzPZCJimJhEH2T6tbHZCJ7bVmzlfY2fZlo6DucrmlAbNBS6m22o+0+OFNuCznapCS1wOTVH0D6qk
znDG7BEx3F9JkzELhaBpoX2tlB5IbyO78Cfi/QM7FcVkrGQ+/fGyFpb1pmx/vNo1PgcFjsSIVAcszMNDHxA9k6PpvBequlaiJEIodcu1w/V8
fvGQWKq9ZneNMw8qMyOQVaCBJvBgOFEi6rB+FTkneVjbd2tSj1k3UnufcVFn0nhQlQ2NWqUoB7Ql2vpNhD6VvSmPV1+2j3pnPgLEefmIEO0C
aQH7zvqk6xT+aZfW"""


@pytest.mark.parametrize(
    ("derivation", "secret", "text"),
    [
        (ConcatKdf(DigestAlgorithm.SHA256, *CONCAT_PARAMETERS), CONCAT_SECRET, CONCAT_TEXT),
        (Pbkdf2(Prf.HMAC_SHA256, b"SALTSALT", 1024), b"PASSWORD", PBKDF2_TEXT),
    ],
    ids=["DRV.1 ConcatKDF", "DRV.2 PBKDF2"],
)
def test_the_vectors_of_the_interoperability_note_open(derivation: KeyDerivation, secret: bytes, text: str) -> None:
    key = derivation.derive(Secret(secret), 32)
    opened = decrypt(BlockCipher.AES256_CBC, key, base64.b64decode(text))
    pattern = bytes.fromhex("04080102030405060708")
    assert opened == (pattern * (len(opened) // len(pattern) + 1))[: len(opened)]
    assert len(opened) > 300


@pytest.mark.parametrize("prf", Prf)
@pytest.mark.parametrize("octets", [16, 32])
def test_pbkdf2_is_that_of_hashlib(prf: Prf, octets: int) -> None:
    name = prf.digest.identifier
    derived = Pbkdf2(prf, b"salt of 16 octet", 1234).derive(Secret(b"a secret"), octets)
    assert derived.reveal() == hashlib.pbkdf2_hmac(name, b"a secret", b"salt of 16 octet", 1234, octets)


@pytest.mark.parametrize("digest", [DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512])
def test_concat_kdf_is_one_digest_of_counter_secret_and_other_info(digest: DigestAlgorithm) -> None:
    derivation = ConcatKdf(digest, b"algorithm", b"u", b"v", b"public", b"private")
    wanted = hashlib.new(digest.identifier, b"\0\0\0\1" + b"a secret" + b"algorithmuvpublicprivate").digest()[:32]
    assert derivation.derive(Secret(b"a secret"), 32).reveal() == wanted


def test_what_is_derived_is_a_secret() -> None:
    assert repr(Pbkdf2(Prf.HMAC_SHA256, b"saltsalt", 1000).derive(Secret(b"x"), 16)) == "Secret(redacted)"
