"""The shapes of requests and answers of the agent's API, as the OpenAPI document shows them.

Guarantees: no answer has a place for a secret but `SecretAnswer` and `Authentication`; nothing has undeclared members.
Leaves to its caller: filling them from values; the verdicts' shapes are those of docs/schemas, and a test compares.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

PRINTABLE: Final = r"^[\x20-\x7E]+$"
"""ASCII without control characters: what may be shown and logged as it stands."""

BASE64_PATTERN: Final = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

ServerIdText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=255,
        description="ServerID of the account.",
        examples=["com.example.dms"],
    ),
]
Octets = Annotated[str, Field(pattern=BASE64_PATTERN, examples=["bm9uY2U="])]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# What every answer carries -------------------------------------------------------------------------------------------


class Provenance(_Form):
    """What an answer rests on, and how long it holds."""

    origin: str = Field(description="The card's URI, as the agent was started with.", examples=["pcsc:"])
    card_id: str | None = Field(
        description="ICCID of the card; null when none is there or it has none.", examples=["8988211000000430010"]
    )
    generation: int = Field(
        ge=0,
        description="Grows whenever what is in the reader changes; unique over restarts of the agent. Send it as "
        "If-Generation, and an answer about any other card is refused.",
        examples=[1767225600],
    )
    state: Literal["present", "absent", "unreadable", "locked", "service-lost", "starting"] = Field(
        description="Of the card. service-lost: the reader or the PC/SC service is gone."
    )
    not_after: str | None = Field(
        description="Moment from which the answer no longer holds, UTC; null: until the next event.",
        examples=[None, "2027-01-01T00:00:00Z"],
    )
    cache: Literal["no-store", "until-event"] = Field(
        description="Whether the answer may be kept, and then only while the client follows /v1/events."
    )
    event_id: str = Field(
        description="The last event before this answer. As Last-Event-ID of /v1/events nothing in between is missed.",
        examples=["6f1c2d3e4a5b6c7d-42"],
    )


class ProblemForm(_Form):
    """An answer that is no result (RFC 9457)."""

    type: str = Field(description="URI of the kind of problem.", examples=["urn:smartcard-dm:problem:card-absent"])
    title: str = Field(description="The kind of problem, in words.")
    status: int = Field(ge=400, le=599, description="HTTP status.")
    detail: str = Field(description="What was wanted and found, in one sentence.")
    remedy: str = Field(description="What to do about it.")
    code: str = Field(description="Stable name of the kind of problem.", examples=["card-absent"])
    request_id: str = Field(description="The value of X-Request-Id; the agent's log has it too.")
    provenance: Provenance
    committed: bool = Field(
        description="Whether effects of this request are in the tree in spite of it: the card left between the commit "
        "and the answer."
    )


# The card and its accounts -------------------------------------------------------------------------------------------


class CardForm(_Form):
    """Who a card is."""

    iccid: str = Field(description="Digits of EF.ICCID; empty when the card has none.")
    generation: Literal["uicc", "uicc-2g", "sim", "ruim"] = Field(description="What kind of card answered.")
    atr: str = Field(description="Answer to reset, hex.")


class CardAnswer(_Form):
    """The card, whatever its state."""

    provenance: Provenance
    card: CardForm | None = Field(description="Null in every state but present.")
    state: Literal["present", "absent", "unreadable", "locked", "service-lost", "starting"] = Field(
        description="The state in the provenance."
    )
    reason: str = Field(description="Why the card is not present, in words; empty when it is.")
    since: str = Field(description="Since when, UTC.", examples=["2026-01-01T00:00:00.000000Z"])


class OriginForm(_Form):
    """Where on the card an object stands."""

    object: str = Field(description="What it is and how it was named.")
    path: str = Field(description="Its file.")
    oid: str = Field(description="The object identifier it was found by; empty when it was not found by one.")


class AddressForm(_Form):
    """One address of a server."""

    addr: str
    type: Literal["URI", "IPv4", "IPv6"]
    ports: list[int]


class AuthForm(_Form):
    """One set of credentials, without what is secret."""

    level: Literal["CLCRED", "SRVCRED", "OBEX", "HTTP"]
    type: Literal[
        "HTTP-BASIC",
        "HTTP-DIGEST",
        "BASIC",
        "DIGEST",
        "HMAC",
        "X509",
        "SECURID",
        "SAFEWORD",
        "DIGIPASS",
        "TRANSPORT",
    ]
    name: str | None = Field(description="AAuthName.")
    has_secret: bool
    has_certificate: bool


class AccountForm(_Form):
    """One account: a server that may manage this device."""

    server_id: str
    name: str | None = Field(description="Display name.")
    node: str = Field(description="Name of the account's node; empty when the device is to choose it.")
    origin: OriginForm | None
    addresses: list[AddressForm]
    auth: list[AuthForm]


class AccountsAnswer(_Form):
    """Every account of the card, in the card's order."""

    provenance: Provenance
    accounts: list[AccountForm]
    warnings: list[str] = Field(description="What was odd on the card, in words.")


class AccountAnswer(_Form):
    """One account."""

    provenance: Provenance
    account: AccountForm


# Verdicts ------------------------------------------------------------------------------------------------------------


class SignatureForm(_Form):
    """Who signed."""

    algorithm: str
    key_origin: str = Field(description="Where the trusted key that made it was found.")


class TransportForm(_Form):
    """How the message came."""

    kind: Literal["local", "wap", "http", "sip"]
    evidence: str


class StepForm(_Form):
    """One step that was passed."""

    step: int = Field(ge=0, le=12)
    name: str
    established: str


class ContentForm(_Form):
    """The judgement about one item's content."""

    place: str
    target: str | None
    verdict: Literal["signed", "opened", "refused"]
    encryption: str | None
    algorithm: str | None
    key_origin: str | None
    rule: str | None
    detail: str | None


class Verdict(_Form):
    """Authorized or refused, and why: as `smartcard-dm verify --json`."""

    verdict: Literal["authorized", "refused"]
    step: int = Field(ge=0, le=12, description="The last step, or the one that refused (docs/verification.md).")
    rule: str | None = Field(description="The rule that was broken; null when authorized.")
    clause: str | None
    scr: str | None
    place: str | None
    detail: str
    server_id: str | None
    account: str | None
    considered: list[str]
    signature: SignatureForm | None
    transport: TransportForm | None
    commands: int | None = Field(ge=0)
    steps: list[StepForm]
    content: list[ContentForm]


class ReportRow(_Form):
    """What became of one command."""

    cmd_id: str
    command: str
    target: str | None
    status: int
    status_text: str
    detail: str | None


class NodeStateForm(_Form):
    """A node before or after; the value of a secret one is null."""

    format: str
    value: str | None
    secret: bool
    acl: str | None
    type: str | None
    title: str | None


class ChangeForm(_Form):
    """One node that changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    uri: str
    change: Literal["added", "changed", "removed", "renamed"]
    from_: str | None = Field(alias="from")
    before: NodeStateForm | None
    after: NodeStateForm | None


class RewrittenForm(_Form):
    """A reference that was rewritten."""

    uri: str
    before: str
    after: str


class SkippedForm(_Form):
    """What was left out."""

    uri: str
    what: str
    why: str


class TreeEventForm(_Form):
    """What the device was told of."""

    event: Literal["account-added", "account-removed", "exec-requested", "session-wanted"]
    server_id: str
    uri: str | None = None
    correlator: str | None = None


class ApplyVerdict(Verdict):
    """The verdict, and what became of the message in the tree: as `smartcard-dm apply --json`."""

    sync: None = Field(description="Always null: the agent takes in a card when it comes, not with a message.")
    report: list[ReportRow]
    diff: list[ChangeForm]
    rewritten: list[RewrittenForm]
    skipped: list[SkippedForm]
    warnings: list[str]
    events: list[TreeEventForm]
    dry_run: bool


class VerifyAnswer(_Form):
    """The verdict on a message; refused is an answer like authorized."""

    provenance: Provenance
    verdict: Verdict


class ApplyAnswer(_Form):
    """The verdict on a message, and its effects."""

    provenance: Provenance
    verdict: ApplyVerdict


# A client authenticates itself ---------------------------------------------------------------------------------------


class _AuthenticateRequest(_Form):
    server_id: ServerIdText
    level: Literal["CLCRED"] = Field(
        default="CLCRED",
        description="Whose credentials: the client's own. With those of SRVCRED a client could speak as the server.",
    )


class BasicRequest(_AuthenticateRequest):
    """Credentials of syncml:auth-basic. They are the secret in another spelling: the agent must allow them."""

    type: Literal["basic"]


class Md5Request(_AuthenticateRequest):
    """The digest of syncml:auth-md5."""

    type: Literal["md5"]
    nonce: Octets | None = Field(
        default=None, description="The server's nonce, Base64; left out: the account's own (AAuthData)."
    )


class HmacRequest(_AuthenticateRequest):
    """The transport header of syncml:auth-MAC."""

    type: Literal["hmac"]
    nonce: Octets | None = Field(
        default=None, description="The server's nonce, Base64; left out: the account's own (AAuthData)."
    )
    body: Octets = Field(description="The message as it will be sent, octet for octet, Base64.")
    spelling: Literal["octets", "hex-text"] = Field(
        default="octets",
        description="What the MAC's Base64 holds: its 16 octets, or, as the example of the standard has it, their 32 "
        "hexadecimal digits.",
    )


AuthenticateRequest = Annotated[BasicRequest | Md5Request | HmacRequest, Field(discriminator="type")]
AUTHENTICATE: Final[TypeAdapter[BasicRequest | Md5Request | HmacRequest]] = TypeAdapter(AuthenticateRequest)


class HeaderForm(_Form):
    """A header of the transport."""

    name: Literal["x-syncml-hmac"]
    value: str = Field(description="The whole value.")


class Authentication(_Form):
    """What the client sends to its server."""

    type: Literal["basic", "md5", "hmac"]
    level: Literal["CLCRED"]
    name: str = Field(description="AAuthName: the user's name.")
    scheme: Literal["syncml:auth-basic", "syncml:auth-md5", "syncml:auth-MAC"] = Field(
        description="Cred/Meta/Type; its Format is b64."
    )
    value: str | None = Field(description="Cred/Data; null for hmac.")
    header: HeaderForm | None = Field(description="For hmac only.")


class AuthenticateAnswer(_Form):
    """What was computed inside."""

    provenance: Provenance
    server_id: str
    authentication: Authentication


# Secrets -------------------------------------------------------------------------------------------------------------


class SecretRequest(_Form):
    """Which secrets, and what for."""

    server_id: ServerIdText
    level: Literal["CLCRED", "SRVCRED", "OBEX", "HTTP"] = Field(default="CLCRED", description="AAuthLevel.")
    purpose: Annotated[str, Field(min_length=1, max_length=200, pattern=PRINTABLE)] | None = Field(
        default=None, description="What for, in words: it goes into the audit.", examples=["test bench"]
    )


class SecretForm(_Form):
    """One set of credentials with what is secret."""

    level: Literal["CLCRED", "SRVCRED", "OBEX", "HTTP"]
    type: str
    name: str | None
    secret: str | None = Field(description="AAuthSecret, Base64.")
    data: str | None = Field(description="AAuthData where it is no certificate, Base64.")


class SecretAnswer(_Form):
    """Secrets of one account."""

    provenance: Provenance
    server_id: str
    secrets: list[SecretForm]


SECRET: Final[TypeAdapter[SecretRequest]] = TypeAdapter(SecretRequest)


# Events --------------------------------------------------------------------------------------------------------------


class EventForm(_Form):
    """The data of one server-sent event."""

    id: str = Field(description="As the field `id`: EPOCH-N.")
    kind: Literal[
        "card-inserted",
        "card-removed",
        "card-changed",
        "card-unreadable",
        "card-locked",
        "reader-lost",
        "reader-back",
        "account-added",
        "account-removed",
        "account-changed",
        "gap",
    ] = Field(description="As the field `event`. gap: events were lost; read everything again.")
    at: str = Field(description="When it was noticed, UTC.")
    generation: int = Field(ge=0, description="The generation that began with it, or that it belongs to.")
    subject: str | None = Field(description="ServerID of an account, ICCID of a card; null where there is neither.")
    data: dict[str, object] = Field(description="What goes with the kind.")
    provenance: Provenance
