"""The signature profile: XML Signature reduced to what a sessionless message needs, and nothing else.

Spec: OMA-TS-DM_Sessionless 5.2; docs/signature-profile.md.
"""

from smartcard_dm.xmlsec.algorithms import DigestAlgorithm, KeyFamily, SignatureAlgorithm
from smartcard_dm.xmlsec.document import CanonicalXml
from smartcard_dm.xmlsec.keys import TrustedKey
from smartcard_dm.xmlsec.policy import AlgorithmPolicy
from smartcard_dm.xmlsec.sign import sign_message
from smartcard_dm.xmlsec.signing_keys import PrivateSigningKey, SecretSigningKey, SigningKey

__all__ = [
    "AlgorithmPolicy",
    "CanonicalXml",
    "DigestAlgorithm",
    "KeyFamily",
    "PrivateSigningKey",
    "SecretSigningKey",
    "SignatureAlgorithm",
    "SigningKey",
    "TrustedKey",
    "sign_message",
]
