"""The PINs of a running card.

Guarantees: counters live as long as the card object, also over a reset; a verified PIN holds on all channels and is
lost at reset. Leaves to the commands of each generation: the status words. Spec: TS 102 221, 9.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.status import SW, StatusError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor_pcsc.virtual.model import PinDefinition
    from vendor_pcsc.virtual.pin_value import PinValue


class Counter:
    """Attempts left for one secret value."""

    __slots__ = ("_most", "left")

    def __init__(self, most: int) -> None:
        self._most = most
        self.left = most

    def present(self, value: PinValue, presented: bytes) -> bool:
        """Compare and count; tell whether the value was right, which it never is when no attempt is left."""
        if not self.left:
            return False
        if not value.matches(presented):
            self.left -= 1
            return False
        self.left = self._most
        return True

    def refill(self) -> None:
        """Allow all attempts again."""
        self.left = self._most


class Pin:
    """One PIN of the running card."""

    __slots__ = ("attempts", "definition", "enabled", "unblock_attempts", "value", "verified")

    def __init__(self, definition: PinDefinition) -> None:
        self.definition = definition
        self.value = definition.value
        self.enabled = definition.enabled
        self.verified = False
        self.attempts = Counter(definition.attempts)
        self.unblock_attempts = Counter(definition.unblock_attempts)

    @property
    def satisfied(self) -> bool:
        """Tell whether what this PIN protects is open: it was verified, or is disabled. Spec: TS 102 221, 9.5.1."""
        return self.verified or not self.enabled

    def present(self, presented: bytes) -> bool:
        """Compare a value; the PIN is verified afterwards, or not, whatever it was before."""
        self.verified = self.attempts.present(self.value, presented)
        return self.verified

    def replace(self, value: PinValue) -> None:
        """Set a new value; the PIN is enabled and verified and has all its attempts."""
        self.value = value
        self.enabled = self.verified = True
        self.attempts.refill()


class PinStore:
    """All PINs of the running card, by reference."""

    def __init__(self, definitions: Iterable[PinDefinition]) -> None:
        self._pins = {definition.reference: Pin(definition) for definition in definitions}

    def reset(self) -> None:
        """Forget what was verified."""
        for pin in self._pins.values():
            pin.verified = False

    def get(self, reference: int) -> Pin | None:
        """Return the PIN, if there is one."""
        return self._pins.get(reference)

    def find(self, reference: int) -> Pin:
        """Return the PIN; raises StatusError 6A88 when there is none."""
        pin = self.get(reference)
        if pin is None:
            raise StatusError(SW.REFERENCE_NOT_FOUND)
        return pin

    def satisfied(self, reference: int) -> bool:
        """Tell whether what the PIN protects is open."""
        return self.find(reference).satisfied

    @property
    def enabled(self) -> dict[int, bool]:
        """Return for each reference whether the PIN is enabled."""
        return {reference: pin.enabled for reference, pin in self._pins.items()}
