"""`smartcard-dm tree init`."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.options import TEXT, json_option
from smartcard_dm.cli.output import print_json, print_text
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.dm import parse_ddf
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.report.tree import init_lines
from smartcard_dm.report.tree_forms import tree_init_form
from smartcard_dm.tree import DeviceInformation, DeviceTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.cli.inputs import InputFile


@click.command(short_help="Make a tree with the nodes every device has.")
@click.argument("file", metavar="DB")
@click.option("--dev-id", type=TEXT, metavar="URN", help="DevId of the device.  [default: a new urn:uuid:]")
@click.option(
    "--man", type=TEXT, metavar="TEXT", default="smartcard-dm", show_default=True, help="Maker of the device."
)
@click.option("--mod", type=TEXT, metavar="TEXT", default="lab device", show_default=True, help="Its model.")
@click.option(
    "--lang", type=TEXT, metavar="TAG", default="en", show_default=True, help="Its language, such as en or pt-BR."
)
@click.option(
    "--dev-type", type=TEXT, metavar="TEXT", default="lab", show_default=True, help="Its type, such as phone."
)
@click.option("--oem", type=TEXT, metavar="TEXT", help="Who it was made for.  [default: empty]")
@click.option("--fw", type=TEXT, metavar="TEXT", help="Version of its firmware.  [default: empty]")
@click.option("--sw", type=TEXT, metavar="TEXT", help="Version of its software.  [default: empty]")
@click.option("--hw", type=TEXT, metavar="TEXT", help="Version of its hardware.  [default: empty]")
@click.option(
    "--ddf",
    type=INPUT_FILE,
    metavar="FILE",
    multiple=True,
    help="Device description file, XML: what the device lets be done with its nodes. Several are allowed.",
)
@json_option
def init(file: str, dev_id: str | None, *, ddf: tuple[InputFile, ...], as_json: bool, **device: str | None) -> None:
    """Make a device's management tree: DevInfo, DevDetail, Inbox, and no account.

    DB is the file to make; one that is there is left as it is. The accounts come from a card, with `tree sync`.

    \b
    Examples:
      smartcard-dm tree init t.db
      smartcard-dm tree init t.db --dev-id IMEI:490154203237518 --ddf phone.xml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    information = _information(dev_id or f"urn:uuid:{uuid.uuid4()}", device)
    descriptions: list[bytes] = []
    warnings: list[str] = []
    for each in ddf:
        octets = each.read(DEFAULT_LIMITS.xml_octets)
        with reported(as_json=as_json, thing=each.name):
            warnings += (f"{each.name}: {warning}" for warning in parse_ddf(octets).warnings)
        descriptions.append(octets)
    with (
        reported(as_json=as_json, thing=file),
        DeviceTree.create(file, information, at=datetime.now(UTC), description_files=descriptions) as tree,
    ):
        nodes = tree.nodes.count()
    if as_json:
        print_json(tree_init_form(file, information, nodes, warnings))
    else:
        print_text(init_lines(file, information, nodes, warnings))


def _information(dev_id: str, device: Mapping[str, str | None]) -> DeviceInformation:
    given = {name: value or "" for name, value in device.items()}
    try:
        return DeviceInformation(dev_id=dev_id, **given)  # type: ignore[arg-type] # all that are given are text
    except ValueError as error:
        name, _, detail = str(error).removeprefix("device information: ").partition(" ")
        raise usage_error(f"--{name.replace('_', '-')} {detail}") from error
