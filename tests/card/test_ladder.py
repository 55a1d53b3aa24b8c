"""The ladder to the PKCS#15 application, rung by rung (design decision D8)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_accounts
from smartcard_dm.errors import (
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    PinRequiredError,
    SmartcardDmError,
)
from tests.card.cards import (
    AID,
    BROKEN_DIR,
    BROKEN_ODF,
    EMPTY_DIR,
    NAMELESS,
    NO_APPLICATION,
    NO_CHANNELS,
    NO_DIR,
    T0,
    Change,
    beside,
    dir_records,
    dm_file,
    dm_object,
    dodf,
    inside,
    quirks,
    session,
    tap,
    template,
)

NO_AID = quirks("aid_select: not_supported")
NO_FCP = quirks("fcp: none")
TRANSPARENT_DIR: Change = (
    (
        "structure: linear-fixed, record_length: 60, record_count: 3, records: [{application_template: "
        f"{{aid: {AID}, label: PKCS-15, path: 3F007F50}}}}]"
    ),
    f"size: 100, content: {{application_template: {{aid: {AID}, path: 3F007F50}}}}",
)
FIXED_ELSEWHERE: Change = (f"adf: {AID}\n    df: 7F50", "df: 5015")
BELOW_MF: Change = ("  # beside", "  - {ef: 5031, access: public, content: {odf: [{data_objects: 3F007F516430}]}}")
ELSEWHERE = "df: 5015, files: [{ef: 5031, access: public, content: {odf: [{data_objects: 3F007F506430}]}}]"
ABSOLUTE = dodf(dm_object("3F007F506431"))


def way(*changes: Change) -> str:
    with session(*changes) as card:
        assert [str(account.server_id) for account in read_accounts(card).accounts] == ["com.example.dms"]
        return card.provisioning.way


def test_the_application_is_selected_by_its_identifier_on_a_logical_channel() -> None:
    assert way() == "AID on logical channel 1"


def test_without_a_free_channel_the_identifier_is_selected_on_the_basic_channel() -> None:
    assert way(NO_CHANNELS) == "AID on the basic channel"


def test_without_selection_by_identifier_the_path_in_ef_dir_leads_there() -> None:
    assert way(NO_AID) == "path in EF.DIR"


def test_the_odf_path_in_ef_dir_goes_before_the_usual_place() -> None:
    record = template(f'aid: {AID}, path: 3F007F50, odf_path: "5031"')
    assert way(NO_AID, dir_records(record)) == "ODF path in EF.DIR"


@pytest.mark.parametrize("path", ["5031", "3FFF5031", "7F505031", "3F007F505031"])
def test_every_form_of_the_odf_path_leads_to_the_odf(path: str) -> None:
    record = template(f'aid: {AID}, path: 3F007F50, odf_path: "{path}"')
    assert way(NO_AID, dir_records(record)) == "ODF path in EF.DIR"


@pytest.mark.parametrize("path", ["3F00", "3FFF", "7F503F005031", "7F505032"])
def test_an_odf_path_that_leads_nowhere_leaves_the_usual_place(path: str) -> None:
    record = template(f'aid: {AID}, path: 3F007F50, odf_path: "{path}"')
    assert way(NO_AID, dir_records(record)) == "path in EF.DIR"


@pytest.mark.parametrize("path", ["7F50", "3F007F50"])
def test_the_path_in_ef_dir_may_be_relative_to_the_master_file(path: str) -> None:
    assert way(NO_AID, dir_records(template(f"aid: {AID}, path: {path}"))) == "path in EF.DIR"


def test_without_ef_dir_the_directory_7f50_is_tried() -> None:
    assert way(NO_AID, NO_DIR) == "path 3F00/7F50"


def test_a_template_without_a_path_leaves_the_fixed_places() -> None:
    assert way(NAMELESS, dir_records(template(f"aid: {AID}"))) == "path 3F00/7F50"


def test_without_7f50_the_directory_5015_is_tried() -> None:
    assert way(FIXED_ELSEWHERE, NO_DIR) == "path 3F00/5015"


def test_at_last_the_odf_is_looked_for_below_the_master_file() -> None:
    assert way(NO_APPLICATION, NO_DIR, BELOW_MF, dodf(dm_object("3F007F516431"))) == "5031 below the master file"


def test_objects_of_an_application_without_a_directory_are_named_by_their_file_alone() -> None:
    found_below = ("  # beside", '  - {ef: 5031, access: public, content: {odf: [{data_objects: "6430"}]}}\n  # beside')
    listed = f"ef: 6430, access: public, content: {{dodf: [{dm_object('6431')}]}}"
    files = beside(listed, dm_file("6431", "com.example.mf"))
    with session(NO_APPLICATION, NO_DIR, found_below, files) as card:
        account = read_accounts(card).accounts[0]
        assert account.origin is not None
        assert (account.origin.path, card.provisioning.path) == ("6431", "3F00")


@pytest.mark.parametrize("changes", [[], [NO_CHANNELS], [NO_DIR]])
def test_a_card_that_accepts_any_identifier_still_ends_at_the_right_application(changes: list[Change]) -> None:
    expected = "path 3F00/7F50" if NO_DIR in changes else "path in EF.DIR"
    assert way(NAMELESS, quirks("accept_any_aid: true"), *changes) == expected


def test_the_application_is_found_behind_that_of_another_network() -> None:
    records = (
        template("aid: A0000003431002F310FFFF89020000FF, label: CSIM"),
        template("aid: A0000000871002FFFFFFFF8907090000, label: USIM"),
        template(f"aid: {AID}, path: 3F007F50"),
    )
    assert way(NO_AID, dir_records(*records)) == "path in EF.DIR"


def test_ef_dir_may_be_transparent() -> None:
    assert way(NO_AID, TRANSPARENT_DIR) == "path in EF.DIR"


def test_ef_dir_may_be_transparent_on_a_card_that_tells_no_file_parameters() -> None:
    assert way(quirks("aid_select: not_supported, fcp: none"), TRANSPARENT_DIR) == "path in EF.DIR"


def test_ef_dir_with_records_is_read_on_a_card_that_tells_no_file_parameters() -> None:
    assert way(quirks("aid_select: not_supported, fcp: none")) == "path in EF.DIR"


def test_without_path_selection_identifiers_are_selected_one_after_another() -> None:
    assert way(quirks("aid_select: not_supported, path_select: not_supported")) == "path in EF.DIR"


@pytest.mark.parametrize("protocol", [[], [T0]])
def test_a_card_that_tells_no_file_parameters_is_read_whole(protocol: list[Change]) -> None:
    assert way(*[NO_FCP, *protocol]) == "AID on logical channel 1"


def test_an_application_whose_odf_is_missing_does_not_count() -> None:
    assert way(("ef: 5031", "ef: 5033"), beside(ELSEWHERE), ABSOLUTE) == "path 3F00/5015"


def test_an_application_whose_odf_is_malformed_does_not_count() -> None:
    assert way(BROKEN_ODF, beside(ELSEWHERE), ABSOLUTE) == "path 3F00/5015"


def test_a_card_that_answers_no_number_for_a_channel_is_read_on_the_basic_one() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x00\x90\x00" if command[1] == 0x70 and command[2] == 0x00 else answer

    with session(twist=twist) as card:
        assert card.provisioning.way == "AID on the basic channel"


def test_a_garbled_answer_about_channels_leaves_the_basic_one() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x90" if command[1] == 0x70 else answer

    with session(twist=twist) as card:
        assert card.provisioning.way == "AID on the basic channel"


FAILURES = {
    "none": [],
    "no application": [NO_APPLICATION, EMPTY_DIR],
    "a malformed ODF": [BROKEN_ODF],
    "an ODF behind a PIN": [("ef: 5031, access: public", "ef: 5031, access: private")],
    "an ODF that is closed": [("ef: 5031, access: public", "ef: 5031, access: closed")],
    "a malformed EF.DIR": [NO_APPLICATION, BROKEN_DIR],
    "a missing directory": [("ef: 6430", "ef: 6439")],
    "a private bootstrap file": [("ef: 6431, access: public", "ef: 6431, access: private")],
}


@pytest.mark.parametrize("changes", FAILURES.values(), ids=FAILURES.keys())
def test_every_channel_that_was_opened_is_closed(changes: list[Change]) -> None:
    wire = tap(*changes)
    with CardSession(wire) as card:
        for _ in range(3):
            with suppress(SmartcardDmError):
                read_accounts(card)
    assert wire.opened_channels == wire.closed_channels > 0
    assert wire.closed


def test_a_channel_that_led_nowhere_is_closed_before_the_next_way_is_tried() -> None:
    wire = tap(NAMELESS)
    with CardSession(wire) as card:
        assert card.provisioning.way == "path in EF.DIR"
        assert (wire.opened_channels, wire.closed_channels) == (1, 1)


def test_an_odf_behind_a_pin_leaves_no_channel_open() -> None:
    wire = tap(("ef: 5031, access: public", "ef: 5031, access: private"))
    with CardSession(wire) as card:
        for _ in range(2):
            with pytest.raises(PinRequiredError, match="PIN 01"):
                _ = card.provisioning
        assert (wire.opened_channels, wire.closed_channels) == (2, 2)


def test_a_channel_is_closed_after_an_exchange_that_failed_once() -> None:
    wire = tap()
    wire._removed_at = 3
    with CardSession(wire) as card:
        with pytest.raises(CardConnectionError):
            _ = card.provisioning
        wire._removed_at = None
    assert (wire.opened_channels, wire.closed_channels) == (1, 1)


def test_the_basic_channel_is_never_closed() -> None:
    wire = tap(NO_CHANNELS)
    with CardSession(wire) as card:
        read_accounts(card)
    assert wire.closed_channels == 0


def test_a_card_without_the_application_says_what_was_tried() -> None:
    with session(NO_APPLICATION, EMPTY_DIR) as card, pytest.raises(CardNotFoundError) as caught:
        _ = card.provisioning
    told = str(caught.value)
    assert told.startswith("no PKCS#15 application on this card")
    for rung in ("AID on logical channel 1", "AID on the basic channel", "3F00/7F50", "3F00/5015", "5031 below"):
        assert rung in told


def test_a_card_without_channels_and_without_the_application_has_none() -> None:
    with session(NO_APPLICATION, NO_DIR, NO_CHANNELS) as card, pytest.raises(CardNotFoundError):
        _ = card.provisioning


def test_more_records_than_the_bound_make_ef_dir_unreadable() -> None:
    many = ("record_count: 3", "record_count: 65")
    with session(NO_APPLICATION, many) as card, pytest.raises(CardReadError, match=r"Limits\.dir_records"):
        _ = card.provisioning


def test_more_records_than_the_bound_are_noticed_on_a_card_that_tells_no_file_parameters() -> None:
    many = ("record_count: 3", "record_count: 65")
    with session(NO_APPLICATION, many, NO_FCP) as card, pytest.raises(CardReadError, match=r"Limits\.dir_records"):
        _ = card.provisioning


def test_an_odf_path_may_lead_through_a_directory_of_its_own() -> None:
    record = template(f"aid: {AID}, path: 3F007F50, odf_path: 7F515031")
    deep = inside(
        'df: 7F51, files: [{ef: 5031, access: public, content: {odf: [{data_objects: "6430"}]}}]',
    )
    assert way(NO_AID, dir_records(record), deep) == "ODF path in EF.DIR"
