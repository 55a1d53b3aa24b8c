"""A device that is killed: carries out the same steps each time, and dies where it is told to.

    serve             read requests from stdin, JSON lines; each is carried out by a child: imports are done once
    once WHAT FILE    the same without a child and without a way to die: strace watches this process

A request is `{"file": path, "what": "steps" | "create", "mode": mode, "count": n}`. The child says on its pipe `b3`
before step 3 and `r3` after it returned, and the answer has what it said. Modes, each a way to die at the n-th

    statement         statement of SQL, before it runs
    operation         operation of SQLite's virtual machine
    call              call of a function of the library
    microsecond       microsecond after the first step began
    time              never; the answer has how many microseconds it took
    none              never; the answer has how many there are of each of the others

The file is opened and closed for each step, as a program would that is started for each message: closing copies
SQLite's log into the file, and that has to survive too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.dm import NodeFormat, NodeType, TndsNode, TypeKind
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree import database as database_module
from tests.materials import NOW
from tests.tree.device import (
    ICCID,
    INFORMATION,
    A,
    B,
    C,
    account,
    add,
    card,
    command,
    delete,
    message,
    push,
    replace,
    send_object,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from types import FrameType

    from smartcard_dm.trust.credentials import Credentials

TEXT: Final = NodeType(TypeKind.MIME, "text/plain")
PLAIN: Final = NodeType(TypeKind.DDF_NAME, "")
LIBRARY: Final = str(Path(database_module.__file__).parents[1])


class Step(NamedTuple):
    """One thing that is done to the tree."""

    name: str
    octets: bytes | None = None
    """A message to apply."""
    credentials: Credentials | None = None
    """A card to sync with."""

    def carry_out(self, tree: DeviceTree, number: int) -> None:
        at = NOW + timedelta(minutes=number)
        if self.octets is not None:
            applied = push(tree, self.octets, at=at)
            assert all(row.status.is_success for row in applied.report), applied.report
        else:
            assert self.credentials is not None
            tree.sync(self.credentials, at=at)


def leaf(name: str, value: str) -> TndsNode:
    return TndsNode(name, NodeFormat.CHR, value, type=TEXT)


def interior(name: str, *children: TndsNode) -> TndsNode:
    return TndsNode(name, NodeFormat.NODE, children=children, type=PLAIN)


def branch(name: str, leaves: int) -> TndsNode:
    """Return an interior node with groups of nine leaves."""
    groups = [
        interior(f"g{start}", *(leaf(f"v{at}", f"value {at} of {name}") for at in range(start, min(start + 9, leaves))))
        for start in range(0, leaves, 9)
    ]
    return interior(name, *groups)


def steps() -> list[Step]:
    """Return the steps; their octets are the same in every process, as signatures with a shared secret are."""
    atomic = command(
        "Atomic",
        send_object("Add", ".", branch("Two", 40)),
        replace("./One/g9/v9", "replaced in an Atomic"),
        delete("./One/g18"),
    )
    return [
        Step("an object of 300 nodes", message(send_object("Add", ".", branch("One", 269)), A, session_id="1")),
        Step("a value", message(replace("./One/g0/v0", "replaced"), A, session_id="2")),
        Step("a card's server goes, another comes", None, card(account(A), account(C))),
        Step("an Atomic", message(atomic, A, session_id="3")),
        Step("a branch goes", message(delete("./One/g27"), A, session_id="4")),
        Step("another server", message(add("./Three", "of another server"), C, session_id="1")),
        Step("another card", None, card(account(A), account(B), account(C), iccid=ICCID[::-1])),
        Step("a larger object", message(send_object("Add", ".", branch("Four", 400)), A, session_id="5")),
        Step("all of it goes", message(delete("./Four") + delete("./Two"), A, session_id="6")),
    ]


def make(path: str) -> None:
    """Make the tree that the steps begin with."""
    with DeviceTree.create(path, INFORMATION, at=NOW) as tree:
        tree.sync(card(account(A), account(B)), at=NOW)


class Death:
    """Counts, and kills this process at the right moment."""

    def __init__(self, mode: str, at: int) -> None:
        self.counts = {"statement": 0, "operation": 0, "call": 0}
        self._mode = mode
        self._at = at

    def watch(self) -> None:
        """Watch every connection that is opened from here on, and every call."""
        connect = database_module._connect

        def watched(path: str) -> sqlite3.Connection:
            connection = connect(path)
            if self._mode in {"statement", "none"}:
                connection.set_trace_callback(lambda _: self._one("statement"))
            if self._mode in {"operation", "none"}:
                connection.set_progress_handler(lambda: self._one("operation"), 1)
            return connection

        database_module._connect = watched
        if self._mode in {"call", "none"}:
            sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        del argument
        if event in {"call", "return"} and frame.f_code.co_filename.startswith(LIBRARY):
            self._one("call")

    def _one(self, what: str) -> int:
        self.counts[what] += 1
        if self._mode == what and self.counts[what] == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


def run(path: str, say: Callable[[str], None]) -> None:
    """Carry out all steps."""
    for number, step in enumerate(steps()):
        with DeviceTree.open(path) as tree:
            say(f"b{number}")
            step.carry_out(tree, number)
            say(f"r{number}")


def carry_out(what: str, path: str, say: Callable[[str], None]) -> None:
    """Do what was asked for."""
    if what == "create":
        make(path)
    else:
        run(path, say)


def _child(request: dict[str, object], pipe: int) -> None:
    def say(text: str) -> None:
        os.write(pipe, f"{text} ".encode())

    prepared = steps()  # composing messages is none of what is watched
    del prepared
    mode, at = str(request["mode"]), request["count"]
    assert isinstance(at, int)
    death = Death(mode, at)
    if mode in {"statement", "operation", "call", "none"}:
        death.watch()
    say("start")
    started = time.perf_counter()
    carry_out(str(request["what"]), str(request["file"]), say)
    seconds = time.perf_counter() - started
    sys.setprofile(None)
    say(json.dumps({**death.counts, "microsecond": int(seconds * 1e6)}, separators=(",", ":")))


def _serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            code = 1
            try:
                _child(request, writing)
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        said = b""
        if request["mode"] == "microsecond":
            while b"start" not in said:
                said += os.read(reading, 100)
            time.sleep(request["count"] / 1e6)
            os.kill(child, signal.SIGKILL)
        while more := os.read(reading, 65536):
            said += more
        os.close(reading)
        _, status = os.waitpid(child, 0)
        answer = {"said": said.decode().split(), "status": os.waitstatus_to_exitcode(status)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _once(what: str, path: str) -> None:
    def say(text: str) -> None:
        os.write(1, f"{text} ".encode())

    carry_out(what, path, say)


if __name__ == "__main__":
    _serve() if sys.argv[1] == "serve" else _once(sys.argv[2], sys.argv[3])
