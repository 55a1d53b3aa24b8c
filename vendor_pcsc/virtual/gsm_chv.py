"""VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK CHV. Spec: TS 51.011, 8.9 to 8.13 and 9.2.9 to 9.2.13."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.gsm_answer import find_chv
from vendor_pcsc.virtual.gsm_state import completed, require_data, require_parameters
from vendor_pcsc.virtual.gsm_status import GsmSW
from vendor_pcsc.virtual.pin_value import PIN_LENGTH, PinValue
from vendor_pcsc.virtual.status import StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.apdu import Command
    from vendor_pcsc.virtual.gsm_state import GsmState
    from vendor_pcsc.virtual.pins import Counter, Pin


def verify_chv(state: GsmState, command: Command) -> bytes:
    """Compare a CHV; a disabled one cannot be verified: 9808."""
    chv = _find(state, command, 1, 2)
    require_data(command, PIN_LENGTH)
    _require_enabled(chv)
    _present(chv, command.data)
    return completed()


def change_chv(state: GsmState, command: Command) -> bytes:
    """Replace a CHV by a new one."""
    chv = _find(state, command, 1, 2)
    require_data(command, 2 * PIN_LENGTH)
    _require_enabled(chv)
    _present(chv, command.data[:PIN_LENGTH])
    chv.replace(PinValue(command.data[PIN_LENGTH:]))
    return completed()


def disable_chv(state: GsmState, command: Command) -> bytes:
    """Make files open without CHV1; 9808 when they are."""
    chv = _find(state, command, 1)
    require_data(command, PIN_LENGTH)
    _require_enabled(chv)
    _present(chv, command.data)
    chv.enabled = False
    return completed()


def enable_chv(state: GsmState, command: Command) -> bytes:
    """Ask for CHV1 again; 9808 when it is asked for."""
    chv = _find(state, command, 1)
    require_data(command, PIN_LENGTH)
    if chv.enabled:
        raise StatusError(GsmSW.CHV_CONTRADICTION)
    _present(chv, command.data)
    chv.enabled = True
    return completed()


def unblock_chv(state: GsmState, command: Command) -> bytes:
    """Set a new CHV with the unblocking code; P2 00 is CHV1, 02 is CHV2. The CHV is enabled and verified then."""
    require_parameters(command, 0x00, 0x02)
    chv = find_chv(state.card, command.p2 or 1)
    unblock = None if chv is None else chv.definition.unblock
    if chv is None or unblock is None:
        raise StatusError(GsmSW.NO_CHV)
    require_data(command, 2 * PIN_LENGTH)
    if not chv.unblock_attempts.present(unblock, command.data[:PIN_LENGTH]):
        raise _refusal(chv.unblock_attempts)
    chv.replace(PinValue(command.data[PIN_LENGTH:]))
    return completed()


def _find(state: GsmState, command: Command, *numbers: int) -> Pin:
    require_parameters(command, *numbers)
    chv = find_chv(state.card, command.p2)
    if chv is None:
        raise StatusError(GsmSW.NO_CHV)
    return chv


def _require_enabled(chv: Pin) -> None:
    if not chv.enabled:
        raise StatusError(GsmSW.CHV_CONTRADICTION)


def _present(chv: Pin, value: bytes) -> None:
    """Compare and count; unlike on a UICC, what was verified is lost only when no attempt is left."""
    was_verified = chv.verified
    if chv.present(value):
        return
    chv.verified = was_verified and chv.attempts.left > 0
    raise _refusal(chv.attempts)


def _refusal(counter: Counter) -> StatusError:
    return StatusError(GsmSW.NOT_FULFILLED if counter.left else GsmSW.CHV_BLOCKED)
