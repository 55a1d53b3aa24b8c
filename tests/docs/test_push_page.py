"""The command lines of docs/push.md run as they stand; its tables are those of the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs import push_rules
from docs.marked import read_part
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.rules import Rule, Step
from smartcard_dm.trust.transport import TransportKind
from tests.cli.running import environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "push.md").read_text(encoding="utf-8")
TESTS = "".join(path.read_text("utf-8") for folder in ("push", "cli") for path in ROOT.glob(f"tests/{folder}/*.py"))
SECRETS = {"IMSI": "001010123456789", "CARD_PIN": "1234"}


def test_the_command_lines_run(tmp_path: Path) -> None:
    [console] = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    outputs: list[str] = []
    for line in console.splitlines():
        command, _, into = line.removeprefix("$ smartcard-dm ").partition(" > ")
        words = [str(tmp_path / word) if word in {"t.db", "pdus.txt"} else word for word in shlex.split(command)]
        done = subprocess.run(
            [sys.executable, "-m", "smartcard_dm", *words],
            cwd=ROOT,
            env={**environment(), **SECRETS},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.append(done.stdout)
        if into:
            (tmp_path / into).write_text(done.stdout)
    assert len(outputs) == 4
    assert "AUTHORIZED com.example.dms, wap from DM server: 2 commands (2 x 200)" in outputs[2]
    assert outputs[3].count("apply") == 1


def test_the_table_of_rules_is_that_of_the_code() -> None:
    assert push_rules.render() == read_part(PAGE, push_rules.PART)
    names = [rule.name for rule in push_rules.rules()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", [rule.name for rule in push_rules.rules()])
def test_a_test_names_each_rule(rule: str) -> None:
    group, _, name = rule.partition(".")
    member = name.upper().replace("-", "_")
    enum = {"sms": "SmsRule", "wdp": "SmsRule", "wsp": "WspRule", "http": "HttpRule", "sip": "SipRule"}[group]
    assert f'"{rule}"' in TESTS or re.search(rf"\b{enum}\.{member}\b", TESTS), f"no test breaks {rule}"


@pytest.mark.parametrize(
    "bound", re.findall(r"`([a-z_]+)`(?=[^|]*\|[^|]*\|[^|]*\|$)", PAGE.partition("## Bounds")[2], re.MULTILINE)
)
def test_the_bounds_are_fields_of_the_limits(bound: str) -> None:
    assert isinstance(getattr(DEFAULT_LIMITS, bound), int)


def test_every_transport_has_its_rules_of_step_9() -> None:
    for kind in TransportKind:
        if kind is not TransportKind.LOCAL:
            assert f"`transport.{kind.value}.*`" in PAGE
            assert any(rule.identifier.startswith(f"transport.{kind.value}.") for rule in Rule)
    assert all(rule.step is Step.TRANSPORT for rule in Rule if rule.identifier.startswith("transport."))
