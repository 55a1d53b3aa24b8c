"""Pushing over SIP: what is sent, what is believed of an answer, and whose certificate is good enough."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import EnvelopeError, KeyMaterialError, PushError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.sip_client import SipSender, _ask, build_message, push_sip, sip_context
from smartcard_dm.push.sip_message import SipRequest, build
from smartcard_dm.push.sip_reader import SipReader
from smartcard_dm.push.sip_uri import parse_sip_uri
from smartcard_dm.push.tls import client_context, server_context
from smartcard_dm.secret import Secret
from tests.push.sip_lab import DOCUMENT, PATIENCE, SERVER, listening
from tests.push.tls import issue_cert, make_ca

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from smartcard_dm.push.pushed import Pushed
    from tests.push.tls import Ca

LAB = SipSender(from_uri=SERVER, tls=None, unsecured_ok=True, timeout=PATIENCE)
ECHOED = ("via", "from", "to", "call-id", "cseq")


def octets(count: int) -> bytes:
    """Return what is not random at all."""
    return bytes(range(count))


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("sip"))


def answer(request: SipRequest, status: str, body: bytes = b"", **changed: str) -> bytes:
    """Return a response to a request by hand."""
    fields = {name: request.first(name) or "" for name in ECHOED} | changed
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"SIP/2.0 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def answering(
    say: Callable[[SipRequest], bytes], tls: ssl.SSLContext | None = None
) -> Iterator[tuple[int, list[SipRequest]]]:
    """Give a port that takes one request, says something and closes, with the requests it took."""
    taken: list[SipRequest] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)

        def serve() -> None:
            wire, _ = server.accept()
            with wire:
                wire.settimeout(PATIENCE)
                try:
                    end = wire if tls is None else tls.wrap_socket(wire, server_side=True)
                    with end:
                        reader = SipReader(DEFAULT_LIMITS)
                        while not taken and (more := end.recv(65536)):
                            taken.extend(event for event in reader.feed(more) if isinstance(event, SipRequest))
                        if taken:
                            end.sendall(say(taken[0]))
                except OSError:  # the sender left: that is what some tests are about
                    return

        thread = Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], taken
        finally:
            thread.join(PATIENCE)
            assert not thread.is_alive()


def push(port: int, sender: SipSender = LAB, document: bytes = DOCUMENT) -> Pushed:
    return push_sip(parse_sip_uri(f"sip:001010123456789@127.0.0.1:{port};transport=tcp"), document, sender, octets)


def refused(say: Callable[[SipRequest], bytes], sender: SipSender = LAB) -> PushError:
    with answering(say) as (port, _), pytest.raises(PushError) as caught:
        push(port, sender)
    assert "001010123456789" not in str(caught.value) + caught.value.name
    assert caught.value.advice
    return caught.value


def test_what_is_sent() -> None:
    with answering(lambda request: answer(request, "200 OK")) as (port, taken):
        pushed = push(port)
    (request,) = taken
    assert request.method == "MESSAGE"
    assert request.uri == f"sip:001010123456789@127.0.0.1:{port};transport=tcp"
    assert request.body == DOCUMENT
    fields = {header.name: header.value for header in request.headers}
    via = fields.pop("via")
    assert via.startswith("SIP/2.0/TCP 127.0.0.1:")
    assert via.endswith(";branch=z9hG4bK000102030405060708090a0b;rport")
    assert fields == {
        "max-forwards": "70",
        "from": "<sip:dms@example.com>;tag=000102030405060708090a0b",
        "to": "<sip:001010123456789@127.0.0.1>",
        "call-id": "000102030405060708090a0b@127.0.0.1",
        "cseq": "1 MESSAGE",
        "accept-contact": '*;+g.oma.pusheventapp="syncml.dm";require;explicit',
        "content-type": "application/vnd.syncml.dm+wbxml",
    }
    assert (pushed.status, pushed.octets, pushed.to) == ("200 OK", len(DOCUMENT), f"sip:127.0.0.1:{port}")
    assert pushed.evidence == "TCP in the clear"


def test_ipv6_stands_in_brackets() -> None:
    message = build_message(parse_sip_uri("sips:d@[::1]"), b"d", SERVER, ("::1", 9), octets)
    assert (message.first("via") or "").startswith("SIP/2.0/TLS [::1]:9;branch=")
    assert message.first("to") == "<sips:d@[::1]>"
    assert build(message)


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "200 "])
def test_a_push_is_taken(status: str) -> None:
    with answering(lambda request: answer(request, status)) as (port, _):
        assert push(port).status == status.strip()


def test_provisional_answers_and_those_to_others_are_passed_over() -> None:
    def say(request: SipRequest) -> bytes:
        other = (request.first("via") or "").replace("z9hG4bK", "z9hG4bKx")
        return b"".join(
            (
                b"\r\n\r\n",
                answer(request, "100 Trying"),
                answer(request, "486 Busy Here", via=other),
                answer(request, "486 Busy Here", cseq="1 OPTIONS"),
                build(request),
                answer(request, "180 Ringing"),
                answer(request, "202 Accepted"),
            )
        )

    with answering(say) as (port, _):
        assert push(port).status == "202 Accepted"


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("486 Busy Here", "what the other end logs"),
        ("503 Service Unavailable", "later"),
        ("401 Unauthorized", "digest authentication is not spoken"),
        ("407 Proxy Authentication Required", "digest authentication is not spoken"),
        ("302 Moved Temporarily", "what the other end logs"),
        ("204 No Notification", "what the other end logs"),
        ("600 Busy Everywhere", "what the other end logs"),
    ],
)
def test_any_other_answer_is_an_error_that_says_it(status: str, advice: str) -> None:
    error = refused(lambda request: answer(request, status))
    assert error.detail == f"it was answered {status}"
    assert advice in error.advice


def test_what_a_stranger_says_is_shown_short_and_without_identities() -> None:
    error = refused(lambda request: answer(request, "486 no 001010123456789 \x9b" + "x" * 500))
    assert len(error.detail) < 100
    assert "\x9b" not in error.detail


def test_an_answer_with_a_body_is_an_error() -> None:
    assert "with a body" in str(refused(lambda request: answer(request, "200 OK", b"why")))


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"", "closed without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"),
        (b"SIP/2.0 200 OK\r\n\r\n", "malformed"),
        (b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"),
        (b"SIP/2.0 200 OK\r\nVia: x\r\nContent-Length: 0\r\n\r\n", "malformed"),
        (b"SIP/2.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", "malformed"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "malformed"),
        (b"A" * 100_000, "malformed"),
        (b"SIP/2.0 200 OK\r\nVia", "closed without an answer"),
    ],
)
def test_what_is_no_answer(said: bytes, detail: str) -> None:
    assert detail in refused(lambda _: said).detail


@given(st.binary(max_size=200))
def test_any_octets_as_an_answer_are_an_error(said: bytes) -> None:
    """Octets by chance are never taken for an answer, and every error is one that `push_sip` knows."""
    here, there = socket.socketpair()
    request = build_message(SERVER, DOCUMENT, SERVER, ("127.0.0.1", 9), octets)
    with here, there:
        there.sendall(said)
        there.shutdown(socket.SHUT_WR)
        with pytest.raises((EnvelopeError, ConnectionError)):
            _ask(here, request, LAB, time.monotonic() + PATIENCE)


def test_no_answer_in_time() -> None:
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(PushError) as caught:
        push(silent.getsockname()[1], SipSender(from_uri=SERVER, tls=None, unsecured_ok=True, timeout=0.5))
    assert caught.value.detail == "no answer within 0.5 s"
    assert "push it again" in caught.value.advice
    assert time.monotonic() - begin < 5


def test_provisional_answers_do_not_make_the_time_longer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            wire, _ = server.accept()
            with wire, suppress(OSError):  # which ends it: the sender left
                for _ in range(int(PATIENCE / 0.1)):
                    wire.sendall(b"SIP/2.0 100 Trying\r\nContent-Length: 0\r\n\r\n")
                    time.sleep(0.1)

        thread = Thread(target=serve)
        thread.start()
        with pytest.raises(PushError) as caught:
            push(server.getsockname()[1], SipSender(from_uri=SERVER, tls=None, unsecured_ok=True, timeout=0.6))
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert caught.value.detail == "no answer within 0.6 s"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(PushError) as caught:
        push(port)
    assert "no way there" in caught.value.detail


def test_in_the_clear_only_when_that_is_asked_for_by_name(ca: Ca) -> None:
    sender = SipSender(from_uri=SERVER, tls=sip_context([ca.file]))
    with pytest.raises(PushError) as caught:
        push(1, sender)
    assert "in the clear" in caught.value.detail


def test_wrong_use(ca: Ca) -> None:
    with listening() as running:
        to = parse_sip_uri(f"sips:127.0.0.1:{running.port}")
        unchecked = client_context([ca.file])
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        for context in (None, unchecked):
            with pytest.raises(ValueError, match="TLS context"):
                push_sip(to, DOCUMENT, SipSender(from_uri=SERVER, tls=context), octets)
    with pytest.raises(ValueError, match="nothing to push"):
        push(1, document=b"")


@pytest.mark.parametrize(
    ("san", "host", "taken"),
    [
        (("127.0.0.1",), "127.0.0.1", True),
        (("localhost",), "localhost", True),
        (("localhost",), "LocalHost", True),
        (("sip:localhost",), "localhost", True),
        (("sip:other.example", "localhost"), "localhost", False),
        (("localhost",), "127.0.0.1", False),
        (("*",), "localhost", False),
        (("other.example",), "localhost", False),
        ((), "localhost", False),
    ],
)
def test_whose_certificate_is_good_enough(ca: Ca, san: tuple[str, ...], host: str, taken: bool) -> None:  # noqa: FBT001
    issued = issue_cert(ca, "-".join(("of", *san)).replace("*", "any").replace(":", "_"), san=san)
    sender = SipSender(from_uri=SERVER, tls=sip_context([ca.file]), timeout=PATIENCE)
    with listening(server_context(issued.certificate, issued.key)) as running:
        to = parse_sip_uri(f"sip:d@{host}:{running.port}")
        if taken:
            pushed = push_sip(to, DOCUMENT, sender, octets)
            assert pushed.evidence.startswith("TLSv1.3")
        else:
            with pytest.raises(PushError) as caught:
                push_sip(to, DOCUMENT, sender, octets)
            assert "its certificate is of" in caught.value.detail
    assert len(running.inlet.arrivals) == taken


def test_an_authority_that_is_not_trusted(ca: Ca, tmp_path: Path) -> None:
    host = issue_cert(ca, "host")
    sender = SipSender(from_uri=SERVER, tls=sip_context([make_ca(tmp_path).file]), timeout=PATIENCE)
    with listening(server_context(host.certificate, host.key)) as running, pytest.raises(PushError) as caught:
        push_sip(parse_sip_uri(f"sip:d@127.0.0.1:{running.port}"), DOCUMENT, sender, octets)
    assert "not trusted" in caught.value.detail


def test_no_tls_there(ca: Ca) -> None:
    sender = SipSender(from_uri=SERVER, tls=sip_context([ca.file]), timeout=PATIENCE)
    with listening() as running, pytest.raises(PushError) as caught:
        push_sip(parse_sip_uri(f"sip:d@127.0.0.1:{running.port}"), DOCUMENT, sender, octets)
    assert "TLS did not come about" in caught.value.detail


def test_a_listener_that_requires_a_certificate(ca: Ca) -> None:
    host, client = issue_cert(ca, "asking"), issue_cert(ca, "dms", client=True, passphrase=b"open")
    context = server_context(host.certificate, host.key, client_ca=ca.file, required=True)
    with listening(context) as running:
        to = parse_sip_uri(f"sip:d@127.0.0.1:{running.port}")
        with pytest.raises(PushError) as caught:
            push_sip(to, DOCUMENT, SipSender(from_uri=SERVER, tls=sip_context([ca.file])), octets)
        assert "asks for a certificate" in caught.value.advice
        shown = sip_context([ca.file], client.certificate, client.key, Secret(b"open"))
        assert push_sip(to, DOCUMENT, SipSender(from_uri=SERVER, tls=shown), octets).status == "200 OK"


def test_files_of_tls_that_cannot_be_used(ca: Ca, tmp_path: Path) -> None:
    one, other = issue_cert(ca, "one"), issue_cert(ca, "other", passphrase=b"open")
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    with pytest.raises(KeyMaterialError, match="not of the certificate"):
        server_context(one.certificate, issue_cert(ca, "third").key)
    with pytest.raises(KeyMaterialError, match="needs a passphrase"):
        server_context(other.certificate, other.key)
    with pytest.raises(KeyMaterialError) as caught:
        server_context(other.certificate, other.key, passphrase=Secret(b"not that"))
    assert "not that" not in str(caught.value)
    with pytest.raises(KeyMaterialError, match="No such file"):
        server_context(tmp_path / "none", one.key)
    with pytest.raises(KeyMaterialError):
        server_context(one.certificate, nonsense)
    with pytest.raises(KeyMaterialError):
        client_context([nonsense])
    with pytest.raises(KeyMaterialError, match="No such file"):
        client_context([tmp_path / "none"])
    with pytest.raises(ValueError, match="at least one authority"):
        client_context([])
    with pytest.raises(ValueError, match="no authority"):
        server_context(one.certificate, one.key, required=True)
