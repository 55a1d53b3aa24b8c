"""WAP pushes with SEC and MAC: composed, opened, changed, cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import DecodeError, EnvelopeError, KeyMaterialError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.sec_mac import MacKeys, SecMethod, check_digits, compute_mac
from smartcard_dm.push.wap_push import compose_wap_push, open_wap_push
from smartcard_dm.push.wsp import WspPush, build_wsp_push
from smartcard_dm.push.wsp_content_type import ContentType, Parameter
from smartcard_dm.push.wsp_headers import HeaderField
from smartcard_dm.push.wsp_rules import WspRule
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.server.push_size import WSP_HEADERS, PushSizes
from smartcard_dm.trust.transport import TransportKind
from tests.push.wsp_materials import IMSI, MESSAGE, OTHER_IMSI, USER_PIN, hand

KEYS = MacKeys.from_imsi(IMSI, user_pin=USER_PIN)
SOURCE = "+15550100"
WITH_MAC = (SecMethod.NETWPIN, SecMethod.USERPIN, SecMethod.USERNETWPIN)


def compose(method: SecMethod = SecMethod.NETWPIN, content_type: str = DM_WBXML, keys: MacKeys = KEYS) -> bytes:
    return compose_wap_push(MESSAGE, content_type=content_type, method=method, keys=keys, transaction_id=1)


def opened(octets: bytes, keys: MacKeys = KEYS, limits: Limits = DEFAULT_LIMITS) -> Arrival:
    return open_wap_push(octets, MacChecker(keys), SOURCE, limits)


def bare(media: str, *headers: HeaderField, body: bytes = MESSAGE, parameters: tuple[Parameter, ...] = ()) -> bytes:
    return build_wsp_push(WspPush(1, ContentType(media, parameters), headers, body))


@pytest.mark.parametrize("method", WITH_MAC)
def test_the_form_of_a_dm_message(method: SecMethod) -> None:
    mac = compute_mac(method, KEYS, MESSAGE, content_type=DM_WBXML)
    assert compose(method) == hand(f"01 06 31 1F2D C2 91 8{int(method)} 92 '{mac}' 00 AF 87") + MESSAGE


@pytest.mark.parametrize("method", WITH_MAC)
def test_the_form_of_a_cp_document(method: SecMethod) -> None:
    mac = compute_mac(method, KEYS, MESSAGE, content_type=CP_WBXML)
    assert compose(method, CP_WBXML) == hand(f"01 06 2F 1F2D B6 91 8{int(method)} 92 '{mac}' 00") + MESSAGE


def test_the_form_of_userpinmac() -> None:
    assert compose(SecMethod.USERPINMAC) == hand("01 06 06 03 C2 91 83 AF 87") + MESSAGE
    assert compose(SecMethod.USERPINMAC, CP_WBXML) == hand("01 06 04 03 B6 91 83") + MESSAGE


@pytest.mark.parametrize("method", WITH_MAC)
@pytest.mark.parametrize("size", [1, 81, 82, 3000, 32_588])
def test_the_counted_size_is_the_real_one(method: SecMethod, size: int) -> None:
    push = compose_wap_push(bytes(size), method=method, keys=KEYS, transaction_id=255)
    assert len(push) - size == WSP_HEADERS
    assert PushSizes(size).wap == len(push)


@pytest.mark.parametrize("content_type", [DM_WBXML, CP_WBXML])
@pytest.mark.parametrize("method", WITH_MAC)
def test_what_was_composed_opens_proved(method: SecMethod, content_type: str) -> None:
    arrival = opened(compose(method, content_type))
    assert (arrival.octets, arrival.content_type, arrival.source) == (MESSAGE, content_type, SOURCE)
    assert arrival.transport.kind is TransportKind.WAP
    assert arrival.transport.secured
    assert arrival.transport.evidence.startswith(method.name)


def test_check_digits_open_a_push_without_a_mac() -> None:
    pin = Secret(b"135790")
    entry = Secret(pin.reveal() + check_digits(pin, MESSAGE).reveal())
    assert opened(compose(SecMethod.USERPINMAC), MacKeys(user_entry=entry)).transport.secured
    other = Secret(pin.reveal() + b"000000")
    assert not opened(compose(SecMethod.USERPINMAC), MacKeys(user_entry=other)).transport.secured


def test_another_imsi_and_another_pin_open_unproved() -> None:
    other = MacKeys.from_imsi(OTHER_IMSI, user_pin=Secret(b"1111"))
    for method in WITH_MAC:
        arrival = opened(compose(method), other)
        assert (arrival.octets, arrival.transport.secured) == (MESSAGE, False)
        assert arrival.transport.rule is Rule.WAP_MAC_WRONG


def test_a_push_without_a_mac_opens_unproved() -> None:
    arrival = opened(bare(DM_WBXML, HeaderField.application_id(7)))
    assert (arrival.transport.secured, arrival.transport.rule) == (False, Rule.WAP_NO_MAC)


@pytest.mark.parametrize(
    ("media", "application"),
    [
        (DM_WBXML, 7),
        (DM_WBXML, "x-wap-application:syncml.dm"),
        (CP_WBXML, None),
        (CP_WBXML, 0),
        (CP_WBXML, 2),
        (CP_WBXML, "x-wap-application:wml.ua"),
    ],
)
def test_whom_a_push_may_be_for(media: str, application: int | str | None) -> None:
    headers = () if application is None else (HeaderField.application_id(application),)
    assert opened(bare(media, *headers)).content_type == media


@pytest.mark.parametrize(
    ("octets", "rule", "says"),
    [
        (bare(DM_WBXML), WspRule.APPLICATION_ID, "wanted x-wap-application:syncml.dm, found none"),
        (bare(DM_WBXML, HeaderField.application_id(0)), WspRule.APPLICATION_ID, "'x-wap-application:*'"),
        (bare(DM_WBXML, HeaderField.application_id(2)), WspRule.APPLICATION_ID, "'x-wap-application:wml.ua'"),
        (bare(DM_WBXML, HeaderField.application_id(0x9003)), WspRule.APPLICATION_ID, "'number 0x9003'"),
        (bare(DM_WBXML, HeaderField.application_id("u" * 999)), WspRule.APPLICATION_ID, "'" + "u" * 60 + "'"),
        (bare(DM_WBXML, HeaderField(0x2F, b"\x87", 2)), WspRule.APPLICATION_ID, "found none"),
        (bare(CP_WBXML, HeaderField.application_id(7)), WspRule.APPLICATION_ID, "'x-wap-application:syncml.dm'"),
        (bare(CP_WBXML, HeaderField.application_id(4)), WspRule.APPLICATION_ID, "'x-wap-application:mms.ua'"),
        (bare("application/vnd.syncml.dm+xml", HeaderField.application_id(7)), WspRule.CONTENT_TYPE, "dm+xml"),
        (bare("application/vnd.syncml.notification", HeaderField.application_id(7)), WspRule.CONTENT_TYPE, "notif"),
        (bare("a/" + "b" * 999), WspRule.CONTENT_TYPE, "'a/" + "b" * 58 + "'"),
        (bare(DM_WBXML, HeaderField.application_id(7), body=b""), WspRule.NO_DOCUMENT, "found none"),
    ],
)
def test_envelopes_that_are_refused(octets: bytes, rule: WspRule, says: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        opened(octets)
    assert caught.value.rule == rule.value
    assert says in str(caught.value)


def test_parameters_and_headers_of_others_do_not_matter() -> None:
    mac = compute_mac(SecMethod.USERPIN, KEYS, MESSAGE, content_type=DM_WBXML)
    parameters = (Parameter("x-vendor", b"1\0"), Parameter.mac(mac.lower()), Parameter(1, b"\xea"), Parameter.sec(1))
    octets = bare(DM_WBXML, HeaderField(0x34, b"\x83"), HeaderField.application_id(7), parameters=parameters)
    assert opened(octets).transport.secured


def test_sec_by_its_name() -> None:
    mac = compute_mac(SecMethod.NETWPIN, KEYS, MESSAGE, content_type=DM_WBXML)
    for sec in (Parameter("SEC", b"NETWORKID\0"), Parameter(0x11, b"NETWPIN\0"), Parameter("sec", b"\x80")):
        octets = bare(DM_WBXML, HeaderField.application_id(7), parameters=(sec, Parameter("MAC", mac.encode() + b"\0")))
        assert opened(octets).transport.secured


def outcome(octets: bytes) -> Arrival | None:
    """Return what opens; None where it is refused in one of the two ways there are."""
    try:
        return opened(octets)
    except (EnvelopeError, LimitExceededError):
        return None


@pytest.mark.parametrize("content_type", [DM_WBXML, CP_WBXML])
@pytest.mark.parametrize("method", [SecMethod.NETWPIN, SecMethod.USERNETWPIN])
def test_every_changed_bit_is_refused_or_changes_nothing_that_matters(method: SecMethod, content_type: str) -> None:
    octets = compose(method, content_type)
    harmless: set[int] = set()
    for bit in range(8 * len(octets)):
        changed = bytearray(octets)
        changed[bit // 8] ^= 1 << bit % 8
        arrival = outcome(bytes(changed))
        if arrival is not None and arrival.transport.secured:
            assert (arrival.octets, arrival.content_type) == (MESSAGE, content_type)
            harmless.add(bit)
    # The transaction identifier, and the case of the letters of the MAC, which is read in both.
    letters = {8 * at + 5 for at in range(9, 49) if octets[at] >= ord("A")}
    case = set(range(8)) | letters
    assert harmless == case


def test_every_prefix_is_refused_or_proves_nothing() -> None:
    octets = compose()
    for length in range(len(octets)):
        arrival = outcome(octets[:length])
        assert arrival is None or not arrival.transport.secured


def test_octets_after_it_prove_nothing() -> None:
    arrival = opened(compose() + b"\0")
    assert (arrival.transport.secured, arrival.transport.rule) == (False, Rule.WAP_MAC_WRONG)


@given(st.binary(max_size=150))
def test_any_octets_open_in_one_of_three_ways(octets: bytes) -> None:
    for whole in (octets, compose()[:3] + octets, compose()[:52] + octets):
        try:
            arrival = opened(whole)
        except DecodeError as error:
            rule = getattr(error, "rule", None)
        else:
            assert not arrival.transport.secured
            continue
        assert rule is None or rule in set(WspRule)


def test_bounds_are_those_that_are_given() -> None:
    with pytest.raises(LimitExceededError):
        opened(compose(), limits=Limits(wsp_header_octets=48))


@pytest.mark.parametrize(
    ("document", "content_type", "transaction_id"),
    [(b"", DM_WBXML, 1), (b"x", "application/vnd.syncml.dm+xml", 1), (b"x", DM_WBXML, 256), (b"x", DM_WBXML, -1)],
)
def test_what_is_not_composed(document: bytes, content_type: str, transaction_id: int) -> None:
    with pytest.raises(ValueError, match=r"WAP push|transaction"):
        compose_wap_push(
            document, content_type=content_type, method=SecMethod.NETWPIN, keys=KEYS, transaction_id=transaction_id
        )


def test_a_key_that_is_not_there() -> None:
    with pytest.raises(KeyMaterialError):
        compose(SecMethod.USERPIN, keys=MacKeys.from_imsi(IMSI))
