"""Lint and a device agree: what lint refuses fails there, for that reason; what is clean is carried out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from smartcard_dm.server.lint import LintRule, Severity
from tests.server.lint_cases import CASES, CLEAN, SERVER, Case
from tests.tree.device import add, device, message, push, statuses

if TYPE_CHECKING:
    from smartcard_dm.tree import DeviceTree

R = LintRule
FAILS_WITH: Final = {
    R.RESULT_SEEKING: {215},
    R.ANSWER: {215},
    R.MORE_DATA: {406},
    R.TARGET_MISSING: {412},
    R.URI: {404, 406},
    R.URI_BOUNDS: {413, 414},
    R.PROPERTY: {405, 406, 500},
    R.INBOX_USE: {404, 405},
    R.FORMAT: {415},
    R.VALUE_MISSING: {412},
    R.VALUE: {405, 424, 500},
    R.OBJECT_MALFORMED: {415, 500},
    R.OBJECT_UNFIT: {405, 415, 500},
    R.ACL_VALUE: {500},
    R.ACCOUNT_TWICE: {418},
    R.NESTED_ATOMIC: {215, 500, 507},
    R.GET_IN_ATOMIC: {216, 500, 507},
}
UNNOTICED: Final = {R.INBOX_PLACE, R.INBOX_REFERENCE}
"""A device leaves the object out, or keeps the reference, and says 200; the draft says what it has to be."""
PREPARED: Final = (
    add("./A"), add("./A/B", "x"), add("./A/C", "5", "int"), add("./B", "b"), add("./C", "c"), add("./V"), add("./W"),
    add("./DevDetail/Ext/Conf", "c"),
)  # fmt: skip


@cache
def prepared() -> DeviceTree:
    """Return a device whose nodes are those the cases speak of; messages are tried on it, none is kept."""
    tree = device(SERVER, acls={".": "Add=*&Delete=*&Exec=*&Get=*&Replace=*"})
    assert set(statuses(tree, "".join(PREPARED), SERVER)) == {200}
    return tree


def tried(body: str) -> list[int]:
    return [int(row.status) for row in push(prepared(), message(body, SERVER), dry_run=True).report]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.rule.severity is Severity.ERROR and not case.header],
    ids=lambda case: f"{case.rule.identifier}: {case.name}",
)
def test_what_lint_refuses_fails_on_a_device(case: Case) -> None:
    if case.rule in UNNOTICED:
        return
    failed = {status for status in tried(case.body) if status != 200}
    assert failed
    assert failed <= FAILS_WITH[case.rule]


def test_what_is_clean_is_carried_out() -> None:
    assert set(tried(CLEAN)) == {200}


def test_every_error_is_looked_at() -> None:
    by_size_or_header = {R.SERVER_ID, R.OVERSIZE}
    errors = {rule for rule in LintRule if rule.severity is Severity.ERROR}
    assert set(FAILS_WITH) | UNNOTICED | by_size_or_header == errors
