"""The signature and the encryption profile: what a sessionless message needs of XML Signature and XML Encryption.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md; docs/encryption-profile.md. Modules that encrypt and decrypt
are imported by name, so that what only verifies does not load them.
"""

from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, KeyFamily, SignatureAlgorithm
from smartcard_dm.xmlsec.document import CanonicalXml
from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
from smartcard_dm.xmlsec.keys import TrustedKey
from smartcard_dm.xmlsec.policy import AlgorithmPolicy
from smartcard_dm.xmlsec.sign import sign_message
from smartcard_dm.xmlsec.signing_keys import PrivateSigningKey, SecretSigningKey, SigningKey

__all__ = [
    "AlgorithmPolicy",
    "CanonicalXml",
    "DigestAlgorithm",
    "EncryptionPolicy",
    "KeyFamily",
    "PrivateSigningKey",
    "SecretSigningKey",
    "SignatureAlgorithm",
    "SigningKey",
    "TrustedKey",
    "sign_message",
]
