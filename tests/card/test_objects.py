"""The objects of the PKCS#15 application: every form that cards use, in the card's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.card.directory import Directory
from smartcard_dm.credentials import FoundAccounts, read_accounts
from smartcard_dm.errors import (
    CardNotFoundError,
    CardReadError,
    DmError,
    LimitExceededError,
    Pkcs15Error,
    UnsupportedError,
)
from smartcard_dm.limits import Limits
from tests.card.cards import (
    DM,
    NAMELESS,
    Change,
    beside,
    bootstrap,
    bootstrap_content,
    dm_file,
    dm_object,
    dodf,
    dodf_content,
    inside,
    odf,
    odf_content,
    quirks,
    session,
)

if TYPE_CHECKING:
    from smartcard_dm.card.provisioning import ProvisioningApplication

OID = "06 04 67 2B 07 01"
TWICE = f"06 06 {OID}"


def told_by(found: FoundAccounts) -> tuple[tuple[object, ...], tuple[str, ...]]:
    return found.accounts, found.warnings


def accounts(*changes: Change) -> FoundAccounts:
    with session(*changes) as card:
        return read_accounts(card)


def server_ids(*changes: Change) -> list[str]:
    return [str(account.server_id) for account in accounts(*changes).accounts]


def found_at(*changes: Change) -> str:
    origin = accounts(*changes).accounts[0].origin
    assert origin is not None
    return origin.path


def tlv(tag: str, *parts: str) -> str:
    content = bytes.fromhex("".join(parts))
    assert len(content) < 0x80
    return f"{tag} {len(content):02X} {content.hex()} "


def path_value(path: str) -> str:
    return tlv("30", tlv("04", path))


def test_every_directory_is_looked_into_in_the_order_of_the_odf() -> None:
    listed = [f"ef: 644{n}, access: public, content: {{dodf: [{dm_object(f'645{n}')}]}}" for n in (1, 2)]
    files = [dm_file(f"645{n}", f"com.example.{n}") for n in (1, 2)]
    order = odf('{data_objects: "6442"}', '{data_objects: "6430"}', '{data_objects: "6441"}')
    assert server_ids(inside(*listed, *files), order) == ["com.example.2", "com.example.dms", "com.example.1"]


def test_every_bootstrap_object_of_a_directory_is_read_in_order() -> None:
    more = inside(dm_file("6432", "com.example.second", "com.example.third"))
    expected = ["com.example.second", "com.example.third", "com.example.dms"]
    assert server_ids(more, dodf(dm_object("6432"), dm_object("6431"))) == expected


@pytest.mark.parametrize("kind", ["opaque", "external"])
def test_objects_named_by_their_application_are_found(kind: str) -> None:
    named = dodf(f'{{kind: {kind}, application_oid: {DM}, path: "6431"}}')
    assert server_ids(named) == ["com.example.dms"]


def test_the_identifier_of_an_object_goes_before_that_of_its_application() -> None:
    assert server_ids(dodf(f'{{oid: 2.23.43.9.1, application_oid: {DM}, path: "6431"}}')) == []
    assert server_ids(dodf(f'{{oid: {DM}, application_oid: 2.23.43.9.1, path: "6431"}}')) == ["com.example.dms"]


def test_an_identifier_encoded_twice_is_found() -> None:
    assert server_ids(dodf(dm_object("6431", ", twice: true"))) == ["com.example.dms"]


@pytest.mark.parametrize("oid", [OID, TWICE])
def test_octets_as_the_later_texts_print_them_are_read(oid: str) -> None:
    entry = tlv(
        "A1",
        tlv("30"),
        tlv("30", tlv("0C", b"DM Bootstrap".hex())),
        tlv("A1", tlv("30", oid, path_value("6431"))),
    )
    assert server_ids(dodf_content(f"{{hex: {entry}}}")) == ["com.example.dms"]


def test_a_value_in_the_directory_itself_is_taken_from_there() -> None:
    direct = dodf(f"{{oid: {DM}, direct: {bootstrap('com.example.direct')}}}")
    found = accounts(direct).accounts[0]
    assert str(found.server_id) == "com.example.direct"
    assert str(found.origin) == "DM bootstrap in 7F50/6430"


def test_a_directory_in_the_odf_itself_is_taken_from_there() -> None:
    in_place = odf(f"{{data_objects: {{dodf: [{dm_object('6431')}]}}}}")
    assert server_ids(in_place) == ["com.example.dms"]


@pytest.mark.parametrize("path", ["6431", "3FFF6431", "7FFF6431", "7F506431", "3F007F506431"])
@pytest.mark.parametrize("changes", [[], [NAMELESS]], ids=["by identifier", "by path"])
def test_every_form_of_a_path_below_the_application_leads_to_the_file(path: str, changes: list[Change]) -> None:
    assert found_at(dodf(dm_object(path)), *changes) == "7F50/6431"


@pytest.mark.parametrize("path", ["6430", "3FFF6430", "7F506430", "3F007F506430"])
def test_every_form_of_a_path_to_a_directory_file_leads_to_it(path: str) -> None:
    assert server_ids(odf(f'{{data_objects: "{path}"}}')) == ["com.example.dms"]


@pytest.mark.parametrize("path", ["6431", "7F506431", "3F007F506431"])
def test_paths_lead_to_the_file_on_a_card_that_tells_no_file_parameters(path: str) -> None:
    assert server_ids(dodf(dm_object(path)), quirks("fcp: none")) == ["com.example.dms"]


@pytest.mark.parametrize("quirk", ["fcp: none", "path_select: not_supported"])
def test_an_absolute_path_elsewhere_leads_there(quirk: str) -> None:
    other = beside(f"df: 7F10, files: [{{df: 5F01, files: [{{{dm_file('6431', 'com.example.far')}}}]}}]")
    assert server_ids(other, dodf(dm_object("3F007F105F016431")), quirks(quirk)) == ["com.example.far"]
    assert found_at(other, dodf(dm_object("3F007F105F016431"))) == "7F10/5F01/6431"


def test_a_path_leads_into_a_directory_below_the_application() -> None:
    below = inside(f"df: 5F01, files: [{{{dm_file('6431', 'com.example.below')}}}]")
    assert server_ids(below, dodf(dm_object("5F016431"))) == ["com.example.below"]
    assert server_ids(below, dodf(dm_object("3F007F505F016431"), dm_object("6431"))) == [
        "com.example.below",
        "com.example.dms",
    ]


def test_a_path_into_another_application_leads_there() -> None:
    other = "A0000000185350000000000000000001"
    entry = tlv(
        "A1",
        tlv("30"),
        tlv("30"),
        tlv("A1", tlv("30", OID, tlv("30", tlv("4F", other), tlv("04", "6431")))),
    )
    adf = beside(f"adf: {other}, files: [{{{dm_file('6431', 'com.example.other')}}}]")
    assert server_ids(adf, dodf_content(f"{{hex: {entry}}}")) == ["com.example.other"]


def test_a_path_into_the_application_by_its_identifier_leads_there() -> None:
    identifier = tlv("4F", "A000000063504B43532D3135")
    entry = tlv("A1", tlv("30"), tlv("30"), tlv("A1", tlv("30", OID, tlv("30", identifier, tlv("04", "6431")))))
    assert server_ids(dodf_content(f"{{hex: {entry}}}"), NAMELESS) == ["com.example.dms"]


def test_a_part_of_a_file_is_cut_out() -> None:
    joined = f"{{concat: [{{hex: 30820000}}, {bootstrap('com.example.part')}, {{hex: 3C3C3C}}]}}"
    with session(bootstrap_content(joined)) as card:
        size = len(card.files.read(Directory(b"", (0x7F50,)), (0x6431,)))
    part = dodf(dm_object("6431", f', index: "4", length: "{size - 7}"'))
    assert server_ids(bootstrap_content(joined), part) == ["com.example.part"]


def test_index_and_length_of_zero_mean_the_whole_file() -> None:
    assert server_ids(dodf(dm_object("6431", ', index: "0", length: "0"'))) == ["com.example.dms"]


def test_a_part_beyond_the_file_is_refused_with_its_place() -> None:
    with pytest.raises(Pkcs15Error, match=r"part beyond the file") as caught:
        accounts(dodf(dm_object("6431", ', index: "60000", length: "4"')))
    assert caught.value.place == "6431[60000+4]"


@pytest.mark.parametrize("padding", ["FF", "00"])
def test_padding_is_no_content(padding: str) -> None:
    sized = [(f"ef: {name},", f'ef: {name}, size: 700, padding: "{padding}",') for name in ("5031", "6430", "6431")]
    found = accounts(*sized)
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms"]
    assert found.warnings == ()


@pytest.mark.parametrize("octets", ["{empty: }", "{hex: FFFFFFFF}", "{hex: '0000'}"])
def test_an_empty_odf_is_an_application_without_accounts(octets: str) -> None:
    assert told_by(accounts(odf_content(octets))) == ((), ())


@pytest.mark.parametrize("octets", ["{empty: }", "{hex: FFFFFFFF}"])
def test_an_empty_directory_has_no_accounts(octets: str) -> None:
    assert told_by(accounts(dodf_content(octets))) == ((), ())


@pytest.mark.parametrize("octets", ["{empty: }", "{hex: FFFFFFFF}", "{hex: '0000'}"])
def test_an_empty_bootstrap_file_is_told_and_has_no_accounts(octets: str) -> None:
    assert told_by(accounts(bootstrap_content(octets))) == ((), ("DM bootstrap in 7F50/6431: the file is empty",))


def test_a_directory_that_is_cut_names_its_file_and_the_offset() -> None:
    whole = "A1 1A 30 00 30 06 06 04 67 2B 07 01 A1 0E 30 0C 06 04 67 2B 07 01 30 04 04 02 64 31"
    with pytest.raises(Pkcs15Error, match=r"EF\.DODF at offset 30") as caught:
        accounts(dodf_content(f"{{hex: {whole} A1 1A 30}}"))
    assert (caught.value.structure, caught.value.offset) == ("EF.DODF", 30)


def test_a_bootstrap_file_that_is_no_message_is_refused() -> None:
    with pytest.raises(DmError, match="bootstrap file"):
        accounts(bootstrap_content("{ascii: hello}"))


def test_an_account_without_a_server_id_is_refused() -> None:
    xml = (
        "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
        "<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
        "<Source><LocURI>com.example</LocURI></Source></SyncHdr><SyncBody><Add><CmdID>1</CmdID><Item>"
        "<Target><LocURI>./DMAcc/dms/AppID</LocURI></Target>"
        "<Data>w7</Data></Item></Add><Final/></SyncBody></SyncML>"
    )
    with pytest.raises(DmError, match="ServerID"):
        accounts(bootstrap_content(f"{{hex: {xml.encode().hex()}}}"))


def test_two_accounts_with_one_server_id_are_both_returned() -> None:
    both = inside(dm_file("6432", "com.example.dms")), dodf(dm_object("6431"), dm_object("6432"))
    assert server_ids(*both) == ["com.example.dms", "com.example.dms"]
    assert server_ids(bootstrap_content(bootstrap("com.example.one", "com.example.one"))) == ["com.example.one"] * 2


def test_an_object_of_something_else_is_not_read() -> None:
    assert accounts(dodf('{oid: 2.23.43.9.1, path: "6439"}', dm_object("6431"))).warnings == ()


def test_an_object_of_something_else_with_a_path_that_leads_nowhere_does_no_harm() -> None:
    objects = dodf('{oid: 2.23.43.9.1, path: "3F00"}', '{oid: 1.2.3, path: "7F503F00"}', dm_object("6431"))
    assert server_ids(objects) == ["com.example.dms"]
    with session(objects) as card:
        assert [data.place for data in card.provisioning.data_objects] == ["3F00", "7F503F00", "7F50/6431"]


def test_kinds_nobody_knows_are_told_and_skipped() -> None:
    unknown_odf = odf_content('{concat: [{hex: AF06300404026430}, {odf: [{data_objects: "6430"}]}]}')
    unknown_object = dodf_content(f"{{concat: [{{hex: A5023000}}, {{dodf: [{dm_object('6431')}]}}]}}")
    found = accounts(unknown_odf, unknown_object)
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms"]
    assert [warning.partition(":")[0] for warning in found.warnings] == ["EF.ODF", "EF.DODF"]


def test_a_directory_that_is_enciphered_is_told_and_skipped() -> None:
    found = accounts(odf_content('{concat: [{hex: A704A1023000}, {odf: [{data_objects: "6430"}]}]}'))
    assert len(found.accounts) == 1
    assert found.warnings == ("EF.ODF: a DATA_OBJECTS directory is enciphered and is not read",)


def test_octets_behind_the_padding_are_told() -> None:
    found = accounts(odf_content('{concat: [{odf: [{data_objects: "6430"}]}, {hex: FFFF41FF}]}'))
    assert len(found.accounts) == 1
    assert "after the padding" in found.warnings[0]


@pytest.mark.parametrize(
    ("value", "feature"),
    [
        (tlv("13", b"https://example.com/".hex()), "objects on a network"),
        (tlv("A1", tlv("30")), "objects enciphered"),
        (tlv("A2", tlv("30")), "objects enciphered"),
    ],
)
def test_a_value_that_cannot_be_reached_is_named_as_not_supported(value: str, feature: str) -> None:
    entry = tlv("A1", tlv("30"), tlv("30"), tlv("A1", tlv("30", OID, value)))
    with pytest.raises(UnsupportedError, match=feature):
        accounts(dodf_content(f"{{hex: {entry}}}"))


def test_more_accounts_than_the_bound_are_refused() -> None:
    two = inside(dm_file("6432", "com.example.b")), dodf(dm_object("6431"), dm_object("6432"))
    with session(*two) as card:
        assert len(read_accounts(card, limits=Limits(accounts=2)).accounts) == 2
        with pytest.raises(LimitExceededError) as caught:
            read_accounts(card, limits=Limits(accounts=1))
    assert caught.value.limit == "accounts"


def test_other_objects_of_a_bootstrap_message_are_told() -> None:
    added = "<Add><CmdID>2</CmdID><Item><Target><LocURI>./Other/Name</LocURI></Target><Data>x</Data></Item></Add>"
    with session() as card:
        application = card.provisioning
        octets = application.read_value(application.data_objects[0].object.value)
    xml = wbxml.to_xml(octets).replace(b"<Final>", added.encode() + b"<Final>")
    found = accounts(bootstrap_content(f"{{hex: {wbxml.from_xml(xml).hex()}}}"))
    assert len(found.accounts) == 1
    assert found.warnings == ("DM bootstrap in 7F50/6431: ./Other/Name gives no account",)


def test_token_info_is_read_where_there_is_one() -> None:
    info = inside("ef: 5032, access: public, content: {token_info: {serial: '0A0B', label: DM}}")
    with session(info) as card:
        token = card.provisioning.token_info
        assert (token.label, token.serial_number) == ("DM", b"\x0a\x0b")


def test_a_card_without_token_info_says_so() -> None:
    with session() as card, pytest.raises(CardNotFoundError, match="7F50/5032"):
        _ = card.provisioning.token_info


def test_pins_are_listed_where_the_card_lists_them() -> None:
    aodf = inside('ef: 6450, access: public, content: {aodf: [{label: PIN, auth_id: "01", reference: "01"}]}')
    with session(aodf, odf('{auth_objects: "6450"}')) as card:
        pins = card.provisioning.auth_objects
        assert [(pin.object.label, pin.object.reference, pin.place) for pin in pins] == [("PIN", 1, "7F50/6450")]


def test_a_path_that_names_a_directory_is_no_file() -> None:
    directory = inside("df: 5F01, files: []")
    with session(directory, dodf(dm_object("5F01"))) as card:
        application: ProvisioningApplication = card.provisioning
        assert len(application.data_objects) == 1
        with pytest.raises(CardReadError):
            read_accounts(card)
