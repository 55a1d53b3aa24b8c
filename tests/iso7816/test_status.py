"""Status words of both generations, and what may be concluded from each (facts 93 to 95, sections 5.5 and 6.6)."""

import pytest

from smartcard_dm.iso7816 import SW, Outcome, attempts_remaining, classify, describe, is_success, length_hint


@pytest.mark.parametrize(
    ("sw", "outcome"),
    [
        (0x9000, Outcome.OK),
        (0x9112, Outcome.OK),
        (0x9200, Outcome.OK),
        (0x9203, Outcome.OK),
        (0x9240, Outcome.ERROR),
        (0x9250, Outcome.ERROR),
        (0x9300, Outcome.ERROR),
        (0x6100, Outcome.MORE_DATA),
        (0x9F16, Outcome.MORE_DATA),
        (0x6200, Outcome.WARNING),
        (0x6282, Outcome.WARNING),
        (0x6283, Outcome.WARNING),
        (0x62F1, Outcome.WARNING),
        (0x63F2, Outcome.WARNING),
        (0x6300, Outcome.WARNING),
        (0x63C2, Outcome.SECURITY),
        (0x63C0, Outcome.BLOCKED),
        (0x6982, Outcome.SECURITY),
        (0x9804, Outcome.SECURITY),
        (0x9802, Outcome.SECURITY),
        (0x9808, Outcome.SECURITY),
        (0x6983, Outcome.BLOCKED),
        (0x9840, Outcome.BLOCKED),
        (0x6A82, Outcome.NOT_FOUND),
        (0x6A83, Outcome.NOT_FOUND),
        (0x9404, Outcome.NOT_FOUND),
        (0x6881, Outcome.CHANNEL),
        (0x6700, Outcome.WRONG_LENGTH),
        (0x6716, Outcome.WRONG_LENGTH),
        (0x6C10, Outcome.WRONG_LENGTH),
        (0x6984, Outcome.ERROR),
        (0x6A88, Outcome.ERROR),
        (0x9400, Outcome.ERROR),
        (0x6F00, Outcome.ERROR),
        (0x0000, Outcome.ERROR),
    ],
)
def test_what_a_reader_may_conclude(sw: int, outcome: Outcome) -> None:
    assert classify(sw) is outcome
    assert is_success(sw) is (outcome is Outcome.OK)


def test_facts_8_and_118_only_not_found_says_not_there() -> None:
    assert {sw for sw in range(0x10000) if classify(sw) is Outcome.NOT_FOUND} == {0x6A82, 0x6A83, 0x9404}


def test_fact_117_a_pending_proactive_command_is_success() -> None:
    assert is_success(0x910F)
    assert "15 octets" in describe(0x910F)


@pytest.mark.parametrize(("sw", "tries"), [(0x63C2, 2), (0x63C0, 0), (0x63CF, 15), (0x63D0, None), (0x9000, None)])
def test_fact_95_tries_left(sw: int, tries: int | None) -> None:
    assert attempts_remaining(sw) == tries


@pytest.mark.parametrize(
    ("sw", "length"),
    [(0x6110, 16), (0x6100, 256), (0x9F00, 256), (0x9F16, 22), (0x6C20, 32), (0x6C00, 256), (0x9000, None)],
)
def test_fact_96_announced_lengths(sw: int, length: int | None) -> None:
    assert length_hint(sw) == length


@pytest.mark.parametrize(
    ("sw", "words"),
    [
        (0x9000, "9000: ok"),
        (0x6A82, "not found"),
        (0x9404, "not found"),
        (0x63C1, "1 try left"),
        (0x63C3, "3 tries left"),
        (0x6110, "16 octets wait"),
        (0x9F16, "22 octets wait"),
        (0x6C20, "32 is right"),
        (0x6716, "22 is right"),
        (0x9201, "ok, after retries"),
        (0x9241, "memory problem"),
        (0x9888, "security error"),
        (0x6F42, "technical problem"),
        (0x1234, "unknown"),
    ],
)
def test_plain_words(sw: int, words: str) -> None:
    assert words in describe(sw)


def test_every_named_word_is_described_by_its_own_words() -> None:
    for sw in SW:
        assert "unknown status" not in describe(sw)
        assert sw.outcome is classify(sw)
    assert all(describe(sw) for sw in range(0x10000))


@pytest.mark.parametrize("sw", [-1, 0x10000])
def test_a_status_word_has_sixteen_bits(sw: int) -> None:
    for ask in (classify, describe, attempts_remaining, length_hint, is_success):
        with pytest.raises(ValueError, match="16 bits"):
            ask(sw)
