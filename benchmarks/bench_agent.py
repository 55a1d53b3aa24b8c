"""An agent under load: 200 clients at one time have messages of 3 kB verified against one card behind pcscd.

The agent is a process of its own, as its users start it; the clients are in this one and share the machine with it.
Run alone it takes a duration: `python -m benchmarks.bench_agent --seconds 60`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import ServerId
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.server import issue
from smartcard_dm.xmlsec import PrivateSigningKey
from vendor_pcsc.virtual import insert_card, load_profile
from vendor_pcsc.virtual.lab import PcscLab

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

CLIENTS: Final = 200
SECONDS: Final = 10.0
MESSAGE_OCTETS: Final = 3_000
_ROOT: Final = Path(__file__).parents[1]
_MEDIA: Final = "application/vnd.syncml.dm+wbxml"
_VALUE: Final = "a value of some length, as names and addresses have it: number {number} of many"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured."""

    clients: int
    seconds: float
    message_octets: int
    requests: int
    errors: int
    """Answers that were no verdict "authorized"."""
    p50: float
    """Seconds of one request, as a client sees it."""
    p99: float
    longest: float
    fewest: int
    """Requests of the client that got the fewest."""
    most: int
    memory: tuple[int, int, int]
    """Octets the agent had at the beginning, in the middle, at the end."""
    apdus: int
    """Commands sent to the card during the load."""

    @property
    def rate(self) -> float:
        """Verdicts in a second."""
        return self.requests / self.seconds


def message(octets: int = MESSAGE_OCTETS) -> bytes:
    """Return a signed message of about so many octets, for the card of the fixtures."""
    key = PrivateSigningKey.from_pem((_ROOT / "fixtures/keys/dms-rsa.pem").read_bytes())
    made, count = b"", 0
    while len(made) < octets:
        count += 1
        commands = "".join(
            f"<Replace><CmdID>{number}</CmdID><Item><Target><LocURI>./Vendor/Node{number}</LocURI></Target>"
            f"<Data>{_VALUE.format(number=number)}</Data></Item></Replace>"
            for number in range(1, count + 1)
        )
        made = issue(f"<SyncBody>{commands}<Final/></SyncBody>".encode(), ServerId("com.example.dms"), key)
    return made


def run(seconds: float = SECONDS, clients: int = CLIENTS) -> Figures:
    """Start an agent, load it, and return the figures.

    Raises:
        RuntimeError: the agent did not start.
    """
    octets = message()
    profile = load_profile(_ROOT / "fixtures/cards/usim.yaml", generators=GENERATORS)
    with PcscLab(2) as lab, tempfile.TemporaryDirectory() as folder:
        reader = lab.put(insert_card(profile))
        path = Path(folder) / "run" / "agent.sock"
        command = [sys.executable, "-m", "smartcard_dm", "agent", "serve", "--card", f"pcsc:{reader}"]
        with _agent([*command, "--socket", str(path), "--log-level", "warning"]) as agent:
            line = agent.stdout.readline() if agent.stdout is not None else ""
            if not line.startswith("listening on "):
                raise RuntimeError(f"the agent did not start: {line}")
            try:
                return asyncio.run(_Load(path, agent.pid, octets, clients).measure(seconds))
            finally:
                agent.terminate()
                agent.wait(30)


def text(figures: Figures) -> str:
    """Return the figures as a page shows them."""
    latencies = (figures.p50, figures.p99, figures.longest)
    first, middle, last = (octets / 1e6 for octets in figures.memory)
    return f"""| what | figure |
|---|---:|
| clients at one time, duration | {figures.clients}, {figures.seconds:.0f} s |
| message | {figures.message_octets:,} octets |
| requests, of them without a good verdict | {figures.requests:,}, {figures.errors} |
| verdicts in a second | {figures.rate:,.0f} |
| latency p50, p99, longest | {", ".join(f"{each * 1e3:.0f} ms" for each in latencies)} |
| requests of the client with the fewest, with the most | {figures.fewest}, {figures.most} |
| memory of the agent: begin, middle, end | {first:.0f} MB, {middle:.0f} MB, {last:.0f} MB |
| commands to the card during the load | {figures.apdus} |"""


def _agent(command: list[str]) -> AbstractContextManager[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


class _Load:
    """The clients of one run."""

    def __init__(self, path: Path, pid: int, octets: bytes, clients: int) -> None:
        self._path = path
        self._pid = pid
        self._octets = octets
        self._request = (
            f"POST /v1/verify?transport=local HTTP/1.1\r\nHost: localhost\r\nContent-Type: {_MEDIA}\r\n"
            f"Content-Length: {len(octets)}\r\n\r\n"
        ).encode() + octets
        self._counts = [0] * clients
        self._times: list[float] = []
        self._errors = 0

    async def measure(self, seconds: float) -> Figures:
        """Load the agent for so long."""
        for _ in range(20):
            await self._client(0, 0.0)  # what is made once is made before
        self._counts[0], self._times, self._errors = 0, [], 0
        apdus, memory = await self._apdus(), [self._memory()]
        clients = [asyncio.create_task(self._client(number, seconds)) for number in range(len(self._counts))]
        started = perf_counter()
        await asyncio.sleep(seconds / 2)
        memory.append(self._memory())
        await asyncio.gather(*clients)
        elapsed = perf_counter() - started
        memory.append(self._memory())
        cuts = quantiles(self._times, n=100)
        return Figures(
            len(self._counts),
            elapsed,
            len(self._octets),
            len(self._times),
            self._errors,
            cuts[49],
            cuts[98],
            max(self._times),
            min(self._counts),
            max(self._counts),
            (memory[0], memory[1], memory[2]),
            await self._apdus() - apdus,
        )

    async def _client(self, number: int, seconds: float) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        end = perf_counter() + seconds
        while True:
            started = perf_counter()
            writer.write(self._request)
            body = await _body(reader)
            self._times.append(perf_counter() - started)
            self._counts[number] += 1
            if b'"verdict":"authorized"' not in body:
                self._errors += 1
            if perf_counter() >= end:
                break
        writer.close()
        await writer.wait_closed()

    async def _apdus(self) -> int:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        body = await _body(reader)
        writer.close()
        await writer.wait_closed()
        found = re.search(rb"^smartcard_dm_agent_apdus_total (\S+)$", body, re.MULTILINE)
        return int(float(found[1])) if found else -1

    def _memory(self) -> int:
        pages = Path(f"/proc/{self._pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"\r\ncontent-length: (\d+)\r\n", head, re.IGNORECASE)
    return await reader.readexactly(int(found[1]) if found else 0)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    given = parser.parse_args()
    print(text(run(given.seconds, given.clients)))


if __name__ == "__main__":
    main()
