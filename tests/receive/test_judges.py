"""Who decides: a card's accounts, or a tree; and what becomes of a client provisioning document (DM-SM-S-005)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import Arrival
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.receive.judges import CardJudge, TreeJudge, envelope_outcome
from smartcard_dm.receive.outcome import Document, Verdict
from smartcard_dm.rules import Rule, Step
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport, TransportKind
from tests.materials import NOW
from tests.receive.things import PROVED, arrival, provisioning, provisioning_octets
from tests.tree.device import A, C, account, add, card, command, device, item, message

if TYPE_CHECKING:
    from smartcard_dm.receive.judges import Judge
    from smartcard_dm.receive.outcome import Outcome

POLICY = Policy.default().over(TransportKind.WAP)
UNPROVED = Transport.unproved(TransportKind.WAP, Rule.WAP_MAC_WRONG, "another IMSI")


def by_card() -> CardJudge:
    return CardJudge(card(account(A)), policy=POLICY)


def judges() -> list[Judge]:
    return [by_card(), TreeJudge(device(), policy=POLICY)]


def seen(outcome: Outcome) -> tuple[Verdict, int | None, str | None]:
    return outcome.verdict, None if outcome.step is None else int(outcome.step), outcome.rule


# Messages


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_a_message_whose_transport_is_proved_is_authorized(judge: Judge) -> None:
    octets = message(add("./X", "v") + command("Get", item("./X")))
    outcome = judge.judge(arrival(octets, source="+49171"), NOW)
    assert seen(outcome) == (Verdict.AUTHORIZED, 12, None)
    assert (outcome.document, outcome.commands, outcome.server_id) == (Document.MESSAGE, 2, A)
    assert (outcome.octets, outcome.sha256) == (len(octets), hashlib.sha256(octets).digest())
    assert (outcome.kind, outcome.secured, outcome.evidence) == (TransportKind.WAP, True, "SEC NETWPIN")
    assert (outcome.source, outcome.at, outcome.malformed) == ("+49171", NOW, False)


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_one_whose_transport_is_not_is_refused_at_step_9_by_its_rule(judge: Judge) -> None:
    outcome = judge.judge(arrival(message(add("./X")), transport=UNPROVED), NOW)
    assert seen(outcome) == (Verdict.REFUSED, 9, "transport.wap.mac")
    assert outcome.clause == "OMA-TS-DM_Sessionless 5.3"
    assert (outcome.server_id, outcome.secured, outcome.evidence) == (A, False, "another IMSI")
    assert outcome.applied is None
    assert not outcome.malformed


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_one_that_came_another_way_than_is_listened_on_is_refused(judge: Judge) -> None:
    for transport in (Transport.local(), Transport.proved(TransportKind.SIP, "TLS")):
        assert seen(judge.judge(arrival(message(add("./X")), transport=transport), NOW))[1:] == (9, "transport.kind")


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_refusals_have_their_step_and_rule(judge: Judge) -> None:
    octets = message(add("./X"))
    assert seen(judge.judge(arrival(b"no WBXML"), NOW)) == (Verdict.REFUSED, 1, "wbxml.malformed")
    assert judge.judge(arrival(b""), NOW).malformed
    assert seen(judge.judge(arrival(message(add("./X"), C)), NOW)) == (Verdict.REFUSED, 4, "account.unknown")
    changed = bytearray(octets)
    changed[octets.rindex(b"./X")] ^= 1
    assert seen(judge.judge(arrival(bytes(changed)), NOW))[1] in {7, 8}


def test_a_tree_applies_what_is_authorized_once() -> None:
    tree = device()
    judge = TreeJudge(tree, policy=POLICY)
    pushed = arrival(message(add("./X", "v")))
    first, second = judge.judge(pushed, NOW), judge.judge(pushed, NOW)
    assert first.applied is not None
    assert [int(row.status) for row in first.applied.report] == [200]
    assert seen(second) == (Verdict.REFUSED, 10, "replay.seen")
    node = tree.nodes.get("X")
    assert node is not None
    assert node.value == "v"
    (row,) = tree.audit.rows(last=1)
    assert (row.action, row.form["transport"], row.form["evidence"]) == ("apply", "wap", "SEC NETWPIN")


def test_exec_is_noted() -> None:
    tree = device(acls={"./Run": "Exec=*"})
    outcome = TreeJudge(tree, policy=POLICY).judge(arrival(message(command("Exec", item("./Run")))), NOW)
    assert outcome.applied is not None
    assert [int(row.status) for row in outcome.applied.report] == [202]


def test_a_card_remembers_no_message() -> None:
    judge, pushed = by_card(), arrival(message(add("./X")))
    assert [judge.judge(pushed, NOW).verdict for _ in range(2)] == [Verdict.AUTHORIZED] * 2


# Client provisioning documents


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_a_provisioning_document_is_read_when_its_transport_is_proved(judge: Judge) -> None:
    outcome = judge.judge(provisioning(provisioning_octets("com.example.new")), NOW)
    assert seen(outcome) == (Verdict.AUTHORIZED, None, None)
    assert outcome.document is Document.PROVISIONING
    assert outcome.provisions == ("the DM account of com.example.new", "NAPDEF")
    assert "nothing was applied" in outcome.detail
    assert "never shown" not in repr(outcome)


def test_it_changes_nothing_in_the_tree() -> None:
    tree = device()
    before = [tree.nodes.count(), tree.credentials().accounts, tree.audit.rows()]
    TreeJudge(tree, policy=POLICY).judge(provisioning(provisioning_octets("com.example.new")), NOW)
    assert [tree.nodes.count(), tree.credentials().accounts, tree.audit.rows()] == before


@pytest.mark.parametrize("judge", judges(), ids=["card", "tree"])
def test_it_is_not_even_read_when_its_transport_is_not(judge: Judge) -> None:
    for octets in (provisioning_octets("com.example.new"), b"no document"):
        outcome = judge.judge(provisioning(octets, transport=UNPROVED), NOW)
        assert seen(outcome) == (Verdict.REFUSED, 9, "transport.wap.mac")
        assert outcome.provisions == ()


@pytest.mark.parametrize("octets", [b"no document", provisioning_octets("com.example.new")[:-2], b"\x05\x0b\x6a\0"])
def test_a_broken_one_is_malformed(octets: bytes) -> None:
    outcome = by_card().judge(provisioning(octets), NOW)
    assert seen(outcome) == (Verdict.REFUSED, None, "client-provisioning.malformed")
    assert outcome.malformed
    assert "never shown" not in outcome.detail


def test_an_account_that_is_none_is_malformed_too() -> None:
    outcome = by_card().judge(provisioning(provisioning_octets(" ")), NOW)
    assert outcome.rule == "client-provisioning.malformed"


def test_one_that_is_too_large_is_not_read() -> None:
    policy = replace(POLICY, limits=Limits(message_octets=16))
    judge = CardJudge(card(account(A)), policy=policy)
    outcome = judge.judge(provisioning(provisioning_octets("com.example.new")), NOW)
    assert seen(outcome) == (Verdict.REFUSED, int(Step.BOUNDS), "message.too-large")


def test_a_message_sent_as_a_provisioning_document_is_none() -> None:
    outcome = by_card().judge(provisioning(message(add("./X"))), NOW)
    assert outcome.rule == "client-provisioning.malformed"
    pushed = Arrival(provisioning_octets("com.example.new"), "application/vnd.syncml.dm+wbxml", PROVED, "+49")
    assert by_card().judge(pushed, NOW).rule == "shape.root"


@pytest.mark.parametrize("rule", [SmsRule.RATE, HttpRule.RATE, HttpRule.CONNECTIONS, SipRule.RATE, SipRule.CROWD])
def test_what_is_too_much_is_not_malformed(rule: str) -> None:
    outcome = envelope_outcome(EnvelopeError(rule, "a push", "too many"), TransportKind.HTTP, "a host", NOW)
    assert (outcome.verdict, outcome.malformed) == (Verdict.REFUSED, False)


@pytest.mark.parametrize("rule", [SmsRule.LENGTH, HttpRule.MALFORMED, SipRule.LINE])
def test_what_cannot_be_read_is_malformed(rule: str) -> None:
    outcome = envelope_outcome(EnvelopeError(rule, "a push", "cut"), TransportKind.HTTP, "a host", NOW)
    assert (outcome.verdict, outcome.malformed) == (Verdict.REFUSED, True)
