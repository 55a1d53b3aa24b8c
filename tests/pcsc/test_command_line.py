"""What a lab engineer does: `vcard serve` in one terminal, `accounts --card pcsc:` in another, pcscd between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest

from vendor_pcsc.readers import list_readers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.virtual.lab import PcscLab

ROOT = Path(__file__).parents[2]
SERVERS = {name: ["com.example.dms", "com.example.backup"] for name in ("usim", "sim", "uicc-2g", "ruim")} | {
    "cp": ["com.example.dms", "com.example.cp"]
}
SECONDS = 60


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "smartcard_dm", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Copy octets until one side closes, then close the other: the lab's reader listens in a network of its own."""
    with suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def served(lab: PcscLab, profile: str, engine: str) -> Iterator[subprocess.Popen[str]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(SECONDS)
        port = str(listening.getsockname()[1])
        with start("vcard", "serve", f"fixtures/cards/{profile}.yaml", "--engine", engine, "--port", port) as process:
            try:
                card, _ = listening.accept()
                with card, lab.dial() as reader:
                    ways = [Thread(target=pass_on, args=pair, daemon=True) for pair in ((card, reader), (reader, card))]
                    for each in ways:
                        each.start()
                    yield process
                    process.send_signal(signal.SIGTERM)
                    process.wait(SECONDS)
                    for each in ways:
                        each.join(SECONDS)
            finally:
                process.kill()
    wait_for_card(lab.readers[0], there=False)


def wait_for_card(reader: str, *, there: bool) -> None:
    deadline = monotonic() + SECONDS
    while not any(each.name == reader and each.card_present is there for each in list_readers()):
        assert monotonic() < deadline, f"{reader}: card_present never became {there}"
        sleep(0.05)


@pytest.mark.parametrize("engine", ["python", "jcardsim"])
@pytest.mark.parametrize("profile", SERVERS)
def test_a_served_card_lists_its_accounts_through_pcscd(lab: PcscLab, profile: str, engine: str) -> None:
    with served(lab, profile, engine) as card:
        wait_for_card(lab.readers[0], there=True)
        with start("accounts", "--card", "pcsc:", "--json") as accounts:
            output, errors = accounts.communicate(timeout=SECONDS)
    assert (accounts.returncode, errors) == (0, "")
    assert [each["server_id"] for each in json.loads(output)["accounts"]] == SERVERS[profile]
    assert card.returncode == 0
