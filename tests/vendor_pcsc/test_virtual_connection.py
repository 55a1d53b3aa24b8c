"""A virtual card behind the interface every reader has."""

from __future__ import annotations

from threading import Thread

import pytest

from tests.vendor_pcsc.cards import ATR, PIN1, Terminal, profile
from vendor_pcsc.connection import CardConnection
from vendor_pcsc.errors import CardRemovedError, TransmitError
from vendor_pcsc.virtual import VirtualCard, VirtualConnection


def opened() -> VirtualConnection:
    return VirtualConnection(VirtualCard(profile()))


def test_it_is_a_card_connection() -> None:
    connection: CardConnection = opened()
    assert isinstance(connection, CardConnection)
    assert connection.name == "profile small"
    assert connection.atr.hex().upper() == ATR
    assert repr(connection) == "VirtualConnection('profile small')"
    assert repr(VirtualCard(profile())) == "VirtualCard('small')"


def test_it_transmits_and_resets() -> None:
    connection = opened()
    with connection.transaction():
        assert connection.transmit(bytes.fromhex("00A4000C022FE2")) == b"\x90\x00"
    assert connection.reset().hex().upper() == ATR
    assert connection.transmit(bytes.fromhex("00B0000001")).hex() == "6986"


def test_opening_resets_the_card() -> None:
    terminal = Terminal()
    terminal.verify("01", PIN1)
    VirtualConnection(terminal.card)
    terminal.select("2F03")
    assert terminal("00B0000001") == "6982"


def test_nothing_goes_through_a_closed_connection() -> None:
    connection = opened()
    connection.close()
    connection.close()
    with pytest.raises(TransmitError, match="closed"):
        connection.transmit(b"\x00\xa4\x00\x0c")
    with pytest.raises(TransmitError, match="closed"):
        connection.reset()
    with pytest.raises(TransmitError, match="closed"), connection.transaction():
        pass


def test_nothing_goes_to_a_removed_card() -> None:
    connection = opened()
    connection.remove()
    with pytest.raises(CardRemovedError, match="removed"):
        connection.transmit(b"\x00\xa4\x00\x0c")
    connection.close()


def test_a_transaction_keeps_other_threads_out() -> None:
    card = VirtualCard(profile())
    first, second = VirtualConnection(card), VirtualConnection(card)
    order: list[str] = []

    def other() -> None:
        second.transmit(bytes.fromhex("00A4000C"))
        order.append("second")

    with first.transaction():
        thread = Thread(target=other)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
