from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from smartcard_dm.dm import NodeFormat, NodeType, NodeUri, TndsNode, TypeKind
from smartcard_dm.dm.description import AccessType, Occurrence, Scope
from smartcard_dm.dm.object_tables import EXT, interior, leaf, permanent, secret
from smartcard_dm.dm.standard_object import StandardObject
from smartcard_dm.errors import DmError, UnsupportedError
from smartcard_dm.tree.builtin import BUILTIN
from tests.dm.samples import Tree, changed, node
from tests.dm.strategies import NAMES, nodes

if TYPE_CHECKING:
    from smartcard_dm.tree.objects import ObjectHandler

MO = "urn:oma:mo:ext-example-lamp:1.0"
PLACE = "./Lamp/A"
LAMP = StandardObject(
    family="urn:oma:mo:ext-example-lamp",
    versions={MO: (1, 0)},
    holder=NodeUri(("Lamp",)),
    keys=(("LampID",), ("LampId",)),
    names=(("Room", "Label"), ("LampID",)),
    description=interior(
        "",
        leaf("LampID"),
        leaf("LampId"),
        leaf("On", NodeFormat.BOOL),
        leaf("Any", None),
        replace(leaf("Text"), types=("text/plain", "text/html")),
        secret("Password"),
        interior("Room", leaf("Label", occurrence=Occurrence.ONE)),
        interior("Slots", interior("", leaf("Watt"), occurrence=Occurrence.ONE_OR_MORE)),
        interior("Pair", replace(leaf(""), occurrence=Occurrence.ZERO_OR_MORE, maximum=2)),
        interior("Lone", leaf("")),
        interior("Open", free=True),
        interior("Typed", types=("urn:x:1.0",)),
        interior(EXT),
    ),
)
TREE: Tree = {
    "LampID": "lamp-7",
    "Any": b"\x00",
    "Text": "plain",
    "Password": "not-shown",
    "Room": {"Label": "Hall"},
    "Slots": {"1": {"Watt": "40"}, "2": {}},
    "Pair": {"a": "1", "b": "2"},
    "Lone": {"x": "1"},
    "Open": {"Deep": {"Deeper": {"Value": b"\x01"}}},
    "Ext": {"Vendor": {"Colour": "blue"}},
}


def lamp(path: str = "", content: Tree | str | bytes | None = None, *, name: str = "A") -> TndsNode:
    return node(name, changed(TREE, path, content) if path else TREE, mo_id=MO)


def with_child(root: TndsNode, child: TndsNode) -> TndsNode:
    return replace(root, children=(*root.children, child))


def refusal(broken: TndsNode) -> DmError:
    with pytest.raises(DmError) as caught:
        LAMP.check(broken, PLACE)
    assert "not-shown" not in str(caught.value)
    return caught.value


def test_an_object_that_fits_is_accepted() -> None:
    LAMP.check(lamp(), PLACE)
    LAMP.check(with_child(lamp(), TndsNode("On", NodeFormat.BOOL, "true", type=NodeType(TypeKind.MIME))), PLACE)


def test_an_object_that_came_without_a_name_is_accepted() -> None:
    LAMP.check(lamp(name=""), PLACE)


def test_an_object_without_a_type_is_accepted() -> None:
    LAMP.check(node("A", TREE), PLACE)


def test_an_unknown_node_is_refused() -> None:
    error = refusal(lamp("Colour", "blue"))
    assert error.place == "./Lamp/A/Colour"
    assert "not a node of this object" in str(error)


def test_an_unknown_node_further_down_is_refused() -> None:
    assert refusal(lamp("Slots/1/Volt", "230")).place == "./Lamp/A/Slots/1/Volt"


def test_an_object_that_begins_at_an_unknown_node_is_not_supported() -> None:
    inner = node("Bulb", {}, mo_id="urn:oma:mo:ext-example-bulb:1.0")
    with pytest.raises(UnsupportedError, match=r"ext-example-bulb:1\.0.*\./Lamp/A/Bulb"):
        LAMP.check(with_child(lamp(), inner), PLACE)


def test_another_object_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match="urn:x:1"):
        LAMP.check(node("A", TREE, mo_id="urn:x:1.0"), PLACE)


def test_a_leaf_is_no_object() -> None:
    assert refusal(node("A", "value")).detail == "a leaf stands where an interior node belongs"


def test_a_missing_node_is_refused() -> None:
    error = refusal(lamp("Room/Label"))
    assert (error.detail, error.place) == ("the node is missing", "./Lamp/A/Room/Label")


def test_a_holder_that_wants_a_child_and_has_none_is_refused() -> None:
    error = refusal(lamp("Slots", {}))
    assert (error.detail, error.place) == ("the node has no children", "./Lamp/A/Slots")


def test_another_format_is_refused() -> None:
    error = refusal(lamp("On", "true"))
    assert (error.detail, error.place, error.wanted, error.found) == ("another Format", "./Lamp/A/On", "bool", "chr")


def test_an_interior_node_in_place_of_a_leaf_is_refused() -> None:
    error = refusal(lamp("Text", {}))
    assert (error.detail, error.place) == ("an interior node stands where a leaf belongs", "./Lamp/A/Text")


def test_a_leaf_in_place_of_an_interior_node_is_refused() -> None:
    error = refusal(lamp("Room", "Hall"))
    assert (error.detail, error.place) == ("a leaf stands where an interior node belongs", "./Lamp/A/Room")


def test_more_nodes_than_the_description_says_are_refused() -> None:
    error = refusal(lamp("Pair", {"a": "1", "b": "2", "c": "3"}))
    assert (error.place, error.wanted, error.found) == ("./Lamp/A/Pair", "at most 2", "3")


def test_a_second_node_of_any_name_is_refused_where_one_may_stand() -> None:
    error = refusal(lamp("Lone", {"x": "1", "y": "2"}))
    assert (error.place, error.wanted, error.found) == ("./Lamp/A/Lone", "at most 1", "2")


def test_another_mime_type_is_refused() -> None:
    other = TndsNode("Text", NodeFormat.CHR, "x", type=NodeType(TypeKind.MIME, "image/png"))
    error = refusal(with_child(lamp("Text"), other))
    assert (error.detail, error.place, error.found) == ("another Type", "./Lamp/A/Text", "'image/png'")


def test_a_leaf_without_a_mime_type_is_accepted() -> None:
    bare = TndsNode("Text", NodeFormat.CHR, "x", type=NodeType(TypeKind.MIME))
    LAMP.check(with_child(lamp("Text"), bare), PLACE)


def test_another_object_below_is_not_supported() -> None:
    LAMP.check(with_child(lamp(), node("Typed", {}, mo_id="urn:x:1.0")), PLACE)
    with pytest.raises(UnsupportedError, match=r"urn:y:1\.0.*\./Lamp/A/Typed"):
        LAMP.check(with_child(lamp(), node("Typed", {}, mo_id="urn:y:1.0")), PLACE)


def test_two_nodes_of_one_name_are_refused() -> None:
    error = refusal(with_child(lamp(), node("Text", "again")))
    assert (error.detail, error.place) == ("two nodes have one name", "./Lamp/A/Text")


@pytest.mark.parametrize("holder", ["Slots", "Open", "Ext"])
def test_a_node_without_a_name_is_refused_wherever_it_stands(holder: str) -> None:
    broken = with_child(lamp(holder), replace(node(holder, {"1": {}}), children=(node("", {}),)))
    error = refusal(broken)
    assert (error.detail, error.place) == ("a node below has no name", f"./Lamp/A/{holder}")


def test_two_vendor_nodes_of_one_name_are_refused() -> None:
    twins = replace(node("Ext", {}), children=(node("V", {}), node("V", "x")))
    assert refusal(with_child(lamp("Ext"), twins)).place == "./Lamp/A/Ext/V"


def test_the_key_tells_objects_apart_whatever_its_spelling() -> None:
    assert LAMP.key(lamp()) == "lamp-7"
    assert LAMP.key(node("A", {"LampId": "lamp-8"})) == "lamp-8"


@pytest.mark.parametrize("tree", [{}, {"LampID": ""}, {"LampID": b"octets"}, {"LampID": {}}])
def test_there_is_no_key_where_the_leaf_has_no_text(tree: Tree) -> None:
    assert LAMP.key(node("A", tree)) is None


def test_an_object_without_its_key_is_refused() -> None:
    error = refusal(lamp("LampID"))
    assert (error.detail, error.place) == ("the node is missing", "./Lamp/A/LampID")


def test_an_object_with_an_empty_key_is_refused() -> None:
    error = refusal(lamp("LampID", ""))
    assert (error.detail, error.place) == ("the value is empty", "./Lamp/A/LampID")


def test_a_key_in_two_spellings_is_refused() -> None:
    assert refusal(lamp("LampId", "lamp-8")).detail == "the node is there in two spellings"


def test_an_object_names_itself_by_the_first_leaf_that_is_there() -> None:
    assert LAMP.name(lamp()) == "Hall"
    assert LAMP.name(lamp("Room")) == "lamp-7"


@pytest.mark.parametrize("text", ["a/b", "..", "what?", "two\nlines"])
def test_a_value_that_cannot_be_a_node_name_gives_no_name(text: str) -> None:
    assert LAMP.name(lamp("Room/Label", text)) is None


def test_a_handler_needs_an_identifier() -> None:
    with pytest.raises(ValueError, match="no identifier"):
        replace(LAMP, versions={})


def test_an_object_cannot_be_a_leaf() -> None:
    with pytest.raises(ValueError, match="interior node"):
        replace(LAMP, description=leaf("A"))


def test_a_key_must_be_in_the_description() -> None:
    with pytest.raises(ValueError, match="no node Room/Number"):
        replace(LAMP, keys=(("Room", "Number"),))


def test_a_secret_never_comes_out() -> None:
    described = secret("Password")
    assert described.secret
    assert not described.access & {AccessType.GET, AccessType.COPY}


def test_permanent_reaches_every_node() -> None:
    made = permanent(LAMP.description, {AccessType.GET})
    assert all(each.scope is Scope.PERMANENT and each.access == {AccessType.GET} for _, each in made.walk())
    assert len(list(made.walk())) == len(list(LAMP.description.walk()))


def test_a_format_may_be_left_open() -> None:
    contents: tuple[Tree | str | bytes, ...] = ("text", b"octets", {})
    for content in contents:
        LAMP.check(lamp("Any", content), PLACE)


HANDLERS: tuple[ObjectHandler, ...] = (LAMP, *BUILTIN)


@given(NAMES.flatmap(nodes))
def test_any_node_is_accepted_or_refused_by_our_errors(found: TndsNode) -> None:
    for handler in HANDLERS:
        key, name = handler.key(found), handler.name(found)
        assert key is None or key
        assert name is None or name
        try:
            handler.check(found, "./X")
        except (DmError, UnsupportedError):
            continue
        assert found.is_interior
