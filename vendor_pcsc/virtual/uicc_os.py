"""What a card does as a UICC: classes 0X, 4X, 8X and CX. Spec: TS 102 221."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.apdu import Answer, Command, parse_class
from vendor_pcsc.virtual.files_io import read_binary, read_record, update_binary, update_record
from vendor_pcsc.virtual.pin_commands import change_pin, disable_pin, enable_pin, unblock_pin, verify_pin
from vendor_pcsc.virtual.selecting import manage_channel, select, status
from vendor_pcsc.virtual.status import SW, StatusError
from vendor_pcsc.virtual.wire import wire_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor_pcsc.virtual.state import CardState


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an instruction octet does, and in which family of classes."""

    run: Callable[[CardState, Command], Answer]
    proprietary: bool = False
    """True: classes 8X, CX, EX; False: 0X, 4X, 6X."""


INSTRUCTIONS: Final = {
    0x20: Instruction(verify_pin),
    0x24: Instruction(change_pin),
    0x26: Instruction(disable_pin),
    0x28: Instruction(enable_pin),
    0x2C: Instruction(unblock_pin),
    0x70: Instruction(manage_channel),
    0xA4: Instruction(select),
    0xB0: Instruction(read_binary),
    0xB2: Instruction(read_record),
    0xD6: Instruction(update_binary),
    0xDC: Instruction(update_record),
    0xF2: Instruction(status, proprietary=True),
}
"""Commands of a UICC; GET RESPONSE belongs to the wire. Spec: TS 102 221, 10.1.2."""


class UiccSystem:
    """The commands of a UICC at work on the card's state."""

    def __init__(self, state: CardState) -> None:
        self._state = state
        self._wire = wire_for(state.profile)

    def reset(self) -> None:
        """Forget what a terminal was to fetch."""
        self._wire.reset()

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU; what is no APDU is answered 6700."""
        try:
            command = self._wire.parse(apdu)
            return self._wire.deliver(command, self._run(command))
        except StatusError as error:
            return error.sw.to_bytes(2)

    def _run(self, command: Command) -> Answer:
        """Check class, channel and instruction, in this order, and run the command."""
        class_byte = parse_class(command.cla)
        self._state.channels.selection(class_byte.channel)
        fetched = None if class_byte.proprietary else self._wire.fetch(command)
        if fetched is not None:
            return fetched
        instruction = INSTRUCTIONS.get(command.ins)
        if instruction is None:
            raise StatusError(SW.UNKNOWN_INSTRUCTION)
        if instruction.proprietary is not class_byte.proprietary:
            raise StatusError(SW.UNKNOWN_CLASS)
        return instruction.run(self._state, command)
