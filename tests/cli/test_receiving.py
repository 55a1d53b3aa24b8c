"""What every `receive` has in common: lines, faults, a disk that is full, a package that is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.push.pushed import Pushed, WapPushed
from smartcard_dm.push.sec_mac import SecMethod
from smartcard_dm.receive.judges import CardJudge, TreeJudge, envelope_outcome, unjudged_outcome
from smartcard_dm.receive.outcome import Verdict
from smartcard_dm.report.pushed import pushed_form, pushed_lines, wap_pushed_lines
from smartcard_dm.report.received import begin_lines, end_form, end_lines, received_form, received_lines
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import TransportKind
from tests.cli.running import CARD, ROOT, SIGNED, check_layout, environment, run, schema
from tests.cli.trees import audit, provisioned
from tests.materials import NOW
from tests.receive.things import arrival, envelope, provisioning, provisioning_octets
from tests.tree.device import A, C, account, add, card, device, message

if TYPE_CHECKING:
    from smartcard_dm.receive.outcome import Outcome

PROGRAM = str(Path(sys.executable).with_name("smartcard-dm"))
# Without bytecode: a process whose files may not grow would leave a part of one, for every other process to read.
ENV = {"PYTHONDONTWRITEBYTECODE": "1", "IMSI": "001010123456789", "CARD_PIN": "1234"}
POLICY = Policy.default().over(TransportKind.WAP)
SECONDS = 60
LOG_KIB = 36
"""What SQLite's index of its log fits into (32), and the log of one message does not."""


def outcomes() -> list[Outcome]:
    """Return one of each kind."""
    tree = TreeJudge(device(), policy=POLICY)
    by_card = CardJudge(card(account(A)), policy=POLICY)
    good = arrival(message(add("./X", "v")), source="+491711234567")
    return [
        tree.judge(good, NOW),
        tree.judge(good, NOW),
        by_card.judge(good, NOW),
        by_card.judge(arrival(message(add("./X"), C)), NOW),
        by_card.judge(arrival(b"?"), NOW),
        by_card.judge(provisioning(provisioning_octets("com.example.new")), NOW),
        by_card.judge(provisioning(b"?"), NOW),
        envelope_outcome(envelope("\x1b[31m\n" * 300), TransportKind.WAP, "\u202e+49", NOW + timedelta(seconds=1)),
        unjudged_outcome(good, NOW, Verdict.FAILED, "the disk is full"),
        unjudged_outcome(good, NOW, Verdict.FAULT, "a fault"),
    ]


# Lines and forms


def test_each_kind_of_outcome_has_its_form() -> None:
    for outcome in outcomes():
        schema("receive-line").validate(received_form(outcome))
        assert json.dumps(received_form(outcome)).isascii()


def test_lines_fit_a_terminal_and_a_pipe_gets_one_line_each() -> None:
    for outcome in outcomes():
        (line,) = received_lines(outcome, None)
        wrapped = received_lines(outcome, 80)
        check_layout("\n".join(wrapped))
        assert " ".join(part.strip() for part in wrapped) == line or len(line) > 500
        assert all(part.startswith("  ") for part in wrapped[1:])


def test_lines_begin_with_the_verdict() -> None:
    begin = [received_lines(outcome, None)[0].partition(", wap from ")[0] for outcome in outcomes()]
    assert begin == [
        f"AUTHORIZED {A}",
        "REFUSED at step 10 by replay.seen",
        f"AUTHORIZED {A}",
        "REFUSED at step 4 by account.unknown",
        "REFUSED at step 1 by wbxml.malformed",
        "READ, NOT APPLIED",
        "REFUSED by client-provisioning.malformed",
        "REFUSED by sms.part-number",
        "FAILED",
        "FAULT",
    ]


def test_the_counts_are_told_at_the_end() -> None:
    counts = {Verdict.AUTHORIZED: 2, Verdict.REFUSED: 1, Verdict.FAILED: 1}
    schema("receive-end").validate(end_form(counts, 3))
    assert end_lines(counts, 3, 80) == ["4 received: 2 authorized, 1 refused, 1 failed, 3 not taken, too many came"]
    assert end_lines({}, 0, 80) == ["0 received: 0 authorized, 0 refused"]
    assert begin_lines("t.db", None, 1, 80) == ["tree t.db: 1 account"]


def test_a_push_that_was_taken_over_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console  # noqa: PLC0415 - as the program does

    for kind in (TransportKind.HTTP, TransportKind.SIP):
        done = Pushed(kind, "https://device.example:8443/", 1411, "TLS 1.3, certificate of CN=device", "202 Accepted")
        schema(f"push-{kind.value}").validate(pushed_form(done))
        Console(width=80).print(pushed_lines(done))
    wap = WapPushed(method=SecMethod.NETWPIN, content_type="x", octets=1, push_octets=60, to="127.0.0.1:2948")
    Console(width=80).print(wap_pushed_lines(wap))
    check_layout("\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()))


# The audit of a tree


def test_the_audit_of_a_tree_shows_and_filters_what_was_refused(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    lines = tmp_path / "lines"
    lines.write_text("zz\n")
    assert run("receive", "wap", lines, "--tree", tree, "--imsi-env", "IMSI", env=ENV).code == 4
    rows = audit(tree, "--action", "refuse")
    assert [row["pushed"]["rule"] for row in rows] == ["sms.pdu-line"]
    assert [row["action"] for row in audit(tree)] == ["init", "sync", "refuse"]
    shown = run("tree", "audit", "--tree", tree, "--action", "refuse")
    check_layout(shown.stdout)
    assert "sms.pdu-line" in shown.stdout
    assert run("tree", "audit", "--tree", tree, "--action", "other").code == 2


# Faults


def process(*command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=stdin.decode(),
        cwd=ROOT,
        env={**environment(), **ENV},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def short_messages(count: int = 1) -> bytes:
    push = [PROGRAM, "push", "wap", str(SIGNED), "--pdu", "--imsi-env", "IMSI", "--reference"]
    return b"".join(process(*push, str(number)).stdout.encode() for number in range(count))


def test_a_disk_that_is_full_fails_the_message_and_ends_the_receiver(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = audit(tree)
    receive = f"exec {PROGRAM} receive wap --tree {tree} --imsi-env IMSI --json"
    done = process("bash", "-c", f"ulimit -f {LOG_KIB}; {receive}", stdin=short_messages(2))
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    _, *lines, end = map(json.loads, done.stdout.splitlines())
    assert {line["verdict"] for line in lines} == {"failed"}
    assert "took no effect" in lines[0]["detail"]
    schema("receive-line").validate(lines[0])
    assert end["failed"] == len(lines)
    assert audit(tree) == before
    again = process(PROGRAM, "receive", "wap", "--tree", str(tree), "--imsi-env", "IMSI", stdin=short_messages())
    assert again.returncode == 0, "the message can still be applied"


def test_a_file_audit_on_a_full_disk_ends_the_receiver(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("x" * 1024 + "\n")
    receive = f"exec {PROGRAM} receive wap --card {CARD} --pin-env CARD_PIN --audit {file}"
    done = process("bash", "-c", f"ulimit -f 1; {receive}", stdin=short_messages())
    assert done.returncode == 2
    assert f"{file}: it cannot be written" in done.stderr
    assert "AUTHORIZED com.example.dms" in done.stdout, "the verdict is not lost with its row"


def test_a_fault_of_this_program_is_told_and_ends_with_its_own_code(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    code = f"""
from smartcard_dm.cli.main import main
from smartcard_dm.receive.judges import CardJudge
def broken(self, arrival, at):
    raise KeyError("octets of a stranger")
CardJudge.judge = broken
main(["receive", "wap", "--card", {CARD!r}, "--pin-env", "CARD_PIN", "--audit", {str(file)!r}])
"""
    done = process(sys.executable, "-c", code, stdin=short_messages())
    assert done.returncode == 70
    assert "FAULT" in done.stdout
    assert "1 received: 0 authorized, 0 refused, 1 fault" in done.stdout
    assert "a fault of this program, not of its input: KeyError" in done.stderr
    assert "octets of a stranger" not in done.stdout + done.stderr
    assert json.loads(file.read_text())["verdict"] == "fault"


@pytest.mark.parametrize("group", ["push", "receive"])
def test_a_package_that_is_missing_is_named_with_its_remedy(group: str) -> None:
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {{'httpx', 'uvicorn', 'httptools'}}:
            raise ModuleNotFoundError(f'no module {{name}}', name=name)
sys.meta_path.insert(0, Blocked())
from smartcard_dm.cli.main import main
main([{group!r}, "http", "--help"])
"""
    done = process(sys.executable, "-c", code)
    assert done.returncode == 2, done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"smartcard-dm: `smartcard-dm {group} http` needs ")
    assert "pip install 'smartcard-dm[http]'" in line
    listed = process(sys.executable, "-c", code.replace('"http", "--help"', '"--help"'))
    assert listed.returncode == 0, "the list of commands needs none of them"
