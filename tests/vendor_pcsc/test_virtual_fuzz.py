"""Whatever octets arrive, the card answers a status word and stays usable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vendor_pcsc.cards import PKCS15, USIM, Terminal
from vendor_pcsc.virtual.card_os import INSTRUCTIONS

EXTENDED = ("protocol: t1", "protocol: t1\nextended_length: true")
CARDS = {"t1": (), "t1 extended": (EXTENDED,), "t0": (("protocol: t1", "protocol: t0"),)}

FILE_IDS = ["3F00", "7FFF", "2F00", "2F01", "2F08", "7F10", "5F50", "7FF0", "6F07", "7F50", "5031", "FFFF"]
BODIES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(FILE_IDS).map(bytes.fromhex),
    st.lists(st.sampled_from(FILE_IDS), max_size=4).map("".join).map(bytes.fromhex),
    st.sampled_from([USIM, PKCS15, "A0"]).map(bytes.fromhex),
)


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
