"""Running the command line in this process and as a process of its own, with what must hold for every run."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from smartcard_dm.cli.main import main
from tests.tokens.lab import TOKEN_PIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).parents[2]
CARD = f"profile:{ROOT / 'fixtures' / 'cards' / 'usim.yaml'}"
SIGNED = ROOT / "fixtures" / "messages" / "signed.wbxml"
COMMANDS = ROOT / "fixtures" / "messages" / "commands.xml"
KEYS = ROOT / "fixtures" / "keys"
SERVER_ID = "com.example.dms"
KEY_PASSWORD = "the password of a test key"

_PROFILES = (ROOT / "fixtures" / "cards" / "usim.yaml", ROOT / "smartcard_dm" / "cli" / "demo_card.yaml")


def _secrets_of(node: Any, below_pins: bool = False) -> list[str]:  # noqa: ANN401, FBT001, FBT002 - a YAML document
    """Return every AAuthSecret, PIN and PUK of a card profile."""
    if isinstance(node, list):
        return [secret for item in node for secret in _secrets_of(item)]
    if not isinstance(node, dict):
        return []
    found = [str(node[key]) for key in ("secret", *(("value", "unblock") if below_pins else ())) if key in node]
    for key, value in node.items():
        pins = list(value.values()) if key == "pins" else []
        found += [secret for pin in pins for secret in _secrets_of(pin, below_pins=True)]
        found += _secrets_of(value)
    return found


SHARED_SECRET, *_OTHERS = sorted(
    {secret for path in _PROFILES for secret in _secrets_of(yaml.safe_load(path.read_text()))},
    key=lambda secret: ("shared" not in secret, secret),
)
_SECRETS = (SHARED_SECRET, *_OTHERS, KEY_PASSWORD, TOKEN_PIN)
_ESCAPE = "\x1b"
_KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "SOFTHSM2_CONF"}
_WIDTH = 80


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    stdout: str
    octets: bytes
    stderr: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - the document's form is what the schemas say
        """The JSON document on stdout."""
        return json.loads(self.stdout)

    @property
    def line(self) -> str:
        """The one line on stderr."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("smartcard-dm: ")
        return lines[0]


def run(
    *arguments: str | Path, stdin: bytes | None = None, env: Mapping[str, str | None] | None = None, width: int = _WIDTH
) -> Outcome:
    """Run a command in this process and check what holds for every run."""
    result = CliRunner().invoke(
        main, [str(argument) for argument in arguments], input=stdin, env={"COLUMNS": str(width), **(env or {})}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return check(Outcome(result.exit_code, result.stdout, result.stdout_bytes, result.stderr))


def run_process(
    *arguments: str | Path,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = (str(Path(sys.executable).with_name("smartcard-dm")),),
) -> Outcome:
    """Run the installed program and check what holds for every run."""
    done = subprocess.run(
        [*program, *map(str, arguments)],
        input=stdin or b"",
        env={**environment(), **(env or {})},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return check(
        Outcome(
            done.returncode, done.stdout.decode(errors="replace"), done.stdout, done.stderr.decode(errors="replace")
        )
    )


def environment() -> dict[str, str]:
    """Return the environment of a process that knows nothing of the terminal the tests run in."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    return {**kept, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}


def check(outcome: Outcome) -> Outcome:
    """Check what holds for every run: a known exit code, no traceback, no escape code, no secret."""
    everything = outcome.stdout + outcome.stderr
    assert "Traceback" not in everything
    assert _ESCAPE not in everything
    assert outcome.code in {0, 1, 2, 3, 4}, outcome.stderr
    assert bool(outcome.stderr) == (outcome.code != 0), outcome.stderr
    for form in secret_forms():
        assert re.search(rf"(?<![0-9A-Fa-f]){re.escape(form)}(?![0-9A-Fa-f])", everything) is None
    return outcome


def secret_forms() -> list[str]:
    """Return every secret of the fixtures as text, hex and base64."""
    forms = []
    for secret in _SECRETS:
        octets = secret.encode()
        forms += [secret, octets.hex(), octets.hex().upper(), octets.hex(" "), base64.b64encode(octets).decode()]
    return forms


def check_layout(text: str, *, width: int = _WIDTH) -> None:
    """Check text for a terminal: no padding at the end of a line, and no line wider than the terminal.

    A wider line is one value after its name, which cannot be broken.
    """
    for line in text.splitlines():
        assert line == line.rstrip(), repr(line)
        assert len(line) <= width, repr(line)


def schema(name: str) -> Draft202012Validator:
    """Return the validator of a schema of docs/schemas."""
    documents = {
        path.name.removesuffix(".schema.json"): json.loads(path.read_text())
        for path in sorted((ROOT / "docs" / "schemas").glob("*.schema.json"))
    }
    registry: Registry[Any] = Registry().with_resources(
        (document["$id"], Resource.from_contents(document)) for document in documents.values()
    )
    return Draft202012Validator(documents[name], registry=registry)


def error_of(outcome: Outcome) -> dict[str, Any]:
    """Return the error object of a run with --json, checked against its schema and the line on stderr."""
    schema("error").validate(outcome.json)
    error: dict[str, Any] = outcome.json["error"]
    assert outcome.line == f"smartcard-dm: {error['message']}"
    assert outcome.code == error["exit_code"]
    return error
