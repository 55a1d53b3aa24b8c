"""`vcard serve`: a card behind a reader that this test plays, frame by frame; tests/pcsc has the real one."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ATR = bytes.fromhex("3B9F96811FC78031E073FE2113444D4C4142303031C9")
USIM = "fixtures/cards/usim.yaml"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "smartcard_dm", "vcard", "serve", *arguments]


@contextmanager
def reader(*arguments: str) -> Iterator[tuple[socket.socket, subprocess.Popen[str]]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(120)
        port = str(listening.getsockname()[1])
        with subprocess.Popen(
            command(*arguments, "--port", port), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                connection, _ = listening.accept()
                with connection:
                    connection.settimeout(60)
                    yield connection, process
            finally:
                process.kill()


def exchange(connection: socket.socket, frame: bytes) -> bytes:
    connection.sendall(len(frame).to_bytes(2, "big") + frame)
    length = int.from_bytes(receive(connection, 2), "big")
    return receive(connection, length)


def receive(connection: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        octets += connection.recv(count - len(octets))
    return octets


@pytest.mark.parametrize("engine", ["python", "jcardsim"])
def test_a_card_answers_its_reader_until_it_is_told_to_leave(engine: str) -> None:
    with reader(USIM, "--engine", engine) as (connection, process):
        connection.sendall(b"\x00\x01\x01")  # power on
        assert exchange(connection, b"\x04") == ATR
        assert exchange(connection, bytes.fromhex("00A40004023F00"))[-2:] == b"\x90\x00"
        assert exchange(connection, bytes.fromhex("00A40804022FE200"))[-2:] == b"\x90\x00"
        iccid = exchange(connection, bytes.fromhex("00B000000A"))
        assert iccid == bytes.fromhex("988812010000400310F09000")
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.splitlines()[:2] == ["card inserted", "card powered"]


def test_a_profile_that_is_wrong_or_missing_is_one_line() -> None:
    for arguments, code in ((["no-such.yaml"], 3), (["README.md"], 4)):
        done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr


def test_a_reader_elsewhere_is_refused() -> None:
    done = subprocess.run(
        command(USIM, "--host", "192.0.2.1"), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert "only loopback addresses" in done.stderr
