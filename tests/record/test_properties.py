"""Whatever is sent to a card: the recorder changes nothing, the replay repeats it, and private content stays out."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.record.cards import sim
from tests.vendor_pcsc.cards import PIN1, PKCS15, USIM, profile
from vendor_pcsc.record import Recorder, Redact, ReplayConnection, ReplayMode, format_transcript, parse_transcript
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

SECRET = b"secret content".hex().upper()
RESET = "reset"
WRONG = "0020000108" + "30" * 8
FILE_IDS = ["3F00", "7FFF", "2F03", "2F08", "2FE2", "7F10", "6F3A", "7FF0", "6F07", "7F50", "5031"]
STEPS = st.one_of(
    st.sampled_from(FILE_IDS).map(lambda file_id: f"00A4000402{file_id}00"),
    st.sampled_from(["00A40804022F0300", "00A4090C022F03", "00A4020C022F03", "00A4080C047FFF6F07", "00A40300"]),
    st.sampled_from([USIM, PKCS15]).map(lambda aid: f"00A40404{len(aid) // 2:02X}{aid}00"),
    st.sampled_from([f"0020000108{PIN1}", f"0026000108{PIN1}", f"0028000108{PIN1}", "00200001", WRONG]),
    st.sampled_from(["00B0000000", "00B0830000", "00B2010402", "00B2000202", "00B2000302", "00B000010D"]),
    st.sampled_from(["0070000001", "00708001", "01A4000402" + "2F0300", "01B0000000", "00C0000000", "00F2000000"]),
    st.sampled_from([RESET, "00D600000158", "80F2000000"]),
    st.binary(min_size=1, max_size=8).map(bytes.hex),
)  # fmt: skip
WALKS = st.lists(STEPS, min_size=1, max_size=25)
T0 = ("protocol: t1", "protocol: t0")


def walk(connection: Recorder | ReplayConnection | VirtualConnection, steps: list[str]) -> list[bytes]:
    return [connection.reset() if step == RESET else connection.transmit(bytes.fromhex(step)) for step in steps]


def card(*, t0: bool) -> VirtualConnection:
    return VirtualConnection(VirtualCard(profile(T0) if t0 else profile()))


@settings(max_examples=300)
@given(WALKS, st.booleans(), st.sampled_from([[], ["2FE2"], ["3F00/2F08", "7F10/6F3A"]]))
def test_private_content_stays_out_whatever_way_leads_to_it(steps: list[str], t0: bool, public: list[str]) -> None:  # noqa: FBT001 - drawn
    recorder = Recorder(card(t0=t0), public=public)
    walk(recorder, steps)
    text = format_transcript(recorder.transcript)
    assert SECRET not in text
    assert SECRET[2:] not in text
    assert PIN1 not in text


@settings(max_examples=200)
@given(WALKS, st.booleans(), st.sampled_from(Redact))
def test_a_file_named_as_private_stays_out(steps: list[str], t0: bool, redact: Redact) -> None:  # noqa: FBT001 - drawn
    recorder = Recorder(card(t0=t0), redact=redact, private=["2F03"])
    walk(recorder, steps)
    assert SECRET not in format_transcript(recorder.transcript)


@settings(max_examples=200)
@given(WALKS, st.booleans())
@example(steps=[f"0020000108{PIN1}", f"0026000108{PIN1}", RESET, f"0020000108{PIN1}"], t0=False)
def test_the_recorder_changes_nothing_and_the_replay_repeats_it(steps: list[str], t0: bool) -> None:  # noqa: FBT001 - drawn
    wanted = walk(card(t0=t0), steps)
    recorder = Recorder(card(t0=t0), redact=Redact.PINS)
    assert walk(recorder, steps) == wanted
    transcript = parse_transcript(format_transcript(recorder.transcript))
    known = all(not exchange.data_masked for exchange in transcript.exchanges)
    for mode in ReplayMode:
        if known:
            assert walk(ReplayConnection(transcript, mode=mode), steps) == wanted


def test_a_sim_is_no_exception() -> None:
    recorder = Recorder(sim())
    steps = ["A0A40000027F20", "A0A40000026F07", "A020000108" + "31323334FFFFFFFF", "A0B0000009", "A0C0000009"]
    assert walk(recorder, steps)[3][-2:] == b"\x90\x00"
    assert [exchange.data_masked for exchange in recorder.transcript.exchanges] == [0, 0, 0, 9, 0]
