"""The private service itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pcsc.cards import uicc
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.virtual.lab import SOCKET_VARIABLE, PcscLab

if TYPE_CHECKING:
    from vendor_pcsc.virtual.vpcd import Card


def test_a_process_has_one_lab(lab: PcscLab) -> None:
    assert os.environ[SOCKET_VARIABLE] == lab.environment[SOCKET_VARIABLE]
    with pytest.raises(RuntimeError, match="has a lab already: share it"), PcscLab():
        pass


@pytest.mark.parametrize("readers", [0, 17])
def test_the_number_of_readers_has_bounds(readers: int) -> None:
    with pytest.raises(ValueError, match="1 to 16 readers"):
        PcscLab(readers)


def test_a_slot_holds_one_card(lab: PcscLab) -> None:
    lab.put(uicc())
    with pytest.raises(ValueError, match="holds a card: remove it before"):
        lab.put(uicc())


def test_the_service_runs_once(lab: PcscLab) -> None:
    with pytest.raises(ReaderError, match="pcscd is running already"):
        lab.start_service()


def test_nothing_lies_where_a_system_service_lies(lab: PcscLab) -> None:
    path = Path(lab.environment[SOCKET_VARIABLE])
    assert path.is_socket()
    assert path.parts[:3] != ("/", "run", "pcscd")


def test_a_lab_that_is_not_running_says_so() -> None:
    for use in (PcscLab().start_service, PcscLab().kill_service):
        with pytest.raises(ReaderError, match="the lab is not running"):
            use()


def test_a_lab_of_another_process_stands_beside_and_leaves_nothing(lab: PcscLab, tmp_path: Path) -> None:
    """Its process is killed in the middle; the service goes with it."""
    script = """
import os, signal, sys
from vendor_pcsc.readers import connect
from vendor_pcsc.virtual.lab import PcscLab

class Card:
    def process(self, apdu): return b"\\x90\\x00"
    def reset(self): return bytes.fromhex("3B00")

with PcscLab(1) as lab:
    lab.put(Card())
    connection = connect()
    assert connection.protocol == "T=0" and connection.transmit(b"\\0\\xa4\\0\\0") == b"\\x90\\0"
    print(lab.environment["PCSCLITE_CSOCK_NAME"], flush=True)
    if sys.argv[1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    assert lab.readers
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    for how in ("leave", "kill"):
        command = [sys.executable, "-c", script, how]
        # The pipe ends only when every process that inherited it has ended.
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout.strip(), done.stderr
        assert done.returncode == (0 if how == "leave" else -9), done.stderr
        with pytest.raises(OSError, match=r"refused|No such file"):
            _connect_to(done.stdout.strip())
        deadline = time.monotonic() + 10
        while list(tmp_path.iterdir()):
            assert time.monotonic() < deadline, list(tmp_path.iterdir())
            time.sleep(0.01)


def _connect_to(path: str) -> None:

    for _ in range(300):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
        time.sleep(0.01)


def test_without_the_driver_the_packages_are_named(monkeypatch: pytest.MonkeyPatch, session_lab: PcscLab) -> None:
    lab = PcscLab()
    monkeypatch.setattr("vendor_pcsc.virtual.lab._DRIVERS", ())
    with pytest.raises(ReaderError, match="apt-get install pcscd vsmartcard-vpcd"):
        lab._write_configuration()
    assert session_lab.readers


def test_a_card_needs_no_base_class() -> None:
    card: Card = uicc()
    assert card.reset()
