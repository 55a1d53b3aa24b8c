"""BER-TLV: one form only, and the padding policy of fact 105."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import LimitExceededError, TlvError
from smartcard_dm.iso7816 import Tlv, encode_tlv, read_padded, read_tlv, read_tlvs, read_tree, strip_padding
from smartcard_dm.limits import Limits

TAGS = st.one_of(
    st.integers(0x01, 0xFE).filter(lambda tag: tag & 0x1F != 0x1F),
    st.integers(0x1F, 0x7F).map(lambda low: 0x5F00 | low),
    st.tuples(st.integers(0x81, 0xFF), st.integers(0, 0x7F)).map(lambda pair: 0x7F0000 | pair[0] << 8 | pair[1]),
)


@given(TAGS, st.binary(max_size=300))
def test_what_is_encoded_is_read_back(tag: int, value: bytes) -> None:
    octets = encode_tlv(tag, value)
    found = read_tlv(octets)
    assert (found.tag, found.value, found.offset, found.end) == (tag, value, 0, len(octets))
    assert found.octets == octets


@pytest.mark.parametrize("length", [0, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF])
def test_fact_66_lengths_of_up_to_two_octets(length: int) -> None:
    octets = encode_tlv(0x04, bytes(length))
    assert len(read_tlv(octets).value) == length
    for cut in {0, 1, 2, 3, len(octets) - 1} - {len(octets)}:
        if cut < len(octets):
            with pytest.raises(TlvError):
                read_tlv(octets[:cut])


@pytest.mark.parametrize(
    ("octets", "detail", "offset"),
    [
        pytest.param("", "a tag is missing", 0, id="nothing"),
        pytest.param("00", "padding", 0, id="tag 00"),
        pytest.param("FF01", "padding", 0, id="tag FF"),
        pytest.param("1F", "tag is cut", 0, id="long tag without number"),
        pytest.param("1F81", "tag is cut", 0, id="long tag with open number"),
        pytest.param("1F81818100", "too long", 0, id="tag of four octets"),
        pytest.param("1F8000", "shortest", 0, id="tag with leading zero"),
        pytest.param("1F1E00", "shortest", 0, id="tag that fits one octet"),
        pytest.param("04", "length is missing", 1, id="no length"),
        pytest.param("0480", "indefinite", 1, id="fact 66 indefinite length"),
        pytest.param("308002000000", "indefinite", 1, id="fact 66 indefinite length, constructed"),
        pytest.param("0481", "length is cut", 1, id="cut length"),
        pytest.param("048201", "length is cut", 1, id="cut length of two octets"),
        pytest.param("04817F", "shortest", 1, id="81 for less than 80"),
        pytest.param("048200FF", "shortest", 1, id="82 for less than 100"),
        pytest.param("0483010000", "too many", 1, id="fact 66 three length octets"),
        pytest.param("04FF", "too many", 1, id="length FF"),
        pytest.param("0402AA", "value of tag 04 is cut", 2, id="cut value"),
    ],
)
def test_any_other_form_is_refused(octets: str, detail: str, offset: int) -> None:
    with pytest.raises(TlvError, match=detail) as caught:
        read_tlv(bytes.fromhex(octets))
    assert caught.value.offset == offset


def test_offsets_count_from_the_start_of_the_structure() -> None:
    outer = read_tlv(b"\x30\x05\x02\x01\x07\x05\x00")
    inner = read_tlvs(outer.value, base=outer.value_offset)
    assert [(tlv.tag, tlv.offset, tlv.value_offset, tlv.end) for tlv in inner] == [(2, 2, 4, 5), (5, 5, 7, 7)]
    with pytest.raises(TlvError) as caught:
        read_tlvs(b"\x02\x01", base=100, structure="EF.X")
    assert (caught.value.offset, caught.value.structure) == (102, "EF.X")


@pytest.mark.parametrize(
    ("tag", "expected"), [(0x30, True), (0x04, False), (0xA1, True), (0x5F2D, False), (0x7F49, True)]
)
def test_constructed_is_a_bit_of_the_first_octet(tag: int, expected: bool) -> None:  # noqa: FBT001  (a table column)
    assert Tlv(tag, b"", 0, 2).constructed is expected


@pytest.mark.parametrize("tag", [0, -1, 0xFF, 0x100, 0x1F, 0x1F05, 0x30FF, 0x1F818101, 0xFF21])
def test_no_tag_is_built_that_would_be_refused(tag: int) -> None:
    with pytest.raises(ValueError, match="tag"):
        encode_tlv(tag, b"")


def test_no_value_is_built_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="65535"):
        encode_tlv(0x04, bytes(0x10000))


@pytest.mark.parametrize(
    ("octets", "count", "warned"),
    [
        pytest.param("", 0, False, id="fact 105 empty"),
        pytest.param("FFFFFF", 0, False, id="fact 105 erased"),
        pytest.param("000000", 0, False, id="fact 105 zeroed"),
        pytest.param("0400", 1, False, id="fact 105 no padding"),
        pytest.param("0400FFFF", 1, False, id="fact 105 FF"),
        pytest.param("04000000", 1, False, id="fact 105 00"),
        pytest.param("0400FF00FF", 1, False, id="fact 105 FF and 00 mixed"),
        pytest.param("040000040100", 1, True, id="fact 105 object after 00 is a warning"),
        pytest.param("0401FFFF01", 1, True, id="fact 105 rest after FF is a warning, FF in a value is none"),
    ],
)
def test_fact_105_padding(octets: str, count: int, warned: bool) -> None:  # noqa: FBT001  (a table column)
    data = bytes.fromhex(octets)
    found, warnings = read_padded(data, structure="EF.X")
    assert (len(found), bool(warnings)) == (count, warned)
    assert all("EF.X" in warning and "offset" in warning for warning in warnings)
    assert strip_padding(data) == (b"".join(tlv.octets for tlv in found), read_padded(data)[1])


def test_fact_105_an_object_before_the_padding_must_be_whole() -> None:
    with pytest.raises(TlvError):
        read_padded(b"\x04\x03\xff\xff")


def test_a_tree_is_bounded() -> None:
    nested = b"\x04\x00"
    for _ in range(7):
        nested = encode_tlv(0x30, nested)
    (node,) = read_tree(nested)
    depth = 1
    while node.children:
        (node,) = node.children
        depth += 1
    assert (depth, node.tlv.tag, node.tlv.offset) == (8, 0x04, 14)
    with pytest.raises(LimitExceededError, match="tlv_depth"):
        read_tree(encode_tlv(0x30, nested))
    assert read_tree(encode_tlv(0x30, nested), limits=Limits(tlv_depth=9))


def test_a_thousand_levels_are_an_error_of_ours() -> None:
    nested = b""
    for _ in range(1000):
        nested = encode_tlv(0x30, nested)
    with pytest.raises(LimitExceededError):
        read_tree(nested)


@given(st.binary(max_size=64))
def test_any_octets_give_objects_or_our_error(octets: bytes) -> None:
    with contextlib.suppress(TlvError, LimitExceededError):
        read_tree(octets)
        significant, _ = strip_padding(octets)
        assert octets.startswith(significant)
    try:
        found = read_tlvs(octets)
    except TlvError as error:
        offset = error.offset
    else:
        offset = 0
        assert b"".join(tlv.octets for tlv in found) == octets
    assert offset is not None
    assert 0 <= offset <= len(octets)
