"""SEC and MAC: published vectors, openssl beside us, every rule of step 9 about them, and how often a PIN is tried."""

from __future__ import annotations

import subprocess
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.sec_mac import MacKeys, SecMethod, check_digits, compute_mac, is_right_entry, network_key
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from tests.push.wsp_materials import IMSI, MESSAGE, OTHER_IMSI, USER_PIN

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.trust.transport import Transport

NETWPIN, USERPIN, USERNETWPIN, USERPINMAC = SecMethod
KEYS = MacKeys.from_imsi(IMSI, user_pin=USER_PIN)
WRONG_PIN = Secret(b"4712")
SETTINGS = bytes.fromhex(
    "030B6A0674657374310045C6560187070683000101C655018707068300018711060374657374315F4E415049440001871006AB01870806037465"
    "73743200018709068901871401C65A01870C069A01870D060367707273757365726E616D650001870E06036770727370617373776F7264000101"
    "0101"
)
"""A CP document that was published with the MACs of a gateway and of a sender who took the IMSI for text."""
ENTRY = Secret(b"24680" + check_digits(Secret(b"24680"), MESSAGE).reveal())


def check(
    checker: MacChecker,
    sec: int | str | None,
    mac: str | None,
    *,
    document: bytes = MESSAGE,
    content_type: str = DM_WBXML,
) -> Transport:
    return checker.check(document, content_type=content_type, sec=sec, mac=mac)


def right(method: SecMethod, *, keys: MacKeys = KEYS, content_type: str = DM_WBXML) -> str:
    return compute_mac(method, keys, MESSAGE, content_type=content_type)


def wrong(method: SecMethod) -> str:
    return right(method, keys=MacKeys.from_imsi(OTHER_IMSI, user_pin=WRONG_PIN))


def test_the_mac_of_a_published_document() -> None:
    keys = MacKeys.from_imsi(Secret(b"123456789012345"))
    assert compute_mac(NETWPIN, keys, SETTINGS, content_type=CP_WBXML) == "C483EC25F7E3E0CF100380DA5F6714CF204A5EC5"
    as_text = MacKeys(user_pin=Secret(b"123456789012345"))
    assert compute_mac(USERPIN, as_text, SETTINGS, content_type=CP_WBXML) == "BC1D9A92B169C9A4A066190D507F0D2E31CDDFAF"


@pytest.mark.parametrize(
    ("imsi", "octets"),
    [
        ("123456789012345", "1932547698103254"),
        ("404020506708200", "4940205060072800"),
        ("001010123456789", "0910101032547698"),
        ("12345678901234", "11325476981032F4"),
        ("423423", "413224F3"),
        ("1", "19"),
    ],
)
def test_an_imsi_as_a_key(imsi: str, octets: str) -> None:
    assert network_key(Secret(imsi.encode())) == Secret(bytes.fromhex(octets))


@pytest.mark.parametrize("imsi", [b"", b"0010101234567890", b"00101012345678A", "\u0661".encode(), b"001 01"])
def test_what_is_no_imsi(imsi: bytes) -> None:
    with pytest.raises(KeyMaterialError) as caught:
        network_key(Secret(imsi))
    assert "15 decimal digits" in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def openssl_mac(folder: Path, key: bytes, document: bytes) -> str:
    """Return the HMAC-SHA1 that openssl computes, in upper case."""
    path = folder / "document"
    path.write_bytes(document)
    run = subprocess.run(
        ["openssl", "dgst", "-sha1", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return run.stdout.rpartition(" ")[2].strip().upper()


SEMI_OCTETS = bytes.fromhex("0910101032547698")


@pytest.mark.parametrize(
    ("method", "content_type", "key"),
    [
        (NETWPIN, DM_WBXML, SEMI_OCTETS),
        (NETWPIN, CP_WBXML, SEMI_OCTETS),
        (USERPIN, DM_WBXML, b"4711"),
        (USERPIN, CP_WBXML, b"4711"),
        (USERNETWPIN, DM_WBXML, b"4711:" + SEMI_OCTETS),
        (USERNETWPIN, CP_WBXML, SEMI_OCTETS + b"4711"),
    ],
)
def test_macs_are_those_of_openssl(method: SecMethod, content_type: str, key: bytes, tmp_path: Path) -> None:
    mac = right(method, content_type=content_type)
    assert mac == openssl_mac(tmp_path, key, MESSAGE)
    assert len(mac) == 40


def test_check_digits_are_those_of_openssl(tmp_path: Path) -> None:
    octets = bytes.fromhex(openssl_mac(tmp_path, b"24680", MESSAGE))
    assert check_digits(Secret(b"24680"), MESSAGE) == Secret("".join(str(octet % 10) for octet in octets[:5]).encode())
    assert is_right_entry(ENTRY, MESSAGE)
    assert not is_right_entry(ENTRY, MESSAGE + b"\0")
    assert not is_right_entry(Secret(b"2468000000"), MESSAGE)


@pytest.mark.parametrize("pin", [b"", b"1234", b"12a45", b"1" * 21])
def test_a_pin_for_check_digits(pin: bytes) -> None:
    with pytest.raises(KeyMaterialError):
        check_digits(Secret(pin), MESSAGE)


def test_names_and_numbers_of_methods() -> None:
    assert [SecMethod.find(number) for number in range(-1, 5)] == [None, *SecMethod, None]
    names = {
        name: SecMethod.find(name) for name in ("NETWORKID", "userpin", "USERPIN_NETWORKID", "USERPINMAC", "0", "")
    }
    assert list(names.values()) == [NETWPIN, USERPIN, USERNETWPIN, USERPINMAC, None, None]
    assert [method.dm_name for method in SecMethod] == ["NETWORKID", "USERPIN", "USERPIN_NETWORKID", None]


@pytest.mark.parametrize(
    ("keys", "methods"),
    [
        (MacKeys(), set()),
        (MacKeys.from_imsi(IMSI), {NETWPIN}),
        (MacKeys(user_pin=USER_PIN), {USERPIN}),
        (KEYS, {NETWPIN, USERPIN, USERNETWPIN}),
        (MacKeys(user_entry=ENTRY), {USERPINMAC}),
    ],
)
def test_methods_that_keys_are_for(keys: MacKeys, methods: set[SecMethod]) -> None:
    assert keys.methods == methods


@pytest.mark.parametrize("method", [NETWPIN, USERPIN, USERNETWPIN])
def test_a_key_that_is_not_there(method: SecMethod) -> None:
    with pytest.raises(KeyMaterialError) as caught:
        compute_mac(method, MacKeys(user_entry=ENTRY), MESSAGE, content_type=DM_WBXML)
    assert method.name in str(caught.value)


def test_userpinmac_has_no_mac() -> None:
    with pytest.raises(ValueError, match="sends no MAC"):
        compute_mac(USERPINMAC, KEYS, MESSAGE, content_type=DM_WBXML)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_pin", b""),
        ("user_pin", b"12 4"),
        ("user_entry", b"12345678901"),
        ("user_entry", b"12341234"),
        ("user_entry", b"1" * 42),
        ("user_entry", b"abcdeabcde"),
        ("network_key", b""),
    ],
)
def test_what_is_no_key(name: str, value: bytes) -> None:
    with pytest.raises(ValueError, match=r"digits|empty") as caught:
        MacKeys(**{name: Secret(value)})  # type: ignore[arg-type]
    assert value == b"" or value.decode() not in str(caught.value)


@pytest.mark.parametrize("content_type", [DM_WBXML, CP_WBXML])
@pytest.mark.parametrize(
    ("method", "evidence"),
    [
        (NETWPIN, "NETWPIN with the card's IMSI"),
        (USERPIN, "USERPIN with the user's PIN"),
        (USERNETWPIN, "USERNETWPIN with the card's IMSI and the user's PIN"),
    ],
)
def test_a_right_mac_proves_its_method(method: SecMethod, evidence: str, content_type: str) -> None:
    checker = MacChecker(KEYS)
    mac = right(method, content_type=content_type)
    for sec in (int(method), method.name, str(method.dm_name), method.name.lower()):
        for text in (mac, mac.lower()):
            transport = check(checker, sec, text, content_type=content_type)
            assert (transport.secured, transport.evidence) == (True, evidence)


def test_a_right_entry_proves_userpinmac() -> None:
    checker = MacChecker(MacKeys(user_entry=ENTRY))
    assert check(checker, 3, None).evidence == "USERPINMAC with the user's PIN and check digits"
    other = check(checker, 3, None, document=MESSAGE + b"\0")
    assert (other.secured, other.rule) == (False, Rule.WAP_MAC_WRONG)
    assert checker.tries_left == 2


MAC = right(NETWPIN)
ONLY_NETWPIN = frozenset((NETWPIN,))
REFUSED = [
    (Rule.WAP_NO_MAC, KEYS, None, None, None),
    (Rule.WAP_MAC_FORM, KEYS, None, None, MAC),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, None),
    (Rule.WAP_MAC_FORM, KEYS, None, 1, None),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, ""),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, MAC[:-1]),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, MAC + "0"),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, MAC + "\n"),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, MAC[:-1] + "G"),
    (Rule.WAP_MAC_FORM, KEYS, None, 0, "\u0660" * 40),
    (Rule.WAP_MAC_FORM, MacKeys(user_entry=ENTRY), None, 3, MAC),
    (Rule.WAP_SEC_UNKNOWN, KEYS, None, 4, MAC),
    (Rule.WAP_SEC_UNKNOWN, KEYS, None, 127, MAC),
    (Rule.WAP_SEC_UNKNOWN, KEYS, None, "NONE", MAC),
    (Rule.WAP_SEC_UNKNOWN, KEYS, None, "\x1b[31m" + "A" * 500, MAC),
    (Rule.WAP_SEC_REFUSED, KEYS, ONLY_NETWPIN, 1, right(USERPIN)),
    (Rule.WAP_SEC_REFUSED, KEYS, ONLY_NETWPIN, 2, right(USERNETWPIN)),
    (Rule.WAP_SEC_REFUSED, KEYS, ONLY_NETWPIN, 3, None),
    (Rule.WAP_KEY_NONE, MacKeys(), None, 0, MAC),
    (Rule.WAP_KEY_NONE, MacKeys(user_pin=USER_PIN), None, 0, MAC),
    (Rule.WAP_KEY_NONE, MacKeys.from_imsi(IMSI), None, 1, right(USERPIN)),
    (Rule.WAP_KEY_NONE, MacKeys.from_imsi(IMSI), None, 2, right(USERNETWPIN)),
    (Rule.WAP_KEY_NONE, KEYS, None, 3, None),
    (Rule.WAP_KEY_NONE, MacKeys(), ONLY_NETWPIN, 0, MAC),
    (Rule.WAP_MAC_WRONG, KEYS, None, 0, wrong(NETWPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 1, wrong(USERPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 2, wrong(USERNETWPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 0, right(USERPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 1, right(NETWPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 2, right(NETWPIN)),
    (Rule.WAP_MAC_WRONG, KEYS, None, 2, right(USERNETWPIN, content_type=CP_WBXML)),
]


@pytest.mark.parametrize(("rule", "keys", "methods", "sec", "mac"), REFUSED)
def test_every_form_that_proves_nothing_has_its_rule(
    rule: Rule, keys: MacKeys, methods: frozenset[SecMethod] | None, sec: int | str | None, mac: str | None
) -> None:
    transport = check(MacChecker(keys, methods=methods), sec, mac)
    assert (transport.secured, transport.rule) == (False, rule)
    assert "\x1b" not in transport.evidence
    assert len(transport.evidence) < 200


def test_every_rule_about_wap_is_held_here() -> None:
    of_wap = {rule for rule in Rule if rule.identifier.startswith("transport.wap.")}
    assert {row[0] for row in REFUSED} | {Rule.WAP_TRIES} == of_wap


@pytest.mark.parametrize("method", [USERPIN, USERNETWPIN])
def test_a_pin_is_tried_three_times(method: SecMethod) -> None:
    checker = MacChecker(KEYS)
    for left in (2, 1, 0):
        transport = check(checker, method, wrong(method))
        assert transport.rule is Rule.WAP_MAC_WRONG
        assert f"{left} tries left" in transport.evidence
        assert checker.tries_left == left
    for other in (USERPIN, USERNETWPIN):
        transport = check(checker, other, right(other))
        assert (transport.secured, transport.rule) == (False, Rule.WAP_TRIES)
    assert check(checker, NETWPIN, right(NETWPIN)).secured


def test_a_right_mac_gives_all_tries_back() -> None:
    checker = MacChecker(KEYS, limits=Limits(user_pin_tries=2))
    for _ in range(4):
        assert not check(checker, USERPIN, wrong(USERPIN)).secured
        assert check(checker, NETWPIN, right(NETWPIN)).secured
        assert checker.tries_left == 1
        assert check(checker, USERNETWPIN, right(USERNETWPIN)).secured
        assert checker.tries_left == 2


def test_what_does_not_ask_the_pin_does_not_count() -> None:
    checker = MacChecker(KEYS)
    for sec, mac in ((0, wrong(NETWPIN)), (1, "x"), (1, None), (None, MAC), (7, MAC), (3, None), (None, None)):
        for _ in range(5):
            assert not check(checker, sec, mac).secured
    assert checker.tries_left == 3
    assert check(checker, USERPIN, right(USERPIN)).secured


def test_a_method_that_is_not_accepted_costs_no_try() -> None:
    checker = MacChecker(KEYS, methods=ONLY_NETWPIN)
    for _ in range(5):
        assert check(checker, 1, wrong(USERPIN)).rule is Rule.WAP_SEC_REFUSED
    assert checker.tries_left == 3


def test_a_policy_that_names_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one method"):
        MacChecker(KEYS, methods=frozenset())


def test_tries_hold_for_all_threads_together() -> None:
    checker = MacChecker(KEYS, limits=Limits(user_pin_tries=7))
    found: list[Rule] = []

    def ask() -> None:
        found.extend(check(checker, 1, wrong(USERPIN)).rule for _ in range(20))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found.count(Rule.WAP_MAC_WRONG) == 7
    assert found.count(Rule.WAP_TRIES) == 73


def test_nothing_that_is_shown_holds_a_secret() -> None:
    shown = [repr(KEYS), repr(MacKeys(user_entry=ENTRY))]
    for method in (NETWPIN, USERPIN, USERNETWPIN):
        checker = MacChecker(KEYS)
        shown += [repr(check(checker, method, mac)) for mac in (right(method), wrong(method))]
        shown.append(repr(checker))
    for secret in (*(item.reveal().decode() for item in (IMSI, USER_PIN, ENTRY)), SEMI_OCTETS.hex(), repr(SEMI_OCTETS)):
        assert not any(secret in text or secret.upper() in text for text in shown)
    assert not any(right(method) in text for method in (NETWPIN, USERPIN, USERNETWPIN) for text in shown)


@given(
    st.binary(max_size=40),
    st.one_of(st.none(), st.integers(), st.text(max_size=30)),
    st.one_of(st.none(), st.text(max_size=45), st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)),
)
def test_whatever_comes_there_is_one_record(document: bytes, sec: int | str | None, mac: str | None) -> None:
    transport = check(MacChecker(KEYS), sec, mac, document=document)
    assert not transport.secured
    assert transport.rule.identifier.startswith("transport.wap.")
    assert transport.evidence.isprintable()
