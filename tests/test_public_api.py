"""The public names: pinned, importable one at a time, documented."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import smartcard_dm as dm

PUBLIC = [
    "AgentError", "AppAuth", "CardError", "CardIdentity", "CardSession", "Credentials", "DecodeError",
    "DeviceInformation", "DeviceTree", "DmAccount", "DmMessage",
    "Generation", "KeyMaterialError", "Limits", "Origin", "Policy", "Rule", "Secret", "ServerId", "SmartcardDmError",
    "Step", "Transport", "TransportKind", "TrustAnchor", "UnsupportedError", "VerificationError", "VerifiedMessage",
    "Verifier", "client", "issue", "open_card", "read_accounts", "read_credentials", "read_provisioning", "wbxml",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert dm.__all__ == PUBLIC
    assert dir(dm) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(dm, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(dm, "nothing")  # noqa: B009 - the plain attribute is what the type checker forbids


@pytest.mark.parametrize(
    "room", ["wbxml", "iso7816", "pkcs15", "dm", "xmlsec", "server", "personalise", "tree", "client"]
)
def test_a_room_exports_what_it_says(room: str) -> None:
    module = importlib.import_module(f"smartcard_dm.{room}")
    assert module.__all__
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, smartcard_dm; print([m for m in ('lxml', 'cryptography', 'smartcard') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_everything_works_without_pcsc() -> None:
    script = (
        "import sys; sys.modules['smartcard'] = None\n"
        "import smartcard_dm as dm\n"
        "for name in dm.__all__: getattr(dm, name)\n"
        "print('ok')"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "ok\n"
