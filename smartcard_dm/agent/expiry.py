"""Until when an answer about an account may be believed, as far as certificates say so.

An answer rests on the certificates that may sign for the account: those of its SRVCRED entries and the card's trusted
certificates with its name. Those that have ended already give no key (decision 0005), so the answer does not rest on
them. Shared secrets and bare public keys have no end.

Guarantees: a moment that is returned lies after the one that was given. Leaves to its caller: ending trust with the
card, which this says nothing about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from smartcard_dm.dm import AuthLevel, AuthType
from smartcard_dm.trust.anchors import AnchorKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from smartcard_dm.dm import DmAccount
    from smartcard_dm.trust.credentials import Credentials


def account_not_after(credentials: Credentials, account: DmAccount, at: datetime) -> datetime | None:
    """Return the earliest end, after `at`, among the certificates that may sign for one account; None without one."""
    return min((end for end in map(_end, _certificates(credentials, account)) if end and end > at), default=None)


def credentials_not_after(credentials: Credentials, at: datetime) -> datetime | None:
    """Return the earliest of the ends of all accounts; None where no account has one."""
    ends = (account_not_after(credentials, each, at) for each in credentials.accounts)
    return min((end for end in ends if end), default=None)


def _certificates(credentials: Credentials, account: DmAccount) -> Iterator[bytes]:
    for auth in account.auth:
        if auth.level is AuthLevel.SRVCRED and auth.type is AuthType.X509 and auth.certificate is not None:
            yield auth.certificate
    for anchor in credentials.anchors:
        if anchor.kind is AnchorKind.CERTIFICATE and str(account.server_id) in anchor.names:
            yield anchor.der


def _end(der: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_certificate(der).not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm):  # it gives no key either
        return None
