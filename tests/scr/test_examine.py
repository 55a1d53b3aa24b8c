"""The conformance command: every requirement is examined, and a claim that does not hold is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.conformance import REQUIREMENTS, Claims, examine
from smartcard_dm.conformance import examine as package_examine
from smartcard_dm.conformance.examine import _CHECKS, Finding
from smartcard_dm.conformance.lab import STRANGER, Lab
from smartcard_dm.errors import DmError
from smartcard_dm.rules import Rule
from smartcard_dm.server import MessageBuilder
from tests.cli.running import check_layout, run, schema
from tests.materials import NOW

if TYPE_CHECKING:
    from smartcard_dm.conformance import Requirement

MODULE = "smartcard_dm.conformance.examine"


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.item)
def test_each_requirement_is_examined_and_fulfilled(requirement: Requirement) -> None:
    claims = Claims()
    with Lab(NOW) as lab:
        _CHECKS[requirement.item](lab, claims)
    assert claims.tried
    assert [claim for claim in claims.tried if not claim.holds] == []


def test_the_table_is_the_documents() -> None:
    items = [requirement.item for requirement in REQUIREMENTS]
    assert items == [*(f"DM-SM-C-00{n}-M" for n in range(1, 6)), *(f"DM-SM-S-00{n}-M" for n in range(1, 7))]
    assert list(_CHECKS) == items


def test_a_claim_that_does_not_hold_is_told_with_what_was_seen() -> None:
    claims = Claims()
    claims.equal("a", 1, 2)
    claims.same("b", b"x", b"yy")
    with Lab(NOW) as lab:
        message = lab.issued(MessageBuilder().add_interior("./X"))
        claims.refused("c", lambda: lab.apply(message), Rule.REPLAYED)
        unknown = lab.issued(MessageBuilder().add_interior("./X"), STRANGER)
        claims.refused("d", lambda: lab.apply(unknown), Rule.REPLAYED)
    assert [(claim.holds, claim.seen) for claim in claims.tried] == [
        (False, "1, wanted 2"),
        (False, "1 octets, which are others"),
        (False, "it was authorized"),
        (False, "step 4, account.unknown"),
    ]
    assert not Finding(REQUIREMENTS[0], tuple(claims.tried)).fulfilled
    assert not Finding(REQUIREMENTS[0], ()).fulfilled


def test_what_cannot_be_examined_is_not_fulfilled_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_lab: Lab, _claims: Claims) -> None:
        raise DmError("a message", "it broke")

    monkeypatch.setitem(_CHECKS, "DM-SM-C-002-M", fail)
    findings = {finding.requirement.item: finding for finding in package_examine(NOW)}
    assert [item for item, finding in findings.items() if not finding.fulfilled] == ["DM-SM-C-002-M"]
    assert findings["DM-SM-C-002-M"].claims[-1].seen == "a message: it broke"
    outcome = run("conformance")
    assert outcome.code == 1
    assert "not fulfilled: DM-SM-C-002-M" in outcome.line
    assert "a message: it broke" in outcome.stdout


def test_the_command_prints_each_requirement_once() -> None:
    outcome = run("conformance")
    assert outcome.code == 0
    check_layout(outcome.stdout)
    for requirement in REQUIREMENTS:
        assert outcome.stdout.count(requirement.item) == 1
    assert "11 of 11 requirements fulfilled" in outcome.stdout


def test_evidence_and_json_hold_every_claim() -> None:
    claims = sum(len(finding.claims) for finding in examine(NOW))
    outcome = run("conformance", "--evidence")
    check_layout(outcome.stdout)
    assert outcome.stdout.count("    ok  ") == claims
    outcome = run("conformance", "--json")
    schema("conformance").validate(outcome.json)
    assert outcome.json["fulfilled"]
    assert sum(len(row["evidence"]) for row in outcome.json["requirements"]) == claims
