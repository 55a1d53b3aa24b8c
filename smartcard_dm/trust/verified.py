"""What the verifier returns: the only thing callers may trust.

Guarantees: a `VerifiedMessage` is built only by the verifier, only from the octets whose digest was signed; its
commands are read from those octets and from nothing else, when they are asked for and once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, final

from smartcard_dm.dm import walk_commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from smartcard_dm.dm import DmAccount, DmMessage, ServerId
    from smartcard_dm.rules import Step
    from smartcard_dm.trust.content import ContentTrust
    from smartcard_dm.trust.transport import Transport
    from smartcard_dm.xmlsec.algorithms import SignatureAlgorithm

SEAL: Final = object()
"""Held by the verifier; without it no VerifiedMessage can be built."""


class StepPassed(NamedTuple):
    """One step of the verification order, with what it established."""

    step: Step
    established: str


@dataclass(frozen=True, slots=True)
class SignatureEvidence:
    """Who signed, and how."""

    algorithm: SignatureAlgorithm
    """Of the signature value."""
    key_origin: str
    """Where the trusted key that made it was found."""


@final
class VerifiedMessage:
    """A sessionless message that passed every step.

    Raises:
        TypeError: on construction by anybody but the verifier.
    """

    __slots__ = (
        "_account",
        "_at",
        "_content",
        "_digest",
        "_judge",
        "_message",
        "_octets",
        "_read",
        "_signature",
        "_steps",
        "_transport",
    )

    def __init__(
        self,
        seal: object,
        *,
        account: DmAccount,
        read: Callable[[], DmMessage],
        judge: Callable[[DmMessage], tuple[ContentTrust, ...]],
        octets: bytes,
        digest: bytes,
        signature: SignatureEvidence,
        transport: Transport,
        at: datetime,
        steps: tuple[StepPassed, ...],
    ) -> None:
        if seal is not SEAL:
            raise TypeError("only the verifier builds a VerifiedMessage")
        self._account = account
        self._read = read
        self._message: DmMessage | None = None
        self._judge = judge
        self._content: tuple[ContentTrust, ...] | None = None
        self._octets = octets
        self._digest = digest
        self._signature = signature
        self._transport = transport
        self._at = at
        self._steps = steps

    def __repr__(self) -> str:
        return f"VerifiedMessage(server_id={str(self.server_id)!r}, octets={len(self._octets)})"

    @property
    def server_id(self) -> ServerId:
        """The ServerID of the one matching account: the one for all ACL decisions. Spec: sessionless draft 5.5."""
        return self._account.server_id

    @property
    def account(self) -> DmAccount:
        """The one account that has the message's ServerID."""
        return self._account

    @property
    def account_name(self) -> str:
        """The account in words: its node and where it came from."""
        return describe_account(self._account)

    @property
    def message(self) -> DmMessage:
        """The message, read from the verified octets at the first time of asking (step 12).

        Raises:
            VerificationError: rule `commands.malformed`: its server signed what no device could process.
        """
        if self._message is None:
            self._message = self._read()
        return self._message

    @property
    def content_trust(self) -> tuple[ContentTrust, ...]:
        """Who vouches for signed or encrypted content of items, apart from this message; raises as `message`.

        It is judged at the first time of asking, and changes nothing: content that is refused is still an item of a
        verified message.
        """
        if self._content is None:
            self._content = self._judge(self.message)
        return self._content

    @property
    def command_count(self) -> int:
        """How many commands it holds, those inside Atomic and Sequence counted too; raises as `message`."""
        return sum(1 for _ in walk_commands(self.message.commands))

    @property
    def octets(self) -> bytes:
        """The canonical octets that commands are read from."""
        return self._octets

    @property
    def digest(self) -> bytes:
        """SHA-256 of the signed canonical octets: what a replay guard remembers."""
        return self._digest

    @property
    def signature(self) -> SignatureEvidence:
        """Who signed, and how."""
        return self._signature

    @property
    def transport(self) -> Transport:
        """How the message came."""
        return self._transport

    @property
    def at(self) -> datetime:
        """The moment it was verified for."""
        return self._at

    @property
    def steps(self) -> tuple[StepPassed, ...]:
        """Every step in order, with what it established."""
        return self._steps


def describe_account(account: DmAccount) -> str:
    """Return an account in words for a verdict: its node and where it came from."""
    return account.node_name if account.origin is None else f"{account.node_name} ({account.origin})"
