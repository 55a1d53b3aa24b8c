"""SELECT, STATUS and MANAGE CHANNEL: the commands that move about on the card."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.apdu import Answer, Command
from vendor_pcsc.virtual.file_system import EfNode, Occurrence, Selection
from vendor_pcsc.virtual.model import CURRENT_APPLICATION_ID, MF_ID, Lifecycle
from vendor_pcsc.virtual.status import SW, StatusError
from vendor_pcsc.virtual.tlv import tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor_pcsc.virtual.file_system import Node
    from vendor_pcsc.virtual.state import CardState

# P1 of SELECT. Spec: TS 102 221, 11.1.1.2.
_BY_IDENTIFIER: Final = 0x00
_CHILD_DIRECTORY: Final = 0x01
_PARENT: Final = 0x03
_BY_NAME: Final = 0x04
_PATH_FROM_MF: Final = 0x08
_PATH_FROM_CURRENT: Final = 0x09

# P2 of SELECT. Spec: TS 102 221, 11.1.1.2.
_OCCURRENCE_BITS: Final = 0x03
_ANSWER_BITS: Final = 0x1C
_SESSION_BITS: Final = 0xE0
_ANSWER_FCI: Final = 0x00
_ANSWER_FCP: Final = 0x04
_ANSWER_NONE: Final = 0x0C
_TERMINATE: Final = 0x40

_MAX_AID: Final = 16


def select(state: CardState, command: Command) -> Answer:
    """Select a file. Spec: TS 102 221, 8.4 and 11.1.1.

    P2 00 (FCI) is answered with the FCP. A deactivated file is selected with 6283.
    """
    wanted = command.p2 & _ANSWER_BITS
    session = command.p2 & _SESSION_BITS
    if wanted not in {_ANSWER_FCI, _ANSWER_FCP, _ANSWER_NONE} or session not in {0, _TERMINATE}:
        raise StatusError(SW.WRONG_P1_P2)
    if command.p1 == _BY_NAME:
        return _select_by_name(state, command, wanted, terminate=session == _TERMINATE)
    way = _WAYS.get(command.p1)
    if way is None or session or command.p2 & _OCCURRENCE_BITS:
        raise StatusError(SW.WRONG_P1_P2)
    if state.profile.quirks.no_path_select and command.p1 in {_PATH_FROM_MF, _PATH_FROM_CURRENT}:
        raise StatusError(SW.WRONG_P1_P2)
    channel = command.channel
    selection = state.channels.selection(channel)
    node = way(state, selection, command.data)
    if node is None:
        raise StatusError(SW.FILE_NOT_FOUND)
    return _selected(state, channel, node, selection.moved_to(node), wanted)


def status(state: CardState, command: Command) -> Answer:
    """Tell about the current directory or application. Spec: TS 102 221, 11.1.2."""
    command.refuse_data()
    if command.p1 > 0x02:
        raise StatusError(SW.WRONG_P1_P2)
    selection = state.channels.selection(command.channel)
    if command.p2 == 0x00:
        return Answer(state.fcp(selection.directory))
    if command.p2 == 0x01:
        aid = selection.application.definition.aid if selection.application else None
        if aid is None:
            raise StatusError(SW.REFERENCE_NOT_FOUND)
        return Answer(tlv(0x84, aid))
    if command.p2 == 0x0C:
        return Answer()
    raise StatusError(SW.WRONG_P1_P2)


def manage_channel(state: CardState, command: Command) -> Answer:
    """Open or close a logical channel. Spec: TS 102 221, 11.1.17."""
    command.refuse_data()
    origin = command.channel
    if command.p1 == 0x00 and command.p2 == 0x00:
        if command.le is None:
            raise StatusError(SW.WRONG_LENGTH)  # the terminal would never learn the number
        assigned = state.channels.first_free()
        return Answer(bytes([assigned]), effect=partial(state.channels.open, assigned, origin))
    if command.p1 == 0x00:
        state.channels.require_free(command.p2)
        return Answer(effect=partial(state.channels.open, command.p2, origin))
    if command.p1 == 0x80:
        closed = command.p2 or origin
        if closed == 0:
            raise StatusError(SW.WRONG_P1_P2)  # the basic channel stays open
        state.channels.selection(closed)
        return Answer(effect=partial(state.channels.close, closed))
    raise StatusError(SW.WRONG_P1_P2)


def _select_by_name(state: CardState, command: Command, wanted: int, *, terminate: bool) -> Answer:
    quirks = state.profile.quirks
    if quirks.no_aid_select or (quirks.no_p2_0c_with_aid and wanted == _ANSWER_NONE):
        raise StatusError(SW.WRONG_P1_P2)
    if not 1 <= len(command.data) <= _MAX_AID:
        raise StatusError(SW.WRONG_LENGTH)
    channel = command.channel
    selection = state.channels.selection(channel)
    active = selection.application
    if terminate:
        # The session of the channel's own application ends; its MF is current then, and there is nothing to tell.
        if active is None or not (active.definition.aid or b"").startswith(command.data):
            raise StatusError(SW.FILE_NOT_FOUND)
        return Answer(effect=partial(state.channels.select, channel, Selection(state.files.mf)))
    node = state.files.by_name(command.data, Occurrence(command.p2 & _OCCURRENCE_BITS), active)
    if node is None:
        if not quirks.accept_any_aid:
            raise StatusError(SW.FILE_NOT_FOUND)
        return _selected(state, channel, selection.directory, selection, wanted)
    return _selected(state, channel, node, Selection(node, application=node), wanted)


def _selected(state: CardState, channel: int, node: Node, selection: Selection, wanted: int) -> Answer:
    silent = wanted == _ANSWER_NONE or state.profile.quirks.no_fcp
    asleep = isinstance(node, EfNode) and node.definition.lifecycle is Lifecycle.DEACTIVATED
    return Answer(
        b"" if silent else state.fcp(node),
        SW.FILE_DEACTIVATED if asleep else SW.OK,
        effect=partial(state.channels.select, channel, selection),
    )


def _by_identifier(state: CardState, selection: Selection, data: bytes) -> Node | None:
    # No data field stands for the MF.
    return state.files.by_identifier(selection, _identifier(data) if data else MF_ID)


def _child_directory(_state: CardState, selection: Selection, data: bytes) -> Node | None:
    node = selection.directory.child(_identifier(data))
    return None if isinstance(node, EfNode) else node


def _parent(_state: CardState, selection: Selection, data: bytes) -> Node | None:
    if data:
        raise StatusError(SW.WRONG_LENGTH)
    here = selection.directory
    return None if here.parent is here else here.parent


def _path_from_mf(state: CardState, selection: Selection, data: bytes) -> Node | None:
    first, *rest = _path(data)
    if first != CURRENT_APPLICATION_ID:
        return state.files.by_path(state.files.mf, [first, *rest])
    return state.files.by_path(selection.application, rest) if selection.application else None


def _path_from_current(state: CardState, selection: Selection, data: bytes) -> Node | None:
    return state.files.by_path(selection.directory, _path(data))


def _identifier(data: bytes) -> int:
    if len(data) != 2:
        raise StatusError(SW.WRONG_LENGTH)
    return int.from_bytes(data)


def _path(data: bytes) -> list[int]:
    if not data or len(data) % 2:
        raise StatusError(SW.WRONG_LENGTH)
    return [int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2)]


_WAYS: Final[dict[int, Callable[[CardState, Selection, bytes], Node | None]]] = {
    _BY_IDENTIFIER: _by_identifier,
    _CHILD_DIRECTORY: _child_directory,
    _PARENT: _parent,
    _PATH_FROM_MF: _path_from_mf,
    _PATH_FROM_CURRENT: _path_from_current,
}
