"""`push sip` and `receive sip` as processes, one pushing to the other with a self-made authority."""

from __future__ import annotations

import json
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from tests.cli.receivers import HOST, receiving
from tests.cli.running import (
    CARD,
    COMMANDS,
    KEYS,
    SERVER_ID,
    SIGNED,
    check_layout,
    error_of,
    run,
    run_process,
    schema,
)
from tests.cli.trees import audit, item, message, provisioned, value_of
from tests.push.tls import issue_cert, make_ca

if TYPE_CHECKING:
    from pathlib import Path

    from tests.push.tls import Ca, Issued

NAME = "./DMAcc/dms/Name"
IMSI = "001010123456789"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


@pytest.fixture(scope="module")
def own(host: Issued) -> tuple[object, ...]:
    """What a receiver proves itself by."""
    return ("--cert", host.certificate, "--key", host.key)


def test_a_message_goes_from_the_server_into_the_tree(ca: Ca, own: tuple[object, ...], tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    replaced = message(tmp_path, item("Replace", NAME, "by SIP push"))
    with receiving("sip", *own, "--tree", tree) as receiver:
        assert receiver.listening["transport"] == "sip"
        assert receiver.listening["security"] == "TLS"
        pushed = run_process("push", "sip", f"sip:device@{HOST}:{receiver.port}", replaced, "--ca", ca.file, "--json")
        schema("push-sip").validate(pushed.json)
        assert pushed.json["to"] == f"sip:{HOST}:{receiver.port}"
        assert pushed.json["status"] == "200 OK"
        verdict = receiver.verdict()
        assert (verdict["verdict"], verdict["server_id"]) == ("authorized", SERVER_ID)
        assert verdict["transport"]["kind"] == "sip"
        assert verdict["transport"]["evidence"].startswith("TLSv1.3, TLS_")
        code, last, err = receiver.end()
    assert (code, last["received"], err) == (0, 1, "")
    assert value_of(tree, NAME) == "by SIP push"
    assert [row["action"] for row in audit(tree)][-1] == "apply"


def test_issue_pipes_into_push(ca: Ca, own: tuple[object, ...]) -> None:
    issued = run("issue", COMMANDS, "--server-id", SERVER_ID, "--key", KEYS / "dms-rsa.pem", "-o", "-")
    with receiving("sip", *own, "--card", CARD, "--count", "1") as receiver:
        address = f"sips:{IMSI}@{HOST}:{receiver.port}"
        pushed = run_process("push", "sip", address, "--ca", ca.file, stdin=issued.octets)
        assert pushed.code == 0
        assert pushed.stdout.startswith(f"PUSHED  {len(issued.octets)} octets to sips:{HOST}:{receiver.port}\n")
        assert IMSI not in pushed.stdout
        check_layout(pushed.stdout)
        assert receiver.verdict()["verdict"] == "authorized"
        receiver.wait()
        code, last, _ = receiver.end()
    assert (code, last["authorized"]) == (0, 1)


def test_a_sender_without_a_certificate_is_refused_and_not_told(ca: Ca, own: tuple[object, ...]) -> None:
    client = issue_cert(ca, "dms", client=True, passphrase=b"the password of a test key")
    proof = ("--cert", client.certificate, "--key", client.key, "--key-password-env", "PASSWORD")
    env = {"PASSWORD": "the password of a test key"}
    with receiving("sip", *own, "--client-ca", ca.file, "--card", CARD) as receiver:
        assert receiver.listening["security"] == "TLS, certificate asked for"
        push = ("push", "sip", f"sip:device@{HOST}:{receiver.port}", SIGNED, "--ca", ca.file)
        told = [run_process(*push).stdout, run_process(*push, *proof, env=env).stdout]
        assert told[0] == told[1]
        refused, authorized = receiver.verdict(), receiver.verdict()
        assert (refused["verdict"], refused["step"], refused["rule"]) == ("refused", 9, "transport.sip.peer-unknown")
        assert authorized["verdict"] == "authorized"
        assert authorized["transport"]["evidence"].endswith("certificate of CN=dms")
        assert receiver.end(signal.SIGINT)[0] == 0


def test_a_required_certificate(ca: Ca, own: tuple[object, ...]) -> None:
    with receiving("sip", *own, "--client-ca", ca.file, "--require-client", "--card", CARD) as receiver:
        assert receiver.listening["security"] == "TLS, certificate required"
        failed = run_process("push", "sip", f"sip:device@{HOST}:{receiver.port}", SIGNED, "--ca", ca.file)
        assert failed.code == 1
        assert "asks for a certificate" in failed.line
        verdict = receiver.verdict()
        assert (verdict["document"], verdict["rule"]) == ("envelope", "sip.tls")


def test_a_lab_in_the_clear(tmp_path: Path) -> None:
    with receiving("sip", "--tcp", "--card", CARD) as receiver:
        assert receiver.listening["security"].startswith("none")
        address = f"sip:device@{HOST}:{receiver.port};transport=tcp"
        held_back = run_process("push", "sip", address, SIGNED)
        assert held_back.code == 2
        assert "--unsecured" in held_back.line
        assert run_process("push", "sip", address, SIGNED, "--unsecured").code == 0
        verdict = receiver.verdict()
        assert (verdict["verdict"], verdict["step"], verdict["rule"]) == ("refused", 9, "transport.sip.no-tls")
        secured = tmp_path / "nobody.pem"
        secured.write_bytes(make_ca(tmp_path).file.read_bytes())
        no_tls = run_process("push", "sip", f"sip:{HOST}:{receiver.port}", SIGNED, "--ca", secured)
        assert no_tls.code == 1
        assert "TLS did not come about" in no_tls.line
        assert receiver.verdict()["rule"] == "sip.start-line"


def test_nobody_answers() -> None:
    with socket.create_server((HOST, 0)) as silent:
        address = f"sip:device@{HOST}:{silent.getsockname()[1]};transport=tcp"
        outcome = run("push", "sip", address, SIGNED, "--unsecured", "--timeout", "0.3", "--json")
    error = error_of(outcome)
    assert (error["kind"], error["exit_code"]) == ("PushError", 1)
    assert "no answer within 0.3 s" in error["message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sip:device@h:0",), "port"),
        (("tel:1",), "sip:"),
        (("sip:device@h", "--from", "nobody"), "sip:"),
        (("sip:device@h", "--timeout", "0"), "--timeout"),
        (("sip:device@h", "--timeout", "nan"), "--timeout"),
        (("sip:device@h", "--key", "k"), "--cert"),
        (("sip:device@h", "--key-password-env", "A", "--key-password-file", "f", "--cert", "c"), "one of"),
    ],
)
def test_command_lines_that_push_nothing(arguments: tuple[str, ...], said: str) -> None:
    outcome = run("push", "sip", *arguments, stdin=SIGNED.read_bytes())
    assert outcome.code == 2
    assert said in outcome.line


def test_a_host_that_is_no_name_is_told(ca: Ca) -> None:
    outcome = run("push", "sip", "sips:a..b", SIGNED, "--ca", ca.file)
    assert outcome.code == 1
    assert "no way there: it is no name of a host" in outcome.line


def test_messages_that_are_none(tmp_path: Path, ca: Ca) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(DEFAULT_LIMITS.message_octets + 1))
    for arguments, said in (((), "empty"), ((large,), "message_octets")):
        outcome = run("push", "sip", "sip:device@h", *arguments, "--ca", ca.file, stdin=b"")
        assert outcome.code == 4
        assert said in outcome.line


def test_files_of_tls_that_cannot_be_used(ca: Ca, host: Issued, tmp_path: Path) -> None:
    other = issue_cert(ca, "locked", passphrase=b"the password of a test key")
    push = ("push", "sip", "sip:device@h", SIGNED)
    for arguments, said in (
        ((*push, "--ca", tmp_path / "none"), "No such file"),
        ((*push, "--ca", ca.file, "--cert", other.certificate, "--key", other.key), "passphrase"),
        (("receive", "sip", "--cert", other.certificate, "--key", host.key, "--card", CARD), "not of the certificate"),
    ):
        outcome = run(*arguments)
        assert outcome.code == 4
        assert said in outcome.line
        assert "--key-password" in outcome.line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--cert"),
        (("--cert", "c", "--require-client"), "--client-ca"),
        (("--tcp", "--cert", "c"), "--tcp"),
        (("--tcp", "--require-client"), "--tcp"),
        (("--tcp", "--listen", "127.0.0.1"), "HOST:PORT"),
        (("--tcp", "--listen", "127.0.0.1:65536"), "HOST:PORT"),
        (("--tcp", "--listen", "::1:5061"), "HOST:PORT"),
        (
            ("--tcp", "--listen", "192.0.2.1:5061"),
            "192.0.2.1:5061: Cannot assign requested address;",
        ),
    ],
)
def test_command_lines_that_receive_nothing(arguments: tuple[str, ...], said: str) -> None:
    outcome = run("receive", "sip", *arguments, "--card", CARD)
    assert outcome.code == 2
    assert said in outcome.line


def test_an_address_in_use(own: tuple[object, ...]) -> None:
    with socket.create_server((HOST, 0)) as taken:
        address = f"{HOST}:{taken.getsockname()[1]}"
        outcome = run("receive", "sip", *map(str, own), "--listen", address, "--card", CARD)
    assert outcome.code == 2
    assert f"nobody can listen on {address}" in outcome.line


def test_an_audit_holds_what_was_refused_before_it_was_a_message(own: tuple[object, ...], tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    with receiving("sip", *own, "--card", CARD, "--audit", file) as receiver:
        with socket.create_connection((HOST, receiver.port)) as wire:
            wire.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"SIP" not in wire.recv(100)
        assert receiver.verdict()["rule"] == "sip.tls"
        assert receiver.end()[0] == 0
    (row,) = map(json.loads, file.read_text().splitlines())
    assert (row["verdict"], row["rule"], row["transport"]["kind"]) == ("refused", "sip.tls", "sip")
