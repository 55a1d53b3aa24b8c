"""The whole agent: a card behind pcscd, both clients, curl and the watch, while the card leaves and comes back."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from smartcard_dm.client import AgentClient, AsyncAgentClient
from smartcard_dm.errors import AgentCardError
from smartcard_dm.personalise import GENERATORS
from tests.cli.running import ROOT, SIGNED
from tests.client.live import SECONDS, running_agent, socket_folder
from tests.processes import killed_after
from vendor_pcsc.virtual import VirtualCard, load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.client import VerdictAnswer
    from vendor_pcsc.virtual.lab import PcscLab

SERVERS = ["com.example.dms", "com.example.backup"]
OCTETS = SIGNED.read_bytes()
BOTH = ["sync", "async"]


def usim() -> VirtualCard:
    return VirtualCard(load_profile(ROOT / "fixtures/cards/usim.yaml", generators=GENERATORS))


def verified(kind: str, socket: Path, generation: int | None = None) -> VerdictAnswer:
    """Ask for the verdict on the signed message, with one of the two clients."""
    if kind == "sync":
        with AgentClient(socket) as client:
            return client.verify(OCTETS, transport="local", expect_generation=generation)

    async def ask() -> VerdictAnswer:
        async with AsyncAgentClient(socket) as client:
            return await client.verify(OCTETS, transport="local", expect_generation=generation)

    return asyncio.run(ask())


def curl(socket: Path, path: str, *options: str) -> tuple[int, Any]:
    command = ["curl", "-sS", "--max-time", "30", "--unix-socket", str(socket), "-w", "\n%{http_code}", *options]
    done = subprocess.run([*command, f"http://agent{path}"], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def curl_verify(socket: Path, *options: str) -> tuple[int, Any]:
    kind = "Content-Type: application/vnd.syncml.dm+wbxml"
    return curl(socket, "/v1/verify?transport=local", "-H", kind, "--data-binary", f"@{SIGNED}", *options)


def test_a_card_comes_goes_and_comes_back(lab: PcscLab) -> None:
    reader = lab.put(usim())
    with socket_folder() as folder, running_agent(folder / "a", f"pcsc:{reader}"):
        socket = folder / "a"
        before = [verified(kind, socket) for kind in BOTH]
        assert [answer.authorized for answer in before] == [True, True]
        (generation,) = {answer.provenance.generation for answer in before}
        status, listed = curl(socket, "/v1/accounts")
        assert (status, [account["server_id"] for account in listed["accounts"]]) == (200, SERVERS)
        status, judged = curl_verify(socket)
        assert (status, judged["verdict"]["verdict"]) == (200, "authorized")
        watch = [sys.executable, "-m", "smartcard_dm", "agent", "watch", "--json", "--socket", str(socket)]
        start = judged["provenance"]["event_id"]
        with (
            subprocess.Popen([*watch, "--after", start], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
            killed_after(process),
        ):
            assert process.stdout is not None
            lab.remove()
            gone = [json.loads(process.stdout.readline()) for _ in range(3)]
            for kind in BOTH:
                with pytest.raises(AgentCardError) as caught:
                    verified(kind, socket, generation)
                assert (caught.value.code, caught.value.status) == ("card-removed", 410)
            assert [curl(socket, path)[0] for path in ("/v1/accounts", "/v1/card")] == [409, 200]
            status, problem = curl_verify(socket)
            assert (status, problem["code"]) == (409, "card-absent")
            lab.put(usim())
            back = [json.loads(process.stdout.readline()) for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        assert [each["kind"] for each in gone] == ["card-removed", "account-removed", "account-removed"]
        assert [each["kind"] for each in back] == ["card-inserted", "account-added", "account-added"]
        status, problem = curl_verify(socket, "-H", f"If-Generation: {generation}")
        assert (status, problem["code"]) == (409, "card-changed")
        again = [verified(kind, socket) for kind in BOTH]
        assert [answer.authorized for answer in again] == [True, True]
        assert {answer.provenance.generation for answer in again} == {back[0]["generation"]}
        assert back[0]["generation"] > generation
