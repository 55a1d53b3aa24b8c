"""Lint: what is wrong with a message, said before it is signed.

Guarantees: every finding has a stable identifier, a severity, a clause, a place and a remedy, and holds no value of the
message; a message without errors is one that a conforming client can use. docs/lint.md has the table of rules.
Leaves to its caller: what to do about findings, and the size, which is known when the message is finished.

Spec: OMA-TS-DM_Sessionless 5.2 to 5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import parse_message
from smartcard_dm.server.lint.accounts import check_accounts
from smartcard_dm.server.lint.commands import check_commands, check_header
from smartcard_dm.server.lint.finding import Finding, LintPolicy, SecretsPolicy, has_errors
from smartcard_dm.server.lint.objects import check_objects, check_references
from smartcard_dm.server.lint.rules import LintRule, Severity
from smartcard_dm.server.lint.secrets import SecretValue, check_secrets, secret_values
from smartcard_dm.server.lint.sizes import check_size
from smartcard_dm.server.lint.targets import check_duplicates, check_targets
from smartcard_dm.server.lint.values import check_values
from smartcard_dm.server.lint.view import view_of

if TYPE_CHECKING:
    from smartcard_dm.dm import ServerId
    from smartcard_dm.server.push_size import Push, PushSizes

__all__ = [
    "Finding",
    "LintPolicy",
    "LintRule",
    "SecretsPolicy",
    "Severity",
    "find_secrets",
    "has_errors",
    "lint",
    "lint_size",
]

_CHECKS: Final = (
    check_header,
    check_commands,
    check_targets,
    check_duplicates,
    check_values,
    check_objects,
    check_references,
    check_accounts,
    check_secrets,
)


def lint(xml: bytes, server_id: ServerId, policy: LintPolicy | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with a composed message, in the order of the rules.

    Args:
        xml: a message in XML form, neither encrypted nor signed.
        server_id: the issuing server.
        policy: how strict; default is no errors but the rules' own.

    Raises:
        DmError: no message at all.
        LimitExceededError: too large.
        UnsupportedError: a command or an element this project does not handle.
    """
    policy = policy or LintPolicy()
    view = view_of(parse_message(xml, limits=policy.limits), server_id, policy)
    return tuple(finding for check in _CHECKS for finding in check(view))


def lint_size(
    sizes: PushSizes, push: Push, policy: LintPolicy | None = None, *, max_segments: int = 255
) -> tuple[Finding, ...]:
    """Return what is wrong with the size of a finished message.

    Args:
        sizes: of the finished message.
        push: how it will go.
        policy: decides on severities.
        max_segments: short messages that the issuer is willing to send for one message, at most 255.
    """
    return tuple(check_size(sizes, push, policy or LintPolicy(), max_segments=max_segments))


def find_secrets(xml: bytes, server_id: ServerId, policy: LintPolicy | None = None) -> tuple[SecretValue, ...]:
    """Return the secrets of a composed message, for an encryption that needs to know them or a view that hides them.

    Raises:
        DmError: no message at all.
        LimitExceededError: too large.
        UnsupportedError: a command or an element this project does not handle.
    """
    policy = policy or LintPolicy()
    return tuple(secret_values(view_of(parse_message(xml, limits=policy.limits), server_id, policy)))
