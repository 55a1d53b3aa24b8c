"""`smartcard-dm agent serve` as a process: its options, its line on stdout, its log, its end."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import termios
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from smartcard_dm.cli.main import main
from smartcard_dm.tree import DeviceTree
from tests.agent.cards import ICCID, OTHER_ICCID
from tests.agent.moved import NOW
from tests.agent.serving import DM_WBXML, ROOT, SIGNED, USIM, WAIT_SECONDS, UnixConnection
from tests.processes import killed_after
from tests.tree.device import INFORMATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.agent.cards import Cards

SECRETS: Final = ("a shared secret of 32 octets, ok", "a device password", "1234", "001010123456789")
SERVE: Final = [sys.executable, "-m", "smartcard_dm", "agent", "serve"]
ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(ROOT)}


class Served:
    """An agent that runs."""

    def __init__(self, process: subprocess.Popen[str], path: Path) -> None:
        self.process = process
        self.path = path
        self.log: list[dict[str, Any]] = []

    def ask(
        self, method: str, target: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        connection = UnixConnection(self.path)
        connection.request(method, target, body=body, headers={"Content-Type": content_type} if body else {})
        response = connection.getresponse()
        found: dict[str, Any] = json.loads(response.read())
        connection.close()
        return response.status, found

    def until_card(self, iccid: str) -> dict[str, Any]:
        deadline = monotonic() + WAIT_SECONDS
        while True:
            found = self.ask("GET", "/v1/card")[1]
            if found["provenance"]["card_id"] == iccid:
                return found
            assert monotonic() < deadline, found
            sleep(0.02)


@contextmanager
def started(
    *options: str,
    environment: dict[str, str] = ENVIRONMENT,
    **more: Any,  # noqa: ANN401 - passed on to Popen
) -> Iterator[subprocess.Popen[str]]:
    """Start the program; how it ends is left to the block."""
    command = [*SERVE, *options]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT, **more) as process,
        killed_after(process),
    ):
        yield process


@contextmanager
def serving(path: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[Served]:
    whole = {**ENVIRONMENT, **(environment or {})}
    with started("--socket", str(path), *options, environment=whole, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        served = Served(process, path)
        if not line:
            process.wait(WAIT_SECONDS)
            raise AssertionError(process.stderr.read() if process.stderr else "")
        assert line.startswith(f"listening on {path}; card ")
        try:
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0, err
        assert out == ""
        served.log += [json.loads(each) for each in err.splitlines()]
        for secret in SECRETS:
            assert not re.search(rf"(?<!\d){re.escape(secret)}(?!\d)", err)


def refused(*options: str) -> str:
    """Return the one line about a command line that cannot be obeyed."""
    done = CliRunner().invoke(main, ["agent", "serve", *options])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    path = tmp_path / "run" / "agent.sock"
    with serving(path, "--card", USIM) as agent:
        status, found = agent.ask("GET", "/v1/card")
        assert (status, found["provenance"]["origin"]) == (200, USIM)
        status, found = agent.ask("POST", "/v1/verify?transport=local", SIGNED, DM_WBXML)
        assert found["verdict"]["verdict"] == "authorized"
        line = refused("--card", USIM, "--socket", str(path))
        assert "an agent listens there already; end it" in line
    assert not path.exists()
    assert [line["event"] for line in agent.log] == ["card", "ready", "request", "request", "ended"]
    assert {line["level"] for line in agent.log} == {"info"}
    requests = [line for line in agent.log if line["event"] == "request"]
    assert [(line["operation"], line["status"], line["rule"]) for line in requests] == [
        ("card", 200, None),
        ("verify", 200, "authorized"),
    ]
    assert requests[0]["uid"] == os.geteuid()


def test_the_default_place_is_the_users(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "XDG_RUNTIME_DIR": str(tmp_path)}
    environment.pop("SMARTCARD_DM_AGENT_SOCKET", None)
    path = tmp_path / "smartcard-dm" / "agent.sock"
    with started("--card", USIM, environment=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {path}; card present\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 0


def test_a_generation_is_not_one_of_an_earlier_start(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        with serving(tmp_path / "run" / "agent.sock", "--card", USIM) as agent:
            seen.append(agent.ask("GET", "/v1/card")[1]["provenance"])
    assert seen[0]["generation"] < seen[1]["generation"]
    assert seen[0]["event_id"].partition("-")[0] != seen[1]["event_id"].partition("-")[0]


def test_a_hangup_reads_the_card_again(tmp_path: Path, cards: Cards) -> None:
    uri = cards.usim()
    with serving(tmp_path / "run" / "agent.sock", "--card", uri) as agent:
        before = agent.ask("GET", "/v1/card")[1]
        profile = Path(uri.removeprefix("profile:"))
        profile.write_text(profile.read_text("utf-8").replace(ICCID, OTHER_ICCID), "utf-8")
        assert agent.ask("GET", "/v1/card")[1]["card"] == before["card"]
        agent.process.send_signal(signal.SIGHUP)
        after = agent.until_card(OTHER_ICCID)
    assert after["provenance"]["generation"] > before["provenance"]["generation"]
    assert "reread" in [line["event"] for line in agent.log]


def _take_the_terminal() -> None:
    """In the new process: its terminal is the one that ends it, also where the tests run with SIGHUP ignored."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_it_ends_with_its_terminal(tmp_path: Path) -> None:
    path = tmp_path / "run" / "agent.sock"
    controlling, terminal = os.openpty()
    with started(
        *("--socket", str(path), "--card", USIM),
        stdin=terminal,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_take_the_terminal,  # one thread runs here
    ) as process:
        os.close(terminal)
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {path}; card present\n"
        process.send_signal(signal.SIGHUP)
        connection = UnixConnection(path)
        connection.request("GET", "/v1/card")
        assert connection.getresponse().status == 200
        connection.close()
        os.close(controlling)
        assert process.wait(WAIT_SECONDS) == 0
    assert not path.exists()


def test_it_does_not_wait_for_a_reader_of_its_log(tmp_path: Path) -> None:
    path = tmp_path / "run" / "agent.sock"
    with started("--socket", str(path), "--card", USIM, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        connection = UnixConnection(path)
        for _ in range(600):  # 250 octets each, and a pipe takes 65,536
            connection.request("GET", "/v1/card")
            assert connection.getresponse().read()
        connection.close()
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0


def test_a_tree_is_provisioned_and_messages_are_applied(tmp_path: Path) -> None:
    tree = str(tmp_path / "t.db")
    DeviceTree.create(tree, INFORMATION, at=NOW).close()
    options = ("--card", USIM, "--tree", tree, "--allow-secret-release", "com.example.dms")
    with serving(tmp_path / "run" / "agent.sock", *options) as agent:
        status, found = agent.ask("POST", "/v1/apply?transport=local", SIGNED, DM_WBXML)
        assert (status, found["verdict"]["verdict"]) == (200, "authorized")
        body = json.dumps({"server_id": "com.example.dms"}).encode()
        assert agent.ask("POST", "/v1/secret", body)[0] == 200
    done = subprocess.run(
        [sys.executable, "-m", "smartcard_dm", "tree", "audit", "--tree", tree, "--json"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    rows = json.loads(done.stdout)["rows"]
    assert [row["action"] for row in rows] == ["init", "sync", "apply", "release"]
    assert rows[-1]["release"]["action"] == "secret-released"
    released = CliRunner().invoke(main, ["tree", "audit", "--tree", tree, "--action", "release", "--json"])
    assert json.loads(released.stdout)["rows"] == rows[-1:]


def test_the_audit_file_is_kept(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    options = ("--card", USIM, "--allow-secret-release", "all", "--audit", str(audit))
    body = json.dumps({"server_id": "com.example.dms", "purpose": "a test"}).encode()
    for _ in range(2):
        with serving(tmp_path / "run" / "agent.sock", *options) as agent:
            assert agent.ask("POST", "/v1/secret", body)[0] == 200
    rows = [json.loads(line) for line in audit.read_text("utf-8").splitlines()]
    assert [(row["action"], row["purpose"], row["uid"]) for row in rows] == 2 * [
        ("secret-released", "a test", os.geteuid())
    ]


def test_a_pin_from_the_environment_opens_the_card(tmp_path: Path, cards: Cards) -> None:
    card = cards.private()
    with serving(tmp_path / "run" / "agent.sock", "--card", card) as agent:
        assert agent.ask("GET", "/v1/accounts")[1]["code"] == "card-locked"
    options = ("--card", card, "--pin-env", "CARD_PIN")
    with serving(tmp_path / "run" / "agent.sock", *options, environment={"CARD_PIN": "1234"}) as agent:
        assert len(agent.ask("GET", "/v1/accounts")[1]["accounts"]) == 2


def test_a_pin_from_a_descriptor_opens_the_card(tmp_path: Path, cards: Cards) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"1234\n")
    os.set_inheritable(reading, True)
    path = tmp_path / "run" / "agent.sock"
    options = ("--socket", str(path), "--card", cards.private(), "--pin-fd", str(reading))
    with started(*options, pass_fds=(reading,)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"listening on {path}; card present\n"
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--card", "nonsense"), "card URI 'nonsense'"),
        (("--card", USIM, "--allow-uid", "nobody-of-this-name"), "there is no user 'nobody-of-this-name'"),
        (("--card", USIM, "--allow-gid", "-3"), "there is no group '-3'"),
        (("--card", USIM, "--allow-secret-release", "all"), "need --audit FILE, or --tree"),
        (("--card", USIM, "--allow-basic", "com.example.dms"), "need --audit FILE, or --tree"),
        (("--card", USIM, "--allow-basic", "a b", "--audit", "/dev/null"), "--allow-basic"),
        (("--card", USIM, "--tree", "/nonexistent.db"), "there is no such file"),
        (("--card", USIM, "--audit", "/nonexistent/a"), "cannot be written: No such file"),
        (("--card", USIM, "--pin-env", "A", "--pinentry", "B"), "give one of --pin-env"),
        (("--card", USIM, "--pin-tries", "0"), "--pin-tries"),
        (("--card", USIM, "--socket", "/nonexistent/a/b.sock"), "No such file"),
    ],
)
def test_a_command_line_that_cannot_be_obeyed_is_one_line(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    own = () if "--socket" in options else ("--socket", str(tmp_path / "run" / "agent.sock"))
    assert told in refused(*options, *own)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client", "httptools"])
def test_a_missing_part_is_one_line(missing: str) -> None:
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == {missing!r}:
            raise ImportError('blocked', name=name)
sys.meta_path.insert(0, Blocked())
from smartcard_dm.cli.main import main
main(['agent', 'serve', '--card', {USIM!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"a server needs {missing}: pip install smartcard-dm[agent]" in line


def test_help_loads_no_server() -> None:
    code = """
import sys
from smartcard_dm.cli.main import main
try:
    main(['agent', 'serve', '--help'])
except SystemExit:
    print(sorted({'fastapi', 'uvicorn', 'prometheus_client', 'pydantic'} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "[]"
