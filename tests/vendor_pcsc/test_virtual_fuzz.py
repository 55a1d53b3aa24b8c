"""Whatever octets arrive, the card answers a status word and stays usable."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vendor_pcsc.cards import PKCS15, USIM, Terminal
from tests.vendor_pcsc.gsm_cards import ALWAYS_2G, APPLICATIONS, UICC_2G, GsmTerminal
from vendor_pcsc.virtual.gsm_os import GSM_INSTRUCTIONS
from vendor_pcsc.virtual.uicc_os import INSTRUCTIONS

EXTENDED = ("protocol: t1", "protocol: t1\nextended_length: true")
CARDS = {"t1": (), "t1 extended": (EXTENDED,), "t0": (("protocol: t1", "protocol: t0"),)}

GSM_CARDS = {
    "sim": (),
    "ruim": (("generation: sim", "generation: ruim"),),
    "uicc-2g": (UICC_2G, APPLICATIONS),
    "uicc-2g with t1": (UICC_2G, APPLICATIONS, ("protocol: t0", "protocol: t1")),
    "always 2g": (ALWAYS_2G, APPLICATIONS),
}

FILE_IDS = ["3F00", "7FFF", "2F00", "2F01", "2F08", "7F10", "5F50", "7FF0", "6F07", "7F50", "5031", "FFFF"]
BODIES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(FILE_IDS).map(bytes.fromhex),
    st.lists(st.sampled_from(FILE_IDS), max_size=4).map("".join).map(bytes.fromhex),
    st.sampled_from([USIM, PKCS15, "A0"]).map(bytes.fromhex),
)


GSM_FILE_IDS = ["3F00", "2FE2", "2F05", "7F10", "6F3A", "6F44", "6F40", "5F50", "7F20", "6F07", "7FFF", "2F06"]


@st.composite
def likely_gsm_apdus(draw: st.DrawFn) -> bytes:
    ins = draw(st.sampled_from([*sorted(GSM_INSTRUCTIONS), 0x70]))
    p1 = draw(st.one_of(st.sampled_from([0, 1, 3]), st.integers(0, 255)))
    p2 = draw(st.one_of(st.sampled_from([0, 1, 2, 3, 4]), st.integers(0, 255)))
    body = draw(st.one_of(st.sampled_from(GSM_FILE_IDS).map(bytes.fromhex), st.binary(max_size=20)))
    p3 = draw(st.one_of(st.binary(max_size=1), st.sampled_from([b"\x0f", b"\x16", b"\x02", b"\x1a"])))
    return bytes([0xA0, ins, p1, p2]) + draw(st.sampled_from([bytes([len(body)]) + body, p3, p3]))


@st.composite
def likely_apdus(draw: st.DrawFn) -> bytes:
    cla = draw(st.sampled_from([0x00, 0x00, 0x01, 0x02, 0x40, 0x80, 0x81, 0xA0]))
    ins = draw(st.sampled_from([*sorted(INSTRUCTIONS), 0xC0]))
    p1 = draw(st.one_of(st.sampled_from([0, 1, 3, 4, 8, 9, 0x80, 0x83, 0x9E]), st.integers(0, 255)))
    p2 = draw(st.one_of(st.sampled_from([0, 1, 2, 3, 4, 0x0C, 0x0A, 0x44, 0x81]), st.integers(0, 255)))
    body = draw(BODIES)
    le = draw(st.binary(max_size=1))
    return bytes([cla, ins, p1, p2]) + (bytes([len(body)]) + body if body else b"") + le


def is_usable(terminal: Terminal) -> bool:
    terminal.card.reset()
    return terminal.select("3F00", "2FE2") == "9000" and terminal("00B000000A") == "988812010000400310F09000"


@settings(deadline=None)
@pytest.mark.parametrize("changes", CARDS.values(), ids=CARDS)
@given(apdus=st.lists(st.one_of(likely_apdus(), st.binary(max_size=300)), max_size=12))
def test_any_octets_get_a_status_word(changes: tuple[tuple[str, str], ...], apdus: list[bytes]) -> None:
    terminal = Terminal(*changes)
    for apdu in apdus:
        answer = terminal.card.process(apdu)
        assert len(answer) >= 2
        assert answer[-2] >> 4 in {0x6, 0x9}
        assert len(answer) == 2 or answer[-2] in {0x90, 0x61, 0x62}
    assert is_usable(terminal)


@settings(deadline=None)
@pytest.mark.parametrize("changes", GSM_CARDS.values(), ids=GSM_CARDS)
@given(
    apdus=st.lists(
        st.one_of(likely_gsm_apdus(), likely_gsm_apdus(), likely_apdus(), st.binary(max_size=300)), max_size=12
    )
)
def test_any_octets_to_class_a0_get_a_status_word(changes: tuple[tuple[str, str], ...], apdus: list[bytes]) -> None:
    terminal = GsmTerminal(*changes)
    for apdu in apdus:
        answer = terminal.card.process(apdu)
        assert len(answer) >= 2
        assert answer[-2] >> 4 in {0x6, 0x9}
        assert len(answer) == 2 or answer[-2] in {0x90, 0x61, 0x62}
    terminal.card.reset()
    assert terminal.select("2FE2") == "9F0F"
    assert terminal("A0B000000A") == "988812010000400310F09000"
