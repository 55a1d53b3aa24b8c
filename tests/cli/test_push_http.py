"""`push http` and `receive http` as processes, one pushing to the other with a self-made authority."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import (
    CARD,
    COMMANDS,
    KEYS,
    SERVER_ID,
    SIGNED,
    check_layout,
    environment,
    error_of,
    run,
    run_process,
    schema,
)
from tests.cli.trees import audit, item, message, provisioned, value_of
from tests.push.http_lab import HOST, request
from tests.push.tls import Ca, Issued, issue_cert, make_ca
from tests.receive.things import provisioning_octets

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).with_name("smartcard-dm"))
PASSWORD = "the password of a test key"
NAME = "./DMAcc/dms/Name"
SECONDS = 60


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


class Receiver:
    """A `receive http` that runs, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.begin = self.line()
        self.listening = self.line()
        schema("receive-begin").validate(self.begin)
        schema("receive-listening").validate(self.listening)
        self.port = int(self.listening["address"].rpartition(":")[2])
        self.url = f"https://{HOST}:{self.port}/"

    def line(self) -> dict[str, Any]:
        """Return its next line."""
        assert self.process.stdout is not None
        line: dict[str, Any] = json.loads(self.process.stdout.readline())
        return line

    def verdict(self) -> dict[str, Any]:
        """Return what became of the next push."""
        line = self.line()
        schema("receive-line").validate(line)
        return line

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """End it; return its exit code, the lines it still wrote, and stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=SECONDS)
        lines = [json.loads(line) for line in out.splitlines()]
        schema("receive-end").validate(lines[-1])
        return self.process.returncode, lines, err


@contextmanager
def receiving(*arguments: object) -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    process = subprocess.Popen(
        [PROGRAM, "receive", "http", "--listen", f"{HOST}:0", "--json", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with process:
        try:
            yield Receiver(process)
        finally:
            if process.poll() is None:
                process.kill()


def tls(host: Issued) -> tuple[str | Path, ...]:
    return "--cert", host.certificate, "--key", host.key


def test_what_is_issued_is_pushed_received_checked_and_applied(tmp_path: Path, ca: Ca, host: Issued) -> None:
    tree = tmp_path / "t.db"
    assert run("tree", "init", tree).code == 0
    with receiving(*tls(host), "--card", CARD, "--tree", tree) as receiver:
        assert receiver.begin["accounts"] > 0
        assert receiver.listening["security"] == "TLS"
        key = str(KEYS / "dms-rsa.pem")
        issuing = [PROGRAM, "issue", str(COMMANDS), "--server-id", SERVER_ID, "--key", key, "-o", "-"]
        issued = subprocess.run(issuing, capture_output=True, check=True, env=environment(), timeout=SECONDS).stdout
        pushed = run_process("push", "http", receiver.url, "-", "--ca", ca.file, "--json", stdin=issued)
        schema("push-http").validate(pushed.json)
        assert (pushed.code, pushed.json["octets"], pushed.json["to"]) == (0, len(issued), receiver.url)
        assert pushed.json["evidence"].endswith("certificate of CN=host")
        line = receiver.verdict()
        assert (line["verdict"], line["server_id"], line["octets"]) == ("authorized", SERVER_ID, len(issued))
        assert line["transport"]["kind"] == "http"
        assert line["transport"]["secured"] is True
        assert line["changes"] > 0
        assert run_process("push", "http", receiver.url, "-", "--ca", ca.file, stdin=issued).code == 0
        assert receiver.verdict()["rule"] == "replay.seen"
        code, (end,), err = receiver.end()
    assert (code, err) == (0, "")
    assert (end["received"], end["authorized"], end["refused"]) == (2, 1, 1)
    assert [row["action"] for row in audit(tree)][-2:] == ["apply", "refuse"]


def test_a_stranger_is_told_no_more_than_a_friend(tmp_path: Path, ca: Ca, host: Issued) -> None:
    tree = provisioned(tmp_path)
    good = message(tmp_path, item("Replace", NAME, "new"))
    bad = tmp_path / "bad"
    bad.write_bytes(good.read_bytes()[:-1] + b"\x00")
    cp = tmp_path / "cp"
    cp.write_bytes(provisioning_octets("com.example.new"))
    answers = []
    with receiving(*tls(host), "--tree", tree) as receiver:
        for file, options in ((good, ()), (bad, ()), (cp, ("--content", "cp"))):
            pushed = run("push", "http", receiver.url, file, "--ca", ca.file, *options)
            check_layout(pushed.stdout)
            answers.append((pushed.code, pushed.stdout.replace(f"{file.stat().st_size} octets", "")))
        verdicts = [(line["verdict"], line["document"]) for line in (receiver.verdict() for _ in range(3))]
    assert len(set(answers)) == 1
    assert verdicts == [("authorized", "message"), ("refused", "message"), ("authorized", "client-provisioning")]
    assert value_of(tree, NAME) == "new"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_answered_before_a_signal_has_its_verdict_and_its_row(
    tmp_path: Path, ca: Ca, host: Issued, number: signal.Signals
) -> None:
    tree = provisioned(tmp_path)
    octets = [
        message(tmp_path, item("Replace", NAME, f"name {at}"), name=f"m{at}", session_id=str(at)).read_bytes()
        for at in range(1, 41)
    ]
    taken: list[int] = []

    def push(port: int, part: list[bytes]) -> None:
        context = ssl.create_default_context(cafile=ca.file)
        with (
            socket.create_connection((HOST, port), timeout=SECONDS) as wire,
            context.wrap_socket(wire, server_hostname=HOST) as connection,
        ):
            for each in part:
                connection.sendall(request(each, close=False))
                if not connection.recv(1000).startswith(b"HTTP/1.1 202 "):
                    return
                taken.append(1)

    with receiving(*tls(host), "--tree", tree) as receiver:
        pushing = [Thread(target=push, args=(receiver.port, octets[at::4])) for at in range(4)]
        for each in pushing:
            each.start()
        first = receiver.verdict()
        code, lines, err = receiver.end(number)
        for each in pushing:
            each.join(SECONDS)
    assert (code, err) == (0, "")
    told = [first, *lines[:-1]]
    assert [line["verdict"] for line in told] == ["authorized"] * len(told)
    assert len(told) >= len(taken) >= 1
    assert lines[-1]["received"] == len(told)
    assert len([row for row in audit(tree) if row["action"] == "apply"]) == len(told)


def listener_of(receiver: Receiver) -> int:
    """Return the process that listens for a receiver."""
    pid = receiver.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def test_a_listener_that_is_killed_is_a_fault_and_what_it_answered_is_applied(
    tmp_path: Path, ca: Ca, host: Issued
) -> None:
    tree = provisioned(tmp_path)
    files = [message(tmp_path, item("Replace", NAME, str(at)), name=f"m{at}", session_id=str(at)) for at in range(1, 6)]
    with receiving(*tls(host), "--tree", tree) as receiver:
        for file in files:
            assert run("push", "http", receiver.url, file, "--ca", ca.file).code == 0
        os.kill(listener_of(receiver), signal.SIGKILL)
        out, err = receiver.process.communicate(timeout=SECONDS)
    lines = [json.loads(line) for line in out.splitlines()]
    assert receiver.process.returncode == 70
    assert [line["verdict"] for line in lines[:-1]] == ["authorized"] * 5
    schema("receive-end").validate(lines[-1])
    assert lines[-1]["received"] == 5
    (told,) = err.splitlines()
    assert "the process that listens is lost: it was ended by signal 9" in told
    assert value_of(tree, NAME) == "5"


def test_a_listener_that_is_ended_by_a_signal_ends_its_receiver_in_order(tmp_path: Path, ca: Ca, host: Issued) -> None:
    with receiving(*tls(host), "--card", CARD, "--audit", tmp_path / "audit") as receiver:
        assert run("push", "http", receiver.url, SIGNED, "--ca", ca.file).code == 0
        os.kill(listener_of(receiver), signal.SIGTERM)
        out, err = receiver.process.communicate(timeout=SECONDS)
    assert (receiver.process.returncode, err) == (0, "")
    assert json.loads(out.splitlines()[-1])["received"] == 1


def test_each_fault_of_a_request_has_its_line_and_its_row(tmp_path: Path, ca: Ca, host: Issued) -> None:
    del ca
    tree = provisioned(tmp_path)
    with receiving(*tls(host), "--tree", tree) as receiver:
        with socket.create_connection((HOST, receiver.port), timeout=SECONDS) as wire:
            wire.sendall(request())
            assert wire.recv(100) == b""
        line = receiver.verdict()
        assert (line["verdict"], line["document"], line["rule"]) == ("refused", "envelope", "http.not-tls")
        code, (_,), err = receiver.end()
    assert (code, err) == (0, "")
    assert audit(tree)[-1]["action"] == "refuse"


def test_whom_senders_have_to_be_is_asked(tmp_path: Path, ca: Ca, host: Issued) -> None:
    locked = issue_cert(ca, "dms", client=True, passphrase=PASSWORD.encode())
    shown = ("--cert", locked.certificate, "--key", locked.key, "--key-password-env", "PASSWORD")
    audit_file = tmp_path / "audit"
    with receiving(*tls(host), "--client-ca", ca.file, "--card", CARD, "--audit", audit_file) as receiver:
        assert receiver.listening["security"] == "TLS, certificate asked for"
        assert run("push", "http", receiver.url, SIGNED, "--ca", ca.file).code == 0
        line = receiver.verdict()
        assert (line["step"], line["rule"]) == (9, "transport.http.client-unknown")
        assert run("push", "http", receiver.url, SIGNED, "--ca", ca.file, *shown, env={"PASSWORD": PASSWORD}).code == 0
        assert receiver.verdict()["verdict"] == "authorized"
    assert len(audit_file.read_text().splitlines()) == 2
    with receiving(*tls(host), "--client-ca", ca.file, "--require-client", "--card", CARD) as receiver:
        error = error_of(run("push", "http", receiver.url, SIGNED, "--ca", ca.file, "--json"))
        assert (error["kind"], error["exit_code"]) == ("PushError", 1)
        assert receiver.verdict()["rule"] == "http.handshake"


def test_in_the_clear_every_message_is_refused(tmp_path: Path) -> None:
    with receiving("--plain", "--path", "/push", "--count", "1", "--card", CARD, "--audit", tmp_path / "a") as receiver:
        assert "in the clear" in receiver.listening["security"]
        with socket.create_connection((HOST, receiver.port), timeout=SECONDS) as wire:
            wire.sendall(request(SIGNED.read_bytes(), path="/push"))
            assert wire.recv(100).startswith(b"HTTP/1.1 202 ")
        line = receiver.verdict()
        assert (line["step"], line["rule"]) == (9, "transport.http.no-tls")
        out, err = receiver.process.communicate(timeout=SECONDS)
        assert receiver.process.returncode == 1
        assert "1 of 1 messages are not authorized" in err
        schema("receive-end").validate(json.loads(out))


def test_the_text_form_fits_the_pipe(tmp_path: Path, ca: Ca, host: Issued) -> None:
    process = subprocess.Popen(
        [PROGRAM, "receive", "http", "--listen", "localhost:0", "--count", "1", "--card", CARD]
        + [str(word) for word in ("--audit", tmp_path / "audit", *tls(host))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while "listening" not in lines[-1].lower():
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        port = next(word for word in lines[-1].replace(",", " ").split() if word.startswith(f"{HOST}:"))
        assert run("push", "http", f"https://{port}/", SIGNED, "--ca", ca.file).code == 0
        out, err = process.communicate(timeout=SECONDS)
        assert (process.returncode, err) == (0, "")
        assert out.startswith("AUTHORIZED com.example.dms")


def test_a_busy_port_is_told(ca: Ca, host: Issued) -> None:
    del ca
    with socket.create_server((HOST, 0)) as busy:
        port = busy.getsockname()[1]
        outcome = run("receive", "http", "--listen", f"{HOST}:{port}", *tls(host), "--card", CARD)
    assert outcome.code == 2
    assert f"nobody can listen on {HOST}:{port}: Address already in use; give another address" in outcome.line


def test_keys_that_do_not_fit_are_told(tmp_path: Path, ca: Ca, host: Issued) -> None:
    another = issue_cert(ca, "another")
    locked = issue_cert(ca, "locked", passphrase=PASSWORD.encode())
    empty = tmp_path / "empty"
    empty.touch()
    faults = (
        (("--cert", host.certificate, "--key", another.key), "the private key is not of the certificate"),
        (("--cert", locked.certificate, "--key", locked.key), "the key needs a passphrase"),
        (
            ("--cert", locked.certificate, "--key", locked.key, "--key-password-env", "PASSWORD"),
            "the passphrase of the key is wrong",
        ),
        (("--cert", host.certificate, "--key", tmp_path / "none"), "No such file or directory"),
        (("--cert", empty), "not a certificate and key"),
        ((*tls(host), "--client-ca", empty), "not a certificate and key"),
    )
    for options, told in faults:
        outcome = run("receive", "http", *options, "--card", CARD, env={"PASSWORD": "another password"})
        assert outcome.code == 4
        assert told in outcome.line
        assert "another password" not in outcome.line


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "give --cert and --key"),
        (("--cert", "a", "--require-client"), "--require-client goes with --client-ca"),
        (("--plain", "--cert", "a"), "--plain speaks no TLS"),
        (("--plain", "--path", "push"), "--path begins with /"),
        (("--plain", "--path", "/a?b"), "--path begins with /"),
        (("--plain", "--listen", "8443"), "no HOST:PORT"),
        (("--plain", "--listen", "no-such-host.invalid:0"), "nobody can listen on no-such-host.invalid:0"),
    ],
)
def test_a_wrong_command_line_is_told(options: tuple[str, ...], told: str) -> None:
    outcome = run("receive", "http", *options, "--card", CARD)
    assert outcome.code == 2
    assert told in outcome.line


@pytest.mark.parametrize("timeout", ["nan", "0", "-1", "inf", "601"])
def test_a_time_to_wait_has_an_end(timeout: str) -> None:
    outcome = run("push", "http", "https://127.0.0.1/", SIGNED, "--timeout", timeout)
    assert outcome.code == 2
    assert "--timeout" in outcome.line


def test_what_cannot_be_pushed_is_told(tmp_path: Path, ca: Ca) -> None:
    empty, large = tmp_path / "empty", tmp_path / "large"
    empty.touch()
    large.write_bytes(bytes((1 << 20) + 1))
    url = f"https://{HOST}:1/"
    assert "it is empty" in run("push", "http", url, empty, "--ca", ca.file).line
    assert "message_octets" in run("push", "http", url, large, "--ca", ca.file).line
    refused = run("push", "http", url, SIGNED, "--ca", ca.file)
    assert (refused.code, "it cannot be reached (Connection refused)" in refused.line) == (1, True)
    clear = run("push", "http", f"http://{HOST}:1/", SIGNED, "--ca", ca.file)
    assert (clear.code, "HTTP in the clear has no security" in clear.line) == (1, True)
    assert run("push", "http", url, SIGNED, "--ca", tmp_path / "none").code == 4
    assert run("push", "http", url, SIGNED, "--key", "a").code == 2
