"""The `faults` part of a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.model import Faults, Swap, WrongStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vendor_pcsc.virtual.document import Node
    from vendor_pcsc.virtual.model import Profile

MAX_APDU: Final = 999_999
"""Highest number of an APDU at which something goes wrong: more than any session sends."""
MAX_DELAY: Final = 60_000
"""Milliseconds an answer may be late: longer than any terminal waits."""
MAX_SHORT_READ: Final = 65_536
"""Octets a read can be cut to: those of the longest one."""

FAULT_KEYS: Final = (
    "delay_ms",
    "reader_gone_at",
    "remove_at",
    "swap_at",
    "wrong_sw_at",
    "channel_refused",
    "storm_61",
    "storm_6c",
    "short_reads",
)


def read_faults(node: Node, load_other: Callable[[Node], Profile]) -> Faults:
    """Return what goes wrong; `load_other` returns the profile a value names.

    Raises:
        ProfileError: with the place.
    """
    fields = node.fields((), FAULT_KEYS)
    return Faults(
        delay_ms=_number(fields, "delay_ms", 0, MAX_DELAY) or 0,
        reader_gone_at=_apdu(fields, "reader_gone_at"),
        remove_at=_apdu(fields, "remove_at"),
        swap_at=_swap(fields["swap_at"], load_other) if "swap_at" in fields else None,
        wrong_sw_at=_wrong_status(fields["wrong_sw_at"]) if "wrong_sw_at" in fields else None,
        channel_refused="channel_refused" in fields and fields["channel_refused"].boolean(),
        storm_61=_apdu(fields, "storm_61"),
        storm_6c=_apdu(fields, "storm_6c"),
        short_reads=_number(fields, "short_reads", 1, MAX_SHORT_READ),
    )


def _number(fields: Mapping[str, Node], key: str, low: int, high: int) -> int | None:
    return fields[key].integer(low, high) if key in fields else None


def _apdu(fields: Mapping[str, Node], key: str) -> int | None:
    return _number(fields, key, 1, MAX_APDU)


def _swap(node: Node, load_other: Callable[[Node], Profile]) -> Swap:
    fields = node.fields(("apdu", "profile"))
    return Swap(fields["apdu"].integer(1, MAX_APDU), load_other(fields["profile"]))


def _wrong_status(node: Node) -> WrongStatus:
    fields = node.fields(("apdu", "sw"))
    return WrongStatus(fields["apdu"].integer(1, MAX_APDU), int.from_bytes(fields["sw"].octets(2, 2)))
