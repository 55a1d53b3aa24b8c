"""EF(ODF): facts 16, 38 to 40, 59 to 61, 104 to 106."""

import pytest

from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.limits import Limits
from smartcard_dm.pkcs15 import (
    DirectoryKind,
    FilePath,
    InPlaceObjects,
    ProtectedReference,
    build_odf,
    parse_dodf,
    parse_odf,
)
from tests.pkcs15.vectors import DODF_DM_OPAQUE, ODF_AOSP, ODF_LWM2M

GPG = bytes.fromhex("A4 06 30 04 04 02 44 04 A8 0A 30 08 04 06 3F 00 50 15 44 01")


def paths(octets: bytes) -> list[tuple[DirectoryKind, str]]:
    return [(entry.kind, str(entry.reference)) for entry in parse_odf(octets).entries]


@pytest.mark.parametrize("kind", DirectoryKind)
def test_fact_38_every_kind_of_directory(kind: DirectoryKind) -> None:
    assert paths(bytes((kind.value,)) + ODF_LWM2M[1:]) == [(kind, "6430")]
    assert [kind.value for kind in DirectoryKind] == list(range(0xA0, 0xA9))


def test_fact_39_unknown_kinds_are_skipped_and_counted() -> None:
    found = parse_odf(bytes.fromhex("A9 02 05 00 BF 30 00 04 00") + ODF_LWM2M)
    assert [entry.offset for entry in found.entries] == [9]
    assert len(found.warnings) == 3
    assert "A9" in found.warnings[0]
    assert "BF30" in found.warnings[1]


def test_fact_39_unknown_form_of_reference_is_skipped() -> None:
    found = parse_odf(bytes.fromhex("A7 02 A5 00") + ODF_LWM2M)
    assert [entry.offset for entry in found.entries] == [4]
    assert "A7 A5" in found.warnings[0]


def test_fact_39_objects_in_place() -> None:
    (entry,) = parse_odf(build_odf([(DirectoryKind.DATA_OBJECTS, InPlaceObjects((DODF_DM_OPAQUE,) * 2))])).entries
    assert entry.reference == InPlaceObjects((DODF_DM_OPAQUE,) * 2)
    assert len(parse_dodf(b"".join(entry.reference.octets))) == 2


@pytest.mark.parametrize(("tag", "direct"), [("A1", False), ("A2", True)])
def test_fact_39_protected_references_are_marked(tag: str, direct: bool) -> None:  # noqa: FBT001  (a table column)
    (entry,) = parse_odf(bytes.fromhex(f"A7 04 {tag} 02 05 00")).entries
    assert entry.reference == ProtectedReference(direct)


def test_fact_40_a_plain_concatenation() -> None:
    assert paths(ODF_LWM2M + ODF_AOSP + GPG) == [
        (DirectoryKind.DATA_OBJECTS, "6430"),
        (DirectoryKind.DATA_OBJECTS, "5207"),
        (DirectoryKind.CERTIFICATES, "4404"),
        (DirectoryKind.AUTH_OBJECTS, "3F0050154401"),
    ]


def test_facts_16_104_every_entry_of_one_kind_in_order() -> None:
    found = parse_odf(ODF_LWM2M + GPG + ODF_AOSP + ODF_LWM2M)
    assert [str(entry.reference) for entry in found.of_kind(DirectoryKind.DATA_OBJECTS)] == ["6430", "5207", "6430"]


def test_fact_59_lwm2m() -> None:
    assert paths(ODF_LWM2M) == [(DirectoryKind.DATA_OBJECTS, "6430")]


def test_fact_60_aosp() -> None:
    assert paths(ODF_AOSP) == [(DirectoryKind.DATA_OBJECTS, "5207")]


def test_fact_61_entries_seen_on_cards_end_with_zero_octets() -> None:
    assert len(paths(GPG + bytes(6))) == 2
    assert parse_odf(GPG + bytes(6)).warnings == ()


@pytest.mark.parametrize("vector", [ODF_LWM2M, ODF_AOSP, GPG], ids=["fact_59", "fact_60", "fact_61"])
def test_facts_59_60_61_cut_at_every_octet(vector: bytes) -> None:
    whole = parse_odf(vector)
    ends = {0: 0, 8: 1} if vector is GPG else {0: 0}
    for cut in range(len(vector)):
        if cut in ends:
            # Between two entries a file may end: it is shorter by the entries behind.
            assert parse_odf(vector[:cut]).entries == whole.entries[: ends[cut]]
        else:
            with pytest.raises(Pkcs15Error):
                parse_odf(vector[:cut])


@pytest.mark.parametrize(
    ("rest", "warnings"),
    [("FFFF", 0), ("0000", 0), ("00FF00", 0), ("FF A7 00", 1), ("00 01", 1)],
    ids=["FF", "00", "mixed", "object behind FF", "octet behind 00"],
)
def test_fact_105_padding(rest: str, warnings: int) -> None:
    found = parse_odf(ODF_LWM2M + bytes.fromhex(rest))
    assert (len(found.entries), len(found.warnings)) == (1, warnings)


@pytest.mark.parametrize("octets", [b"", b"\xff" * 32, bytes(32)], ids=["empty", "FF", "00"])
def test_fact_105_an_erased_file_has_no_entries(octets: bytes) -> None:
    assert parse_odf(octets).entries == ()
    assert parse_odf(octets).warnings == ()


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("62 1E 82 02 78 21", id="an FCP, cut"),
        pytest.param("03 0B 6A 00", id="a WBXML document"),
        pytest.param("A7 00", id="nothing in the entry"),
        pytest.param("A7 08 30 02 04 00 30 02 04 00", id="two references"),
        pytest.param("A7 02 05 00 A7", id="cut behind an unknown form"),
        pytest.param("A7 02 30 00", id="no path in the Path"),
        pytest.param("A7 04 30 02 05 00", id="another type in the Path"),
        pytest.param("A7 04 30 02 04 00", id="an empty path"),
        pytest.param("A7 05 A0 03 30 02 04", id="cut in-place object"),
        pytest.param("A7 80 30 04 04 02 64 30 00 00", id="fact 66 indefinite length"),
        pytest.param("A7 81 06 30 04 04 02 64 30", id="fact 66 long form for a short length"),
        pytest.param("A7 08 30 06 24 04 04 02 64 30", id="constructed path"),
    ],
)
def test_fact_106_what_is_no_odf_is_an_error_that_says_where(octets: str) -> None:
    with pytest.raises(Pkcs15Error, match=r"EF\.ODF") as caught:
        parse_odf(bytes.fromhex(octets))
    assert caught.value.offset is not None


def test_an_error_names_entry_field_and_offset() -> None:
    with pytest.raises(Pkcs15Error) as caught:
        parse_odf(ODF_LWM2M + bytes.fromhex("A7 06 30 04 04 03 64 30"))
    assert caught.value.structure == "EF.ODF"
    assert caught.value.place == "entry 2, dataObjects, path"
    assert caught.value.offset == 14
    assert "wanted 3 octets, found 2" in str(caught.value)


@pytest.mark.parametrize(
    ("octets", "limits", "name"),
    [
        (ODF_LWM2M * 3, Limits(odf_entries=2), "odf_entries"),
        (ODF_LWM2M * 3, Limits(data_object_directories=2), "data_object_directories"),
        (ODF_LWM2M + bytes(10), Limits(card_file_octets=10), "card_file_octets"),
        (build_odf([(DirectoryKind.CERTIFICATES, FilePath(b"\x50\x31" * 5))]), Limits(), "path_octets"),
        (ODF_LWM2M, Limits(tlv_depth=1), "tlv_depth"),
    ],
)
def test_bounds(octets: bytes, limits: Limits, name: str) -> None:
    with pytest.raises(LimitExceededError) as caught:
        parse_odf(octets, limits=limits)
    assert caught.value.limit == name


def test_what_is_built_is_read_back() -> None:
    entries = [
        (DirectoryKind.DATA_OBJECTS, FilePath(b"\x64\x30")),
        (DirectoryKind.AUTH_OBJECTS, FilePath(b"\x3f\x00\x7f\x50\x44\x01", 16, 128)),
    ]
    octets = build_odf(entries, size=64, fill=0)
    assert len(octets) == 64
    assert [(entry.kind, entry.reference) for entry in parse_odf(octets).entries] == entries
    with pytest.raises(ValueError, match="more than 10"):
        build_odf(entries, size=10)
