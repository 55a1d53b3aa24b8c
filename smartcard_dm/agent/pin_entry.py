"""The PIN of the agent's card: where it comes from, and how long it is remembered; a wrong one is never sent twice.

A PIN belongs to one card. It is remembered while that card stays, and forgotten when it leaves. What was refused, or
was sent and never answered while a try went, is remembered as a keyed digest only, and is not sent to that card again.
A PIN that comes without anybody asked (given at the start, or in the environment) is sent to one card only: the first.

Guarantees: no text of this module holds a PIN; at most the tries the user allowed go wrong while a card stays.
Leaves to `smartcard_dm.card.pins`: looking at the card's own counter before a PIN is sent. Leaves to its caller: a
random key, and saying when a card left.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from smartcard_dm.errors import PinEntryError
from smartcard_dm.iso7816 import verify_pin
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_REFUSED: Final = 64
"""Refused PINs that are remembered; when there are more, no further PIN is taken. Typing them takes many cards."""


@dataclass(frozen=True, slots=True)
class PinRequest:
    """What somebody is asked for."""

    card: str
    """The card's ICCID; empty when it has none."""
    reason: str
    """Which PIN of the card, and what it is needed for."""
    tries_left: int | None
    """What the card's counter says; None when it does not tell."""
    refused: str = ""
    """Why the PIN given before is not good; empty at the first time."""


class PinSource(Protocol):
    """Where PINs come from."""

    @property
    def is_interactive(self) -> bool:
        """Whether somebody is asked, which takes time and can be answered differently the next time."""

    def get(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret | None:
        """Return a PIN, or None when there is none (any more), or the one who was asked wants none.

        Args:
            request: what to ask for.
            interrupted: becomes true when nobody needs the answer any more; looked at every fraction of a second.

        Raises:
            PinEntryError: nobody can be asked.
        """


class GivenPin:
    """A PIN that was given once, on a prompt or a file descriptor at the start; forgotten when its card leaves."""

    is_interactive = False

    def __init__(self, pin: Secret) -> None:
        self._pin: Secret | None = pin

    def get(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret | None:  # noqa: ARG002 - interface
        """Return the PIN the first time, and None ever after."""
        pin, self._pin = self._pin, None
        return pin


class EnvironmentPin:
    """A PIN in an environment variable, looked at whenever it is needed.

    Args:
        name: the variable.
        environment: where it stands.
    """

    is_interactive = False

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = environment

    def get(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret | None:  # noqa: ARG002 - interface
        """Return what stands there; see `PinSource.get`."""
        value = self._environment.get(self._name)
        if not value:
            raise PinEntryError(f"the environment variable {self._name} is not set or is empty")
        return Secret(os.fsencode(value))


class PinEntry:
    """Gets PINs, remembers the one that was right, and holds back those that were wrong.

    Args:
        source: where they come from.
        key: random octets, 16 at least, that stay in memory.
        tries: how many PINs may be wrong while a card stays.

    Raises:
        ValueError: less than one try, or a short key.
    """

    def __init__(self, source: PinSource, *, key: bytes, tries: int = 1) -> None:
        if tries < 1 or len(key) < 16:
            raise ValueError("a PIN entry has one try at least, and a key of 16 octets at least")
        self._source = source
        self._key = key
        self._tries = tries
        self._lock = Lock()
        self._remembered: tuple[str, Secret] | None = None
        self._wrong = 0
        self._refused: set[bytes] = set()
        self._unanswered: dict[bytes, int | None] = {}
        """Digests of PINs that were sent without an answer, and the tries that were left before."""
        self._only_card: str | None = None
        """The card that a PIN without anybody asked was sent to."""

    @property
    def is_interactive(self) -> bool:
        """Whether somebody is asked."""
        return self._source.is_interactive

    def remembered(self, card: str, tries_left: int | None) -> Secret | None:
        """Return the PIN that was sent to this card before, if the card stayed since and did not refuse it."""
        with self._lock:
            if self._remembered is None or self._remembered[0] != card:
                return None
            pin = self._remembered[1]
            return None if self._is_refused(card, pin, tries_left) else pin

    def ask(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret:
        """Return a PIN that may be sent to the card of this request.

        Raises:
            PinEntryError: there is none: nobody gave one, the tries are used up, it was refused before, or it was
                given for another card. The text says which.
        """
        refused = request.refused
        while not interrupted():
            if self._wrong >= self._tries or len(self._refused) >= MAX_REFUSED:
                wrong = request.refused or "a PIN was wrong"
                raise PinEntryError(f"{wrong}; no more are tried while the card stays (--pin-tries)")
            if not self.is_interactive and self._only_card not in {None, request.card}:
                raise PinEntryError("the PIN was given for another card: start the agent again for this one")
            pin = self._source.get(PinRequest(request.card, request.reason, request.tries_left, refused), interrupted)
            if pin is None:
                none = "no PIN was given" if self.is_interactive else "the PIN that was given is forgotten"
                raise PinEntryError(f"{refused}; {none}" if refused else none)
            fault = self._fault(pin, request)
            if fault is None:
                return pin
            if not self.is_interactive:
                raise PinEntryError(fault)
            refused = fault
            with self._lock:
                self._wrong += 1
        raise PinEntryError("the card left while its PIN was asked for")

    def sending(self, card: str, pin: Secret, tries_left: int | None) -> None:
        """Note that a PIN is about to be sent, and remember it; to be called each time, before.

        It is remembered before it was right: where the answer is lost with the reader, nobody has to be asked again.
        """
        with self._lock:
            self._remembered = (card, pin)
            self._unanswered[self._digest(card, pin)] = tries_left
            if not self.is_interactive:
                self._only_card = card

    def refused(self, card: str, pin: Secret) -> None:
        """Note that the card refused a PIN."""
        with self._lock:
            self._refuse(self._digest(card, pin))
            self._wrong += 1
            if self._remembered is not None and self._remembered[1] == pin:
                self._remembered = None

    def accepted(self, card: str, pin: Secret) -> None:
        """Note that the card took a PIN."""
        with self._lock:
            self._unanswered.pop(self._digest(card, pin), None)
            self._wrong = 0

    def card_left(self) -> None:
        """Forget the PIN: its card was taken out."""
        with self._lock:
            self._remembered = None
            self._wrong = 0

    def card_out_of_sight(self) -> None:
        """Forget the PIN of a card that could not be told from another one if it came back."""
        with self._lock:
            if self._remembered is not None and not self._remembered[0]:
                self._remembered = None

    def _fault(self, pin: Secret, request: PinRequest) -> str | None:
        try:
            verify_pin(1, pin)
        except ValueError:
            return "a PIN is four to eight digits"
        with self._lock:
            if self._is_refused(request.card, pin, request.tries_left):
                return "this PIN was sent to this card before and was not right; it is not sent again"
        return None

    def _is_refused(self, card: str, pin: Secret, tries_left: int | None) -> bool:
        digest = self._digest(card, pin)
        if digest in self._unanswered:
            before = self._unanswered.pop(digest)
            # A wrong PIN costs a try and a right one brings all of them back: the counter tells what the card did not.
            if before is None or tries_left is None or tries_left < before:
                self._refuse(digest)
        return digest in self._refused

    def _refuse(self, digest: bytes) -> None:
        self._unanswered.pop(digest, None)
        self._refused.add(digest)

    def _digest(self, card: str, pin: Secret) -> bytes:
        return hmac.digest(self._key, card.encode() + b"\x00" + pin.reveal(), "sha256")
