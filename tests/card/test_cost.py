"""What a reading costs in commands (design, section 5), and what a faulty card cannot make it cost."""

from __future__ import annotations

import pytest

from smartcard_dm import wbxml
from smartcard_dm.card.directory import Directory
from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import CardReadError, LimitExceededError
from smartcard_dm.limits import Limits
from tests.card.cards import (
    ATR,
    ATR_EXTENDED,
    T0,
    Change,
    bootstrap,
    bootstrap_content,
    profile,
    quirks,
    session,
    tap,
)
from vendor_pcsc.virtual import VirtualCard

ATR_SAYS: Change = (f"atr: {ATR}", f"atr: {ATR_EXTENDED}")
EXTENDED: Change = (f"atr: {ATR}", f"atr: {ATR_EXTENDED}\nextended_length: true")
SMALLEST_TREE = 470
LEAVES = (
    "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
    "<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
    "<Source><LocURI>com.example</LocURI></Source></SyncHdr><SyncBody><Add><CmdID>1</CmdID>"
    + "".join(
        f"<Item><Target><LocURI>./DMAcc/a/{name}</LocURI></Target><Data>{value}</Data></Item>"
        for name, value in (
            ("AppID", "w7"),
            ("ServerID", "com.example"),
            ("AppAddr/1/Addr", "https://a.example"),
            ("AppAddr/1/AddrType", "URI"),
        )
    )
    + "</Add><Final/></SyncBody></SyncML>"
)
"""The smallest message: an account built leaf by leaf."""
ICCID_OCTETS = 10
FIXED_COST = 6
CHANNEL = 2
IDENTITY = 2


def sized(octets: int) -> Change:
    """The bootstrap message has about as many octets as wanted, and the file exactly as many as the message."""
    if octets < SMALLEST_TREE:
        return bootstrap_content(f"{{hex: {wbxml.from_xml(LEAVES.encode()).hex()}}}")
    return bootstrap_content(bootstrap("com.example.dms", name="x" * (octets - SMALLEST_TREE)))


def file_size(*changes: Change) -> int:
    card = VirtualCard(profile(*changes))
    card.process(bytes.fromhex("00A40804047F50643100"))
    answer = card.process(bytes.fromhex("00A40804047F50643100"))
    at = answer.index(b"\x80\x02")
    return int.from_bytes(answer[at + 2 : at + 4], "big")


@pytest.mark.parametrize("octets", [200, 700, 3000])
def test_a_cold_reading_costs_six_commands_and_one_for_each_256_octets(octets: int) -> None:
    change = sized(octets)
    blocks = -(-file_size(change) // 256)
    assert blocks == -(-octets // 256)
    wire = tap(change)
    with CardSession(wire) as card:
        assert len(read_accounts(card).accounts) == 1
    assert len(wire.commands) == FIXED_COST + blocks + CHANNEL + IDENTITY
    wire = tap(change)
    with CardSession(wire) as card:
        read_credentials(card)
        assert card.apdu_count == FIXED_COST + blocks + CHANNEL + IDENTITY - 1
    assert card.apdu_count == len(wire.commands) == FIXED_COST + blocks + CHANNEL + IDENTITY


def test_with_extended_length_a_file_is_read_at_once() -> None:
    wire = tap(sized(3000), EXTENDED)
    with CardSession(wire) as card:
        read_credentials(card)
    assert len(wire.commands) == FIXED_COST + 1 + CHANNEL + IDENTITY


def test_extended_length_that_is_offered_and_does_not_work_is_given_up_once() -> None:
    change = sized(3000)
    wire = tap(change, ATR_SAYS)
    with CardSession(wire) as card:
        assert len(read_accounts(card).accounts) == 1
    blocks = -(-file_size(change) // 256)
    assert len(wire.commands) == FIXED_COST + 1 + blocks + CHANNEL + IDENTITY


def test_extended_length_reads_a_card_that_tells_no_file_parameters() -> None:
    with session(sized(3000), EXTENDED, quirks("fcp: none")) as card:
        assert len(read_accounts(card).accounts) == 1


@pytest.mark.parametrize("protocol", [[], [T0]])
def test_a_second_reading_costs_nothing(protocol: list[Change]) -> None:
    with session(*protocol) as card:
        first = read_credentials(card)
        spent = card.apdu_count, card.bytes_read
        assert read_credentials(card) == first
        assert read_accounts(card).accounts == first.accounts
        assert card.identity is card.identity
        assert (card.apdu_count, card.bytes_read) == spent


def test_the_identity_costs_two_commands_once() -> None:
    with session() as card:
        assert (card.identity.iccid, card.identity.atr) == ("8988211000000430010", ATR)
        assert card.apdu_count == IDENTITY
        assert card.identity.iccid
        assert card.apdu_count == IDENTITY


def test_opening_a_session_costs_nothing() -> None:
    with session() as card:
        assert (card.apdu_count, card.bytes_read) == (0, 0)


def test_octets_read_are_counted_without_status_words() -> None:
    received: list[bytes] = []

    def twist(_command: bytes, answer: bytes) -> bytes:
        received.append(answer[:-2])
        return answer

    wire = tap(twist=twist)
    with CardSession(wire) as card:
        read_credentials(card)
    assert card.bytes_read == len(b"".join(received))


@pytest.mark.parametrize("octets", [200, 700, 3000])
@pytest.mark.parametrize("changes", [[], [quirks("fcp: none")], [quirks("path_select: not_supported")]])
def test_a_card_of_the_older_protocol_gives_the_same_accounts(octets: int, changes: list[Change]) -> None:
    change = sized(octets)
    with session(change, *changes) as card:
        expected = read_credentials(card)
    with session(change, T0, *changes) as card:
        assert read_credentials(card) == expected


def test_an_announcement_without_end_is_cut() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x00\x61\x01" if command[1] in {0xB0, 0xC0} else answer

    wire = tap(twist=twist)
    with CardSession(wire) as card, pytest.raises(CardReadError, match="announces more data after 64 GET RESPONSE"):
        read_accounts(card)
    assert len(wire.commands) < 64 * 10


def test_a_wrong_length_is_repeated_once() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x6c\x07" if command[1] == 0xB0 and command[-1] != ICCID_OCTETS else answer

    wire = tap(twist=twist)
    with CardSession(wire) as card, pytest.raises(CardReadError, match="6C07: wrong Le, 7 is right"):
        read_accounts(card)
    assert [command.hex().upper() for command in wire.commands if command[:2] == b"\x01\xb0"] == [
        "01B0000008",
        "01B0000007",
    ]


def test_a_storm_of_wrong_lengths_is_cut() -> None:
    wire = tap(twist=lambda _command, _answer: b"\x6c\xff")
    with CardSession(wire) as card, pytest.raises(CardReadError):
        read_credentials(card)
    assert len(wire.commands) < 20


def test_a_wrong_length_of_fetching_is_repeated_once() -> None:
    shown: list[bytes] = []

    def twist(command: bytes, answer: bytes) -> bytes:
        if command[1] == 0xC0 and command[4] == 0x00 and answer[-2] == 0x6C:
            shown.append(command)
        return b"\x61\x00" if answer[0] == 0x61 else answer  # the card does not say how many octets wait

    with session(T0, twist=twist) as card:
        assert len(read_accounts(card).accounts) == 1
    assert shown


def test_a_file_larger_than_the_bound_is_refused_before_it_is_read() -> None:
    wire = tap(sized(700))
    with (
        CardSession(wire, limits=Limits(card_file_octets=600)) as card,
        pytest.raises(LimitExceededError, match=r"Limits\.card_file_octets.*a file of 7\d\d octets"),
    ):
        read_accounts(card)


@pytest.mark.parametrize("bound", [256, 300, 512])
def test_a_file_larger_than_the_bound_is_noticed_on_a_card_that_tells_no_file_parameters(bound: int) -> None:
    with (
        session(sized(700), quirks("fcp: none"), limits=Limits(card_file_octets=bound)) as card,
        pytest.raises(LimitExceededError, match=r"Limits\.card_file_octets"),
    ):
        read_accounts(card)


@pytest.mark.parametrize("quirk", ["fcp: none", "select_p2_0c_with_aid: refused"])
def test_the_longest_file_is_read_whole(quirk: str) -> None:
    longest = ("ef: 6431, access: public", "ef: 6431, size: 32768, access: public")
    with session(longest, quirks(quirk)) as card:
        assert len(read_accounts(card).accounts) == 1


def test_a_file_beyond_the_reach_of_the_command_is_refused_whatever_the_bound() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        at = answer.find(b"\x80\x02")
        return b"\xff" * 256 + b"\x90\x00" if command[1] == 0xB0 else answer[: at + 2] + b"\xff\xff" + answer[at + 4 :]

    with (
        session(twist=twist, limits=Limits(card_file_octets=100_000)) as card,
        pytest.raises(CardReadError, match="reaches no further than 32767"),
    ):
        card.files.read(Directory(b"", (0x7F50,)), (0x6431,))


def test_an_empty_file_is_not_read() -> None:
    wire = tap(bootstrap_content("{empty: }"))
    with CardSession(wire) as card:
        read_accounts(card)
    assert len(wire.commands) == FIXED_COST + CHANNEL + IDENTITY
