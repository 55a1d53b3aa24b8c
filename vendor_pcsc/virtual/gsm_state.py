"""What a SIM session is about, and the checks all its commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.file_system import Selection
from vendor_pcsc.virtual.gsm_answer import directory_answer
from vendor_pcsc.virtual.gsm_status import GsmSW, right_p3
from vendor_pcsc.virtual.status import StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.apdu import Command
    from vendor_pcsc.virtual.state import CardState


class GsmState:
    """The card's state and what is selected in a session of class A0."""

    def __init__(self, card: CardState) -> None:
        self.card = card
        self.selection = Selection(card.files.mf)
        self.waiting = b""
        """What the command before left for GET RESPONSE."""
        self.leaves = b""
        """What this command leaves."""
        self.reset()

    def reset(self) -> None:
        """Select the MF; its data wait, so that GET RESPONSE may be the first command. Spec: TS 51.011, 9.2.18."""
        self.selection = Selection(self.card.files.mf)
        self.leaves = directory_answer(self.card, self.card.files.mf)

    def begin_command(self) -> None:
        """Let what the command before left wait for this one only."""
        self.waiting, self.leaves = self.leaves, b""


def require_parameters(command: Command, *parameters: int) -> None:
    """Answer 6B00 to a P1 other than 00, or a P2 not among `parameters`."""
    if command.p1 or command.p2 not in parameters:
        raise StatusError(GsmSW.WRONG_P1_P2)


def require_data(command: Command, length: int) -> None:
    """Answer 67xx to a data field of another length."""
    if len(command.data) != length:
        raise StatusError(right_p3(length))


def wanted_length(command: Command) -> int:
    """Return the octets a command asks for, 256 for P3 00; answer 6700 when there is a data field."""
    if command.data or command.le is None:
        raise StatusError(GsmSW.WRONG_P3)
    return command.le


def completed(data: bytes = b"") -> bytes:
    """Return the response APDU of a command that was done."""
    return data + GsmSW.OK.to_bytes(2)
