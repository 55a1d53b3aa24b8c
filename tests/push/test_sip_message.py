"""SIP messages on a stream: the examples of the texts, any octets, any cuts, and every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.sip_message import SipHeader, SipRequest, SipResponse, build
from smartcard_dm.push.sip_reader import KEEP_ALIVE, SipEvent, SipFault, SipReader
from tests.push.sip_lab import DOCUMENT, request

SMALL = Limits(sip_header_octets=512, message_octets=2048)

# RFC 3428, clause 10, F1 and F4: the texts' own example, with their lines as they stand on the wire.
RFC_3428_F1 = (
    b"MESSAGE sip:user2@domain.com SIP/2.0\r\n"
    b"Via: SIP/2.0/TCP user1pc.domain.com;branch=z9hG4bK776sgdkse\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: sip:user1@domain.com;tag=49583\r\n"
    b"To: sip:user2@domain.com\r\n"
    b"Call-ID: asd88asd77a@1.2.3.4\r\n"
    b"CSeq: 1 MESSAGE\r\n"
    b"Content-Type: text/plain\r\n"
    b"Content-Length: 18\r\n"
    b"\r\n"
    b"Watson, come here."
)
RFC_3428_F4 = (
    b"SIP/2.0 200 OK\r\n"
    b"Via: SIP/2.0/TCP user1pc.domain.com;branch=z9hG4bK776sgdkse;received=1.2.3.4\r\n"
    b"From: sip:user1@domain.com;tag=49583\r\n"
    b"To: sip:user2@domain.com;tag=ab8asdasd9\r\n"
    b"Call-ID: asd88asd77a@1.2.3.4\r\n"
    b"CSeq: 1 MESSAGE\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)


def read(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[SipEvent, ...]:
    return SipReader(limits).feed(octets)


def fault(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> SipFault:
    events = read(octets, limits)
    assert len(events) == 1
    assert isinstance(events[0], SipFault), events
    return events[0]


def test_the_example_request_of_the_text() -> None:
    (found,) = read(RFC_3428_F1)
    assert isinstance(found, SipRequest)
    assert (found.method, found.uri, found.body) == ("MESSAGE", "sip:user2@domain.com", b"Watson, come here.")
    assert found.first("call-id") == "asd88asd77a@1.2.3.4"
    assert found.first("subject") is None
    assert build(found) == RFC_3428_F1


def test_the_example_response_of_the_text() -> None:
    (found,) = read(RFC_3428_F4)
    assert isinstance(found, SipResponse)
    assert (found.status, found.reason, found.body) == (200, "OK", b"")
    assert build(found) == RFC_3428_F4


def test_names_without_case_compact_forms_folded_lines_and_space_before_the_colon() -> None:
    (found,) = read(
        b"MESSAGE sip:a@b sip/2.0\r\nv: SIP/2.0/TLS h\r\nTO :  sip:a@b\r\nf: sip:c@d\r\n ;tag=1\r\nI: x\r\n"
        b"cseq:\t1\r\n\t MESSAGE\r\nVIA: SIP/2.0/TLS i\r\na: *\r\nl: 3\r\n\r\nabc"
    )
    assert isinstance(found, SipRequest)
    assert found.all("via") == ("SIP/2.0/TLS h", "SIP/2.0/TLS i")
    assert found.first("from") == "sip:c@d ;tag=1"
    assert found.first("to") == "sip:a@b"
    assert found.first("call-id") == "x"
    assert found.first("cseq") == "1 MESSAGE"
    assert found.first("accept-contact") == "*"
    assert found.body == b"abc"


def test_a_body_may_hold_any_octet_and_several_messages_follow_one_another() -> None:
    first, second = read(request() + request(body=b""))
    assert isinstance(first, SipRequest)
    assert isinstance(second, SipRequest)
    assert (first.body, second.body) == (DOCUMENT, b"")


def test_keep_alives_and_single_line_ends_between_messages() -> None:
    events = read(b"\r\n\r\n" + RFC_3428_F4 + b"\r\n" + RFC_3428_F4 + b"\r\n\r\n\r\n\r\n")
    assert [type(event).__name__ for event in events] == [
        "SipKeepAlive", "SipResponse", "SipResponse", "SipKeepAlive", "SipKeepAlive",
    ]  # fmt: skip
    assert read(b"\r\n") == ()
    assert read(b"\r\n\r\n") == (KEEP_ALIVE,)


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "sip.start-line"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "sip.start-line"),
        (b"\rX", "sip.start-line"),
        (b"MESSAGE sip:a@b\r\n\r\n", "sip.start-line"),
        (b"MESSAGE\r\n sip:a@b SIP/2.0\r\n\r\n", "sip.start-line"),
        (b"MESSAGE sip:a@b\r\n\tSIP/2.0\r\n\r\n", "sip.start-line"),
        (b"MESSAGE sip:a@b SIP/2.0\r\n \r\n\r\n", "sip.start-line"),
        ("MESSAGE sip:a@b \u017fIP/2.0\r\n\r\n".encode(), "sip.start-line"),  # a long s, whose capital is S
        ("MESSAGE sip:a@b S\u0131P/2.0\r\n\r\n".encode(), "sip.start-line"),  # an i without a dot
        ("\u017fIP/2.0 200 OK\r\n\r\n".encode(), "sip.start-line"),
        ("MESSAGE sip:a@b SIP/2.0\r\n\u212a: x\r\n\r\n".encode(), "sip.header"),  # a sign of Kelvin, small: k
        (b"MESSAGE  sip:a@b SIP/2.0\r\n\r\n", "sip.start-line"),
        (b"MESSAGE sip:a b SIP/2.0\r\n\r\n", "sip.start-line"),
        (b'MESSAGE sip:"a"@b SIP/2.0\r\n\r\n', "sip.start-line"),
        (b"MES(AGE sip:a@b SIP/2.0\r\n\r\n", "sip.start-line"),
        (b"SIP/2.0 99 Early\r\n\r\n", "sip.start-line"),
        (b"SIP/2.0 700 Late\r\n\r\n", "sip.start-line"),
        (b"SIP/2.0 2000 Long\r\n\r\n", "sip.start-line"),
        (b"SIP/3.0 200 OK\r\n\r\n", "sip.version"),
        (b"MESSAGE sip:a@b SIP/2.1\r\n\r\n", "sip.version"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo: a\nFrom: b\r\n\r\n", "sip.line"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo: a\rFrom: b\r\n\r\n", "sip.line"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo: a\x00b\r\n\r\n", "sip.line"),
        (b"MESSAGE sip:a@b\x7f SIP/2.0\r\n\r\n", "sip.line"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo: \xff\r\n\r\n", "sip.line"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo\r\n\r\n", "sip.header"),
        (b"MESSAGE sip:a@b SIP/2.0\r\n: a\r\n\r\n", "sip.header"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nT o: a\r\n\r\n", "sip.header"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nTo: a\r\n\r\n", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 1\r\nl: 1\r\n\r\na", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 1, 1\r\n\r\na", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\na", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: +1\r\n\r\na", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 0x1\r\n\r\na", "sip.content-length"),
        ("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: \u0661\r\n\r\na".encode(), "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: \r\n\r\n", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n", "sip.content-length"),
        (b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 9999999999\r\n\r\n", "sip.body-size"),
    ],
)
def test_what_is_malformed_is_refused_by_its_rule_however_it_is_cut(octets: bytes, rule: str) -> None:
    assert fault(octets).error.rule == rule
    reader = SipReader(DEFAULT_LIMITS)
    (found,) = [event for octet in octets for event in reader.feed(bytes([octet]))]
    assert isinstance(found, SipFault)
    assert found.error.rule == rule
    assert not reader.midway
    assert reader.feed(RFC_3428_F1) == ()


def test_a_fault_holds_what_can_be_answered() -> None:
    heard = fault(request(Content_Length="x")).heard
    assert heard is not None
    assert heard.first("call-id") == "c1@127.0.0.1"
    assert fault(request(Content_Length="2000000")).status == 413
    assert fault(b"MESSAGE sip:a@b SIP/9.0\r\n\r\n").status == 505
    assert fault(b"SIP/2.0 200 OK\r\n\r\n").heard is None


def test_an_identity_is_not_shown_in_an_error() -> None:
    imsi = "001010123456789"
    for octets in (
        f"MESSAGE sip:{imsi}@ims SIP/2.0 x\r\n\r\n",
        f"MESSAGE sip:a SIP/2.0\r\n{imsi}@ims\r\n\r\n",
        f"MESSAGE sip:a SIP/2.0\r\nContent-Length: {imsi}\r\n\r\n",
    ):
        assert imsi not in str(fault(octets.encode()).error)


@pytest.mark.parametrize("over", [0, 1])
def test_headers_are_bounded(over: int) -> None:
    bare = b"MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 0\r\nSubject: \r\n\r\n"
    octets = bare.replace(b"Subject: ", b"Subject: " + b"s" * (512 + over - len(bare)))
    assert len(octets) == 512 + over
    for step in (len(octets), 1, 100):
        reader = SipReader(SMALL)
        (found,) = [event for at in range(0, len(octets), step) for event in reader.feed(octets[at : at + step])]
        assert isinstance(found, SipFault if over else SipRequest)
    assert fault(b"A" * 513, SMALL).error.rule == "sip.header-size"
    assert read(b"A" * 511, SMALL) == ()


@pytest.mark.parametrize("over", [0, 1])
def test_bodies_are_bounded(over: int) -> None:
    events = read(request(body=b"b" * (2048 + over)), SMALL)
    if over:
        assert isinstance(events[0], SipFault)
        assert events[0].error.rule == "sip.body-size"
    else:
        assert isinstance(events[0], SipRequest)


def test_a_message_has_begun_or_it_has_not() -> None:
    reader = SipReader(DEFAULT_LIMITS)
    assert not reader.midway
    reader.feed(b"\r\n")
    assert not reader.midway
    octets = request()
    for end in (3, len(octets) - len(DOCUMENT), len(octets) - 1):
        reader = SipReader(DEFAULT_LIMITS)
        reader.feed(octets[:end])
        assert reader.midway
    reader.feed(octets[-1:])
    assert not reader.midway


@pytest.mark.parametrize(
    "wrong",
    [
        SipRequest("MES SAGE", "sip:a@b", ()),
        SipRequest("MESSAGE", "sip:a@b SIP/2.0\r\nX: y", ()),
        SipRequest("MESSAGE", "", ()),
        SipResponse(99, "Early", ()),
        SipResponse(200, "OK\r\nX: y", ()),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("subject", "a\r\nX: y"),)),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("subject", " a"),)),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("Subject", "a"),)),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("s", "a"),)),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("sub ject", "a"),)),
        SipRequest("MESSAGE", "sip:a@b", (SipHeader("content-length", "1"),)),
    ],
)
def test_what_does_not_fit_its_line_is_not_built(wrong: SipRequest | SipResponse) -> None:
    with pytest.raises(ValueError, match=r"a method|a status|header's name|Content-Length|does not fit"):
        build(wrong)


LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20).map(lambda text: text.strip(" \t"))
HEADERS = st.lists(
    st.builds(SipHeader, st.sampled_from(("via", "to", "from", "call-id", "cseq", "x-other", "subject")), LINE),
    max_size=6,
).map(tuple)
MESSAGES = st.one_of(
    st.builds(SipRequest, st.sampled_from(("MESSAGE", "INVITE", "a-b")), st.just("sip:a@b"), HEADERS, st.binary()),
    st.builds(SipResponse, st.integers(100, 699), LINE, HEADERS, st.binary()),
)


@given(st.lists(MESSAGES, max_size=3), st.data())
def test_what_is_built_reads_back_however_it_is_cut(
    messages: list[SipRequest | SipResponse], data: st.DataObject
) -> None:
    octets = b"".join(build(message) for message in messages)
    assert read(octets) == tuple(messages)
    reader = SipReader(DEFAULT_LIMITS)
    assert [event for octet in octets for event in reader.feed(bytes([octet]))] == messages
    cut = data.draw(st.integers(0, len(octets)))
    reader = SipReader(DEFAULT_LIMITS)
    assert [*reader.feed(octets[:cut]), *reader.feed(octets[cut:])] == messages


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            (
                b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b":", b"MESSAGE sip:a@b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n",
                b"Content-Length: 3\r\n", b"l: 0\r\n", b"To: a\r\n", b"\r\n ", b"abc", RFC_3428_F1,
            )
        ),
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@given(PIECES)
@example(b"\r\n\rX")
@example(b"\r\n\r\n\r\n\rMESSAGE")
def test_any_octets_give_the_same_events_however_they_are_cut(octets: bytes) -> None:
    whole = read(octets, SMALL)
    for step in (1, 2, 3, 7):
        reader = SipReader(SMALL)
        events: list[SipEvent] = []
        for at in range(0, len(octets), step):
            events += reader.feed(octets[at : at + step])
            assert len(reader._octets) <= SMALL.sip_header_octets + SMALL.message_octets
        assert [_form(event) for event in events] == [_form(event) for event in whole]
    for event in whole:
        assert isinstance(event, SipRequest | SipResponse | SipFault) or event == KEEP_ALIVE
        if isinstance(event, SipRequest | SipResponse):
            assert read(build(event), SMALL) == (event,)  # what was read can be built again


@given(st.binary(max_size=40), st.integers(0, 400))
def test_a_request_with_octets_changed_is_a_message_a_fault_or_not_whole(change: bytes, at: int) -> None:
    octets = request()
    octets = octets[:at] + change + octets[at + len(change) :]
    reader = SipReader(SMALL)
    for event in reader.feed(octets):
        if isinstance(event, SipFault):
            assert isinstance(event.error, EnvelopeError)
        elif isinstance(event, SipRequest | SipResponse):
            assert replace(event, body=b"").headers == event.headers


def _form(event: SipEvent) -> object:
    return (event.error.rule, str(event.error), event.heard, event.status) if isinstance(event, SipFault) else event
