"""`smartcard-dm wbxml decode | encode`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smartcard_dm import wbxml
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.options import json_option
from smartcard_dm.cli.output import print_json

if TYPE_CHECKING:
    from typing import BinaryIO


@click.group()
def command() -> None:
    """Decode and encode WBXML documents: SyncML 1.2, DM TNDS, provisioning documents."""


@command.command()
@click.argument("file", type=click.File("rb"))
@click.option("-o", "--output", type=click.File("wb"), default="-", help="Where the XML goes; default stdout.")
@click.option("--tokens", is_flag=True, help="Print every token with its offset instead of XML.")
@json_option
def decode(file: BinaryIO, output: BinaryIO, *, tokens: bool, as_json: bool) -> None:
    """Turn WBXML into its XML form, which is canonical: no declaration, no white space added.

    FILE is a path, or - for standard input.
    """
    with reported(as_json=as_json):
        octets = file.read()
        header = wbxml.parse_header(octets)
        if tokens:
            lines = list(wbxml.dump(octets))
            if as_json:
                print_json(
                    {
                        "tokens": [
                            {"offset": line.offset, "octets": line.octets.hex(), "depth": line.depth, "text": line.text}
                            for line in lines
                        ]
                    }
                )
                return
            for line in lines:
                shown = line.octets[:12].hex(" ") + (" .." if len(line.octets) > 12 else "")
                output.write(f"{line.offset:06X}  {shown:<38}  {'  ' * line.depth}{line.text}\n".encode())
            return
        xml = wbxml.to_xml(octets)
        if as_json:
            print_json(
                {
                    "version": header.version,
                    "public_id": header.public_id,
                    "octets": len(octets),
                    "xml": xml.decode("utf-8"),
                }
            )
            return
        output.write(xml)
        if output.isatty():
            output.write(b"\n")


@command.command()
@click.argument("file", type=click.File("rb"))
@click.option("-o", "--output", type=click.File("wb"), default="-", help="Where the WBXML goes; default stdout.")
@click.option(
    "--wbxml-version",
    "version",
    type=click.Choice(["1.1", "1.2", "1.3"]),
    default="1.2",
    show_default=True,
    help="Version octet of the document.",
)
@json_option
def encode(file: BinaryIO, output: BinaryIO, version: str, *, as_json: bool) -> None:
    """Turn an XML form into WBXML; every character is kept, white space too.

    FILE is a path, or - for standard input. With --json the WBXML is printed as hex inside the document.
    """
    with reported(as_json=as_json):
        octets = wbxml.from_xml(file.read(), version)
        if as_json:
            print_json({"version": version, "octets": len(octets), "hex": octets.hex()})
            return
        if output.isatty():
            raise click.UsageError("WBXML is binary and stdout is a terminal: give -o FILE")
        output.write(octets)
