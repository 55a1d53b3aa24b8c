"""The rule table: identifiers are distinct and stable in form, steps are those of the verifier."""

from __future__ import annotations

import re

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule, Step


def test_identifiers_are_distinct_and_readable() -> None:
    identifiers = [rule.identifier for rule in Rule]
    assert len(set(identifiers)) == len(identifiers) == len(Rule.__members__)
    form = r"[a-z]+(-[a-z]+)*(\.[a-z]+)?\.[a-z]+(-[a-z0-9]+)*"
    assert all(re.fullmatch(form, identifier) for identifier in identifiers)


def test_every_step_can_refuse() -> None:
    assert {rule.step for rule in Rule} == set(Step)


def test_rules_stand_in_the_order_of_the_steps() -> None:
    steps = [rule.step for rule in Rule]
    assert steps == sorted(steps)


def test_a_refusal_quotes_its_rule() -> None:
    error = VerificationError(Rule.DIGEST_VALUE, "it differs", place="/SyncML", server_id="s", accounts=("a",))
    assert str(error) == ("refused at step 8 by signature.digest at /SyncML: it differs [OMA-TS-DM_Sessionless 5.5]")
    assert (error.step, error.clause, error.rule.scr) == (Step.DIGEST, "OMA-TS-DM_Sessionless 5.5", "DM-SM-S-004-M")
