"""What an agent answers instead of a result: stable codes, each with its status and what to do about it.

Guarantees: a code has one status, one title and one remedy; a problem holds no secret and nothing of the input but a
ServerID that was checked. Leaves to its caller: the request's identifier and the provenance, which go with it.

Spec: RFC 9457 (problem details); the statuses are those of RFC 9110 and RFC 6585.
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from smartcard_dm.agent.snapshot import CardState

if TYPE_CHECKING:
    from smartcard_dm.agent.snapshot import Snapshot

TYPE_PREFIX: Final = "urn:smartcard-dm:problem:"


class ProblemCode(Enum):
    """Every problem: its code, its status, its title, its remedy."""

    CARD_ABSENT = "card-absent", 409, "no card is there", "put the card in; GET /v1/events tells when it is read"
    CARD_REMOVED = (
        "card-removed",
        410,
        "the card of that generation was taken out",
        "forget what came from it; put a card in and read again",
    )
    CARD_CHANGED = (
        "card-changed",
        409,
        "what is in the reader is no longer what it was",
        "forget what came from the earlier generation and read again",
    )
    CARD_UNREADABLE = (
        "card-unreadable",
        409,
        "the card is there and could not be read",
        "look at the card and its contacts; the agent tries again by itself, and GET /v1/card says what failed",
    )
    CARD_LOCKED = (
        "card-locked",
        409,
        "the card is there and its PIN was not presented",
        "give the agent the PIN, or unblock it; nothing more is presented until the card was taken out",
    )
    READER_LOST = "reader-lost", 409, "the reader or the PC/SC service is gone", "attach the reader, or start pcscd"
    STARTING = "starting", 409, "the card has not been read yet", "try again; GET /v1/events tells when it is read"
    ACCOUNT_UNKNOWN = "account-unknown", 404, "the card has no such account", "GET /v1/accounts lists those it has"
    ACCOUNT_SEVERAL = (
        "account-several",
        409,
        "the card has several accounts with that ServerID",
        "the card must have one account only for each server",
    )
    AUTH_UNAVAILABLE = (
        "auth-unavailable",
        409,
        "the account has no credentials of that kind",
        "GET /v1/account shows its entries: ask for a level and a type that one of them has, with a secret",
    )
    NONCE_MISSING = (
        "nonce-missing",
        409,
        "the account holds no nonce",
        "give the nonce that the server sent last, or an empty one",
    )
    BASIC_DENIED = (
        "basic-denied",
        403,
        "basic credentials are not given for that account",
        "use md5 or hmac, or start the agent with --allow-basic and this account",
    )
    SECRET_DENIED = (
        "secret-denied",
        403,
        "secrets of that account are not given",
        "have the agent compute what is needed, or start it with --allow-secret-release and this account",
    )
    TREE_NONE = "tree-none", 409, "the agent has no tree to apply messages to", "start the agent with --tree"
    TREE_UNPROVISIONED = (
        "tree-unprovisioned",
        409,
        "the tree could not take in the card",
        "correct the objects of the card, or give another tree; `smartcard-dm tree sync` shows the same error",
    )
    TREE_UNAVAILABLE = (
        "tree-unavailable",
        503,
        "the tree's file cannot be read or written",
        "look at the file, its disk, and who else holds it",
    )
    AUDIT_UNAVAILABLE = (
        "audit-unavailable",
        503,
        "the audit cannot be written, so nothing was released",
        "make room, or correct the rights of the audit's file",
    )
    NOT_FOUND = "not-found", 404, "there is nothing of that name", "GET /v1/openapi.json names everything there is"
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        405,
        "that method is not for this resource",
        "use the method that the header Allow names",
    )
    REQUEST_MALFORMED = "request-malformed", 400, "the request cannot be read", "send HTTP/1.1, and JSON where asked"
    REQUEST_INVALID = (
        "request-invalid",
        422,
        "the request is not of the form this operation takes",
        "correct what the detail names; GET /v1/openapi.json describes the form",
    )
    CONTENT_TYPE = "content-type", 415, "the body is of another media type", "send the media type that the detail names"
    BODY_TOO_LARGE = "body-too-large", 413, "the body is too large", "send less"
    HEADERS_TOO_LARGE = "headers-too-large", 431, "the head of the request is too large", "send less"
    REQUEST_TIMEOUT = "request-timeout", 408, "the request did not arrive in time", "send it without pauses"
    BUSY = "busy", 429, "too much is being done at this moment", "try again after the seconds that Retry-After names"
    OVERLOADED = "overloaded", 503, "the answer was not ready in time", "try again when fewer clients ask"
    INTERNAL = (
        "internal",
        500,
        "a fault of the agent",
        "report it with the request_id; the agent's log has the place of the fault",
    )

    def __init__(self, code: str, status: int, title: str, remedy: str) -> None:
        self.code = code
        self.status = HTTPStatus(status)
        self.title = title
        self.remedy = remedy

    @property
    def type(self) -> str:
        """The problem's URI."""
        return f"{TYPE_PREFIX}{self.code}"


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is no result; it never leaves the agent's room as an exception.

    Args:
        code: which one.
        detail: what was wanted and found, in one sentence, without secrets.
        snapshot: what the answer rests on, where the card has to do with it.
        committed: whether effects of this request are in the tree in spite of it.
        remedy: what to do about it, where more is known than the code says.
    """

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        snapshot: Snapshot | None = None,
        committed: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.snapshot = snapshot
        self.committed = committed
        self.remedy = remedy or code.remedy


_BY_STATE: Final = {
    CardState.ABSENT: ProblemCode.CARD_ABSENT,
    CardState.UNREADABLE: ProblemCode.CARD_UNREADABLE,
    CardState.LOCKED: ProblemCode.CARD_LOCKED,
    CardState.SERVICE_LOST: ProblemCode.READER_LOST,
    CardState.STARTING: ProblemCode.STARTING,
}


def card_problem(snapshot: Snapshot, *, committed: bool = False) -> Problem:
    """Return why nothing can be said about a card that is not there to be asked.

    Args:
        snapshot: what there is.
        committed: whether effects of this request are in the tree in spite of it.

    Raises:
        ValueError: it is there.
    """
    if snapshot.state is CardState.PRESENT:
        raise ValueError("a card that is present is no problem")
    code = _BY_STATE[snapshot.state]
    return Problem(code, snapshot.reason or code.title, snapshot=snapshot, committed=committed)


def generation_problem(wanted: int, snapshot: Snapshot, *, committed: bool = False) -> Problem:
    """Return why an answer about one generation cannot be given in another.

    Args:
        wanted: the generation that was asked about.
        snapshot: what there is now.
        committed: whether effects of this request are in the tree in spite of it.
    """
    detail = f"asked about generation {wanted}, and this is generation {snapshot.generation}"
    if snapshot.state is CardState.PRESENT:
        return Problem(ProblemCode.CARD_CHANGED, detail, snapshot=snapshot, committed=committed)
    if snapshot.state is CardState.ABSENT:
        return Problem(ProblemCode.CARD_REMOVED, detail, snapshot=snapshot, committed=committed)
    code = _BY_STATE[snapshot.state]
    reason = f"{detail}: {snapshot.reason or code.title}"
    return Problem(code, reason, snapshot=snapshot, committed=committed)
