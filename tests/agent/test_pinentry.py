"""PINs from a pinentry program: Debian's, in a terminal of the test, and one that does everything else."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent import pinentry
from smartcard_dm.agent.pin_entry import PinEntry, PinRequest
from smartcard_dm.agent.pinentry import PinentryPin, PinentryProgram
from smartcard_dm.agent.snapshot import CardState
from smartcard_dm.errors import PinEntryError
from smartcard_dm.secret import Secret
from tests.agent.cards import ICCID, PIN, Cards
from tests.agent.moved import MovedSource
from tests.agent.test_keeper import Watched, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["watched"]
FAKE = Path(__file__).with_name("fake_pinentry.py")
REQUEST = PinRequest(ICCID, "7F50/6431 is behind PIN 01", 2, "PIN 01 is wrong, 2 tries left (100%)")
SECONDS = 10.0


def never() -> bool:
    return False


# Debian's, in a terminal ---------------------------------------------------------------------------------------------


class Terminal:
    """A pseudo-terminal, what is shown on it, and a hand that types."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        self.name = os.ttyname(self._slave)
        self._shown = bytearray()
        self._news = Event()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while octets := os.read(self._master, 4096):
                self._shown += octets

    @property
    def text(self) -> str:
        """What was written, without the sequences that place and colour it."""
        return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\([A-Z0-9]|[=>])", "", self._shown.decode(errors="replace"))

    def until(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.text:
            assert time.monotonic() < deadline, self.text
            time.sleep(0.01)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def clear(self) -> None:
        self._shown.clear()

    def close(self) -> None:
        os.close(self._slave)
        self._thread.join(SECONDS)
        os.close(self._master)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def curses(terminal: Terminal, seconds: float = SECONDS) -> PinentryPin:
    return PinentryPin(PinentryProgram(("pinentry-curses",), terminal.name, "xterm", seconds))


class Asked:
    """A question in a thread of its own, so that the test can type."""

    def __init__(self, source: PinentryPin, interrupted: Callable[[], bool] = never) -> None:
        self.answer: Secret | None = None
        self.error: PinEntryError | None = None
        self._source, self._interrupted = source, interrupted
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._source.get(REQUEST, self._interrupted)
        except PinEntryError as error:
            self.error = error

    def end(self) -> Secret | None:
        self._thread.join(2 * SECONDS)
        assert not self._thread.is_alive()
        return self.answer


def test_the_dialogue_says_which_card_and_how_many_tries(terminal: Terminal) -> None:
    asked = Asked(curses(terminal))
    terminal.until("PIN of card ...0010")
    terminal.until("7F50/6431 is behind PIN 01")
    terminal.until("2 tries left")
    terminal.until("PIN 01 is wrong, 2 tries left (100%)")
    assert ICCID not in terminal.text
    terminal.type("4711\r")
    assert asked.end() == Secret(b"4711")
    assert "4711" not in terminal.text


def test_what_is_typed_comes_as_it_is(terminal: Terminal) -> None:
    asked = Asked(curses(terminal))
    terminal.until("2 tries left")
    terminal.type("a%4 +%25\r")
    assert asked.end() == Secret(b"a%4 +%25")


def test_a_dialogue_that_is_cancelled_gives_none(terminal: Terminal) -> None:
    asked = Asked(curses(terminal))
    terminal.until("2 tries left")
    terminal.type("471\t\t\r")  # to the button "Cancel"
    assert asked.end() is None
    assert asked.error is None


def test_a_dialogue_nobody_needs_any_more_ends(terminal: Terminal) -> None:
    left = Event()
    asked = Asked(curses(terminal), left.is_set)
    terminal.until("2 tries left")
    left.set()
    begin = time.monotonic()
    assert asked.end() is None
    assert asked.error is None
    assert time.monotonic() - begin < pinentry.END_SECONDS + 1


def test_a_dialogue_nobody_answers_ends(terminal: Terminal) -> None:
    asked = Asked(curses(terminal, seconds=1.0))
    asked.end()
    assert asked.answer is None
    assert asked.error is None or "gave no PIN in 1 s" in str(asked.error)


def test_a_locked_card_is_opened_by_hand(cards: Cards, watched: Callable[..., Watched], terminal: Terminal) -> None:
    agent = watched(MovedSource(cards.private()), pin=PinEntry(curses(terminal), key=bytes(32), tries=2))
    terminal.until("3 tries left")
    assert agent.until(CardState.LOCKED).reason.endswith("it is being asked for")
    terminal.clear()
    terminal.type("9999\r")
    terminal.until("PIN 01 is wrong")
    terminal.type(f"{PIN}\r")
    agent.until(CardState.PRESENT)


def test_a_card_that_leaves_ends_the_dialogue(
    cards: Cards, watched: Callable[..., Watched], terminal: Terminal
) -> None:
    agent = watched(MovedSource(cards.private()), pin=PinEntry(curses(terminal), key=bytes(32)))
    terminal.until("3 tries left")
    agent.source.leave()
    agent.until(CardState.ABSENT)
    agent.source.insert(cards.usim())
    agent.until(CardState.PRESENT)  # the thread of the card is free again


# One with bad habits -------------------------------------------------------------------------------------------------


def fake(habit: str, folder: Path, seconds: float = SECONDS) -> PinentryPin:
    command = (sys.executable, "-I", str(FAKE), habit, str(folder / "heard"))
    return PinentryPin(PinentryProgram(command, "/dev/pts/7", "xterm", seconds))


def test_settings_are_escaped_and_a_refused_option_is_done_without(tmp_path: Path) -> None:
    assert fake("escapes", tmp_path).get(REQUEST, never) == Secret(b"1234")
    assert (tmp_path / "heard").read_text().splitlines() == [
        "OPTION ttyname=/dev/pts/7",
        "OPTION ttytype=xterm",
        "OPTION lc-ctype=C.UTF-8",
        "SETTIMEOUT 10",
        "SETTITLE Card PIN",
        "SETDESC PIN of card ...0010%0A7F50/6431 is behind PIN 01%0A2 tries left",
        "SETPROMPT PIN:",
        "SETERROR PIN 01 is wrong, 2 tries left (100%25)",
        "GETPIN",
    ]


def test_what_was_wrong_is_said_once(tmp_path: Path) -> None:
    wrong = "PIN 01 is wrong, 2 tries left"
    fake("escapes", tmp_path).get(PinRequest(ICCID, wrong, 2, wrong), never)
    heard = (tmp_path / "heard").read_text().splitlines()
    assert "SETDESC PIN of card ...0010%0A2 tries left" in heard
    assert f"SETERROR {wrong}" in heard


@pytest.mark.parametrize("habit", ["nothing", "cancel", "timeout"])
def test_no_pin_is_none(tmp_path: Path, habit: str) -> None:
    assert fake(habit, tmp_path).get(REQUEST, never) is None


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        ("no-greeting", "no greeting"),
        ("comment-first", "no greeting"),
        ("ends", "it ended"),
        ("dies", "it ended"),
        ("refuses", "a command was refused"),
        ("garbage", "an answer that is none"),
        ("inquires", "an answer that is none"),
        ("fails", "failed with code 260"),
        ("long-line", "too long an answer"),
        ("endless", "too long an answer"),
    ],
)
def test_bad_habits_are_one_clear_error_without_what_was_said(tmp_path: Path, habit: str, text: str) -> None:
    with pytest.raises(PinEntryError) as caught:
        fake(habit, tmp_path).get(REQUEST, never)
    assert text in str(caught.value)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize("habit", ["silent", "no-end", "stubborn"])
def test_one_that_hangs_is_ended(tmp_path: Path, habit: str) -> None:
    begin = time.monotonic()
    with pytest.raises(PinEntryError, match=r"gave no PIN in 0\.5 s"):
        fake(habit, tmp_path, seconds=0.5).get(REQUEST, never)
    assert time.monotonic() - begin < 0.5 + 2 * pinentry.END_SECONDS


def test_a_line_may_end_as_on_other_systems(tmp_path: Path) -> None:
    assert fake("carriage-return", tmp_path).get(REQUEST, never) == Secret(b"1234")


@pytest.mark.parametrize("command", ["/no/such/pinentry", "a\x00b"])
def test_one_that_is_not_there_is_named(command: str) -> None:
    with pytest.raises(PinEntryError, match="cannot be started"):
        PinentryPin(PinentryProgram((command,))).get(REQUEST, never)


def test_a_request_without_number_counter_and_bound(tmp_path: Path) -> None:
    long = PinRequest("", "\u00fc%" * 1000, 1, "")
    assert fake("escapes", tmp_path).get(long, never) == Secret(b"1234")
    heard = (tmp_path / "heard").read_text()
    (described,) = (each for each in heard.splitlines() if each.startswith("SETDESC"))
    assert described.startswith("SETDESC PIN of the card%0A\u00fc%25")
    assert len(described.encode()) < pinentry.LINE_OCTETS
    assert "SETERROR" not in heard


def test_the_terminal_of_gnupg_comes_first(terminal: Terminal) -> None:
    program = PinentryProgram.here("pinentry", {"GPG_TTY": "/dev/pts/9", "TERM": "vt100"})
    assert program == PinentryProgram(("pinentry",), "/dev/pts/9", "vt100")
    before = os.dup(0)
    slave = os.open(terminal.name, os.O_RDWR | os.O_NOCTTY)
    try:
        os.dup2(slave, 0)
        assert PinentryProgram.here("pinentry", {}).tty == terminal.name
    finally:
        os.dup2(before, 0)
        os.close(slave)
        os.close(before)
