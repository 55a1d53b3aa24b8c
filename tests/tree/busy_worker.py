"""One of several processes on one tree: waits for a line, does its part, and tells on stdout what came of it (JSON).

apply FILE SEED    give every message to the tree, in an order of its own, until each was applied by somebody
sync FILE TIMES    put one card in and then the other, so many times
read FILE          look at the tree until stdin is closed
create FILE        make the tree
die FILE           apply the first message, and die without closing the file
"""

from __future__ import annotations

import json
import os
import select
import sys
from random import Random
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import TreeError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import DeviceTree
from tests.materials import NOW
from tests.tree.device import ICCID, INFORMATION, A, B, C, account, add, card, command, message, push, replace

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES: Final = 40
COUNTER: Final = "./Counter"
CARDS: Final = (card(account(A), account(B)), card(account(A), account(C), iccid=ICCID[::-1]))

Result = dict[str, object]


def messages() -> list[bytes]:
    """Return the messages: each adds a node of its own, and all of them change one. Every fifth is of server B."""
    return [
        message(
            command("Atomic", add(f"./Shared/n{number}", f"of message {number}"), replace(COUNTER, str(number))),
            server_of(number),
            session_id=str(number + 1),
        )
        for number in range(MESSAGES)
    ]


def server_of(number: int) -> str:
    """Return the server that sends a message; B is known only while the first card is in."""
    return B if number % 5 == 0 else A


def make(path: str) -> None:
    """Make the tree that the messages are for."""
    with DeviceTree.create(path, INFORMATION, at=NOW) as tree:
        tree.sync(CARDS[0], at=NOW)
        push(tree, message(add(COUNTER, "-") + add("./Shared"), A, session_id="0"))
        with tree._database.writing():
            for name in ("Counter", "Shared"):
                row = tree.nodes.get(name)
                assert row is not None
                acl = "Add=*&Get=*&Replace=*"  # entries for B would go with its account
                tree.nodes.change(row, row._replace(acl=acl), "20260701T120000Z")


def apply(path: str, seed: str) -> Result:
    """Apply every message until it is in effect, whoever applied it."""
    rest = list(enumerate(messages()))
    chance = Random(seed)  # noqa: S311 - an order, nothing to guess
    applied: list[int] = []
    without_account = 0
    errors: list[str] = []
    while rest:
        chance.shuffle(rest)
        again = []
        for number, octets in rest:
            try:
                with DeviceTree.open(path) as tree:
                    done = push(tree, octets)
                assert all(row.status.is_success for row in done.report), done.report
                applied.append(number)
            except VerificationError as error:
                if error.rule is Rule.ACCOUNT_UNKNOWN and server_of(number) == B:
                    without_account += 1
                    again.append((number, octets))
                elif error.rule is not Rule.REPLAYED:
                    errors.append(str(error))
            except TreeError as error:
                errors.append(str(error))
        rest = again
    return {"applied": applied, "without_account": without_account, "errors": errors}


def sync(path: str, times: str) -> Result:
    """Put the other card in, and the first one again."""
    errors: list[str] = []
    for number in range(1, 2 * int(times) + 1):
        try:
            with DeviceTree.open(path) as tree:
                tree.sync(CARDS[number % 2], at=NOW)
        except TreeError as error:
            errors.append(str(error))
    return {"errors": errors}


def read(path: str) -> Result:
    """Look at the tree; what is seen at one moment fits together."""
    looks = 0
    seen: set[int] = set()
    errors: list[str] = []
    while not select.select([sys.stdin], [], [], 0)[0]:
        try:
            with DeviceTree.open(path) as tree, tree.reading():
                remembered = tree._database.rows("SELECT count(*) FROM replay")
                audited = sum(row.action == "apply" for row in tree.audit.rows())
                added = len(tree.nodes.children("Shared"))
                accounts = {str(each.server_id) for each in tree.credentials().accounts}
        except TreeError as error:
            errors.append(str(error))
            continue
        if remembered != [(audited,)] or audited != added + 1 or accounts not in ({A, B}, {A, C}):
            errors.append(f"{remembered} remembered, {audited} audited, {added} added, {sorted(accounts)}")
        looks += 1
        seen.add(added)
    return {"looks": looks, "states": len(seen), "errors": errors}


def create(path: str) -> Result:
    """Make a tree."""
    try:
        DeviceTree.create(path, INFORMATION, at=NOW).close()
    except TreeError as error:
        return {"made": False, "errors": [error.detail]}
    return {"made": True, "errors": []}


def die(path: str) -> Result:
    """Apply a message and leave SQLite's log behind."""
    push(DeviceTree.open(path), messages()[0])
    os._exit(0)


if __name__ == "__main__":
    messages()  # composed before anybody waits for anybody
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    os.read(0, 1)
    parts: dict[str, Callable[..., Result]] = {
        "apply": apply,
        "sync": sync,
        "read": read,
        "create": create,
        "die": die,
    }
    result = parts[sys.argv[1]](*sys.argv[2:])
    sys.stdout.write(json.dumps(result) + "\n")
