"""A UICC that can be a SIM instead: after a reset the first command decides which it is.

Guarantees: a session of one kind is never mixed with one of the other. The two share file contents and PINs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.apdu import parse_class
from vendor_pcsc.virtual.gsm_os import GSM_CLASS, GsmSystem
from vendor_pcsc.virtual.model import Activation
from vendor_pcsc.virtual.status import StatusError
from vendor_pcsc.virtual.uicc_os import UiccSystem

if TYPE_CHECKING:
    from vendor_pcsc.virtual.state import CardState


class DualSystem:
    """A UICC or a SIM, from the first command with a class of either kind until the next reset.

    What the command is answered does not matter; octets short of a header, and classes of neither kind, decide
    nothing. With activation `2g` the card is a SIM without being asked.
    """

    def __init__(self, state: CardState) -> None:
        self._gsm = GsmSystem(state)
        self._uicc = UiccSystem(state)
        self._always_gsm = state.profile.activation is Activation.GSM
        self._active: GsmSystem | UiccSystem | None = None
        self.reset()

    def reset(self) -> None:
        """Let the next command decide."""
        self._gsm.reset()
        self._uicc.reset()
        self._active = self._gsm if self._always_gsm else None

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU; the class of the other kind is unknown to the one that is active."""
        if self._active is None:
            self._active = self._chosen_by(apdu)
        return (self._active or self._uicc).process(apdu)

    def _chosen_by(self, apdu: bytes) -> GsmSystem | UiccSystem | None:
        if len(apdu) < 4:
            return None
        if apdu[0] == GSM_CLASS:
            return self._gsm
        try:
            parse_class(apdu[0])
        except StatusError:
            return None
        return self._uicc
