"""WBXML both ways against libwbxml in the same process, on unsigned DM messages of 4, 60 and 200 kB."""

from __future__ import annotations

import random
import re
from functools import partial
from xml.sax.saxutils import escape

from lxml import etree

from benchmarks.harness import Row, compare, report
from benchmarks.libwbxml import Libwbxml
from smartcard_dm.wbxml import from_xml, to_xml

SIZES = (4_000, 60_000, 200_000)
"""Octets of the WBXML messages."""

AIM = 0.5
_WORDS = [
    "account",
    "server",
    "address",
    "interval",
    "schedule",
    "network",
    "operator",
    "policy",
    "certificate",
    "profile",
    "anchor",
    "update",
    "retry",
    "maximum",
    "minimum",
    "roaming",
    "secondary",
    "primary",
    "größe",
    "設定",
    "https://dm.example.com/session?id=1&mode=2",
    "a<b",
]
_FORMATS = (("chr", "text/plain"), ("int", "text/plain"), ("bool", "text/plain"), ("xml", "application/xml"))


def make_message(octets: int, seed: int = 1) -> bytes:
    """Return canonical XML of a message with commands of several kinds, whose WBXML form has about so many octets."""
    choose = random.Random(seed)  # noqa: S311 - varied text, not a secret
    commands: list[str] = []
    size, number = 300, 0
    while size < octets:
        number += 1
        command = _command(choose, number)
        size += len(from_xml(_message(command))) - len(from_xml(_message("")))
        commands.append(command)
    return _message("".join(commands))


def _message(commands: str) -> bytes:
    return (
        '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>'
        "<SessionID>42</SessionID><MsgID>1</MsgID><Target><LocURI>IMEI:493005100592800</LocURI></Target>"
        "<Source><LocURI>com.example.dms</LocURI></Source></SyncHdr>"
        f"<SyncBody>{commands}<Final></Final></SyncBody></SyncML>"
    ).encode()


def _command(choose: random.Random, number: int) -> str:
    name = choose.choice(("Add", "Replace", "Replace", "Replace", "Exec", "Delete"))
    path = "/".join(choose.choice(_WORDS[:18]) for _ in range(choose.randint(2, 5)))
    target = f"<Target><LocURI>./{path}/{number}</LocURI></Target>"
    if name == "Delete":
        return f"<Delete><CmdID>{number}</CmdID><Item>{target}</Item></Delete>"
    kind, mime = choose.choice(_FORMATS)
    meta = f'<Meta><Format xmlns="syncml:metinf">{kind}</Format><Type xmlns="syncml:metinf">{mime}</Type></Meta>'
    data = escape(" ".join(choose.choice(_WORDS) for _ in range(choose.randint(1, 14))))
    return f"<{name}><CmdID>{number}</CmdID><Item>{target}{meta}<Data>{data}</Data></Item></{name}>"


def content(xml: bytes) -> bytes:
    """Return XML in canonical form without the document type that libwbxml adds."""
    root = etree.fromstring(re.sub(rb"<!DOCTYPE [^\[>]*>", b"", xml, count=1))
    canonical: bytes = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)
    return canonical


def run(sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """Measure both directions at each size, after checking that both codecs carry the same content.

    Raises:
        AssertionError: the two codecs disagree about a message.
    """
    library = Libwbxml()
    rows: list[Row] = []
    for size in sizes:
        xml = make_message(size)
        octets = from_xml(xml)
        written = library.from_xml(xml)
        # Spelled otherwise: a comment makes the encoder parse and canonicalise the XML before it encodes it.
        spelled = xml.replace(b"<SyncBody>", b"<SyncBody><!-- c -->")
        if not (xml == to_xml(octets) == content(library.to_xml(octets)) == to_xml(written)):
            raise AssertionError("the codecs disagree about the message that is to be timed")
        if from_xml(spelled) != octets:
            raise AssertionError("a comment changed the message")
        rows += compare(
            f"decode, {len(octets) / 1000:.0f} kB of WBXML",
            len(octets),
            {"libwbxml": partial(library.to_xml, octets), "to_xml": partial(to_xml, octets)},
            aims={"to_xml": AIM},
        )
        rows += compare(
            f"encode, {len(octets) / 1000:.0f} kB of WBXML",
            len(octets),
            {
                "libwbxml": partial(library.from_xml, xml),
                "from_xml": partial(from_xml, xml),
                "from_xml, XML to be canonicalised first": partial(from_xml, spelled),
            },
            aims={"from_xml": AIM},
        )
    return rows


def main() -> None:
    """Print the comparison, and what it says about linearity."""
    rows = run()
    report("WBXML against libwbxml in process", rows)
    for contestant in ("to_xml", "from_xml"):
        costs = [row.microseconds_per_kilobyte for row in rows if row.contestant == contestant]
        print(f"{contestant}: {', '.join(f'{cost:.2f}' for cost in costs)} us per kB from small to large")


if __name__ == "__main__":
    main()
