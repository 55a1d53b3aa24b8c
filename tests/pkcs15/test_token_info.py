"""EF(TokenInfo): facts 20, 55, 56."""

import pytest

from smartcard_dm.errors import LimitExceededError, Pkcs15Error
from smartcard_dm.iso7816 import encode_tlv
from smartcard_dm.limits import Limits
from smartcard_dm.pkcs15 import FilePath, TokenFlag, TokenInfo, build_token_info, parse_token_info

TIME = b"20240101000000Z".hex()
FULL = encode_tlv(
    0x30,
    bytes.fromhex(
        "020100 0404 01020304 0C0141 800142 03020780 3003 020101 A102 0500 A202 0500 8301 43 8401 44"
        f"850F{TIME} 1302 656E"
    ),
)


def info(content: str) -> bytes:
    return encode_tlv(0x30, bytes.fromhex(content))


def test_fact_55_all_fields() -> None:
    found = parse_token_info(FULL)
    assert found == TokenInfo(
        version=0,
        serial_number=b"\x01\x02\x03\x04",
        manufacturer="A",
        label="B",
        flags=frozenset({TokenFlag.READ_ONLY}),
        issuer_id="C",
        holder_id="D",
        last_update="20240101000000Z",
        preferred_language="en",
    )
    assert found.has(TokenFlag.READ_ONLY)
    assert not found.has(TokenFlag.EID_COMPLIANT)


def test_fact_55_the_least() -> None:
    found = parse_token_info(info("020100 040101 030100"))
    assert (found.serial_number, found.last_update, found.label) == (b"\x01", None, None)


def test_fact_56_version_2_without_serial_number() -> None:
    found = parse_token_info(info("020101 030100"))
    assert (found.version, found.serial_number) == (1, None)


def test_facts_55_56_last_update_as_a_choice() -> None:
    time = parse_token_info(info(f"020101 030100 A511 180F{TIME} 1302 656E"))
    assert (time.last_update, time.last_update_path, time.preferred_language) == ("20240101000000Z", None, "en")
    path = parse_token_info(info("020101 030100 A506 3004 0402 5035"))
    assert (path.last_update, path.last_update_path) == (None, FilePath(b"\x50\x35"))
    url = parse_token_info(info("020101 030100 A505 1303 613A62"))
    assert (url.last_update, url.last_update_path) == (None, None)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="fact 20 nothing"),
        pytest.param(b"\xff" * 8, id="fact 20 erased"),
        pytest.param(FULL + FULL, id="two"),
        pytest.param(b"\x31\x00", id="another tag"),
        pytest.param(info(""), id="empty"),
        pytest.param(info("020100"), id="no flags"),
        pytest.param(info("0200 030100"), id="empty version"),
        pytest.param(info("020100 030100 85020000"), id="no time"),
        pytest.param(info("020100 030100 A502 0500"), id="no choice"),
        pytest.param(info("020100 030100 A500"), id="no choice at all"),
        pytest.param(info("020100 030100 1301FF"), id="language that is no ASCII"),
        pytest.param(info("020100 8001FF 030100"), id="label that is no UTF-8"),
    ],
)
def test_what_is_no_token_info(octets: bytes) -> None:
    with pytest.raises(Pkcs15Error, match=r"EF\.TokenInfo"):
        parse_token_info(octets)


def test_fact_55_cut_at_every_octet_and_padded() -> None:
    for cut in range(len(FULL)):
        with pytest.raises(Pkcs15Error):
            parse_token_info(FULL[:cut])
    assert parse_token_info(FULL + b"\xff" * 9) == parse_token_info(FULL)
    assert len(parse_token_info(FULL + b"\x00\x01").warnings) == 1
    with pytest.raises(LimitExceededError):
        parse_token_info(FULL, limits=Limits(card_file_octets=10))


def test_fact_55_last_update_is_built_as_a_choice() -> None:
    octets = build_token_info(TokenInfo(serial_number=b"1", last_update="20240101000000Z"))
    assert bytes.fromhex(f"A511 180F{TIME}") in octets


def test_both_forms_are_built() -> None:
    for value in (parse_token_info(FULL), TokenInfo(version=1, last_update_path=FilePath(b"\x50\x35"))):
        assert parse_token_info(build_token_info(value)) == value


def test_a_field_out_of_order_is_no_extension() -> None:
    with pytest.raises(Pkcs15Error, match="twice or out of order"):
        parse_token_info(info("020100 030100 800142"))
