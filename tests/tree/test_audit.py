"""The audit: a row for everything that was done, which agrees with what was reported and holds no secret."""

from __future__ import annotations

import base64
import json
from dataclasses import replace as replaced
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import AppAuth, AuthLevel, AuthType, Embedding
from smartcard_dm.errors import VerificationError
from smartcard_dm.secret import Secret
from smartcard_dm.tree import DeviceTree
from smartcard_dm.tree.audit import diff_form, event_form, report_form, rewritten_form, skipped_form
from tests.dm.samples import FULL_TREE, SECRETS, account_node, changed, node
from tests.materials import NOW, SHARED_SECRET
from tests.tree.device import (
    DEV_ID,
    ICCID,
    INFORMATION,
    A,
    B,
    C,
    account,
    add,
    card,
    command,
    delete,
    device,
    item,
    message,
    push,
    replace,
    send_object,
    statuses,
)
from tests.tree.things import UNKNOWN, account_object, embedded, holding, nap

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.tree import Applied, DeviceEvent
    from smartcard_dm.tree.audit import AuditRow

ALL = "Add=*&Delete=*&Exec=*&Get=*&Replace=*"


class Quiet:
    """A listener that does nothing."""

    def notify(self, event: DeviceEvent) -> None:
        """Take no notice."""


def last(tree: DeviceTree) -> AuditRow:
    """Return the newest row."""
    (row,) = tree.audit.rows(last=1)
    return row


# Which rows there are


def test_making_a_tree_is_the_first_row() -> None:
    tree = DeviceTree.create(None, INFORMATION, at=NOW)
    (row,) = tree.audit.rows()
    assert (row.number, row.action, row.subject, row.at) == (1, "init", DEV_ID, "2026-07-01T12:00:00.000000Z")
    assert (row.digest, row.session_id, row.msg_id) == (None, None, None)
    assert row.form == {"nodes": tree.nodes.count()}


def test_a_card_that_changed_something_is_a_row_named_after_the_card() -> None:
    tree = DeviceTree.create(None, INFORMATION, at=NOW)
    result = tree.sync(card(account(A)), at=NOW)
    row = last(tree)
    assert (row.action, row.subject, row.digest) == ("sync", ICCID, None)
    assert row.form["diff"] == json.loads(json.dumps(diff_form(result.effects.diff)))
    assert row.form["events"] == [event_form(event) for event in result.effects.events]
    tree.sync(card(account(A)), at=NOW)
    assert last(tree) == row, "and one that changed nothing is none"


def test_a_message_is_a_row_named_after_its_server() -> None:
    tree = device()
    applied = push(tree, message(add("./X"), session_id="77", msg_id="3"))
    row = last(tree)
    assert (row.action, row.subject, row.session_id, row.msg_id) == ("apply", A, "77", "3")
    assert row.digest == applied.message.digest.hex()


def test_a_message_that_changed_nothing_is_a_row_too() -> None:
    tree = device()
    applied = push(tree, message(command("Get", item("./DevInfo/Man")) + replace("./Nothing", "v")))
    row = last(tree)
    assert row.form["diff"] == []
    assert row.form["report"] == report_form(applied.report)


def test_what_was_refused_or_tried_is_no_row() -> None:
    tree, octets = device(), message(add("./X"))
    rows = tree.audit.rows()
    push(tree, octets, dry_run=True)
    tree.sync(card(), at=NOW, dry_run=True)
    with pytest.raises(VerificationError):
        push(tree, message(add("./X"), C))
    with tree.trial():
        push(tree, octets)
    assert tree.audit.rows() == rows


def test_rows_are_counted_in_order_and_kept_in_the_file(tmp_path: Path) -> None:
    name = str(tmp_path / "tree.db")
    with DeviceTree.create(name, INFORMATION, at=NOW) as tree:
        tree.sync(card(account(A)), at=NOW)
        for number in range(3):
            push(tree, message(add(f"./X{number}")))
        rows = tree.audit.rows()
    assert [row.action for row in rows] == ["init", "sync", "apply", "apply", "apply"]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    with DeviceTree.open(name) as tree:
        assert tree.audit.rows() == rows
        assert tree.audit.rows(last=2) == rows[-2:]
        assert tree.audit.rows(last=0) == []


# What a row says


def everything() -> tuple[DeviceTree, Applied]:
    """Return a device, and a message of which everything that can be told comes."""
    tree = device(acls={"./Vendor": ALL, "./Vendor/Run": ALL, "./DMAcc/b": ALL})
    commands = [
        send_object("Add", "./Inbox", nap("n"), account_object(C, "c", preferred="./Inbox/n")),
        send_object("Add", "./Inbox", account_object("com.example.d", "d", preferred="./Inbox/none")),
        send_object("Add", "./Inbox", holding("strange", mo_id=UNKNOWN)),
        command("Exec", "<Correlator>c</Correlator>", item("./Vendor/Run", "for the program")),
        command("Sequence", add("./Vendor/L", "v"), replace("./Vendor/L", "w")),
        command("Atomic", add("./Vendor/M", "v"), replace("./Nothing", "v"), add("./Vendor/N", "v")),
        replace("./Vendor/Run?prop=Name", "Ran"),
        delete("./DMAcc/b"),
        command("Get", item("./Vendor/L")),
        add("./DMAcc/c", None),
    ]
    return tree, push(tree, message("".join(commands)), listener=Quiet())


def test_a_row_agrees_with_the_report_and_the_effects() -> None:
    tree, applied = everything()
    form, effects = last(tree).form, applied.effects
    assert form["report"] == report_form(applied.report)
    found = [row["status"] for row in report_form(applied.report)]
    assert found == [200, 200, 200, 202, 200, 200, 200, 507, 216, 404, 215, 200, 200, 215, 418]
    assert form["diff"] == json.loads(json.dumps(diff_form(effects.diff)))
    assert form["rewritten"] == rewritten_form(effects.rewritten)
    assert form["skipped"] == skipped_form(effects.skipped)
    assert form["warnings"] == list(effects.warnings)
    assert form["events"] == [event_form(event) for event in effects.events]
    assert all(form[name] for name in ("report", "diff", "rewritten", "skipped", "warnings", "events"))


def test_the_forms_of_events_are_told_by_their_names() -> None:
    tree, _ = everything()
    found = last(tree).form["events"]
    assert found == [
        {"event": "account-removed", "server_id": B},
        {"event": "account-added", "server_id": C, "uri": "./DMAcc/c"},
        {"event": "account-added", "server_id": "com.example.d", "uri": "./DMAcc/d"},
        {"event": "exec-requested", "server_id": A, "uri": "./Vendor/Run", "correlator": "c"},
        {"event": "session-wanted", "server_id": C},
        {"event": "session-wanted", "server_id": "com.example.d"},
    ]


def test_a_form_is_made_of_plain_json_values() -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(each) for key, each in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or isinstance(value, str | int | bool)

    tree, _ = everything()
    assert all(plain(row.form) for row in tree.audit.rows())


def test_octets_are_written_as_base64() -> None:
    tree = device()
    push(tree, message(add("./X", base64.b64encode(b"\x00\xff").decode(), "bin")))
    assert '"AP8="' in json.dumps(last(tree).form)


def test_a_long_value_is_cut() -> None:
    tree = device()
    applied = push(tree, message(add("./X", "é" * 5000)))
    (change,) = applied.effects.diff
    assert change.after is not None
    assert change.after.value == "é" * 5000, "the effects have all of it"
    text = json.dumps(last(tree).form, ensure_ascii=False)
    assert "é" * 256 + "…" in text
    assert "é" * 257 not in text


# No secret, in any form


def forms_of(secret: str) -> list[str]:
    """Return the ways in which a secret might be written."""
    octets = secret.encode()
    return [secret, base64.b64encode(octets).decode(), octets.hex(), octets.hex().upper(), secret[: len(secret) - 2]]


def test_no_secret_of_a_card_or_of_a_message_is_in_any_row() -> None:
    own = replaced(
        account(A),
        auth=(
            *account(A).auth,
            AppAuth(
                node_name="2",
                level=AuthLevel.CLCRED,
                type=AuthType.DIGEST,
                name="device",
                secret=Secret(b"a password of the card"),
                data=Secret(b"a nonce of the card"),
            ),
        ),
    )
    tree = device()
    tree.sync(card(own, account(B)), at=NOW)
    commands = [
        embedded("Add", "./DMAcc", Embedding.WBXML, account_node(changed(FULL_TREE, "Ext", None))),
        replace("./DMAcc/a/AppAuth/2/AAuthSecret", "a replaced secret"),
        replace("./DMAcc/a/AppAuth/2/AAuthSecret", "a wrong secret", "int"),
        replace("./DMAcc/a/AppAuth/2/AAuthData", base64.b64encode(b"data of a message").decode(), "bin"),
        replace("./DMAcc/a/AppAuth/2/AAuthData", "no base64 data of a message!", "bin"),
        send_object(
            "Add",
            "./Inbox",
            node("n", {"NapId": "n", "AuthInfo": {"AuthSecret": "of an access point"}}, mo_id=nap().mo_id or ""),
        ),
        add("./Vendor/WifiPassword", "called a password"),
        delete("./DMAcc/Example"),
        command("Exec", item("./Vendor/WifiPassword", "for the program")),
    ]
    for each in commands:
        statuses(tree, each, listener=Quiet())
    tree.sync(card(account(B)), at=NOW)
    secrets = [
        SHARED_SECRET.reveal().decode(),
        *SECRETS,
        "a password of the card",
        "a nonce of the card",
        "a replaced secret",
        "a wrong secret",
        "no base64 data of a message!",
        "data of a message",
        "of an access point",
        "called a password",
        "for the program",
    ]
    text = json.dumps([row.form for row in tree.audit.rows()], ensure_ascii=False)
    found = [form for secret in secrets for form in forms_of(secret) if form in text]
    assert found == []
    assert "(secret)" in text
    assert "./DMAcc/Example/AppAuth/client/AAuthSecret" in text, "that it changed is told"


def test_signed_octets_are_told_by_their_digest_only() -> None:
    tree = device()
    octets = message(add("./X", "v"))
    push(tree, octets)
    assert octets.hex() not in json.dumps(last(tree).form)
    assert len(last(tree).digest or "") == 64
