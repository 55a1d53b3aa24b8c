"""`smartcard-dm tree export`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smartcard_dm import wbxml
from smartcard_dm.cli.addresses import NODE
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option, tree_option
from smartcard_dm.cli.output import STDOUT, print_json, print_text, stdout_is_terminal, write_octets
from smartcard_dm.cli.tree_look import not_there
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.dm import build_tnds
from smartcard_dm.errors import TreeFormatError
from smartcard_dm.report.tree import export_lines
from smartcard_dm.report.tree_forms import tree_export_form
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree import view as tree_view

if TYPE_CHECKING:
    from smartcard_dm.dm import NodeUri


@click.command(short_help="A branch as a TNDS object, without its secrets.")
@click.argument("uri", type=NODE, required=False, default=".")
@tree_option()
@click.option("-o", "--output", metavar="FILE", default=STDOUT, help="Where it goes.  [default: standard output]")
@click.option(
    "--form",
    type=click.Choice(["xml", "wbxml"]),
    metavar="FORM",
    default="xml",
    show_default=True,
    help="xml, canonical, or wbxml.",
)
@json_option
def export(uri: NodeUri, tree_file: str, output: str, form: str, *, as_json: bool) -> None:
    """Write the node URI and all below it as a TNDS object, ACLs included; without URI, the whole tree.

    Leaves whose values are secrets are left out, and counted. The object is for the target `.`: each of its nodes
    says in Path where it goes. With --json and -o both are written.

    \b
    Examples:
      smartcard-dm tree export ./NAP --tree t.db
      smartcard-dm tree export ./DMAcc/dms --tree t.db --form wbxml -o dms.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    to_stdout = output == STDOUT
    if form == "wbxml" and to_stdout and not as_json and stdout_is_terminal():
        raise usage_error("WBXML is binary and standard output is a terminal: give -o FILE or --json")
    with reported(as_json=as_json, thing=tree_file), DeviceTree.open(tree_file) as tree:
        exported = tree_view.export(tree, uri)
        if exported is None:
            raise not_there(uri, tree_file)
        if not exported.nodes:
            raise usage_error(f"{uri} is a secret, which is never exported: give a node above it")
        try:
            octets = build_tnds(exported.document)
        except ValueError as error:  # no message and no card can bring such a text
            detail = "it is damaged: a value has characters that XML cannot hold"
            raise TreeFormatError(tree_file, detail, "restore it, or make a new one") from error
        if form == "wbxml":
            octets = wbxml.from_xml(octets)
    if not (to_stdout and as_json):
        end = b"\n" if form == "xml" and to_stdout and stdout_is_terminal() else b""
        write_octets(output, octets + end)
    if as_json:
        print_json(tree_export_form(str(uri), exported, form, octets, None if to_stdout else output))
    elif not to_stdout:
        print_text(export_lines(output, exported, octets))
