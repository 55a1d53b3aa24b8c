"""The survey of a card: everything it shows of itself, and why the rest is not shown."""

from __future__ import annotations

import pytest

from smartcard_dm.card.session import CardSession
from smartcard_dm.card.survey import Survey, SurveyedFile, survey_card
from smartcard_dm.card_uri import open_card
from smartcard_dm.errors import CardConnectionError, CardReadError
from smartcard_dm.secret import Secret
from tests.card.cards import (
    AID,
    BROKEN_DIR,
    BROKEN_ODF,
    EMPTY_DIR,
    FIXTURES,
    NO_APPLICATION,
    NO_DIR,
    SIM,
    Change,
    Tap,
    Twist,
    dir_records,
    dodf_content,
    inside,
    odf,
    quirks,
    session,
    tap,
    template,
    usim,
)
from tests.materials import certificate_der, ec_private, public_der
from vendor_pcsc.virtual import VirtualCard, VirtualConnection

ALWAYS = ("read: always", "update: never")


def survey_usim(pin: bytes | None) -> Survey:
    connection = VirtualConnection(VirtualCard(usim()))
    with CardSession(connection, pin=None if pin is None else Secret(pin)) as card:
        return survey_card(card)


def survey(*changes: Change, twist: Twist | None = None) -> Survey:
    with session(*changes, twist=twist) as card:
        return survey_card(card)


def file_named(found: Survey, name: str) -> SurveyedFile:
    return next(file for directory in found.directories for file in directory.files if file.name == name)


def test_the_directories_of_a_subscriber_card_are_shown() -> None:
    found = survey_usim(None)
    assert [(directory.name, [file.name for file in directory.files]) for directory in found.directories] == [
        ("MF 3F00", ["EF.ICCID", "EF.DIR", "EF.ARR"]),
        ("USIM A0000000871002FFFFFFFF8907090000", ["EF.IMSI"]),
        ("PKCS-15 A000000063504B43532D3135", ["EF.ODF", "EF.TokenInfo"]),
    ]
    assert (found.provisioning, found.warnings) == ("7F50, by AID on logical channel 1", ())


def test_a_file_is_shown_with_size_structure_rules_and_content() -> None:
    found = survey_usim(None)
    assert file_named(found, "EF.ICCID") == SurveyedFile(
        "EF.ICCID", "2FE2", 10, "transparent", ALWAYS, "8988211000000430010"
    )
    directory = file_named(found, "EF.DIR")
    assert (directory.size, directory.structure) == (192, "linear fixed, 4 records of 48")
    assert directory.access == ("read: always", "update: PIN 0A")


def test_the_objects_of_the_application_are_shown() -> None:
    objects = survey_usim(None).objects
    assert [(item.kind, item.name, item.listed_in, item.place, item.oid) for item in objects] == [
        ("data object", "DM bootstrap", "7F50/6430", "7F50/6431", "2.23.43.7.1"),
        ("trusted certificate", "com.example.dms", "7F50/6440", "7F50/6441", ""),
        ("authentication object", "PIN", "7F50/6450", "7F50/6450", ""),
    ]


def test_without_the_pin_the_subscriber_is_described_and_not_shown() -> None:
    file = file_named(survey_usim(None), "EF.IMSI")
    assert (file.path, file.size, file.access) == ("7FF0/6F07", 9, ("read: PIN 01", "update: PIN 0A"))
    assert file.content == "(7FF0/6F07 is behind PIN 01: give the PIN (--pin-env NAME))"


def test_with_the_pin_the_subscriber_is_shown() -> None:
    assert file_named(survey_usim(b"1234"), "EF.IMSI").content == "001010123456789"


def test_a_wrong_pin_is_told_at_the_file_and_sent_once() -> None:
    wire = Tap(VirtualConnection(VirtualCard(usim())))
    with CardSession(wire, pin=Secret(b"9753")) as card:
        found = survey_card(card)
    assert file_named(found, "EF.IMSI").content == "(PIN 01 is wrong, 2 tries left)"
    assert len(wire.presented) == 1
    assert len(found.objects) == 3


def test_a_private_object_and_a_public_key_are_shown_as_such() -> None:
    der = public_der(ec_private()).hex()
    certificate = certificate_der(ec_private()).hex()
    files = inside(
        f'ef: 6460, access: public, content: {{pukdf: [{{label: key, id: "01", direct: {{hex: {der}}}}}]}}',
        f'ef: 6440, access: public, content: {{cdf: [{{id: "0A0B", private: true, direct: {{hex: {certificate}}}}}]}}',
    )
    objects = survey(files, odf('{trusted_public_keys: "6460"}', '{trusted_certificates: "6440"}')).objects
    assert [(item.kind, item.name, item.private) for item in objects] == [
        ("trusted certificate", "0a0b", True),
        ("trusted public key", "key", False),
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([NO_APPLICATION, EMPTY_DIR], "no PKCS#15 application on this card"),
        ([NO_APPLICATION, NO_DIR], "no PKCS#15 application on this card"),
        ([BROKEN_ODF], "the PKCS#15 application could not be read"),
        ([("ef: 5031, access: public", "ef: 5031, access: private")], "7F50/5031 is behind PIN 01"),
    ],
)
def test_an_application_that_is_missing_or_closed_is_a_sentence(changes: list[Change], sentence: str) -> None:
    found = survey(*changes)
    assert found.provisioning.startswith(sentence)
    assert found.objects == ()
    assert file_named(found, "EF.ICCID").content == "8988211000000430010"


def test_an_unreadable_directory_is_a_warning_and_the_others_are_shown() -> None:
    aodf = inside(
        'ef: 6450, access: public, content: {aodf: [{label: PIN, auth_id: "01", reference: "01"}]}',
    )
    found = survey(dodf_content("{hex: A11A30}"), aodf, odf('{data_objects: "6430"}', '{auth_objects: "6450"}'))
    assert [item.kind for item in found.objects] == ["authentication object"]
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("EF.DODF at offset")


def test_an_unreadable_list_of_applications_is_a_warning() -> None:
    found = survey(BROKEN_DIR)
    assert [directory.name for directory in found.directories] == ["MF 3F00"]
    assert found.warnings[0].startswith("the applications of EF.DIR are left out: EF.DIR at offset 2")
    assert found.provisioning == "7F50, by AID on logical channel 1"


def test_applications_are_shown_with_what_is_known_of_them() -> None:
    records = dir_records(
        template("aid: A0000003431002F310FFFF89020000FF"),
        template("aid: F001020304, label: Something"),
        template(f"aid: {AID}"),
    )
    found = survey(records)
    assert [(directory.name, len(directory.files)) for directory in found.directories[1:]] == [
        ("CSIM A0000003431002F310FFFF89020000FF", 1),
        ("Something F001020304", 0),
        (f"PKCS15 {AID}", 1),
    ]


def test_an_application_that_cannot_be_selected_is_told() -> None:
    found = survey(quirks("aid_select: not_supported"))
    [file] = found.directories[1].files
    assert (file.name, file.path, file.size) == ("ADF", AID, None)
    assert "6A86" in file.content


def test_files_of_a_card_that_tells_no_parameters_are_shown_without_them() -> None:
    file = file_named(survey(quirks("fcp: none")), "EF.ICCID")
    assert file == SurveyedFile("EF.ICCID", "2FE2", None, "", (), "8988211000000430010")


def test_a_file_that_cannot_be_selected_is_told() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x69\x82" if b"\x2f\x05" in command or b"\x3f\x00" in command else answer

    file = file_named(survey(twist=twist), "EF.PL")
    assert (file.path, file.size) == ("2F05", None)
    assert "6982" in file.content


def test_access_rules_that_cannot_be_read_are_told() -> None:
    file = file_named(
        survey(twist=lambda command, answer: b"\x80\x90\x00" if command[1] == 0xB2 and command[3] == 4 else answer),
        "EF.ICCID",
    )
    assert file.access[0].startswith("(the access rules of a file below 3F00 cannot be read")
    assert file.content == "8988211000000430010"


def test_content_that_cannot_be_read_is_told() -> None:
    odd = ('content: {iccid: "8988211000000430010"}', "content: {hex: ABCD}")
    assert file_named(survey(odd), "EF.ICCID").content.startswith("(EF.ICCID at offset 0")


def test_a_card_that_takes_no_class_cannot_be_surveyed() -> None:
    with session(twist=lambda _command, _answer: b"\x6e\x00") as card, pytest.raises(CardReadError, match="neither"):
        survey_card(card)


def survey_fixture(name: str, pin: bytes | None = None) -> Survey:
    with open_card(f"profile:{FIXTURES / 'cards' / name}.yaml", pin=None if pin is None else Secret(pin)) as card:
        return survey_card(card)


@pytest.mark.parametrize(
    ("name", "directories"),
    [
        (
            "sim",
            [
                ("MF 3F00", ["EF.ICCID"]),
                ("DF TELECOM 7F10", ["EF.MSISDN"]),
                ("DF GSM 7F20", ["EF.IMSI", "EF.AD"]),
                ("DF PKCS-15 7F50", ["EF.ODF", "EF.TokenInfo"]),
            ],
        ),
        (
            "ruim",
            [
                ("MF 3F00", ["EF.ICCID", "EF.DIR"]),
                ("DF TELECOM 7F10", ["EF.MSISDN"]),
                ("DF GSM 7F20", ["EF.IMSI", "EF.AD"]),
                ("DF CDMA 7F25", ["EF.IMSI_M", "EF.RUIMID"]),
                ("DF PKCS-15 7F50", ["EF.ODF", "EF.TokenInfo"]),
            ],
        ),
        (
            "uicc-2g",
            [
                ("MF 3F00", ["EF.ICCID", "EF.DIR"]),
                ("DF GSM 7F20", ["EF.IMSI"]),
                ("DF PKCS-15 7F50", ["EF.ODF", "EF.TokenInfo"]),
            ],
        ),
    ],
)
def test_the_directories_of_a_card_of_class_a0_are_shown(name: str, directories: list[tuple[str, list[str]]]) -> None:
    found = survey_fixture(name)
    assert [(shown.name, [file.name for file in shown.files]) for shown in found.directories] == directories
    assert found.warnings == ()
    assert found.generation_reason.startswith("it does not take commands of class 00")
    assert [item.kind for item in found.objects] == ["data object", "trusted certificate", "authentication object"]


def test_the_generation_of_a_uicc_is_explained() -> None:
    assert survey_usim(None).generation_reason == "it takes commands of class 00"
    assert survey(NO_APPLICATION, EMPTY_DIR).generation_reason


def test_files_of_class_a0_are_shown_with_their_access_and_content() -> None:
    assert file_named(survey_fixture("sim"), "EF.IMSI") == SurveyedFile(
        "EF.IMSI",
        "7F20/6F07",
        9,
        "transparent",
        ("read: CHV1", "update: administrative code 4"),
        "(7F20/6F07 is behind CHV1: give the PIN (--pin-env NAME))",
    )
    assert file_named(survey_fixture("sim", b"1234"), "EF.IMSI").content == "001010123456789"
    telephone = file_named(survey_fixture("sim"), "EF.MSISDN")
    assert (telephone.size, telephone.structure) == (52, "linear fixed, 2 records of 26")


def test_a_directory_of_class_a0_that_is_refused_is_told() -> None:
    def twist(command: bytes, answer: bytes) -> bytes:
        return b"\x6f\x00" if command[5:7] == b"\x7f\x20" else answer

    shown = {directory.name: directory for directory in survey(*SIM, twist=twist).directories}
    [file] = shown["DF GSM 7F20"].files
    assert (file.name, file.path) == ("DF", "7F20")
    assert "6F00" in file.content


def test_a_card_of_class_a0_removed_at_any_command_is_a_lost_connection_and_nothing_else() -> None:
    whole = tap(*SIM)
    with CardSession(whole) as card:
        survey_card(card)
    for at in range(len(whole.commands)):
        with pytest.raises(CardConnectionError), CardSession(tap(*SIM, removed_at=at)) as card:
            survey_card(card)


def test_a_card_removed_at_any_command_is_a_lost_connection_and_nothing_else() -> None:
    aodf = inside('ef: 6450, access: public, content: {aodf: [{label: PIN, auth_id: "01", reference: "01"}]}')
    changes = (aodf, odf('{data_objects: "6430"}', '{auth_objects: "6450"}'))
    whole = tap(*changes)
    with CardSession(whole) as card:
        survey_card(card)
    for at in range(len(whole.commands) - 1):
        with pytest.raises(CardConnectionError), CardSession(tap(*changes, removed_at=at)) as card:
            survey_card(card)
