"""SELECT, STATUS and GET RESPONSE of a SIM. Spec: TS 51.011, 9.2.1, 9.2.2 and 9.2.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.gsm_answer import answer_about, directory_answer, in_view
from vendor_pcsc.virtual.gsm_state import completed, require_data, require_parameters, wanted_length
from vendor_pcsc.virtual.gsm_status import GsmSW, data_waiting, right_p3
from vendor_pcsc.virtual.status import StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.apdu import Command
    from vendor_pcsc.virtual.gsm_state import GsmState


def select(state: GsmState, command: Command) -> bytes:
    """Select a file by its identifier; what is told about it waits for GET RESPONSE.

    Reached are children of the current directory, the directory itself, its parent, directories with the same
    parent, and the MF. Spec: TS 51.011, 6.5.
    """
    require_parameters(command, 0x00)
    require_data(command, 2)
    node = state.card.files.by_identifier(state.selection, int.from_bytes(command.data))
    if node is None or not in_view(node):
        raise StatusError(GsmSW.FILE_NOT_FOUND)
    state.selection = state.selection.moved_to(node)
    state.leaves = answer_about(state.card, node)
    return data_waiting(len(state.leaves)).to_bytes(2)


def status(state: GsmState, command: Command) -> bytes:
    """Tell about the current directory, whole or its first octets."""
    require_parameters(command, 0x00)
    return _first(directory_answer(state.card, state.selection.directory), wanted_length(command))


def get_response(state: GsmState, command: Command) -> bytes:
    """Hand over what the command before left, whole or its first octets; the rest is lost.

    When nothing waits the answer is 6F00. With too large a P3 the data wait on.
    """
    require_parameters(command, 0x00)
    if not state.waiting:
        raise StatusError(GsmSW.TECHNICAL_PROBLEM)
    wanted = wanted_length(command)
    if wanted > len(state.waiting):
        state.leaves = state.waiting
    return _first(state.waiting, wanted)


def _first(data: bytes, wanted: int) -> bytes:
    if wanted > len(data):
        raise StatusError(right_p3(len(data)))
    return completed(data[:wanted])
