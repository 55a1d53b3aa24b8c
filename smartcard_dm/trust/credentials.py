"""What a card (or another source) says about who may manage this device.

Guarantees: a frozen value; order is the order of the source. Leaves to its caller: that the source is trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.dm import Characteristic, DmAccount, ProvidedObject, ServerId
    from smartcard_dm.identity import CardIdentity
    from smartcard_dm.trust.anchors import TrustAnchor


@dataclass(frozen=True, slots=True)
class UnusableAccount:
    """An account that is there and cannot be read: it still counts when accounts with its ServerID are counted."""

    server_id: ServerId
    name: str
    """The account in words: its node, and where it stands."""
    reason: str
    """Why it cannot be read, without secrets."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Accounts and anchors from one source."""

    identity: CardIdentity | None
    """The card they came from; None for accounts that came from elsewhere."""
    accounts: tuple[DmAccount, ...]
    """Every account found, duplicates of one ServerID included: the verifier refuses those, it needs to see them."""
    anchors: tuple[TrustAnchor, ...]
    """Every trusted certificate and public key found."""
    warnings: tuple[str, ...] = ()
    """What was odd on the way, without secrets."""
    connectivity: tuple[Characteristic, ...] = ()
    """Proxies and network access points of client provisioning, as they stand: what an account's references name."""
    objects: tuple[ProvidedObject, ...] = ()
    """The management objects that the source provides, those of the accounts too: what a tree is provisioned with."""
    unusable: tuple[UnusableAccount, ...] = ()
    """Accounts that stand there and cannot be read; the verifier needs to see them too."""
