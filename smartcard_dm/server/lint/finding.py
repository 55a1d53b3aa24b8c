"""What lint says, and by which policy.

Guarantees: frozen values; a finding never holds a value of the message. Leaves to its caller: printing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from smartcard_dm.dm.standard_objects import STANDARD_OBJECTS
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.lint.rules import LintRule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    from smartcard_dm.dm import NodeUri, TndsNode
    from smartcard_dm.dm.description import NodeDescription
    from smartcard_dm.limits import Limits

    class ObjectTable(Protocol):
        """What is known of one management object; a handler of `smartcard_dm.tree` is one too."""

        @property
        def family(self) -> str:
            """The object's name without a version."""

        @property
        def versions(self) -> Mapping[str, tuple[int, ...]]:
            """Every identifier, with the version it names."""

        @property
        def holder(self) -> NodeUri | None:
            """The node below which an object sent to the Inbox goes; None when none is ever taken from there."""

        @property
        def description(self) -> NodeDescription:
            """The object's own node and what stands below it."""

        def check(self, node: TndsNode, place: str) -> None:
            """Refuse an object that is broken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule broken at one place."""

    rule: LintRule
    severity: Severity
    """By the policy; the rule has its own."""
    place: str
    """XML path in the message."""
    node: str | None
    """URI of the node, where one is concerned; below `./Inbox` for objects whose place the device chooses."""
    detail: str
    """What is wrong, in one clause; never a value."""

    @property
    def is_error(self) -> bool:
        """Whether the message is not to be signed."""
        return self.severity is Severity.ERROR


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether a message with these findings is not to be signed."""
    return any(finding.is_error for finding in findings)


class SecretsPolicy(Enum):
    """What a secret outside encryption is."""

    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class LintPolicy:
    """How strict lint is, and what it may take for granted."""

    strict: bool = False
    """Whether every warning is an error."""
    secrets: SecretsPolicy = SecretsPolicy.WARN
    encrypted: tuple[str, ...] = ()
    """XML paths whose content will be encrypted before the message is signed, such as `/SyncML/SyncBody`."""
    objects: tuple[ObjectTable, ...] = STANDARD_OBJECTS
    """Management objects whose tables are known."""
    limits: Limits = DEFAULT_LIMITS
    """Bounds of node URIs and TNDS objects that the devices hold."""

    def severity(self, rule: LintRule) -> Severity:
        """Return the severity of a rule by this policy."""
        refused = self.strict or (rule is LintRule.PLAIN_SECRET and self.secrets is SecretsPolicy.REFUSE)
        return Severity.ERROR if refused else rule.severity

    def finding(self, rule: LintRule, place: str, detail: str, node: str | None = None) -> Finding:
        """Make a finding by this policy."""
        return Finding(rule, self.severity(rule), place, node, detail)

    def will_be_encrypted(self, place: str) -> bool:
        """Whether the content at an XML path will be encrypted."""
        return any(place == path or place.startswith(f"{path}/") for path in self.encrypted)
