"""The listener of HTTP pushes against curl, httpx and raw sockets: what it takes, what it refuses, what it tells."""

from __future__ import annotations

import contextlib
import resource
import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING, Literal

import httpx
import pytest

from smartcard_dm import wbxml
from smartcard_dm.errors import EnvelopeError, VerificationError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML, Arrival
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.tls import server_context
from smartcard_dm.rules import Rule, Step
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import TransportKind
from tests.materials import NOW
from tests.push.http_lab import HOST, REFUSED, TAKEN, TYPE, Lab, listening, request, rest
from tests.push.tls import Ca, Issued, issue_cert, make_ca
from tests.trust.device import account, signed, verifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Loop = Literal["asyncio", "uvloop"]
SMALL = Limits(message_octets=4096, http_header_octets=1024)
HASTY = Limits(receive_seconds=1)
KIB = 1024


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


@pytest.fixture(scope="module")
def sender(ca: Ca) -> Issued:
    return issue_cert(ca, "sender", san=("dms.example.com",), client=True)


@pytest.fixture
def tls(host: Issued) -> ssl.SSLContext:
    return server_context(host.certificate, host.key)


@pytest.fixture
def lab(tls: ssl.SSLContext, ca: Ca) -> Iterator[Lab]:
    with listening(tls, ca.file, SMALL) as lab:
        yield lab


@pytest.fixture(scope="module")
def faulty(ca: Ca, host: Issued) -> Iterator[Lab]:
    """A listener that many faults go to."""
    with listening(server_context(host.certificate, host.key), ca.file, SMALL) as lab:
        yield lab


@pytest.fixture(scope="module")
def faulty_plain() -> Iterator[Lab]:
    """The same without TLS, so that octets arrive as they are sent."""
    with listening(None, None, SMALL) as lab:
        yield lab


def curl(lab: Lab, *arguments: str, body: bytes = b"a document", url: str | None = None) -> tuple[int, str]:
    """Push with curl; return its exit code and the answer's head."""
    trust = ["--cacert", str(lab.ca)] if lab.ca is not None else []
    fixed = ["curl", "-sS", "-i", "--max-time", "20", *trust, "-H", f"Content-Type: {TYPE}", "--data-binary", "@-"]
    done = subprocess.run([*fixed, *arguments, url or lab.url], input=body, capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


def judged(arrival: Arrival) -> VerificationError | None:
    """Return why the real verifier refuses what came, or None."""
    judge = verifier(account(), policy=Policy.oma_1_2_legacy().over(TransportKind.HTTP))
    try:
        judge.verify(arrival.octets, transport=arrival.transport, at=NOW)
    except VerificationError as error:
        return error
    return None


def message() -> bytes:
    return wbxml.from_xml(signed())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_curl_pushes_over_tls_and_learns_nothing(tls: ssl.SSLContext, ca: Ca, loop: Loop) -> None:
    with listening(tls, ca.file, loop=loop) as lab:
        code, answer = curl(lab, body=message())
        assert (code, answer) == (0, TAKEN.decode())
        came = lab.inlet.arrival()
        assert (came.octets, came.content_type) == (message(), DM_WBXML)
        assert came.transport.secured
        assert came.transport.evidence == "TLSv1.3, TLS_AES_256_GCM_SHA384"
        assert came.source.startswith(f"{HOST}:")
        assert judged(came) is None
        lab.inlet.nothing_else()


def test_httpx_pushes_over_one_connection_again_and_again(lab: Lab) -> None:
    context = ssl.create_default_context(cafile=lab.ca)
    with httpx.Client(verify=context, trust_env=False) as client:
        for number in range(5):
            answer = client.post(lab.url, content=bytes([number + 1]) * 100, headers={"content-type": TYPE})
            assert (answer.status_code, answer.content, dict(answer.headers)) == (202, b"", {"content-length": "0"})
        chunks = iter([b"a", b"bc", b"def"])
        assert client.post(lab.url, content=chunks, headers={"content-type": f"{TYPE}; charset=x"}).status_code == 202
        assert client.post(lab.url, content=b"cp", headers={"content-type": CP_WBXML.upper()}).status_code == 202
    came = [lab.inlet.arrival() for _ in range(7)]
    assert [each.octets for each in came] == [*(bytes([n + 1]) * 100 for n in range(5)), b"abcdef", b"cp"]
    assert [each.content_type for each in came] == [DM_WBXML] * 6 + [CP_WBXML]
    assert len({each.source for each in came}) == 1
    lab.inlet.nothing_else()


def test_a_large_push_waits_for_the_listeners_word(tls: ssl.SSLContext, ca: Ca) -> None:
    body = bytes(range(256)) * 4 * KIB
    assert len(body) == DEFAULT_LIMITS.message_octets
    with listening(tls, ca.file) as lab:
        code, answer = curl(lab, "-H", "Expect: 100-continue", "--expect100-timeout", "15", body=body)
        assert (code, answer) == (0, "HTTP/1.1 100 Continue\r\n\r\n" + TAKEN.decode())
        assert lab.inlet.arrival().octets == body


def test_a_push_in_the_clear_is_refused_at_step_9(ca: Ca) -> None:
    with listening(None, ca.file) as lab:
        assert curl(lab, body=message(), url=f"http://{HOST}:{lab.port}/") == (0, TAKEN.decode())
        error = judged(lab.inlet.arrival())
    assert error is not None
    assert (error.rule, error.rule.identifier) == (Rule.HTTP_NO_TLS, "transport.http.no-tls")
    assert error.step is Step.TRANSPORT


def test_a_push_without_the_certificate_that_is_asked_for_is_refused_at_step_9(ca: Ca, host: Issued) -> None:
    with listening(server_context(host.certificate, host.key, client_ca=ca.file), ca.file) as lab:
        assert curl(lab, body=message()) == (0, TAKEN.decode())
        error = judged(lab.inlet.arrival())
    assert error is not None
    assert (error.rule, error.rule.identifier) == (Rule.HTTP_CLIENT_UNKNOWN, "transport.http.client-unknown")
    assert error.step is Step.TRANSPORT


@pytest.mark.parametrize("required", [False, True])
def test_a_certificate_of_the_sender_is_evidence(ca: Ca, host: Issued, sender: Issued, *, required: bool) -> None:
    context = server_context(host.certificate, host.key, client_ca=ca.file, required=required)
    with listening(context, ca.file) as lab:
        shown = ("--cert", str(sender.certificate), "--key", str(sender.key))
        assert curl(lab, *shown, body=message()) == (0, TAKEN.decode())
        came = lab.inlet.arrival()
    assert came.transport.secured
    who = "certificate of CN=sender, named dms.example.com"
    assert came.transport.evidence == f"TLSv1.3, TLS_AES_256_GCM_SHA384, {who}"
    assert judged(came) is None


def test_who_has_to_show_a_certificate_gets_no_answer_without_a_good_one(ca: Ca, host: Issued, tmp_path: Path) -> None:
    stranger = issue_cert(make_ca(tmp_path, "another authority"), "stranger", client=True)
    context = server_context(host.certificate, host.key, client_ca=ca.file, required=True)
    with listening(context, ca.file) as lab:
        for shown in ((), ("--cert", str(stranger.certificate), "--key", str(stranger.key))):
            code, answer = curl(lab, *shown)
            assert code != 0
            assert answer == ""
            assert lab.inlet.rule() == HttpRule.HANDSHAKE
        lab.inlet.nothing_else()


def test_old_tls_is_not_spoken(lab: Lab) -> None:
    code, answer = curl(lab, "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0")
    assert code != 0
    assert answer == ""
    assert lab.inlet.rule() == HttpRule.HANDSHAKE


@pytest.mark.parametrize(
    "octets", [request(), b"GET / HTTP/1.0\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n", bytes(64), b"\xff" * 300]
)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_octets_in_the_clear_on_the_tls_port_get_no_answer(
    tls: ssl.SSLContext, ca: Ca, loop: Loop, octets: bytes
) -> None:
    with listening(tls, ca.file, loop=loop) as lab:
        with lab.wire() as wire:
            wire.sendall(octets)
            assert rest(wire) == b""
        assert lab.inlet.rule() == HttpRule.NOT_TLS
        lab.inlet.nothing_else()


MALFORMED = {
    "method": (request(method="PUT"), HttpRule.METHOD),
    "no method": (request(method="GET", body=b""), HttpRule.METHOD),
    "path": (request(path="/other"), HttpRule.PATH),
    "encoded path": (request(path="/%00%0a"), HttpRule.PATH),
    "query": (request(path="/?a=b"), HttpRule.PATH),
    "target": (request(path="nonsense"), HttpRule.MALFORMED),
    "fragment": (request(path="/#a"), HttpRule.PATH),
    "host and path": (request(b"x", "Host: a/b"), HttpRule.HOST),
    "host and space": (request(b"x", "Host: a b"), HttpRule.HOST),
    "host and user": (request(b"x", "Host: a@b"), HttpRule.HOST),
    "host and list": (request(b"x", "Host: a, b"), HttpRule.HOST),
    "no host": (request(b"x", "Host: -"), HttpRule.HOST),
    "two hosts": (request(b"x", "Host: a", "Host: b"), HttpRule.FIELD_REPEATED),
    "type": (request(b"x", "Content-Type: text/plain"), HttpRule.CONTENT_TYPE),
    "no type": (request(b"x", "Content-Type: -"), HttpRule.CONTENT_TYPE),
    "xml": (request(b"x", "Content-Type: application/vnd.syncml.dm+xml"), HttpRule.CONTENT_TYPE),
    "list of types": (request(b"x", f"Content-Type: {TYPE}, text/plain"), HttpRule.CONTENT_TYPE),
    "two types": (request(b"x", f"Content-Type: {TYPE}", "Content-Type: text/plain"), HttpRule.FIELD_REPEATED),
    "encoding": (request(b"x", "Content-Encoding: gzip"), HttpRule.CONTENT_ENCODING),
    "application": (request(b"x", "X-Wap-Application-Id: x-wap-application:mms.ua"), HttpRule.APPLICATION),
    "empty": (request(b""), HttpRule.NO_DOCUMENT),
    "no length": (request(b"", "Content-Length: -"), HttpRule.NO_DOCUMENT),
    "large": (request(bytes(4097)), HttpRule.BODY_SIZE),
    "huge": (request(b"x", f"Content-Length: {'9' * 18}"), HttpRule.BODY_SIZE),
    "longer than any": (request(b"x", f"Content-Length: {'9' * 400}"), HttpRule.MALFORMED),
    "signed length": (request(b"x", "Content-Length: +1"), HttpRule.MALFORMED),
    "two lengths": (request(b"x", "Content-Length: 1", "Content-Length: 1"), HttpRule.MALFORMED),
    "list of lengths": (request(b"x", "Content-Length: 1, 1"), HttpRule.MALFORMED),
    "chunks and length": (request(b"1\r\nx\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), HttpRule.MALFORMED),
    "chunks, then more": (
        request(b"0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked, identity"),
        HttpRule.MALFORMED,
    ),
    "chunks of an old version": (
        request(b"1\r\nx\r\n0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked").replace(b"P/1.1", b"P/1.0"),
        HttpRule.MALFORMED,
    ),
    "identity": (request(b"x", "Content-Length: -", "Transfer-Encoding: identity"), HttpRule.MALFORMED),
    "packed chunks": (
        request(b"1\r\nx\r\n0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: gzip, chunked"),
        HttpRule.CONTENT_ENCODING,
    ),
    "chunk size": (
        request(b"0x1\r\nx\r\n0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked"),
        HttpRule.MALFORMED,
    ),
    "chunk end": (
        request(b"1\r\nxyz\r\n0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked"),
        HttpRule.MALFORMED,
    ),
    "trailer": (
        request(b"1\r\nx\r\n0\r\nHost: b\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked"),
        HttpRule.MALFORMED,
    ),
    "large in chunks": (
        request(b"800\r\n%b\r\n" % bytes(2048) * 3 + b"0\r\n\r\n", "Content-Length: -", "Transfer-Encoding: chunked"),
        HttpRule.BODY_SIZE,
    ),
    "upgrade": (request(b"x", "Connection: upgrade", "Upgrade: websocket"), HttpRule.UPGRADE),
    "connect": (request(b"", method="CONNECT", path="a:1"), HttpRule.UPGRADE),
    "http 2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HttpRule.MALFORMED),
    "http 0.9": (b"POST /\r\n\r\n", HttpRule.MALFORMED),
    "bare line feeds": (request().replace(b"\r\n", b"\n"), HttpRule.MALFORMED),
    "folded field": (request(b"x", "X-A: b\r\n c"), HttpRule.MALFORMED),
    "space before colon": (request(b"x", "X-A : b"), HttpRule.MALFORMED),
    "nul in a field": (request(b"x", "X-A: b\x00c"), HttpRule.MALFORMED),
    "one long field": (request(b"x", f"X-A: {'b' * 2048}"), HttpRule.HEADER_SIZE),
    "many fields": (request(b"x", *(f"X-{at}: b" for at in range(200))), HttpRule.HEADER_SIZE),
    "long path": (request(path="/" + "a" * 2048), HttpRule.HEADER_SIZE),
    "garbage": (bytes(range(128, 256)), HttpRule.MALFORMED),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_each_fault_has_its_rule_and_they_all_have_one_answer(faulty: Lab, name: str) -> None:
    octets, rule = MALFORMED[name]
    with faulty.connect() as connection:
        connection.sendall(octets)
        assert rest(connection) == REFUSED
    error, kind, source = faulty.inlet.errors.get(timeout=20)
    assert (error.rule, kind) == (rule, TransportKind.HTTP)
    assert source.startswith(f"{HOST}:")
    assert str(error).isprintable()
    assert len(str(error)) < 300
    faulty.inlet.nothing_else()


@pytest.mark.parametrize("name", MALFORMED)
def test_a_fault_is_the_same_octet_by_octet(faulty_plain: Lab, name: str) -> None:
    octets, rule = MALFORMED[name]
    with faulty_plain.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # it need not wait for the end
            for at in range(min(len(octets), 3000)):
                connection.send(octets[at : at + 1])
            connection.sendall(octets[3000:])
        assert rest(connection) in {REFUSED, b""}  # nothing, where the rest was on its way when it was refused
    assert faulty_plain.inlet.rule() == rule
    faulty_plain.inlet.nothing_else()


def test_what_is_smuggled_behind_a_push_is_a_request_of_its_own_or_none(lab: Lab) -> None:
    second = request(b"second", path="/other")
    assert lab.ask(request(b"first" + second, "Content-Length: 5", close=False)) == TAKEN + REFUSED
    assert lab.inlet.arrival().octets == b"first"
    assert lab.inlet.rule() == HttpRule.PATH
    lab.inlet.nothing_else()


def test_the_application_may_be_named(lab: Lab) -> None:
    for name in ("x-wap-application:syncml.dm", "X-WAP-Application:SyncML.DM ", "x-wap-application:*"):
        assert lab.ask(request(b"x", f"X-Wap-Application-Id: {name}")) == TAKEN.replace(
            b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"
        )
        assert lab.inlet.arrival().octets == b"x"


@pytest.mark.parametrize("named", ["", "device.example.com", "device:8443", "192.0.2.1:", "[2001:db8::1]:8443"])
def test_a_host_may_have_any_of_its_forms(lab: Lab, named: str) -> None:
    assert lab.ask(request(b"x", f"Host: {named}")).startswith(b"HTTP/1.1 202 ")
    assert lab.inlet.arrival().octets == b"x"


def test_an_identity_is_not_shown_in_an_error(lab: Lab) -> None:
    imsi = "001010123456789"
    for wrong in (request(path=f"/{imsi}"), request(b"x", f"Content-Type: {imsi}"), request(b"x", f"Host: {imsi}/")):
        assert lab.ask(wrong)[9:12] == b"400"
        error, _, _ = lab.inlet.errors.get(timeout=20)
        assert imsi not in str(error)
        assert "(digits)" in str(error)


def test_another_path_may_be_served(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file, path="/push") as lab:
        assert lab.ask(request(path="/")) == REFUSED
        assert lab.ask(request(path="/push")).startswith(b"HTTP/1.1 202 ")


def test_a_declared_length_is_refused_before_the_body_comes(lab: Lab) -> None:
    with lab.connect() as connection:
        connection.sendall(request(b"", "Content-Length: 5000"))
        assert rest(connection) == REFUSED
    assert lab.inlet.rule() == HttpRule.BODY_SIZE


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_whoever_is_slow_is_left(tls: ssl.SSLContext, ca: Ca, loop: Loop) -> None:
    with listening(tls, ca.file, HASTY, loop=loop) as lab:
        silent, half, idle, head, body, kept = lab.wire(), lab.wire(), *(lab.connect() for _ in range(4))
        half.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        head.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n")
        body.sendall(request(b"part", "Content-Length: 100"))
        kept.sendall(request(close=False))
        assert kept.recv(100) == TAKEN
        began = time.monotonic()
        answers = [rest(each) for each in (silent, half, idle, head, body, kept)]
        assert time.monotonic() - began < 5
        for each in (silent, half, idle, head, body, kept):
            each.close()
        assert answers == [b"", b"", b"", REFUSED, REFUSED, b""]
        assert sorted(lab.inlet.rule() for _ in range(4)) == sorted([HttpRule.HANDSHAKE] * 2 + [HttpRule.SLOW] * 2)
        assert lab.inlet.arrival().octets == b"a document"
        lab.inlet.nothing_else()


def drip(connection: socket.socket) -> bool:
    """Send octet by octet; tell whether that goes on for ten seconds."""
    try:
        for _ in range(500):
            connection.sendall(b"a")
            time.sleep(0.02)
    except OSError:
        return False
    return True


def test_dripping_makes_no_request_last_longer(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file, HASTY) as lab:
        for octets in (b"POST / HTTP/1.1\r\nX: ", request(b"", "Content-Length: 4000")):
            began = time.monotonic()
            with lab.connect() as connection:
                connection.sendall(octets)
                assert not drip(connection)
            assert time.monotonic() - began < 5
            assert lab.inlet.rule() == HttpRule.SLOW
        lab.inlet.nothing_else()


@pytest.mark.parametrize("octets", [b"POST / HTTP/1.1\r\nHost", request(b"half", "Content-Length: 8")])
def test_a_request_that_is_cut_is_noted(lab: Lab, octets: bytes) -> None:
    with lab.connect() as connection:
        connection.sendall(octets)
    assert lab.inlet.rule() == HttpRule.CUT
    lab.inlet.nothing_else()


def test_a_connection_without_a_request_is_no_fault(lab: Lab) -> None:
    with lab.connect():
        pass
    with lab.connect() as connection:
        connection.sendall(request(close=False))
        assert connection.recv(100) == TAKEN
    assert lab.inlet.arrival().octets == b"a document"
    time.sleep(0.3)
    lab.inlet.nothing_else()


def test_no_room_is_told_without_a_reason(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file, room=1) as lab:
        none = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
        with lab.connect() as connection:
            connection.sendall(request(b"first", close=False))
            assert connection.recv(100) == TAKEN
            connection.sendall(request(b"second", close=False))
            assert connection.recv(100) == none + b"\r\n"
            lab.inlet.arrival()
            connection.sendall(request(b"third", close=False))
            assert connection.recv(100) == TAKEN
        assert lab.inlet.arrival().octets == b"third"
        lab.inlet.nothing_else()


def test_too_many_a_second_are_sent_away(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file, Limits(receive_per_second=5)) as lab:
        answers = [lab.ask(request())[9:12] for _ in range(12)]
        assert answers[:5] == [b"202"] * 5
        assert b"429" in answers
        assert set(answers) == {b"202", b"429"}
        assert lab.inlet.rule() == HttpRule.RATE
        time.sleep(1.1)
        assert lab.ask(request())[9:12] == b"202"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_three_hundred_connections(tls: ssl.SSLContext, ca: Ca, loop: Loop) -> None:
    with listening(tls, ca.file, Limits(receive_connections=256), loop=loop) as lab:
        wires = [lab.wire() for _ in range(300)]
        assert [lab.inlet.rule() for _ in range(44)] == [HttpRule.CONNECTIONS] * 44
        assert [rest(each) for each in wires[:44]] == [b""] * 44, "the oldest made room"
        assert lab.ask(request()).startswith(b"HTTP/1.1 202 "), "slow ones keep nobody out"
        assert lab.inlet.rule() == HttpRule.CONNECTIONS
        for each in wires:
            each.close()
        for _ in range(255):
            assert lab.inlet.rule() == HttpRule.HANDSHAKE
        kept = [lab.connect() for _ in range(256)]
        kept[0].sendall(request(close=False))
        assert kept[0].recv(1000) == TAKEN
        with lab.wire():
            assert rest(kept[1]) == b"", "the first has been heard of since"
        for each in (kept[0], *kept[2:]):
            each.sendall(request())
        assert {rest(each)[9:12] for each in (kept[0], *kept[2:])} == {b"202"}
        for each in kept:
            each.close()


def test_slow_requests_keep_nobody_out(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file, Limits(receive_connections=4)) as lab:
        slow = [lab.connect() for _ in range(4)]
        head = [
            request(b"x", "Content-Length: 10"),
            b"POST / HTTP/1.1\r\nX: ",
            b"POST",
            request(b"", "Content-Length: 1"),
        ]
        for each, octets in zip(slow, head, strict=True):
            each.sendall(octets)
        time.sleep(0.3)
        for at in range(4):
            assert lab.ask(request(bytes([at]))).startswith(b"HTTP/1.1 202 ")
            assert lab.inlet.arrival().octets == bytes([at])
        assert lab.inlet.rule() == HttpRule.CONNECTIONS
        assert rest(slow[0]) == b""
        lab.inlet.nothing_else()
        for each in slow:
            each.close()


def test_few_requests_wait_for_the_answer_to_the_one_before(tls: ssl.SSLContext, ca: Ca) -> None:
    with listening(tls, ca.file) as lab:
        with lab.connect() as connection:
            connection.sendall(request(close=False) * 4)
            answers = b""
            while len(answers) < 4 * len(TAKEN):
                answers += connection.recv(1000)
            assert answers == TAKEN * 4
        for _ in range(4):
            lab.inlet.arrival()
        with lab.connect() as connection:
            with contextlib.suppress(OSError):  # it need not wait for the end
                connection.sendall(request(close=False) * 1000)
            assert rest(connection) == b""
        assert lab.inlet.rule() == HttpRule.PIPELINE


def peak() -> int:
    """Return the most memory this process has had, in octets."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def flood(lab: Lab, head: bytes, part: bytes) -> None:
    """Send a head, and then a part again and again until the listener ends it, or 64 MiB have gone."""
    with lab.connect() as connection:
        try:
            connection.sendall(head)
            for _ in range((64 << 20) // len(part)):
                connection.sendall(part)
        except OSError:
            pass


def test_memory_is_bounded_whatever_does_not_end(tls: ssl.SSLContext, ca: Ca) -> None:
    chunked = request(b"", "Content-Length: -", "Transfer-Encoding: chunked")
    floods = {
        "a field": (b"POST / HTTP/1.1\r\nX: ", b"a" * 65536, HttpRule.HEADER_SIZE),
        "fields": (b"POST / HTTP/1.1\r\n", b"X: a\r\n" * 8192, HttpRule.HEADER_SIZE),
        "a path": (b"POST /", b"a" * 65536, HttpRule.HEADER_SIZE),
        "chunks": (chunked, b"8000\r\n%b\r\n" % bytes(32768), HttpRule.BODY_SIZE),
        "an extension": (chunked + b"1;", b"a" * 65536, HttpRule.BODY_SIZE),
        "a trailer": (chunked + b"1\r\nx\r\n0\r\nX: ", b"a" * 65536, HttpRule.BODY_SIZE),
        "small chunks": (chunked, b"1\r\nx\r\n" * 10000, HttpRule.BODY_SIZE),
    }
    with listening(tls, ca.file, SMALL) as lab:
        flood(lab, *floods["a field"][:2])
        lab.inlet.rule()
        before = peak()
        for name, (head, part, rule) in floods.items():
            flood(lab, head, part)
            assert lab.inlet.rule() == rule, name
        assert peak() - before < 16 * KIB * KIB
        lab.inlet.nothing_else()


def test_whatever_is_sent_the_listener_goes_on(lab: Lab) -> None:
    sent = [bytes([octet]) * 50 for octet in range(0, 256, 5)]
    sent += [octets[: len(octets) * part // 7] for octets, _ in MALFORMED.values() for part in (2, 4, 6)]
    for octets in sent:
        with lab.connect() as connection:
            connection.sendall(octets)
    assert lab.ask(request(b"still here"))[9:12] == b"202"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if lab.inlet.arrival().octets == b"still here":
            return
    raise AssertionError("it does not listen any more")


def opened(lab: Lab) -> bool:
    """Tell whether the listener goes on listening for ten seconds."""
    try:
        for _ in range(1000):
            lab.wire().close()
            time.sleep(0.01)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_it_ends_in_order(tls: ssl.SSLContext, ca: Ca, loop: Loop) -> None:
    with listening(tls, ca.file, loop=loop) as lab:
        idle, half, whole = lab.connect(), lab.wire(), lab.connect()
        whole.sendall(request(b"whole"))
        began = time.monotonic()
        lab.stop.set()
        assert rest(whole)[9:12] in {b"202", b""}
        assert rest(idle) == b""
        assert rest(half) == b""
        assert not opened(lab)
        assert time.monotonic() - began < 6
        for each in (idle, half, whole):
            each.close()


def test_rules_are_told_about() -> None:
    assert all(rule.startswith("http.") and rule.stops and rule.clause for rule in HttpRule)
    assert issubclass(EnvelopeError, Exception)
