"""What is answered to a request, and what is handed on: the core of the receiver, without a socket."""

from __future__ import annotations

import pytest

from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML
from smartcard_dm.push.sip_message import SipRequest, SipResponse
from smartcard_dm.push.sip_reader import SipFault, SipReader
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sip_transactions import SECONDS
from smartcard_dm.push.sip_user_agent import Peer, UserAgent
from smartcard_dm.rules import Rule
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.push.sip_lab import DOCUMENT, Inlet, request

TLS = Transport.proved(TransportKind.SIP, "TLS")
PEER = Peer("192.0.2.7", 4242)
LIMITS = Limits(receive_per_second=5, sip_transactions=3)


class Agent:
    """One user agent with its inlet and a clock that stands until it is moved."""

    def __init__(self, *, room: bool = True) -> None:
        self.inlet = Inlet(room=room)
        self.now = 1000.0
        self._agent = UserAgent(self.inlet, LIMITS, b"key")

    def answer(self, octets: bytes, transport: Transport = TLS) -> SipResponse | None:
        (event,) = SipReader(LIMITS).feed(octets)
        if isinstance(event, SipFault):
            return self._agent.answer_fault(event, PEER)
        assert isinstance(event, SipRequest)
        return self._agent.answer(event, PEER, transport, self.now)

    def ask(self, octets: bytes) -> SipResponse:
        response = self.answer(octets)
        assert response is not None
        assert response.body == b""
        return response


@pytest.fixture
def agent() -> Agent:
    return Agent()


def test_a_message_is_handed_on_and_answered_200(agent: Agent) -> None:
    response = agent.ask(request())
    assert (response.status, response.reason) == (200, "OK")
    (arrival,) = agent.inlet.arrivals
    assert (arrival.octets, arrival.content_type) == (DOCUMENT, DM_WBXML)
    assert arrival.transport == TLS
    assert arrival.source == "192.0.2.7:4242"
    assert agent.inlet.refusals == []


def test_an_answer_echoes_what_it_must_and_holds_nothing_else(agent: Agent) -> None:
    response = agent.ask(request(Via="SIP/2.0/TLS p;branch=z9hG4bK9;rport, SIP/2.0/TLS q;branch=z9hG4bK8"))
    assert [header.name for header in response.headers] == ["via", "via", "from", "to", "call-id", "cseq"]
    assert response.all("via") == (
        "SIP/2.0/TLS p;branch=z9hG4bK9;received=192.0.2.7;rport=4242",
        "SIP/2.0/TLS q;branch=z9hG4bK8",
    )
    assert response.first("from") == "<sip:dms@example.com>;tag=a1"
    to = response.first("to") or ""
    assert to.startswith("<sip:device@127.0.0.1>;tag=")
    assert len(to.partition("tag=")[2]) == 16


def test_a_connection_proves_the_last_hop_only(agent: Agent) -> None:
    agent.ask(request(Via="SIP/2.0/TLS p;branch=z9hG4bK9, SIP/2.0/UDP q;branch=z9hG4bK8"))
    assert agent.inlet.arrivals[0].transport.evidence == "TLS; the last of 2 hops"


@pytest.mark.parametrize("content_type", [CP_WBXML, "Application / VND.syncml.dm+wbxml; charset=utf-8"])
def test_media_types_are_compared_without_case_and_parameters(agent: Agent, content_type: str) -> None:
    assert agent.ask(request(Content_Type=content_type)).status == 200
    assert agent.inlet.arrivals[0].content_type in {CP_WBXML, DM_WBXML}


@pytest.mark.parametrize(
    ("octets", "rule", "status", "told"),
    [
        (request("INVITE"), SipRule.METHOD, 405, {"allow": "MESSAGE, OPTIONS, CANCEL, ACK"}),
        (request("message"), SipRule.METHOD, 405, {"allow": "MESSAGE, OPTIONS, CANCEL, ACK"}),
        (request(uri="http://x/"), SipRule.URI, 416, {}),
        (request(more="Require: 100rel, x\r\n"), SipRule.EXTENSION, 420, {"unsupported": "100rel, x"}),
        (request(To="<sip:d@h>;tag=1"), SipRule.DIALOG, 481, {}),
        (request(Content_Type="text/plain"), SipRule.CONTENT_TYPE, 415, {"accept": f"{DM_WBXML}, {CP_WBXML}"}),
        (request(without="Content-Type"), SipRule.CONTENT_TYPE, 415, {"accept": f"{DM_WBXML}, {CP_WBXML}"}),
        (request(Content_Type="nonsense"), SipRule.FIELD_FORM, 400, {}),
        (request(more=f"c: {DM_WBXML}\r\n"), SipRule.FIELD_REPEATED, 400, {}),
        (request(more="Content-Encoding: gzip\r\n"), SipRule.CONTENT_ENCODING, 415, {"accept-encoding": "identity"}),
        (request(more='Accept-Contact: *;+g.oma.pusheventapp="mms.ua"\r\n'), SipRule.APPLICATION, 480, {}),
        (request(body=b""), SipRule.NO_DOCUMENT, 400, {}),
        (request(CSeq="1 OPTIONS"), SipRule.FIELD_FORM, 400, {}),
        (request(without="Max-Forwards"), SipRule.FIELD_MISSING, 400, {}),
        (request(To="nobody"), SipRule.FIELD_FORM, 400, {}),
        (request(Content_Length="1, 2"), SipRule.CONTENT_LENGTH, 400, {}),
        (request(Content_Length="99999999"), SipRule.BODY_SIZE, 413, {}),
        (request().replace(b"SIP/2.0\r\n", b"SIP/2.7\r\n", 1), SipRule.VERSION, 505, {}),
        (request(without="Call-ID"), SipRule.FIELD_MISSING, None, {}),
        (request(Via="nonsense"), SipRule.FIELD_FORM, None, {}),
        (request(more="To: <sip:d@h>\r\n"), SipRule.FIELD_REPEATED, None, {}),
    ],
)
def test_what_is_refused(agent: Agent, octets: bytes, rule: SipRule, status: int | None, told: dict[str, str]) -> None:
    response = agent.answer(octets)
    assert agent.inlet.rules == [rule]
    assert agent.inlet.arrivals == []
    if status is None:  # who sent it cannot be told from what it says
        assert response is None
        return
    assert response is not None
    assert (response.status, response.body) == (status, b"")
    more = {header.name: header.value for header in response.headers[5:]}
    assert more == told


@pytest.mark.parametrize(
    "octets",
    [
        request(more="Content-Encoding: identity\r\n"),
        request(more='Accept-Contact: *;+g.oma.pusheventapp="mms.ua,syncml.dm";require\r\n'),
        request(Max_Forwards="0"),
        request(uri="tel:+358501234"),
        request(more="Supported: path\r\nProxy-Require: x\r\nContact: <sip:x@y>\r\nContent-Disposition: render\r\n"),
    ],
)
def test_what_is_no_reason_to_refuse(agent: Agent, octets: bytes) -> None:
    assert agent.ask(octets).status == 200
    assert len(agent.inlet.arrivals) == 1


def test_options_says_what_is_spoken(agent: Agent) -> None:
    response = agent.ask(request("OPTIONS", b""))
    assert response.status == 200
    assert response.first("allow") == "MESSAGE, OPTIONS, CANCEL, ACK"
    assert response.first("accept") == f"{DM_WBXML}, {CP_WBXML}"
    assert response.first("accept-encoding") == "identity"
    assert agent.inlet.arrivals == []
    assert agent.inlet.refusals == []


def test_ack_is_never_answered(agent: Agent) -> None:
    assert agent.answer(request("ACK", b"")) is None
    assert agent.answer(request("ACK", b"", Content_Length="x")) is None


def test_cancel_finds_its_transaction_and_changes_nothing(agent: Agent) -> None:
    assert agent.ask(request("CANCEL", b"")).status == 481
    agent.ask(request())
    assert agent.ask(request("CANCEL", b"", more="Require: x\r\n")).status == 200
    assert agent.ask(request("CANCEL", b"", branch="z9hG4bK2")).status == 481
    assert agent.ask(request("CANCEL", b"", branch="old")).status == 481
    assert len(agent.inlet.arrivals) == 1


def test_what_is_sent_again_is_answered_again_and_not_delivered_again(agent: Agent) -> None:
    first = agent.ask(request())
    assert agent.ask(request()) == first
    assert len(agent.inlet.arrivals) == 1
    agent.now += SECONDS
    assert agent.ask(request()) == first  # the tag is made from the request
    assert len(agent.inlet.arrivals) == 2


def test_a_guessed_branch_keeps_nobody_out(agent: Agent) -> None:
    agent.ask(request(body=b"a stranger's"))
    assert agent.ask(request()).status == 200
    assert [arrival.octets for arrival in agent.inlet.arrivals] == [b"a stranger's", DOCUMENT]


def test_what_came_in_the_clear_keeps_nobody_out_who_proves_more(agent: Agent) -> None:
    clear = Transport.unproved(TransportKind.SIP, Rule.SIP_NO_TLS, "TCP in the clear")
    for transport in (clear, TLS, clear, TLS):
        agent.answer(request(), transport)
    assert [arrival.transport for arrival in agent.inlet.arrivals] == [clear, TLS, clear, TLS]


def test_requests_of_before_rfc_3261_have_no_transaction(agent: Agent) -> None:
    agent.ask(request(branch="1"))
    agent.ask(request(branch="1"))
    assert len(agent.inlet.arrivals) == 2


def test_the_memory_of_transactions_is_bounded(agent: Agent) -> None:
    for number in range(4):
        agent.ask(request(branch=f"z9hG4bK{number}"))
        agent.now += 1
    assert agent.ask(request(branch="z9hG4bK3")).status == 200
    assert len(agent.inlet.arrivals) == 4
    agent.ask(request(branch="z9hG4bK0"))
    assert len(agent.inlet.arrivals) == 5


def test_no_room_is_said_and_not_remembered() -> None:
    agent = Agent(room=False)
    response = agent.ask(request())
    assert (response.status, response.first("retry-after")) == (503, "10")
    assert agent.inlet.refusals == []
    agent.inlet.room = True
    assert agent.ask(request()).status == 200


def test_the_rate_is_bounded(agent: Agent) -> None:
    said = [agent.ask(request(branch=f"z9hG4bK{number}")).status for number in range(7)]
    assert said == [200] * 5 + [503] * 2
    assert [error.rule for error in agent.inlet.refusals] == [SipRule.RATE], "told once in a second"
    agent.now += 1
    assert agent.ask(request(branch="z9hG4bKx")).status == 200


def test_answers_do_not_depend_on_what_the_document_is(agent: Agent) -> None:
    def said(body: bytes) -> tuple[object, ...]:
        response = agent.ask(request(body=body, branch="z9hG4bK1"))
        return response.status, response.reason, [h for h in response.headers if h.name != "to"]

    assert said(b"\x00") == said(DOCUMENT) == said(b"<xml/>")
