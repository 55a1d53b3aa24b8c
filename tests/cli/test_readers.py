"""`readers` over a real pcscd: what is there, and what happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from smartcard_dm.personalise import GENERATORS
from tests.cli.running import ROOT, schema
from tests.processes import killed_after
from vendor_pcsc.virtual import insert_card, load_profile

if TYPE_CHECKING:
    from vendor_pcsc.virtual import Card
    from vendor_pcsc.virtual.lab import PcscLab

ATR = "3B9F96811FC78031E073FE2113444D4C4142303031C9"
PROGRAM = [sys.executable, "-m", "smartcard_dm"]


def usim() -> Card:
    return insert_card(load_profile(ROOT / "fixtures/cards/usim.yaml", generators=GENERATORS))


def run(*arguments: str, socket: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({} if socket is None else {"PCSCLITE_CSOCK_NAME": socket})}
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_readers_and_their_cards_are_listed(lab: PcscLab) -> None:
    name = lab.put(usim())
    done = run("readers")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{name}\n  card  present\n  ATR   {ATR}\n" in done.stdout
    assert "card  none" in done.stdout
    document = json.loads(run("readers", "--json").stdout)
    schema("readers").validate(document)
    assert document["readers"][0] == {
        "name": name, "card_present": True, "atr": ATR, "in_use": False, "exclusive": False, "mute": False,
    }  # fmt: skip


def test_a_service_that_is_not_there_is_one_line_and_exit_3() -> None:
    done = run("readers", socket="/nonexistent/pcscd.comm")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_the_watch_goes_on_through_cards_and_a_restart_of_the_service(lab: PcscLab) -> None:
    with (
        subprocess.Popen(
            [*PROGRAM, "readers", "--watch", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as watching,
        killed_after(watching),
    ):
        assert watching.stdout is not None
        events = (json.loads(line) for line in watching.stdout)

        def until(kind: str) -> dict[str, str]:
            for event in events:
                schema("reader-event").validate(event)
                if event["event"] == kind:
                    return dict(event)
            raise AssertionError(f"no {kind}")

        assert until("reader_added")["reader"]
        name = lab.put(usim())
        assert until("card_inserted") == {"event": "card_inserted", "reader": name, "atr": ATR}
        lab.kill_service()
        until("service_lost")
        lab.start_service()
        until("service_back")
        assert until("card_inserted")["atr"] == ATR
        lab.remove()
        assert until("card_removed")["reader"] == name
        watching.terminate()
        assert watching.wait(timeout=20) == 0
        assert watching.stderr is not None
        assert watching.stderr.read() == ""
