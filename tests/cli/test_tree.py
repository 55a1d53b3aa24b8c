"""`tree init | sync | show | get | export | audit`."""

from __future__ import annotations

import os
import re
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from smartcard_dm import wbxml
from smartcard_dm.cli.main import main
from smartcard_dm.dm import NodeUri, TndsDocument, parse_tnds
from smartcard_dm.tree import DeviceInformation, DeviceTree
from smartcard_dm.tree.draft import draft
from smartcard_dm.tree.grafting import add_branch
from smartcard_dm.tree.placing import Placement
from tests.cli.cards import PRIVATE_BOOTSTRAP, card_without_provisioning, changed_card
from tests.cli.running import CARD, ROOT, SERVER_ID, SIGNED, check_layout, error_of, run, schema
from tests.cli.trees import DEV_ID, audit, item, message, new_tree, provisioned, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from smartcard_dm.tree.nodes import NodeRow

BACKUP = "com.example.backup"
DDF = """<MgmtTree><VerDTD>1.2</VerDTD><Man>Example</Man><Mod>One</Mod>
<Node><NodeName>Vendor</NodeName><DFProperties><AccessType><Get/><Add/></AccessType><DFFormat><node/></DFFormat>
<Occurrence><One/></Occurrence><Scope><Permanent/></Scope><DFType><DDFName/></DFType></DFProperties></Node></MgmtTree>
"""
COMMANDS = (
    ("show",),
    ("get", "./DevInfo"),
    ("export",),
    ("audit",),
    ("sync", "--card", CARD),
)


def content(path: Path) -> bytes:
    """Return what a closed tree file holds."""
    return path.read_bytes()


# init


def test_a_new_tree_has_the_nodes_every_device_has(tmp_path: Path) -> None:
    outcome = run("tree", "init", tmp_path / "t.db", "--json")
    schema("tree-init").validate(outcome.json)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", outcome.json["device"]["dev_id"])
    nodes = shown(tmp_path / "t.db")
    assert [node["uri"] for node in nodes if node["depth"] == 1] == [
        "./DevInfo", "./DevDetail", "./Inbox", "./DMAcc", "./NAP", "./PX",
    ]  # fmt: skip
    assert len(nodes) == outcome.json["nodes"]


def test_the_device_is_what_was_said(tmp_path: Path) -> None:
    said = {
        "dev_id": "IMEI:1", "man": "Maker", "mod": "Model", "lang": "pt-BR", "dev_type": "phone",
        "oem": "O", "fw": "1", "sw": "2", "hw": "3",
    }  # fmt: skip
    options = [word for name, value in said.items() for word in (f"--{name.replace('_', '-')}", value)]
    outcome = run("tree", "init", tmp_path / "t.db", *options, "--json")
    assert outcome.json["device"] == said
    values = {node["uri"]: node["value"] for node in shown(tmp_path / "t.db")}
    assert (values["./DevInfo/DevId"], values["./DevInfo/Lang"], values["./DevDetail/HwV"]) == ("IMEI:1", "pt-BR", "3")


def test_two_devices_are_told_apart(tmp_path: Path) -> None:
    made = [run("tree", "init", tmp_path / name, "--json").json["device"]["dev_id"] for name in ("a", "b")]
    assert len(set(made)) == 2


def test_what_was_made_is_told(tmp_path: Path) -> None:
    outcome = run("tree", "init", tmp_path / "t.db", "--dev-id", DEV_ID)
    assert (outcome.code, outcome.stdout.splitlines()[0]) == (0, f"{tmp_path / 't.db'}: a new tree")
    assert DEV_ID in outcome.stdout


def test_a_file_that_is_there_is_wrong_usage_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"mine")
    error = error_of(run("tree", "init", path, "--json"))
    assert (error["kind"], error["exit_code"]) == ("TreeAccessError", 2)
    assert "give another name" in error["message"]
    assert path.read_bytes() == b"mine"
    assert [each.name for each in tmp_path.iterdir()] == ["t.db"]


@pytest.mark.parametrize("place", ["none/t.db", "file/t.db", "a\0b"])
def test_a_place_where_no_file_can_be_made_is_wrong_usage(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    assert error_of(run("tree", "init", f"{tmp_path}/{place}", "--json"))["exit_code"] == 2


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--lang", "not a tag", "--lang is no language tag such as en-GB"),
        ("--dev-id", "two words", "--dev-id has white space"),
        ("--man", "", "empty"),
        ("--mod", "a\x1bb", "does not print"),
        ("--man", "  ", "--man is empty"),
    ],
)
def test_a_value_that_does_not_fit_is_wrong_usage(tmp_path: Path, option: str, value: str, named: str) -> None:
    outcome = run("tree", "init", tmp_path / "t.db", option, value)
    assert outcome.code == 2
    assert named in outcome.line
    assert not (tmp_path / "t.db").exists()


def test_device_descriptions_are_kept_and_obeyed(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(DDF)
    path = new_tree(tmp_path, "--ddf", str(tmp_path / "one.xml"))
    with DeviceTree.open(str(path)) as tree:
        assert tree.descriptions.from_files(("Vendor",)) is not None


def test_a_device_description_that_is_none_is_malformed_input(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text("<MgmtTree/>")
    outcome = run("tree", "init", tmp_path / "t.db", "--ddf", tmp_path / "one.xml", "--json")
    assert error_of(outcome)["exit_code"] == 4
    assert "one.xml" in outcome.line
    assert not (tmp_path / "t.db").exists()
    assert run("tree", "init", tmp_path / "t.db", "--ddf", tmp_path / "none.xml").code == 2


def test_what_a_description_was_forgiven_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(DDF.replace("<DFType><DDFName/></DFType>", ""))
    outcome = run("tree", "init", tmp_path / "t.db", "--ddf", tmp_path / "one.xml")
    assert outcome.code == 0
    assert f"warning: {tmp_path}" in outcome.stdout.replace("\n", "")
    assert run("tree", "init", tmp_path / "u.db", "--ddf", tmp_path / "one.xml", "--json").json["warnings"]


# every command on a file


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_tree_that_is_not_there_is_wrong_usage(tmp_path: Path, command: tuple[str, ...]) -> None:
    error = error_of(run("tree", *command, "--tree", tmp_path / "none.db", "--json"))
    assert (error["kind"], error["exit_code"]) == ("TreeAccessError", 2)
    assert "none.db: there is no such file; make one with `smartcard-dm tree init`" in error["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_that_is_no_tree_is_malformed_input(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(SIGNED.read_bytes())
    assert error_of(run("tree", *command, "--tree", path, "--json"))["kind"] == "TreeFormatError"
    other = tmp_path / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE a (b)").connection.close()
    outcome = run("tree", *command, "--tree", other)
    assert outcome.code == 4
    assert "it is no tree of this program; " in outcome.line


def test_a_tree_that_may_not_be_read_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = new_tree(tmp_path)
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything: the question is answered as for another user
        monkeypatch.setattr(os, "access", lambda *_: False)
    assert run("tree", "show", "--tree", path).code == 2


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    before = content(path)
    for command in COMMANDS[:-1]:
        assert run("tree", *command, "--tree", path).code == 0
    assert content(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["t.db"]


# sync


def test_a_card_provisions_a_tree(tmp_path: Path) -> None:
    path = new_tree(tmp_path)
    outcome = run("tree", "sync", "--card", CARD, "--tree", path)
    assert outcome.code == 0
    check_layout(outcome.stdout)
    assert '+  ./DMAcc/dms/ServerID  "com.example.dms"' in outcome.stdout
    assert "+  ./DMAcc/dms/AppAuth/1/AAuthSecret  (secret)" in outcome.stdout
    assert "the account of com.example.dms is new, at ./DMAcc/dms" in outcome.stdout
    accounts = [node for node in shown(path) if node["origin"] is not None]
    assert [(node["uri"], node["origin"]["path"]) for node in accounts] == [
        ("./DMAcc/dms", "7F50/6431"),
        ("./DMAcc/backup", "7F50/6431"),
    ]


def test_what_a_card_changed_is_of_the_documented_form(tmp_path: Path) -> None:
    path = new_tree(tmp_path)
    outcome = run("tree", "sync", "--card", CARD, "--tree", path, "--json")
    schema("tree-sync").validate(outcome.json)
    assert outcome.json["card"]["iccid"] == "8988211000000430010"
    assert outcome.json["added"] == ["./DMAcc/dms", "./DMAcc/backup"]
    assert (outcome.json["anchors"], outcome.json["dry_run"]) == (1, False)
    assert {change["change"] for change in outcome.json["diff"]} == {"added"}
    again = run("tree", "sync", "--card", CARD, "--tree", path, "--json")
    schema("tree-sync").validate(again.json)
    assert sorted(again.json["kept"]) == ["./DMAcc/backup", "./DMAcc/dms"]
    assert (again.json["diff"], again.json["events"]) == ([], [])
    assert "changes  none" in run("tree", "sync", "--card", CARD, "--tree", path).stdout


def test_a_dry_run_of_a_card_changes_nothing(tmp_path: Path) -> None:
    path = new_tree(tmp_path)
    before = content(path)
    outcome = run("tree", "sync", "--card", CARD, "--tree", path, "--dry-run", "--json")
    schema("tree-sync").validate(outcome.json)
    assert (outcome.json["added"], outcome.json["dry_run"]) == (["./DMAcc/dms", "./DMAcc/backup"], True)
    text = run("tree", "sync", "--card", CARD, "--tree", path, "--dry-run").stdout
    assert text.splitlines()[-1] == "dry run: nothing was changed; the card can still be taken in"
    assert content(path) == before


def test_client_provisioning_brings_connectivity_too(tmp_path: Path) -> None:
    path = new_tree(tmp_path)
    outcome = run("tree", "sync", "--card", f"profile:{ROOT / 'fixtures' / 'cards' / 'cp.yaml'}", "--tree", path)
    assert outcome.code == 0
    check_layout(outcome.stdout)
    assert "warning: " in outcome.stdout
    assert {node["uri"].split("/")[1] for node in shown(path) if node["depth"] == 2} >= {"DMAcc", "NAP", "PX"}


def test_another_card_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    other = changed_card(tmp_path, ("8988211000000430010", "8988211000000430028"), (f": {BACKUP}", ": com.example.new"))
    text = run("tree", "sync", "--card", other, "--tree", path, "--dry-run").stdout
    check_layout(text)
    assert "the account of com.example.backup is gone; no ACL names it any more" in text
    outcome = run("tree", "sync", "--card", other, "--tree", path, "--json")
    schema("tree-sync").validate(outcome.json)
    assert sorted(outcome.json["removed"]) == ["./DMAcc/backup", "./DMAcc/dms"]
    assert {"event": "account-removed", "server_id": BACKUP} in outcome.json["events"]


def test_a_card_that_says_it_has_nothing_empties_the_tree_of_what_it_gave(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    outcome = run("tree", "sync", "--card", card_without_provisioning(tmp_path), "--tree", path)
    assert outcome.code == 0
    check_layout(outcome.stdout)
    assert "the card provisions nothing: no PKCS#15 application on this card" in outcome.stdout.replace("\n", " ")
    assert [node["uri"] for node in shown(path, "./DMAcc")] == ["./DMAcc"]
    assert "removed  ./DMAcc/backup" in outcome.stdout


def test_a_card_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    before = content(path)
    private = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = run("tree", "sync", "--card", private, "--tree", path, "--json")
    assert error_of(outcome)["kind"] == "PinRequiredError"
    assert run("tree", "sync", "--card", "profile:none.yaml", "--tree", path).code == 3
    assert content(path) == before
    with_pin = run("tree", "sync", "--card", private, "--tree", path, "--pin-env", "PIN", env={"PIN": "1234"})
    assert with_pin.code == 0


def test_no_card_is_touched_for_a_tree_that_cannot_be_opened(tmp_path: Path) -> None:
    outcome = run("tree", "sync", "--card", "profile:none.yaml", "--tree", tmp_path / "none.db")
    assert outcome.code == 2


# show


def test_a_tree_is_shown_in_80_columns(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    outcome = run("tree", "show", "--tree", path)
    assert outcome.code == 0
    check_layout(outcome.stdout)
    lines = outcome.stdout.splitlines()
    assert lines[:2] == [".", "ACL Add=* & Get=*"]
    assert '│   ├── DevId  "IMEI:490154203237518"' in lines
    assert "│   └── LrgObj  false  bool" in lines
    assert any("AAuthSecret  (secret)" in line for line in lines)
    assert "│   ├── dms  urn:oma:mo:oma-dm-dmacc:1.0" in lines
    assert "│   │   from DM bootstrap in 7F50/6431" in lines


def test_a_branch_is_shown_as_deep_as_asked(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    outcome = run("tree", "show", "./DMAcc", "--tree", path, "--depth", "1")
    assert outcome.stdout.splitlines()[0] == "./DMAcc"
    assert "(23 below)" in outcome.stdout
    nodes = shown(path, "./DMAcc", "--depth", "1")
    assert [(node["uri"], node["hidden"]) for node in nodes] == [
        ("./DMAcc", 0), ("./DMAcc/dms", 23), ("./DMAcc/backup", 13),
    ]  # fmt: skip
    assert [node["hidden"] for node in shown(path, "--depth", "0")] == [len(shown(path)) - 1]


def test_the_acl_that_decides_is_shown_when_asked_for(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    text = run("tree", "show", "./DMAcc/dms/AppAddr", "--tree", path, "--acl").stdout
    check_layout(text)
    assert "ACL of ./DMAcc/dms: Add=com.example.dms & Delete=com.example.dms" in text
    node = shown(path, "./DMAcc/dms/Name")[0]
    assert (node["acl"], node["acl_from"]) == ("", "./DMAcc/dms")
    assert node["effective_acl"] == "Add=com.example.dms&Delete=com.example.dms&Replace=com.example.dms"
    assert "ACL of .\n" in run("tree", "show", "--tree", path, "--acl").stdout


def test_odd_values_are_shown_in_80_columns(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    long, escape = "x" * 3000, "tab\tand\nline &amp; \u202e"
    octets = "AAEC" * 20
    commands = [
        item("Add", "./Vendor/long", long),
        item("Add", "./Vendor/odd", escape),
        item("Add", "./Vendor/octets", octets, format_="bin", type_="image/png"),
        item("Add", "./Vendor/none", "", format_="null"),
        item("Add", "./Vendor/number", "-5", format_="int"),
        item("Add", "./Vendor/time", "", format_="xml", type_="application/xml"),
        item("Add", f"./{'/'.join('deep' for _ in range(60))}", "v"),
        item("Add", f"./{'n' * 400}", "v"),
        item("Replace", "./Vendor?prop=Title", "A title"),
    ]
    applied = run("apply", message(tmp_path, "".join(commands)), "--tree", path)
    assert applied.stdout.count("  200  ") == len(commands)
    check_layout(applied.stdout)
    text = run("tree", "show", "--tree", path)
    assert text.code == 0
    check_layout(text.stdout)
    assert f'long  "{"x" * 56}"… (3000 octets)' in text.stdout.replace("\n│   │   ", " ").replace("\n│       ", " ")
    assert '"tab\\tand\\nline & \\u202e"' in text.stdout
    assert "00 01 02 00 01 02 00 01 02 00 01 02… (60 octets)" in text.stdout
    assert "none  null" in text.stdout
    assert "number  -5  int" in text.stdout
    assert 'title "A title"' in text.stdout
    assert run("tree", "get", "./Vendor/long", "--tree", path).stdout == f"{long}\n"
    assert run("tree", "get", "./Vendor/odd", "--tree", path).stdout == "tab\\tand\nline & \\u202e\n"
    assert run("tree", "get", "./Vendor/octets", "--tree", path).stdout == f"{octets}\n"
    assert run("tree", "get", "./Vendor/none", "--tree", path).stdout == "\n"
    assert audit(path)
    assert shown(path)


def test_a_deep_tree_goes_on_below(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    names = [f"n{number}" for number in range(1, 50)]
    assert run("apply", message(tmp_path, item("Add", f"./{'/'.join(names)}", "v")), "--tree", path).code == 0
    text = run("tree", "show", "--tree", path).stdout
    check_layout(text)
    assert re.findall(r"── (n\d+)", text) == names
    assert f"./{'/'.join(names[:12])}  (goes on)\n└── n13\n" in text


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_node_that_is_not_there_is_wrong_usage(tmp_path: Path, command: str) -> None:
    path = new_tree(tmp_path)
    error = error_of(run("tree", command, "./nowhere", "--tree", path, "--json"))
    assert error["exit_code"] == 2
    assert f"{path} has no node ./nowhere" in error["message"]


@pytest.mark.parametrize("command", ["show", "get", "export"])
@pytest.mark.parametrize("uri", ["", "/DevInfo", "./a//b", "./a/", "./../a", "a?b", "x" * 2000])
def test_a_malformed_uri_is_wrong_usage(tmp_path: Path, command: str, uri: str) -> None:
    outcome = run("tree", command, uri, "--tree", new_tree(tmp_path), "--json")
    assert error_of(outcome)["exit_code"] == 2
    assert "URI" in outcome.line


# get


def got(tree: Path, *arguments: str) -> dict[str, Any]:
    outcome = run("tree", "get", *arguments, "--tree", tree, "--json")
    form: dict[str, Any] = outcome.json
    schema("tree-get").validate(form)
    assert outcome.code == (0 if form["status"] == 200 else 1)
    if outcome.code:
        assert f"{form['status']} {form['status_text']}: {form['detail']}; " in outcome.line
        text = run("tree", "get", *arguments, "--tree", tree)
        assert (text.code, text.stdout, text.stderr) == (1, "", outcome.stderr)
    return form


def test_a_value_is_printed_as_it_stands(tmp_path: Path) -> None:
    path = new_tree(tmp_path, "--man", "two  spaces ")
    assert run("tree", "get", "./DevInfo/Man", "--tree", path).stdout == "two  spaces \n"
    assert run("tree", "get", "DevInfo/DevId", "--tree", path).stdout == f"{DEV_ID}\n"
    form = got(path, "./DevInfo/DevId")
    assert (form["value"], form["format"], form["names"], form["as"]) == (DEV_ID, "chr", None, None)


def test_an_interior_node_gives_the_names_below_it(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    assert run("tree", "get", "./DMAcc", "--tree", path).stdout == "dms\nbackup\n"
    form = got(path, "./DMAcc")
    assert (form["names"], form["value"], form["format"]) == (["dms", "backup"], None, "node")
    assert got(path, "./NAP")["names"] == []


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("./DMAcc/dms?prop=ACL", "Add=com.example.dms&Delete=com.example.dms&Replace=com.example.dms"),
        ("./DMAcc/dms/Name?prop=ACL", ""),
        ("./DMAcc/dms/Name?prop=Format", "chr"),
        ("./DMAcc/dms/Name?prop=Name", "Name"),
        (".?prop=Name", "."),
        ("./DMAcc/dms/Name?prop=Size", "10"),
        ("./DMAcc/dms?prop=Title", ""),
        ("./DMAcc/dms?prop=Type", "urn:oma:mo:oma-dm-dmacc:1.0"),
        ("./DMAcc/dms?prop=VerNo", "0"),
    ],
)
def test_a_property_is_a_text(tmp_path: Path, target: str, value: str) -> None:
    path = provisioned(tmp_path)
    form = got(path, target)
    assert (form["status"], form["value"], form["property"]) == (200, value, target.partition("?prop=")[2])
    assert run("tree", "get", target, "--tree", path).stdout == f"{value}\n"


def test_the_time_stamp_is_in_utc(tmp_path: Path) -> None:
    assert re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", got(new_tree(tmp_path), "./DevInfo?prop=TStamp")["value"])


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("./nowhere",), 404),
        (("./nowhere?prop=ACL",), 404),
        (("./DMAcc/dms?prop=Colour",), 406),
        (("./DMAcc/dms?prop=Size",), 406),
        (("./DMAcc/dms/AppAuth/1/AAuthSecret",), 405),
        (("./Inbox",), 405),
        (("./Inbox/anything",), 405),
        (("./Inbox?prop=ACL",), 405),
        (("./Inbox", "--as", SERVER_ID), 405),
        (("./nowhere", "--as", SERVER_ID), 404),
        (("./DMAcc/dms/Name", "--as", SERVER_ID), 425),
        (("./DMAcc/dms/AppAuth/1/AAuthSecret", "--as", SERVER_ID), 405),
        (("./DMAcc/dms?prop=Colour", "--as", SERVER_ID), 406),
        (("./DMAcc/dms?prop=ACL", "--as", BACKUP), 425),
    ],
)
def test_what_is_not_given_has_its_status(tmp_path: Path, arguments: tuple[str, ...], status: int) -> None:
    form = got(provisioned(tmp_path), *arguments)
    assert (form["status"], form["value"], form["names"], form["secret"]) == (status, None, None, False)


def test_a_server_gets_what_its_acl_allows(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    assert run("apply", SIGNED, "--tree", path).code == 0
    for server in (SERVER_ID, BACKUP, "com.example.stranger"):
        assert got(path, "./NAP/internet/Addr", "--as", server)["value"] == "internet.example.com"
    assert got(path, "./DevInfo/DevId", "--as", SERVER_ID)["as"] == SERVER_ID
    assert (
        run("tree", "get", "./NAP/internet", "--tree", path, "--as", BACKUP).stdout == "NAPID\nName\nAddr\nAddrType\n"
    )


def test_a_secret_that_a_server_may_get_is_still_not_shown(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    added = message(tmp_path, item("Add", "./Vendor/password", "open sesame"))
    assert run("apply", added, "--tree", path).code == 0
    grant = message(tmp_path, item("Replace", "./Vendor?prop=ACL", "Get=*&amp;Replace=com.example.dms"), name="grant")
    assert "200" in run("apply", grant, "--tree", path).stdout
    form = got(path, "./Vendor/password", "--as", SERVER_ID)
    assert (form["status"], form["value"], form["secret"]) == (200, "(secret)", True)
    assert got(path, "./Vendor/password?prop=Size", "--as", SERVER_ID)["value"] == "(secret)"
    assert got(path, "./Vendor/password")["status"] == 405
    for command in (("show",), ("audit", "--json"), ("export",)):
        assert "sesame" not in run("tree", *command, "--tree", path).stdout


@pytest.mark.parametrize("server", ["", "two words", "a=b"])
def test_a_server_that_is_none_is_wrong_usage(tmp_path: Path, server: str) -> None:
    assert run("tree", "get", ".", "--tree", new_tree(tmp_path), "--as", server).code == 2


def test_a_list_query_is_wrong_usage(tmp_path: Path) -> None:
    outcome = run("tree", "get", ".?list=Struct", "--tree", new_tree(tmp_path))
    assert outcome.code == 2
    assert "?list" in outcome.line


# export


def rows_of(document: TndsDocument) -> list[NodeRow]:
    """Return the rows of a tree without nodes to which a document was added."""
    information = DeviceInformation(dev_id="x", man="x", mod="x", lang="en", dev_type="x")
    at = datetime.now(UTC)
    with DeviceTree.create(None, information, at=at) as tree, tree._database.writing():
        for row in tree.nodes.children(""):
            tree.nodes.remove(row.path)
        context = tree.context(None, at)
        for node in document.nodes:
            assert node.path is not None
            uri = node.path.child(node.name)
            line = tree.nodes.line(uri)
            add_branch(context, line, draft(context, Placement(uri, node, node.name, node.name), line.rows, {}))
        return tree.nodes.below("")


def comparable(rows: Iterable[NodeRow]) -> set[tuple[object, ...]]:
    return {tuple(row._replace(tstamp=None, verno=0)) for row in rows if row.path}


@pytest.mark.parametrize("uri", [".", "./NAP", "./NAP/internet", "./DevDetail/URI/MaxDepth"])
@pytest.mark.parametrize("form", ["xml", "wbxml"])
def test_an_export_added_to_an_empty_tree_gives_equal_nodes(tmp_path: Path, uri: str, form: str) -> None:
    path = provisioned(tmp_path)
    titled = message(tmp_path, item("Replace", "./NAP/internet?prop=Title", "A title"), name="title")
    assert run("apply", SIGNED, "--tree", path).code == run("apply", titled, "--tree", path).code == 0
    assert run("tree", "sync", "--card", card_without_provisioning(tmp_path), "--tree", path).code == 0
    output = tmp_path / "out"
    exported = run("tree", "export", uri, "--tree", path, "--form", form, "-o", output, "--json")
    schema("tree-export").validate(exported.json)
    assert exported.json["secrets"] == []
    octets = output.read_bytes()
    document = parse_tnds(octets if form == "xml" else wbxml.to_xml(octets))
    with DeviceTree.open(str(path)) as tree:
        there = tree.nodes.below("" if uri == "." else uri.removeprefix("./"))
    found = rows_of(document)
    assert comparable(there) <= comparable(found)
    assert {node.path for node in document.nodes} == {NodeUri() if uri == "." else NodeUri.parse(uri).parent}
    assert exported.json["nodes"] == len([row for row in there if row.path])


def test_secrets_are_left_out_and_counted(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    output = tmp_path / "dmacc.xml"
    outcome = run("tree", "export", "./DMAcc", "--tree", path, "-o", output)
    check_layout("\n".join(outcome.stdout.splitlines()[1:]))
    assert "; 4 left out because they are secrets" in outcome.stdout
    assert "AAuthSecret" not in output.read_text()
    form = run("tree", "export", "./DMAcc", "--tree", path, "--json").json
    schema("tree-export").validate(form)
    assert len(form["secrets"]) == 4
    assert form["document"] == output.read_text()
    assert form["file"] is None
    nodes = list(parse_tnds(output.read_bytes()).nodes[0].walk())
    assert len(nodes) == form["nodes"] == len(shown(path, "./DMAcc")) - 4


def test_an_export_goes_to_standard_output(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    xml = run("tree", "export", "--tree", path).octets
    assert [str(node.path) for node in parse_tnds(xml).nodes] == ["."] * 6
    # Not by `run`, which wants no escape character: here it is an octet of WBXML.
    octets = CliRunner().invoke(main, ["tree", "export", "--tree", str(path), "--form", "wbxml"]).stdout_bytes
    assert wbxml.to_xml(octets) == xml
    assert run("tree", "export", "--tree", path, "--form", "wbxml", "--json").json["document"] == octets.hex()


def test_a_secret_alone_is_not_exported(tmp_path: Path) -> None:
    outcome = run("tree", "export", "./DMAcc/dms/AppAuth/1/AAuthSecret", "--tree", provisioned(tmp_path))
    assert outcome.code == 2
    assert "is a secret, which is never exported" in outcome.line


def test_an_export_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    outcome = run("tree", "export", "--tree", provisioned(tmp_path), "-o", tmp_path / "none" / "x")
    assert outcome.code == 2


# audit


def test_who_did_what_is_listed(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    assert run("apply", SIGNED, "--tree", path).code == 0
    assert run("apply", SIGNED, "--tree", path).code == 1
    rows = audit(path)
    assert [(row["action"], row["subject"]) for row in rows] == [
        ("init", DEV_ID),
        ("sync", "8988211000000430010"),
        ("apply", SERVER_ID),
    ]
    assert (rows[0]["nodes"], rows[1]["changes"], rows[2]["changes"]) == (22, 38, 6)
    assert (rows[2]["session_id"], rows[2]["msg_id"], rows[2]["statuses"]) == ("1", "1", {"200": 2})
    assert [row["status"] for row in rows[2]["report"]] == [200, 200]
    text = run("tree", "audit", "--tree", path).stdout
    check_layout(text)
    assert "apply  com.example.dms, session 1, message 1\n" in text
    assert "2 x 200; 6 changes" in text


def test_the_newest_rows_are_listed_alone(tmp_path: Path) -> None:
    path = provisioned(tmp_path)
    assert [row["action"] for row in audit(path, "--last", "1")] == ["sync"]
    assert run("tree", "audit", "--tree", path, "--last", "0").code == 2
