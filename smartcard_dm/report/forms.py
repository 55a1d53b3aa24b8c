"""Values as JSON forms: the stable shapes of docs/schemas.

Guarantees: every form is made of str, int, bool, None, list and dict only, and holds no secret, only whether one is
there. Leaves to its caller: printing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.card.session import CardSession
    from smartcard_dm.card.survey import Survey
    from smartcard_dm.dm import DmAccount, ServerId
    from smartcard_dm.identity import CardIdentity, Origin
    from smartcard_dm.server.batch_messages import Found
    from smartcard_dm.server.batch_records import Failed
    from smartcard_dm.server.batch_run import Summary
    from smartcard_dm.server.confidential import Encrypted
    from smartcard_dm.trust.content import ContentTrust
    from smartcard_dm.trust.verified import VerifiedMessage
    from smartcard_dm.wbxml import DumpLine, Header
    from smartcard_dm.xmlsec import SignatureAlgorithm
    from vendor_pcsc.monitor import ReaderEvent
    from vendor_pcsc.readers import ReaderState

Form = dict[str, object]


def card_form(identity: CardIdentity) -> Form:
    """Return the form of a card's identity."""
    return {"iccid": identity.iccid, "generation": identity.generation.value, "atr": identity.atr}


def origin_form(origin: Origin | None) -> Form | None:
    """Return the form of an origin; None for what came from no card."""
    return None if origin is None else {"object": origin.object, "path": origin.path, "oid": origin.oid}


def account_form(account: DmAccount) -> Form:
    """Return the form of an account."""
    return {
        "server_id": str(account.server_id),
        "name": account.name,
        "node": account.node_name,
        "origin": origin_form(account.origin),
        "addresses": [
            {"addr": address.addr, "type": address.addr_type.value, "ports": list(address.ports)}
            for address in account.addresses
        ],
        "auth": [
            {
                "level": auth.level.value,
                "type": auth.type.value,
                "name": auth.name,
                "has_secret": auth.secret is not None,
                "has_certificate": auth.certificate is not None,
            }
            for auth in account.auth
        ],
    }


def accounts_form(session: CardSession, accounts: tuple[DmAccount, ...], warnings: tuple[str, ...]) -> Form:
    """Return the form of the command `accounts`."""
    return {
        "card": card_form(session.identity),
        "accounts": [account_form(account) for account in accounts],
        "apdus": session.apdu_count,
        "bytes_read": session.bytes_read,
        "warnings": list(warnings),
    }


def authorized_form(message: VerifiedMessage) -> Form:
    """Return the verdict on a message that was authorized."""
    last = message.steps[-1]
    return {
        "verdict": "authorized",
        "step": int(last.step),
        "rule": None,
        "clause": None,
        "scr": None,
        "place": None,
        "detail": f"authorized for {message.server_id}: {last.established}",
        "server_id": str(message.server_id),
        "account": message.account_name,
        "considered": [message.account_name],
        "signature": {
            "algorithm": message.signature.algorithm.identifier,
            "key_origin": message.signature.key_origin,
        },
        "transport": {"kind": message.transport.kind.value, "evidence": message.transport.evidence},
        "commands": message.command_count,
        "steps": [
            {"step": int(passed.step), "name": step_name(passed.step), "established": passed.established}
            for passed in message.steps
        ],
        "content": [content_form(content) for content in message.content_trust],
    }


def refused_form(error: VerificationError) -> Form:
    """Return the verdict on a message that was refused."""
    return {
        "verdict": "refused",
        "step": int(error.step),
        "rule": error.rule.identifier,
        "clause": error.clause,
        "scr": error.rule.scr or None,
        "place": error.place,
        "detail": error.detail,
        "server_id": error.server_id,
        "account": error.accounts[0] if len(error.accounts) == 1 else None,
        "considered": list(error.accounts),
        "signature": None,
        "transport": None,
        "commands": None,
        "steps": [],
        "content": [],
    }


def content_form(content: ContentTrust) -> Form:
    """Return the form of who vouches for an item's content; never the content."""
    refusal = content.refusal
    return {
        "place": content.place,
        "target": content.target,
        "verdict": content.verdict.value,
        "encryption": content.encryption,
        "algorithm": None if content.algorithm is None else content.algorithm.identifier,
        "key_origin": content.key_origin,
        "rule": None if refusal is None else refusal.rule.identifier,
        "detail": None if refusal is None else refusal.detail,
    }


def verdict_form(
    found: Found, judged: VerifiedMessage | VerificationError | None, problem: str, exit_code: int
) -> Form:
    """Return a line of `verify --batch`, with the exit code the message alone would give.

    Args:
        found: the message.
        judged: what the verifier said; None where there was nothing to be judged.
        problem: why there was nothing.
        exit_code: it is not printed.
    """
    form: Form = {"message": found.name, "target": found.target, "verdict": "unreadable", "exit_code": exit_code}
    kept = ("step", "rule", "clause", "place", "detail", "server_id", "account", "commands")
    if judged is None:
        return {**form, **dict.fromkeys(kept), "algorithm": None, "detail": problem}
    verdict = refused_form(judged) if isinstance(judged, VerificationError) else authorized_form(judged)
    algorithm = None if isinstance(judged, VerificationError) else judged.signature.algorithm.identifier
    return {**form, "verdict": verdict["verdict"], **{name: verdict[name] for name in kept}, "algorithm": algorithm}


def show_form(survey: Survey, accounts: tuple[DmAccount, ...], odd: tuple[str, ...]) -> Form:
    """Return the form of the command `card show`."""
    form = survey_form(survey)
    return {
        **form,
        "accounts": [
            {"server_id": str(account.server_id), "name": account.name, "origin": origin_form(account.origin)}
            for account in accounts
        ],
        "warnings": list(dict.fromkeys((*survey.warnings, *odd))),
    }


def survey_form(survey: Survey) -> Form:
    """Return the form of a survey: the part of `card show` that is not an account."""
    return {
        "card": card_form(survey.identity),
        "generation_reason": survey.generation_reason,
        "directories": [
            {
                "name": directory.name,
                "files": [
                    {
                        "name": file.name,
                        "path": file.path,
                        "size": file.size,
                        "structure": file.structure,
                        "access": list(file.access),
                        "content": file.content,
                    }
                    for file in directory.files
                ],
            }
            for directory in survey.directories
        ],
        "provisioning": survey.provisioning,
        "objects": [
            {
                "kind": item.kind,
                "name": item.name,
                "listed_in": item.listed_in,
                "place": item.place,
                "oid": item.oid,
                "private": item.private,
            }
            for item in survey.objects
        ],
        "warnings": list(survey.warnings),
    }


def issued_form(
    file: str,
    message: bytes,
    server_id: ServerId,
    algorithm: SignatureAlgorithm,
    *,
    key_kind: str,
    key_label: str | None,
) -> Form:
    """Return the form of the command `issue`."""
    return {
        "file": file,
        "octets": len(message),
        "server_id": str(server_id),
        "algorithm": algorithm.identifier,
        "key": {"kind": key_kind, "label": key_label},
        "sha256": hashlib.sha256(message).hexdigest(),
    }


def encrypted_form(done: Encrypted) -> Form:
    """Return the form of what was encrypted in a message."""
    return {
        "scope": done.scope.value,
        "to": done.to,
        "cipher": done.cipher.identifier,
        "parts": list(done.parts),
    }


def batch_form(output: str, form: str, server_id: ServerId, algorithm: SignatureAlgorithm, summary: Summary) -> Form:
    """Return the form of the command `issue --batch`."""
    return {
        "output": output,
        "form": form,
        "batch": summary.number,
        "server_id": str(server_id),
        "algorithm": algorithm.identifier,
        "issued": summary.issued,
        "resumed": summary.resumed,
        "failed": summary.failed,
        "left": summary.left,
        "stopped": summary.stopped,
    }


def failed_form(failed: Failed) -> Form:
    """Return the form of a target that has no message: a line of `--errors`."""
    return {
        "row": failed.row,
        "line": failed.line,
        "target": failed.target,
        "problem": failed.problem.value,
        "detail": failed.detail,
    }


def decoded_form(header: Header, octets: bytes, xml: bytes) -> Form:
    """Return the form of the command `wbxml decode`."""
    return {
        "version": header.version,
        "public_id": header.public_id,
        "octets": len(octets),
        "xml": xml.decode("utf-8"),
    }


def tokens_form(lines: Iterable[DumpLine]) -> Form:
    """Return the form of the command `wbxml decode --tokens`."""
    return {
        "tokens": [
            {"offset": line.offset, "octets": line.octets.hex(), "depth": line.depth, "text": line.text}
            for line in lines
        ]
    }


def encoded_form(version: str, octets: bytes) -> Form:
    """Return the form of the command `wbxml encode`."""
    return {"version": version, "octets": len(octets), "hex": octets.hex()}


def error_form(kind: str, message: str, exit_code: int) -> Form:
    """Return the form of an error that is no verdict."""
    return {"error": {"kind": kind, "message": message, "exit_code": exit_code}}


def step_name(step: Step) -> str:
    """Return the name of a step as verdicts print it."""
    return _STEP_NAMES[step]


_STEP_NAMES = {
    Step.BOUNDS: "bounds",
    Step.DECODE: "decode",
    Step.SHAPE: "shape",
    Step.SERVER_ID: "ServerID",
    Step.ACCOUNT: "account",
    Step.KEYS: "keys",
    Step.PROFILE: "signature profile",
    Step.SIGNATURE: "signature",
    Step.DIGEST: "digest",
    Step.TRANSPORT: "transport",
    Step.REPLAY: "replay",
    Step.DECRYPT: "decryption",
    Step.MESSAGE: "message",
}


def reader_form(state: ReaderState) -> Form:
    """Return the form of one PC/SC reader."""
    return {
        "name": state.name,
        "card_present": state.card_present,
        "atr": state.atr.hex().upper(),
        "in_use": state.in_use,
        "exclusive": state.exclusive,
        "mute": state.mute,
    }


def reader_event_form(event: ReaderEvent) -> Form:
    """Return the form of one event at the readers."""
    return {"event": event.kind.value, "reader": event.reader, "atr": event.atr.hex().upper()}
