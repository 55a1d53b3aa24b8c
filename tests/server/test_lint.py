"""Each lint rule fires for what it is about, and for nothing else; what is right is passed over in silence."""

from __future__ import annotations

import pytest

from smartcard_dm.dm import ServerId, parse_message
from smartcard_dm.errors import DmError
from smartcard_dm.server import Header, compose
from smartcard_dm.server.lint import (
    Finding,
    LintPolicy,
    LintRule,
    SecretsPolicy,
    Severity,
    find_secrets,
    lint,
    lint_size,
)
from smartcard_dm.server.push_size import Push, PushSizes
from tests.server.lint_cases import CASES, CLEAN, SERVER, Case, account, beside, credentials, leaf, nap, tree

ISSUER = ServerId(SERVER)


def composed(body: str, header: str = "") -> bytes:
    octets = compose(f"<SyncBody>{body}</SyncBody>".encode(), ISSUER, Header())
    if header:
        head = compose(
            f"<SyncML><SyncHdr>{header}</SyncHdr><SyncBody>{body}</SyncBody></SyncML>".encode(), ISSUER, Header()
        )
        assert head != octets
        return head
    return octets


def found(case: Case, policy: LintPolicy | None = None) -> tuple[Finding, ...]:
    return lint(composed(case.body, case.header), ISSUER, policy)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.identifier}: {case.name}")
def test_a_rule_fires_alone(case: Case) -> None:
    findings = found(case)
    assert [finding.rule for finding in findings if finding.rule not in beside(case)] == [case.rule]
    for finding in findings:
        assert finding.severity is finding.rule.severity
        assert finding.place.startswith("/SyncML/")
        assert finding.detail
        assert "hidden" not in repr(finding)


def test_every_rule_has_a_case() -> None:
    by_other_means = {LintRule.SERVER_ID, LintRule.OVERSIZE, LintRule.SIP_SIZE}
    assert {case.rule for case in CASES} | by_other_means == set(LintRule)


def test_what_is_right_is_passed_over() -> None:
    assert lint(composed(CLEAN), ISSUER, LintPolicy(strict=True, secrets=SecretsPolicy.REFUSE)) == ()


def test_identifiers_are_stable_and_unique() -> None:
    identifiers = [rule.identifier for rule in LintRule]
    assert len(set(identifiers)) == len(identifiers)
    assert all(identifier.startswith("lint.") for identifier in identifiers)


def test_another_source_is_an_error() -> None:
    (finding,) = lint(composed(CLEAN), ServerId("com.example.other"))[:1]
    assert finding.rule is LintRule.SERVER_ID
    assert finding.place == "/SyncML/SyncHdr/Source/LocURI"


def test_what_is_no_message_is_an_error_of_its_own() -> None:
    with pytest.raises(DmError):
        lint(b"<SyncML/>", ISSUER)


def test_strict_makes_warnings_errors() -> None:
    for case in CASES:
        assert all(finding.is_error for finding in found(case, LintPolicy(strict=True)))


def test_secrets_can_be_refused() -> None:
    case = next(case for case in CASES if case.rule is LintRule.PLAIN_SECRET)
    assert [finding.severity for finding in found(case)] == [Severity.WARNING]
    assert [finding.severity for finding in found(case, LintPolicy(secrets=SecretsPolicy.REFUSE))] == [Severity.ERROR]


@pytest.mark.parametrize(
    "path", ["/SyncML/SyncBody", "/SyncML/SyncBody/Add[1]", "/SyncML/SyncBody/Add[1]/Item[1]/Data"]
)
def test_a_secret_that_will_be_encrypted_is_passed_over(path: str) -> None:
    body = tree(account(auth=credentials("HMAC", leaf("AAuthSecret", "hidden"))))
    assert lint(composed(body), ISSUER, LintPolicy(encrypted=(path,))) == ()
    assert lint(composed(body), ISSUER, LintPolicy(encrypted=("/SyncML/SyncBody/Add[1]/It",))) != ()


def test_the_secrets_of_a_message_are_known_and_not_printed() -> None:
    secrets = find_secrets(composed(tree(account(auth=credentials("HMAC", leaf("AAuthSecret", "hidden"))))), ISSUER)
    assert [(secret.node, secret.octets) for secret in secrets] == [("./Inbox/b/AppAuth/1/AAuthSecret", b"hidden")]
    assert "hidden" not in repr(secrets)


def test_places_name_the_node_and_the_element() -> None:
    (finding,) = lint(composed(tree(nap("internet", leaf("Colour", "red")))), ISSUER)
    assert finding.node == "./Inbox/internet"
    assert finding.place == "/SyncML/SyncBody/Add[1]/Item[1]/Data"
    assert "Colour" in finding.detail


@pytest.mark.parametrize(
    ("octets", "push", "most", "rules"),
    [
        (32_640 - 52, Push.WAP, 255, []),
        (32_641 - 52, Push.WAP, 255, [LintRule.OVERSIZE]),
        (133 - 52, Push.WAP, 1, []),
        (134 - 52, Push.WAP, 1, [LintRule.OVERSIZE]),
        (1 << 20, Push.HTTP, 255, []),
        ((1 << 20) + 1, Push.HTTP, 255, [LintRule.OVERSIZE]),
        (1300, Push.SIP, 255, []),
        (1301, Push.SIP, 255, [LintRule.SIP_SIZE]),
        ((1 << 20) + 1, Push.SIP, 255, [LintRule.OVERSIZE]),
    ],
)
def test_the_size_is_held_against_the_push(octets: int, push: Push, most: int, rules: list[LintRule]) -> None:
    assert [finding.rule for finding in lint_size(PushSizes(octets), push, max_segments=most)] == rules


@pytest.mark.parametrize(
    ("octets", "segments", "segments_16_bit"),
    [(133, 1, 1), (134, 2, 2), (256, 2, 3), (257, 3, 3), (254, 2, 2), (32_640, 255, 258)],
)
def test_segments_are_those_of_the_facts(octets: int, segments: int, segments_16_bit: int) -> None:
    sizes = PushSizes(octets - 52)
    assert (sizes.wap, sizes.segments, sizes.segments_16_bit) == (octets, segments, segments_16_bit)


def test_a_case_is_a_message() -> None:
    for case in CASES:
        assert parse_message(composed(case.body, case.header)).commands
