"""The header fields of a push over SIP: forms of RFC 3261 and RFC 4475, and what is none of them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.sip_headers import (
    applications_asked_for,
    cut,
    read_core,
    read_cseq,
    read_media_type,
    read_tag,
    read_tokens,
    read_via,
)
from smartcard_dm.push.sip_identity import is_of_host, sip_identities
from smartcard_dm.push.sip_message import SipRequest
from smartcard_dm.push.sip_reader import SipReader
from smartcard_dm.push.sip_uri import parse_sip_uri
from tests.push.sip_lab import request


def parsed(octets: bytes) -> SipRequest:
    (found,) = SipReader(DEFAULT_LIMITS).feed(octets)
    assert isinstance(found, SipRequest), found
    return found


def test_a_hop() -> None:
    via = read_via("SIP/2.0/TLS Host.example.com:5062;branch=z9hG4bK87;rport;received=192.0.2.1")
    assert (via.transport, via.host, via.port, via.sent_by) == (
        "TLS",
        "Host.example.com",
        5062,
        "host.example.com:5062",
    )
    assert via.branch == "z9hG4bK87"
    assert read_via("SIP/2.0/UDP h;branch=old").branch is None
    assert read_via("SIP/2.0/TCP [2001:db8::9]:6050;branch=z9hG4bK1").host == "[2001:db8::9]"
    # RFC 4475, 3.1.1.1 has white space wherever the grammar allows it.
    torture = read_via("SIP  / 2.0  /  TCP     spindle.example.com :  5060 ;  branch  =   z9hG4bK9ikj8  ; n1 = v1")
    assert (torture.sent_by, torture.branch) == ("spindle.example.com:5060", "z9hG4bK9ikj8")


def test_a_hop_in_an_answer_says_where_it_was_seen() -> None:
    assert read_via("SIP/2.0/TLS h;branch=z9hG4bK1").seen_from("192.0.2.1", 7).text() == (
        "SIP/2.0/TLS h;branch=z9hG4bK1;received=192.0.2.1"
    )
    assert read_via("SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1").seen_from("192.0.2.1", 7).text() == (
        "SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1"
    )
    # RFC 3581, 4: asked for, so both are said; what the sender said itself is not kept.
    assert read_via("SIP/2.0/TCP h:5;rport;branch=z9hG4bK1;received=9.9.9.9").seen_from("::1", 7).text() == (
        "SIP/2.0/TCP h:5;branch=z9hG4bK1;received=::1;rport=7"
    )


@pytest.mark.parametrize(
    "value",
    [
        "", "SIP/2.0/UDP", "SIP/3.0/UDP h", "SIP/2.0/UDP h h", "SIP/2.0/UDP h:0", "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h;branch=a;branch=b", "SIP/2.0/UDP h;=a", "SIP/2.0/UDP h;a=", "SIP/2.0/UDP h;a=b c",
        "SIP/2.0/UDP [::1", 'SIP/2.0/UDP h;a="b', "HTTP/1.1/UDP h", "SIP/2.0/UDP h,",
    ],
)  # fmt: skip
def test_what_is_no_hop(value: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_via(value)
    assert caught.value.rule == "sip.field-form"


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("sip:a@b;tag=1", "1"),
        ("sip:a@b", None),
        ("<sip:a@b;tag=no>", None),
        ("<sip:a@b>;tag=1", "1"),
        ("A Name <sips:a@b> ; TAG = x.y", "x.y"),
        ('"Quoted; tag=no \\" <sip:x>" <sip:a@b>;p;tag=t', "t"),
        ("<tel:+1234>;tag=1", "1"),
    ],
)
def test_a_tag_is_that_of_the_field_and_not_of_its_address(value: str, tag: str | None) -> None:
    assert read_tag("From", value) == tag


@pytest.mark.parametrize(
    "value",
    [
        "", "a@b", "<>", "<sip:a@b", "sip:a@b>", '"a" sip:a@b', "<sip:a@b>;tag=", "<sip:a@b>;tag=1;tag=2",
        '"a <sip:a@b>',         "a, b <sip:a@b>", "<sip:a b>", '<sip:a@b>;tag="1"', "<sip:a@b> x;tag=1", ";tag=1",
    ],
)  # fmt: skip
def test_what_is_no_address(value: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_tag("To", value)
    assert caught.value.rule == "sip.field-form"


def test_sequence_media_type_and_lists() -> None:
    assert read_cseq("0009 \t INVITE") == (9, "INVITE")
    assert read_cseq("2147483647 X") == (2147483647, "X")
    for wrong in ("2147483648 X", "1", "X 1", "-1 X", "1 a b", "99999999999 X"):
        with pytest.raises(EnvelopeError):
            read_cseq(wrong)
    assert read_media_type('Text / Plain ; charset="UTF-8"') == "text/plain"
    for wrong in ("text", "text/", "text/plain;", "te xt/plain", "text/plain;a=b;a=c", ""):
        with pytest.raises(EnvelopeError):
            read_media_type(wrong)
    assert read_tokens(parsed(request(more="Require: A,  b\r\nRequire: c\r\n")), "require") == ("a", "b", "c")
    with pytest.raises(EnvelopeError):
        read_tokens(parsed(request(more="Require: a b\r\n")), "require")


def test_the_application_that_is_asked_for() -> None:
    def asked(*values: str) -> list[set[str]]:
        more = "".join(f"Accept-Contact: {value}\r\n" for value in values)
        return [set(names) for names in applications_asked_for(parsed(request(more=more)))]

    assert asked() == []
    assert asked("*;mobility=fixed") == []
    assert asked('*;+g.oma.pusheventapp="syncml.dm";require;explicit') == [{"syncml.dm"}]
    assert asked('*;+G.OMA.pusheventapp="mms.ua, SYNCML.DM"') == [{"mms.ua", "syncml.dm"}]
    assert asked('*;+g.oma.pusheventapp="a", * ;+g.oma.pusheventapp="b"') == [{"a"}, {"b"}]
    for wrong in ("sip:a@b", "*;a=b;a=c", '*;+g.oma.pusheventapp="a', ""):
        with pytest.raises(EnvelopeError):
            asked(wrong)


def test_what_every_request_says() -> None:
    core = read_core(parsed(request(Via="SIP/2.0/TLS a;branch=z9hG4bK1, SIP/2.0/TLS b;branch=z9hG4bK2")))
    assert (core.via.host, core.hops, core.from_tag, core.to_tag) == ("a", 2, "a1", None)
    assert (core.call_id, core.sequence) == ("c1@127.0.0.1", 1)


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"])
def test_what_every_request_has_to_say_once(name: str) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_core(parsed(request(without=name)))
    assert caught.value.rule == "sip.field-missing"
    if name != "Via":
        said = _line(name)
        with pytest.raises(EnvelopeError) as caught:
            read_core(parsed(request(more=said)))
        assert caught.value.rule == "sip.field-repeated"


def _line(name: str) -> str:
    lines = request(body=b"").decode().split("\r\n")
    return next(line for line in lines if line.startswith(f"{name}:")) + "\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"Call_ID": "a b"}, {"Call_ID": "a@b@c"}, {"Max_Forwards": "-1"}, {"Max_Forwards": "256"},
        {"Max_Forwards": "x"}, {"CSeq": "1 OPTIONS"}, {"Via": ""}, {"From": "x"}, {"To": "x"},
    ],
)  # fmt: skip
def test_what_every_request_has_to_say_well(fields: dict[str, Any]) -> None:
    with pytest.raises(EnvelopeError) as caught:
        read_core(parsed(request("MESSAGE", b"", **fields)))
    assert caught.value.rule == "sip.field-form"


READERS = (read_via, read_cseq, read_media_type, lambda value: read_tag("To", value), lambda value: cut(value, ","))


@given(st.text(max_size=60) | st.text('";<>=, \\:/@sipSIP2.0', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in READERS:
        with suppress(EnvelopeError):
            reader(text)


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 8000, "<" * 16000, '""' * 8000, ";a" * 8000, "a " * 8000, "SIP / " * 2000]
)
def test_no_field_takes_longer_than_its_length(text: str) -> None:
    for reader in READERS:
        begin = time.process_time()
        with suppress(EnvelopeError):
            reader(text)
        assert time.process_time() - begin < 1  # a field that is cut over and over would take a minute


@pytest.mark.parametrize(
    ("text", "host", "port", "secured", "name"),
    [
        ("sip:d@Example.com", "example.com", 5061, True, "sip:example.com:5061"),
        ("sip:example.com", "example.com", 5061, True, "sip:example.com:5061"),
        ("sips:d@h:77", "h", 77, True, "sips:h:77"),
        ("sip:d@h;transport=tls", "h", 5061, True, "sip:h:5061"),
        ("sip:d@h;transport=TCP", "h", 5060, False, "sip:h:5060"),
        ("sips:d@h;transport=tcp", "h", 5061, True, "sips:h:5061"),
        ("sip:+1-2@[::1]:9;user=phone", "::1", 9, True, "sip:[::1]:9"),
    ],
)
def test_addresses_to_push_to(text: str, host: str, port: int, secured: bool, name: str) -> None:  # noqa: FBT001
    found = parse_sip_uri(text)
    assert (found.host, found.port, found.secured, found.name) == (host, port, secured, name)
    assert ";" not in found.identity
    assert "transport" not in found.identity


@pytest.mark.parametrize(
    "text",
    [
        "", "sip:", "tel:1", "http://h", "sip:d@", "sip:d@h:0", "sip:d@h:65536", "sip:d@h;transport=udp", "sip:d:pw@h",
        "sip:d@h?Subject=x", "sip:d@h;transport=tls;transport=tcp", "sip:d@h\r\nX: y", "sip:d@h i", "sip:d@-h",
        "<sip:d@h>",        "sip:d@h;transport",
    ],
)  # fmt: skip
def test_what_is_no_address_to_push_to(text: str) -> None:
    with pytest.raises(ValueError, match=r"wanted|port"):
        parse_sip_uri(text)


def test_whose_certificate_it_is() -> None:
    names = {"subjectAltName": (("DNS", "a.example.com"), ("DNS", "*.example.com"), ("IP Address", "0:0:0:0:0:0:0:1"))}
    assert is_of_host(names, "A.example.com")
    assert is_of_host(names, "::1")
    assert not is_of_host(names, "b.example.com")  # RFC 5922, 7.2: no wildcard
    domain = {"subjectAltName": (("URI", "sip:example.com"), ("URI", "sip:u@x.com"), ("DNS", "a.example.com"))}
    assert sip_identities(domain) == ("example.com",)
    assert is_of_host(domain, "example.com")
    assert not is_of_host(domain, "a.example.com")  # RFC 5922, 7.1: where a SIP domain stands, only that counts
    assert not is_of_host(domain, "x.com")
    assert not is_of_host({"subject": ((("commonName", "h"),),)}, "h")
