"""Applying messages to a tree file beside the work nobody can leave out: reading the message, and storing its nodes.

The reference parses the message twice (WBXML, commands, TNDS object) and inserts the same rows by hand, all in one
transaction of an equal SQLite file. Applying parses once; it also verifies, looks at rights, holds the object against
what the device knows, remembers the message, tells the difference and keeps it in the audit. Both flush in COMMIT.

Each round has a new message, for a message takes effect once. What it added is taken out again, and SQLite's log copied
into the file, while nobody looks at the clock.
"""

from __future__ import annotations

import gc
import sqlite3
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm import (
    CommandKind,
    DmMessage,
    Embedding,
    Item,
    ItemCommand,
    Meta,
    NodeFormat,
    NodeType,
    SyncHeader,
    TextData,
    TndsDocument,
    TndsNode,
    TypeKind,
    build_message,
    embed_tnds,
    extract_tnds,
    parse_message,
)
from smartcard_dm.dm.namespaces import MO_NAP
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree.nodes import parent_of
from smartcard_dm.tree.schema import TABLES
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import AlgorithmPolicy, SecretSigningKey, sign_message
from tests.materials import SHARED_SECRET
from tests.tree.device import INFORMATION, A, account, card

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smartcard_dm.dm import DmCommand
    from smartcard_dm.trust.verified import VerifiedMessage

SIZES: Final = {10: 41, 100: 31, 1_000: 15, 10_000: 5}
"""Nodes of one object, with the rounds it gets."""
APPLY: Final = "DeviceTree.apply"
DEPTHS: Final = (2, 8, 32)
COMMANDS: Final = 1_000
AIM: Final = 1.0
AIMED_AT: Final = 1_000
"""Nodes of the smallest message that has an aim: in smaller ones, what a message costs beside its nodes counts."""
NOW: Final = datetime.now(UTC)
_TEXT: Final = NodeType(TypeKind.MIME, "text/plain")
_PLAIN: Final = NodeType(TypeKind.DDF_NAME, "")
_KEY: Final = SecretSigningKey(SHARED_SECRET)
_INSERT: Final = (
    "INSERT INTO node (path, format, value, acl, title, tstamp, type, verno, parent) VALUES (?,?,?,?,?,?,?,?,?)"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one contestant needed."""

    what: str
    contestant: str
    seconds: float
    """Median of one message."""
    count: int
    """Nodes or commands of the message."""
    ratio: float
    aim: float | None = None


@dataclass(frozen=True, slots=True)
class Statements:
    """What one message asks of SQLite."""

    what: str
    queries: int
    """Statements, one that is run for many rows counted once."""
    per_command: float


def interior(name: str, children: Sequence[TndsNode], mo_id: str = "") -> TndsNode:
    """Return an interior node."""
    return TndsNode(name, NodeFormat.NODE, children=tuple(children), type=NodeType(TypeKind.DDF_NAME, mo_id))


def leaf(name: str, value: str) -> TndsNode:
    """Return a leaf."""
    return TndsNode(name, NodeFormat.CHR, value, type=_TEXT)


def one_object(count: int, name: str) -> list[TndsNode]:
    """Return a branch of so many nodes: groups of nine leaves below one node."""
    rest = count - 1
    groups: list[TndsNode] = []
    while rest:
        leaves = min(9, rest - 1)
        values = [leaf(f"v{at}", f"value {at} of group {len(groups)}") for at in range(leaves)]
        groups.append(interior(f"g{len(groups)}", values))
        rest -= leaves + 1
    return [interior(name, groups)]


def access_points(count: int, name: str) -> list[TndsNode]:
    """Return management objects of the device's own kind NAP, ten nodes each."""
    return [
        interior(
            f"{name}x{number}",
            [
                leaf("NAPID", f"{name}x{number}"),
                leaf("Name", f"Access point {number}"),
                leaf("Addr", f"internet{number}.example.com"),
                leaf("AddrType", "APN"),
                interior("AuthInfo", [leaf("AuthType", "PAP"), leaf("AuthName", "user"), leaf("AuthSecret", "word")]),
                leaf("NetworkId", str(number)),
            ],
            MO_NAP,
        )
        for number in range(count // 10)
    ]


def compose(commands: Sequence[DmCommand], session_id: int) -> tuple[bytes, bytes]:
    """Return a message, signed, and the same one without a signature."""
    header = SyncHeader(session_id=str(session_id), msg_id="1", target="./", source=A)
    xml = build_message(DmMessage(header, tuple(commands)))
    return wbxml.from_xml(sign_message(xml, _KEY, AlgorithmPolicy.default())), wbxml.from_xml(xml)


def adding(nodes: Sequence[TndsNode], target: str, session_id: int) -> tuple[bytes, bytes]:
    """Return a message that adds nodes as a TNDS object in WBXML."""
    item = embed_tnds(TndsDocument(tuple(nodes)), target, Embedding.WBXML)
    return compose([ItemCommand(kind=CommandKind.ADD, cmd_id="1", items=(item,))], session_id)


def apply(tree: DeviceTree, octets: bytes) -> None:
    """Apply a message; every command succeeds.

    Raises:
        AssertionError: one does not.
    """
    applied = tree.apply(octets, transport=Transport.local(), at=NOW, policy=Policy.default())
    if any(not row.status.is_success for row in applied.report):
        raise AssertionError(f"a command of the message that is to be timed fails: {applied.report[:3]}")


def parse(octets: bytes) -> None:
    """Parse an unsigned message down to the nodes of its object."""
    for command in parse_message(wbxml.to_xml(octets)).commands:
        for item in command.items if isinstance(command, ItemCommand) else ():
            extract_tnds(item, item.effective_meta(None))


class Bench:
    """A tree and an equal file for the reference."""

    def __init__(self, folder: Path) -> None:
        self.tree = DeviceTree.create(str(folder / "tree"), INFORMATION, at=NOW)
        self.tree.sync(card(account(A)), at=NOW)
        self._kept = len(self.tree.nodes.below(""))
        self._connection = self.tree._database._connection  # noqa: SLF001 - to clear away and to count
        self.hand = sqlite3.connect(folder / "hand", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self.hand.execute(f"PRAGMA {pragma}")
        for table in TABLES:
            self.hand.execute(table)
        self.insert(self.tree.nodes.below(""))

    def insert(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Store rows of nodes by hand."""
        self.hand.execute("BEGIN IMMEDIATE")
        self.hand.executemany(_INSERT, [(*row, parent_of(str(row[0]))) for row in rows])
        self.hand.execute("COMMIT")

    def clear(self) -> None:
        """Take out what was added, in both files."""
        for connection in (self._connection, self.hand):
            connection.execute("DELETE FROM node WHERE id > ?", (self._kept,))
            connection.execute("DELETE FROM audit")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def statements(self, octets: bytes) -> int:
        """Apply a message and return how many statements that took, runs of one with other values counted once."""
        seen: list[str] = []
        self._connection.set_trace_callback(lambda sql: seen.append(sql[:24]))
        apply(self.tree, octets)
        self._connection.set_trace_callback(None)
        return sum(at == 0 or not text.startswith("INSERT INTO node") for at, text in enumerate(seen)) + 1

    def close(self) -> None:
        """Close both files."""
        self.tree.close()
        self.hand.close()


def timed(call: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    started = perf_counter()
    call()
    return perf_counter() - started


def costs(what: str, count: int, times: Mapping[str, list[float]], aims: Mapping[str, float]) -> list[Cost]:
    """Return a row for each contestant; the first is the reference."""
    medians = {name: median(values) for name, values in times.items()}
    reference = next(iter(medians.values()))
    return [Cost(what, name, seconds, count, seconds / reference, aims.get(name)) for name, seconds in medians.items()]


def add_costs(
    what: str, make: Callable[[int, str], list[TndsNode]], target: str, count: int, rounds: int
) -> list[Cost]:
    """Measure messages of so many nodes; contestants take turns."""
    reference, whole, verified = "parse twice, insert by hand", APPLY, "the same, verified before"
    times: dict[str, list[float]] = {reference: [], whole: [], verified: []}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        tree = bench.tree
        verify = tree.verify
        for number in range(rounds):
            octets, unsigned = adding(make(count, f"n{number}"), target, 2 * number + 1)
            gc.collect()
            gc.disable()
            seconds = timed(lambda octets=octets: apply(tree, octets))  # type: ignore[misc]
            rows = tree.nodes.below("")[-count:]
            bench.clear()

            def by_hand(unsigned: bytes = unsigned, rows: Sequence[tuple[object, ...]] = rows) -> None:
                parse(unsigned)
                parse(unsigned)
                bench.insert(rows)

            by_hand_seconds = timed(by_hand)
            bench.clear()
            octets, _ = adding(make(count, f"m{number}"), target, 2 * number + 2)
            known = verify(octets, transport=Transport.local(), at=NOW, policy=Policy.default())

            def verify_no_more(*_: object, known: VerifiedMessage = known, **__: object) -> VerifiedMessage:
                return known

            tree.verify = verify_no_more  # type: ignore[method-assign]
            verified_seconds = timed(lambda octets=octets: apply(tree, octets))  # type: ignore[misc]
            tree.verify = verify  # type: ignore[method-assign]
            bench.clear()
            gc.enable()
            if number:  # the first round is for getting warm
                times[whole].append(seconds)
                times[reference].append(by_hand_seconds)
                times[verified].append(verified_seconds)
        bench.close()
    return costs(f"{what}, {count:,} nodes", count, times, {whole: AIM} if count >= AIMED_AT else {})


def replacing(depth: int, value: str, session_id: int) -> bytes:
    """Return a message that replaces leaves so deep in the tree, one with each command."""
    names = "/".join(f"d{level}" for level in range(depth - 1))
    meta = Meta(format="chr", type="text/plain")
    commands = [
        ItemCommand(
            kind=CommandKind.REPLACE,
            cmd_id=str(number + 1),
            items=(Item(target=f"./{names}/v{number}", meta=meta, data=TextData(f"{value} {number}")),),
        )
        for number in range(COMMANDS)
    ]
    return compose(commands, session_id)[0]


def access_costs() -> tuple[list[Cost], list[Statements]]:
    """Measure what rights cost: the ACL that decides is at the top, and the leaves further and further below."""
    times: dict[str, list[float]] = {}
    statements: list[Statements] = []
    with tempfile.TemporaryDirectory() as folder:
        for depth in DEPTHS:
            where = Path(folder) / str(depth)
            where.mkdir()
            bench = Bench(where)
            nodes = [leaf(f"v{number}", "old") for number in range(COMMANDS)]
            for level in reversed(range(depth - 1)):
                nodes = [interior(f"d{level}", nodes)]
            apply(bench.tree, adding(nodes, ".", 1)[0])
            name = f"{depth} names deep"
            times[name] = []
            for number in range(8):
                octets = replacing(depth, f"new {number}", number + 2)
                seconds = timed(lambda octets=octets, bench=bench: apply(bench.tree, octets))  # type: ignore[misc]
                if number:
                    times[name].append(seconds)
            found = bench.statements(replacing(depth, "counted", 100))
            statements.append(Statements(f"{COMMANDS:,} Replace, {name}", found, found / COMMANDS))
            bench.close()
        for count in SIZES:
            where = Path(folder) / f"add{count}"
            where.mkdir()
            bench = Bench(where)
            found = bench.statements(adding(one_object(count, "one"), ".", 1)[0])
            statements.append(Statements(f"Add of one object, {count:,} nodes", found, found))
            bench.close()
    return costs(f"{COMMANDS:,} Replace of a leaf", COMMANDS, times, {}), statements


def commit_costs() -> list[Cost]:
    """Measure what one flush costs: the same row stored with and without."""
    times: dict[str, list[float]] = {"not flushed (synchronous=OFF)": [], "flushed (synchronous=FULL)": []}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for number in range(61):
            for name, kind in zip(times, ("OFF", "FULL"), strict=True):
                bench.hand.execute(f"PRAGMA synchronous = {kind}")
                row = (f"x{number}{kind}", "chr", "value", "", None, None, "text/plain", 0)
                times[name].append(timed(lambda row=row: bench.insert([row])))  # type: ignore[misc]
        bench.close()
    return costs("a transaction of one row", 1, times, {})


def run() -> tuple[list[Cost], list[Cost], list[Cost], list[Statements]]:
    """Return the costs of adding, of rights and of one flush, and the numbers of statements."""
    add = [
        cost for count, rounds in SIZES.items() for cost in add_costs("Add, one object", one_object, ".", count, rounds)
    ]
    add += add_costs("Add to the Inbox, 100 NAP objects", access_points, "./Inbox", 1_000, SIZES[1_000])
    rights, statements = access_costs()
    return add, rights, commit_costs(), statements


def growth(rows: Sequence[Cost]) -> str:
    """Say how the time per node grows from the smallest message on."""
    found = {
        row.count: row.seconds / row.count * 1e6
        for row in rows
        if row.contestant == APPLY and row.what.startswith("Add, one")
    }
    texts = ", ".join(f"{cost:,.0f}" for cost in found.values())
    ratio = found[1_000] / found[10]
    return f"`DeviceTree.apply`: {texts} us per node from small to large; a node of 1,000 to a node of 10: {ratio:.2f}"


def table(rows: Sequence[Cost], unit: str = "node") -> str:
    """Return costs as a Markdown table."""
    lines = [f"| message | contestant | time | per {unit} | ratio | aim |", "|---|---|---:|---:|---:|---:|"]
    for row in rows:
        aim = "" if row.aim is None else f"{row.aim:.2f}"
        lines.append(
            f"| {row.what} | {row.contestant} | {row.seconds * 1e3:,.2f} ms "
            f"| {row.seconds / row.count * 1e6:,.1f} us | {row.ratio:.2f} | {aim} |"
        )
    return "\n".join(lines)


def statement_table(rows: Sequence[Statements]) -> str:
    """Return numbers of statements as a Markdown table."""
    lines = ["| message | statements | per command |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {row.what} | {row.queries:,} | {row.per_command:,.2f} |" for row in rows)])


def main() -> None:
    """Print the comparison."""
    add, rights, commit, statements = run()
    print(f"{table(add)}\n\n{growth(add)}\n\n{table(rights, 'command')}\n")
    print(f"{statement_table(statements)}\n\n{table(commit, 'row')}")


if __name__ == "__main__":
    main()
