"""A card that answers anything gives credentials or one of this library's errors, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcard_dm.card.session import CardSession
from smartcard_dm.card.survey import survey_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import SmartcardDmError
from tests.card.cards import PIN, PRIVATE_BOOTSTRAP, Change, bootstrap_content, dodf_content, odf_content, quirks, tap

STATUS_WORDS = (0x9000, 0x6100, 0x6110, 0x6C05, 0x6282, 0x6283, 0x63C1, 0x6982, 0x6A82, 0x6A83, 0x6B00, 0x6700, 0x9F10)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def spoilt(octets: bytes, at: int, value: int) -> bytes:
    return octets[: at % len(octets)] + bytes((value,)) + octets[at % len(octets) + 1 :] if octets else octets


@st.composite
def noises(draw: st.DrawFn) -> dict[int, tuple[str, bytes, int]]:
    """What happens to the n-th answer of the card."""
    kinds = st.sampled_from(("data", "status", "spoil", "cut", "nothing"))
    what = st.tuples(kinds, st.binary(max_size=40), st.integers(0, 0xFFFF) | st.sampled_from(STATUS_WORDS))
    return draw(st.dictionaries(st.integers(0, 20), what, min_size=1, max_size=6))


class Noise:
    """Twists answers by their number."""

    def __init__(self, planned: dict[int, tuple[str, bytes, int]]) -> None:
        self._planned = planned
        self._number = -1

    def __call__(self, _command: bytes, answer: bytes) -> bytes:
        self._number += 1
        kind, octets, number = self._planned.get(self._number, ("", b"", 0))
        data, status = answer[:-2], answer[-2:]
        match kind:
            case "data":
                return octets + status
            case "status":
                return data + number.to_bytes(2, "big")
            case "spoil":
                return spoilt(data, number, number & 0xFF) + status
            case "cut":
                return data[: number % (len(data) + 1)] + status
            case "nothing":
                return octets[:1]
            case _:
                return answer


CARDS: dict[str, list[Change]] = {
    "plain": [],
    "behind a PIN": [PRIVATE_BOOTSTRAP],
    "without parameters": [quirks("fcp: none")],
    "by path": [quirks("aid_select: not_supported, path_select: not_supported")],
}


@pytest.mark.parametrize("changes", CARDS.values(), ids=CARDS.keys())
@FAST
@given(planned=noises())
def test_a_card_that_answers_anything_gives_credentials_or_an_error_of_ours(
    changes: list[Change], planned: dict[int, tuple[str, bytes, int]]
) -> None:
    wire = tap(*changes, twist=Noise(planned))
    with suppress(SmartcardDmError), CardSession(wire, pin=PIN) as card:
        read_credentials(card)
    assert wire.closed
    assert len(wire.presented) <= 1


@FAST
@given(planned=noises())
def test_a_survey_of_a_card_that_answers_anything_ends_with_an_error_of_ours(
    planned: dict[int, tuple[str, bytes, int]],
) -> None:
    with suppress(SmartcardDmError), CardSession(tap(twist=Noise(planned)), pin=PIN) as card:
        survey_card(card)


@FAST
@given(octets=st.binary(min_size=1, max_size=60), file=st.sampled_from((odf_content, dodf_content, bootstrap_content)))
def test_files_with_any_content_give_credentials_or_an_error_of_ours(octets: bytes, file: object) -> None:
    assert callable(file)
    with suppress(SmartcardDmError), CardSession(tap(file(f"{{hex: {octets.hex()}}}"))) as card:
        read_credentials(card)


@FAST
@given(octets=st.binary(max_size=300), sw=st.sampled_from(STATUS_WORDS))
def test_a_card_with_one_answer_for_everything_gives_an_error_of_ours(octets: bytes, sw: int) -> None:
    wire = tap(twist=lambda _command, _answer: octets + sw.to_bytes(2, "big"))
    with suppress(SmartcardDmError), CardSession(wire, pin=PIN) as card:
        read_credentials(card)
    assert len(wire.commands) < 40_000
