"""The program as a whole: usage, help, and every way out."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from smartcard_dm.cli import accounts, output
from smartcard_dm.cli.main import main
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
)

PROGRAM = str(Path(sys.executable).with_name("smartcard-dm"))
COMMAND_LINES = [
    ("demo",),
    ("card", "show"),
    ("accounts",),
    ("verify",),
    ("apply",),
    ("tree", "init"),
    ("tree", "sync"),
    ("tree", "show"),
    ("tree", "get"),
    ("tree", "export"),
    ("tree", "audit"),
    ("issue",),
    ("wbxml", "decode"),
    ("wbxml", "encode"),
]
AGENT = [("agent", "serve"), ("agent", "get"), ("agent", "watch")]
GROUPS: list[tuple[str, ...]] = [(), ("card",), ("tree",), ("agent",), ("wbxml",)]


@pytest.mark.parametrize("command", [*GROUPS, *COMMAND_LINES, *AGENT], ids=" ".join)
def test_help_is_complete_and_fits_80_columns(command: tuple[str, ...]) -> None:
    outcome = run(*command, "--help")
    assert outcome.code == 0
    assert outcome.stdout == run(*command, "-h").stdout
    check_layout(outcome.stdout)
    assert "..." not in outcome.stdout.replace("[ARGS]...", "").replace("PIN=...", "")


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_each_option_is_explained(command: tuple[str, ...]) -> None:
    found: click.Command = main
    context = click.Context(main)
    for word in command:
        assert isinstance(found, click.Group)
        named = found.get_command(context, word)
        assert named is not None
        found = named
    for parameter in found.params:
        assert not isinstance(parameter, click.Option) or parameter.help


@pytest.mark.parametrize("command", GROUPS)
def test_a_group_alone_shows_its_help_as_wrong_usage(command: tuple[str, ...]) -> None:
    outcome = run(*command)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert "Commands:" in outcome.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("card", "frobnicate"),
        ("agent", "frobnicate"),
        ("agent", "serve"),
        ("agent", "watch", "--count", "0"),
        ("verify",),
        ("verify", str(SIGNED)),
        ("verify", str(SIGNED), "--card"),
        ("apply", str(SIGNED)),
        ("tree", "frobnicate"),
        ("tree", "init"),
        ("tree", "sync", "--card", CARD),
        ("tree", "show"),
        ("tree", "get", "--tree", "t.db"),
        ("tree", "export", "--tree", "t.db", "--form", "yaml"),
        ("verify", str(SIGNED), "more", "--card", CARD),
        ("verify", str(SIGNED), "--card", CARD, "--policy", "none"),
        ("verify", str(SIGNED), "--card", CARD, "--transport", "pigeon"),
        ("accounts", "--card", CARD, "--pin-env"),
        ("issue", str(COMMANDS)),
        ("issue", str(COMMANDS), "--server-id", SERVER_ID),
    ],
)
def test_wrong_usage_is_one_line_that_says_where_help_is(arguments: tuple[str, ...]) -> None:
    outcome = run(*arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert re.search(r"\(see smartcard-dm[a-z ]* --help\)$", outcome.line)
    assert error_of(run(arguments[0], "--json", *arguments[1:]))["exit_code"] == 2


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"smartcard-dm, version [0-9.]+\n", run("--version").stdout)


def test_names_for_completion_are_those_of_the_program() -> None:
    done = subprocess.run(
        [PROGRAM],
        env={
            **environment(),
            "_SMARTCARD_DM_COMPLETE": "bash_complete",
            "COMP_WORDS": "smartcard-dm ver",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "plain,verify\n"


def test_an_interrupt_ends_the_program_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_card: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(accounts, "read_accounts", interrupted)
    result = CliRunner().invoke(main, ["accounts", "--card", CARD])
    assert (result.exit_code, result.output) == (130, "")


def interrupt(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Press Ctrl-C until it is heard: a signal between two system calls of one read waits for the next one."""
    for _ in range(10):
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=3)
    raise AssertionError("the process does not end")


def test_an_interrupted_process_says_nothing() -> None:
    # A process started in the background may inherit that SIGINT is ignored: it is given back first.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from smartcard_dm.cli.main import main; "
        f"main(['verify', '-', '--card', {CARD!r}])"
    )
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    os.close(read_end)
    with process:
        try:
            os.write(write_end, bytes(1 << 16))  # fills the pipe: the next octet goes in when the process reads
            os.write(write_end, b"x")
            out, err = interrupt(process)
        finally:
            process.kill()
            os.close(write_end)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_fault_of_the_program_is_one_line_that_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(_card: object) -> None:
        raise KeyError("a device password")

    monkeypatch.setattr(accounts, "read_accounts", faulty)
    result = CliRunner().invoke(main, ["accounts", "--card", CARD, "--json"])
    assert result.exit_code == 70
    assert re.fullmatch(
        r"smartcard-dm: a fault of this program, not of its input: KeyError at tests/cli/test_program.py:[0-9]+; .*\n",
        result.stderr,
    )
    assert "a device password" not in result.output
    shown = CliRunner().invoke(main, ["accounts", "--card", CARD], env={"SMARTCARD_DM_TRACEBACK": "1"})
    assert shown.exit_code == 70
    assert "Traceback" in shown.stderr


def test_a_fault_outside_the_project_names_its_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "read_accounts", lambda _card: json.loads("a device password"))
    result = CliRunner().invoke(main, ["accounts", "--card", CARD])
    assert result.exit_code == 70
    assert "JSONDecodeError at decoder.py:" in result.stderr
    assert "a device password" not in result.output


def closed_pipe() -> int:
    read_end, write_end = os.pipe()
    os.close(read_end)
    return write_end


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("demo",),
        ("accounts", "--card", CARD),
        ("verify", str(SIGNED), "--card", CARD, "--json"),
        ("wbxml", "decode", str(SIGNED)),
        ("wbxml", "decode", str(SIGNED), "--tokens"),
        ("issue", str(COMMANDS), "--server-id", SERVER_ID, "--key", str(KEYS / "dms-rsa.pem"), "-o", "-"),
    ],
)
def test_a_pipe_that_nobody_reads_ends_the_program_quietly(arguments: tuple[str, ...]) -> None:
    pipe = closed_pipe()
    done = subprocess.run(
        [PROGRAM, *arguments], stdout=pipe, stderr=subprocess.PIPE, env=environment(), check=False, timeout=60
    )
    os.close(pipe)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", [("--help",), ("demo",), ("verify", str(SIGNED), "--card", CARD, "--json")])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"standard output" in done.stderr
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "closed", "code", "named"),
    [
        (("verify", "-", "--card", CARD), 0, 2, b"standard input is closed"),
        (("verify", str(SIGNED), "--card", CARD), 1, 2, b"standard output is closed"),
        (("verify", str(SIGNED), "--card", CARD), 2, 0, b""),
    ],
)
def test_a_closed_stream_does_no_harm(arguments: tuple[str, ...], closed: int, code: int, named: bytes) -> None:
    script = f'exec "$@" {closed}>&-'
    done = subprocess.run(
        ["sh", "-c", script, "sh", PROGRAM, *arguments], capture_output=True, env=environment(), check=False, timeout=60
    )
    assert done.returncode == code
    assert named in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_device_of_standard_output_failing_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    abandoned = []
    monkeypatch.setattr(output, "abandon_stdout", lambda: abandoned.append(True))
    monkeypatch.setattr(output, "_echo_octets", full)
    assert "standard output cannot be written: No space" in run("accounts", "--card", CARD).line
    assert abandoned == [True]


def test_a_reader_of_standard_output_that_left_is_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_arguments: object, **_options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(output, "abandon_stdout", lambda: None)
    monkeypatch.setattr(output, "_echo_octets", closed)
    result = CliRunner().invoke(main, ["accounts", "--card", CARD])
    assert (result.exit_code, result.output) == (141, "")


def test_a_failing_device_is_met_wherever_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_card: object) -> None:
        raise OSError(5, "Input/output error", "/dev/reader")

    monkeypatch.setattr(output, "abandon_stdout", lambda: None)
    monkeypatch.setattr(accounts, "read_accounts", failing)
    outcome = run("accounts", "--card", CARD)
    assert outcome.code == 2
    assert "/dev/reader: Input/output error" in outcome.line


def test_an_error_is_one_line_whatever_a_name_holds(tmp_path: Path) -> None:
    outcome = run("verify", tmp_path / "two\nlines\x1b[31m", "--card", CARD)
    assert outcome.code == 2
    assert "\\x1b" in outcome.line


@pytest.mark.parametrize("program", [(PROGRAM,), (sys.executable, "-m", "smartcard_dm")])
def test_the_installed_program_authorizes_and_refuses(tmp_path: Path, program: tuple[str, ...]) -> None:
    authorized = run_process("verify", SIGNED, "--card", CARD, program=program)
    assert (authorized.code, authorized.stdout.splitlines()[0]) == (0, f"AUTHORIZED  {SERVER_ID}")
    tampered = tmp_path / "tampered.wbxml"
    tampered.write_bytes(SIGNED.read_bytes().replace(b"moved", b"Moved"))
    assert run_process("verify", tampered, "--card", CARD, program=program).code == 1
    assert run_process("verify", "-", "--card", CARD, stdin=b"", program=program).code == 4
    assert run_process("verify", SIGNED, "--card", "profile:none", program=program).code == 3
    assert run_process("verify", SIGNED, program=program).code == 2


def test_a_message_goes_from_process_to_process() -> None:
    options = ("--server-id", SERVER_ID, "--key", KEYS / "dms-rsa.pem", "-o", "-")
    message = run_process("issue", "-", *options, stdin=COMMANDS.read_bytes()).octets
    assert run_process("verify", "-", "--card", CARD, stdin=message).code == 0


def test_a_terminal_that_knows_ascii_only_is_served() -> None:
    outcome = run_process("card", "show", "--card", CARD, env={"PYTHONIOENCODING": "ascii"})
    assert outcome.code == 0
    assert outcome.octets.isascii()
    assert "`-- " in outcome.stdout


def in_terminal(*arguments: str, env: dict[str, str]) -> tuple[int, bytes]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, env={**environment(), "TERM": "xterm", **env}
    )
    os.close(slave)
    shown = b""
    with process:
        while True:
            try:
                octets = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not octets:
                break
            shown += octets
    os.close(master)
    return process.returncode, shown


def test_a_terminal_sees_colour_unless_it_is_unwanted() -> None:
    arguments = ("verify", str(SIGNED), "--card", CARD)
    assert b"\x1b[" in in_terminal(*arguments, env={})[1]
    for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        code, shown = in_terminal(*arguments, env=plain)
        assert code == 0
        assert b"AUTHORIZED" in shown
        assert b"\x1b" not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("issue", str(COMMANDS), "--server-id", SERVER_ID, "--key", str(KEYS / "dms-rsa.pem"), "-o", "-"),
        ("wbxml", "encode", str(COMMANDS)),
    ],
)
def test_octets_are_not_sent_to_a_terminal(arguments: tuple[str, ...]) -> None:
    code, shown = in_terminal(*arguments, env={})
    assert code == 2
    assert b"is a terminal: give -o FILE" in shown
