"""READ and UPDATE of transparent and record files. Spec: TS 102 221, 8.2 and 11.1.3 to 11.1.6."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.apdu import Answer, AnswerKind, Command
from vendor_pcsc.virtual.model import Lifecycle, Structure
from vendor_pcsc.virtual.status import SW, StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.file_system import EfNode, Selection
    from vendor_pcsc.virtual.state import CardState

# P2 of the record commands, bits 3-1. Spec: TS 102 221, 11.1.5.
_NEXT: Final = 0x02
_PREVIOUS: Final = 0x03
_ABSOLUTE: Final = 0x04
_SHORT_IDS: Final = range(1, 31)


def read_binary(state: CardState, command: Command) -> Answer:
    """Read octets of a transparent file from an offset; at or beyond its end 6B00. Spec: TS 102 221, 11.1.3."""
    command.refuse_data()
    selection, ef, offset = _transparent(state, command)
    state.require(ef.definition.rule.read)
    if offset >= len(ef.content):
        raise StatusError(SW.WRONG_OFFSET)
    return Answer(
        ef.content[offset:], kind=AnswerKind.OCTETS, effect=partial(state.channels.select, command.channel, selection)
    )


def update_binary(state: CardState, command: Command) -> Answer:
    """Replace octets of a transparent file. Spec: TS 102 221, 11.1.4."""
    selection, ef, offset = _transparent(state, command)
    state.require(ef.definition.rule.update)
    if offset >= len(ef.content):
        raise StatusError(SW.WRONG_OFFSET)
    if not command.data or offset + len(command.data) > len(ef.content):
        raise StatusError(SW.WRONG_LENGTH)
    ef.write(offset, command.data)
    state.channels.select(command.channel, selection)
    return Answer()


def read_record(state: CardState, command: Command) -> Answer:
    """Read one whole record. Spec: TS 102 221, 11.1.5.

    Next and previous move the record pointer (the first or last record when it is not set); absolute does not.
    """
    command.refuse_data()
    selection, ef = _record_file(state, command)
    state.require(ef.definition.rule.read)
    number, moved = _record_number(command, selection, ef)
    effect = partial(state.channels.select, command.channel, moved)
    return Answer(ef.record(number), kind=AnswerKind.RECORD, effect=effect)


def update_record(state: CardState, command: Command) -> Answer:
    """Replace one whole record; a cyclic file takes only a new newest one. Spec: TS 102 221, 11.1.6."""
    selection, ef = _record_file(state, command)
    state.require(ef.definition.rule.update)
    cyclic = ef.definition.structure is Structure.CYCLIC
    if cyclic and command.p2 & 0x07 != _PREVIOUS:
        raise StatusError(SW.WRONG_P1_P2)
    number, moved = _record_number(command, selection, ef)
    length = ef.definition.record_length
    if len(command.data) != length:
        raise StatusError(SW.WRONG_LENGTH)
    if cyclic:
        ef.push_record(command.data)
        moved = replace(moved, record=1)
    else:
        ef.write((number - 1) * length, command.data)
    state.channels.select(command.channel, moved)
    return Answer()


def _transparent(state: CardState, command: Command) -> tuple[Selection, EfNode, int]:
    if command.p1 & 0x80:
        if command.p1 & 0x60 or command.p1 & 0x1F not in _SHORT_IDS:
            raise StatusError(SW.WRONG_P1_P2)
        selection, ef = _by_short_id(state, command, command.p1 & 0x1F)
        offset = command.p2
    else:
        selection, ef = _current(state, command)
        offset = command.p1 << 8 | command.p2
    if ef.definition.structure is not Structure.TRANSPARENT:
        raise StatusError(SW.WRONG_FILE_STRUCTURE)
    _refuse_deactivated(ef)
    return selection, ef, offset


def _record_file(state: CardState, command: Command) -> tuple[Selection, EfNode]:
    short_id = command.p2 >> 3
    if short_id == 0:
        selection, ef = _current(state, command)
    elif short_id in _SHORT_IDS:
        selection, ef = _by_short_id(state, command, short_id)
    else:
        raise StatusError(SW.WRONG_P1_P2)
    if ef.definition.structure is Structure.TRANSPARENT:
        raise StatusError(SW.WRONG_FILE_STRUCTURE)
    _refuse_deactivated(ef)
    return selection, ef


def _current(state: CardState, command: Command) -> tuple[Selection, EfNode]:
    selection = state.channels.selection(command.channel)
    if selection.ef is None:
        raise StatusError(SW.NO_EF_SELECTED)
    return selection, selection.ef


def _by_short_id(state: CardState, command: Command, short_id: int) -> tuple[Selection, EfNode]:
    selection = state.channels.selection(command.channel)
    ef = selection.directory.by_short_id(short_id)
    if ef is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    return selection.moved_to(ef), ef


def _refuse_deactivated(ef: EfNode) -> None:
    if ef.definition.lifecycle is Lifecycle.DEACTIVATED:
        raise StatusError(SW.DATA_INVALIDATED)


def _record_number(command: Command, selection: Selection, ef: EfNode) -> tuple[int, Selection]:
    """Return the record meant, and the selection after the pointer has moved."""
    mode = command.p2 & 0x07
    if mode == _ABSOLUTE:
        number = command.p1 or selection.record
        if number is None or number > ef.definition.record_count:
            raise StatusError(SW.RECORD_NOT_FOUND)
        return number, selection
    if mode not in {_NEXT, _PREVIOUS} or command.p1:
        raise StatusError(SW.WRONG_P1_P2)
    number = ef.neighbour(selection.record, forward=mode == _NEXT)
    if number is None:
        raise StatusError(SW.RECORD_NOT_FOUND)
    return number, replace(selection, record=number)
