"""Answers of an agent as frozen values.

Guarantees: every value is immutable; a secret is a `Secret`; what a later agent adds is ignored where it is a field
and kept as it stands where it is a word, such as the kind of an event. Leaves to its caller: how long an answer is
kept; `Provenance.cache` says whether it may be at all.

Spec: docs/agent.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from smartcard_dm.identity import Origin
    from smartcard_dm.secret import Secret


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer comes from, and how long it holds."""

    origin: str
    """The card URI the agent was started with."""
    card_id: str | None
    """The ICCID of the card, digits; None while there is none that can be read."""
    generation: int
    """Grows whenever what is there changes; never the same in two lives of an agent."""
    state: str
    """"present", "absent", "unreadable", "locked", "service-lost" or "starting"."""
    not_after: datetime | None
    """When the answer ends by itself, in UTC; None: only an event ends it."""
    cache: str
    """"no-store": for this moment only; "until-event": until the next event of the agent."""
    event_id: str
    """The event to go on from, so that `watch(after=...)` misses nothing."""


@dataclass(frozen=True, slots=True)
class CardView:
    """Who the card is."""

    iccid: str | None
    """The ICCID, digits."""
    generation: str
    """"sim", "uicc", "uicc-2g" or "ruim"."""
    atr: str
    """The answer to reset, hexadecimal."""


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """The identity and the state of the card."""

    provenance: Provenance
    card: CardView | None
    """None while no card can be read."""
    state: str
    """As in the provenance."""
    reason: str
    """Why, in words."""
    since: datetime
    """Since when, in UTC."""


@dataclass(frozen=True, slots=True)
class AddressView:
    """One address of a server."""

    addr: str
    """As the account has it."""
    type: str
    """Its AddrType, such as "URI"."""
    ports: tuple[int, ...]
    """Ports to try."""


@dataclass(frozen=True, slots=True)
class AuthView:
    """One way of an account to authenticate; never its secret."""

    level: str
    """AAuthLevel: "CLCRED", "SRVCRED", "HTTP" or "OBEX"."""
    type: str
    """AAuthType, such as "HMAC"."""
    name: str | None
    """AAuthName."""
    has_secret: bool
    """Whether a secret is there."""
    has_certificate: bool
    """Whether a certificate is there."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account of the card, without its secrets."""

    server_id: str
    """The ServerID."""
    name: str | None
    """The name shown to users."""
    node: str | None
    """The name of its node."""
    origin: Origin | None
    """Where on the card it was found."""
    addresses: tuple[AddressView, ...]
    """Where the server is."""
    auth: tuple[AuthView, ...]
    """How either side proves who it is."""


@dataclass(frozen=True, slots=True)
class AccountsAnswer:
    """Every account of the card."""

    provenance: Provenance
    accounts: tuple[AccountView, ...]
    """In the card's order."""
    warnings: tuple[str, ...]
    """What on the card was left out, and why."""


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """One account of the card."""

    provenance: Provenance
    account: AccountView
    """The account."""


@dataclass(frozen=True, slots=True)
class VerdictAnswer:
    """The verdict on a message, and for `apply` what it did."""

    provenance: Provenance
    authorized: bool
    """Whether the message was authorized; nothing else says so."""
    detail: str
    """Why, in words."""
    step: int
    """The last step that passed, or the one that refused."""
    rule: str | None
    """The rule that was broken; None when authorized."""
    server_id: str | None
    """The ServerID the message claims; proved only when authorized."""
    form: Mapping[str, object]
    """The whole verdict, in the form of `smartcard-dm verify --json` or `apply --json`."""


@dataclass(frozen=True, slots=True)
class AuthenticationAnswer:
    """What a client sends to a server to prove who it is; computed by the agent."""

    provenance: Provenance
    server_id: str
    """For whom."""
    type: str
    """"basic", "md5" or "hmac"."""
    level: str
    """The level of the entry that was used."""
    name: str | None
    """The user name (AAuthName)."""
    scheme: str
    """The type of the credential, such as "syncml:auth-md5"."""
    value: Secret | None
    """Base64 text for Cred/Data; None for hmac. For basic it is the secret itself in another spelling."""
    header: tuple[str, Secret] | None
    """Name and value of the HTTP header; None but for hmac."""


@dataclass(frozen=True, slots=True)
class SecretView:
    """The secret of one entry of an account."""

    level: str
    """AAuthLevel."""
    type: str
    """AAuthType."""
    name: str | None
    """AAuthName."""
    secret: Secret | None
    """The octets of AAuthSecret."""
    data: Secret | None
    """The octets of AAuthData."""


@dataclass(frozen=True, slots=True)
class SecretAnswer:
    """Secrets that left the agent by its operator's leave; the agent noted it."""

    provenance: Provenance
    server_id: str
    """Whose."""
    secrets: tuple[SecretView, ...]
    """Every entry of the level that was asked for."""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One thing that happened at the agent's card."""

    id: str
    """The event's name, "EPOCH-N": `watch(after=id)` goes on behind it."""
    kind: str
    """Such as "card-removed" (docs/agent.md lists them). "gap": events are lost; read everything again, then go on."""
    at: datetime
    """When, in UTC."""
    generation: int
    """The generation since then."""
    subject: str | None
    """What it is about: a ServerID or a reader; None for the card itself."""
    data: Mapping[str, object]
    """More, by kind."""
    provenance: Provenance | None = field(default=None)
    """What held when it was sent; None where the agent does not say."""

    @property
    def is_gap(self) -> bool:
        """Whether events are lost, so that all that was read before counts for nothing."""
        return self.kind == "gap"
