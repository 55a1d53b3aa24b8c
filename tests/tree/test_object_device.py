from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import NodeFormat, TndsNode
from smartcard_dm.dm.description import AccessType, Scope
from smartcard_dm.dm.namespaces import MO_DEVDETAIL, MO_DEVINFO, MO_INBOX
from smartcard_dm.dm.object_device import DEVDETAIL, DEVINFO, INBOX, DeviceInformation, device_nodes
from smartcard_dm.errors import DmError
from smartcard_dm.tree.builtin import BUILTIN, standard_register
from tests.dm.samples import node

if TYPE_CHECKING:
    from smartcard_dm.dm.standard_object import StandardObject

PHONE = DeviceInformation(
    dev_id="IMEI:490154203237518", man="Example", mod="Phone 7", lang="en-GB", dev_type="phone", fw="1.4"
)


def tree(values: DeviceInformation = PHONE) -> dict[str, TndsNode]:
    return {each.name: each for each in device_nodes(values)}


def values_of(found: TndsNode) -> dict[str, object]:
    return {child.name: values_of(child) if child.is_interior else child.value for child in found.children}


def test_a_new_device_has_its_objects_and_the_places_for_others() -> None:
    types = {name: found.mo_id for name, found in tree().items()}
    assert types == {
        "DevInfo": MO_DEVINFO,
        "DevDetail": MO_DEVDETAIL,
        "Inbox": MO_INBOX,
        "DMAcc": None,
        "NAP": None,
        "PX": None,
    }


def test_devinfo_says_what_the_device_is() -> None:
    assert values_of(tree()["DevInfo"]) == {
        "DevId": "IMEI:490154203237518",
        "Man": "Example",
        "Mod": "Phone 7",
        "DmV": "1.2",
        "Lang": "en-GB",
    }


def test_devdetail_says_what_the_device_can_do() -> None:
    found = replace(PHONE, large_objects=True, max_depth=0)
    assert values_of(tree(found)["DevDetail"]) == {
        "URI": {"MaxDepth": "0", "MaxTotLen": "1024", "MaxSegLen": "1024"},
        "DevTyp": "phone",
        "OEM": "",
        "FwV": "1.4",
        "SwV": "",
        "HwV": "",
        "LrgObj": "true",
    }


def test_large_objects_are_a_truth_value_and_off_by_default() -> None:
    [found] = [each for each in tree()["DevDetail"].children if each.name == "LrgObj"]
    assert (found.format, found.value) == (NodeFormat.BOOL, "false")


@pytest.mark.parametrize("handler", [DEVINFO, DEVDETAIL, INBOX])
def test_the_first_nodes_fit_their_descriptions(handler: StandardObject) -> None:
    handler.check(tree()[handler.description.name], f"./{handler.description.name}")


def test_there_is_a_place_for_every_object_that_needs_one() -> None:
    holders = {each.holder.name for each in BUILTIN if each.holder is not None}
    empty = {name for name, found in tree().items() if not found.children}
    assert empty == holders | {"Inbox"}


def test_every_type_is_one_the_device_supports() -> None:
    register = standard_register()
    for found in tree().values():
        if found.mo_id is not None:
            assert register.by_identifier[found.mo_id].description.name == found.name


@pytest.mark.parametrize(
    ("handler", "access"), [(DEVINFO, AccessType.GET), (DEVDETAIL, AccessType.GET), (INBOX, AccessType.ADD)]
)
def test_no_server_can_change_them(handler: StandardObject, access: AccessType) -> None:
    for _, each in handler.description.walk():
        assert each.scope is Scope.PERMANENT
        assert each.access == {access}


@pytest.mark.parametrize("handler", [DEVINFO, DEVDETAIL, INBOX])
def test_none_is_ever_taken_from_the_inbox(handler: StandardObject) -> None:
    found = tree()[handler.description.name]
    assert (handler.holder, handler.key(found), handler.name(found)) == (None, None, None)


def test_nothing_stands_in_the_inbox() -> None:
    with pytest.raises(DmError, match="not a node"):
        INBOX.check(node("Inbox", {"x": "1"}), "./Inbox")


@pytest.mark.parametrize("field", ["dev_id", "man", "mod", "lang", "dev_type", "dm_version"])
def test_a_value_that_a_device_must_have_cannot_be_empty(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is empty"):
        replace(PHONE, **{field: " "})  # type: ignore[arg-type] # a text


@pytest.mark.parametrize("field", ["dev_id", "man", "mod", "dev_type", "oem", "fw", "sw", "hw"])
def test_a_text_is_printable(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is not printable"):
        replace(PHONE, **{field: "a\x00b"})  # type: ignore[arg-type] # a text


def test_a_device_identifier_has_no_white_space() -> None:
    with pytest.raises(ValueError, match="white space"):
        replace(PHONE, dev_id="IMEI: 490154203237518")


@pytest.mark.parametrize("lang", ["en_GB", "english language", "-en", "toolongword"])
def test_a_language_is_a_tag(lang: str) -> None:
    with pytest.raises(ValueError, match="language tag"):
        replace(PHONE, lang=lang)


@pytest.mark.parametrize("version", ["1", "one", "1.2 draft"])
def test_a_version_is_one(version: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        replace(PHONE, dm_version=version)


@pytest.mark.parametrize("field", ["max_depth", "max_total_length", "max_segment_length"])
@pytest.mark.parametrize("value", [-1, 0x10000])
def test_a_bound_fits_16_bits(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{field} does not fit"):
        replace(PHONE, **{field: value})  # type: ignore[arg-type] # a number
