"""The card itself: octets in, octets out.

::

    VirtualCard -> UiccSystem   generation uicc
                -> GsmSystem    generations sim and ruim
                -> DualSystem   generation uicc-2g: one of the two, until the next reset

Guarantees: `process` answers every octet string with at least a status word and never raises; one command runs at
a time. Leaves to `CardConnection` implementations: what happens when the card is gone.
"""

from __future__ import annotations

from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from vendor_pcsc.virtual.dual_os import DualSystem
from vendor_pcsc.virtual.gsm_os import GsmSystem
from vendor_pcsc.virtual.model import Generation
from vendor_pcsc.virtual.state import CardState
from vendor_pcsc.virtual.uicc_os import UiccSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor_pcsc.virtual.model import Profile


class OperatingSystem(Protocol):
    """The commands of one generation at work on a card's state."""

    def reset(self) -> None:
        """Forget what belongs to the session."""

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU to any octets."""


_SYSTEMS: Final[Mapping[Generation, Callable[[CardState], OperatingSystem]]] = MappingProxyType(
    {
        Generation.SIM: GsmSystem,
        Generation.RUIM: GsmSystem,
        Generation.UICC: UiccSystem,
        Generation.UICC_2G: DualSystem,
    }
)


class VirtualCard:
    """A card of any generation run from a profile.

    File contents, PIN values and counters live as long as this object; selections, channels and verified PINs end
    with each reset. The profile's faults are not this card's business: see `faulty_card`.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.exclusive = RLock()
        """Held while a command runs; whoever holds it has the card alone."""
        self._state = CardState(profile)
        self._system = _SYSTEMS[profile.generation](self._state)

    def __repr__(self) -> str:
        return f"VirtualCard({self.profile.name!r})"

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU (data, SW1, SW2) to any octets; what is no APDU is answered 6700."""
        with self.exclusive:
            return self._system.process(apdu)

    def reset(self) -> bytes:
        """Reset the card and return the ATR. Spec: TS 102 221, 8.7."""
        with self.exclusive:
            self._state.reset()
            self._system.reset()
            return self.profile.atr
