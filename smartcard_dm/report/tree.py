"""A device's tree as text for a terminal of 80 columns, readable without colour too."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from smartcard_dm.report.tables import columns, pairs
from smartcard_dm.report.values import quoted, row_value, shown_acl
from smartcard_dm.tree.nodes import parent_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from smartcard_dm.tree import DeviceInformation
    from smartcard_dm.tree.audit import AuditRow
    from smartcard_dm.tree.view import Exported, SeenNode

_USUAL_TYPES: Final = frozenset({"", "text/plain", "application/octet-stream"})
_DEEPEST: Final = 12
"""Levels that one tree shows; each takes four columns."""
_UNSAID_FORMATS: Final = frozenset({"node", "chr"})


def init_lines(file: str, information: DeviceInformation, nodes: int, warnings: Sequence[str]) -> RenderableType:
    """Return what was made."""
    rows = [
        ("device", information.dev_id),
        ("maker", f"{information.man}, model {information.mod}, type {information.dev_type}"),
        ("language", information.lang),
        ("nodes", str(nodes)),
    ]
    return Group(Text(f"{file}: a new tree", style="bold"), pairs(*rows), *warning_lines(warnings))


def export_lines(file: str, exported: Exported, octets: bytes) -> RenderableType:
    """Return what was written, and what was left out."""
    left_out = [("left out", "\n".join(exported.secrets))] if exported.secrets else []
    head = Text(f"{file}: {exported.nodes} nodes, {len(octets)} octets")
    if exported.secrets:
        head.append(f"; {len(exported.secrets)} left out because they are secrets")
    return Group(head, pairs(*left_out))


def tree_lines(seen: Sequence[SeenNode], *, acl: bool) -> RenderableType:
    """Return nodes, parents first, as a tree; `acl` shows for each node the ACL that decides for it.

    What is deeper than a terminal is wide goes on in trees of its own, each below its whole URI.
    """
    trees: list[Tree] = []
    branches: dict[str | None, Tree] = {}
    shown = {node.uri for node in seen}
    for node in seen:
        path = node.row.path
        label = _label(node)
        if acl and not node.row.acl:
            entries = "" if node.acl_from in shown else f": {shown_acl(node.acl)}"
            label.append(f"\nACL of {node.acl_from}{entries}", style="not bold dim default")
        if not node.depth:
            trees.append(Tree(label, guide_style="dim"))
            branches[path] = trees[0]
            continue
        branches[path] = branches[parent_of(path)].add(label)
        if node.depth % _DEEPEST == 0 and node.row.is_interior:
            branches[path] = Tree(Text(node.uri, style="bold").append("  (goes on)", style="not bold dim"))
            trees.append(branches[path])
    return Group(*(tree for tree in trees if tree is trees[0] or tree.children))


def audit_lines(rows: Sequence[AuditRow]) -> RenderableType:
    """Return what was done to a tree, a row for each message and each provisioning."""
    return columns(
        *(
            (Text(str(row.number), style="dim"), f"{row.at[:19].replace('T', ' ')}Z", row.action, _done(row))
            for row in rows
        )
    )


def warning_lines(warnings: Sequence[str]) -> list[Text]:
    """Return a line for each warning."""
    return [Text(f"warning: {warning}", style="yellow") for warning in warnings]


def _label(node: SeenNode) -> Text:
    row = node.row
    name = row.name if node.depth else node.uri
    text = Text(name, style="bold" if row.is_interior else "cyan")
    rest = Text(style="not bold default")
    value = row_value(row, secret=node.secret)
    if value:
        rest.append(f"  {value}", style="yellow" if node.secret else "")
    told = [
        *([row.format] if row.format not in _UNSAID_FORMATS else []),
        *([row.type] if row.type not in _USUAL_TYPES else []),
        *([f"title {quoted(row.title)}"] if row.title else []),
    ]
    if told:
        rest.append(f"  {', '.join(told)}", style="dim")
    if node.hidden:
        rest.append(f"  ({node.hidden} below)", style="dim")
    if node.origin is not None:
        rest.append(f"\nfrom {node.origin}", style="dim")
    if row.acl:
        rest.append(f"\nACL {shown_acl(row.acl)}", style="green")
    return text.append_text(rest)


def _not_applied(form: dict[str, object]) -> str:
    """Return what a receiver said of something that was not applied, in words."""
    pushed = f"{form['transport']} from {form['source']}"
    if form["verdict"] == "authorized":
        would = form["provisions"]
        listed = ", ".join(map(str, would)) if isinstance(would, list) and would else "nothing"
        return f"{pushed}: {form['document']}, would provision {listed}"
    step = f"step {form['step']}, " if form["step"] is not None else ""
    by = f"{step}{form['rule']}" if form["rule"] is not None else str(form["verdict"])
    return f"{pushed}: {by}: {form['detail']}"


def _done(row: AuditRow) -> Text:
    form = row.form
    text = Text(row.subject if row.action != "sync" else f"card {row.subject}")
    if row.session_id is not None:
        text.append(f", session {row.session_id}, message {row.msg_id}", style="dim")
    told = []
    report, diff = form.get("report"), form.get("diff")
    if isinstance(report, list):
        counted = Counter(each["status"] for each in report)
        told.append(", ".join(f"{count} x {status}" for status, count in sorted(counted.items())) or "no command")
    if isinstance(diff, list):
        told.append(f"{len(diff)} {'change' if len(diff) == 1 else 'changes'}")
    if form.get("nodes") is not None:
        told.append(f"{form['nodes']} nodes")
    release = form.get("release")
    if isinstance(release, dict):
        told.append(f"{release.get('action')}: {release.get('level')}, uid {release.get('uid')}")
    if form.get("evidence") is not None and row.action == "apply":
        told.append(f"{form.get('transport')}: {form['evidence']}")
    if row.action in {"refuse", "read"}:
        told.append(_not_applied(form))
        if not row.subject:
            return Text(told[0])
    return text.append(f"\n{'; '.join(told)}") if told else text
