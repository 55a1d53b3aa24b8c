"""What the tree's commands tell as JSON forms: the stable shapes of docs/schemas.

Guarantees: every form is made of str, int, bool, None, list and dict only, and holds no secret, only whether one is
there. Octets are Base64. Leaves to its caller: printing.
"""

from __future__ import annotations

import base64
from collections import Counter
from typing import TYPE_CHECKING

from smartcard_dm.dm import PropertyUri
from smartcard_dm.report.forms import (
    account_form,
    authorized_form,
    card_form,
    origin_form,
    refused_form,
    show_form,
)
from smartcard_dm.tree.audit import PUSHED, diff_form, event_form, report_form, rewritten_form, skipped_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.card.survey import Survey
    from smartcard_dm.dm import DmAccount
    from smartcard_dm.errors import VerificationError
    from smartcard_dm.report.forms import Form
    from smartcard_dm.tree import Applied, DeviceInformation, Effects, Synced
    from smartcard_dm.tree.audit import AuditRow
    from smartcard_dm.tree.view import Exported, Got, SeenNode
    from smartcard_dm.trust.credentials import Credentials
    from smartcard_dm.trust.verified import VerifiedMessage


def tree_init_form(file: str, information: DeviceInformation, nodes: int, warnings: Sequence[str]) -> Form:
    """Return the form of the command `tree init`."""
    return {
        "file": file,
        "device": {
            "dev_id": information.dev_id,
            "man": information.man,
            "mod": information.mod,
            "lang": information.lang,
            "dev_type": information.dev_type,
            "oem": information.oem,
            "fw": information.fw,
            "sw": information.sw,
            "hw": information.hw,
        },
        "nodes": nodes,
        "warnings": list(warnings),
    }


def tree_show_form(uri: str, seen: Sequence[SeenNode]) -> Form:
    """Return the form of the command `tree show`."""
    return {
        "uri": uri,
        "nodes": [
            {
                "uri": node.uri,
                "depth": node.depth,
                "format": node.row.format,
                "value": _text(node.row.value),
                "secret": node.secret,
                "size": None if node.secret else node.row.size,
                "acl": node.row.acl,
                "effective_acl": node.acl,
                "acl_from": node.acl_from,
                "type": node.row.type,
                "title": node.row.title,
                "tstamp": node.row.tstamp,
                "verno": node.row.verno,
                "origin": origin_form(node.origin),
                "hidden": node.hidden,
            }
            for node in seen
        ],
    }


def tree_get_form(got: Got) -> Form:
    """Return the form of the command `tree get`."""
    target = got.target
    return {
        "uri": str(target.node if isinstance(target, PropertyUri) else target),
        "property": target.property if isinstance(target, PropertyUri) else None,
        "as": None if got.server_id is None else str(got.server_id),
        "status": int(got.status),
        "status_text": got.status.text,
        "detail": got.detail or None,
        "format": got.format,
        "value": _text(got.value),
        "names": None if got.names is None else list(got.names),
        "secret": got.secret,
    }


def tree_export_form(uri: str, exported: Exported, form: str, octets: bytes, file: str | None) -> Form:
    """Return the form of the command `tree export`."""
    return {
        "uri": uri,
        "form": form,
        "octets": len(octets),
        "nodes": exported.nodes,
        "secrets": list(exported.secrets),
        "file": file,
        "document": octets.decode("utf-8") if form == "xml" else octets.hex(),
    }


def tree_audit_form(rows: Sequence[AuditRow]) -> Form:
    """Return the form of the command `tree audit`."""
    return {"rows": [_audit_row(row) for row in rows]}


def tree_sync_form(synced: Synced, credentials: Credentials) -> Form:
    """Return the form of the command `tree sync`; the warnings are those of the reading and of the tree."""
    assert credentials.identity is not None  # noqa: S101 - a tree is never provisioned without
    done, effects = synced.reconciled, effects_form(synced.effects)
    return {
        "card": card_form(credentials.identity),
        "kept": list(done.kept),
        "added": list(done.added),
        "replaced": list(done.replaced),
        "removed": list(done.removed),
        "anchors": synced.anchors,
        "anchors_changed": synced.anchors_changed,
        **effects,
        "warnings": [*credentials.warnings, *synced.effects.warnings],
    }


def applied_form(applied: Applied, sync: Form | None) -> Form:
    """Return the form of the command `apply` for a message that was authorized."""
    return {
        **authorized_form(applied.message),
        "sync": sync,
        "report": report_form(applied.report),
        **effects_form(applied.effects),
    }


def not_applied_form(error: VerificationError, sync: Form | None, *, dry_run: bool) -> Form:
    """Return the form of the command `apply` for a message that was refused."""
    nothing: Form = {key: [] for key in ("report", "diff", "rewritten", "skipped", "warnings", "events")}
    return {**refused_form(error), "sync": sync, **nothing, "dry_run": dry_run}


def demo_form(
    survey: Survey,
    accounts: tuple[DmAccount, ...],
    authorized: VerifiedMessage,
    applied: Applied,
    again: VerificationError,
    tampered: VerificationError,
    kept: str | None,
) -> Form:
    """Return the form of the command `demo`."""
    return {
        "card": show_form(survey, accounts, ()),
        "accounts": [account_form(account) for account in accounts],
        "authorized": authorized_form(authorized),
        "applied": applied_form(applied, None),
        "again": refused_form(again),
        "tampered": refused_form(tampered),
        "kept": kept,
    }


def effects_form(effects: Effects) -> Form:
    """Return the form of what changed, and what goes with it."""
    return {
        "diff": diff_form(effects.diff),
        "rewritten": rewritten_form(effects.rewritten),
        "skipped": skipped_form(effects.skipped),
        "warnings": list(effects.warnings),
        "events": [event_form(event) for event in effects.events],
        "dry_run": effects.dry_run,
    }


def _audit_row(row: AuditRow) -> Form:
    form = row.form
    report = form.get("report")
    statuses = Counter(str(each["status"]) for each in report) if isinstance(report, list) else Counter()
    diff = form.get("diff", [])
    return {
        "number": row.number,
        "at": row.at,
        "action": row.action,
        "subject": row.subject,
        "session_id": row.session_id,
        "msg_id": row.msg_id,
        "digest": row.digest,
        "statuses": dict(sorted(statuses.items())),
        "changes": len(diff) if isinstance(diff, list) else 0,
        "nodes": form.get("nodes"),
        "release": form.get("release"),
        **{key: form.get(key, []) for key in ("report", "diff", "rewritten", "skipped", "warnings", "events")},
        "transport": form.get("transport"),
        "evidence": form.get("evidence"),
        "pushed": {key: form[key] for key in PUSHED} if row.action in {"refuse", "read"} else None,
    }


def _text(value: str | bytes | None) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
