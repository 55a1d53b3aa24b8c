"""Opening the encrypted parts of a verified message with the device's key and the account's secrets (step 11).

Guarantees: keys come from the device and from the one matched account; all parts are read before one is opened; the
octets that come out are canonical and have no encrypted part, those of content trust left as they are.
Leaves to its caller: loading the device's key, and randomness.

Spec: OMA-TS-DM_Sessionless 5.2; docs/encryption-profile.md; docs/verification.md, step 11.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.trust.account_keys import account_keys
from smartcard_dm.trust.encrypted_parts import check_place, find_parts, path_of, put_in_place
from smartcard_dm.xmlsec.algorithms import KeyFamily
from smartcard_dm.xmlsec.decrypt import Opener, failed
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.element_form import local_name
from smartcard_dm.xmlsec.encrypted_data import ENCRYPTED_DATA
from smartcard_dm.xmlsec.encrypted_data_read import read_encrypted_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml import etree

    from smartcard_dm.dm import DmAccount
    from smartcard_dm.trust.points import ContentOpener
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.xmlsec.decryption_keys import DecryptionKey

_NAMESPACE: Final = re.compile(rb"<[^ <>/]+ xmlns=\"http://www\.w3\.org/(?:2001/04/xmlenc|2009/xmlenc11)#\"")
"""A start tag of XML Encryption: in canonical XML `<` opens a tag and nothing else, and its namespace comes first."""


class MessageDecryptor:
    """Opens encrypted parts: a `Decryptor` with keys.

    Args:
        device_key: the device's RSA key; None opens only what is encrypted to a shared secret of the account.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`; it is asked when a
            message transports its key with rsa-1_5, which the policy `oma_1_2_legacy` alone accepts.
    """

    def __init__(self, *, device_key: DecryptionKey | None = None, random: Callable[[int], bytes]) -> None:
        self._device_key = device_key
        self._random = random

    def decrypt(self, octets: bytes, account: DmAccount, policy: Policy) -> tuple[bytes, str]:
        """Return the canonical octets with every encrypted part opened, and how they were opened."""
        if _NAMESPACE.search(octets) is None:
            return octets, "nothing is encrypted"
        root = parse_document(octets)
        elements = find_parts(root)
        if not elements:
            return octets, "nothing but content is encrypted"
        if len(elements) > policy.limits.encrypted_parts:
            raise VerificationError(
                Rule.ENCRYPTION_TOO_LARGE,
                f"wanted at most {policy.limits.encrypted_parts} encrypted parts, found {len(elements)}",
            )
        parts = []
        for element in elements:
            place = path_of(element)
            encrypted = read_encrypted_data(element, place, policy.encryption, policy.limits)
            check_place(element, encrypted.type, place)
            parts.append((element, place, encrypted))
        opener = self._opener(account, policy)
        established = []
        for element, place, encrypted in parts:
            plaintext, origin = opener.open(encrypted, place)
            established.append(f"{encrypted.description} by {origin}")
            try:
                put_in_place(element, encrypted.type, plaintext, place)
            except VerificationError as error:
                # Without authentication of its own, nonsense is what a wrong key gives: nothing tells the two apart.
                raise error if encrypted.cipher.authenticates else failed(place) from None
        return _rebuilt(root, policy), f"{len(parts)} opened: {'; '.join(dict.fromkeys(established))}"

    def content_opener(self, account: DmAccount, policy: Policy) -> ContentOpener:
        """Return what opens the encrypted content of one verified message."""
        return _ContentParts(self._opener(account, policy), policy)

    def _opener(self, account: DmAccount, policy: Policy) -> Opener:
        secrets = [key for key in account_keys(account, ()).keys if key.family is KeyFamily.HMAC]
        return Opener(
            device_key=self._device_key,
            secrets=secrets,
            policy=policy.encryption,
            limits=policy.limits,
            random=self._random,
        )


class _ContentParts:
    """Opens the content of one message, as many parts and iterations as one message may have."""

    def __init__(self, opener: Opener, policy: Policy) -> None:
        self._opener = opener
        self._policy = policy
        self._left = policy.limits.encrypted_parts

    def open(self, octets: bytes) -> tuple[bytes, str]:
        place = "EncryptedData"
        self._left -= 1
        if self._left < 0:
            most = self._policy.limits.encrypted_parts
            raise VerificationError(Rule.ENCRYPTION_TOO_LARGE, f"wanted at most {most} items of encrypted content")
        try:
            element = parse_document(octets)
        except WbxmlError:
            raise VerificationError(Rule.ENCRYPTION_FORM, "wanted an EncryptedData, XML") from None
        if element.tag != ENCRYPTED_DATA:
            raise VerificationError(Rule.ENCRYPTION_FORM, "wanted an EncryptedData", place=f"/{local_name(element)}")
        encrypted = read_encrypted_data(element, place, self._policy.encryption, self._policy.limits)
        plaintext, origin = self._opener.open(encrypted, place)
        return plaintext, f"{encrypted.description} by {origin}"


def _rebuilt(root: etree._Element, policy: Policy) -> bytes:
    try:
        octets = canonical(root)
    except WbxmlError:
        raise VerificationError(Rule.ENCRYPTION_PLAINTEXT, "the opened message has no canonical form") from None
    if len(octets) > policy.limits.xml_octets:
        raise VerificationError(
            Rule.ENCRYPTION_TOO_LARGE, f"wanted at most {policy.limits.xml_octets} octets, found {len(octets)}"
        )
    return octets
