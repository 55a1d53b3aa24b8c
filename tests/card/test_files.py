"""Files on a channel: after a walk that failed, the next one begins where it says."""

from __future__ import annotations

import pytest

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.file_info import FileInfo
from smartcard_dm.card.uicc_files import UiccFiles
from smartcard_dm.errors import CardNotFoundError, CardReadError, LimitExceededError
from tests.card.cards import AID, T0, Change, beside, inside, quirks, session

HOME = Directory(b"", (0x7F50,))
APPLICATION = Directory(bytes.fromhex(AID))
NO_PATHS = quirks("path_select: not_supported")
DEEP = inside("df: 5F01, files: [{ef: 4F01, access: public, content: {ascii: deep}}]")
OTHER = beside("df: 7F10, files: [{ef: 6F01, access: public, content: {ascii: other}}]")


@pytest.mark.parametrize("home", [HOME, APPLICATION])
@pytest.mark.parametrize("quirk", [[], [NO_PATHS]])
def test_after_a_walk_that_failed_a_file_is_still_found(home: Directory, quirk: list[Change]) -> None:
    with session(DEEP, OTHER, *quirk) as card:
        files = card.files
        expected = files.read(home, (0x6430,))
        for directory, file_ids in (
            (Directory(b"", (0x7F10,)), (0x6F02,)),
            (Directory(b"", (0x7F11,)), (0x6F02,)),
            (home, (0x5F01, 0x4F02)),
            (Directory(bytes(5)), (0x6F02,)),
        ):
            with pytest.raises(CardNotFoundError):
                files.read(directory, file_ids)
            assert files.read(home, (0x6430,)) == expected


@pytest.mark.parametrize("home", [HOME, APPLICATION])
def test_after_a_walk_into_a_directory_a_file_is_still_found(home: Directory) -> None:
    with session(DEEP) as card:
        expected = card.files.read(home, (0x6430,))
        assert card.files.read(home, (0x5F01, 0x4F01)) == b"deep"
        assert card.files.read(home, (0x6430,)) == expected
        card.files.select(home, (0x5F01,))
        assert card.files.read(home, (0x6430,)) == expected


def test_a_file_in_the_current_directory_costs_one_selection() -> None:
    with session() as card:
        card.files.select(HOME, (0x6430,))
        before = card.apdu_count
        card.files.select(HOME, (0x6431,))
        assert card.apdu_count == before + 1


def test_directories_are_entered_in_each_way() -> None:
    with session() as card:
        files = card.files
        assert files.enter(MASTER) == MASTER
        assert files.enter(HOME) == HOME
        assert files.enter(APPLICATION) == Directory(bytes.fromhex(AID), (0x7F50,))
        assert [str(each) for each in (MASTER, HOME, APPLICATION, files.enter(APPLICATION))] == [
            "3F00",
            "7F50",
            AID,
            "7F50",
        ]


def test_names_tell_the_way() -> None:
    assert MASTER.name(0x2F00) == "2F00"
    assert HOME.name(0x6431) == "7F50/6431"
    assert APPLICATION.name(0x6431) == f"{AID}/6431"


def test_files_on_a_logical_channel_leave_the_basic_one_alone() -> None:
    with session() as card:
        files = card.files
        files.select(HOME, (0x6430,))
        assert card.provisioning.data_objects
        assert isinstance(files, UiccFiles)
        assert files.channel == 0
        assert files.read(HOME, (0x6430,))


def test_records_are_read_in_order() -> None:
    records = beside(
        "ef: 2F10, access: public, structure: linear-fixed, record_length: 3, records: [{ascii: one}, {ascii: two}]"
    )
    for quirk in ([], [quirks("fcp: none")]):
        with session(records, *quirk) as card:
            assert card.files.read_records(MASTER, (0x2F10,), 2) == (b"one", b"two")
            with pytest.raises(LimitExceededError):
                card.files.read_records(MASTER, (0x2F10,), 1)


def test_a_file_without_records_has_none() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return (
            answer.replace(bytes.fromhex("4221003C03"), bytes.fromhex("4221003C00")) if command[1] == 0xA4 else answer
        )

    with session(twist=twist) as card:
        assert card.files.read_records(MASTER, (0x2F00,), 5) == ()


def test_transparent_files_have_no_records_and_record_files_no_octets() -> None:
    with session() as card:
        with pytest.raises(CardReadError, match="6981"):
            card.files.read_records(MASTER, (0x2FE2,), 5)
        with pytest.raises(CardReadError, match="6981"):
            card.files.read(MASTER, (0x2F00,))


def test_a_deactivated_file_could_not_be_read() -> None:
    asleep = beside("ef: 2F10, access: public, lifecycle: deactivated, content: {ascii: asleep}")
    with session(asleep) as card, pytest.raises(CardReadError, match="6984"):
        card.files.read(MASTER, (0x2F10,))


def test_access_rules_of_a_file_are_told_where_the_card_tells_them() -> None:
    with session() as card:
        info = card.files.select(MASTER, (0x2FE2,))
        assert card.files.access(MASTER, info) == ("read: always", "update: never")
        before = card.apdu_count
        assert card.files.access(MASTER, info)
        assert card.apdu_count == before
        assert card.files.access(MASTER, FileInfo()) == ()


@pytest.mark.parametrize("protocol", [[], [T0]])
def test_what_is_told_beside_a_warning_is_taken(protocol: list[Change]) -> None:
    asleep = beside("ef: 2F10, access: public, lifecycle: deactivated, content: {ascii: asleep}")
    with session(asleep, *protocol) as card:
        assert card.files.select(MASTER, (0x2F10,)).size == 6


@pytest.mark.parametrize("sw", ["6200", "6283", "63C2"])
def test_a_warning_that_brings_nothing_finds_nothing(sw: str) -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return bytes.fromhex(sw) if command[1] == 0xA4 and command[5:7] == b"\x2f\x00" else answer

    with session(twist=twist) as card, pytest.raises(CardReadError, match=sw):
        card.files.select(MASTER, (0x2F00,))
