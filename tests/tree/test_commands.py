"""Add, Replace, Delete, Copy, Exec and Get of nodes and properties: each success and each status.

Facts: OMA-TS-DM_RepPro-V1_2_1, 6.5 and 10; OMA-TS-DM_TND-V1_2_1, 7.2 to 7.6. Where the documents are silent the name of
the test says what was chosen.
"""

from __future__ import annotations

from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.tree import DeviceTree, ExecRequested
from tests.materials import NOW
from tests.tree.device import (
    INFORMATION,
    A,
    B,
    account,
    acl_of,
    add,
    card,
    command,
    delete,
    device,
    item,
    later,
    message,
    push,
    replace,
    set_acl,
    snapshot,
    status,
    statuses,
    there,
    value,
)

if TYPE_CHECKING:
    from smartcard_dm.tree import CommandReport, DeviceEvent
    from smartcard_dm.tree.nodes import NodeRow

ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"
NAP = "urn:oma:mo:oma-connmo-nap:1.0"
DEVINFO = "urn:oma:mo:oma-dm-devinfo:1.0"


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []

    def notify(self, event: DeviceEvent) -> None:
        self.events.append(event)


def node_xml(
    name: str,
    access: str,
    format_: str = "node",
    scope: str = "Dynamic",
    children: str = "",
    occurrence: str = "ZeroOrOne",
    path: str = "",
) -> str:
    """Return a node of a device description file."""
    types = "".join(f"<{each}/>" for each in access.split())
    place = f"<Path>{path}</Path>" if path else ""
    return (
        f"<Node><NodeName>{name}</NodeName>{place}<DFProperties><AccessType>{types}</AccessType>"
        f"<DFFormat><{format_}/></DFFormat><Occurrence><{occurrence}/></Occurrence><Scope><{scope}/></Scope>"
        f"<DFType><{'DDFName' if format_ == 'node' else 'MIME'}>{'' if format_ == 'node' else 'text/plain'}"
        f"</{'DDFName' if format_ == 'node' else 'MIME'}></DFType></DFProperties>{children}</Node>"
    )


def ddf(*nodes: str) -> bytes:
    return f"<MgmtTree><VerDTD>1.2</VerDTD>{''.join(nodes)}</MgmtTree>".encode()


def open_device(*description_files: bytes) -> DeviceTree:
    """Return a device whose root, and all that inherits from it, grants everyone everything."""
    return device(acls={".": ALL}, description_files=description_files)


def row(tree: DeviceTree, uri: str) -> NodeRow:
    found = tree.nodes.get(uri.removeprefix("./"))
    assert found is not None
    return found


def detail(tree: DeviceTree, xml: str) -> str:
    (found,) = push(tree, message(xml)).report
    return found.detail


def copy(source: str | None, target: str | None) -> str:
    return command("Copy", item(target, source=source))


def get(uri: str) -> str:
    return command("Get", item(uri))


def exec_(uri: str, data: str | None = None) -> str:
    return command("Exec", item(uri, data))


# Add


def test_add_of_a_leaf() -> None:
    tree = open_device()
    assert status(tree, add("./v", "value")) == 200
    assert row(tree, "./v")[:5] == ("v", "chr", "value", "", None)


def test_add_of_an_interior_node() -> None:
    tree = open_device()
    assert status(tree, add("./x")) == 200
    assert row(tree, "./x").is_interior
    assert row(tree, "./x").type == ""


def test_add_without_a_format_makes_text() -> None:
    tree = open_device()
    assert status(tree, command("Add", item("./v", "value"))) == 200
    assert (row(tree, "./v").format, row(tree, "./v").type) == ("chr", "text/plain")


@pytest.mark.parametrize(
    ("format_", "data", "stored"),
    [
        ("chr", "", ""),
        ("chr", "  two  lines\n", "  two  lines\n"),
        ("xml", "<a>&amp;</a>", "<a>&amp;</a>"),
        ("int", "-2147483648", "-2147483648"),
        ("int", "2147483647", "2147483647"),
        ("bool", "true", "true"),
        ("float", "1.5e3", "1.5e3"),
        ("date", "2026-07-01", "2026-07-01"),
        ("date", "20260701", "20260701"),
        ("time", "12:30:00Z", "12:30:00Z"),
        ("b64", "AAECAw==", b"\x00\x01\x02\x03"),
        ("bin", "/+4=", b"\xff\xee"),
        ("bin", "", b""),
        ("null", None, None),
        ("null", "", None),
    ],
)
def test_add_of_each_format(format_: str, data: str | None, stored: object) -> None:
    tree = open_device()
    assert status(tree, add("./v", data, format_)) == 200
    assert value(tree, "./v") == stored
    assert row(tree, "./v").format == format_


@pytest.mark.parametrize(
    ("format_", "data", "wanted"),
    [
        *(("int", text, 500) for text in ("", "1.0", "x", "2147483648", "-2147483649", "1 ", "0x10", "99999999999")),
        *(("bool", text, 500) for text in ("", "1", "True", "yes")),
        *(("float", text, 500) for text in ("", "1,5", "x")),
        *(("date", text, 500) for text in ("", "2026-13-01", "2026-07-32", "01.07.2026")),
        *(("time", text, 500) for text in ("", "24:00:00", "12:60:00", "noon")),
        *(("b64", text, 500) for text in ("AAE", "!", "AAEC===", "\u00e4\u00e4\u00e4\u00e4")),
        *(("bin", text, 500) for text in ("AAE", "not base64")),
        ("null", "something", 500),
        ("node", "something", 500),
        *((unknown, "x", 415) for unknown in ("string", "CHR", "integer", "chr ", "Node")),
        *((each, None, 412) for each in ("chr", "int", "bin", "b64", "bool", "xml")),
    ],
)
def test_add_with_a_value_that_is_not_of_its_format(format_: str, data: str | None, wanted: int) -> None:
    tree = open_device()
    assert status(tree, add("./v", data, format_)) == wanted
    assert not there(tree, "./v")


def test_a_refusal_never_shows_the_value() -> None:
    tree = open_device()
    assert "hunter" not in detail(tree, add("./v", "hunter2", "int"))
    assert "hunter" not in detail(tree, add("./v", "hunter2!", "bin"))


@pytest.mark.parametrize(("size", "wanted"), [(5, 200), (4, 424), (6, 424), (0, 424)])
def test_add_with_the_size_that_meta_says(size: int, wanted: int) -> None:
    meta = f'<Meta><Size xmlns="syncml:metinf">{size}</Size></Meta>'
    xml = f"<Add><Item><Target><LocURI>./v</LocURI></Target>{meta}<Data>gr\u00fcn</Data></Item></Add>"
    assert status(open_device(), xml) == wanted


def test_the_size_of_a_binary_value_is_that_of_its_octets() -> None:
    meta = '<Meta><Format xmlns="syncml:metinf">bin</Format><Size xmlns="syncml:metinf">4</Size></Meta>'
    xml = f"<Add><Item><Target><LocURI>./v</LocURI></Target>{meta}<Data>AAECAw==</Data></Item></Add>"
    assert status(open_device(), xml) == 200


def test_the_meta_of_a_command_counts_for_items_without_their_own() -> None:
    meta = '<Meta><Format xmlns="syncml:metinf">int</Format></Meta>'
    items = item("./a", "1") + item("./b", "word") + item("./c", "word", format_="chr")
    tree = open_device()
    assert statuses(tree, f"<Add>{meta}{items}</Add>") == [200, 500, 200]
    assert row(tree, "./a").format == "int"


def test_add_of_what_is_there_is_refused_and_changes_nothing() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + add("./v", "2") + add("./v")) == [200, 418, 418]
    assert value(tree, "./v") == "1"
    assert status(tree, add("./DMAcc")) == 418
    assert status(tree, add(".")) == 418


def test_names_that_differ_in_case_are_two_nodes() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + add("./V", "2")) == [200, 200]


def test_add_below_a_leaf_is_not_allowed() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + add("./v/w", "2") + add("./v/w/x", "2")) == [200, 405, 405]


def test_add_makes_the_parents_that_are_missing() -> None:
    tree = open_device()
    assert status(tree, add("./x/y/z", "1")) == 200
    assert [row(tree, uri).format for uri in ("./x", "./x/y", "./x/y/z")] == ["node", "node", "chr"]


def test_an_add_that_fails_leaves_no_parents_behind() -> None:
    tree = open_device()
    assert status(tree, add("./x/y/z", "word", "int")) == 500
    assert not there(tree, "./x")


def test_an_add_without_target_is_incomplete() -> None:
    assert status(open_device(), command("Add", item(None, "1"))) == 412


def test_an_address_with_and_without_dot_is_one_place() -> None:
    tree = open_device()
    assert statuses(tree, add("x/v", "1") + replace("./x/v", "2") + delete("x/v")) == [200, 200, 200]


def test_a_type_is_kept_for_a_leaf() -> None:
    tree = open_device()
    assert status(tree, add("./v", "AA==", "bin", "image/png")) == 200
    assert row(tree, "./v").type == "image/png"
    assert status(tree, add("./w", "AA==", "bin")) == 200
    assert row(tree, "./w").type == "", "no default for octets"


def test_a_mime_type_on_an_interior_node_is_no_identifier() -> None:
    tree = open_device()
    assert status(tree, add("./x", None, "node", "text/plain")) == 200
    assert row(tree, "./x").type == ""


def test_an_interior_node_may_begin_an_object_that_is_supported() -> None:
    tree = open_device()
    assert status(tree, add("./NAP/mine", None, "node", NAP)) == 200
    assert row(tree, "./NAP/mine").type == NAP
    assert status(tree, add("./NAP/mine/Nonsense", "1")) == 405, "the object has no such node"


def test_an_object_that_is_not_supported_is_passed_over_with_what_is_sent_below_it() -> None:
    tree = open_device()
    applied = push(
        tree,
        message(
            add("./x", None, "node", "urn:oma:mo:ext-unknown:1.0")
            + add("./x/y/z", "1")
            + replace("./x/y/z", "2")
            + replace("./x?prop=ACL", "Get=*")
            + delete("./x/y")
            + add("./other", "1")
        ),
    )
    assert [int(each.status) for each in applied.report] == [200] * 6
    assert [each.uri for each in applied.effects.skipped] == ["./x", "./x/y/z", "./x/y/z", "./x", "./x/y"]
    assert not there(tree, "./x")
    assert there(tree, "./other")


def test_a_vendor_branch_that_nobody_handles_is_passed_over() -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/a", ALL)
    commands = add("./DMAcc/a/Ext/Vendor/v", "1") + replace("./DMAcc/a/Ext/Vendor/w", "1")
    assert statuses(tree, commands) == [200, 200]
    assert not there(tree, "./DMAcc/a/Ext")


# Replace


def test_replace_of_a_value() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + replace("./v", "2")) == [200, 200]
    assert value(tree, "./v") == "2"


def test_replace_never_makes_a_node() -> None:
    tree = open_device()
    assert statuses(tree, replace("./v", "1") + replace("./x/y", "1")) == [404, 404]
    assert not there(tree, "./v")


def test_replace_of_an_interior_node_by_a_value_is_not_allowed() -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + replace("./x", "1") + replace(".", "1")) == [200, 405, 405]


def test_replace_keeps_the_format_that_the_node_has() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1", "int") + replace("./v", "word") + replace("./v", "2")) == [200, 500, 200]
    assert value(tree, "./v") == "2"


def test_replace_of_a_dynamic_leaf_may_change_format_and_type() -> None:
    tree = open_device()
    assert status(tree, add("./v", "1")) == 200
    assert status(tree, command("Replace", item("./v", "AAE=", format_="bin", type_="image/png"))) == 200
    assert (row(tree, "./v").format, row(tree, "./v").type, value(tree, "./v")) == ("bin", "image/png", b"\x00\x01")


def test_a_leaf_never_becomes_an_interior_node() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + command("Replace", item("./v", format_="node"))) == [200, 405]


@pytest.mark.parametrize(("format_", "data", "wanted"), [("bin", "?", 500), ("what", "1", 415), ("chr", None, 412)])
def test_a_replace_that_fails_keeps_the_old_value(format_: str, data: str | None, wanted: int) -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + replace("./v", data, format_)) == [200, wanted]
    assert value(tree, "./v") == "1"


def test_replace_with_another_size_than_meta_says() -> None:
    tree = open_device()
    meta = '<Meta><Size xmlns="syncml:metinf">9</Size></Meta>'
    xml = f"<Replace><Item><Target><LocURI>./v</LocURI></Target>{meta}<Data>2</Data></Item></Replace>"
    assert statuses(tree, add("./v", "1") + xml) == [200, 424]
    assert value(tree, "./v") == "1"


# Delete


def test_delete_takes_all_below_with_it() -> None:
    tree = open_device()
    assert statuses(tree, add("./x/y/z", "1") + add("./x0", "1") + add("./x.", "1")) == [200, 200, 200]
    assert status(tree, delete("./x")) == 200
    assert [there(tree, uri) for uri in ("./x", "./x/y", "./x/y/z", "./x0", "./x.")] == [*[False] * 3, True, True]


def test_delete_of_what_is_not_there() -> None:
    assert statuses(open_device(), delete("./x") + delete("./DMAcc/nobody") + delete("./x/y/z")) == [404, 404, 404]


@pytest.mark.parametrize("uri", [".", "./DevInfo", "./DevInfo/DevId", "./DevDetail/URI", "./Inbox", "./DMAcc", "./NAP"])
def test_delete_of_a_permanent_node_is_not_allowed(uri: str) -> None:
    tree = open_device()
    before = snapshot(tree)
    assert status(tree, delete(uri)) == 405
    assert snapshot(tree) == before


@pytest.mark.parametrize("server", [A, B])
def test_delete_of_a_permanent_node_is_not_allowed_before_it_is_not_permitted(server: str) -> None:
    assert status(device(), delete("./DevInfo"), server) == 405


def test_a_node_may_be_added_again_after_it_was_deleted() -> None:
    tree = open_device()
    commands = add("./x/v", "1") + delete("./x") + add("./x", "2")
    assert statuses(tree, commands) == [200, 200, 200]
    assert value(tree, "./x") == "2"


# Copy


def test_copy_to_a_new_leaf() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "AAE=", "bin", "image/png") + copy("./v", "./x/w")) == [200, 200]
    assert row(tree, "./x/w")[1:] == row(tree, "./v")._replace(verno=0)[1:]


def test_copy_over_a_leaf() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + add("./w", "2") + copy("./v", "./w")) == [200, 200, 200]
    assert value(tree, "./w") == "1"
    assert row(tree, "./w").verno == 1


def test_copy_takes_neither_acl_nor_keeps_the_source_from_staying() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + replace("./v?prop=ACL", "Get=*") + copy("./v", "./w")) == [200, 200, 200]
    assert acl_of(tree, "./w") == ""
    assert value(tree, "./v") == "1"


def test_copy_is_from_leaf_to_leaf_only() -> None:
    tree = open_device()
    commands = add("./x/v", "1") + copy("./x", "./y") + copy("./x/v", "./x") + copy(".", "./y")
    found = statuses(tree, commands)
    assert found[:3] == [200, 403, 403]
    assert found[3] in {403, 405}
    assert not there(tree, "./y")


def test_copy_of_what_is_not_there() -> None:
    assert status(open_device(), copy("./v", "./w")) == 404


def test_copy_without_source_or_target_is_incomplete() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + copy(None, "./w") + copy("./v", None)) == [200, 412, 412]


def test_copy_below_a_leaf_is_not_allowed() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + add("./w", "1") + copy("./v", "./w/x")) == [200, 200, 405]


def test_copy_of_a_secret_is_not_allowed_since_it_would_be_a_get() -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/a", ALL)
    assert status(tree, copy("./DMAcc/a/AppAuth/1/AAuthSecret", "./v")) == 405
    assert not there(tree, "./v")


def test_copy_out_of_the_inbox_is_not_allowed() -> None:
    assert status(open_device(), copy("./Inbox", "./v")) == 405


def test_copy_into_the_inbox_is_not_allowed() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1") + copy("./v", "./Inbox/v")) == [200, 405]
    assert not there(tree, "./Inbox/v")


def test_copy_of_an_account_into_a_second_one_is_refused() -> None:
    tree = open_device()
    for name in ("a", "b"):
        set_acl(tree, f"./DMAcc/{name}", ALL)
    assert status(tree, copy("./DMAcc/a/ServerID", "./DMAcc/b/ServerID")) == 418


# Exec


def test_exec_is_accepted_and_passed_on_after_the_message() -> None:
    tree = open_device()
    told = Told()
    xml = "<Exec><Correlator>c-7</Correlator>" + item("./x", "now") + "</Exec>"
    assert statuses(tree, add("./x") + xml, listener=told) == [200, 202]
    assert told.events == [ExecRequested(account(A).server_id, "./x", "now", "c-7")]


def test_exec_without_a_listener_is_not_supported() -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + exec_("./x")) == [200, 406]


def test_exec_of_what_is_not_there() -> None:
    assert status(open_device(), exec_("./x"), listener=Told()) == 404


def test_exec_in_a_dry_run_is_accepted_and_not_passed_on() -> None:
    tree = open_device()
    told = Told()
    assert statuses(tree, add("./x") + exec_("./x"), listener=told, dry_run=True) == [200, 202]
    assert told.events == []


def test_exec_of_a_permanent_node_without_that_access_type_is_not_allowed() -> None:
    assert status(open_device(), exec_("./DevInfo"), listener=Told()) == 405


def test_what_an_exec_carries_is_in_no_text_form() -> None:
    tree = open_device()
    applied = push(tree, message(add("./x") + exec_("./x", "hunter2")), listener=Told())
    assert "hunter2" not in repr(applied.effects)
    assert "hunter2" not in repr(tree.audit.rows())


# What has no effect


@pytest.mark.parametrize("uri", ["./DevInfo/DevId", "./DevInfo", ".", "./DevInfo?prop=ACL", "./DevInfo/Man?prop=Size"])
def test_get_has_no_effect_and_says_so(uri: str) -> None:
    tree = open_device()
    (found,) = push(tree, message(get(uri))).report
    assert int(found.status) == 215
    assert "Get has no effect" in found.detail


@pytest.mark.parametrize(
    ("uri", "wanted"),
    [
        ("./missing", 404),
        ("./missing?prop=ACL", 404),
        ("./DevInfo?prop=Colour", 406),
        ("./DevInfo?list=Struct", 406),
        ("./DMAcc/a/AppAuth/1/AAuthSecret", 405),
        ("./Inbox", 405),
        ("./Inbox?prop=ACL", 405),
        ("./Inbox/anything", 405),
        ("./Inbox/anything/further?prop=Type", 405),
    ],
)
def test_a_get_that_would_fail_says_why(uri: str, wanted: int) -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/a", ALL)
    assert status(tree, get(uri)) == wanted


@pytest.mark.parametrize(
    "xml",
    [
        "<Alert><Data>1226</Data></Alert>",
        "<Alert><Data>1200</Data></Alert>",
        "<Alert><Data>1100</Data><Item><Data>Hello</Data></Item></Alert>",
        "<Status><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Add</Cmd><Data>200</Data></Status>",
        "<Results><CmdRef>1</CmdRef><Item><Source><LocURI>./x</LocURI></Source><Data>1</Data></Item></Results>",
    ],
)
def test_alert_status_and_results_have_no_effect_and_say_so(xml: str) -> None:
    tree = open_device()
    before = snapshot(tree)
    first, second = push(tree, message(xml + add("./v", "1"))).report
    assert int(first.status) == 215
    assert "no effect" in first.detail
    assert int(second.status) == 200
    assert {row[0] for row in snapshot(tree)} - {row[0] for row in before} == {"v"}


def test_no_resp_is_noted() -> None:
    tree = open_device()
    reports: list[CommandReport] = []
    for number, xml in enumerate(("<Add><NoResp/>{}</Add>", "<Add>{}</Add>", "<Replace><NoResp/>{}</Replace>")):
        reports += push(tree, message(xml.format(item(f"./v{number}", "1")))).report
    assert [int(each.status) for each in reports] == [200, 200, 404]
    assert ["NoResp" in each.detail for each in reports] == [True, False, True]


# Several items


def test_each_item_has_a_status_and_effects_of_its_own() -> None:
    tree = open_device()
    items = (item("./a", "1"), item("./DevInfo", "1"), item("./b", "x", format_="int"), item("./c", "3"))
    report = push(tree, message(command("Add", *items))).report
    assert [(each.cmd_id, each.target, int(each.status)) for each in report] == [
        ("1", "./a", 200),
        ("1", "./DevInfo", 418),
        ("1", "./b", 500),
        ("1", "./c", 200),
    ]
    assert [there(tree, uri) for uri in ("./a", "./b", "./c")] == [True, False, True]


def test_commands_are_carried_out_in_the_order_of_the_message() -> None:
    tree = open_device()
    commands = add("./v", "1") + copy("./v", "./w") + replace("./v", "2") + copy("./w", "./v") + delete("./w")
    assert statuses(tree, commands) == [200] * 5
    assert value(tree, "./v") == "1"


# Permanent nodes and access types


@pytest.mark.parametrize(
    "xml",
    [
        replace("./DevInfo/Man", "other"),
        replace("./DevInfo/Man?prop=Name", "other"),
        replace("./DevInfo?prop=Name", "other"),
        replace("./DMAcc?prop=Name", "other"),
        replace(".?prop=Name", "other"),
        add("./DevInfo/Other", "1"),
        add("./DevInfo/Ext"),
        copy("./DevInfo/Man", "./DevInfo/Mod"),
        add("./Inbox/x", "1"),
        add("./Inbox/x"),
        add("./x", None, "node", DEVINFO),
        add("./x/y", None, "node", DEVINFO),
    ],
)
def test_nobody_changes_permanent_nodes_of_the_device(xml: str) -> None:
    tree = open_device()
    before = snapshot(tree)
    assert status(tree, xml) == 405
    assert snapshot(tree) == before


DESCRIBED = ddf(
    node_xml(
        "V",
        "Add Get",
        scope="Dynamic",
        children=(
            node_xml("ReadOnly", "Get", "chr")
            + node_xml("NoDelete", "Add Get Replace Exec", "chr")
            + node_xml("Number", "Add Copy Delete Exec Get Replace", "int")
            + node_xml("Closed", "Get Delete", children=node_xml("In", "Get", "chr"))
            + node_xml("Fixed", "Add Copy Delete Exec Get Replace", "chr", scope="Permanent")
            + node_xml("", "Add Delete Get Replace", "chr")
        ),
    )
)


def described() -> DeviceTree:
    tree = open_device(DESCRIBED)
    from smartcard_dm.tree.nodes import NodeRow as Row  # noqa: PLC0415

    with tree._database.writing():
        tree.nodes.add(
            [
                Row("V", "node"),
                Row("V/ReadOnly", "chr", "1", type="text/plain"),
                Row("V/NoDelete", "chr", "1", type="text/plain"),
                Row("V/Closed", "node"),
                Row("V/Fixed", "chr", "1", type="text/plain"),
                Row("V/any", "chr", "1", type="text/plain"),
            ]
        )
    return tree


@pytest.mark.parametrize(
    ("xml", "wanted"),
    [
        (get("./V/ReadOnly"), 215),
        (replace("./V/ReadOnly", "2"), 405),
        (delete("./V/ReadOnly"), 405),
        (exec_("./V/ReadOnly"), 405),
        (copy("./V/ReadOnly", "./V/other"), 405),
        (copy("./V/any", "./V/ReadOnly"), 405),
        (replace("./V/NoDelete", "2"), 200),
        (exec_("./V/NoDelete"), 202),
        (delete("./V/NoDelete"), 405),
        (copy("./V/NoDelete", "./V/other"), 405),
        (add("./V/Number", "1"), 415),
        (add("./V/Number", "1", "int"), 200),
        (add("./V/Number"), 415),
        (add("./V/other"), 415),
        (add("./V/other", "1"), 200),
        (add("./V/Closed/In", "1"), 405),
        (delete("./V/Closed"), 200),
        (delete("./V"), 405),
        (replace("./V/any", "AA==", "bin"), 415),
        (replace("./V/Fixed", "2"), 200),
        (replace("./V/Fixed", "1", "int"), 405),
        (command("Replace", item("./V/Fixed", "2", type_="text/html")), 405),
        (command("Replace", item("./V/Fixed", "2", format_="chr", type_="text/plain")), 200),
        (delete("./V/Fixed"), 405),
        (replace("./V/Fixed?prop=Name", "other"), 405),
        (replace("./V/Number?prop=Name", "other"), 404),
        (replace("./V/NoDelete?prop=Name", "other"), 405),
        (replace("./V/any?prop=Name", "other"), 200),
        (replace("./V/any?prop=Name", "Number"), 405),
        (replace("./V/Fixed?prop=Title", "other"), 200),
    ],
)
def test_a_description_file_says_what_nobody_may_do(xml: str, wanted: int) -> None:
    tree = described()
    before = snapshot(tree)
    assert status(tree, xml, listener=Told()) == wanted
    assert (snapshot(tree) != before) == (wanted == 200)


@pytest.mark.parametrize(
    "xml", [replace("./V/ReadOnly", "2"), delete("./V/NoDelete"), add("./V/Closed/In", "1"), exec_("./V/ReadOnly")]
)
def test_what_nobody_may_do_is_said_before_what_this_server_may_not(xml: str) -> None:
    tree = described()
    set_acl(tree, ".", "Add=*&Get=*")
    set_acl(tree, "./V", f"Get={B}")
    assert status(tree, xml, listener=Told()) == 405


def test_delete_of_an_interior_node_takes_children_that_forbid_delete_with_it() -> None:
    tree = open_device(ddf(node_xml("V", "Add Get Delete", children=node_xml("ReadOnly", "Get", "chr"))))
    assert statuses(tree, add("./V") + add("./V/ReadOnly", "1")) == [200, 200]
    assert statuses(tree, delete("./V/ReadOnly") + delete("./V")) == [405, 200]
    assert not there(tree, "./V/ReadOnly")


PERMANENT = ddf(
    node_xml(
        "P",
        "Add Get",
        scope="Permanent",
        children=node_xml("Q", "Add Get Replace", "chr", scope="Permanent") + node_xml("", "Add Delete Get", "chr"),
    )
)


def test_permanent_nodes_of_a_description_file_are_there_from_the_beginning() -> None:
    described_leaves = (
        node_xml("Text", "Get Replace", "chr", "Permanent", occurrence="One")
        + node_xml("Octets", "Get", "bin", "Permanent", occurrence="One")
        + node_xml("Number", "Get", "int", "Permanent", occurrence="One")
        + node_xml("Maybe", "Get", "chr", "Permanent")
        + node_xml("Dynamic", "Get", "chr", occurrence="One")
        + node_xml("", "Add Get", "chr", "Permanent", occurrence="OneOrMore")
    )
    tree = open_device(
        ddf(
            node_xml("Top", "Add Get", "node", "Permanent", described_leaves, "One", path="./Vendor/Maker"),
            node_xml("Mine", "Get", "chr", "Permanent", occurrence="One", path="./DMAcc/z/Ext"),
        )
    )
    found = [found.path for found in tree.nodes.below("Vendor")]
    assert found == [
        "Vendor",
        *("Vendor/Maker", "Vendor/Maker/Top", "Vendor/Maker/Top/Text", "Vendor/Maker/Top/Octets"),
    ]
    assert not there(tree, "./DMAcc/z"), "no account is made for the sake of what a file says inside it"
    assert (value(tree, "./Vendor/Maker/Top/Text"), value(tree, "./Vendor/Maker/Top/Octets")) == ("", b"")
    top = "./Vendor/Maker/Top"
    commands = replace(f"{top}/Text", "1"), delete(f"{top}/Text"), delete(top), add(f"{top}/Maybe", "1")
    assert statuses(tree, "".join(commands)) == [200, 405, 405, 405]


@pytest.mark.parametrize("xml", [add("./P"), add("./P/Q", "1"), add("./P/x", "1"), copy("./v", "./P/Q")])
def test_no_server_makes_a_permanent_node(xml: str) -> None:
    tree = open_device(PERMANENT)
    assert status(tree, add("./v", "1")) == 200
    assert status(tree, xml) == 405
    assert not there(tree, "./P")


# Properties


@pytest.mark.parametrize("uri", ["./x", "./x/v"])
@pytest.mark.parametrize("name", ["Format", "Size", "TStamp", "Type", "VerNo"])
def test_properties_for_get_only_are_not_replaced(uri: str, name: str) -> None:
    tree = open_device()
    assert statuses(tree, add("./x/v", "1") + replace(f"{uri}?prop={name}", "1")) == [200, 405]


@pytest.mark.parametrize("name", ["Colour", "acl", "NAME", "x1"])
def test_an_unknown_property_is_not_supported(name: str) -> None:
    tree = open_device()
    assert statuses(tree, get(f"./DMAcc?prop={name}") + replace(f"./DMAcc?prop={name}", "1")) == [406, 406]


@pytest.mark.parametrize("name", ["ACL", "Name", "Title", "Colour", "Format"])
def test_only_get_and_replace_go_with_properties(name: str) -> None:
    uri = f"./x?prop={name}"
    commands = add("./x") + add(uri, "1") + delete(uri) + exec_(uri) + copy(uri, "./v") + copy("./DevInfo/Man", uri)
    assert statuses(open_device(), commands, listener=Told()) == [200, 405, 405, 405, 405, 405]


@pytest.mark.parametrize("name", ["ACL", "Name", "Title"])
def test_a_property_of_what_is_not_there(name: str) -> None:
    assert status(open_device(), replace(f"./x?prop={name}", "")) == 404


@pytest.mark.parametrize("name", ["ACL", "Name", "Title"])
def test_a_property_without_data_is_incomplete(name: str) -> None:
    assert statuses(open_device(), add("./x") + replace(f"./x?prop={name}")) == [200, 412]


@pytest.mark.parametrize(("title", "wanted"), [("A title", 200), ("", 200), ("x" * 255, 200), ("x" * 256, 500)])
def test_a_title_has_at_most_255_octets(title: str, wanted: int) -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + replace("./x?prop=Title", title)) == [200, wanted]
    assert row(tree, "./x").title == (title or None if wanted == 200 else None)


def test_a_title_is_counted_in_octets() -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + replace("./x?prop=Title", "\u00fc" * 128)) == [200, 500]


# Renaming


def test_rename_takes_all_below_along() -> None:
    tree = open_device()
    commands = add("./x/y/v", "1") + add("./x0/v", "2") + replace("./x?prop=Name", "n\u00e4me")
    assert statuses(tree, commands) == [200, 200, 200]
    assert [there(tree, uri) for uri in ("./x", "./x/y", "./x/y/v", "./x0/v")] == [False, False, False, True]
    assert value(tree, "./n\u00e4me/y/v") == "1"
    assert statuses(tree, replace("./n\u00e4me/y?prop=Name", "z") + replace("./n\u00e4me/z/v", "3")) == [200, 200]


def test_rename_to_the_name_of_a_sibling_is_refused() -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + add("./y", "1") + replace("./x?prop=Name", "y")) == [200, 200, 418]
    assert row(tree, "./x").is_interior


def test_rename_to_its_own_name_changes_nothing() -> None:
    tree = open_device()
    assert status(tree, add("./x")) == 200
    before = row(tree, "./x")
    assert status(tree, replace("./x?prop=Name", "x")) == 200
    assert row(tree, "./x") == before


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a?b", "a\nb", "/"])
def test_rename_to_what_is_no_name_fails(name: str) -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + replace("./x?prop=Name", name)) == [200, 500]
    assert there(tree, "./x")


def test_rename_to_a_name_that_is_too_long() -> None:
    tree = open_device()
    assert statuses(tree, add("./x/y") + replace("./x?prop=Name", "n" * 1022)) == [200, 414]
    assert statuses(tree, replace("./x?prop=Name", "n" * 1021)) == [414], "the child would be too long"
    assert there(tree, "./x/y")


def test_the_nodes_of_an_object_keep_their_names_and_the_object_itself_may_be_renamed() -> None:
    tree = open_device()
    set_acl(tree, "./DMAcc/a", ALL)
    assert statuses(tree, replace("./DMAcc/a/Name?prop=Name", "x")) == [404]
    assert statuses(tree, replace("./DMAcc/a/AppID?prop=Name", "x")) == [405]
    assert statuses(tree, replace("./DMAcc/a?prop=Name", "x")) == [200]
    assert status(tree, add("./still", "1")) == 200, "its account is found under the new name"


# Time stamp, version number, size


def test_a_new_node_has_version_0_and_the_moment_of_processing() -> None:
    tree = open_device()
    push(tree, message(add("./x/v", "1")), at=NOW)
    assert {(row(tree, uri).verno, row(tree, uri).tstamp) for uri in ("./x", "./x/v")} == {(0, "20260701T120000Z")}


@pytest.mark.parametrize(
    "change",
    [replace("./v", "2"), replace("./v", "1"), replace("./v?prop=Title", "t"), replace("./v?prop=ACL", "Get=*")],
)
def test_each_change_counts_and_is_stamped(change: str) -> None:
    tree = open_device()
    assert status(tree, add("./v", "1")) == 200
    push(tree, message(change), at=later(1))
    assert (row(tree, "./v").verno, row(tree, "./v").tstamp) == (1, "20260702T120000Z")


def test_a_rename_counts_for_the_node_and_not_for_what_stands_below() -> None:
    tree = open_device()
    assert status(tree, add("./x/v", "1")) == 200
    push(tree, message(replace("./x?prop=Name", "y")), at=later(1))
    assert (row(tree, "./y").verno, row(tree, "./y").tstamp) == (1, "20260702T120000Z")
    assert (row(tree, "./y/v").verno, row(tree, "./y/v").tstamp) == (0, "20260701T120000Z")


def test_a_new_child_does_not_count_as_a_change_of_its_parent() -> None:
    tree = open_device()
    assert statuses(tree, add("./x") + add("./x/v", "1")) == [200, 200]
    assert row(tree, "./x").verno == 0


def test_a_command_that_fails_does_not_count() -> None:
    tree = open_device()
    assert statuses(tree, add("./v", "1", "int") + replace("./v", "word")) == [200, 500]
    assert row(tree, "./v").verno == 0


def test_the_version_number_wraps_at_ffff() -> None:
    tree = open_device()
    assert status(tree, add("./v", "1")) == 200
    with tree._database.writing():
        tree._database.execute("UPDATE node SET verno = 65534 WHERE path = 'v'")
    assert status(tree, replace("./v", "2")) == 200
    assert row(tree, "./v").verno == 0xFFFF
    assert status(tree, replace("./v", "3")) == 200
    assert row(tree, "./v").verno == 0


@pytest.mark.parametrize(
    ("format_", "data", "size"),
    [("chr", "gr\u00fcn", 5), ("bin", "AAECAw==", 4), ("null", None, 0), ("node", None, None)],
)
def test_size_is_that_of_the_decoded_value(format_: str, data: str | None, size: int | None) -> None:
    tree = open_device()
    assert status(tree, add("./v", data, format_)) == 200
    assert row(tree, "./v").size == size


# Bounds


def test_an_object_with_more_nodes_than_the_bound_is_too_large() -> None:
    limits = replaced(DEFAULT_LIMITS, tnds_nodes=3)
    tree = DeviceTree.create(None, INFORMATION, at=NOW, limits=limits)
    tree.sync(card(account(A)), at=NOW)
    from smartcard_dm.dm import NodeFormat, TndsNode  # noqa: PLC0415
    from tests.tree.device import send_object  # noqa: PLC0415

    few, many = (
        TndsNode("x", NodeFormat.NODE, children=tuple(TndsNode(str(n), NodeFormat.NODE) for n in range(number)))
        for number in (2, 3)
    )
    assert status(tree, send_object("Add", ".", many)) == 413
    assert status(tree, send_object("Add", ".", few)) == 200


def test_an_address_that_is_too_long_or_too_deep() -> None:
    tree = open_device()
    deep, deeper = "./" + "/".join("d" * 64), "./" + "/".join("d" * 65)
    long, longer = "./" + "l" * 1022, "./" + "l" * 1023
    found = statuses(tree, "".join(add(uri, "1") for uri in (deep, deeper, long, longer)))
    assert found == [200, 414, 200, 414]
    assert statuses(tree, replace(longer, "1") + delete(deeper) + get(longer) + copy(longer, "./v")) == [414] * 4
