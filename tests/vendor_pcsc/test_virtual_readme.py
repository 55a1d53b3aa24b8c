"""The format reference holds: its example is a profile, and it names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vendor_pcsc.virtual
from vendor_pcsc.virtual import load_profile
from vendor_pcsc.virtual.content import BUILT_IN
from vendor_pcsc.virtual.document import Node, parse_document
from vendor_pcsc.virtual.model import Activation, Generation
from vendor_pcsc.virtual.profile import _OPTIONAL, _QUIRKS, _REQUIRED
from vendor_pcsc.virtual.profile_faults import FAULT_KEYS

README = (Path(vendor_pcsc.virtual.__file__).parent / "README.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def test_the_example_is_a_profile() -> None:
    assert load_profile(EXAMPLE).name == "example"


def test_the_example_has_every_key_of_the_top_level() -> None:
    assert set(parse_document(EXAMPLE).mapping()) == {*_REQUIRED, *_OPTIONAL}


def keys(node: Node) -> set[str]:
    if isinstance(node.value, dict):
        return set(node.value).union(*map(keys, node.value.values()))
    return set[str]().union(*map(keys, node.value)) if isinstance(node.value, tuple) else set()


NAMES = [*BUILT_IN, *_QUIRKS, *FAULT_KEYS, *_REQUIRED, *_OPTIONAL]
CHOICES = [member.value for kind in (Generation, Activation) for member in kind]


@pytest.mark.parametrize("name", sorted(NAMES + CHOICES))
def test_every_name_stands_in_a_table(name: str) -> None:
    assert re.search(rf"^\| .*`{name}`", README, re.MULTILINE)


def test_every_key_of_the_example_stands_in_a_table() -> None:
    rules_and_pins = {"pin1", "adm1", "fixed", "private", "read"}
    assert set(FAULT_KEYS) - {"swap_at"} <= keys(parse_document(EXAMPLE))
    for key in keys(parse_document(EXAMPLE)) - rules_and_pins:
        assert f"`{key}`" in README or f"{key}:" in README
