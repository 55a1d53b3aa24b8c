"""Lines as they come: whole, bounded, and left when asked."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.cli.pdu_lines import PduLines
from smartcard_dm.push.sms_pdu import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = 20


def read(chunks: Sequence[bytes]) -> tuple[list[str], int]:
    """Return the lines taken and how many were refused, from a pipe that gives these chunks one after the other."""
    taken: list[str] = []
    refused: list[str] = []
    reading, writing = os.pipe()
    waiting = [chunk for chunk in chunks if chunk]

    def idle() -> None:
        if waiting:
            os.write(writing, waiting.pop(0))
        elif not closed.is_set():
            closed.set()
            os.close(writing)

    closed = threading.Event()
    try:
        PduLines(reading, taken.append, lambda error: refused.append(str(error.rule)), idle).read(threading.Event())
    finally:
        os.close(reading)
    assert set(refused) <= {"sms.pdu-line"}
    return taken, len(refused)


@pytest.mark.parametrize(
    ("octets", "taken"),
    [
        (b"0011\n0022\n", ["0011", "0022"]),
        (b"0011\r\n0022", ["0011", "0022"]),
        (b"\n \n\t0011 \n\n", ["0011"]),
        (b"AT+CMGF=0\r\r\nOK\r\n+CMT: ,24\r\n0011\r\n> \n^BOOT:1\n# note\n", ["0011"]),
        (b"\xff\xfe\n", ["\ufffd\ufffd"]),
        (b"", []),
    ],
)
def test_what_may_be_a_short_message_is_taken(octets: bytes, taken: list[str]) -> None:
    assert read([octets]) == (taken, 0)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_how_it_is_cut_on_the_way_changes_nothing(chunks: list[bytes]) -> None:
    assert read(chunks) == read([b"".join(chunks)])


@pytest.mark.parametrize("end", [b"\n0011\n", b"A" * 30_000 + b"\n0011\n"])
def test_a_line_without_end_is_told_once_and_not_kept(end: bytes) -> None:
    assert read([b"A" * (LONGEST_LINE + 100), b"A" * 5000, end]) == (["0011"], 1)


def test_a_line_is_given_before_the_next_one_comes() -> None:
    reading, writing = os.pipe()
    came = threading.Event()
    stop = threading.Event()
    lines = PduLines(reading, lambda _: came.set(), lambda _: None, lambda: None)
    thread = threading.Thread(target=lines.read, args=(stop,))
    thread.start()
    try:
        os.write(writing, b"0011\n")
        assert came.wait(SECONDS)
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive(), "it waits for nothing any more"
    finally:
        os.close(writing)
        os.close(reading)
