"""Cards to record: virtual ones, and one that answers what the test says."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.card.cards import ATR, ATR_EXTENDED, REPOSITORY, profile
from tests.vendor_pcsc.gsm_cards import gsm_profile
from vendor_pcsc.errors import BridgeError
from vendor_pcsc.record import Exchange, Header, Recorder, Redact, Transcript, format_transcript
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.card.cards import Change

PIN_DIGITS = "90817263"
"""No other text of a test card, and no time, holds these digits."""
OTHER_PIN: Change = ('value: "4711"', f'value: "{PIN_DIGITS}"')
VERIFY = f"0020000108{PIN_DIGITS.encode().hex().upper()}"
PKCS15 = "A000000063504B43532D3135"

__all__ = ["ATR", "ATR_EXTENDED", "REPOSITORY"]


class Scripted:
    """A connection that gives answers, or raises errors, in the order of the test."""

    name = "scripted"

    def __init__(self, *answers: str | BridgeError) -> None:
        self._answers = list(answers)
        self.atr = bytes.fromhex(ATR)
        self.closed = 0
        self.held = 0

    def transmit(self, apdu: bytes) -> bytes:
        assert isinstance(apdu, bytes)
        return self._next()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.held += 1
        yield
        self.held -= 1

    def reset(self) -> bytes:
        self.atr = self._next()
        return self.atr

    def close(self) -> None:
        self.closed += 1

    def _next(self) -> bytes:
        answer = self._answers.pop(0)
        if isinstance(answer, BridgeError):
            raise answer
        return bytes.fromhex(answer)


def uicc(*changes: Change) -> VirtualConnection:
    """Return a connection to the small UICC whose PIN is `PIN_DIGITS`."""
    return VirtualConnection(VirtualCard(profile(OTHER_PIN, *changes)))


def sim(*changes: Change) -> VirtualConnection:
    """Return a connection to the small SIM."""
    return VirtualConnection(VirtualCard(gsm_profile(*changes)))


def record(
    pairs: Sequence[tuple[str, str]],
    *,
    redact: Redact = Redact.PRIVATE,
    public: Sequence[str] = (),
    private: Sequence[str] = (),
) -> Transcript:
    """Return the transcript of commands and answers; the command `reset` resets."""
    recorder = Recorder(Scripted(*(answer for _, answer in pairs)), redact=redact, public=public, private=private)
    for command, _ in pairs:
        if command == "reset":
            recorder.reset()
        else:
            recorder.transmit(bytes.fromhex(command))
    return recorder.transcript


def last(transcript: Transcript) -> Exchange:
    """Return the last exchange."""
    return transcript.exchanges[-1]


def transcript(*pairs: tuple[str, str], atr: str = ATR) -> Transcript:
    """Return a transcript written by hand: commands and answers."""
    items = tuple(
        Exchange(bytes.fromhex(command), data=bytes.fromhex(answer)[:-2], sw=bytes.fromhex(answer)[-2:])
        for command, answer in pairs
    )
    return Transcript(Header("hand", bytes.fromhex(atr)), items)


def send(connection: Recorder, *commands: str) -> str:
    """Send commands; return the last answer."""
    return [connection.transmit(bytes.fromhex(command)).hex().upper() for command in commands][-1]


def text_of(recorded: Transcript) -> str:
    """Return the text without the header, which may say anything."""
    return format_transcript(recorded).partition("\n")[2]
