"""`push wap` and `receive wap`: from a message to short messages, and from those to a verdict (DM-SM-S-005)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.sec_mac import MacKeys, SecMethod
from smartcard_dm.push.segmentation import segment, sms_deliver
from smartcard_dm.push.sms_address import Address
from smartcard_dm.push.sms_pdu import Pdu, parse_pdu_line
from smartcard_dm.push.sms_tpdu import Deliver, Submit, parse_tpdu
from smartcard_dm.push.wap_push import compose_wap_push, open_wap_push
from smartcard_dm.secret import Secret
from tests.cli.running import CARD, COMMANDS, KEYS, SERVER_ID, SIGNED, Outcome, check_layout, environment, run, schema
from tests.cli.trees import audit, item, message, new_tree, provisioned, value_of
from tests.materials import NOW
from tests.receive.things import provisioning_octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = str(Path(sys.executable).with_name("smartcard-dm"))
IMSI = "001010123456789"
PIN = {"CARD_PIN": "1234"}
ON_CARD = ("--card", CARD, "--pin-env", "CARD_PIN")
USER_PIN = "59823"
ENV = {**PIN, "IMSI": IMSI, "USER_PIN": USER_PIN}
SECONDS = 60


def program(*arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Outcome:
    """Run the installed program; neither stream may hold the IMSI or a PIN."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=stdin,
        env={**environment(), **ENV, **(env or {})},
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    stdout = done.stdout.decode("utf-8", "replace")
    outcome = Outcome(done.returncode, stdout, done.stdout, done.stderr.decode())
    assert "Traceback" not in outcome.stderr
    for hidden in (IMSI, IMSI[:-1] + "8", USER_PIN):
        assert hidden not in outcome.stdout + outcome.stderr
    return outcome


def pushed(*arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """Return the lines of `push wap --pdu`."""
    outcome = program("push", "wap", *arguments, "--pdu", stdin=stdin, env=env)
    assert outcome.code == 0, outcome.stderr
    return outcome.octets


def received(*arguments: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the lines of `receive wap --json` between the first and the last, each checked against its schema."""
    outcome = program("receive", "wap", *arguments, "--json", stdin=stdin, env=env)
    begin, *lines, end = [json.loads(line) for line in outcome.stdout.splitlines()]
    schema("receive-begin").validate(begin)
    schema("receive-end").validate(end)
    for line in lines:
        schema("receive-line").validate(line)
    assert end["received"] == len(lines)
    others = len(lines) - end["authorized"]
    malformed = sum(line["step"] in {0, 1} or line["document"] == "envelope" for line in lines)
    complete = not any(line["rule"] == "sms.set-incomplete" for line in lines)
    assert outcome.code == (0 if not others else 4 if malformed == others and complete else 1)
    return lines


def said(lines: list[dict[str, Any]]) -> list[tuple[str, int | None, str | None]]:
    return [(line["verdict"], line["step"], line["rule"]) for line in lines]


# From one end to the other


def test_issue_push_receive_apply(tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    shell = (
        f"{PROGRAM} issue {COMMANDS} --server-id {SERVER_ID} --key {KEYS}/dms-rsa.pem -o - 2>{tmp_path}/err"
        f" | {PROGRAM} push wap --pdu --imsi-env IMSI"
        f" | {PROGRAM} receive wap --card {CARD} --pin-env CARD_PIN --tree {tree} --json"
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        env={**environment(), **ENV},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    begin, line, end = map(json.loads, done.stdout.splitlines())
    assert begin["card"]["iccid"] == "8988211000000430010"
    assert (line["verdict"], line["server_id"], line["step"]) == ("authorized", SERVER_ID, 12)
    assert line["transport"] == {"kind": "wap", "secured": True, "evidence": "NETWPIN with the card's IMSI"}
    assert {row["status"] for row in line["report"]} == {200}
    assert line["changes"] > 0
    assert (end["received"], end["authorized"]) == (1, 1)
    rows = audit(tree)
    assert [row["action"] for row in rows] == ["init", "sync", "apply"]
    assert (rows[2]["transport"], rows[2]["evidence"]) == ("wap", "NETWPIN with the card's IMSI")


def test_a_wrong_imsi_is_refused_at_step_9_and_changes_nothing(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = value_of(tree, "./DMAcc/dms/Name")
    lines = pushed(SIGNED, "--imsi-env", "IMSI", env={"IMSI": IMSI[:-1] + "8"})
    (line,) = received(*ON_CARD, "--tree", tree, stdin=lines)
    assert said([line]) == [("refused", 9, "transport.wap.mac")]
    assert line["clause"] == "OMA-TS-DM_Sessionless 5.3"
    assert line["server_id"] == SERVER_ID
    assert value_of(tree, "./DMAcc/dms/Name") == before
    (row,) = audit(tree, "--action", "refuse")
    assert (row["subject"], row["pushed"]["rule"], row["pushed"]["step"]) == (SERVER_ID, "transport.wap.mac", 9)
    assert row["digest"] == line["sha256"]


def test_a_message_takes_effect_once(tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    one, two = (pushed(SIGNED, "--imsi-env", "IMSI", "--reference", number) for number in "12")
    assert said(received(*ON_CARD, "--tree", tree, stdin=one + two)) == [
        ("authorized", 12, None),
        ("refused", 10, "replay.seen"),
    ]
    assert [row["action"] for row in audit(tree)] == ["init", "sync", "apply", "refuse"]


METHODS = {
    "NETWPIN": (("--imsi-env", "IMSI"), (), "the card's IMSI"),
    "USERPIN": (("--user-pin-env", "USER_PIN"), ("--user-pin-env", "USER_PIN"), "the user's PIN"),
    "USERNETWPIN": (
        ("--imsi-env", "IMSI", "--user-pin-env", "USER_PIN"),
        ("--user-pin-env", "USER_PIN"),
        "the card's IMSI and the user's PIN",
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_each_method_proves_a_push(method: str) -> None:
    push_keys, receive_keys, named = METHODS[method]
    lines = pushed(SIGNED, "--sec", method, *push_keys)
    (line,) = received(*ON_CARD, "--sec", method, *receive_keys, stdin=lines)
    assert said([line]) == [("authorized", 12, None)]
    assert line["transport"]["evidence"] == f"{method} with {named}"


def test_check_digits_prove_a_push_when_the_user_enters_them() -> None:
    outcome = program("push", "wap", SIGNED, "--pdu", "--sec", "userpinmac", "--user-pin-env", "USER_PIN")
    assert outcome.code == 0
    digits = outcome.stderr.rpartition(": ")[2].strip()
    assert len(digits) == len(USER_PIN)
    entry = {"ENTRY": USER_PIN + digits}
    (line,) = received(*ON_CARD, "--user-entry-env", "ENTRY", stdin=outcome.octets, env=entry)
    assert said([line]) == [("authorized", 12, None)]
    wrong = {"ENTRY": USER_PIN + str((int(digits) + 1) % 100_000).rjust(5, "0")}
    (line,) = received(*ON_CARD, "--user-entry-env", "ENTRY", stdin=outcome.octets, env=wrong)
    assert said([line]) == [("refused", 9, "transport.wap.mac")]


def test_the_right_mac_of_another_kind_is_refused() -> None:
    by_user = pushed(SIGNED, "--sec", "USERPIN", "--user-pin-env", "USER_PIN")
    (line,) = received(*ON_CARD, stdin=by_user)
    assert said([line]) == [("refused", 9, "transport.wap.key-none")]
    (line,) = received(*ON_CARD, "--sec", "NETWPIN", "--user-pin-env", "USER_PIN", stdin=by_user)
    assert said([line]) == [("refused", 9, "transport.wap.sec-refused")]


def test_a_users_pin_is_not_found_by_trying() -> None:
    wrong = b"".join(
        pushed(
            SIGNED, "--sec", "USERPIN", "--user-pin-env", "GUESS", "--reference", number, env={"GUESS": f"000{number}"}
        )
        for number in "123"
    )
    right = pushed(SIGNED, "--sec", "USERPIN", "--user-pin-env", "USER_PIN", "--reference", "9")
    lines = received("--card", CARD, "--sec", "USERPIN", "--user-pin-env", "USER_PIN", stdin=wrong + right)
    assert [line["rule"] for line in lines] == ["transport.wap.mac"] * 3 + ["transport.wap.tries"]


def test_a_provisioning_document_is_read_and_not_applied(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    document = tmp_path / "cp.wbxml"
    document.write_bytes(provisioning_octets("com.example.new"))
    good = pushed(document, "--content", "cp", "--imsi-env", "IMSI", "--reference", "1")
    bad = pushed(document, "--content", "cp", "--imsi-env", "IMSI", "--reference", "2", env={"IMSI": "001019999999999"})
    lines = received("--tree", tree, "--imsi-env", "IMSI", stdin=good + bad)
    assert said(lines) == [("authorized", None, None), ("refused", 9, "transport.wap.mac")]
    assert {line["document"] for line in lines} == {"client-provisioning"}
    assert lines[0]["provisions"] == ["the DM account of com.example.new", "NAPDEF"]
    assert (lines[0]["report"], lines[1]["provisions"]) == (None, [])
    assert [row["action"] for row in audit(tree)] == ["init", "sync", "read", "refuse"]
    assert run("tree", "get", "./DMAcc/com.example.new", "--tree", tree).code == 1


def test_a_card_alone_judges_and_a_file_keeps_the_rows(tmp_path: Path) -> None:
    rows = tmp_path / "audit.jsonl"
    lines = pushed(SIGNED, "--imsi-env", "IMSI")
    outcome = program("receive", "wap", *ON_CARD, "--audit", rows, stdin=lines + b"zz\n")
    assert outcome.code == 4
    assert "no audit" not in outcome.stderr
    kept = [json.loads(line) for line in rows.read_text().splitlines()]
    for row in kept:
        schema("receive-line").validate(row)
    assert [row["verdict"] for row in kept] == ["authorized", "refused"]
    assert (kept[0]["report"], kept[0]["commands"]) == (None, 2)
    outcome = program("receive", "wap", *ON_CARD, stdin=lines)
    assert outcome.code == 0
    assert outcome.stderr == "smartcard-dm: no audit is kept: --audit FILE or --tree DB would keep one\n"


# Short messages


def test_pdus_are_short_messages_for_a_modem_or_a_phone() -> None:
    submit = pushed(SIGNED, "--imsi-env", "IMSI", "--to", "+491711234567", "--reference", "7").decode().split()
    tpdus = [parse_tpdu(parse_pdu_line(line).tpdu) for line in submit]
    assert {type(tpdu) for tpdu in tpdus} == {Submit}
    assert all(isinstance(tpdu, Submit) and str(tpdu.destination) == "+491711234567" for tpdu in tpdus)
    assert {line[:2] for line in submit} == {"00"}, "the modem's own service centre, as AT+CMGS wants"
    deliver = pushed(SIGNED, "--imsi-env", "IMSI", "--from", "+49170", "--reference-bits", "16").decode().split()
    tpdus = [parse_tpdu(parse_pdu_line(line).tpdu) for line in deliver]
    assert all(isinstance(tpdu, Deliver) and str(tpdu.originator) == "+49170" for tpdu in tpdus)


def test_what_the_json_says_is_what_the_lines_are() -> None:
    options = ("--imsi-env", "IMSI", "--to", "+49171", "--reference", "7")
    form = program("push", "wap", SIGNED, "--pdu", *options, "--json").json
    schema("push-wap").validate(form)
    lines = [entry["pdu"] for entry in form["pdus"]]
    assert len(lines) == len(pushed(SIGNED, *options).split())
    assert [entry["length"] for entry in form["pdus"]] == [len(line) // 2 - 1 for line in lines]
    assert (form["to"], form["sec"], form["octets"]) == ("+49171", "NETWPIN", SIGNED.stat().st_size)
    (line,) = received(*ON_CARD, stdin="\n".join(lines).encode())
    assert line["source"] == "+49171"


def test_parts_come_in_any_order_with_a_modems_words_around_them() -> None:
    parts = pushed(SIGNED, "--imsi-env", "IMSI", "--from", "+49171").decode().split()
    talk = chain.from_iterable((f"+CMT: ,{len(part) // 2 - 1}\r", part + "\r", "", "OK\r") for part in reversed(parts))
    (line,) = received(*ON_CARD, stdin="\n".join(talk).encode())
    assert said([line]) == [("authorized", 12, None)]
    bare = "\n".join(part[2:] for part in parts).encode()
    (line,) = received(*ON_CARD, "--tpdu", stdin=bare)
    assert said([line]) == [("authorized", 12, None)]


def test_a_set_that_is_not_whole_when_the_input_ends_is_told(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    parts = pushed(SIGNED, "--imsi-env", "IMSI", "--reference", "7").splitlines(keepends=True)
    (line,) = received(*ON_CARD, "--tree", tree, stdin=b"".join(parts[:-2]))
    assert said([line]) == [("refused", None, "sms.set-incomplete")]
    assert f"wanted {len(parts)} parts, found {len(parts) - 2}" in line["detail"]
    (row,) = audit(tree, "--action", "refuse")
    assert (row["subject"], row["digest"], row["pushed"]["document"]) == ("", None, "envelope")


def test_lines_that_are_no_short_messages_are_malformed(tmp_path: Path) -> None:
    hostile = tmp_path / "lines"
    hostile.write_bytes(b"zz\n00\n0" + b"\n" + b"A" * 100_000 + b"\n\xff\xfe\n0051" + b"\n" + b"00" * 90)
    lines = received(hostile, *ON_CARD)
    assert len(lines) == 7
    assert {line["document"] for line in lines} == {"envelope"}
    assert {line["verdict"] for line in lines} == {"refused"}


def test_a_message_for_more_than_255_parts_is_refused(tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_bytes(b"x" * 40_000)
    outcome = program("push", "wap", long, "--pdu", "--as-is", "--imsi-env", "IMSI")
    assert outcome.code == 4
    assert "255" in outcome.line


@pytest.mark.parametrize(
    ("octets", "content", "expected"),
    [
        (b"", "dm", "it is empty"),
        (b"<SyncML/>", "dm", "this looks like XML"),
        (b"\xff\x00\x6a\x00", "dm", "unknown WBXML version"),
        (provisioning_octets("com.example.new"), "dm", "wanted SyncML 1.2"),
        (SIGNED.read_bytes(), "cp", "wanted PROV 1.0"),
        (bytes(DEFAULT_LIMITS.message_octets + 1), "dm", "message_octets"),
    ],
    ids=["empty", "xml", "garbage", "cp", "dm", "large"],
)
def test_what_is_no_document_of_its_kind_is_not_pushed(
    octets: bytes, content: str, expected: str, tmp_path: Path
) -> None:
    file = tmp_path / "document"
    file.write_bytes(octets)
    outcome = program("push", "wap", file, "--pdu", "--content", content, "--imsi-env", "IMSI")
    assert outcome.code == 4
    assert expected in outcome.line
    assert "--as-is" in outcome.line


# Datagrams and files


@contextmanager
def listening(
    *arguments: str | Path, env: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Give a `receive` that runs, and its lines; it is ended, and both pipes closed."""
    process = subprocess.Popen(
        [PROGRAM, "receive", "wap", *map(str, arguments), "--json"],
        env={**environment(), **ENV, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def test_a_datagram_is_received_and_judged(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    with listening("--udp", "127.0.0.1:0", *ON_CARD, "--tree", tree) as (process, lines):
        assert json.loads(lines.readline())["event"] == "begin"
        ready = json.loads(lines.readline())
        schema("receive-listening").validate(ready)
        assert ready["security"] == "NETWPIN"
        address = ready["address"]
        sent = program("push", "wap", SIGNED, "--udp", address, "--imsi-env", "IMSI", "--json").json
        schema("push-wap").validate(sent)
        assert sent["to"] == address
        line = json.loads(lines.readline())
        schema("receive-line").validate(line)
        assert said([line]) == [("authorized", 12, None)]
        assert line["source"].startswith("127.0.0.1:")
        host, _, port = address.rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0.5)
            stranger.sendto(b"\x01\x06\x03\xc2\xaf\x87hello", (host, int(port)))
            refused = json.loads(lines.readline())
            assert refused["verdict"] == "refused"
            with pytest.raises(TimeoutError):
                stranger.recv(1)  # nothing is ever answered
        process.send_signal(signal.SIGTERM)
        end = json.loads(lines.readline())
        assert (end["event"], end["received"], end["authorized"]) == ("end", 2, 1)
        assert process.wait(SECONDS) == 0, "a server that a signal ends has done its work"
    assert [row["action"] for row in audit(tree)] == ["init", "sync", "apply", "refuse"]


def test_the_bare_push_can_be_kept_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "push.wsp"
    outcome = program("push", "wap", SIGNED, "--wsp", "-o", file, "--imsi-env", "IMSI")
    assert outcome.code == 0
    check_layout(outcome.stdout)
    checker = MacChecker(MacKeys.from_imsi(Secret(IMSI.encode())))
    arrival = open_wap_push(file.read_bytes(), checker, "a file")
    assert arrival.transport.secured
    assert arrival.octets == SIGNED.read_bytes()
    assert program("push", "wap", SIGNED, "--wsp", "-o", "-", "--imsi-env", "IMSI").octets[1:] == file.read_bytes()[1:]


def test_an_imsi_and_a_pin_can_come_through_descriptors() -> None:
    reading, writing = os.pipe()
    other_reading, other_writing = os.pipe()
    try:
        os.write(writing, f"{IMSI}\n".encode())
        os.write(other_writing, f"{USER_PIN}\n".encode())
        given = ("--imsi-fd", str(reading), "--user-pin-fd", str(other_reading))
        done = subprocess.run(
            [PROGRAM, "push", "wap", str(SIGNED), "--pdu", "--sec", "USERNETWPIN", *given],
            env=environment(),
            pass_fds=(reading, other_reading),
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    finally:
        for descriptor in (reading, writing, other_reading, other_writing):
            os.close(descriptor)
    assert done.returncode == 0, done.stderr
    (line,) = received("--card", CARD, "--imsi-env", "IMSI", "--user-pin-env", "USER_PIN", stdin=done.stdout)
    assert line["transport"]["evidence"] == "USERNETWPIN with the IMSI given and the user's PIN"


def test_a_card_can_give_the_senders_imsi_too() -> None:
    lines = pushed(SIGNED, *ON_CARD)
    assert said(received("--imsi-env", "IMSI", *ON_CARD, stdin=lines)) == [("authorized", 12, None)]


# Ending


def stream(tmp_path: Path, count: int) -> list[list[str]]:
    """Return the short messages of so many messages, all different."""
    keys = MacKeys.from_imsi(Secret(IMSI.encode()))
    found = []
    for number in range(count):
        commands = item("Replace", "./DMAcc/dms/Name", f"name {number}")
        octets = message(tmp_path, commands, session_id=str(1000 + number)).read_bytes()
        push = compose_wap_push(octets, method=SecMethod.NETWPIN, keys=keys, transaction_id=number % 256)
        parts = segment(push, number, wide=True)
        found.append([Pdu(each.encode()).line() for each in sms_deliver(parts, Address.from_text("+49171"), NOW)])
    return found


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_messages_stream_in_loses_nothing_that_was_accepted(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    tree = provisioned(tmp_path)
    messages = stream(tmp_path, 40)
    with listening(*ON_CARD, "--tree", tree) as (process, lines):
        assert json.loads(lines.readline())["event"] == "begin"
        assert process.stdin is not None
        feed = process.stdin

        def write() -> None:
            try:
                for parts in messages:
                    feed.write("\n".join(parts) + "\n")
                    feed.flush()
            except BrokenPipeError:
                pass  # it has ended: what follows was never taken

        writing = threading.Thread(target=write)
        writing.start()
        told = [json.loads(lines.readline()) for _ in range(3)]
        process.send_signal(signal_number)
        told += [json.loads(line) for line in lines]
        assert process.wait(SECONDS) == 0
        writing.join(SECONDS)
    *told, end = told
    applied = [line for line in told if line["verdict"] == "authorized"]
    assert len(applied) >= 3
    rows = audit(tree)
    assert sum(row["action"] == "apply" for row in rows) == len(applied) == end["authorized"]
    assert sum(row["action"] == "refuse" for row in rows) == len(told) - len(applied)
    assert value_of(tree, "./DMAcc/dms/Name") == f"name {len(applied) - 1}", "in order, none left out"


def test_a_count_ends_a_receiver_for_scripts(tmp_path: Path) -> None:
    messages = stream(tmp_path, 3)
    feed = "\n".join(chain.from_iterable(messages)).encode()
    lines = received("--tree", provisioned(tmp_path), "--imsi-env", "IMSI", "--count", "2", stdin=feed)
    assert [line["verdict"] for line in lines] == ["authorized", "authorized"]


def test_a_pipe_without_a_writer_is_waited_for_and_ends_by_a_signal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with listening(tmp_path / "pipe", *ON_CARD, "--audit", tmp_path / "a") as (process, lines):
        assert json.loads(lines.readline())["event"] == "begin"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0


def test_a_verdict_that_nobody_reads_ends_it_in_order(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    feed = "\n".join(chain.from_iterable(stream(tmp_path, 6))) + "\n"
    with listening("--tree", tree, "--imsi-env", "IMSI") as (process, lines):
        assert json.loads(lines.readline())["event"] == "begin"
        assert process.stdin is not None
        lines.close()
        process.stdin.write(feed)
        process.stdin.close()
        process.stdin = None
        assert process.wait(SECONDS) == 141
    assert any(row["action"] == "apply" for row in audit(tree))


# Usage


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((SIGNED,), "say how it leaves"),
        ((SIGNED, "--pdu", "--wsp", "-o", "x", "--imsi-env", "IMSI"), "say how it leaves"),
        ((SIGNED, "--pdu"), "NETWPIN is made with an IMSI: give --imsi-env"),
        ((SIGNED, "--pdu", "--sec", "USERPIN"), "give --user-pin-env"),
        ((SIGNED, "--pdu", "--sec", "USERPIN", "--imsi-env", "IMSI", "--user-pin-env", "USER_PIN"), "uses no IMSI"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--user-pin-env", "USER_PIN"), "uses no PIN of the user"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--card", CARD), "given twice"),
        ((SIGNED, "--pdu", "--imsi-env", "NOT_SET"), "not set"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--imsi-fd", "5"), "give one of --imsi-env and --imsi-fd"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--to", "1", "--from", "2"), "give --to"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--to", "much too long for one"), "much too long"),
        ((SIGNED, "--pdu", "--imsi-env", "IMSI", "--reference", "256"), "--reference is at most 255"),
        ((SIGNED, "--udp", "127.0.0.1", "--to", "1", "--imsi-env", "IMSI"), "go with --pdu"),
        ((SIGNED, "--udp", "127.0.0.1:99999", "--imsi-env", "IMSI"), "no host and port"),
        ((SIGNED, "--udp", "[::1", "--imsi-env", "IMSI"), "no host and port"),
        ((SIGNED, "--wsp", "--imsi-env", "IMSI"), "--wsp and -o FILE go together"),
        (("/no/such/file", "--pdu", "--imsi-env", "IMSI"), "cannot be read"),
    ],
)
def test_a_push_that_cannot_be_made_is_a_usage_error(arguments: tuple[str | Path, ...], expected: str) -> None:
    outcome = run("push", "wap", *arguments, env=ENV)
    assert outcome.code == 2
    assert expected in outcome.line


def test_an_imsi_that_is_none_is_malformed_and_not_shown() -> None:
    outcome = run("push", "wap", SIGNED, "--pdu", "--imsi-env", "IMSI", env={"IMSI": "31415926535897932384"})
    assert outcome.code == 4
    assert "an IMSI is 1 to 15 decimal digits" in outcome.line
    assert "31415" not in outcome.line


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "give --card"),
        (("--tree", "t.db"), "nothing could prove a push"),
        (("--tree", "t.db", "--sec", "NETWPIN", "--user-pin-env", "USER_PIN"), "--sec NETWPIN needs an IMSI"),
        (("--tree", "t.db", "--sec", "USERPIN", "--imsi-env", "IMSI"), "needs the user's PIN"),
        (("--card", CARD, "--sec", "USERPINMAC"), "needs what the user enters"),
        (("--card", CARD, "--monotonic"), "go with --tree"),
        (("--card", CARD, "--udp", "127.0.0.1", "lines"), "leave FILE and --tpdu out"),
        ((*ON_CARD, "--audit", "/no/such/folder/a", "--imsi-env", "IMSI"), "give another --audit FILE"),
        ((*ON_CARD, "--audit", os.devnull, os.devnull), "it is no file"),
        (("--tree", "/no/such.db", "--imsi-env", "IMSI"), "there is no such file"),
        (("--card", CARD, "--user-entry-env", "USER_PIN", "--user-entry-fd", "9"), "give one of --user-entry"),
    ],
)
def test_a_receiver_that_could_not_work_is_a_usage_error(arguments: tuple[str, ...], expected: str) -> None:
    outcome = run("receive", "wap", *arguments, env=ENV)
    assert outcome.code == 2
    assert expected in outcome.line


def test_a_card_whose_imsi_is_behind_a_pin_asks_for_it() -> None:
    outcome = run("receive", "wap", "--card", CARD, env=ENV)
    assert outcome.code == 3
    assert "PIN" in outcome.line


def test_an_entry_that_is_none_is_a_usage_error() -> None:
    outcome = run(
        "receive",
        "wap",
        os.devnull,
        *ON_CARD,
        "--audit",
        os.devnull,
        "--user-entry-env",
        "PINS",
        env={**ENV, "PINS": "12x"},
    )
    assert outcome.code == 2
