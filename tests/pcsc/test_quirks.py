"""The table of reader quirks, and the bridge obeying it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import OPEN_CHANNEL, READ_ICCID, SELECT_ICCID
from vendor_pcsc import quirks
from vendor_pcsc.quirks import NO_ADJUSTMENT, QUIRKS, Adjustment, Quirk, adjustment_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pcsc.cards import WatchedCard
    from vendor_pcsc.pyscard_bridge import PcscConnection
    from vendor_pcsc.virtual.lab import PcscLab

EXTENDED_READ = bytes.fromhex("00B00000000400")


def test_every_row_has_a_source_and_adjusts_something() -> None:
    for row in QUIRKS:
        assert row.source
        assert row.adjustment != NO_ADJUSTMENT
    assert len({row.pattern.casefold() for row in QUIRKS}) == len(QUIRKS)


@pytest.mark.parametrize(
    ("reader", "wanted"),
    [
        ("Generic EMV Smartcard Reader 0", Adjustment(logical_channels=False)),
        ("generic emv smartcard reader 00 00", Adjustment(logical_channels=False)),
        ("OMNIKEY AG CardMan 3821 01 00", Adjustment(extended_length=False)),
        ("OMNIKEY AG CardMan 3121 00 00", NO_ADJUSTMENT),
        ("A Generic EMV Smartcard Reader", NO_ADJUSTMENT),
        ("Virtual PCD 00 00", NO_ADJUSTMENT),
        ("", NO_ADJUSTMENT),
    ],
)
def test_a_reader_is_looked_up_by_its_name(reader: str, wanted: Adjustment) -> None:
    assert adjustment_for(reader) == wanted


def test_the_first_row_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        Quirk("Virtual*", Adjustment(extended_length=False), "test"),
        Quirk("*", Adjustment(logical_channels=False), "test"),
    )
    monkeypatch.setattr(quirks, "QUIRKS", rows)
    assert adjustment_for("Virtual PCD") == Adjustment(extended_length=False)
    assert adjustment_for("other") == Adjustment(logical_channels=False)


def test_the_bridge_obeys(
    monkeypatch: pytest.MonkeyPatch,
    lab: PcscLab,
    standing_card: WatchedCard,
    opened: Callable[..., PcscConnection],
) -> None:
    both = Adjustment(logical_channels=False, extended_length=False)
    monkeypatch.setattr(quirks, "QUIRKS", (Quirk("Virtual PCD*", both, "test"),))
    connection = opened(lab.readers[-1])
    assert connection.adjustment == both
    standing_card.commands.clear()
    assert connection.transmit(OPEN_CHANNEL) == b"\x68\x81"
    assert connection.transmit(EXTENDED_READ) == b"\x67\x00"
    assert standing_card.commands == []
    connection.transmit(SELECT_ICCID)
    connection.transmit(READ_ICCID)
    connection.transmit(bytes.fromhex("00708001"))
    assert len(standing_card.commands) == 3
