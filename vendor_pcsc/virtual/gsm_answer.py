"""What a SIM tells about a file. Octets count from 1 in the specification and from 0 here.

The view of class A0 on the files: EF(ARR) is not there, and neither is an ADF without a file identifier.
Spec: TS 51.011, 9.2.1 and 9.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.file_system import DirectoryNode, EfNode, Node
from vendor_pcsc.virtual.model import DF_ARR_ID, MF_ARR_ID, Condition, DirectoryKind, Lifecycle, Structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.virtual.pins import Counter, Pin
    from vendor_pcsc.virtual.state import CardState

CHV1_REFERENCE: Final = 0x01
"""PIN reference of CHV1."""
CHV2_REFERENCES: Final = (0x81, 0x02)
"""PIN references that can be CHV2; the first that the card has is it."""

_TYPE_MF: Final = 0x01
_TYPE_DF: Final = 0x02
_TYPE_EF: Final = 0x04
_CLOCK_STOP_ALLOWED: Final = 0x01
_CHV1_DISABLED: Final = 0x80
_INITIALISED: Final = 0x80
_NOT_INVALIDATED: Final = 0x01
_STRUCTURES: Final = {Structure.TRANSPARENT: 0x00, Structure.LINEAR_FIXED: 0x01, Structure.CYCLIC: 0x03}

_ALWAYS: Final = 0x0
_CHV1: Final = 0x1
_CHV2: Final = 0x2
_ADM: Final = 0x4
_NEVER: Final = 0xF


def in_view(node: Node) -> bool:
    """Tell whether class A0 sees a file."""
    return node.file_id is not None and node.file_id not in {MF_ARR_ID, DF_ARR_ID}


def find_chv(card: CardState, number: int) -> Pin | None:
    """Return CHV1 or CHV2, if the card has it."""
    references = (CHV1_REFERENCE,) if number == 1 else CHV2_REFERENCES
    return next(filter(None, map(card.pins.get, references)), None)


def answer_about(card: CardState, node: Node) -> bytes:
    """Return what SELECT answers for a file as it is now."""
    return _elementary_answer(card, node) if isinstance(node, EfNode) else directory_answer(card, node)


def directory_answer(card: CardState, node: DirectoryNode) -> bytes:
    """Return the 22 octets for the MF or a DF. Spec: TS 51.011, 9.2.1."""
    chv1, chv2 = find_chv(card, 1), find_chv(card, 2)
    asks_chv1 = chv1 is not None and chv1.enabled
    after_octet_13 = bytes(
        [
            _CLOCK_STOP_ALLOWED | (0 if asks_chv1 else _CHV1_DISABLED),
            _count(isinstance(child, DirectoryNode) for child in _visible(node)),
            _count(isinstance(child, EfNode) for child in _visible(node)),
            _code_count(card, chv1, chv2),
            0x00,
            *_chv_status(chv1),
            *_chv_status(chv2),
        ]
    )
    is_mf = node.definition.kind is DirectoryKind.MF
    return b"".join(
        [
            bytes(4),  # reserved; free memory, of which there is none
            (node.file_id or 0).to_bytes(2),
            bytes([_TYPE_MF if is_mf else _TYPE_DF]),
            bytes(5),
            bytes([len(after_octet_13)]),
            after_octet_13,
        ]
    )


def access_nibble(card: CardState, condition: Condition) -> int:
    """Return how class A0 says an access condition: ALW, CHV1, CHV2, ADM or NEV. Spec: TS 51.011, 9.3, Table 10.

    A PIN that is neither a CHV nor an administrative code cannot be presented, so what it protects is never open.
    """
    if condition.reference is None:
        return _ALWAYS if condition.allowed else _NEVER
    pin = card.pins.find(condition.reference)
    if pin is find_chv(card, 1):
        return _CHV1
    if pin is find_chv(card, 2):
        return _CHV2
    return _ADM if pin.definition.is_administrative else _NEVER


def _elementary_answer(card: CardState, node: EfNode) -> bytes:
    file = node.definition
    access = access_nibble(card, file.rule.read) << 4 | access_nibble(card, file.rule.update)
    active = file.lifecycle is Lifecycle.ACTIVATED
    return b"".join(
        [
            bytes(2),
            len(file.content).to_bytes(2),
            file.file_id.to_bytes(2),
            # INCREASE, REHABILITATE and INVALIDATE are never allowed: the card does not have them.
            bytes([_TYPE_EF, 0x00, access, 0xFF, 0xFF, _NOT_INVALIDATED if active else 0x00]),
            bytes([2, _STRUCTURES[file.structure], file.record_length]),
        ]
    )


def _visible(node: DirectoryNode) -> Iterator[Node]:
    return filter(in_view, node.children)


def _count(found: Iterator[bool]) -> int:
    return min(sum(found), 0xFF)


def _code_count(card: CardState, *chvs: Pin | None) -> int:
    administrative = sum(pin.is_administrative for pin in card.profile.pins)
    return administrative + sum(1 if chv.definition.unblock is None else 2 for chv in chvs if chv is not None)


def _chv_status(chv: Pin | None) -> tuple[int, int]:
    """Return the status octets of a CHV and of its unblocking code. Spec: TS 51.011, 9.3."""
    if chv is None:
        return 0x00, 0x00
    return _status(chv.attempts), 0x00 if chv.definition.unblock is None else _status(chv.unblock_attempts)


def _status(counter: Counter) -> int:
    return _INITIALISED | counter.left
