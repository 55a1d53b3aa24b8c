"""Makes the rule table of docs/lint.md from `smartcard_dm.server.lint`.

Run it with `python -m docs.lint_table` from the root of the tree; a test compares what it makes with what stands in the
document, and that every rule is told about below.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docs.marked import replace_part
from smartcard_dm.server.lint import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parent / "lint.md"
PART = "rules"

TOLD = {
    "lint.server-id": "Source is missing or names another server than the one that issues",
    "lint.credential": "Cred in the header",
    "lint.result-seeking": "Get, Alert, RespURI",
    "lint.answer": "Results, Status",
    "lint.nested-atomic": "Atomic inside Atomic, at any depth",
    "lint.get-in-atomic": "Get inside Atomic",
    "lint.optional-command": "Atomic (SHOULD), Copy and Exec (MAY)",
    "lint.more-data": "MoreData",
    "lint.target-missing": "an item without Target; a Copy without Source",
    "lint.uri": "a target or source that is no URI of a node or property; `?list=`",
    "lint.uri-bounds": "a URI, or a node of an object at its place, with too many segments or octets",
    "lint.duplicate-target": "two items for one node, but for different commands inside one Sequence or Atomic",
    "lint.property": "a property but ACL, Name and Title; a Name or Title that is none; a property outside Replace",
    "lint.read-only": "DevInfo and DevDetail, their `Ext` apart",
    "lint.inbox-use": "at `./Inbox` or below: anything but an Add of a TNDS object to `./Inbox` itself",
    "lint.inbox-place": "for the Inbox: what begins no management object, or one that a device has of its own",
    "lint.inbox-reference": "a value that begins with `./Inbox` and names no object of the same TNDS object",
    "lint.format": "a Format that nobody knows",
    "lint.format-missing": "a leaf that is added without Format",
    "lint.value-missing": "no Data: for a leaf, a property, or an interior node whose Format is not said",
    "lint.value": "a value that is not of its Format, or not of the Size said; any value of an interior node",
    "lint.object-malformed": "a TNDS object that cannot be read, or whose Format and Type contradict it",
    "lint.object-unfit": "a known management object (account, access point, proxy) that does not fit its table",
    "lint.object-unknown": "a management object nobody here knows",
    "lint.path-missing": "a node without Path in an object for a target of its own",
    "lint.acl-missing": "a new object without any ACL property in it",
    "lint.acl-value": "an ACL to be set that is none",
    "lint.acl-lockout": "a new object whose ACL does not let the issuing server replace it",
    "lint.own-account": "a new account with the ServerID of the issuing server",
    "lint.account-twice": "two accounts of one ServerID and one version",
    "lint.plain-secret": "a secret outside encryption, by the table of its object or by its name (secret, password)",
    "lint.oversize": "more short messages than allowed (`--push wap`), or more octets than a client reads",
    "lint.sip-size": "`--push sip`: more than 1300 octets",
}
"""By rule identifier, in the order of the table."""


def render() -> str:
    """Return the rule table.

    Raises:
        KeyError: a rule is told nothing about.
    """
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| rule | severity | looks for | clause | remedy |"
    yield "|---|---|---|---|---|"
    for rule in LintRule:
        cells = (
            f"`{rule.identifier}`", rule.severity.value, TOLD[rule.identifier], rule.clause, rule.remedy
        )  # fmt: skip
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the rule table into the document."""
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text("utf-8"), PART, render()), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
