"""What came over a push, as every listener hands it on.

Guarantees: octets as they came, and the record of the way they came. Leaves to its caller: reading them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.trust.transport import Transport, TransportKind

DM_WBXML: Final = "application/vnd.syncml.dm+wbxml"
CP_WBXML: Final = "application/vnd.wap.connectivity-wbxml"
APPLICATION_ID: Final = "x-wap-application:syncml.dm"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One pushed document."""

    octets: bytes
    content_type: str
    """Media type in lower case, without parameters: `DM_WBXML` or `CP_WBXML`; nothing else is handed on."""
    transport: Transport
    source: str
    """Who seems to have sent it, for people: an address as the envelope says it, never proved by itself."""


class Inlet(Protocol):
    """Where a listener puts what came; both calls may come from any thread and return at once."""

    def take(self, arrival: Arrival) -> bool:
        """Take a document; False when there is no room for it now, and it is lost to the listener's sender."""

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Take note of an envelope that holds no document that could be handed on."""


class Drain(Protocol):
    """Where what a listener took in another process is put; its senders were told so, and nothing is turned away."""

    @property
    def ended(self) -> bool:
        """Whether the listener is to take nothing more."""

    def promised(self, arrival: Arrival) -> None:
        """Take a document."""

    def promised_refusal(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Take note of an envelope that holds no document that could be handed on."""

    def missed(self, count: int) -> None:
        """Take note of how many there was no room for."""

    def when_done(self, tell: Callable[[int], None]) -> None:
        """Have it told, from any thread, how many of what came have just been dealt with."""


class Stop(Protocol):
    """Tells a listener when to end."""

    def is_set(self) -> bool:
        """Whether it is to end now; asked some times a second, by the thread that listens."""
