"""Files of class A0: identifiers one after another, what the card tells, and nothing that class A0 has not."""

from __future__ import annotations

import pytest

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.file_info import FileInfo
from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts, read_credentials
from smartcard_dm.errors import CardNotFoundError, CardReadError, LimitExceededError, PinRequiredError
from smartcard_dm.iso7816 import FileStructure
from smartcard_dm.limits import Limits
from tests.card.cards import (
    AID,
    NO_DIR,
    PRIVATE_BOOTSTRAP,
    SIM,
    UICC_AS_SIM,
    Change,
    Tap,
    beside,
    bootstrap,
    bootstrap_content,
    dodf_content,
    inside,
    odf,
    profile,
    session,
    tap,
)
from vendor_pcsc.virtual import connect

HOME = Directory(b"", (0x7F50,))
GSM = Directory(b"", (0x7F20,))
OTHER = beside("df: 7F10, files: [{ef: 6F01, access: public, content: {ascii: other}}]")
DEEP = inside("df: 5F01, files: [{ef: 4F01, access: public, content: {ascii: deep}}]")
RECORDS = beside(
    "ef: 2F10, access: public, structure: linear-fixed, record_length: 3, records: [{ascii: one}, {ascii: two}]"
)


def test_only_commands_that_class_a0_has_are_sent() -> None:
    wire = tap(*SIM)
    with CardSession(wire) as card:
        read_credentials(card)
    sent = [command for command in wire.commands if command[0] != 0x00]
    assert len(wire.commands) == len(sent) + 1
    assert {command[0] for command in sent} == {0xA0}
    assert {command[1] for command in sent} == {0xA4, 0xC0, 0xB0, 0xB2}
    assert all(command[2:5] == b"\x00\x00\x02" for command in sent if command[1] == 0xA4)


def test_what_waits_is_fetched_for_the_last_identifier_only() -> None:
    wire = tap(*SIM)
    with CardSession(wire) as card:
        files = card.files
        before = len(wire.commands)
        files.select(HOME, (0x6430,))
        assert [command[1] for command in wire.commands[before:]] == [0xA4, 0xA4, 0xA4, 0xC0]


def test_a_file_in_the_current_directory_costs_no_walk() -> None:
    with session(*SIM, DEEP) as card:
        card.files.select(HOME, (0x6430,))
        before = card.apdu_count
        card.files.select(HOME, (0x6431,))
        assert card.apdu_count == before + 2
        assert card.files.read(HOME, (0x5F01, 0x4F01)) == b"deep"
        assert card.apdu_count == before + 6


def test_after_a_walk_that_failed_a_file_is_still_found() -> None:
    with session(*SIM, DEEP, OTHER) as card:
        files = card.files
        expected = files.read(HOME, (0x6430,))
        for directory, file_ids in (
            (Directory(b"", (0x7F10,)), (0x6F02,)),
            (Directory(b"", (0x7F11,)), (0x6F02,)),
            (HOME, (0x5F01, 0x4F02)),
            (HOME, (0x6430, 0x4F02)),
        ):
            with pytest.raises(CardNotFoundError):
                files.read(directory, file_ids)
            assert files.read(HOME, (0x6430,)) == expected


def test_directories_are_entered_and_told() -> None:
    with session(*SIM) as card:
        assert card.files.enter(MASTER) == MASTER
        assert card.files.enter(HOME) == HOME
        info = card.files.select(HOME, ())
        assert (info.is_directory, info.file_id, info.size, info.structure) == (True, 0x7F50, None, None)
        assert card.files.access(MASTER, info) == ()
        with pytest.raises(CardReadError):
            card.files.read(MASTER, (0x7F50,))


def test_an_application_is_not_selected_by_its_identifier() -> None:
    with session(*SIM) as card, pytest.raises(CardReadError, match="class A0 knows no application identifiers"):
        card.files.read(Directory(bytes.fromhex(AID)), (0x5031,))


def test_a_path_with_an_application_identifier_of_its_own_could_not_be_read() -> None:
    # A1 { 30 {}, 30 {}, A1 { 30 { OID 2.23.43.7.1, 30 { 4F identifier, 04 6431 } } } }
    entry = "A11B 3000 3000 A115 3013 0604672B0701 300B 4F05A000000001 0402 6431"
    listed = dodf_content(f"{{hex: {entry}}}")
    with session(*SIM, listed) as card, pytest.raises(CardReadError, match="class A0 knows no application identifiers"):
        read_accounts(card)


def test_sizes_and_records_come_from_what_the_card_tells() -> None:
    with session(*SIM, RECORDS) as card:
        info = card.files.select(MASTER, (0x2F10,))
        assert (info.size, info.structure, info.record_length, info.record_count) == (
            6,
            FileStructure.LINEAR_FIXED,
            3,
            2,
        )
        assert card.files.read_records(MASTER, (0x2F10,), 2) == (b"one", b"two")
        with pytest.raises(LimitExceededError):
            card.files.read_records(MASTER, (0x2F10,), 1)
        with pytest.raises(CardReadError, match="9408"):
            card.files.read(MASTER, (0x2F10,))
        with pytest.raises(CardReadError, match="9408"):
            card.files.read_records(MASTER, (0x2FE2,), 2)


def test_access_conditions_are_told_in_words() -> None:
    rules = inside(
        "ef: 6F01, access: private", "ef: 6F02, access: second", "ef: 6F03, access: issuer", "ef: 6F04, access: closed"
    )
    with session(*SIM, rules) as card:
        told = [card.files.access(HOME, card.files.select(HOME, (0x6F00 + n,))) for n in range(1, 5)]
        assert told == [
            ("read: CHV1", "update: administrative code 4"),
            ("read: CHV2", "update: administrative code 4"),
            ("read: administrative code 4", "update: administrative code 4"),
            ("read: never", "update: never"),
        ]
        assert card.files.access(MASTER, card.files.select(MASTER, (0x2FE2,))) == ("read: always", "update: never")
        assert card.files.access(MASTER, FileInfo()) == ()


def test_an_empty_file_is_not_read() -> None:
    with session(*SIM, bootstrap_content("{empty: }")) as card:
        assert read_accounts(card).warnings == ("DM bootstrap in 7F50/6431: the file is empty",)


@pytest.mark.parametrize("size", [255, 256, 257, 32768])
def test_a_file_of_any_size_is_read_whole(size: int) -> None:
    file = inside(f"ef: 6F01, access: public, size: {size}, content: {{ascii: begin}}")
    with session(*SIM, file) as card:
        octets = card.files.read(HOME, (0x6F01,))
        assert (len(octets), octets[:5]) == (size, b"begin")


def test_offsets_reach_beyond_15_bits() -> None:
    offsets: list[int] = []

    def twist(command: bytes, answer: bytes) -> bytes:
        if command[1] == 0xB0:
            offsets.append(int.from_bytes(command[2:4]))
            return bytes(command[4] or 256) + b"\x90\x00"
        return answer[:2] + b"\xff\xff" + answer[4:] if command[1] == 0xC0 and len(answer) == 17 else answer

    with session(*SIM, twist=twist, limits=Limits(card_file_octets=100_000)) as card:
        assert len(card.files.read(HOME, (0x6431,))) == 0xFFFF
    assert max(offsets) == 0xFF00
    with session(*SIM, twist=twist) as card, pytest.raises(LimitExceededError, match="a file of 65535 octets"):
        card.files.read(HOME, (0x6431,))


def test_a_transparent_file_may_be_told_in_14_octets() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        short = command[1] == 0xC0 and len(answer) == 17 and answer[13] == 0
        return answer[:14] + b"\x90\x00" if short else answer

    with session(*SIM, NO_DIR, twist=twist) as card:
        assert len(read_accounts(card).accounts) == 1


def test_data_that_come_with_the_answer_are_taken() -> None:
    pending: list[bytes] = []

    class Fetching(Tap):
        """A driver that fetches what waits itself."""

        def transmit(self, apdu: bytes) -> bytes:
            answer = super().transmit(apdu)
            if answer[:1] == b"\x9f" and len(answer) == 2:
                pending.append(answer)
                return super().transmit(bytes((apdu[0], 0xC0, 0, 0, answer[1])))
            return answer

    with CardSession(Fetching(tap(*SIM))) as card:
        assert len(read_accounts(card).accounts) == 1
    assert pending


@pytest.mark.parametrize(
    "answer", ["", "0000", "000000106431040000FF0001020500", "6205 80020010"], ids=["none", "cut", "odd", "an FCP"]
)
def test_a_file_the_card_tells_nothing_readable_about_could_not_be_read(answer: str) -> None:
    def twist(command: bytes, real: bytes) -> bytes:
        return bytes.fromhex(answer) + b"\x90\x00" if command[1] == 0xC0 and real[4:6] == b"\x64\x31" else real

    with session(*SIM, twist=twist) as card, pytest.raises(CardReadError, match="7F50/6431: 2G SELECT answer"):
        read_accounts(card)


def test_a_file_that_gives_less_than_it_announced_could_not_be_read() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x90\x00" if command[:4] == b"\xa0\xb0\x01\x00" else answer

    big = bootstrap_content(bootstrap("com.example.dms", name="x" * 300))
    with session(*SIM, big, twist=twist) as card, pytest.raises(CardReadError, match="the card gave 256"):
        read_accounts(card)


def test_short_answers_are_put_together() -> None:
    short = ("name: small", "name: small\nfaults: {short_reads: 100}")
    with CardSession(connect(profile(*SIM, short))) as card:
        assert len(read_accounts(card).accounts) == 1


@pytest.mark.parametrize("sw", ["9404", "9804", "9840", "9802", "9810", "9400", "6F00", "6781", "9240"])
def test_a_file_that_was_selected_and_gives_no_data_could_not_be_read(sw: str) -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex(sw) if command[1] == 0xB0 and command[4] != 10 else answer

    with session(*SIM, twist=twist) as card, pytest.raises(CardReadError):
        read_accounts(card)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("ef: 6431, access: public", "ef: 6431, lifecycle: deactivated, access: public"), id="9810"),
        pytest.param(("ef: 5031, access: public", "ef: 5031, access: closed"), id="an ODF that nobody may read"),
        pytest.param(("ef: 6430, access: public", "ef: 6430, access: issuer"), id="a DODF for the issuer"),
        pytest.param(("ef: 6430", "ef: 6439"), id="a DODF that is named and missing"),
        pytest.param(("ef: 6431", "ef: 6439"), id="a bootstrap file that is named and missing"),
        pytest.param(odf("{data_objects: 3F00}"), id="a DODF path without a file"),
    ],
)
def test_what_is_there_and_cannot_be_read_could_not_be_read(change: Change) -> None:
    with session(*SIM, change) as card, pytest.raises(CardReadError):
        read_accounts(card)


@pytest.mark.parametrize("changes", [[*SIM], [*UICC_AS_SIM]])
def test_the_accounts_are_those_of_the_same_card_as_a_uicc(changes: list[Change]) -> None:
    with session() as card:
        expected = read_accounts(card).accounts
    with session(*changes) as card:
        assert read_accounts(card).accounts == expected


def test_a_second_reading_costs_nothing() -> None:
    with session(*SIM) as card:
        first = read_credentials(card)
        spent = card.apdu_count, card.bytes_read
        assert read_credentials(card) == first
        assert (card.apdu_count, card.bytes_read) == spent


def test_an_odf_behind_chv1_asks_for_the_pin() -> None:
    private = ("ef: 5031, access: public", "ef: 5031, access: private")
    with session(*SIM, private) as card, pytest.raises(PinRequiredError, match="7F50/5031 is behind CHV1"):
        read_accounts(card)


def test_a_private_file_is_described_before_it_is_read() -> None:
    with session(*SIM, PRIVATE_BOOTSTRAP) as card:
        assert card.files.select(HOME, (0x6431,)).size
        assert card.files.select(GSM, (0x6F07,)).size == 9
