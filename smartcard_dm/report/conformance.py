"""Findings on the static conformance requirements, for a terminal of 80 columns and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from smartcard_dm.report.tables import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from smartcard_dm.conformance import Finding
    from smartcard_dm.report.forms import Form

_DOCUMENT = "OMA-TS-DM_Sessionless"


def conformance_lines(findings: Sequence[Finding], *, evidence: bool) -> RenderableType:
    """Return the findings; with `evidence` each claim that was tried, else only those that did not hold."""
    return Group(*_lines(findings, evidence=evidence))


def _lines(findings: Sequence[Finding], *, evidence: bool) -> Iterator[RenderableType]:
    for side in dict.fromkeys(finding.requirement.side for finding in findings):
        yield Text(f"{side.value} ({_DOCUMENT}, B.{1 if side.value == 'client' else 2})", style="bold")
        for finding in findings:
            if finding.requirement.side is side:
                yield from _finding(finding, evidence=evidence)
    fulfilled = sum(finding.fulfilled for finding in findings)
    claims = sum(len(finding.claims) for finding in findings)
    yield Text(f"{fulfilled} of {len(findings)} requirements fulfilled, {claims} claims tried", style="bold")


def _finding(finding: Finding, *, evidence: bool) -> Iterator[RenderableType]:
    mark = Text("fulfilled", style="green") if finding.fulfilled else Text("FAILED", style="bold red")
    text = f"{finding.requirement.function} ({finding.requirement.section})"
    yield columns((Text(f"  {finding.requirement.item}", style="cyan"), mark, text))
    shown = [claim for claim in finding.claims if evidence or not claim.holds]
    if shown:
        yield columns(*((Text("    ok" if each.holds else "    NO"), f"{each.text}: {each.seen}") for each in shown))


def conformance_form(findings: Sequence[Finding]) -> Form:
    """Return the findings as JSON."""
    return {
        "fulfilled": all(finding.fulfilled for finding in findings),
        "requirements": [
            {
                "item": finding.requirement.item,
                "side": finding.requirement.side.value,
                "function": finding.requirement.function,
                "clause": f"{_DOCUMENT} {finding.requirement.section}",
                "fulfilled": finding.fulfilled,
                "evidence": [
                    {"claim": claim.text, "holds": claim.holds, "seen": claim.seen} for claim in finding.claims
                ],
            }
            for finding in findings
        ],
    }
