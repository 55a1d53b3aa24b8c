"""The keys that may sign for one account (verification step 5).

Guarantees: a key comes from the account's own SRVCRED entries or from an anchor bound to its ServerID by name; never
from a message, never from another account. Leaves to its caller: finding the one account.

Spec: OMA-TS-DM_Sessionless 5.1.2 ("signed to ensure that the message has come from the authorized DMS"); where the
draft is silent, design decision D4 (docs/verification.md, step 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import AuthLevel, AuthType
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.trust.anchors import AnchorKind, TrustAnchor
from smartcard_dm.xmlsec.keys import TrustedKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.dm import AppAuth, DmAccount

_SHARED_SECRET: Final = frozenset({AuthType.HMAC, AuthType.DIGEST, AuthType.BASIC})


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The keys of one account, and why others that might have been are none."""

    keys: tuple[TrustedKey, ...]
    """In the order of the account's entries, then of the anchors."""
    problems: tuple[str, ...]
    """One sentence for each entry that should give a key and does not."""


def account_keys(account: DmAccount, anchors: Iterable[TrustAnchor]) -> AccountKeys:
    """Return the keys that may sign for `account`."""
    keys: list[TrustedKey] = []
    problems: list[str] = []
    sources: list[AppAuth | TrustAnchor] = [auth for auth in account.auth if auth.level is AuthLevel.SRVCRED]
    sources += [anchor for anchor in anchors if str(account.server_id) in anchor.names]
    for source in sources:
        try:
            keys.append(_key_of_anchor(source) if isinstance(source, TrustAnchor) else _key_of_entry(account, source))
        except KeyMaterialError as error:
            problems.append(str(error))
    return AccountKeys(tuple(keys), tuple(problems))


def _key_of_entry(account: DmAccount, auth: AppAuth) -> TrustedKey:
    origin = f"AppAuth/{auth.node_name} of account {account.node_name}"
    server_id = str(account.server_id)
    names = (auth.name, server_id) if auth.name else (server_id,)
    if auth.type is AuthType.X509:
        if auth.certificate is None:
            raise KeyMaterialError(f"{origin}: AAuthType X509 without a certificate in AAuthData")
        return TrustedKey.from_certificate(auth.certificate, names=names, origin=f"{origin} (X509)")
    if auth.type in _SHARED_SECRET:
        if auth.secret is None:
            raise KeyMaterialError(f"{origin}: AAuthType {auth.type.value} without AAuthSecret")
        return TrustedKey.from_secret(auth.secret, names=names, origin=f"{origin} ({auth.type.value} secret)")
    raise KeyMaterialError(f"{origin}: AAuthType {auth.type.value} gives no key to sign with")


def _key_of_anchor(anchor: TrustAnchor) -> TrustedKey:
    if anchor.kind is AnchorKind.AUTHORITY:
        raise KeyMaterialError(f"{anchor.origin}: an authority's certificate signs certificates, not messages")
    if anchor.kind is AnchorKind.CERTIFICATE:
        return TrustedKey.from_certificate(anchor.der, names=anchor.names, origin=str(anchor.origin))
    return TrustedKey.from_public_key(anchor.der, names=anchor.names, origin=str(anchor.origin))
