"""`smartcard-dm conformance`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from smartcard_dm.cli.exits import REFUSED
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json, print_problem, print_text
from smartcard_dm.conformance import examine
from smartcard_dm.report.conformance import conformance_form, conformance_lines


@click.command()
@click.option("--evidence", is_flag=True, help="Show each claim that was tried, and what was seen.")
@json_option
def command(*, evidence: bool, as_json: bool) -> None:
    """Examine the static conformance requirements of the draft, each with its evidence.

    A virtual card, two servers and a device's tree are made for each requirement; nothing is sent and nothing kept.

    Exit: 0 all are fulfilled, 1 one is not.

    \b
    Example:
      smartcard-dm conformance --evidence
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    findings = tuple(examine(datetime.now(UTC)))
    if as_json:
        print_json(conformance_form(findings))
    else:
        print_text(conformance_lines(findings, evidence=evidence))
    failed = [finding.requirement.item for finding in findings if not finding.fulfilled]
    if failed:
        print_problem(f"not fulfilled: {', '.join(failed)}; --evidence shows what was tried")
        raise click.exceptions.Exit(REFUSED)
