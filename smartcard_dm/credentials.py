"""The one place where card meets trust: objects of a card become accounts, management objects and anchors.

Guarantees: every account keeps the object it came from; an object that is broken stops the reading with an error
that names it, because a device that dropped an account by mistake could no longer be managed. Accounts of DM bootstrap
objects come first, then those of client provisioning.
Leaves to its caller: two accounts with one ServerID, which the verifier refuses.

Spec: OMA-TS-DM_Bootstrap-V1_2, 5.3.5.1 and 5.4.6; PKCS#15 v1.1, 6.4, 6.6, 6.7; design decisions D4 and D8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.provided import read_provided
from smartcard_dm.errors import CardNotFoundError, KeyMaterialError, Pkcs15Error, TlvError
from smartcard_dm.identity import Origin
from smartcard_dm.iso7816 import encode_tlv, read_tlv
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.pkcs15 import CertificateKind, KeyForm, encode_oid, read_key_octets
from smartcard_dm.trust.anchors import TrustAnchor
from smartcard_dm.trust.credentials import Credentials

if TYPE_CHECKING:
    from smartcard_dm.card.provisioning import ProvisioningApplication
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.dm import Characteristic, DmAccount
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.limits import Limits


_RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"
_KEY_FORMS: Final = frozenset({KeyForm.SPKI, KeyForm.RSA})
"""What carries its own parameters; a bare EC point does not say its curve."""


@dataclass(frozen=True, slots=True)
class FoundAccounts:
    """The accounts of a card, and what was odd on the way to them."""

    identity: CardIdentity
    """The card they are on."""
    accounts: tuple[DmAccount, ...]
    """In the card's order of priority; those of DM bootstrap objects before those of client provisioning."""
    warnings: tuple[str, ...]
    """Sentences for people, without secrets."""
    connectivity: tuple[Characteristic, ...] = ()
    """Proxies and network access points of client provisioning, as they stand."""


def read_accounts(card: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> FoundAccounts:
    """Return who the card is and its DM accounts; nothing else is read.

    Raises:
        CardNotFoundError: the card has no provisioning application.
        CardReadError, PinRequiredError, PinError, PinBlockedError: it could not be read.
        DecodeError: a directory, a bootstrap file or an account is malformed; the place is named.
        LimitExceededError: more accounts than `Limits.accounts`.
        UnsupportedError: a bootstrap file on a network, enciphered, or with commands that are not handled.
    """
    identity = card.identity
    application = card.provisioning
    provided = read_provided(application, limits)
    return FoundAccounts(
        identity, provided.accounts, (*application.warnings, *provided.warnings), provided.connectivity
    )


def read_credentials(card: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> Credentials:
    """Return who the card is, its accounts and management objects, and its trusted certificates and public keys.

    Raises:
        As `read_accounts`; also KeyMaterialError: a trusted certificate or public key is none.
    """
    identity = card.identity
    application = card.provisioning
    provided = read_provided(application, limits)
    certificates, odd_certificates = _certificates(application)
    keys, odd_keys = _public_keys(application)
    warnings = (
        *application.warnings,
        *provided.warnings,
        *provided.object_warnings,
        *odd_certificates,
        *odd_keys,
    )
    return Credentials(
        identity,
        provided.accounts,
        (*certificates, *keys),
        warnings,
        connectivity=provided.connectivity,
        objects=provided.objects,
    )


def read_provisioning(card: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> Credentials:
    """Return what a device's tree is to hold of this card: the credentials, or nothing when the card says so.

    Only one answer means "nothing is there": every way to the provisioning application ended in "not found". The
    accounts that came from this card then go, with a warning. A card that could not be read is an error, as ever: it
    says nothing about accounts.

    Raises:
        As `read_credentials`, but for CardNotFoundError.
    """
    identity = card.identity
    try:
        _ = card.provisioning
    except CardNotFoundError as error:
        return Credentials(identity, (), (), (f"the card provisions nothing: {error}",))
    return read_credentials(card, limits=limits)


def _certificates(application: ProvisioningApplication) -> tuple[list[TrustAnchor], list[str]]:
    anchors: list[TrustAnchor] = []
    warnings: list[str] = []
    for placed in application.trusted_certificates:
        item = placed.object
        origin = Origin(f"trusted certificate {item.label or item.id.hex()!r}", placed.place, "")
        if item.kind is not CertificateKind.X509:
            warnings.append(f"{origin}: certificates of kind {item.kind.name} give no anchor")
            continue
        octets = application.read_value(item.value)
        try:
            # Read by its own length: what follows in the file is padding, and a certificate may end with FF itself.
            der = read_tlv(octets).octets
        except TlvError as error:
            raise KeyMaterialError(f"{origin}: not an X.509 certificate ({error.detail})") from error
        anchors.append(
            TrustAnchor.from_certificate(der, label=item.label or "", authority=item.authority, origin=origin)
        )
    return anchors, warnings


def _public_keys(application: ProvisioningApplication) -> tuple[list[TrustAnchor], list[str]]:
    anchors: list[TrustAnchor] = []
    warnings: list[str] = []
    for placed in application.trusted_public_keys:
        item = placed.object
        origin = Origin(f"trusted public key {item.label or item.id.hex()!r}", placed.place, "")
        octets = application.read_value(item.value)
        try:
            form, der = read_key_octets(item.kind, octets)
        except Pkcs15Error as error:
            raise KeyMaterialError(f"{origin}: not a public key ({error.detail})") from error
        if form not in _KEY_FORMS:
            warnings.append(f"{origin}: a key written as {form.value} gives no anchor")
            continue
        anchors.append(TrustAnchor.from_public_key(_as_spki(form, der), label=item.label or "", origin=origin))
    return anchors, warnings


def _as_spki(form: KeyForm, der: bytes) -> bytes:
    """Return a key as SubjectPublicKeyInfo; cards may hold the bare RSAPublicKey (RFC 8017, A.1)."""
    if form is not KeyForm.RSA:
        return der
    algorithm = encode_tlv(0x30, encode_tlv(0x06, encode_oid(_RSA_ENCRYPTION)) + encode_tlv(0x05, b""))
    return encode_tlv(0x30, algorithm + encode_tlv(0x03, b"\x00" + der))
