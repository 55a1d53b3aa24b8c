"""Commands as octets, class bytes, and what a repr may show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816 import (
    GSM_CLASS,
    CommandApdu,
    Outcome,
    RecordMode,
    ResponseApdu,
    close_channel,
    get_response,
    open_channel,
    parse_command,
    parse_response,
    pin_counter,
    read_binary,
    read_record,
    select_aid,
    select_file,
    select_path,
    status,
    verify_pin,
)
from smartcard_dm.secret import Secret

PKCS15 = bytes.fromhex("A000000063504B43532D3135")


@pytest.mark.parametrize(
    ("command", "octets"),
    [
        pytest.param(select_file(0x3F00), "00A40004023F0000", id="fact 83 select by FID, P2 04"),
        pytest.param(select_file(0x7F20, cla=GSM_CLASS), "A0A40000027F20", id="2G select"),
        pytest.param(
            select_aid(PKCS15), "00A404040CA000000063504B43532D313500", id="fact 84 select by AID, P2 04 with Le"
        ),
        pytest.param(select_path(bytes.fromhex("7FFF5031")), "00A40804047FFF503100", id="fact 85 ODF below the ADF"),
        pytest.param(select_path(bytes.fromhex("3F007F505031")), "00A40804047F50503100", id="fact 86 3F00 is left out"),
        pytest.param(
            select_path(b"\x50\x31", from_mf=False), "00A4090402503100", id="fact 82 path from the current DF"
        ),
        pytest.param(read_binary(0x0102, 256), "00B0010200", id="fact 90 offset in P1 P2"),
        pytest.param(read_binary(0x7FFF, 1), "00B07FFF01", id="fact 91 highest offset"),
        pytest.param(read_binary(0xFF, 5, sfi=0x1E), "00B09EFF05", id="fact 90 SFI in P1"),
        pytest.param(read_binary(0xFFFF, 256, cla=GSM_CLASS), "A0B0FFFF00", id="2G offset of 16 bits"),
        pytest.param(read_binary(0, 65536), "00B00000000000", id="extended Le, all"),
        pytest.param(read_binary(0, 257), "00B00000000101", id="extended Le"),
        pytest.param(read_record(3, 26), "00B203041A", id="fact 90 record, absolute"),
        pytest.param(read_record(0, 26, mode=RecordMode.NEXT), "00B200021A", id="fact 90 record, next"),
        pytest.param(read_record(1, 10, sfi=0x1E), "00B201F40A", id="fact 90 record with SFI"),
        pytest.param(read_record(1, 26, cla=GSM_CLASS), "A0B201041A", id="2G record"),
        pytest.param(verify_pin(1, Secret(b"1234")), "002000010831323334FFFFFFFF", id="fact 94 VERIFY"),
        pytest.param(verify_pin(1, Secret(b"12345678"), cla=GSM_CLASS), "A0200001083132333435363738", id="2G CHV1"),
        pytest.param(pin_counter(0x81), "00200081", id="fact 94 no data asks for the counter"),
        pytest.param(open_channel(), "0070000001", id="fact 81 open"),
        pytest.param(close_channel(3), "00708003", id="fact 81 close"),
        pytest.param(status(), "80F2000000", id="fact 79 STATUS in class 8X"),
        pytest.param(status(22, cla=GSM_CLASS), "A0F2000016", id="2G STATUS"),
        pytest.param(get_response(256), "00C0000000", id="GET RESPONSE 256"),
        pytest.param(get_response(22, cla=GSM_CLASS), "A0C0000016", id="2G GET RESPONSE"),
    ],
)
def test_every_command_we_send(command: CommandApdu, octets: str) -> None:
    assert command.encode() == bytes.fromhex(octets)
    assert parse_command(bytes.fromhex(octets)) == command


def test_fact_104_both_offset_octets_are_kept() -> None:
    assert read_binary(0x1234, 1).encode()[2:4] == bytes.fromhex("1234")


@pytest.mark.parametrize(
    ("channel", "cla", "octet"),
    [
        (0, 0x00, 0x00),
        (3, 0x00, 0x03),
        (4, 0x00, 0x40),
        (19, 0x00, 0x4F),
        (1, 0x80, 0x81),
        (4, 0x80, 0xC0),
        (2, 0x4F, 0x02),
        (5, 0xC0, 0xC1),
        (1, 0x10, 0x11),
        (7, 0x10, 0x53),
    ],
)
def test_facts_79_80_class_byte_on_a_channel(channel: int, cla: int, octet: int) -> None:
    assert CommandApdu(cla, 0xA4, 0, 0).on_channel(channel).cla == octet


@pytest.mark.parametrize(("cla", "channel"), [(0, -1), (0, 20), (0xA0, 1), (0xA0, 0), (0x0C, 1), (0x60, 1)])
def test_no_channel_for_2g_secure_messaging_or_bad_numbers(cla: int, channel: int) -> None:
    with pytest.raises(ValueError, match="logical channel"):
        CommandApdu(cla, 0xA4, 0, 0).on_channel(channel)


def test_d10_no_repr_of_a_pin_command_shows_its_data() -> None:
    secret = Secret(b"8642")
    for ins in (0x20, 0x24, 0x26, 0x28, 0x2C):
        shown = repr(CommandApdu(0, ins, 0, 1, secret.reveal()))
        assert "8642" not in shown
        assert b"8642".hex() not in shown
        assert "redacted" in shown
    assert "redacted" not in repr(pin_counter(1))
    assert "5031" in repr(select_file(0x5031))
    assert "redacted" in f"{verify_pin(1, secret)} {verify_pin(1, secret)!s}"


@pytest.mark.parametrize("pin", [b"", b"123", b"123456789", b"12a4", b"12\xff4"])
def test_a_pin_is_four_to_eight_digits_and_the_error_hides_it(pin: bytes) -> None:
    with pytest.raises(ValueError, match="digits") as caught:
        verify_pin(1, Secret(pin))
    assert repr(pin) not in str(caught.value)
    if pin:
        assert pin.decode("latin-1") not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CommandApdu(0x100, 0, 0, 0),
        lambda: CommandApdu(0, -1, 0, 0),
        lambda: CommandApdu(0xFF, 0, 0, 0),
        lambda: CommandApdu(0, 0x61, 0, 0),
        lambda: CommandApdu(0, 0x90, 0, 0),
        lambda: CommandApdu(0, 0xA4, 0, 0, bytes(0x10000)),
        lambda: CommandApdu(0, 0xA4, 0, 0, le=0),
        lambda: CommandApdu(0, 0xA4, 0, 0, le=0x10001),
        lambda: CommandApdu(0, 0xA4, 0, 0, bytes(256)).encode(extended=False),
        lambda: select_file(0x10000),
        lambda: select_aid(b""),
        lambda: select_aid(bytes(17)),
        lambda: select_path(b""),
        lambda: select_path(b"\x3f\x00"),
        lambda: select_path(b"\x50"),
        lambda: read_binary(0x8000, 1),
        lambda: read_binary(-1, 1),
        lambda: read_binary(0x100, 1, sfi=1),
        lambda: read_binary(0, 1, sfi=31),
        lambda: read_binary(0, 1, sfi=1, cla=GSM_CLASS),
        lambda: read_binary(0, 257, cla=GSM_CLASS),
        lambda: read_record(255, 1),
        lambda: read_record(1, 1, sfi=0),
        lambda: close_channel(0),
        lambda: close_channel(20),
        lambda: get_response(257),
        lambda: get_response(0),
        lambda: status(300, cla=GSM_CLASS),
    ],
)
def test_a_command_that_cannot_be_written_is_a_mistake_of_the_caller(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"."):
        make()


HEAD = (st.integers(0, 0xFE), st.sampled_from([0xA4, 0xB0, 0x20, 0xC0]), st.integers(0, 255), st.integers(0, 255))
COMMANDS = st.builds(
    CommandApdu,
    *HEAD,
    st.binary(max_size=300),
    st.none() | st.integers(1, 300) | st.just(0x10000),
)


@given(COMMANDS, st.sampled_from([None, True]))
def test_commands_are_read_back(command: CommandApdu, extended: bool | None) -> None:  # noqa: FBT001  (generated)
    assert parse_command(command.encode(extended=extended)) == command


@given(st.binary(max_size=300))
def test_any_octets_give_a_command_or_our_error(octets: bytes) -> None:
    try:
        command = parse_command(octets)
    except ApduError:
        return
    assert octets in {command.encode(), command.encode(extended=True)}


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "00A400",
        "00A4000403AABB",
        "00A4000402AABB0000",
        "00A4000400",
        "00A400040000",
        "00A40004000000AA",
        "FFA40000",
    ],
)
def test_commands_that_are_none(octets: str) -> None:
    data = bytes.fromhex(octets)
    if octets == "00A4000400":
        assert parse_command(data).le == 256
        return
    with pytest.raises(ApduError):
        parse_command(data)


def test_responses() -> None:
    answer = parse_response(bytes.fromhex("01029000"))
    assert answer == ResponseApdu(b"\x01\x02", 0x9000)
    assert answer.outcome is Outcome.OK
    assert answer.encode() == bytes.fromhex("01029000")
    assert "ok" in answer.description
    assert parse_response(b"\x6a\x82").outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize("octets", [b"", b"\x90"])
def test_a_response_has_a_status_word(octets: bytes) -> None:
    with pytest.raises(ApduError, match="status word"):
        parse_response(octets)
