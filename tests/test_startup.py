"""What is imported, and when: help is quick, and nothing but a real reader needs PC/SC."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"asn1crypto", "cryptography", "jsonschema", "lxml", "pkcs11", "rich", "smartcard", "vendor_pcsc", "yaml"}
LIGHT = {
    "smartcard_dm",
    "smartcard_dm.cli",
    "smartcard_dm.cli.exits",
    "smartcard_dm.cli.main",
    "smartcard_dm.cli.output",
    "smartcard_dm.cli.program",
    "smartcard_dm.cli.usage",
    "smartcard_dm.errors",
    "smartcard_dm.rules",
}
REPORT = "import json, sys; print(json.dumps(sorted(sys.modules)))"
BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {'smartcard', 'pkcs11'}:
            raise ImportError(f'the module {name} is blocked')

sys.meta_path.insert(0, Blocked())
"""


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules(code: str) -> set[str]:
    return set(json.loads(python(f"{code}\n{REPORT}").splitlines()[-1]))


def command_line(*arguments: str) -> str:
    return (
        "from smartcard_dm.cli.main import main\n"
        "try:\n"
        f"    main({list(arguments)!r})\n"
        "except SystemExit as left:\n"
        "    assert left.code in (0, 2), left.code"
    )


def heavy(found: set[str]) -> set[str]:
    return {name for name in found if name.partition(".")[0] in HEAVY}


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("--version",), (), ("frobnicate",)])
def test_help_imports_nothing_heavy_and_no_room_of_the_project(arguments: tuple[str, ...]) -> None:
    found = modules(command_line(*arguments))
    assert heavy(found) == set()
    assert {name for name in found if name.startswith("smartcard_dm")} <= LIGHT


def test_importing_the_package_imports_nothing_else() -> None:
    found = modules("import smartcard_dm")
    assert heavy(found) == set()
    assert {name for name in found if name.startswith("smartcard_dm")} == {"smartcard_dm"}


def test_a_key_in_a_file_signs_without_the_binding_for_tokens() -> None:
    arguments = ["issue", "fixtures/messages/commands.xml", "--server-id", "a", "--key", "fixtures/keys/dms-rsa.pem"]
    code = f"{BLOCKED}\nfrom smartcard_dm.cli.main import main\nmain({[*arguments, '-o', '/dev/null']!r})"
    assert "signed with rsa-sha256" in python(code)


def test_every_public_name_works_without_pyscard() -> None:
    code = "import smartcard_dm\nfor name in smartcard_dm.__all__:\n    assert getattr(smartcard_dm, name) is not None"
    assert not {name for name in modules(BLOCKED + code) if name.partition(".")[0] == "smartcard"}


@pytest.mark.parametrize("arguments", [("demo",), ("accounts", "--card", "profile:fixtures/cards/usim.yaml")])
def test_commands_on_a_virtual_card_work_without_pyscard(arguments: tuple[str, ...]) -> None:
    code = f"{BLOCKED}\nfrom smartcard_dm.cli.main import main\nmain({list(arguments)!r})"
    assert "com.example.dms" in python(code)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    code = "import smartcard_dm\ntry:\n    smartcard_dm.frobnicate\nexcept AttributeError as error:\n    print(error)"
    assert "has no attribute 'frobnicate'" in python(code)
