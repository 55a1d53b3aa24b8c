"""READ and UPDATE of a SIM. Spec: TS 51.011, 9.2.3 to 9.2.6."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.gsm_state import completed, require_data, wanted_length
from vendor_pcsc.virtual.gsm_status import GsmSW, right_p3
from vendor_pcsc.virtual.model import Lifecycle, Structure
from vendor_pcsc.virtual.status import StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.apdu import Command
    from vendor_pcsc.virtual.file_system import EfNode
    from vendor_pcsc.virtual.gsm_state import GsmState
    from vendor_pcsc.virtual.model import Condition

# P2 of the record commands. Spec: TS 51.011, 9.2.5.
_NEXT: Final = 0x02
_PREVIOUS: Final = 0x03
_ABSOLUTE: Final = 0x04


def read_binary(state: GsmState, command: Command) -> bytes:
    """Read octets of a transparent file from a 16-bit offset: 9402 at or beyond its end, 67xx across it."""
    wanted = wanted_length(command)
    ef = _current(state, transparent=True)
    _require(state, ef, ef.definition.rule.read)
    offset, rest = _place(ef, command)
    if wanted > rest:
        raise StatusError(right_p3(rest))
    return completed(ef.content[offset : offset + wanted])


def update_binary(state: GsmState, command: Command) -> bytes:
    """Replace octets of a transparent file."""
    if not command.data:
        raise StatusError(GsmSW.WRONG_P3)
    ef = _current(state, transparent=True)
    _require(state, ef, ef.definition.rule.update)
    offset, rest = _place(ef, command)
    if len(command.data) > rest:
        raise StatusError(right_p3(rest))
    ef.write(offset, command.data)
    return completed()


def read_record(state: GsmState, command: Command) -> bytes:
    """Read one whole record; next and previous move the record pointer."""
    _require_mode(command)
    wanted = wanted_length(command)
    ef = _current(state, transparent=False)
    _require(state, ef, ef.definition.rule.read)
    if wanted != ef.definition.record_length:
        raise StatusError(right_p3(ef.definition.record_length))
    return completed(ef.record(_move(state, ef, command)))


def update_record(state: GsmState, command: Command) -> bytes:
    """Replace one whole record; a cyclic file takes only a new newest one, in mode previous."""
    _require_mode(command)
    ef = _current(state, transparent=False)
    cyclic = ef.definition.structure is Structure.CYCLIC
    if cyclic and command.p2 != _PREVIOUS:
        raise StatusError(GsmSW.WRONG_P1_P2)
    _require(state, ef, ef.definition.rule.update)
    require_data(command, ef.definition.record_length)
    number = _move(state, ef, command)
    if cyclic:
        ef.push_record(command.data)
        state.selection = replace(state.selection, record=1)
    else:
        ef.write((number - 1) * ef.definition.record_length, command.data)
    return completed()


def _current(state: GsmState, *, transparent: bool) -> EfNode:
    ef = state.selection.ef
    if ef is None:
        raise StatusError(GsmSW.NO_EF_SELECTED)
    if (ef.definition.structure is Structure.TRANSPARENT) is not transparent:
        raise StatusError(GsmSW.WRONG_FILE_TYPE)
    return ef


def _require(state: GsmState, ef: EfNode, condition: Condition) -> None:
    """Answer 9810 for an invalidated file, then 9804 unless the access condition is fulfilled."""
    if ef.definition.lifecycle is Lifecycle.DEACTIVATED:
        raise StatusError(GsmSW.INVALIDATED)
    if not state.card.fulfilled(condition):
        raise StatusError(GsmSW.NOT_FULFILLED)


def _place(ef: EfNode, command: Command) -> tuple[int, int]:
    """Return offset and count of octets from there; answer 9402 when there are none."""
    offset = command.p1 << 8 | command.p2
    rest = len(ef.definition.content) - offset
    if rest <= 0:
        raise StatusError(GsmSW.OUT_OF_RANGE)
    return offset, rest


def _require_mode(command: Command) -> None:
    if command.p2 not in {_NEXT, _PREVIOUS, _ABSOLUTE}:
        raise StatusError(GsmSW.WRONG_P1_P2)


def _move(state: GsmState, ef: EfNode, command: Command) -> int:
    """Return the record meant, the pointer moved; P1 counts in absolute mode only, 00 is the current record."""
    pointer = state.selection.record
    if command.p2 == _ABSOLUTE:
        number = command.p1 or pointer
        if number is None or number > ef.definition.record_count:
            raise StatusError(GsmSW.OUT_OF_RANGE)
        return number
    number = ef.neighbour(pointer, forward=command.p2 == _NEXT)
    if number is None:
        raise StatusError(GsmSW.OUT_OF_RANGE)
    state.selection = replace(state.selection, record=number)
    return number
