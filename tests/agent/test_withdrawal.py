"""Trust ends with the card, as clients see it: a card moved many times while some verify and one follows the events."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from smartcard_dm.agent.keeper import Patience
from smartcard_dm.agent.sources import source_for
from tests.agent.cards import ICCID, OTHER_ICCID
from tests.agent.serving import DM_WBXML, SIGNED, WAIT_SECONDS, ServedAgent
from tests.agent.test_load import card

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.cards import Cards
    from vendor_pcsc.virtual.lab import PcscLab

MOVES: Final = 12
CLIENTS: Final = 8
ENDING: Final = {"card-removed", "card-changed", "reader-lost", "card-unreadable", "card-locked"}
PATIENCE: Final = Patience(retries=(0.1, 0.2), removal=0.5)


@dataclass
class Told:
    """What the stream said, and what verdicts said after it."""

    events: list[dict[str, Any]] = field(default_factory=list)
    withdrawn_below: int = 0
    """Every generation below this one had ended when the last event came."""
    stale: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)

    def hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event["kind"] in ENDING:
            self.withdrawn_below = max(self.withdrawn_below, event["generation"])


async def follow(path: Path, told: Told, after: str) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(f"GET /v1/events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {after}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        while True:
            line = await reader.readline()
            if line.startswith(b"data: "):
                told.hear(json.loads(line[6:]))
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def verify(path: Path, told: Told, done: Event) -> None:
    reader, writer = await asyncio.open_unix_connection(str(path))
    pinned = 0
    while not done.is_set():
        # What the stream said before this request was sent holds for its answer.
        ended = told.withdrawn_below
        pin = f"If-Generation: {pinned}\r\n" if pinned else ""
        writer.write(
            f"POST /v1/verify?transport=local HTTP/1.1\r\nHost: a\r\nContent-Type: {DM_WBXML}\r\n{pin}"
            f"Content-Length: {len(SIGNED)}\r\n\r\n".encode()
            + SIGNED
        )
        async with asyncio.timeout(WAIT_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            form = json.loads(await reader.readexactly(int(head.partition("content-length: ")[2].split()[0])))
        status, generation = int(head.split()[1]), form["provenance"]["generation"]
        code = form.get("code", "verdict")
        told.answers[code] = told.answers.get(code, 0) + 1
        if status == 200:
            if generation < ended or (pinned and generation != pinned):
                told.stale.append(f"{ended} had begun, {pinned} was wanted: {json.dumps(form['provenance'])}")
            if form["provenance"]["card_id"] not in {ICCID, OTHER_ICCID} or form["provenance"]["state"] != "present":
                told.stale.append(json.dumps(form["provenance"]))
        elif (status, code) not in {(410, "card-removed"), (409, code)} or form["status"] != status:
            told.stale.append(json.dumps(form))
        pinned = generation if status == 200 else 0
    writer.close()
    await writer.wait_closed()


async def everybody(path: Path, told: Told, done: Event, after: str) -> None:
    following = asyncio.create_task(follow(path, told, after))
    await asyncio.gather(*(verify(path, told, done) for _ in range(CLIENTS)))
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


def test_no_verdict_outlives_the_news_of_its_card(lab: PcscLab, tmp_path: Path, cards: Cards) -> None:
    pair = card(cards.usim()), card(cards.other())
    reader, told, done = lab.put(pair[0]), Told(), Event()
    with ServedAgent(source_for(f"pcsc:{reader}"), tmp_path, patience=PATIENCE) as agent:
        agent.becomes_present_at_last()
        after = agent.events.text(agent.events.last)

        def move() -> None:
            for number in range(MOVES):
                # Sometimes before it was read, sometimes so quickly that the service may not see it.
                lab.remove(wait=number % 3 != 0)
                sleep((0.0, 0.05, 0.3)[number // 3 % 3])
                lab.put(pair[number // 2 % 2], wait=number % 2 == 0)
                sleep((0.2, 0.0, 0.05)[number // 2 % 3])
            sleep(1.0)
            done.set()

        moving = Thread(target=move)
        moving.start()
        try:
            asyncio.run(everybody(agent.path, told, done, after))
        finally:
            done.set()
            moving.join()
    assert told.stale == []
    numbers = [int(event["id"].rpartition("-")[2]) for event in told.events]
    first = int(after.rpartition("-")[2])
    assert numbers == list(range(first + 1, first + 1 + len(numbers)))
    generations = [event["generation"] for event in told.events]
    assert generations == sorted(generations)
    kinds = [event["kind"] for event in told.events]
    assert kinds.count("card-removed") >= MOVES // 3
    assert told.answers["verdict"] > 0
    assert told.answers["card-absent"] > 0
