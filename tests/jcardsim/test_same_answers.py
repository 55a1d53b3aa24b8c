"""The applet and the in-process card answer the same octets, command by command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.jcardsim.commands import AIDS, FILE_IDS, PATHS, SCRIPT, SIM_FILE_IDS, SIM_SCRIPT, SIM_VOCABULARY, VOCABULARY
from tests.jcardsim.pairs import PROFILES, SIM_PROFILES, UICC_PROFILES, Pair
from tests.vendor_pcsc.cards import NEW, PIN1, WRONG

if TYPE_CHECKING:
    from vendor_pcsc.virtual.jcardsim import JCardSimCard


@pytest.mark.parametrize("name", PROFILES)
def test_a_long_script_is_answered_the_same_before_and_after_a_reset(cards: dict[str, JCardSimCard], name: str) -> None:
    pair = Pair(cards[name])
    for script in (SCRIPT, SIM_SCRIPT, SCRIPT):
        for apdu in script:
            pair(apdu)
        pair.reset()


UICC_CLASSES = st.sampled_from([0x00] * 6 + [0x01, 0x02, 0x03, 0x40, 0x44, 0x80, 0x81, 0xA0])
SIM_CLASSES = st.sampled_from([0xA0] * 8 + [0x00])
INSTRUCTIONS = st.sampled_from([0x20, 0x24, 0x26, 0x28, 0x2C, 0x70, 0xA4, 0xB0, 0xB2, 0xC0, 0xD6, 0xDC, 0xF2])
PARAMETERS = st.one_of(st.sampled_from([0, 1, 2, 3, 4, 8, 9, 0x0A, 0x0C, 0x44, 0x80, 0x81, 0x83]), st.integers(0, 255))
BODIES = st.one_of(
    st.just(b""),
    # 255 octets and an Le are more than the runtime's buffer: see the applet's README.
    st.binary(max_size=254),
    st.sampled_from([*FILE_IDS, *SIM_FILE_IDS, *PATHS, *AIDS, PIN1, WRONG, PIN1 + NEW]).map(bytes.fromhex),
)
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def well_formed(draw: st.DrawFn, classes: st.SearchStrategy[int]) -> bytes:
    body = draw(BODIES)
    header = [draw(classes), draw(INSTRUCTIONS), draw(PARAMETERS), draw(PARAMETERS)]
    return bytes(header) + (bytes([len(body)]) + body if body else b"") + draw(st.binary(max_size=1))


def sessions(vocabulary: list[str], classes: st.SearchStrategy[int]) -> st.SearchStrategy[list[bytes]]:
    """Some commands that mean something, some that are only well formed."""
    apdus = st.one_of(st.sampled_from(vocabulary).map(bytes.fromhex), well_formed(classes))
    return st.lists(apdus, min_size=1, max_size=60)


@pytest.mark.parametrize("name", UICC_PROFILES)
@SLOW
@given(apdus=sessions(VOCABULARY, UICC_CLASSES))
def test_any_well_formed_commands_to_a_uicc_are_answered_the_same(
    cards: dict[str, JCardSimCard], name: str, apdus: list[bytes]
) -> None:
    Pair(cards[name]).run(apdus)


@pytest.mark.parametrize("name", SIM_PROFILES)
@SLOW
@given(apdus=sessions([*SIM_VOCABULARY, *SIM_VOCABULARY, *VOCABULARY], SIM_CLASSES))
def test_any_well_formed_commands_to_a_sim_are_answered_the_same(
    cards: dict[str, JCardSimCard], name: str, apdus: list[bytes]
) -> None:
    Pair(cards[name]).run(apdus)
