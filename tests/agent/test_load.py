"""Many clients at one time while the card is pulled and swapped and pcscd is killed: no wrong verdict, no silence.

Two cards have an account of one server with two secrets. A message made with one secret is authorized by one card and
refused by the other, so a verdict that mixes cards or generations shows.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from smartcard_dm.agent.keeper import Patience
from smartcard_dm.agent.sources import source_for
from smartcard_dm.dm import ServerId
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.secret import Secret
from smartcard_dm.server import issue
from smartcard_dm.xmlsec import SecretSigningKey
from tests.agent.cards import ANOTHER_SECRET, ICCID, OTHER_ICCID, OTHER_SECRET, SECRET, Cards
from tests.agent.serving import DM_WBXML, WAIT_SECONDS, ServedAgent
from tests.pcsc.cards import WatchedCard
from vendor_pcsc.virtual import VirtualCard, load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendor_pcsc.virtual.lab import PcscLab

CLIENTS: Final = 200
MESSAGES: Final = 20
TYPED: Final = {
    "card-absent", "card-removed", "card-changed", "card-unreadable", "reader-lost", "starting",
}  # fmt: skip
PATIENCE: Final = Patience(retries=(0.2, 0.2, 0.5), removal=0.5)
TEXT: Final = 2_300 * "x"


def message(secret: str) -> bytes:
    commands = (
        "<SyncBody><Replace><CmdID>1</CmdID><Item><Target><LocURI>./Vendor/A</LocURI></Target>"
        f"<Data>{TEXT}</Data></Item></Replace><Final/></SyncBody>"
    )
    return issue(commands.encode(), ServerId("com.example.dms"), SecretSigningKey(Secret(secret.encode())))


@dataclass
class Seen:
    """What all clients saw."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    cards: dict[int, set[str]] = field(default_factory=dict)
    fewest: int = 0

    def note(self, status: int, form: dict[str, Any], made_for: str) -> None:
        provenance = form["provenance"]
        if status == 200:
            self.cards.setdefault(provenance["generation"], set()).add(provenance["card_id"])
            verdict = form["verdict"]
            wanted = "authorized" if provenance["card_id"] == made_for else "refused"
            self.answers[verdict["verdict"]] += 1
            if verdict["verdict"] != wanted or verdict["rule"] not in {None, "signature.value"}:
                self.wrong.append(f"{made_for}: {json.dumps(form)[:400]}")
        else:
            self.answers[form["code"]] += 1
            if form["code"] not in TYPED:
                self.wrong.append(json.dumps(form))


async def client(path: Path, number: int, seen: Seen, done: Event) -> int:
    made_for, secret = ((ICCID, SECRET), (OTHER_ICCID, OTHER_SECRET))[number % 2]
    octets = message(secret)
    request = (
        f"POST /v1/verify?transport=local HTTP/1.1\r\nHost: x\r\nContent-Type: {DM_WBXML}\r\n"
        f"Content-Length: {len(octets)}\r\n\r\n"
    ).encode() + octets
    reader, writer = await asyncio.open_unix_connection(str(path))
    count = 0
    while count < MESSAGES or not done.is_set():
        writer.write(request)
        async with asyncio.timeout(WAIT_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            form = json.loads(await reader.readexactly(int(length[1])))
        seen.note(int(head.split()[1]), form, made_for)
        count += 1
    writer.close()
    await writer.wait_closed()
    return count


def loaded(agent: ServedAgent, chaos: Callable[[], None]) -> Seen:
    """Run all clients until the chaos is over and each has had its messages."""
    seen, done, failed = Seen(), Event(), []

    def trouble() -> None:
        try:
            chaos()
        except Exception as error:  # noqa: BLE001 - it is told by the test, not by a thread
            failed.append(error)
        finally:
            done.set()

    async def everybody() -> list[int]:
        return await asyncio.gather(*(client(agent.path, number, seen, done) for number in range(CLIENTS)))

    thread = Thread(target=trouble)
    thread.start()
    try:
        seen.fewest = min(asyncio.run(everybody()))
    finally:
        thread.join()
    assert failed == []
    return seen


def card(uri: str) -> WatchedCard:
    profile = load_profile(Path(uri.removeprefix("profile:")), generators=GENERATORS)
    return WatchedCard(VirtualCard(profile))


def test_no_wrong_verdict_while_cards_come_and_go(lab: PcscLab, tmp_path: Path, cards: Cards) -> None:
    first, second = card(cards.usim()), card(cards.other(ANOTHER_SECRET))
    reader = lab.put(first)

    def swap(card: WatchedCard) -> None:
        # pcscd looks at its readers every 0.4 s: a virtual card is exchanged in less, and then nobody can know.
        lab.remove()
        lab.put(card)

    def chaos() -> None:
        sleep(0.5)
        lab.remove()
        sleep(0.3)
        lab.put(second)
        agent.becomes("present")
        sleep(0.3)
        swap(first)
        agent.becomes("present")
        lab.kill_service()
        agent.becomes("service-lost")
        lab.start_service()
        agent.becomes("present")
        swap(second)
        agent.becomes("present")
        sleep(0.3)

    with ServedAgent(source_for(f"pcsc:{reader}"), tmp_path, patience=PATIENCE) as agent:
        agent.becomes_present_at_last()
        seen = loaded(agent, chaos)
        assert seen.wrong == []
        assert all(len(found) == 1 for found in seen.cards.values())
        assert {next(iter(found)) for found in seen.cards.values()} == {ICCID, OTHER_ICCID}
        assert seen.answers["authorized"] > 0
        assert seen.answers["refused"] > 0
        assert seen.answers.keys() & {"card-absent", "card-removed"}
        assert seen.answers.keys() & {"reader-lost"}
        assert seen.fewest >= MESSAGES
        assert agent.verify(message(OTHER_SECRET)).form["verdict"]["verdict"] == "authorized"


def test_the_card_is_left_alone_under_load(lab: PcscLab, tmp_path: Path, cards: Cards) -> None:
    standing = card(cards.usim())
    reader = lab.put(standing)
    with ServedAgent(source_for(f"pcsc:{reader}"), tmp_path, patience=PATIENCE) as agent:
        agent.becomes_present_at_last()
        commands = len(standing.commands)
        seen = loaded(agent, lambda: None)
        assert len(standing.commands) == commands
        assert seen.wrong == []
        assert seen.answers.total() >= CLIENTS * MESSAGES
        assert len(seen.cards) == 1
        agent.counts("connections", 0)
