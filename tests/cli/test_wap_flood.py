"""A flood of datagrams: what the listener does not read is counted, and the end of the command says how many."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from smartcard_dm.limits import DEFAULT_LIMITS
from tests.cli.receivers import HOST, PROGRAM, SECONDS
from tests.cli.running import CARD, environment, schema

if TYPE_CHECKING:
    from pathlib import Path

SENT = 3 * DEFAULT_LIMITS.receive_per_second


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_every_datagram_is_told_or_counted(tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    command = [PROGRAM, "receive", "wap", "--udp", f"{HOST}:0", "--card", CARD, "--pin-env", "CARD_PIN", "--json"]
    with (
        told.open("wb") as stdout,
        subprocess.Popen(
            command, stdout=stdout, stderr=subprocess.PIPE, env={**environment(), "CARD_PIN": "1234"}
        ) as run,
    ):
        try:
            deadline = time.monotonic() + SECONDS
            while len(lines(told)) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            port = int(json.loads(lines(told)[1])["address"].rpartition(":")[2])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.connect((HOST, port))
                for _ in range(SENT):
                    sender.send(b"\x00")
            time.sleep(0.5)
            run.send_signal(signal.SIGTERM)
            assert run.wait(SECONDS) == 0
        finally:
            run.kill()
    last = json.loads(lines(told)[-1])
    schema("receive-end").validate(last)
    assert last["received"] == len(lines(told)) - 3
    assert 0 < last["received"] < SENT
    # The kernel itself may drop some before anybody reads them; none is counted twice, but for the row of the rate.
    assert 0 < last["not_taken"] <= SENT + 2 - last["received"]
