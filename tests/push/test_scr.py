"""SCR item DM-SM-S-005, between both programs as installed: each transport with its security and without."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests.cli.running import CARD, SIGNED, environment, schema
from tests.cli.trees import audit, new_tree
from tests.push.tls import issue_cert, make_ca

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).with_name("smartcard-dm"))
ON_CARD = ("--card", CARD, "--pin-env", "CARD_PIN")
ENV = {"IMSI": "001010123456789", "ANOTHER": "001010999999999", "CARD_PIN": "1234"}
SECONDS = 60
DM_WBXML = "application/vnd.syncml.dm+wbxml"


@contextmanager
def receiver(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], IO[str], str]]:
    """Give a `receive` that listens, its lines, and its address; it is ended."""
    process = subprocess.Popen(
        [PROGRAM, "receive", *map(str, arguments), "--json"],
        env={**environment(), **ENV},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["event"] == "begin"
        ready = json.loads(process.stdout.readline())
        schema("receive-listening").validate(ready)
        yield process, process.stdout, ready["address"]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def push(*arguments: str | Path) -> None:
    done = subprocess.run(
        [PROGRAM, "push", *map(str, arguments)],
        env={**environment(), **ENV},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr


def in_the_clear(address: str) -> None:
    """Post a message without TLS, which `push http` does not do."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    try:
        connection.request("POST", "/", SIGNED.read_bytes(), {"Content-Type": DM_WBXML})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (202, b""), "whatever the verdict is, the answer is the same"
    finally:
        connection.close()


def verdict(lines: IO[str]) -> tuple[str, int, str | None]:
    line: dict[str, Any] = json.loads(lines.readline())
    schema("receive-line").validate(line)
    return line["verdict"], line["step"], line["rule"]


@pytest.mark.parametrize("transport", ["wap", "http", "sip"])
def test_dm_sm_s_005_m_the_security_of_each_transport_is_employed(transport: str, tmp_path: Path) -> None:
    """B.2: "Transport specific security MUST be employed": a push proves itself, and is taken in by that proof."""
    tree = new_tree(tmp_path)
    ca = make_ca(tmp_path)
    host = issue_cert(ca, "device")
    with_tls = ("--listen", "127.0.0.1:0", "--cert", host.certificate, "--key", host.key)
    listen = {"wap": ("--udp", "127.0.0.1:0"), "http": with_tls, "sip": with_tls}[transport]
    with receiver(transport, *listen, *ON_CARD, "--tree", tree) as (process, lines, address):
        if transport == "wap":
            push("wap", SIGNED, "--udp", address, "--imsi-env", "IMSI")
        elif transport == "http":
            push("http", f"https://{address}/", SIGNED, "--ca", ca.file)
        else:
            push("sip", f"sips:device@{address}", SIGNED, "--ca", ca.file)
        assert verdict(lines) == ("authorized", 12, None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    row = audit(tree)[-1]
    assert (row["action"], row["transport"]) == ("apply", transport)
    assert row["evidence"]


@pytest.mark.parametrize(
    ("transport", "rule"),
    [("wap", "transport.wap.mac"), ("http", "transport.http.no-tls"), ("sip", "transport.sip.no-tls")],
)
def test_dm_sm_s_005_m_a_push_without_it_is_refused_at_step_9(transport: str, rule: str, tmp_path: Path) -> None:
    """The same message, whose signature is good, through an open door."""
    tree = new_tree(tmp_path)
    listen = {
        "wap": ("--udp", "127.0.0.1:0"),
        "http": ("--listen", "127.0.0.1:0", "--plain"),
        "sip": ("--listen", "127.0.0.1:0", "--tcp"),
    }[transport]
    with receiver(transport, *listen, *ON_CARD, "--tree", tree) as (process, lines, address):
        if transport == "wap":
            push("wap", SIGNED, "--udp", address, "--imsi-env", "ANOTHER")
        elif transport == "http":
            in_the_clear(address)
        else:
            push("sip", f"sip:device@{address};transport=tcp", SIGNED, "--unsecured")
        assert verdict(lines) == ("refused", 9, rule)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    row = audit(tree)[-1]
    assert (row["action"], row["transport"], row["pushed"]["rule"]) == ("refuse", transport, rule)
    assert row["subject"] == "com.example.dms", "the signature was looked at before: the server is known"


def test_dm_sm_s_005_m_a_sender_does_not_speak_to_a_stranger(tmp_path: Path) -> None:
    """The sender asks for the receiver's proof as well."""
    mine, other = make_ca(tmp_path, "mine"), make_ca(tmp_path, "other")
    host = issue_cert(other, "device")
    listen = ("--listen", "127.0.0.1:0", "--cert", host.certificate, "--key", host.key)
    for transport, scheme in (("http", "https://{}/"), ("sip", "sips:device@{}")):
        audit_file = tmp_path / f"{transport}.jsonl"
        with receiver(transport, *listen, *ON_CARD, "--audit", audit_file) as (process, _, address):
            done = subprocess.run(
                [PROGRAM, "push", transport, scheme.format(address), str(SIGNED), "--ca", str(mine.file)],
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
            assert done.returncode == 1
            assert "certificate" in done.stderr
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        assert not any('"message"' in line for line in audit_file.read_text().splitlines())
