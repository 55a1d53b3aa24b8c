"""The EncryptedData of the profile, written in one form.

Guarantees: what is written is canonical, has no prefix (a prefix has no WBXML form), and is what the reader takes.

Spec: docs/encryption-profile.md, 3.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, assert_never
from xml.sax.saxutils import escape

from smartcard_dm.xmlsec.algorithms import XMLDSIG, XMLENC, DigestAlgorithm
from smartcard_dm.xmlsec.encrypted_data import TransportedKey, WrappedKey
from smartcard_dm.xmlsec.encryption_algorithms import CONCAT_KDF, MGF_URI, PBKDF2, XMLENC11, KeyTransport
from smartcard_dm.xmlsec.key_derivation import ConcatKdf, Pbkdf2

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.encrypted_data import EncryptedData
    from smartcard_dm.xmlsec.key_derivation import KeyDerivation


def write_encrypted_data(encrypted: EncryptedData) -> bytes:
    """Return the canonical octets of an EncryptedData."""
    return (
        f'<EncryptedData xmlns="{XMLENC}" Type="{encrypted.type.value}">'
        f'<EncryptionMethod Algorithm="{encrypted.cipher.uri}"></EncryptionMethod>'
        f'<KeyInfo xmlns="{XMLDSIG}"><EncryptedKey xmlns="{XMLENC}">'
        f"{_key(encrypted.key)}{_cipher_data(encrypted.key.ciphertext)}"
        "</EncryptedKey></KeyInfo>"
        f"{_cipher_data(encrypted.ciphertext)}</EncryptedData>"
    ).encode()


def _key(key: TransportedKey | WrappedKey) -> str:
    start = f'<EncryptionMethod Algorithm="{key.method.uri}">'
    if isinstance(key, WrappedKey):
        name = "" if key.secret_name is None else f"<MasterKeyName>{_text(key.secret_name)}</MasterKeyName>"
        return (
            f'{start}</EncryptionMethod><KeyInfo xmlns="{XMLDSIG}"><DerivedKey xmlns="{XMLENC11}">'
            f"{_derivation(key)}{name}</DerivedKey></KeyInfo>"
        )
    inside = ""
    if key.method is KeyTransport.RSA_OAEP:
        mgf = f'<MGF xmlns="{XMLENC11}" Algorithm="{MGF_URI[key.mgf_digest]}"></MGF>'
        inside = f"{_digest_method(key.digest)}{mgf}"
    elif key.method is KeyTransport.RSA_OAEP_MGF1P and key.digest is not DigestAlgorithm.SHA1:
        inside = _digest_method(key.digest)
    name = (
        "" if key.key_name is None else f'<KeyInfo xmlns="{XMLDSIG}"><KeyName>{_text(key.key_name)}</KeyName></KeyInfo>'
    )
    return f"{start}{inside}</EncryptionMethod>{name}"


def _derivation(key: WrappedKey) -> str:
    derivation: KeyDerivation = key.derivation
    match derivation:
        case ConcatKdf():
            values = {
                "AlgorithmID": derivation.algorithm_id,
                "PartyUInfo": derivation.party_u_info,
                "PartyVInfo": derivation.party_v_info,
                "SuppPrivInfo": derivation.supp_priv_info,
                "SuppPubInfo": derivation.supp_pub_info,
            }
            attributes = "".join(f' {name}="00{octets.hex().upper()}"' for name, octets in values.items() if octets)
            uri, params = (
                CONCAT_KDF,
                (f"<ConcatKDFParams{attributes}>{_digest_method(derivation.digest)}</ConcatKDFParams>"),
            )
        case Pbkdf2():
            uri, params = (
                PBKDF2,
                (
                    f"<PBKDF2-params><Salt><Specified>{_base64(derivation.salt)}</Specified></Salt>"
                    f"<IterationCount>{derivation.iterations}</IterationCount>"
                    f"<KeyLength>{key.method.key_octets}</KeyLength>"
                    f'<PRF Algorithm="{derivation.prf.uri}"></PRF></PBKDF2-params>'
                ),
            )
        case _:
            assert_never(derivation)
    return f'<KeyDerivationMethod Algorithm="{uri}">{params}</KeyDerivationMethod>'


def _digest_method(digest: DigestAlgorithm) -> str:
    return f'<DigestMethod xmlns="{XMLDSIG}" Algorithm="{digest.uri}"></DigestMethod>'


def _cipher_data(octets: bytes) -> str:
    return f"<CipherData><CipherValue>{_base64(octets)}</CipherValue></CipherData>"


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _text(text: str) -> str:
    return escape(text, {"\r": "&#xD;"})
