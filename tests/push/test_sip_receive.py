"""The listener of SIP pushes over real connections: what is proved, step 9, and senders without manners."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.limits import Limits
from smartcard_dm.push.listening import listen_tcp
from smartcard_dm.push.sip_client import sip_context
from smartcard_dm.push.sip_reader import SipReader
from smartcard_dm.push.sip_server import SipListener, serve_sip
from smartcard_dm.push.tls import server_context
from smartcard_dm.rules import Rule
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import TransportKind
from smartcard_dm.trust.verifier import Verifier
from tests.push.sip_lab import DOCUMENT, PATIENCE, Inlet, listening, read_all, read_response, request, responses
from tests.push.tls import issue_cert, make_ca

if TYPE_CHECKING:
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.trust.verified import VerifiedMessage
    from tests.push.sip_lab import Running
    from tests.push.tls import Ca, Issued

FIXTURES = Path(__file__).parents[2] / "fixtures"
SIGNED = (FIXTURES / "messages" / "signed.wbxml").read_bytes()
QUICK = Limits(receive_seconds=1)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("sip"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


@pytest.fixture(scope="module")
def client(ca: Ca) -> Issued:
    return issue_cert(ca, "dms", client=True)


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    with open_card(f"profile:{FIXTURES / 'cards' / 'usim.yaml'}") as card:
        credentials = read_credentials(card)
    return Verifier(credentials, policy=Policy.default().over(TransportKind.SIP))


def verified(verifier: Verifier, arrival: Arrival) -> VerifiedMessage:
    return verifier.verify(arrival.octets, transport=arrival.transport, at=datetime.now(UTC))


def test_a_message_over_tls_is_authorized(ca: Ca, host: Issued, verifier: Verifier) -> None:
    with listening(server_context(host.certificate, host.key)) as running:
        (response,) = running.say(request(body=SIGNED), sip_context([ca.file]))
    assert response.status == 200
    (arrival,) = running.inlet.arrivals
    assert arrival.transport.evidence.startswith("TLSv1.3, TLS_")
    assert verified(verifier, arrival).server_id.value == "com.example.dms"


def test_a_message_in_the_clear_is_refused_at_step_9(verifier: Verifier) -> None:
    with listening() as running:
        (response,) = running.say(request(body=SIGNED))
    assert response.status == 200  # the verdict is not for the sender
    with pytest.raises(VerificationError) as caught:
        verified(verifier, running.inlet.arrivals[0])
    assert caught.value.rule is Rule.SIP_NO_TLS
    assert caught.value.rule.identifier == "transport.sip.no-tls"
    assert caught.value.step == 9


def test_a_sender_without_a_certificate_is_refused_at_step_9_where_one_is_asked_for(
    ca: Ca, host: Issued, client: Issued, verifier: Verifier
) -> None:
    with listening(server_context(host.certificate, host.key, client_ca=ca.file)) as running:
        statuses = [
            running.say(request(body=SIGNED), sip_context([ca.file], *shown))[0].status
            for shown in ((), (client.certificate, client.key))
        ]
    assert statuses == [200, 200]  # and the sender is not told which of the two was refused
    without, proved = running.inlet.arrivals
    with pytest.raises(VerificationError) as caught:
        verified(verifier, without)
    assert caught.value.rule is Rule.SIP_PEER_UNKNOWN
    assert caught.value.rule.identifier == "transport.sip.peer-unknown"
    assert proved.transport.evidence.endswith("certificate of CN=dms")
    assert verified(verifier, proved).server_id.value == "com.example.dms"


def test_a_sender_without_a_certificate_is_not_talked_to_where_one_is_required(
    ca: Ca, host: Issued, client: Issued
) -> None:
    with listening(server_context(host.certificate, host.key, client_ca=ca.file, required=True)) as running:
        with running.connect(sip_context([ca.file])) as wire:
            wire.sendall(request())
            assert read_all(wire) == b""
        assert running.say(request(), sip_context([ca.file], client.certificate, client.key))[0].status == 200
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.tls"]
    assert len(running.inlet.arrivals) == 1


def test_a_certificate_of_another_authority_proves_nothing(ca: Ca, host: Issued, tmp_path: Path) -> None:
    stranger = issue_cert(make_ca(tmp_path, "stranger"), "dms", client=True)
    with listening(server_context(host.certificate, host.key, client_ca=ca.file)) as running:
        with running.connect(sip_context([ca.file], stranger.certificate, stranger.key)) as wire:
            wire.sendall(request())
            assert read_all(wire) == b""
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.tls"]
    assert running.inlet.arrivals == []


def test_old_tls_is_not_spoken(ca: Ca, host: Issued) -> None:
    context = sip_context([ca.file])
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with listening(server_context(host.certificate, host.key)) as running:
        with pytest.raises(ssl.SSLError):
            running.connect(context)
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.tls"]
    assert "UNSUPPORTED_PROTOCOL" in str(running.inlet.refusals[0])


@pytest.mark.parametrize("octets", [request(), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\x00" * 4096])
def test_octets_in_the_clear_on_the_tls_port_are_refused(host: Issued, octets: bytes) -> None:
    with listening(server_context(host.certificate, host.key)) as running:
        with running.connect() as wire:
            wire.sendall(octets)
            assert b"SIP" not in read_all(wire)
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.tls"]


def test_tls_on_the_port_in_the_clear_is_refused_at_once(ca: Ca) -> None:
    with listening() as running, pytest.raises((ssl.SSLError, OSError)):
        running.connect(sip_context([ca.file]))
    assert running.inlet.rules == ["sip.start-line"]


def test_requests_follow_one_another_on_a_connection_with_keep_alives_between() -> None:
    with listening() as running:
        octets = request() + b"\r\n\r\n" + request(branch="z9hG4bK2") + b"\r\n\r\n"
        with running.connect() as wire:
            wire.sendall(octets)
            wire.shutdown(socket.SHUT_WR)
            said = read_all(wire)
    assert [response.status for response in responses(said)] == [200, 200]
    assert said.count(b"\r\n\r\n\r\n") == 2  # the empty line of each answer, then the answer to a keep-alive
    assert [arrival.octets for arrival in running.inlet.arrivals] == [DOCUMENT, DOCUMENT]


def test_a_request_may_come_octet_by_octet() -> None:
    with listening() as running, running.connect() as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in request(body=b"b"):
            wire.sendall(bytes([octet]))
        assert read_response(wire).status == 200


def test_a_retransmission_on_another_connection_is_not_delivered_again() -> None:
    with listening() as running:
        first = running.say(request())
        again = running.say(request())
    assert first == again
    assert len(running.inlet.arrivals) == 1


@pytest.mark.parametrize(
    ("octets", "rule", "status"),
    [
        (b"\x80\x00\xff" * 100, "sip.start-line", None),
        (b"EHLO example.com\r\n\r\n", "sip.start-line", None),
        (request(Content_Length="nine"), "sip.content-length", 400),
        (request(Content_Length="-1"), "sip.content-length", 400),
        (request(more="l: 4\r\n"), "sip.content-length", 400),
        (request(Content_Length=str(2 << 20)), "sip.body-size", 413),
        (request(more="X: " + "x" * 20_000 + "\r\n"), "sip.header-size", None),
        (b"MESSAGE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 5000, "sip.header-size", None),
        (b"A" * 100_000, "sip.header-size", None),
        (b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "sip.response", None),
        (request()[:-1], "sip.cut", None),
        (request()[:40], "sip.cut", None),
    ],
)
def test_what_is_malformed_is_refused_and_ends_the_connection(octets: bytes, rule: str, status: int | None) -> None:
    with listening() as running:
        assert [response.status for response in running.say(octets)] == ([] if status is None else [status])
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
        assert running.say(request())[0].status == 200
    assert running.inlet.rules == [rule]


@pytest.mark.parametrize("secured", [False, True])
def test_slow_senders_are_given_up(ca: Ca, host: Issued, secured: bool) -> None:  # noqa: FBT001
    context = server_context(host.certificate, host.key) if secured else None
    with listening(context, QUICK) as running:
        with running.connect(sip_context([ca.file]) if secured else None) as wire:
            begin = time.monotonic()
            wire.sendall(request()[:-1])
            wire.settimeout(0.2)
            while time.monotonic() - begin < PATIENCE:  # a header now and then does not make the time longer
                try:
                    if wire.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert 0.5 < time.monotonic() - begin < PATIENCE / 2
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.slow"]


def test_octets_that_trickle_do_not_make_the_time_longer() -> None:
    with listening(limits=QUICK) as running, running.connect() as wire:
        begin = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 - whichever of these notices
            for octet in request(body=b"b" * 500):
                wire.sendall(bytes([octet]))
                time.sleep(0.05)
        assert time.monotonic() - begin < PATIENCE / 2
        running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == ["sip.slow"]


@pytest.mark.parametrize("secured", [False, True])
def test_connections_that_say_nothing_are_given_up(host: Issued, secured: bool) -> None:  # noqa: FBT001
    with listening(server_context(host.certificate, host.key) if secured else None, QUICK) as running:
        with running.connect() as wire:
            assert read_all(wire) == b""
        if secured:
            running.inlet.wait_for(lambda: bool(running.inlet.refusals))
    assert running.inlet.rules == (["sip.tls"] if secured else [])


def test_a_connection_that_pushed_may_stay_for_a_while() -> None:
    with listening(limits=Limits(receive_seconds=20, sip_idle_seconds=1)) as running, running.connect() as wire:
        wire.sendall(request())
        assert read_response(wire).status == 200
        begin = time.monotonic()
        assert read_all(wire) == b""
        assert 0.5 < time.monotonic() - begin < PATIENCE / 2
    assert running.inlet.refusals == []


def test_one_who_never_reads_is_given_up() -> None:
    with listening(limits=Limits(receive_seconds=1, receive_per_second=1_000_000)) as running:
        with running.connect() as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            octets = request("OPTIONS", b"") * 200
            with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 - held back first
                while True:
                    wire.sendall(octets)
        assert running.say(request())[0].status == 200


def test_one_who_reads_late_gets_every_answer() -> None:
    count = 20_000
    with listening(limits=Limits(receive_seconds=20)) as running, running.connect() as wire:
        octets = request("OPTIONS", b"") * count
        sender = Thread(target=wire.sendall, args=(octets,))
        sender.start()
        time.sleep(0.5)  # by now nothing more is read at the other end, because nothing is at this one
        reader, answered = SipReader(Limits()), 0
        while answered < count:
            answered += len(reader.feed(wire.recv(1 << 20)))
        sender.join(PATIENCE)
    assert answered == count


@pytest.mark.parametrize("secured", [False, True])
def test_three_hundred_connections(ca: Ca, host: Issued, secured: bool) -> None:  # noqa: FBT001
    """A bound holds, quiet and slow ones give way, and a push still comes through at once."""
    context = server_context(host.certificate, host.key) if secured else None
    limits = Limits(receive_connections=64)
    with listening(context, limits) as running, ExitStack() as open_ones:
        for number in range(300):
            wire = open_ones.enter_context(running.connect())
            if number % 2 and not secured:
                wire.sendall(request()[:100])
        response = _until_answered(running, sip_context([ca.file]) if secured else None)
        assert response == 200
    assert len(running.inlet.arrivals) == 1
    assert set(running.inlet.rules) <= {"sip.crowd", "sip.cut", "sip.tls"}


def _until_answered(running: Running, context: ssl.SSLContext | None) -> int:
    begin = time.monotonic()
    while True:
        try:
            return running.say(request(), context)[0].status
        except (OSError, AssertionError, IndexError):
            assert time.monotonic() - begin < PATIENCE


def test_no_room_is_said() -> None:
    with listening(inlet=Inlet(room=False)) as running:
        (response,) = running.say(request())
    assert response.status == 503


def test_who_comes_after_the_end_is_turned_away_at_once() -> None:
    stop = Event()
    with listen_tcp("127.0.0.1", 0) as bound:
        address = bound.getsockname()
        serve_sip(SipListener(tls=None, tag_key=b"key"), bound, Inlet(), stop, lambda _: stop.set())
        # What was taken may still be waiting for its verdict: nobody is left hanging meanwhile.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=PATIENCE)


def test_the_end_comes_in_order_with_connections_open(ca: Ca, host: Issued) -> None:
    with listening(server_context(host.certificate, host.key)) as running, ExitStack() as left_open:
        wires = [left_open.enter_context(running.connect(sip_context([ca.file]))) for _ in range(3)]
        wires[0].sendall(request())
        assert read_response(wires[0]).status == 200
        wires[1].sendall(request()[:100])
        left_open.enter_context(running.connect())  # in the midst of its handshake
        begin = time.monotonic()
        time.sleep(0.1)
    assert time.monotonic() - begin < PATIENCE
    assert len(running.inlet.arrivals) == 1
