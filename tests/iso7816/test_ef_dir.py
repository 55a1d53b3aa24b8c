"""EF.DIR (facts 6, 17, 57, 58, 115, 116)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816 import AID, FilePath, build_dir_record, encode_tlv, parse_dir_file, parse_dir_record
from smartcard_dm.limits import Limits

USIM_AID = bytes.fromhex("A0000000871002FFFFFFFF8907090000")
USIM = bytes.fromhex("61 29 4F 10 A0000000871002FFFFFFFF8907090000 50 05 5553696D31 73 0E A00C80011781025F608203454150")
PKCS15 = build_dir_record(AID.PKCS15, label="DM", path=bytes.fromhex("3F007F50"))
WITH_ODF = build_dir_record(
    AID.PKCS15, path=b"\x3f\x00\x7f\x50", odf_path=b"\x50\x33", token_info_path=b"\x50\x34", record_length=60
)


def test_fact_58_a_usim_record_of_41_octets_content() -> None:
    found = parse_dir_record(USIM + b"\xff" * 5)
    assert found is not None
    assert found.aid == USIM_AID
    assert found.label == "USim1"
    assert found.path is None
    assert found.application is AID.USIM
    assert found.discretionary is not None
    assert found.locations is None
    assert found.warnings == ()


def test_facts_17_116_a_pkcs15_record_tells_identifier_and_path() -> None:
    found = parse_dir_record(PKCS15)
    assert found is not None
    assert found.application is AID.PKCS15
    assert found.path == FilePath(b"\x3f\x00\x7f\x50")
    assert found.path.is_absolute
    assert str(found.path) == "3F007F50"


def test_fact_57_odf_path_of_the_discretionary_data() -> None:
    found = parse_dir_record(WITH_ODF)
    assert found is not None
    assert found.label is None
    assert found.locations is not None
    assert found.locations.odf_path == FilePath(b"\x50\x33")
    assert found.locations.token_info_path == FilePath(b"\x50\x34")
    assert found.locations.unused_path is None
    assert len(WITH_ODF) == 60


def test_fact_57_a_path_with_index_and_length_and_an_unused_path() -> None:
    odf = bytes.fromhex("300D 0404 3F005033 0201 00 80020100")
    pointers = bytes.fromhex("0602 672B") + odf + bytes.fromhex("A104 0402 5035")
    body = encode_tlv(0x4F, AID.PKCS15) + encode_tlv(0x73, pointers)
    found = parse_dir_record(encode_tlv(0x61, body))
    assert found is not None
    assert found.locations is not None
    assert found.locations.odf_path == FilePath(b"\x3f\x00\x50\x33", 0, 256)
    assert str(found.locations.odf_path) == "3F005033[0+256]"
    assert found.locations.unused_path == FilePath(b"\x50\x35")
    assert found.locations.oid == b"\x67\x2b"


def test_fact_57_the_example_of_pkcs15() -> None:
    record = bytes.fromhex(
        "61 35 4F 0C A000000063504B43532D3135 50 07 52534120445349 51 04 3F005015"
        "73 16 06 0A 2A864886F70D010F0401 A1 08 04 06 3F0050154320"
    )
    found = parse_dir_record(record)
    assert found is not None
    assert (found.application, found.label, str(found.path)) == (AID.PKCS15, "RSA DSI", "3F005015")
    assert found.locations is not None
    assert (found.locations.odf_path, str(found.locations.unused_path)) == (None, "3F0050154320")


@pytest.mark.parametrize("record", ["", "FFFFFFFF", "00000000", "4F00", "3000"])
def test_fact_58_a_record_that_does_not_begin_with_61_is_skipped(record: str) -> None:
    assert parse_dir_record(bytes.fromhex(record)) is None


@pytest.mark.parametrize("vector", [USIM, PKCS15, WITH_ODF.rstrip(b"\xff")], ids=["USIM", "PKCS15", "WITH_ODF"])
def test_facts_17_57_58_cut_at_every_octet(vector: bytes) -> None:
    whole = parse_dir_record(vector)
    assert parse_dir_record(b"") is None
    for cut in range(1, len(vector)):
        with pytest.raises(TlvError):
            parse_dir_record(vector[:cut])
    for padding in (b"\xff\xff", b"\x00", b"\xff\x00"):
        assert parse_dir_record(vector + padding) == whole
    for rest in (b"\xff\x01", b"\x04\x00"):
        found = parse_dir_record(vector + rest)
        assert found is not None
        assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param("", "application identifier", id="no AID"),
        pytest.param("4F00", "application identifier", id="empty AID"),
        pytest.param("4F11" + "A0" * 17, "application identifier", id="long AID"),
        pytest.param("4F01A04F01A0", "stands twice", id="AID twice"),
        pytest.param("4F01A051033F007F", "two octets", id="odd path"),
        pytest.param("4F01A07303060301", "cut", id="DDO cut"),
        pytest.param("4F01A0730706016730020400", "names at least one file", id="odfPath empty"),
        pytest.param("4F01A0730506016730" + "00", "no path", id="odfPath without path"),
        pytest.param("4F01A073080601673003040150", "two octets", id="odfPath odd"),
    ],
)
def test_malformed_templates(body: str, detail: str) -> None:
    raw = bytes.fromhex(body)
    with pytest.raises(TlvError, match=detail):
        parse_dir_record(encode_tlv(0x61, raw))


@pytest.mark.parametrize(
    "pointers",
    [
        pytest.param("0601673004 040250313004 04025031", id="odfPath twice"),
        pytest.param("0601673007 04025031 020100", id="index alone"),
        pytest.param("0601673007 04025031 800100", id="length alone"),
        pytest.param("060167300A 04025031 0201FF 800101", id="negative index"),
        pytest.param("0601673009 04025031 0200 800101", id="empty index"),
        pytest.param("0601673002 0400", id="empty path"),
    ],
)
def test_fact_41_paths_of_the_discretionary_data_are_strict(pointers: str) -> None:
    body = encode_tlv(0x4F, AID.PKCS15) + encode_tlv(0x73, bytes.fromhex(pointers))
    with pytest.raises(TlvError):
        parse_dir_record(encode_tlv(0x61, body))


def test_fact_64_at_most_four_identifiers_and_3f00() -> None:
    assert parse_dir_record(build_dir_record(AID.WIM, path=b"\x3f\x00" + b"\x7f\x50" * 4)) is not None
    with pytest.raises(LimitExceededError, match="path_octets"):
        parse_dir_record(build_dir_record(AID.WIM, path=b"\x7f\x50" * 5))
    with pytest.raises(LimitExceededError, match="path_octets"):
        parse_dir_record(build_dir_record(AID.WIM, odf_path=b"\x3f\x00" + b"\x7f\x50" * 5))


def test_other_tags_of_the_discretionary_data_are_skipped() -> None:
    body = encode_tlv(0x4F, AID.PKCS15) + encode_tlv(0x73, bytes.fromhex("0601670C0158"))
    found = parse_dir_record(encode_tlv(0x61, body))
    assert found is not None
    assert found.locations is not None
    assert found.locations.odf_path is None


def test_fact_115_csim_before_usim_in_a_transparent_file_with_padding() -> None:
    csim = build_dir_record(AID.CSIM + b"\xff\xff", label="CSIM")
    found, warnings = parse_dir_file(csim + USIM + b"\x04\x00" + PKCS15 + b"\xff" * 9)
    assert [template.application for template in found] == [AID.CSIM, AID.USIM, AID.PKCS15]
    assert len(warnings) == 1
    assert "04" in warnings[0]
    assert parse_dir_file(b"\xff" * 20) == ((), ())
    assert parse_dir_file(b"") == ((), ())
    _, warnings = parse_dir_file(PKCS15 + b"\xff" + PKCS15)
    assert len(warnings) == 1


def test_the_number_of_records_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match="dir_records"):
        parse_dir_file(PKCS15 * 3, limits=Limits(dir_records=2))


@pytest.mark.parametrize(
    ("identifier", "aid"),
    [
        ("A0000000871002FFFFFFFF8907090000", AID.USIM),
        ("A0000000871004FF49FFFF89", AID.ISIM),
        ("A0000003431002FF86FF0389FFFFFFFF", AID.CSIM),
        ("A000000063504B43532D3135", AID.PKCS15),
        ("A0000000635741502D57494D", AID.WIM),
        ("A000000018475041432D3135", AID.GPAC_ARF),
        ("A0000000871003", None),
        ("A00000", None),
    ],
)
def test_fact_6_identifiers_are_matched_by_prefix(identifier: str, aid: AID | None) -> None:
    assert AID.of(bytes.fromhex(identifier)) is aid


def test_a_label_that_is_no_utf8_is_still_shown() -> None:
    body = encode_tlv(0x4F, b"\xa0") + encode_tlv(0x50, b"\x80\x04A") + encode_tlv(0x51, b"")
    found = parse_dir_record(encode_tlv(0x61, body))
    assert found is not None
    assert found.label == "\\x80\x04A"
    assert found.path is None


def test_a_record_that_does_not_fit_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="more than 10"):
        build_dir_record(AID.PKCS15, record_length=10)


@pytest.mark.parametrize(
    ("octets", "index", "length", "aid"),
    [
        (b"\x50", None, None, b""),
        (b"", None, None, b""),
        (b"\x50\x31", 1, None, b""),
        (b"\x50\x31", 0, 65536, b""),
        (b"", None, None, bytes(17)),
    ],
)
def test_a_file_path_holds_whole_identifiers(octets: bytes, index: int | None, length: int | None, aid: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        FilePath(octets, index, length, aid)


def test_a_file_path_with_an_identifier_is_shown() -> None:
    path = FilePath(b"\x50\x31", aid=AID.PKCS15.value)
    assert str(path) == "A000000063504B43532D3135:5031"
    assert path.is_whole_file
    assert not path.is_absolute


@given(st.binary(max_size=60).map(lambda body: encode_tlv(0x61, b"\x4f\x01\xa0" + body)) | st.binary(max_size=60))
def test_any_octets_give_a_value_or_our_errors(octets: bytes) -> None:
    for read in (parse_dir_record, parse_dir_file):
        with contextlib.suppress(TlvError, LimitExceededError):
            read(octets)


@given(
    st.binary(min_size=1, max_size=16),
    st.none() | st.text(max_size=10),
    st.none() | st.sampled_from([b"\x7f\x50", b"\x3f\x00\x7f\x50"]),
    st.none() | st.sampled_from([b"\x50\x31", b"\x3f\x00\x7f\x50\x50\x31"]),
)
def test_what_is_built_is_read_back(aid: bytes, label: str | None, path: bytes | None, odf: bytes | None) -> None:
    found = parse_dir_record(build_dir_record(aid, label=label, path=path, odf_path=odf, record_length=100))
    assert found is not None
    assert (found.aid, found.label) == (aid, label)
    assert (found.path.octets if found.path else None) == path
    assert (found.locations.odf_path if found.locations else None) == (FilePath(odf) if odf else None)
