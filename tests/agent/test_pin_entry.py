"""Where a PIN comes from, what is remembered of it, and what a card gets to see."""

from __future__ import annotations

import contextlib
import logging
import time
from threading import Event
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent.pin_entry import MAX_REFUSED, EnvironmentPin, GivenPin, PinEntry, PinRequest
from smartcard_dm.agent.reading import Locked, read_card
from smartcard_dm.agent.snapshot import CardState
from smartcard_dm.errors import CardConnectionError, PinEntryError, SmartcardDmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.secret import Secret
from tests.agent.cards import ICCID, PIN, Cards
from tests.agent.moved import READER, MovedSource
from tests.agent.test_keeper import Watched, kinds, watched
from tests.cli.cards import ONE_TRY

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["watched"]
KEY = bytes(32)
WRONG = "9999"


class Person:
    """Somebody who types: the answers in order, None for cancel; then nothing ever."""

    is_interactive = True

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.requests: list[PinRequest] = []
        self.asked = Event()

    def get(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret | None:
        self.requests.append(request)
        self.asked.set()
        if self.answers:
            answer = self.answers.pop(0)
            return None if answer is None else Secret(answer.encode())
        while not interrupted():
            time.sleep(0.005)
        return None


def entry(*answers: str | None, tries: int = 1) -> tuple[PinEntry, Person]:
    person = Person(*answers)
    return PinEntry(person, key=KEY, tries=tries), person


def request(tries_left: int | None = 3, card: str = ICCID) -> PinRequest:
    return PinRequest(card, "a file is behind PIN 01", tries_left)


def never() -> bool:
    return False


def pins(source: MovedSource) -> list[str]:
    """The PINs that sessions were opened with."""
    return [each.reveal().decode() for each in source.sent if each is not None]


# With a card ---------------------------------------------------------------------------------------------------------


def test_without_a_pin_the_card_is_locked_and_gets_none(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.private()))
    now = agent.until(CardState.LOCKED)
    assert "6431 is behind PIN 01" in now.reason
    time.sleep(0.1)
    assert (agent.keeper.readings, pins(agent.source), now.generation) == (1, [], 1)  # no retry: nothing changes
    assert kinds(agent.log) == ["card-locked"]


def test_somebody_is_asked_once_with_the_tries_left(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(PIN)
    agent = watched(MovedSource(cards.private()), pin=pin)
    assert agent.until(CardState.PRESENT).generation == 2
    assert [(each.card, each.tries_left, each.refused) for each in person.requests] == [(ICCID, 3, "")]
    # What a command line could do about it is nothing for somebody who is asked.
    assert [each.reason for each in person.requests] == ["7F50/6431 is behind PIN 01"]
    assert kinds(agent.log)[:2] == ["card-locked", f"card-inserted {ICCID}"]
    agent.keeper.reread()
    agent.until(CardState.PRESENT, 3)
    assert len(person.requests) == 1
    assert pins(agent.source) == [PIN, PIN]


def test_a_card_that_needs_no_pin_asks_nobody(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(PIN)
    agent = watched(MovedSource(cards.usim()), pin=pin)
    agent.until(CardState.PRESENT)
    assert (person.requests, pins(agent.source)) == ([], [])


def test_a_wrong_pin_is_sent_once_and_another_is_asked_for(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(WRONG, WRONG, "12", PIN, tries=4)
    agent = watched(MovedSource(cards.private()), pin=pin)
    agent.until(CardState.PRESENT)
    # A profile is a new card each time, so its counter says three again.
    assert [each.refused for each in person.requests] == [
        "",
        "PIN 01 is wrong, 2 tries left",
        "this PIN was sent to this card before and was not right; it is not sent again",
        "a PIN is four to eight digits",
    ]
    assert pins(agent.source) == [WRONG, PIN]


def test_no_more_tries_than_the_user_allowed(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(WRONG, "8888", PIN, tries=2)
    agent = watched(MovedSource(cards.private()), pin=pin)
    now = agent.when(lambda now: "no more" in now.reason)
    assert now.state is CardState.LOCKED
    agent.keeper.reread()
    agent.when(lambda now: now is not None and agent.keeper.readings == 2 and "no more" in now.reason)
    assert (len(person.requests), pins(agent.source)) == (2, [WRONG, "8888"])


def test_a_card_with_one_try_left_gets_no_pin_without_consent(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, _ = entry(PIN)
    agent = watched(MovedSource(cards.private(ONE_TRY)), pin=pin)
    agent.when(lambda now: "one try left" in now.reason)
    consenting, _ = entry(PIN)
    watched(MovedSource(cards.private(ONE_TRY)), pin=consenting, use_last_try=True).until(CardState.PRESENT)


def test_a_cancelled_question_is_asked_again_only_when_wanted(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(None, PIN)
    agent = watched(MovedSource(cards.private()), pin=pin)
    now = agent.when(lambda now: now.reason == "no PIN was given")
    assert (now.state, now.generation) == (CardState.LOCKED, 1)
    agent.keeper.reread()
    agent.until(CardState.PRESENT)
    assert len(person.requests) == 2


def test_a_card_that_leaves_ends_the_question_and_forgets_the_pin(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    pin, person = entry()
    uri = cards.private()
    agent = watched(MovedSource(uri), pin=pin)
    assert person.asked.wait(10)
    agent.source.leave()
    agent.until(CardState.ABSENT)
    person.answers = [PIN, PIN]
    agent.source.insert(uri)
    agent.until(CardState.PRESENT)
    agent.source.leave()
    agent.until(CardState.ABSENT)
    agent.source.insert(uri)
    agent.until(CardState.PRESENT)
    assert len(person.requests) == 3


def test_a_service_that_restarts_needs_no_second_question(cards: Cards, watched: Callable[..., Watched]) -> None:
    pin, person = entry(PIN)
    agent = watched(MovedSource(cards.private()), pin=pin)
    agent.until(CardState.PRESENT)
    agent.source.lose()
    agent.until(CardState.SERVICE_LOST)
    agent.source.back()
    agent.until(CardState.PRESENT)
    assert len(person.requests) == 1


def test_a_pin_goes_to_the_card_it_was_asked_for_and_to_no_other(cards: Cards, watched: Callable[..., Watched]) -> None:
    """The card is replaced between question and answer, and the reader says nothing."""
    source = MovedSource(cards.private())
    other = cards.other()

    def swap(opening: int) -> None:
        if opening == 2:
            source.uri = other

    source.on_open = swap
    pin, person = entry(PIN)
    agent = watched(source, pin=pin)
    now = agent.until(CardState.PRESENT)
    assert now.credentials is not None
    assert now.credentials.identity is not None
    assert now.credentials.identity.iccid != ICCID
    assert len(person.requests) == 1


def test_an_environment_pin_opens_the_same_card_again_and_no_other(
    cards: Cards, watched: Callable[..., Watched]
) -> None:
    uri = cards.private()
    pin = PinEntry(EnvironmentPin("CARD_PIN", {"CARD_PIN": PIN}), key=KEY)
    agent = watched(MovedSource(uri), pin=pin)
    assert agent.until(CardState.PRESENT).generation == 1
    agent.source.leave()
    agent.until(CardState.ABSENT)
    agent.source.insert(uri)
    agent.until(CardState.PRESENT)
    agent.source.swap(cards.private(('iccid: "8988211000000430010"', 'iccid: "8988211000000430028"')))
    now = agent.until(CardState.LOCKED)
    assert "given for another card" in now.reason
    assert pins(agent.source) == [PIN, PIN]


def test_a_given_pin_is_gone_with_its_card(cards: Cards, watched: Callable[..., Watched]) -> None:
    uri = cards.private()
    agent = watched(MovedSource(uri), pin=PinEntry(GivenPin(Secret(PIN.encode())), key=KEY))
    agent.until(CardState.PRESENT)
    agent.source.leave()
    agent.until(CardState.ABSENT)
    agent.source.insert(uri)
    assert agent.until(CardState.LOCKED).reason == "the PIN that was given is forgotten"


def test_a_given_pin_that_is_wrong_is_sent_once(cards: Cards, watched: Callable[..., Watched]) -> None:
    agent = watched(MovedSource(cards.private()), pin=PinEntry(GivenPin(Secret(WRONG.encode())), key=KEY, tries=3))
    now = agent.until(CardState.LOCKED)
    assert now.reason == "PIN 01 is wrong, 2 tries left; the PIN that was given is forgotten"
    agent.keeper.reread()
    agent.when(lambda _: agent.keeper.readings == 2)
    assert pins(agent.source) == [WRONG]


def test_a_wrong_environment_pin_is_sent_once_ever(cards: Cards, watched: Callable[..., Watched]) -> None:
    uri = cards.private()
    pin = PinEntry(EnvironmentPin("CARD_PIN", {"CARD_PIN": WRONG}), key=KEY)
    agent = watched(MovedSource(uri), pin=pin)
    assert agent.until(CardState.LOCKED).reason.startswith("PIN 01 is wrong, 2 tries left; no more")
    agent.source.leave()
    agent.until(CardState.ABSENT)
    agent.source.insert(uri)
    assert "was sent to this card before" in agent.until(CardState.LOCKED).reason
    assert pins(agent.source) == [WRONG]


def test_an_answer_lost_with_the_reader_asks_nobody_again(cards: Cards, watched: Callable[..., Watched]) -> None:
    source = MovedSource(cards.private())

    def fail(opening: int) -> None:
        source.error = CardConnectionError("the reader is gone") if opening in {2, 3} else None

    source.on_open = fail
    pin, person = entry(PIN)
    agent = watched(source, pin=pin)
    agent.until(CardState.PRESENT)
    assert len(person.requests) == 1


def test_no_pin_in_reasons_events_or_logs(
    cards: Cards, watched: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pin, _ = entry("73917391", "739173917391", tries=2)
    agent = watched(MovedSource(cards.private()), pin=pin)
    seen = set()

    def look(now: object) -> bool:
        seen.add(repr(now))
        return "no more" in repr(now)

    agent.when(look)
    texts = [*seen, *map(repr, agent.log.after(0)[0]), caplog.text, repr(pin), repr(vars(pin))]
    assert pins(agent.source) == ["73917391"]
    assert not [each for each in texts if "73917391" in each]


# Alone ---------------------------------------------------------------------------------------------------------------


def test_a_pin_without_an_answer_is_held_back_when_a_try_went() -> None:
    pin, _ = entry(PIN, PIN, PIN)
    secret = pin.ask(request(3), never)
    pin.sending(ICCID, secret, 3)
    assert pin.remembered(ICCID, 3) == secret  # no try went: it was right, or never arrived
    pin.sending(ICCID, secret, 3)
    assert pin.remembered(ICCID, 2) is None
    with pytest.raises(PinEntryError, match="no more"):
        pin.ask(request(2), never)


def test_a_pin_without_an_answer_is_held_back_when_the_counter_is_not_told() -> None:
    pin, _ = entry(PIN)
    secret = pin.ask(request(None), never)
    pin.sending(ICCID, secret, None)
    assert pin.remembered(ICCID, None) is None


def test_an_accepted_pin_needs_no_counter() -> None:
    pin, _ = entry(PIN)
    secret = pin.ask(request(None), never)
    pin.sending(ICCID, secret, None)
    pin.accepted(ICCID, secret)
    assert pin.remembered(ICCID, None) == secret
    assert pin.remembered("another", None) is None


def test_a_card_without_a_number_is_another_one_when_it_was_out_of_sight() -> None:
    pin, _ = entry(PIN)
    secret = pin.ask(request(card=""), never)
    pin.sending("", secret, 3)
    pin.accepted("", secret)
    assert pin.remembered("", 3) == secret
    pin.card_out_of_sight()
    assert pin.remembered("", 3) is None


def test_what_is_remembered_of_refused_pins_is_bounded() -> None:
    pin, _ = entry(*[f"{each:04}" for each in range(MAX_REFUSED + 1)], tries=1000)
    for _ in range(MAX_REFUSED):
        pin.refused(ICCID, pin.ask(request(), never))
    with pytest.raises(PinEntryError, match="no more"):
        pin.ask(request(), never)


def test_a_variable_that_is_not_there_is_named() -> None:
    with pytest.raises(PinEntryError, match="CARD_PIN is not set"):
        PinEntry(EnvironmentPin("CARD_PIN", {}), key=KEY).ask(request(), never)


@pytest.mark.parametrize(("key", "tries"), [(KEY, 0), (b"short", 1)])
def test_an_entry_has_a_try_and_a_key(key: bytes, tries: int) -> None:
    with pytest.raises(ValueError, match="one try at least"):
        PinEntry(Person(), key=key, tries=tries)


def test_a_question_nobody_waits_for_is_not_asked() -> None:
    pin, person = entry(PIN)
    with pytest.raises(PinEntryError, match="left"):
        pin.ask(request(), lambda: True)
    assert person.requests == []


def test_a_counter_that_the_card_does_not_tell_is_none(cards: Cards) -> None:
    """Each command of a session fails in turn; one of them is the question for the counter."""
    found = []
    for apdu in range(1, 40):
        fault = ("protocol: t1", f"protocol: t1\nfaults: {{wrong_sw_at: {{apdu: {apdu}, sw: 6F00}}}}")
        with contextlib.suppress(SmartcardDmError):
            found.append(read_card(MovedSource(cards.private(fault)), READER, DEFAULT_LIMITS))
    locked = [each.tries_left for each in found if isinstance(each, Locked)]
    assert {None, 3} == set(locked)
