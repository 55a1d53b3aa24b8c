"""Which PIN opens a file of a UICC: rules in its FCP, or in the EF.ARR that the FCP names.

Guarantees: a record of EF.ARR is read once between two resets; rules that are not shown open nothing.

Spec: ETSI TS 102 221, 9.2, 9.5.1 and 13.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.errors import CardReadError, DecodeError
from smartcard_dm.iso7816 import AccessMode, AllOf, AnyOf, Pin, parse_access_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.iso7816 import AccessRule, Condition, Fcp
    from smartcard_dm.limits import Limits

    RecordReader = Callable[[Directory, tuple[int, ...], int], bytes | None]
    """Reads a record of EF.ARR: its directory, the way to it, the record's number; None where there is none."""

_CARDHOLDER_PINS: Final = frozenset({*range(0x01, 0x09), 0x11, *range(0x81, 0x89)})
"""Application PINs, universal PIN and second PINs; the others are administrative codes. Spec: TS 102 221, 9.5.1."""


class AccessRules:
    """The access rules of the files that one channel sees.

    Args:
        read_record: reads EF.ARR.
        limits: bounds of the rules.
    """

    def __init__(self, read_record: RecordReader, limits: Limits) -> None:
        self._read_record = read_record
        self._limits = limits
        self._records: dict[tuple[Directory, tuple[int, ...], int], bytes | None] = {}

    def of(self, directory: Directory, fcp: Fcp | None, *, below: tuple[int, ...] = ()) -> tuple[AccessRule, ...]:
        """Return the access rules of a file; empty when the card does not tell them.

        Args:
            directory: where the file stands.
            fcp: its parameters.
            below: directories between `directory` and the file.

        Raises:
            CardReadError: the rules are malformed, or the card refused.
        """
        if fcp is None:
            return ()
        record = fcp.expanded_rules
        if record is None and fcp.security is not None and fcp.security.arr_file_id is not None:
            number = fcp.security.record_for()
            place = (*below, fcp.security.arr_file_id)
            record = None if number is None else self._record(directory, place, number)
        try:
            return () if record is None else parse_access_rules(record, limits=self._limits)
        except DecodeError as error:
            raise CardReadError(f"the access rules of a file below {directory} cannot be read: {error}") from error

    def forget(self) -> None:
        """Forget every record that was read."""
        self._records.clear()

    def _record(self, directory: Directory, arr: tuple[int, ...], number: int) -> bytes | None:
        """Return a record of EF.ARR, which stands beside the file or below the master file; read once."""
        key = (directory, arr, number)
        if key not in self._records:
            beside = self._read_record(directory, arr, number)
            is_elsewhere = beside is None and (directory, arr) != (MASTER, arr[-1:])
            self._records[key] = self._read_record(MASTER, arr[-1:], number) if is_elsewhere else beside
        return self._records[key]


def pin_for_reading(rules: tuple[AccessRule, ...]) -> int | None:
    """Return the reference of a PIN of the cardholder that alone opens a file for reading, or None."""
    conditions = (rule.condition for rule in rules if AccessMode.READ in rule.modes)
    asked = (pin.reference for condition in conditions for pin in _pins_of(condition))
    return next((reference for reference in asked if reference in _CARDHOLDER_PINS), None)


def _pins_of(condition: Condition) -> Iterator[Pin]:
    """Give the PINs that each alone open a condition."""
    if isinstance(condition, Pin):
        yield condition
    elif isinstance(condition, AnyOf) or (isinstance(condition, AllOf) and len(condition.conditions) == 1):
        for part in condition.conditions:
            yield from _pins_of(part)
