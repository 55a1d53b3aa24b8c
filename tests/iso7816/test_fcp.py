"""FCP templates (facts 82 to 89)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import TlvError
from smartcard_dm.iso7816 import (
    FileKind,
    FileStructure,
    LifeCycle,
    PinState,
    SecurityReference,
    TemplateKind,
    encode_tlv,
    parse_fcp,
)

EF_IMSI = bytes.fromhex("62178202412183026F078A01058B036F060A80020009880138")
ADF_PKCS15 = bytes.fromhex("622582027821840CA000000063504B43532D31358A01058B032F060CC60990014083010183010A")
EF_ODF = bytes.fromhex("6216820241218302 5031 8A0105 8B036F0602 80020020 8800")
VECTORS = {"EF_IMSI": EF_IMSI, "ADF_PKCS15": ADF_PKCS15, "EF_ODF": EF_ODF}


def fcp(*objects: str) -> bytes:
    return encode_tlv(0x62, bytes.fromhex("".join(objects)))


def test_fact_87_ef_imsi() -> None:
    found = parse_fcp(EF_IMSI)
    assert found.template is TemplateKind.FCP
    assert found.file_size == 9
    assert found.file_id == 0x6F07
    assert found.short_file_id == 7
    assert found.life_cycle is LifeCycle.ACTIVATED
    assert found.security == SecurityReference(0x6F06, 0x0A)
    assert found.security.record_for() == 0x0A
    assert found.descriptor is not None
    assert found.descriptor.kind is FileKind.WORKING
    assert found.descriptor.structure is FileStructure.TRANSPARENT
    assert found.descriptor.shareable
    assert found.descriptor.record_length is None
    assert found.total_size is None
    assert found.df_name is None
    assert found.pins == ()
    assert found.unknown == ()


def test_facts_87_89_adf_pkcs15_with_pin_status() -> None:
    found = parse_fcp(ADF_PKCS15)
    assert found.df_name == bytes.fromhex("A000000063504B43532D3135")
    assert found.descriptor is not None
    assert found.descriptor.kind is FileKind.DIRECTORY
    assert found.descriptor.structure is FileStructure.NONE
    assert found.security == SecurityReference(0x2F06, 0x0C)
    assert found.pins == (PinState(0x01, False), PinState(0x0A, True))
    assert found.short_file_id is None


def test_fact_87_ef_odf_whose_sfi_is_empty() -> None:
    found = parse_fcp(EF_ODF)
    assert found.file_id == 0x5031
    assert found.file_size == 0x20
    assert found.short_file_id is None
    assert found.security == SecurityReference(0x6F06, 2)


@pytest.mark.parametrize("name", VECTORS)
def test_fact_87_cut_at_every_octet_or_with_octets_behind_it_is_refused(name: str) -> None:
    vector = VECTORS[name]
    for cut in range(len(vector)):
        with pytest.raises(TlvError):
            parse_fcp(vector[:cut])
    for rest in (b"\x00", b"\xff", b"\x62\x00"):
        with pytest.raises(TlvError):
            parse_fcp(vector + rest)


@pytest.mark.parametrize(
    ("raw", "kind", "structure", "length", "count", "shareable"),
    [
        ("4121", FileKind.WORKING, FileStructure.TRANSPARENT, None, None, True),
        ("4221001A02", FileKind.WORKING, FileStructure.LINEAR_FIXED, 26, 2, True),
        ("4621000303", FileKind.WORKING, FileStructure.CYCLIC, 3, 3, True),
        ("42210010000F", FileKind.WORKING, FileStructure.LINEAR_FIXED, 16, 15, True),
        ("422110", FileKind.WORKING, FileStructure.LINEAR_FIXED, 16, None, True),
        ("7821", FileKind.DIRECTORY, FileStructure.NONE, None, None, True),
        ("38", FileKind.DIRECTORY, FileStructure.NONE, None, None, False),
        ("7921", FileKind.WORKING, FileStructure.BER_TLV, None, None, True),
        ("7A", FileKind.UNKNOWN, FileStructure.NONE, None, None, True),
        ("09", FileKind.INTERNAL, FileStructure.TRANSPARENT, None, None, False),
        ("14", FileKind.UNKNOWN, FileStructure.LINEAR_VARIABLE, None, None, False),
        ("80", FileKind.UNKNOWN, FileStructure.NONE, None, None, False),
    ],
)
def test_section_6_3_descriptors(
    raw: str,
    kind: FileKind,
    structure: FileStructure,
    length: int | None,
    count: int | None,
    shareable: bool,  # noqa: FBT001  (a table column)
) -> None:
    found = parse_fcp(fcp("82", f"{len(raw) // 2:02X}", raw)).descriptor
    assert found is not None
    assert (found.kind, found.structure) == (kind, structure)
    assert (found.record_length, found.record_count, found.shareable) == (length, count, shareable)


@pytest.mark.parametrize(
    ("objects", "sfi"),
    [
        pytest.param(["880138"], 7, id="five high bits"),
        pytest.param(["8800"], None, id="empty: none"),
        pytest.param(["83022F05"], 5, id="absent: low bits of the identifier"),
        pytest.param(["83025FE0"], None, id="absent, low bits 0"),
        pytest.param(["83025FFF"], None, id="absent, low bits 31"),
        pytest.param(["82027821", "83027F05"], None, id="a directory has none"),
        pytest.param(["8801F8"], None, id="31 is none"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_section_6_3_short_file_identifier(objects: list[str], sfi: int | None) -> None:
    assert parse_fcp(fcp(*objects)).short_file_id == sfi


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("00", LifeCycle.NO_INFORMATION),
        ("01", LifeCycle.CREATION),
        ("03", LifeCycle.INITIALISATION),
        ("05", LifeCycle.ACTIVATED),
        ("07", LifeCycle.ACTIVATED),
        ("04", LifeCycle.DEACTIVATED),
        ("06", LifeCycle.DEACTIVATED),
        ("0C", LifeCycle.TERMINATED),
        ("0F", LifeCycle.TERMINATED),
        ("02", LifeCycle.PROPRIETARY),
        ("45", LifeCycle.PROPRIETARY),
    ],
)
def test_section_6_3_life_cycle(value: str, state: LifeCycle) -> None:
    assert parse_fcp(fcp("8A01", value)).life_cycle is state


def test_section_6_3_security_in_all_forms() -> None:
    assert parse_fcp(fcp("8B0105")).security == SecurityReference(None, 5)
    long = parse_fcp(fcp("8B062F0601030002")).security
    assert long == SecurityReference(0x2F06, None, ((1, 3), (0, 2)))
    assert (long.record_for(1), long.record_for(0), long.record_for(9)) == (3, 2, None)
    found = parse_fcp(fcp("8C03030001", "AB05", "8001019000", "A506", "800171", "870101", "C7020102"))
    assert found.compact_rules == bytes.fromhex("030001")
    assert found.expanded_rules == bytes.fromhex("8001019000")
    assert [(tlv.tag, tlv.value) for tlv in found.proprietary] == [(0x80, b"\x71"), (0x87, b"\x01")]
    assert [tlv.tag for tlv in found.unknown] == [0xC7]


def test_fact_89_usage_qualifier_belongs_to_the_reference_after_it() -> None:
    found = parse_fcp(fcp("C612", "9001A0", "950108", "830101", "830181", "810100", "83010A"))
    assert found.pins == (PinState(1, True, 8), PinState(0x81, False), PinState(0x0A, True))


def test_order_of_the_tags_is_free_and_total_size_is_read() -> None:
    found = parse_fcp(fcp("81020100", "83025031", "80030000FF", "82024121"))
    assert (found.total_size, found.file_size, found.file_id) == (256, 255, 0x5031)


def test_fci_templates_are_told_apart() -> None:
    inner = bytes.fromhex("84025031A503880101")
    for raw in (encode_tlv(0x6F, inner), encode_tlv(0x6F, encode_tlv(0x62, inner))):
        found = parse_fcp(raw)
        assert found.template is TemplateKind.FCI
        assert found.df_name == b"\x50\x31"
        assert found.proprietary[0].tag == 0x88


@pytest.mark.parametrize(
    "objects",
    [
        pytest.param(["830150"], id="short identifier"),
        pytest.param(["8303503100"], id="long identifier"),
        pytest.param(["800101"], id="short size"),
        pytest.param(["80050000000001"], id="long size"),
        pytest.param(["8200"], id="empty descriptor"),
        pytest.param(["820741214121412141"], id="long descriptor"),
        pytest.param(["8A00"], id="empty life cycle"),
        pytest.param(["8B00"], id="empty security"),
        pytest.param(["8B026F06"], id="security of two octets"),
        pytest.param(["8B056F06010203"], id="security with half a pair"),
        pytest.param(["88020101"], id="long SFI"),
        pytest.param(["C603830101"], id="PIN without status"),
        pytest.param(["C605900080", "83"], id="cut PIN status"),
        pytest.param(["C6069001808300"], id="empty PIN reference"),
        pytest.param(["83025031", "83025032"], id="identifier twice"),
        pytest.param(["A50380"], id="cut proprietary"),
    ],
)
def test_malformed_parameters_are_refused(objects: list[str]) -> None:
    with pytest.raises(TlvError):
        parse_fcp(fcp(*objects))


@pytest.mark.parametrize("octets", [b"", b"\x61\x00", b"\x62\x00\x62\x00"])
def test_fact_84_an_empty_or_other_answer_is_no_template(octets: bytes) -> None:
    with pytest.raises(TlvError, match="template"):
        parse_fcp(octets)


@given(st.binary(max_size=60).map(lambda value: encode_tlv(0x62, value)) | st.binary(max_size=60))
def test_any_octets_give_parameters_or_our_error(octets: bytes) -> None:
    with contextlib.suppress(TlvError):
        parse_fcp(octets)


@given(
    st.lists(
        st.builds(
            encode_tlv,
            st.sampled_from([0x80, 0x81, 0x82, 0x83, 0x84, 0x88, 0x8A, 0x8B, 0x8C, 0xAB, 0xA5, 0xC6, 0xC7]),
            st.binary(max_size=8),
        ),
        max_size=8,
    )
)
def test_any_parameters_give_a_value_or_our_error(objects: list[bytes]) -> None:
    with contextlib.suppress(TlvError):
        parse_fcp(encode_tlv(0x62, b"".join(objects)))
