"""Accounts as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from smartcard_dm.report.tables import pairs

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smartcard_dm.card.session import CardSession
    from smartcard_dm.dm import AppAuth, DmAccount


def accounts_lines(session: CardSession, accounts: tuple[DmAccount, ...], warnings: tuple[str, ...]) -> RenderableType:
    """Return the accounts of a card, what was odd, and what reading them cost."""
    count = f"{len(accounts)} DM account{'' if len(accounts) == 1 else 's'}" if accounts else "no DM account"
    card = f"card {session.identity.iccid or '(no ICCID)'} ({session.identity.generation.value}), {count}"
    parts: list[RenderableType] = [Text(card, style="bold")]
    parts += [account_lines(account) for account in accounts]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in warnings]
    parts.append(Text(f"{session.apdu_count} APDUs, {session.bytes_read} octets read", style="dim"))
    return Group(*parts)


def account_lines(account: DmAccount) -> RenderableType:
    """Return one account; a secret is only said to be there."""
    rows = [("name", account.name)] if account.name else []
    rows.append(("node", account.node_name))
    if account.origin is not None:
        oid = f", OID {account.origin.oid}" if account.origin.oid else ""
        rows.append(("origin", f"{account.origin}{oid}"))
    for address in account.addresses:
        ports = f", port {' or '.join(map(str, address.ports))}" if address.ports else ""
        rows.append(("address", f"{address.addr}{ports}"))
    rows += [("auth", _auth(auth)) for auth in account.auth]
    return Group(Text(str(account.server_id), style="bold cyan"), pairs(*rows))


def _auth(auth: AppAuth) -> str:
    kept = [
        *(["secret"] if auth.secret is not None else []),
        *(["certificate"] if auth.certificate is not None else []),
    ]
    parts = [auth.level.value, auth.type.value, *([f"as {auth.name}"] if auth.name else [])]
    return " ".join(parts) + (f" ({' and '.join(kept)} held)" if kept else "")
