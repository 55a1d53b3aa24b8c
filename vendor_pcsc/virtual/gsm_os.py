"""What a card does as a SIM: class A0, T=0 style. Spec: TS 51.011."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from vendor_pcsc.virtual.apdu import Command, parse_apdu
from vendor_pcsc.virtual.gsm_chv import change_chv, disable_chv, enable_chv, unblock_chv, verify_chv
from vendor_pcsc.virtual.gsm_files import read_binary, read_record, update_binary, update_record
from vendor_pcsc.virtual.gsm_select import get_response, select, status
from vendor_pcsc.virtual.gsm_state import GsmState
from vendor_pcsc.virtual.gsm_status import GsmSW
from vendor_pcsc.virtual.status import StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.state import CardState

GSM_CLASS: Final = 0xA0
"""The one class of a SIM. Spec: TS 51.011, 9.2."""

_Run: TypeAlias = Callable[[GsmState, Command], bytes]

GSM_INSTRUCTIONS: Final[dict[int, _Run]] = {
    0x20: verify_chv,
    0x24: change_chv,
    0x26: disable_chv,
    0x28: enable_chv,
    0x2C: unblock_chv,
    0xA4: select,
    0xB0: read_binary,
    0xB2: read_record,
    0xC0: get_response,
    0xD6: update_binary,
    0xDC: update_record,
    0xF2: status,
}
"""Commands of a SIM. Spec: TS 51.011, 9.2, Table 9."""


class GsmSystem:
    """The commands of a SIM at work on the card's state."""

    def __init__(self, card: CardState) -> None:
        self._state = GsmState(card)

    def reset(self) -> None:
        """Select the MF and forget what a terminal was to fetch."""
        self._state.reset()

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU: 6700 for octets short of a header, then 6E00 for any class but A0."""
        self._state.begin_command()
        try:
            return self._run(apdu)
        except StatusError as error:
            return error.sw.to_bytes(2)

    def _run(self, apdu: bytes) -> bytes:
        if len(apdu) < 4:
            raise StatusError(GsmSW.WRONG_P3)
        if apdu[0] != GSM_CLASS:
            raise StatusError(GsmSW.UNKNOWN_CLASS)
        # A header alone has P3 00; an Le after command data says nothing here.
        command = parse_apdu(apdu if len(apdu) != 4 else apdu + b"\x00", extended=False)
        run = GSM_INSTRUCTIONS.get(command.ins)
        if run is None:
            raise StatusError(GsmSW.UNKNOWN_INSTRUCTION)
        return run(self._state, command)
