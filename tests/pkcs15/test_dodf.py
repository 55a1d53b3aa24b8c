"""EF(DODF): facts 41 to 48, 59 to 66, 104, 105, 113."""

from dataclasses import replace

import pytest

from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.iso7816 import encode_tlv
from smartcard_dm.limits import Limits
from smartcard_dm.pkcs15 import (
    CP_BOOTSTRAP,
    DM_BOOTSTRAP,
    LWM2M_BOOTSTRAP,
    AccessControlRule,
    AndCondition,
    AuthIdCondition,
    DataObject,
    DataObjectKind,
    DirectValue,
    FilePath,
    IndirectPath,
    IndirectUrl,
    NotCondition,
    OrCondition,
    ProtectedValue,
    parse_dodf,
)
from tests.pkcs15.vectors import (
    DODF_AOSP,
    DODF_CP_OID,
    DODF_DM_OID,
    DODF_DM_OPAQUE,
    DODF_INTEL,
    DODF_ONCE,
    DODF_TWICE,
    DODF_VECTORS,
    entry,
    opaque,
)


def one(octets: bytes) -> DataObject:
    directory = parse_dodf(octets)
    assert directory.warnings == ()
    (found,) = directory
    return found


def test_facts_59_65_113_oid_encoded_twice() -> None:
    found = one(DODF_TWICE)
    assert found.oid == LWM2M_BOOTSTRAP
    assert found.oid_twice_encoded
    assert found.path == FilePath(b"\x64\x32")
    assert found.application_name == "LwM2M Bootstrap"
    assert found.kind is DataObjectKind.OID


def test_fact_59_oid_encoded_once() -> None:
    found = one(DODF_ONCE)
    assert not found.oid_twice_encoded
    assert replace(found, oid_twice_encoded=True) == one(DODF_TWICE)


def test_fact_65_an_application_oid_may_be_encoded_twice_too() -> None:
    found = one(opaque(attributes="0606 0604672B0701"))
    assert (found.oid, found.oid_twice_encoded) == (DM_BOOTSTRAP, True)


def test_fact_60_aosp() -> None:
    found = one(DODF_AOSP)
    assert found.oid == "1.2.840.114283.200.1.1"
    assert found.path == FilePath(b"\x42\x00")
    assert found.name == "GP SE Acc Ctl"


@pytest.mark.parametrize(("octets", "oid"), [(DODF_DM_OID, DM_BOOTSTRAP), (DODF_CP_OID, CP_BOOTSTRAP)])
def test_fact_62_oid_objects(octets: bytes, oid: str) -> None:
    found = one(octets)
    assert (found.kind, found.object_oid, found.application_oid) == (DataObjectKind.OID, oid, oid)
    assert found.has_oid(oid)
    assert found.path == FilePath(b"\x64\x31")
    assert found.value == IndirectPath(FilePath(b"\x64\x31"))


def test_fact_63_an_opaque_object() -> None:
    found = one(DODF_DM_OPAQUE)
    assert found.kind is DataObjectKind.OPAQUE
    assert (found.label, found.oid, found.object_oid) == ("X", DM_BOOTSTRAP, None)
    assert found.path == FilePath(b"\x64\x31")
    assert found.name == "DM bootstrap"


def test_fact_64_a_path_of_four_octets() -> None:
    found = one(DODF_INTEL)
    assert found.path == FilePath(b"\x3f\xff\x64\x31")


@pytest.mark.parametrize("name", DODF_VECTORS)
def test_facts_59_to_64_cut_at_every_octet(name: str) -> None:
    vector = DODF_VECTORS[name]
    # A file of no octets is a file of no objects; cut anywhere else there is half an object.
    assert len(parse_dodf(b"")) == 0
    for cut in range(1, len(vector)):
        with pytest.raises(Pkcs15Error) as caught:
            parse_dodf(vector[:cut])
        assert caught.value.offset is not None
        assert caught.value.offset <= cut


@pytest.mark.parametrize("name", DODF_VECTORS)
@pytest.mark.parametrize(
    ("rest", "warnings"),
    [("FFFFFF", 0), ("000000", 0), ("FF 30 00", 1), ("00 01", 1)],
    ids=["FF", "00", "object behind FF", "octet behind 00"],
)
def test_fact_105_padding_and_what_follows_it(name: str, rest: str, warnings: int) -> None:
    found = parse_dodf(DODF_VECTORS[name] + bytes.fromhex(rest))
    assert found.objects == parse_dodf(DODF_VECTORS[name]).objects
    assert len(found.warnings) == warnings
    with pytest.raises(Pkcs15Error):
        parse_dodf(DODF_VECTORS[name] + b"\x30")


def test_fact_105_all_vectors_in_one_file() -> None:
    found = parse_dodf(b"".join(DODF_VECTORS.values()) + b"\xff" * 100)
    assert len(found) == len(DODF_VECTORS)
    offsets = [data.offset for data in found]
    assert offsets == sorted(offsets)
    assert offsets[1] == len(DODF_TWICE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("3004 0402 6431", FilePath(b"\x64\x31"), id="fact 41 path alone"),
        pytest.param(
            "300A 0402 6431 0201 00 8001 20", FilePath(b"\x64\x31", 0, 32), id="facts 41 104 index 0, length under 80"
        ),
        pytest.param(
            "300B 0402 6431 0201 10 8002 0100", FilePath(b"\x64\x31", 16, 256), id="fact 41 length of two octets"
        ),
        pytest.param("300C 0402 6431 0202 0010 8002 0020", FilePath(b"\x64\x31", 16, 32), id="leading zero octets"),
        pytest.param(
            "300D 0402 6431 0203 00FFFF 8002 0020", FilePath(b"\x64\x31", 65535, 32), id="fact 41 upper bound"
        ),
        pytest.param("300A 0402 6431 0201 00 8001 00", FilePath(b"\x64\x31", 0, 0), id="fact 31 zeros"),
        pytest.param("3006 0402 6431 0500", FilePath(b"\x64\x31"), id="extension behind"),
        pytest.param("3008 4F02 A000 0402 5031", FilePath(b"\x50\x31", aid=b"\xa0\x00"), id="fact 42a AID inside"),
        pytest.param("3006 4F02 A000 0400", FilePath(b"", aid=b"\xa0\x00"), id="fact 42a AID alone"),
        pytest.param(
            "300C 040A 3F00 0001 0002 0003 0004", FilePath(b"\x3f\x00\0\1\0\2\0\3\0\4"), id="fact 64 four identifiers"
        ),
    ],
)
def test_facts_31_41_42a_paths(path: str, expected: FilePath) -> None:
    assert one(opaque(types=path)).path == expected


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        pytest.param("3003 0401 64", "two octets", id="fact 66 one octet"),
        pytest.param("3005 0403 643100", "two octets", id="fact 66 three octets"),
        pytest.param("3002 0400", "names at least one", id="fact 66 no octet"),
        pytest.param("3000", "missing", id="no path"),
        pytest.param("3007 0402 6431 0201 00", "come together", id="fact 41 index alone"),
        pytest.param("3007 0402 6431 8001 20", "come together", id="fact 41 length alone"),
        pytest.param("300A 0402 6431 0201 00 0201 20", "twice", id="fact 41 length under 02 is no length"),
        pytest.param("300A 0402 6431 0201 FF 8001 20", "index is 0 to", id="negative index"),
        pytest.param("300C 0402 6431 0203 010000 8001 20", "index is 0 to", id="fact 41 index beyond 65535"),
        pytest.param("300C 0402 6431 0201 00 8003 010000", "length is 0 to", id="fact 41 length beyond 65535"),
        pytest.param("3009 0402 6431 0200 8001 20", "INTEGER", id="empty integer"),
        pytest.param("300A 8001 20 0201 00 0402 6431", "should have been", id="order"),
        pytest.param("3008 0402 6431 0402 6431", "twice", id="path twice"),
    ],
)
def test_facts_41_66_paths_that_are_none(path: str, detail: str) -> None:
    with pytest.raises(Pkcs15Error, match=detail):
        parse_dodf(opaque(types=path))


@pytest.mark.parametrize(
    ("types", "value"),
    [
        pytest.param("3004 04026431", IndirectPath(FilePath(b"\x64\x31")), id="fact 43 path"),
        pytest.param("1303 613A62", IndirectUrl("a:b"), id="fact 43 URL"),
        pytest.param("1603 613A62", IndirectUrl("a:b"), id="URL as IA5String"),
        pytest.param("A309 1603613A62 30020500", IndirectUrl("a:b"), id="fact 43 URL with digest"),
        pytest.param("A003 030B6A", DirectValue(b"\x03\x0b\x6a"), id="fact 43 direct"),
        pytest.param("A102 0500", ProtectedValue(False, b"\x05\x00"), id="fact 43 indirect, protected"),
        pytest.param("A202 0500", ProtectedValue(True, b"\x05\x00"), id="fact 43 direct, protected"),
    ],
)
def test_fact_43_values(types: str, value: object) -> None:
    found = one(opaque(types=types))
    assert found.value == value
    assert (found.path is None) is not isinstance(value, IndirectPath)
    oid = encode_tlv(0x30, bytes.fromhex("0604672B0701") + bytes.fromhex(types)).hex()
    assert one(entry(0xA1, types=oid)).value == value


@pytest.mark.parametrize(
    ("content", "octets"),
    [
        pytest.param("0403030B6A", "030B6A", id="octet string taken off"),
        pytest.param("030B6A", "030B6A", id="bare octets"),
        pytest.param("0404030B6A", "0404030B6A", id="no octet string"),
        pytest.param("", "", id="nothing"),
        pytest.param("04", "04", id="one octet"),
    ],
)
def test_a_direct_value_without_its_octet_string(content: str, octets: str) -> None:
    raw = bytes.fromhex(content)
    assert one(opaque(types=encode_tlv(0xA0, raw).hex())).direct_octets == bytes.fromhex(octets)


def test_a_direct_value_of_every_length_form() -> None:
    for size in (127, 128, 255, 256, 1000):
        raw = encode_tlv(0x04, bytes(size))
        assert one(opaque(types=encode_tlv(0xA0, raw).hex())).direct_octets == bytes(size)
    assert one(DODF_DM_OID).direct_octets is None


def test_fact_44_type_attributes_hold_exactly_one_element() -> None:
    for types in ("", "3004 04026431 3004 04026431"):
        with pytest.raises(Pkcs15Error):
            parse_dodf(opaque(types=types))


def test_fact_44_sub_class_attributes_are_skipped() -> None:
    for below in ("3000", "0500", ""):
        assert one(entry(0x30, types="3004 04026431", below=below)).path == FilePath(b"\x64\x31")


@pytest.mark.parametrize(
    ("common", "private", "modifiable"),
    [
        pytest.param("", False, False, id="fact 45 empty, as in LWM and AOSP"),
        pytest.param("03020780", True, False, id="fact 45 private"),
        pytest.param("03020640", False, True, id="fact 45 modifiable"),
        pytest.param("030206C0", True, True, id="fact 45 both"),
        pytest.param("030100", False, False, id="fact 45 no bit"),
        pytest.param("030205E0", True, True, id="fact 45 an unknown bit"),
    ],
)
def test_fact_45_flags(common: str, private: bool, modifiable: bool) -> None:  # noqa: FBT001  (table columns)
    found = one(opaque(common))
    assert (found.private, found.modifiable) == (private, modifiable)


def test_facts_35_45_all_common_attributes() -> None:
    rules = "30143007 03020780 0401 313009 030206C0 A003 0401 32"
    found = one(opaque("0C0158 03020780 040131 020102" + rules + "0500"))
    assert (found.label, found.private, found.auth_id, found.user_consent) == ("X", True, b"1", 2)
    assert found.access_rules == (
        AccessControlRule(True, False, False, AuthIdCondition(b"1")),
        AccessControlRule(True, True, False, NotCondition(AuthIdCondition(b"2"))),
    )


def test_fact_45_security_conditions() -> None:
    condition = "A10A 040131 A205 040132 0400"
    rule = f"30{4 + 12:02X}03020520" + condition
    found = one(opaque("3012" + rule))
    assert found.access_rules == (
        AccessControlRule(
            False,
            False,
            True,
            AndCondition((AuthIdCondition(b"1"), OrCondition((AuthIdCondition(b"2"), AuthIdCondition(b""))))),
        ),
    )


@pytest.mark.parametrize(
    "condition", ["", "0500", "A000", "A100", "A006 040131 040132", "A103 040231", "A302 0400", "A0020500"]
)
def test_fact_45_conditions_that_are_none(condition: str) -> None:
    raw = bytes.fromhex(condition)
    rule = encode_tlv(0x30, bytes.fromhex("03020780") + raw)
    with pytest.raises(Pkcs15Error) as caught:
        parse_dodf(opaque(encode_tlv(0x30, rule).hex()))
    assert "accessControlRules" in str(caught.value.place)


def test_fact_66_conditions_nest_within_a_bound() -> None:
    def rules(depth: int) -> str:
        condition = bytes.fromhex("040131")
        for _ in range(depth):
            condition = encode_tlv(0xA0, condition)
        return encode_tlv(0x30, encode_tlv(0x30, bytes.fromhex("03020780") + condition)).hex()

    assert one(opaque(rules(7))).access_rules
    with pytest.raises(LimitExceededError, match="tlv_depth"):
        parse_dodf(opaque(rules(8)))
    with pytest.raises(LimitExceededError, match="tlv_depth"):
        parse_dodf(opaque(rules(4000)))


@pytest.mark.parametrize(
    ("common", "detail"),
    [
        pytest.param("0C01FF", "text", id="label that is no UTF-8"),
        pytest.param("0300", "BIT STRING", id="flags without count"),
        pytest.param("030108", "BIT STRING", id="eight unused bits"),
        pytest.param("030101", "BIT STRING", id="unused bits of nothing"),
        pytest.param("0C0158 0C0159", "twice or out of order", id="label twice"),
        pytest.param("03020780 0C0158", "twice or out of order", id="label behind flags"),
        pytest.param("2C03 0C0158", "method should have been", id="constructed label"),
        pytest.param("0223" + "01" * 35, "INTEGER", id="long integer"),
    ],
)
def test_common_attributes_that_are_none(common: str, detail: str) -> None:
    with pytest.raises(Pkcs15Error, match=detail):
        parse_dodf(opaque(common))


@pytest.mark.parametrize(
    ("attributes", "name", "oid"),
    [
        pytest.param("", None, None, id="fact 46 neither"),
        pytest.param("0C0158", "X", None, id="fact 46 name"),
        pytest.param("0604672B0701", None, DM_BOOTSTRAP, id="fact 46 OID"),
        pytest.param("0C0158 0604672B0701 0500", "X", DM_BOOTSTRAP, id="fact 46 both and an extension"),
        pytest.param("0604672B0701 040131", None, DM_BOOTSTRAP, id="fact 56 an iD, as in ISO 7816-15"),
    ],
)
def test_facts_46_56_data_object_attributes(attributes: str, name: str | None, oid: str | None) -> None:
    found = one(opaque(attributes=attributes))
    assert (found.application_name, found.oid) == (name, oid)
    assert found.name


def test_fact_47_kinds_and_the_unknown_one() -> None:
    external = entry(0xA0, types="3004 04026431")
    unknown = entry(0xA2, types="3004 04026431")
    found = parse_dodf(DODF_DM_OPAQUE + unknown + external + b"\x05\x00" + DODF_DM_OID)
    assert [data.kind for data in found] == [DataObjectKind.OPAQUE, DataObjectKind.EXTERNAL, DataObjectKind.OID]
    assert len(found.warnings) == 2
    assert "A2" in found.warnings[0]
    assert "entry 2" in found.warnings[0]


def test_fact_48_the_object_s_own_oid_is_preferred() -> None:
    octets = DODF_DM_OID.replace(bytes.fromhex("30 06 06 04 67 2B 07 01"), bytes.fromhex("30 06 06 04 67 2B 05 01"))
    found = one(octets)
    assert (found.oid, found.object_oid, found.application_oid) == (DM_BOOTSTRAP, DM_BOOTSTRAP, CP_BOOTSTRAP)
    assert not found.has_oid(CP_BOOTSTRAP)


@pytest.mark.parametrize("oid", ["0600", "0601AB", "06028001", "06022A80", "0614" + "FF" * 19 + "7F"])
def test_identifiers_that_are_none(oid: str) -> None:
    with pytest.raises(Pkcs15Error, match="OBJECT IDENTIFIER") as caught:
        parse_dodf(opaque(attributes=oid))
    assert "applicationOID" in str(caught.value.place)
    with pytest.raises(Pkcs15Error, match="OBJECT IDENTIFIER"):
        parse_dodf(entry(0xA1, types=encode_tlv(0x30, bytes.fromhex(oid + "300404026431")).hex()))


def test_fact_66_lengths_of_two_octets() -> None:
    found = one(opaque(attributes="0C820190" + "58" * 400))
    assert found.application_name == "X" * 400


def test_fact_66_indefinite_and_long_lengths_are_refused_at_any_depth() -> None:
    for types in ("3080 04026431 0000", "308104 04026431", "3083000004 04026431", "30 05 04 8102 6431"):
        with pytest.raises(Pkcs15Error, match="length"):
            parse_dodf(opaque(types=types))


def test_fact_66_inner_lengths_stay_inside_their_parent() -> None:
    with pytest.raises(Pkcs15Error, match="cut") as caught:
        parse_dodf(DODF_DM_OPAQUE + DODF_DM_OID[:25] + b"\x05" + DODF_DM_OID[26:])
    assert caught.value.structure == "EF.DODF"
    assert caught.value.place == "entry 2, oidDO, typeAttributes, value, path"
    assert caught.value.offset == len(DODF_DM_OPAQUE) + 26


def test_fact_66_nesting_is_bounded() -> None:
    with pytest.raises(LimitExceededError, match="tlv_depth"):
        parse_dodf(DODF_DM_OID, limits=Limits(tlv_depth=3))


def test_fact_104_the_first_tag_of_a_directory_is_not_a7() -> None:
    assert len(parse_dodf(DODF_DM_OPAQUE)) == 1
    skipped = parse_dodf(b"\xa7\x06\x30\x04\x04\x02\x64\x30")
    assert (skipped.objects, len(skipped.warnings)) == ((), 1)


def test_fact_104_opaque_and_oid_objects_in_one_directory_are_all_found() -> None:
    found = parse_dodf(opaque() + DODF_DM_OPAQUE + opaque(types="A004 04026431") + DODF_DM_OID)
    assert [data.oid for data in found] == [None, DM_BOOTSTRAP, None, DM_BOOTSTRAP]


def test_fact_104_an_object_without_type_attributes_does_not_end_the_directory() -> None:
    bare = encode_tlv(0xA1, bytes.fromhex("3000 3000"))
    found = parse_dodf(bare + DODF_DM_OID)
    assert [data.oid for data in found] == [DM_BOOTSTRAP]
    assert "without type attributes" in found.warnings[0]


def test_the_number_of_objects_and_the_size_are_bounded() -> None:
    with pytest.raises(LimitExceededError, match="directory_objects"):
        parse_dodf(DODF_DM_OID * 65)
    assert len(parse_dodf(DODF_DM_OID * 64)) == 64
    with pytest.raises(LimitExceededError, match="card_file_octets"):
        parse_dodf(b"\xff" * (32 * 1024 + 1))


def test_facts_64_66_a_path_of_five_identifiers_is_too_long() -> None:
    with pytest.raises(LimitExceededError, match="path_octets"):
        parse_dodf(opaque(types="300C 040A" + "5031" * 5))
    with pytest.raises(LimitExceededError, match="path_octets"):
        parse_dodf(opaque(types="300E 040C 3F00" + "5031" * 5))
    with pytest.raises(Pkcs15Error, match="at most 16"):
        parse_dodf(opaque(types="3017 4F11" + "A0" * 17 + "0402 5031"))


def test_names_for_people() -> None:
    plain = DataObject(kind=DataObjectKind.OPAQUE, value=DirectValue(b""))
    assert plain.name == "unnamed data object"
    assert replace(plain, application_oid="1.2.3").name == "1.2.3"
    assert replace(plain, application_name="A").name == "A"
    assert replace(plain, application_name="A", label="L").name == "L"
