"""What lint found, as JSON and as text for a terminal of 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from smartcard_dm.report.tables import pairs
from smartcard_dm.server import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from smartcard_dm.report.forms import Form
    from smartcard_dm.server import Finding, PushSizes

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def finding_form(finding: Finding) -> Form:
    """Return the form of a finding."""
    return {
        "id": finding.rule.identifier,
        "severity": finding.severity.value,
        "clause": finding.rule.clause,
        "place": finding.place,
        "node": finding.node,
        "detail": finding.detail,
        "remedy": finding.rule.remedy,
    }


def lint_form(findings: Sequence[Finding], sizes: PushSizes, *, signed: bool) -> Form:
    """Return the form of `issue --lint-only`, and of what is not signed because of what was found."""
    errors = sum(finding.is_error for finding in findings)
    return {
        "errors": errors,
        "warnings": len(findings) - errors,
        "lint": [finding_form(finding) for finding in findings],
        "sizes": sizes_form(sizes, signed=signed),
    }


def sizes_form(sizes: PushSizes, *, signed: bool) -> Form:
    """Return the form of the sizes of a message."""
    return {
        "signed": signed,
        "wbxml": sizes.message,
        "wap": {
            "octets": sizes.wap,
            "segments": sizes.segments,
            "segments_16_bit": sizes.segments_16_bit,
            "fits": sizes.fits_wap,
        },
        "http": {"octets": sizes.message},
        "sip": {"octets": sizes.message, "fits_udp": sizes.fits_sip},
    }


def finding_lines(findings: Sequence[Finding]) -> RenderableType:
    """Return findings as text, errors first."""
    ordered = sorted(findings, key=lambda finding: not finding.is_error)
    return Group(*(part for finding in ordered for part in _finding(finding)))


def _finding(finding: Finding) -> list[RenderableType]:
    head = Text(finding.severity.value.upper(), style=_STYLES[finding.severity])
    head.append(f"  {finding.rule.identifier}", style="not bold default")
    rows = [("what", finding.detail)]
    rows += [("node", finding.node)] if finding.node else []
    rows += [("place", finding.place), ("clause", finding.rule.clause), ("remedy", finding.rule.remedy)]
    return [head, pairs(*rows)]


def count_of(findings: Sequence[Finding]) -> str:
    """Return how many errors and warnings there are, such as `2 errors, 1 warning`."""
    errors = sum(finding.is_error for finding in findings)
    counts = ((errors, "error"), (len(findings) - errors, "warning"))
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count) or "nothing found"


def refused_line(findings: Sequence[Finding]) -> str:
    """Return why a message is not signed, in one line."""
    first = next(finding for finding in findings if finding.is_error)
    where = first.node or first.place
    return f"not signed, {count_of(findings)}: {first.rule.identifier} at {where}: {first.detail}; {first.rule.remedy}"
