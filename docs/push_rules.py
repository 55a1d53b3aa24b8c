"""Makes the table of docs/push.md with every way an envelope is refused, from the enums of `smartcard_dm.push`.

Run it with `python -m docs.push_rules` from the root of the tree; a test compares what it makes with what stands in the
document, and that a test names each rule.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docs.marked import replace_part
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.sip_rules import SipRule
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.wsp_rules import WspRule

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parent / "push.md"
PART = "rules of envelopes"


class Told(NamedTuple):
    """What is told about a rule."""

    name: str
    stops: str
    clause: str


def rules() -> Iterator[Told]:
    """Yield every rule, in the order of a push on its way in."""
    for transport in (SmsRule, WspRule, HttpRule, SipRule):
        yield from (Told(rule.value, rule.stops, rule.clause) for rule in transport)


def render() -> str:
    """Return the table."""
    head = ["| rule | what it stops | clause |", "|---|---|---|"]
    return "\n".join([*head, *(f"| `{rule.name}` | {rule.stops} | {rule.clause} |" for rule in rules())])


def main() -> None:
    """Write the table into the document."""
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text("utf-8"), PART, render()), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
