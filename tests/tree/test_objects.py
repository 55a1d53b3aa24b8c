from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm.namespaces import DMACC_VERSIONS, MO_DEVDETAIL, MO_DEVINFO, MO_INBOX, MO_NAP, MO_PROXY
from smartcard_dm.dm.object_connectivity import NAP
from smartcard_dm.dm.object_dmacc import DMACC
from smartcard_dm.tree.builtin import BUILTIN, standard_register
from smartcard_dm.tree.objects import ENTRY_POINT_GROUP, ObjectRegister, installed_handlers

if TYPE_CHECKING:
    from pathlib import Path

LAMP = """
    from smartcard_dm.dm.object_tables import interior
    from smartcard_dm.dm.standard_object import StandardObject

    def lamp(mo_id="urn:oma:mo:ext-example-lamp:1.0"):
        return StandardObject(
            family=mo_id.rpartition(":")[0], versions={mo_id: (1, 0)}, holder=None, description=interior("")
        )

    def several():
        return lamp("urn:oma:mo:ext-example-a:1.0"), lamp("urn:oma:mo:ext-example-b:1.0")

    def twin():
        return lamp("urn:oma:mo:oma-connmo-nap:1.0")

    def broken():
        raise RuntimeError("no lamp")
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """Put a distribution on the path that names these entry points, the way an installer would."""
    module = f"lamp_{folder.name}"
    (folder / f"{module}.py").write_text(dedent(LAMP), encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    lines = "".join(f"{name} = {module}:{value}\n" for name, value in entries.items())
    (info / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n{lines}", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


def test_the_standard_register_knows_every_built_in_identifier() -> None:
    wanted = {*DMACC_VERSIONS, MO_NAP, MO_PROXY, MO_DEVINFO, MO_DEVDETAIL, MO_INBOX}
    assert set(ObjectRegister(BUILTIN).by_identifier) == wanted
    assert wanted <= set(standard_register().by_identifier)


def test_a_handler_is_found_by_each_of_its_identifiers() -> None:
    register = ObjectRegister((DMACC, NAP))
    assert all(register.by_identifier[mo_id] is DMACC for mo_id in DMACC_VERSIONS)
    assert register.by_identifier[MO_NAP] is NAP
    assert MO_PROXY not in register.by_identifier


def test_two_handlers_for_one_identifier_are_refused() -> None:
    with pytest.raises(ValueError, match=f"two handlers for the management object {MO_NAP}"):
        ObjectRegister((NAP, NAP))


def test_every_built_in_family_is_the_beginning_of_its_identifiers() -> None:
    for handler in BUILTIN:
        for mo_id, version in handler.versions.items():
            number = ".".join(map(str, version))
            assert mo_id == f"{handler.family}:{number}" or handler is DMACC


def test_the_handler_of_another_distribution_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, lamp="lamp")
    assert "urn:oma:mo:ext-example-lamp:1.0" in standard_register().by_identifier


def test_an_entry_may_bring_several_handlers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, many="several")
    families = [each.family for each in installed_handlers()]
    assert [each for each in families if "example" in each] == [
        "urn:oma:mo:ext-example-a",
        "urn:oma:mo:ext-example-b",
    ]


def test_entries_come_in_the_order_of_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, zoo="lamp", ant="several")
    families = [each.family.rpartition("-")[2] for each in installed_handlers() if "example" in each.family]
    assert families == ["a", "b", "lamp"]


def test_an_installed_handler_cannot_take_the_place_of_a_built_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, twin="twin")
    with pytest.raises(ValueError, match=f"two handlers for the management object {MO_NAP}"):
        standard_register()


@pytest.mark.parametrize("value", ["broken", "missing"])
def test_an_entry_that_cannot_be_used_is_named(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, lamp=value)
    with pytest.raises(ValueError, match=f"entry point lamp of {ENTRY_POINT_GROUP} cannot be used"):
        installed_handlers()
