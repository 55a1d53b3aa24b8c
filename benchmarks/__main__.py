"""`make bench`: runs every comparison in one process and writes docs/performance.md."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from benchmarks import (
    bench_agent,
    bench_card,
    bench_encryption,
    bench_issue,
    bench_push,
    bench_receive,
    bench_start,
    bench_tree,
    bench_verify,
    bench_wbxml,
)
from benchmarks.harness import NOTE, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.harness import Row

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def linearity(rows: Sequence[Row]) -> str:
    """Say how the time per kilobyte grows from the smallest to the largest message."""
    lines = []
    for contestant in ("to_xml", "from_xml"):
        costs = [row.microseconds_per_kilobyte for row in rows if row.contestant == contestant]
        growth = max(costs) / min(costs)
        lines.append(
            f"- `{contestant}`: {', '.join(f'{cost:.2f}' for cost in costs)} us per kB from small to large, "
            f"largest to smallest {growth:.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run, print and write."""
    wbxml_rows = bench_wbxml.run()
    verify_rows = bench_verify.run()
    encryption_rows = bench_encryption.run()
    issue_rows = bench_issue.run_one()
    batch = bench_issue.run_batches()
    flood = bench_push.run_flood()
    start_rows = bench_start.run()
    agent = bench_agent.run()
    counts, command_seconds = bench_card.run()
    add_costs, rights_costs, commit_costs, statements = bench_tree.run()
    receive_rows = bench_receive.run()
    more = (start_rows[1].seconds - start_rows[0].seconds) * 1e3
    versions = ".".join(str(part) for part in etree.LIBXML_VERSION)
    page = f"""# Performance

Written by `make bench`. {NOTE}
The ratio is to the first contestant of each comparison; the aim is the largest ratio the design allows.
CPython {platform.python_version()}, {platform.machine()}, libxml2 {versions}.

## WBXML beside libwbxml in the same process

Messages of Add, Replace, Exec and Delete commands with varied text. libwbxml is called through ctypes and does not
canonicalise; `from_xml` of XML that is not canonical yet parses it first, shown in its own row. Before anything is
timed, both codecs have been checked to carry the same content.

{table(wbxml_rows)}

{linearity(wbxml_rows)}

## Verification beside python-xmlsec and signxml

Ours starts from WBXML octets and ends with a `VerifiedMessage`: decode, shape, account, keys, form, signature, digest.
Its commands are read when they are asked for (docs/decisions/0011), which the third row of each size adds. The others
start from the XML form and check the signature only. RSA-2048 with SHA-256.

{table(verify_rows)}

## Verification and decryption beside python-xmlsec

The whole body is encrypted (AES-256-GCM, rsa-oaep-mgf1p, RSA-2048), then signed (RSA-2048, SHA-256). Ours starts from
WBXML octets and ends with the canonical octets of the opened message; the other starts from the XML form, checks the
signature and decrypts in place.

{table(encryption_rows)}

## Signing and encoding beside raw OpenSSL and signxml

The message was composed here (`CanonicalXml`) and the key is loaded; a row without an aim signs the same octets as if
they came from elsewhere, parsed and canonicalised first. The floor is one parse, one exclusive canonical form and one
signature by OpenSSL through the cryptography library. signxml knows no Ed25519.

{table(issue_rows)}

## A batch of {bench_issue.TARGETS:,} targets

From a CSV file to an SQLite outbox, ECDSA P-256, one process and one for each core in turns on slices of
{bench_issue.SLICE:,} targets, then all of them at once.

{bench_issue.batch_text(batch)}

## Hostile short messages

{bench_push.MESSAGES:,} TPDUs go the whole way from a modem to the receiver's inlet: half are parts of sets that nobody
ends, of 500 originators, the others are changed, cut or noise. The aim is memory that does not grow.

{bench_push.flood_text(flood)}

## Commands to a card for the same object

{bench_card.table(counts)}

One command through pyscard, pcscd and vpcd to the card in this process: median {command_seconds * 1e3:.2f} ms in this
run; the aim is below 1 ms.

## Applying a message to a tree

The reference parses the same message twice, unsigned (WBXML, commands, TNDS object), and inserts the same rows by hand
with `executemany`, in one transaction of an equal SQLite file; the aim is for messages of 1,000 nodes and more.
`DeviceTree.apply` verifies (HMAC-SHA256), asks for rights, holds the object against what the device knows, stores,
remembers the message, works out the difference and keeps it in the audit, in one transaction too; its second row gets
a message that was verified and whose commands were read before. Both flush once, in COMMIT (`synchronous=FULL`).

{bench_tree.table(add_costs)}

{bench_tree.growth(add_costs)}

Rights: {bench_tree.COMMANDS:,} Replace commands, the ACL that decides being at the top. Each asks for the line of nodes
from the root to its leaf in one query, whatever its depth; the rest of its four statements are a savepoint, the change,
and the savepoint's end. A longer URI takes longer to read: these messages are larger, too.

{bench_tree.table(rights_costs, "command")}

Statements of one message as SQLite's trace counts them, an INSERT that is run for many nodes once:

{bench_tree.statement_table(statements)}

One flush, part of every time above but those of statements:

{bench_tree.table(commit_costs, "row")}

## Receiving over HTTPS beside a bare ASGI application

{bench_receive.section(receive_rows)}

## An agent under load

{bench_agent.CLIENTS} clients at one time have the agent verify messages (RSA-2048, SHA-256) of a card behind pcscd,
each the next one when it has its verdict; clients and agent share this machine.
`python -m benchmarks.bench_agent --seconds 60` runs it for a minute.

{bench_agent.text(agent)}

## Start

{table(start_rows)}

`smartcard-dm --help` takes {more:.0f} ms more than the bare interpreter in this run; the aim is at most 100 ms.
"""
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
