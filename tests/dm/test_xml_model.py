from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_model import Model, flag, many, maybe, one, only, read_filled, read_later, read_text, some
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.xml_walk import Document


def placed(element: LxmlElement, document: Document, place: str) -> tuple[str, str]:
    return read_text(element, document), place


MODEL = Model(
    one("{n}id", read_filled),
    maybe("{n}name", read_text),
    flag("{n}on"),
    many("{n}Item", placed),
    some({"{n}Add": placed, "{n}Get": placed}, "a command"),
)


def read(inside: str, model: Model = MODEL) -> list[object]:
    root = parse_xml(f'<r xmlns="n">{inside}</r>'.encode(), root="{n}r", structure="sample", limits=DEFAULT_LIMITS)
    return model.read(root.element, root.document, "/r")


def test_each_slot_has_its_value() -> None:
    assert read("<id>1</id><Add>a</Add>") == ["1", None, False, (), [("a", "/r/Add[1]")]]
    assert read("<id>1</id><name/><on/><Item>i</Item><Item/><Add/><Get/><Add>b</Add>") == [
        "1",
        "",
        True,
        [("i", "/r/Item[1]"), ("", "/r/Item[2]")],
        [("", "/r/Add[1]"), ("", "/r/Get[1]"), ("b", "/r/Add[2]")],
    ]


@pytest.mark.parametrize(
    ("inside", "place", "wanted"),
    [
        pytest.param("", "/r", "id", id="nothing"),
        pytest.param("<name/>", "/r/name", "id", id="what has to be there first"),
        pytest.param("<id/>", "/r/id", "text", id="empty"),
        pytest.param("<id>1</id>", "/r", "name or on or Item or a command", id="what may be there is told"),
        pytest.param("<id>1</id><on/><name/>", "/r/name", "Item or a command", id="order"),
        pytest.param("<id>1</id><id>1</id>", "/r/id[2]", "name or on or Item or a command", id="twice"),
        pytest.param("<id>1</id><Item/>", "/r", "Item or a command", id="one that repeats may go on"),
        pytest.param("<id>1</id><Add/><Item/>", "/r/Item[1]", "nothing more", id="a choice is told until it is made"),
    ],
)
def test_what_does_not_fit_is_refused(inside: str, place: str, wanted: str) -> None:
    with pytest.raises(DmError) as caught:
        read(inside)
    assert (caught.value.place, caught.value.wanted) == (place, wanted)


def test_one_that_may_repeat_elsewhere_is_taken_once() -> None:
    model = Model(only("{n}Item", placed))
    assert read("<Item/>", model) == [[("", "/r/Item[1]")]]
    with pytest.raises(DmError, match=r"at /r/Item\[2\]: an element stands out of place \(wanted nothing more"):
        read("<Item/><Item/>", model)


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        pytest.param("x<id><b/></id>", "at /r: text stands", id="text before an element"),
        pytest.param("<id><b/></id>x", "at /r: text stands", id="text behind an element"),
        pytest.param('<id a="b"><b/></id>', "at /r/id: no element of this structure has attributes", id="attribute"),
        pytest.param("<id>x<b/></id><zed/>", "at /r/id: an element stands where text", id="element beside text"),
        pytest.param("<id>1</id><on>x</on><zed/>", "at /r/on: text stands", id="flag that holds text"),
        pytest.param("<id>1</id><on><b/></on><zed/>", "at /r/on: an element", id="flag that holds an element"),
        pytest.param('<id>1</id><on a="b"/><zed/>', "at /r/on: no element", id="flag with an attribute"),
    ],
)
def test_the_first_fault_is_told(inside: str, fault: str) -> None:
    with pytest.raises(DmError, match=fault):
        read(inside)


def test_white_space_between_elements_is_ignored() -> None:
    assert read(" \n<id> 1 </id>\t<on> </on>\r\n<Add/> ") == [" 1 ", None, True, (), [("", "/r/Add[1]")]]


def test_what_is_read_later_is_the_element() -> None:
    (element,) = read("<id><zed/></id>", Model(one("{n}id", read_later)))
    assert getattr(element, "tag", None) == "{n}id"
