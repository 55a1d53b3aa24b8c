"""SIPp, a SIP tester of others, at the other end: both ways, in the clear and over TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import PushError
from smartcard_dm.push.arrival import DM_WBXML
from smartcard_dm.push.sip_client import SipSender, build_message, push_sip, sip_context
from smartcard_dm.push.sip_message import build
from smartcard_dm.push.sip_uri import parse_sip_uri
from smartcard_dm.push.tls import server_context
from smartcard_dm.rules import Rule
from tests.push.sip_lab import DOCUMENT, PATIENCE, SERVER, Inlet, listening
from tests.push.sipp import (
    PUSH,
    TAKE,
    answers,
    octets_received,
    sipp,
    sipp_receiver,
    tls_before,
    tls_towards,
    trace_of,
)
from tests.push.tls import issue_cert, make_ca

if TYPE_CHECKING:
    from pathlib import Path

    from tests.push.tls import Ca

LAB = SipSender(from_uri=SERVER, tls=None, unsecured_ok=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("sip"))


def octets(count: int) -> bytes:
    return bytes(range(count))


def run_push(folder: Path, port: int, *, content_type: str = DM_WBXML, status: int = 200) -> None:
    """Have SIPp push the document to a port, and be answered with a status."""
    (folder / "body.bin").write_bytes(DOCUMENT)
    with sipp(folder, PUSH.format(content_type=content_type, status=status), f"127.0.0.1:{port}") as process:
        assert process.wait(2 * PATIENCE) == 0, (folder / "sipp.out").read_text("latin-1")


def test_sipp_pushes_to_the_receiver(tmp_path: Path) -> None:
    with listening() as running:
        run_push(tmp_path, running.port)
    (arrival,) = running.inlet.arrivals
    assert arrival.octets == DOCUMENT
    assert arrival.transport.rule is Rule.SIP_NO_TLS
    assert running.inlet.refusals == []


def test_sipp_pushes_to_the_receiver_over_tls(tmp_path: Path, ca: Ca) -> None:
    host = issue_cert(ca, "receiver")
    with (
        listening(server_context(host.certificate, host.key)) as running,
        tls_towards(tmp_path, running.port, ca) as local,
    ):
        run_push(tmp_path, local)
    (arrival,) = running.inlet.arrivals
    assert arrival.octets == DOCUMENT
    assert arrival.transport.secured
    assert running.inlet.refusals == []


@pytest.mark.parametrize(("content_type", "status", "room"), [("text/plain", 415, True), (DM_WBXML, 503, False)])
def test_sipp_understands_what_is_not_taken(tmp_path: Path, content_type: str, status: int, room: bool) -> None:  # noqa: FBT001
    with listening(inlet=Inlet(room=room)) as running:
        run_push(tmp_path, running.port, content_type=content_type, status=status)
    assert running.inlet.arrivals == []


@pytest.mark.parametrize(
    ("said", "status"),
    [(("200 OK",), "200 OK"), (("202 Accepted",), "202 Accepted"), (("100 Trying", "200 OK"), "200 OK")],
)
def test_sipp_takes_a_push(tmp_path: Path, said: tuple[str, ...], status: str) -> None:
    with sipp_receiver(tmp_path, TAKE.format(answers=answers(*said))) as (port, process):
        to = parse_sip_uri(f"sip:device@127.0.0.1:{port};transport=tcp")
        assert push_sip(to, DOCUMENT, LAB, octets).status == status
        assert process.wait(PATIENCE) == 0, (tmp_path / "sipp.out").read_text("latin-1")
    assert "MESSAGE sip:device@127.0.0.1" in trace_of(tmp_path)
    sent = build(build_message(to, DOCUMENT, SERVER, ("127.0.0.1", 40_000), octets))  # any port of five digits
    assert octets_received(tmp_path) == [len(sent)]


def test_sipp_takes_a_push_over_tls(tmp_path: Path, ca: Ca) -> None:
    host = issue_cert(ca, "sipp")
    with (
        sipp_receiver(tmp_path, TAKE.format(answers=answers("100 Trying", "200 OK"))) as (port, process),
        tls_before(tmp_path, port, host) as local,
    ):
        sender = SipSender(from_uri=SERVER, tls=sip_context([ca.file]), timeout=PATIENCE)
        pushed = push_sip(parse_sip_uri(f"sip:device@127.0.0.1:{local}"), DOCUMENT, sender, octets)
        assert process.wait(PATIENCE) == 0, (tmp_path / "sipp.out").read_text("latin-1")
    assert pushed.status == "200 OK"
    assert pushed.evidence.endswith("certificate of CN=sipp")


def test_sipp_is_busy(tmp_path: Path) -> None:
    with sipp_receiver(tmp_path, TAKE.format(answers=answers("486 Busy Here"))) as (port, process):
        with pytest.raises(PushError) as caught:
            push_sip(parse_sip_uri(f"sip:device@127.0.0.1:{port};transport=tcp"), DOCUMENT, LAB, octets)
        assert process.wait(PATIENCE) == 0, (tmp_path / "sipp.out").read_text("latin-1")
    assert caught.value.detail == "it was answered 486 Busy Here"


def test_sipp_does_not_answer(tmp_path: Path) -> None:
    silent = '<pause milliseconds="20000"/>'
    short = SipSender(from_uri=SERVER, tls=None, unsecured_ok=True, timeout=1)
    with sipp_receiver(tmp_path, TAKE.format(answers=silent)) as (port, _), pytest.raises(PushError) as caught:
        push_sip(parse_sip_uri(f"sip:device@127.0.0.1:{port};transport=tcp"), DOCUMENT, short, octets)
    assert caught.value.detail == "no answer within 1 s"
    assert "MESSAGE sip:device@127.0.0.1" in trace_of(tmp_path)
