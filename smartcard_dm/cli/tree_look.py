"""`smartcard-dm tree show | get | audit`: looking at a device's tree; nothing is changed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.cli.addresses import NODE, SERVER_ID, TARGET
from smartcard_dm.cli.exits import REFUSED, reported
from smartcard_dm.cli.options import json_option, tree_option
from smartcard_dm.cli.output import print_json, print_problem, print_text, print_value
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.report.tree import audit_lines, tree_lines
from smartcard_dm.report.tree_forms import tree_audit_form, tree_get_form, tree_show_form
from smartcard_dm.tree import DeviceTree, StatusCode
from smartcard_dm.tree import view as tree_view
from smartcard_dm.tree.audit import ACTIONS

if TYPE_CHECKING:
    from smartcard_dm.dm import NodeUri, PropertyUri, ServerId
    from smartcard_dm.tree.view import Got

_REMEDIES: Final = {
    StatusCode.NOT_FOUND: "`smartcard-dm tree show` lists what is there",
    StatusCode.PERMISSION_DENIED: "an ACL that gives this server Get would let it; `tree show --acl` shows them all",
    StatusCode.OPTIONAL_FEATURE_NOT_SUPPORTED: "ask for another property",
    StatusCode.COMMAND_NOT_ALLOWED: "no server reads it either",
}


@click.command(short_help="The tree below a node.")
@click.argument("uri", type=NODE, required=False, default=".")
@tree_option()
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Levels below the node.  [default: all]")
@click.option("--acl", is_flag=True, help="Show for each node the ACL that decides for it, and where that one stands.")
@json_option
def show(uri: NodeUri, tree_file: str, depth: int | None, *, acl: bool, as_json: bool) -> None:
    """Show a device's tree, or what stands below the node URI: values, ACLs, objects and where they came from.

    Long values are cut; `tree get` gives them whole. A secret is only said to be there.

    \b
    Examples:
      smartcard-dm tree show --tree t.db --depth 2
      smartcard-dm tree show ./DMAcc --tree t.db --acl
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json, thing=tree_file), DeviceTree.open(tree_file) as tree:
        seen = tree_view.look(tree, uri, depth=depth)
    if not seen:
        raise not_there(uri, tree_file)
    if as_json:
        print_json(tree_show_form(str(uri), seen))
    else:
        print_text(tree_lines(seen, acl=acl))


@click.command(short_help="A value, the names below a node, or a property.")
@click.argument("uri", type=TARGET)
@tree_option()
@click.option(
    "--as",
    "server_id",
    type=SERVER_ID,
    metavar="SERVER_ID",
    help="Answer as this server would be answered, by the ACLs.  [default: you, the operator]",
)
@json_option
def get(uri: NodeUri | PropertyUri, tree_file: str, server_id: ServerId | None, *, as_json: bool) -> None:
    """Get what is at URI: the value of a leaf (octets as Base64), the names below an interior node.

    With ?prop=NAME behind URI, a property: ACL, Format, Name, Size, Title, TStamp, Type or VerNo. A secret is never
    shown, and nothing is read below ./Inbox.

    Exit: 0 for status 200, 1 for every other status.

    \b
    Examples:
      smartcard-dm tree get ./DevInfo/DevId --tree t.db
      smartcard-dm tree get './DMAcc/dms?prop=ACL' --tree t.db
      smartcard-dm tree get ./DMAcc/dms/Name --tree t.db --as com.example.backup
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json, thing=tree_file), DeviceTree.open(tree_file) as tree:
        got = tree_view.get(tree, uri, server_id=server_id, at=datetime.now(UTC))
    if as_json:
        print_json(tree_get_form(got))
    elif got.status is StatusCode.OK:
        print_value(_whole(got))
    if got.status is not StatusCode.OK:
        print_problem(f"{uri}: {int(got.status)} {got.status.text}: {got.detail}; {_REMEDIES[got.status]}")
        raise click.exceptions.Exit(REFUSED)


@click.command(short_help="Who did what, and when.")
@tree_option()
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the N newest rows.  [default: all]")
@click.option(
    "--action",
    type=click.Choice(ACTIONS),
    metavar="ACTION",
    help=f"Only rows of this action: {', '.join(ACTIONS)}.  [default: all]",
)
@json_option
def audit(tree_file: str, last: int | None, action: str | None, *, as_json: bool) -> None:
    """List what was done to a tree, the oldest first: its making, each card, each message that was authorized.

    What a receiver refused, or read and did not apply, has its row too; of those the newest 10,000 are kept. With
    --json every row has the report and the changes, as `apply` and `tree sync` gave them; long values are cut.

    \b
    Examples:
      smartcard-dm tree audit --tree t.db --last 10
      smartcard-dm tree audit --tree t.db --action refuse
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    with reported(as_json=as_json, thing=tree_file), DeviceTree.open(tree_file) as tree:
        rows = tree.audit.rows(last=last, action=action)
    if as_json:
        print_json(tree_audit_form(rows))
    else:
        print_text(audit_lines(rows))


def not_there(uri: NodeUri, tree_file: str) -> click.UsageError:
    """Return the error of a node that is not in the tree."""
    return usage_error(f"{tree_file} has no node {uri}: `smartcard-dm tree show --tree {tree_file}` lists what it has")


def _whole(got: Got) -> str:
    if got.names is not None:
        return "\n".join(got.names)
    return base64.b64encode(got.value).decode() if isinstance(got.value, bytes) else got.value or ""
