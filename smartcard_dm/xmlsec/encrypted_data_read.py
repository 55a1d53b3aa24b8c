"""The EncryptedData of the profile, read strictly.

Guarantees: content models are held exactly, order included; algorithms are those of the policy; every value is bounded
before it is decoded. Nothing is opened here. Leaves to its caller: where the element may stand.

Spec: docs/encryption-profile.md, 3 to 6 and 9; XML Encryption 1.1, 3 and 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import DIGEST_BY_URI, XMLDSIG, XMLENC, DigestAlgorithm
from smartcard_dm.xmlsec.element_form import XML_SPACE, ElementForm, clark
from smartcard_dm.xmlsec.encrypted_data import EncryptedData, TransportedKey, WrappedKey
from smartcard_dm.xmlsec.encryption_algorithms import (
    BLOCK_BY_URI,
    CONCAT_KDF,
    MGF_URI,
    PBKDF2,
    PRF_BY_URI,
    TRANSPORT_BY_URI,
    WRAP_BY_URI,
    XMLENC11,
    EncryptedType,
    KeyTransport,
)
from smartcard_dm.xmlsec.key_derivation import ConcatKdf, Pbkdf2

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from lxml import etree

    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec.encryption_algorithms import KeyWrap
    from smartcard_dm.xmlsec.encryption_policy import EncryptionPolicy
    from smartcard_dm.xmlsec.key_derivation import KeyDerivation

_FORM: Final = ElementForm(Rule.ENCRYPTION_FORM)
_METHOD: Final = clark(XMLENC, "EncryptionMethod")
_CIPHER_DATA: Final = clark(XMLENC, "CipherData")
_CIPHER_VALUE: Final = clark(XMLENC, "CipherValue")
_ENCRYPTED_KEY: Final = clark(XMLENC, "EncryptedKey")
_KEY_INFO: Final = clark(XMLDSIG, "KeyInfo")
_KEY_NAME: Final = clark(XMLDSIG, "KeyName")
_DIGEST_METHOD: Final = clark(XMLDSIG, "DigestMethod")
_MGF: Final = clark(XMLENC11, "MGF")
_DERIVED_KEY: Final = clark(XMLENC11, "DerivedKey")
_DERIVATION: Final = clark(XMLENC11, "KeyDerivationMethod")
_MASTER_KEY_NAME: Final = clark(XMLENC11, "MasterKeyName")
_CONCAT_PARAMS: Final = clark(XMLENC11, "ConcatKDFParams")
_PBKDF2_PARAMS: Final = tuple(clark(XMLENC11, name) for name in ("Salt", "IterationCount", "KeyLength", "PRF"))
_OTHER_INFO: Final = ("AlgorithmID", "PartyUInfo", "PartyVInfo", "SuppPubInfo", "SuppPrivInfo")
_DECIMAL: Final = re.compile(r"[1-9][0-9]{0,9}")
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})*")
"""hexBinary in its canonical spelling (XML Schema 1.0, part 2, 3.2.15.2): no second spelling of one value."""
_ANY_DIGEST: Final = frozenset(DigestAlgorithm)
_SHA2: Final = _ANY_DIGEST - {DigestAlgorithm.SHA1}
MINIMUM_ITERATIONS: Final = 1000
"""Of PBKDF2 (RFC 8018, 4.2)."""
MINIMUM_SALT: Final = 8
"""Octets of a salt of PBKDF2 (RFC 8018, 4.1)."""


class _Identified(Protocol):
    @property
    def uri(self) -> str: ...


_Method = TypeVar("_Method", bound=_Identified)


def read_encrypted_data(element: etree._Element, place: str, policy: EncryptionPolicy, limits: Limits) -> EncryptedData:
    """Return what an EncryptedData says, or refuse it (verification step 11).

    Args:
        element: from the verified octets.
        place: XML path of the element, for a refusal.
        policy: which algorithms are accepted.
        limits: `xml_octets` and `encrypted_key_octets` are held.

    Raises:
        VerificationError: `encryption.form`, `encryption.method` or `encryption.too-large`.
    """
    return _Reader(policy, limits).encrypted_data(element, place)


@dataclass(frozen=True, slots=True)
class _Reader:
    policy: EncryptionPolicy
    limits: Limits

    def encrypted_data(self, element: etree._Element, place: str) -> EncryptedData:
        (type_uri,) = _FORM.attributes(element, place, "Type")
        type_ = next((each for each in EncryptedType if each.value == type_uri), None)
        if type_ is None:
            raise VerificationError(
                Rule.ENCRYPTION_FORM, f"wanted the Type #Element or #Content, found {type_uri:.100}", place=place
            )
        method, key_info, data = _FORM.exactly(element, place, _METHOD, _KEY_INFO, _CIPHER_DATA)
        method_place = f"{place}/EncryptionMethod"
        cipher = self._known(
            BLOCK_BY_URI, _FORM.algorithm(method, method_place), self.policy.ciphers, f"{method_place}"
        )
        key_place = f"{place}/KeyInfo/EncryptedKey"
        _FORM.attributes(key_info, f"{place}/KeyInfo")
        (encrypted_key,) = _FORM.exactly(key_info, f"{place}/KeyInfo", _ENCRYPTED_KEY)
        key = self._encrypted_key(encrypted_key, key_place)
        return EncryptedData(type_, cipher, key, self._cipher_value(data, place, self.limits.xml_octets))

    def _encrypted_key(self, element: etree._Element, place: str) -> TransportedKey | WrappedKey:
        _FORM.attributes(element, place)
        children = _FORM.children(element, place, _METHOD, _KEY_INFO, _CIPHER_DATA, maybe=frozenset({_KEY_INFO}))
        method, key_info = children[_METHOD], children.get(_KEY_INFO)
        ciphertext = self._cipher_value(children[_CIPHER_DATA], place, self.limits.encrypted_key_octets)
        method_place = f"{place}/EncryptionMethod"
        (uri,) = _FORM.attributes(method, method_place, "Algorithm")
        info_place = f"{place}/KeyInfo"
        if uri in WRAP_BY_URI:
            wrap = self._known(WRAP_BY_URI, uri, self.policy.wraps, method_place)
            _FORM.exactly(method, method_place)
            if key_info is None:
                raise VerificationError(Rule.ENCRYPTION_FORM, "wanted a KeyInfo with a DerivedKey", place=place)
            _FORM.attributes(key_info, info_place)
            (derived,) = _FORM.exactly(key_info, info_place, _DERIVED_KEY)
            derivation, name = self._derived_key(derived, f"{info_place}/DerivedKey", wrap)
            return WrappedKey(wrap, derivation, name, ciphertext)
        transport = self._known(TRANSPORT_BY_URI, uri, self.policy.transports, method_place)
        digest, mgf_digest = self._oaep(method, method_place, transport)
        key_name = None
        if key_info is not None:
            _FORM.attributes(key_info, info_place)
            (name_element,) = _FORM.exactly(key_info, info_place, _KEY_NAME)
            key_name = _FORM.text(name_element, f"{info_place}/KeyName").strip(XML_SPACE)
        return TransportedKey(transport, digest, mgf_digest, key_name, ciphertext)

    def _oaep(
        self, method: etree._Element, place: str, transport: KeyTransport
    ) -> tuple[DigestAlgorithm, DigestAlgorithm]:
        if transport is KeyTransport.RSA_1_5:
            _FORM.exactly(method, place)
            return DigestAlgorithm.SHA1, DigestAlgorithm.SHA1
        if transport is KeyTransport.RSA_OAEP_MGF1P:
            named = _FORM.children(method, place, _DIGEST_METHOD, maybe=frozenset({_DIGEST_METHOD}))
            if not named:
                return DigestAlgorithm.SHA1, DigestAlgorithm.SHA1
            return self._digest(named[_DIGEST_METHOD], place, _ANY_DIGEST), DigestAlgorithm.SHA1
        digest_element, mgf = _FORM.exactly(method, place, _DIGEST_METHOD, _MGF)
        digest = self._digest(digest_element, place, {DigestAlgorithm.SHA256})
        mgf_uri = _FORM.algorithm(mgf, f"{place}/MGF")
        if mgf_uri != MGF_URI[digest]:
            raise VerificationError(
                Rule.ENCRYPTION_METHOD, f"wanted {MGF_URI[digest]}, found {mgf_uri:.100}", place=f"{place}/MGF"
            )
        return digest, digest

    def _derived_key(self, element: etree._Element, place: str, wrap: KeyWrap) -> tuple[KeyDerivation, str | None]:
        _FORM.attributes(element, place)
        children = _FORM.children(element, place, _DERIVATION, _MASTER_KEY_NAME, maybe=frozenset({_MASTER_KEY_NAME}))
        method, name = children[_DERIVATION], children.get(_MASTER_KEY_NAME)
        secret_name = None if name is None else _FORM.text(name, f"{place}/MasterKeyName").strip(XML_SPACE)
        method_place = f"{place}/KeyDerivationMethod"
        (uri,) = _FORM.attributes(method, method_place, "Algorithm")
        if uri == CONCAT_KDF:
            (params,) = _FORM.exactly(method, method_place, _CONCAT_PARAMS)
            return self._concat_kdf(params, f"{method_place}/ConcatKDFParams"), secret_name
        if uri == PBKDF2:
            (params,) = _FORM.exactly(method, method_place, clark(XMLENC11, "PBKDF2-params"))
            return self._pbkdf2(params, f"{method_place}/PBKDF2-params", wrap), secret_name
        raise self._not_allowed(uri, method_place)

    def _concat_kdf(self, element: etree._Element, place: str) -> ConcatKdf:
        present = [name for name in _OTHER_INFO if name in element.attrib]
        _FORM.attributes(element, place, *present)
        (digest,) = _FORM.exactly(element, place, _DIGEST_METHOD)
        values = [self._whole_octets(element.get(name, ""), f"{place}/@{name}") for name in _OTHER_INFO]
        return ConcatKdf(self._digest(digest, place, _SHA2), *values)

    def _whole_octets(self, text: str, place: str) -> bytes:
        """Read a bit string: hexadecimal, its first octet the number of bits that were padded."""
        if len(text) > 2 * (self.limits.encrypted_key_octets + 1):
            most = self.limits.encrypted_key_octets
            raise VerificationError(Rule.ENCRYPTION_TOO_LARGE, f"wanted at most {most} octets", place=place)
        octets = bytes.fromhex(text) if _HEX.fullmatch(text) else b"\xff"
        if octets[:1] not in (b"", b"\x00"):
            raise VerificationError(
                Rule.ENCRYPTION_FORM, "wanted hexadecimal whole octets behind a first octet 00", place=place
            )
        return octets[1:]

    def _pbkdf2(self, element: etree._Element, place: str, wrap: KeyWrap) -> Pbkdf2:
        _FORM.attributes(element, place)
        salt, count, length, prf = _FORM.exactly(element, place, *_PBKDF2_PARAMS)
        _FORM.attributes(salt, f"{place}/Salt")
        (specified,) = _FORM.exactly(salt, f"{place}/Salt", clark(XMLENC11, "Specified"))
        salt_place = f"{place}/Salt/Specified"
        salt_octets = _FORM.base64(specified, salt_place, self.limits.encrypted_key_octets, Rule.ENCRYPTION_TOO_LARGE)
        iterations = self._number(count, f"{place}/IterationCount")
        if iterations > self.limits.pbkdf2_iterations:
            raise VerificationError(
                Rule.ENCRYPTION_TOO_LARGE,
                f"wanted at most {self.limits.pbkdf2_iterations} iterations, found {iterations}",
                place=f"{place}/IterationCount",
            )
        if len(salt_octets) < MINIMUM_SALT or iterations < MINIMUM_ITERATIONS:
            raise VerificationError(
                Rule.ENCRYPTION_METHOD,
                f"wanted a salt of {MINIMUM_SALT} octets and {MINIMUM_ITERATIONS} iterations or more, "
                f"found {len(salt_octets)} and {iterations}",
                place=place,
            )
        if self._number(length, f"{place}/KeyLength") != wrap.key_octets:
            raise VerificationError(
                Rule.ENCRYPTION_FORM,
                f"wanted {wrap.key_octets}, the octets of a key for {wrap.identifier}",
                place=f"{place}/KeyLength",
            )
        prf_uri = _FORM.algorithm(prf, f"{place}/PRF")
        known = PRF_BY_URI.get(prf_uri)
        if known is None:
            raise self._not_allowed(prf_uri, f"{place}/PRF")
        return Pbkdf2(known, salt_octets, iterations)

    def _number(self, element: etree._Element, place: str) -> int:
        text = _FORM.text(element, place)
        if not _DECIMAL.fullmatch(text):
            raise VerificationError(Rule.ENCRYPTION_FORM, "wanted a positive decimal number", place=place)
        return int(text)

    def _digest(self, element: etree._Element, place: str, allowed: Collection[DigestAlgorithm]) -> DigestAlgorithm:
        digest_place = f"{place}/DigestMethod"
        return self._known(DIGEST_BY_URI, _FORM.algorithm(element, digest_place), allowed, digest_place)

    def _cipher_value(self, data: etree._Element, place: str, most: int) -> bytes:
        data_place = f"{place}/CipherData"
        _FORM.attributes(data, data_place)
        (value,) = _FORM.exactly(data, data_place, _CIPHER_VALUE)
        return _FORM.base64(value, f"{data_place}/CipherValue", most, Rule.ENCRYPTION_TOO_LARGE)

    def _known(self, table: Mapping[str, _Method], uri: str, allowed: Collection[_Method], place: str) -> _Method:
        method = table.get(uri)
        if method is None or method not in allowed:
            raise self._not_allowed(uri, place)
        return method

    def _not_allowed(self, uri: str, place: str) -> VerificationError:
        return VerificationError(
            Rule.ENCRYPTION_METHOD, f"policy {self.policy.name} does not allow {uri:.100} here", place=place
        )
