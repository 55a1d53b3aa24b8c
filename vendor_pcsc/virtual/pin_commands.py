"""VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. Spec: TS 102 221, 9.5 and 11.1.9 to 11.1.13."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.apdu import Answer, Command
from vendor_pcsc.virtual.pin_value import PIN_LENGTH, PinValue
from vendor_pcsc.virtual.status import SW, StatusError, attempts_left

if TYPE_CHECKING:
    from vendor_pcsc.virtual.pins import Counter, Pin
    from vendor_pcsc.virtual.state import CardState


def verify_pin(state: CardState, command: Command) -> Answer:
    """Compare a PIN, or without data tell the attempts left. Spec: TS 102 221, 11.1.9."""
    pin = _find_enabled(state, command)
    if not command.data:
        _refuse_le(command)
        return Answer(sw=_query(pin.attempts))
    _require_length(command, PIN_LENGTH)
    _present(pin, command.data)
    return Answer()


def change_pin(state: CardState, command: Command) -> Answer:
    """Replace a PIN by a new one. Spec: TS 102 221, 11.1.10."""
    pin = _find_enabled(state, command)
    _require_length(command, 2 * PIN_LENGTH)
    _present(pin, command.data[:PIN_LENGTH])
    pin.replace(PinValue(command.data[PIN_LENGTH:]))
    return Answer()


def disable_pin(state: CardState, command: Command) -> Answer:
    """Make files open without the PIN; an administrative code is never disabled. Spec: TS 102 221, 11.1.11."""
    pin = _find_enabled(state, command)
    if pin.definition.is_administrative:
        raise StatusError(SW.CONDITIONS_NOT_SATISFIED)
    _require_length(command, PIN_LENGTH)
    _present(pin, command.data)
    pin.enabled = False
    return Answer()


def enable_pin(state: CardState, command: Command) -> Answer:
    """Ask for the PIN again; an enabled one answers 6985. Spec: TS 102 221, 11.1.12."""
    pin = _find(state, command)
    if pin.enabled:
        raise StatusError(SW.CONDITIONS_NOT_SATISFIED)
    _require_length(command, PIN_LENGTH)
    _present(pin, command.data)
    pin.enabled = True
    return Answer()


def unblock_pin(state: CardState, command: Command) -> Answer:
    """Set a new PIN with the unblocking code, or without data tell its attempts. Spec: TS 102 221, 11.1.13.

    The PIN is enabled and verified afterwards. A PIN that has no unblocking code answers 6A88.
    """
    pin = _find(state, command)
    unblock = pin.definition.unblock
    if unblock is None:
        raise StatusError(SW.REFERENCE_NOT_FOUND)
    if not command.data:
        _refuse_le(command)
        return Answer(sw=_query(pin.unblock_attempts))
    _require_length(command, 2 * PIN_LENGTH)
    _refuse_blocked(pin.unblock_attempts)
    if not pin.unblock_attempts.present(unblock, command.data[:PIN_LENGTH]):
        raise StatusError(attempts_left(pin.unblock_attempts.left))
    pin.replace(PinValue(command.data[PIN_LENGTH:]))
    return Answer()


def _find(state: CardState, command: Command) -> Pin:
    command.require_p1(0x00)
    return state.pins.find(command.p2)


def _find_enabled(state: CardState, command: Command) -> Pin:
    pin = _find(state, command)
    if not pin.enabled:
        raise StatusError(SW.DATA_INVALIDATED)
    return pin


def _present(pin: Pin, value: bytes) -> None:
    _refuse_blocked(pin.attempts)
    if not pin.present(value):
        raise StatusError(attempts_left(pin.attempts.left))


def _query(counter: Counter) -> int:
    return attempts_left(counter.left) if counter.left else SW.PIN_BLOCKED


def _refuse_blocked(counter: Counter) -> None:
    if not counter.left:
        raise StatusError(SW.PIN_BLOCKED)


def _require_length(command: Command, length: int) -> None:
    if len(command.data) != length:
        raise StatusError(SW.WRONG_LENGTH)


def _refuse_le(command: Command) -> None:
    # With T=0 a command without data has P3 00, which reads as an Le of 00; any other P3 is a mistake.
    if command.le is not None and not command.takes_all:
        raise StatusError(SW.WRONG_LENGTH)
