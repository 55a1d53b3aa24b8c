"""`smartcard-dm wbxml decode | encode`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from smartcard_dm import wbxml
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE
from smartcard_dm.cli.options import json_option, wbxml_version_option
from smartcard_dm.cli.output import STDOUT, print_json, stdout_is_terminal, visible, write_octets
from smartcard_dm.cli.program import CommandGroup
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.report.forms import decoded_form, encoded_form, tokens_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smartcard_dm.cli.inputs import InputFile

_SHOWN_OCTETS = 8


@click.group(cls=CommandGroup)
def command() -> None:
    """Decode and encode WBXML documents: SyncML 1.2, DM TNDS, provisioning documents."""


@command.command(short_help="WBXML to its XML form, or to a list of its tokens.")
@click.argument("file", type=INPUT_FILE)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=STDOUT,
    help="Where the XML or the list goes.  [default: standard output]",
)
@click.option("--tokens", is_flag=True, help="List every token with its offset and octets instead of XML.")
@json_option
def decode(file: InputFile, output: str, *, tokens: bool, as_json: bool) -> None:
    """Turn WBXML into its XML form, which is canonical: no declaration, no white space added.

    FILE is a path, or - for standard input. With --tokens the tokens before a fault are listed too, so that one sees
    where a document goes wrong. With --json and -o both are written.

    \b
    Examples:
      smartcard-dm wbxml decode message.wbxml
      smartcard-dm wbxml decode message.wbxml --tokens | less
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    octets = file.read(DEFAULT_LIMITS.message_octets)
    with reported(as_json=as_json, thing=file.name):
        if tokens:
            _list_tokens(octets, output, as_json=as_json)
            return
        header = wbxml.parse_header(octets)
        xml = wbxml.to_xml(octets)
    if output != STDOUT or not as_json:
        write_octets(output, xml + (b"\n" if output == STDOUT and stdout_is_terminal() else b""))
    if as_json:
        print_json(decoded_form(header, octets, xml))


@command.command(short_help="An XML form to WBXML.")
@click.argument("file", type=INPUT_FILE)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=STDOUT,
    help="Where the WBXML goes.  [default: standard output, unless it is a terminal]",
)
@wbxml_version_option
@json_option
def encode(file: InputFile, output: str, version: str, *, as_json: bool) -> None:
    """Turn an XML form into WBXML; every character is kept, white space too.

    FILE is a path, or - for standard input. With --json the WBXML is printed as hex inside the document; with -o too
    it is also written.

    \b
    Example:
      smartcard-dm wbxml encode message.xml -o message.wbxml
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if output == STDOUT and not as_json and stdout_is_terminal():
        raise usage_error("WBXML is binary and standard output is a terminal: give -o FILE or --json")
    xml = file.read(DEFAULT_LIMITS.xml_octets)
    with reported(as_json=as_json, thing=file.name):
        octets = wbxml.from_xml(xml, version)
    if output != STDOUT or not as_json:
        write_octets(output, octets)
    if as_json:
        print_json(encoded_form(version, octets))


def _list_tokens(octets: bytes, output: str, *, as_json: bool) -> None:
    """List the tokens; those before a fault are printed too, but a file and a JSON document are whole or not at all."""
    if as_json or output != STDOUT:
        lines = list(wbxml.dump(octets))
        if output != STDOUT:
            write_octets(output, b"".join(_token_lines(lines)))
        if as_json:
            print_json(tokens_form(lines))
        return
    shown: list[bytes] = []
    try:
        shown.extend(_token_lines(wbxml.dump(octets)))
    finally:
        write_octets(STDOUT, b"".join(shown))


def _token_lines(lines: Iterable[wbxml.DumpLine]) -> Iterable[bytes]:
    for line in lines:
        start = line.octets[:_SHOWN_OCTETS].hex(" ") + (" .." if len(line.octets) > _SHOWN_OCTETS else "")
        yield f"{line.offset:06X}  {start:<26}  {'  ' * line.depth}{visible(line.text)}\n".encode()
