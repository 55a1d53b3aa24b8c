"""`apply`, and `verify --tree`: a message and a device's tree."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.cards import PRIVATE_BOOTSTRAP, card_without_provisioning, changed_card
from tests.cli.running import (
    CARD,
    KEYS,
    ROOT,
    SERVER_ID,
    SIGNED,
    Outcome,
    check,
    check_layout,
    environment,
    error_of,
    run,
    schema,
)
from tests.cli.trees import audit, item, message, new_tree, provisioned, shown, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "./DMAcc/dms/Name"
MOVED = "Example DM, moved to the new platform"
NOTHING_DONE = ("report", "diff", "rewritten", "skipped", "warnings", "events")
INBOX = """<Add><CmdID>1</CmdID><Meta><Format>xml</Format><Type>application/vnd.syncml.dmtnds+xml</Type></Meta><Item>
<Target><LocURI>./Inbox</LocURI></Target><Data><MgmtTree><VerDTD>1.2</VerDTD>{nodes}</MgmtTree></Data></Item></Add>"""
NODE = """<Node><NodeName>{name}</NodeName><RTProperties><Format><node/></Format>
<Type><DDFName>{type}</DDFName></Type></RTProperties>{children}</Node>"""
LEAF = """<Node><NodeName>{name}</NodeName><RTProperties><Format><chr/></Format>
<Type><MIME>text/plain</MIME></Type></RTProperties><Value>{value}</Value></Node>"""
PROXY = "urn:oma:mo:oma-connmo-proxy:1.0"
NARROW = """<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>dms</NodeName><Path>./DMAcc</Path><DFProperties>
<AccessType><Get/></AccessType><DFFormat><chr/></DFFormat><Occurrence><One/></Occurrence><Scope><Dynamic/></Scope>
<DFType><MIME>text/plain</MIME></DFType></DFProperties></Node></MgmtTree>"""
ACCESS_POINT = "urn:oma:mo:oma-connmo-nap:1.0"


def applied(tree: Path, file: Path, *options: str | Path) -> dict[str, Any]:
    """Apply a message and return its form, checked."""
    outcome = run("apply", file, "--tree", tree, *options, "--json")
    form: dict[str, Any] = outcome.json
    schema("apply").validate(form)
    assert outcome.code == 0, outcome.stderr
    return form


def refused(tree: Path, file: Path, *options: str | Path, code: int = 1) -> dict[str, Any]:
    """Apply a message that is refused and return its form, checked."""
    outcome = run("apply", file, "--tree", tree, *options, "--json")
    form: dict[str, Any] = outcome.json
    schema("apply").validate(form)
    assert (outcome.code, form["verdict"]) == (code, "refused")
    assert [form[key] for key in NOTHING_DONE] == [[]] * len(NOTHING_DONE)
    assert f"refused at step {form['step']}, " in outcome.line
    return form


def point(name: str, address: str) -> str:
    leaves = {"NAPID": name, "Name": name, "Addr": address, "AddrType": "APN"}
    children = "".join(LEAF.format(name=leaf, value=value) for leaf, value in leaves.items())
    return NODE.format(name=name, type=ACCESS_POINT, children=children)


# the whole way


def test_a_message_changes_the_tree_once(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    form = applied(tree, SIGNED)
    assert [(row["command"], row["target"], row["status"]) for row in form["report"]] == [
        ("Replace", NAME, 200),
        ("Add", "./Inbox", 200),
    ]
    assert [(each["change"], each["uri"]) for each in form["diff"]][:2] == [
        ("changed", NAME),
        ("added", "./NAP/internet"),
    ]
    assert (form["diff"][0]["before"]["value"], form["diff"][0]["after"]["value"]) == ("Example DM", MOVED)
    assert (form["verdict"], form["server_id"], form["commands"]) == ("authorized", SERVER_ID, 2)
    assert (form["sync"], form["dry_run"], form["skipped"], form["rewritten"]) == (None, False, [], [])
    assert value_of(tree, NAME) == MOVED
    again = refused(tree, SIGNED)
    assert (again["step"], again["rule"], again["server_id"]) == (10, "replay.seen", SERVER_ID)


def test_a_verdict_report_and_changes_are_shown_in_80_columns(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    outcome = run("apply", SIGNED, "--tree", tree)
    assert outcome.code == 0
    check_layout(outcome.stdout)
    assert outcome.stdout.splitlines()[0] == f"AUTHORIZED  {SERVER_ID}"
    assert f"  1  Replace  200  {NAME}\n" in outcome.stdout
    assert f'  ~  {NAME}\n     "Example DM" -> "{MOVED}"\n' in outcome.stdout
    assert '  +  ./NAP/internet/NAPID  "internet"\n' in outcome.stdout
    again = run("apply", SIGNED, "--tree", tree)
    assert again.code == 1
    check_layout(again.stdout)
    assert again.stdout.startswith("REFUSED  at step 10, replay\n")
    assert "(claimed)" not in again.stdout
    assert "have the server issue a new message" in again.line


def test_a_message_is_read_from_standard_input(tmp_path: Path) -> None:
    assert run("apply", "-", "--tree", provisioned(tmp_path), stdin=SIGNED.read_bytes()).code == 0


def test_each_step_is_shown_when_asked_for(tmp_path: Path) -> None:
    text = run("apply", SIGNED, "--tree", provisioned(tmp_path), "--steps").stdout
    assert [line.split()[0] for line in text.splitlines()[:30] if line[:2].strip().isdigit()][:13] == [
        str(number) for number in range(13)
    ]
    assert "not among the 0 messages remembered" in text.replace("\n", " ")


def test_the_whole_way_in_processes_of_their_own(tmp_path: Path) -> None:
    tree, program = tmp_path / "t.db", Path(sys.executable).with_name("smartcard-dm")

    def shell(line: str) -> Outcome:
        script = line.replace("smartcard-dm", shlex.quote(str(program))).replace("t.db", shlex.quote(str(tree)))
        done = subprocess.run(["sh", "-c", script], cwd=ROOT, env=environment(), capture_output=True, check=False)
        return check(Outcome(done.returncode, done.stdout.decode(), done.stdout, done.stderr.decode()))

    begin = "smartcard-dm tree init t.db && smartcard-dm tree sync --card profile:fixtures/cards/usim.yaml --tree t.db"
    apply = "smartcard-dm apply fixtures/messages/signed.wbxml --tree t.db --json"
    assert shell(begin).code == 0
    dry = shell(f"{apply} --dry-run")
    assert (dry.code, dry.json["dry_run"], len(dry.json["diff"])) == (0, True, 6)
    assert shell(f"smartcard-dm tree get {NAME} --tree t.db").stdout == "Example DM\n"
    first = shell(apply)
    schema("apply").validate(first.json)
    assert (first.code, [row["status"] for row in first.json["report"]]) == (0, [200, 200])
    assert first.json["diff"] == dry.json["diff"]
    second = shell(apply)
    assert (second.code, second.json["verdict"], second.json["step"]) == (1, "refused", 10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.db"]


# dry runs


def test_a_dry_run_changes_nothing_and_the_message_still_applies_once(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = tree.read_bytes()
    tried = applied(tree, SIGNED, "--dry-run")
    text = run("apply", SIGNED, "--tree", tree, "--dry-run").stdout
    assert text.splitlines()[-1] == "dry run: nothing was changed; the message can still be applied, once"
    assert tree.read_bytes() == before
    done = applied(tree, SIGNED)
    assert (tried["dry_run"], done["dry_run"]) == (True, False)
    assert tried["report"] == done["report"]
    assert tried["diff"] == done["diff"]
    assert refused(tree, SIGNED, "--dry-run")["dry_run"] is True


def test_a_dry_run_with_a_card_shows_the_effect_of_both(tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    before = tree.read_bytes()
    assert refused(tree, SIGNED, "--dry-run")["rule"] == "account.unknown"
    form = applied(tree, SIGNED, "--card", CARD, "--dry-run")
    assert form["sync"]["added"] == ["./DMAcc/dms", "./DMAcc/backup"]
    assert form["sync"]["dry_run"] is True
    assert form["diff"][0]["before"]["value"] == "Example DM"
    text = run("apply", SIGNED, "--tree", tree, "--card", CARD, "--dry-run")
    check_layout(text.stdout)
    assert text.stdout.index("card 8988211000000430010") < text.stdout.index("AUTHORIZED")
    assert tree.read_bytes() == before
    assert len(audit(tree)) == 1


def test_a_dry_run_with_a_card_that_has_nothing_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = tree.read_bytes()
    form = refused(tree, SIGNED, "--card", card_without_provisioning(tmp_path), "--dry-run")
    assert form["rule"] == "account.unknown"
    assert sorted(form["sync"]["removed"]) == ["./DMAcc/backup", "./DMAcc/dms"]
    assert tree.read_bytes() == before


# with a card


def test_a_card_is_taken_in_before_the_message(tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    form = applied(tree, SIGNED, "--card", CARD)
    assert form["sync"]["added"] == ["./DMAcc/dms", "./DMAcc/backup"]
    assert [row["action"] for row in audit(tree)] == ["init", "sync", "apply"]
    again = refused(tree, SIGNED, "--card", CARD)
    assert (again["rule"], sorted(again["sync"]["kept"])) == ("replay.seen", ["./DMAcc/backup", "./DMAcc/dms"])


def test_the_card_stays_taken_in_when_the_message_is_refused(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    outcome = run("apply", SIGNED, "--tree", tree, "--card", card_without_provisioning(tmp_path))
    assert outcome.code == 1
    check_layout(outcome.stdout)
    assert "removed  ./DMAcc/backup" in outcome.stdout
    assert "REFUSED  at step 4, account" in outcome.stdout
    assert [node["uri"] for node in shown(tree, "./DMAcc")] == ["./DMAcc"]


def test_a_card_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = tree.read_bytes()
    private = changed_card(tmp_path, PRIVATE_BOOTSTRAP)
    outcome = run("apply", SIGNED, "--tree", tree, "--card", private, "--json")
    assert error_of(outcome)["kind"] == "PinRequiredError"
    assert outcome.code == 3
    assert tree.read_bytes() == before
    pin = ("--pin-env", "CARD_PIN")
    assert run("apply", SIGNED, "--tree", tree, "--card", private, *pin, env={"CARD_PIN": "1234"}).code == 0


def test_an_object_of_the_card_that_does_not_fit_the_device_is_malformed_input(tmp_path: Path) -> None:
    (tmp_path / "narrow.xml").write_text(NARROW)
    tree = new_tree(tmp_path, "--ddf", str(tmp_path / "narrow.xml"))
    before = tree.read_bytes()
    for command in (("tree", "sync"), ("apply", SIGNED)):
        outcome = run(*command, "--tree", tree, "--card", CARD, "--json")
        assert error_of(outcome)["exit_code"] == 4
        assert "DM bootstrap in 7F50/6431" in outcome.line
        assert "./DMAcc/dms cannot be put into the tree" in outcome.line
    assert tree.read_bytes() == before


# refusals


@pytest.mark.parametrize(
    ("end", "step", "code"), [(0, 1, 4), (100, 1, 4), (None, 8, 1)], ids=["empty", "cut", "changed"]
)
def test_a_message_that_is_refused_changes_nothing(tmp_path: Path, end: int | None, step: int, code: int) -> None:
    tree, octets = provisioned(tmp_path), SIGNED.read_bytes()
    path = tmp_path / "bad.wbxml"
    path.write_bytes(octets.replace(b"moved", b"Moved") if end is None else octets[:end])
    before = tree.read_bytes()
    assert refused(tree, path, code=code)["step"] == step
    assert tree.read_bytes() == before


def test_a_message_that_is_too_large_is_malformed_input(tmp_path: Path) -> None:
    path = tmp_path / "large.wbxml"
    with path.open("wb") as stream:
        stream.truncate(1 << 32)
    assert refused(new_tree(tmp_path), path, code=4)["rule"] == "message.too-large"


def test_numbers_that_do_not_grow_are_refused_when_asked_for(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    later, earlier = (
        message(tmp_path, item("Replace", NAME, text), name=text, session_id=number)
        for text, number in (("later", "9"), ("earlier", "8"))
    )
    applied(tree, later, "--monotonic")
    assert refused(tree, earlier, "--monotonic")["rule"] == "replay.order"
    applied(tree, earlier)


def test_sha_1_is_applied_by_the_legacy_policy_only(tmp_path: Path) -> None:
    tree, legacy = provisioned(tmp_path), ("--policy", "oma_1_2_legacy")
    path = message(tmp_path, item("Replace", NAME, "old"), "--algorithm", "rsa-sha1", *legacy)
    assert refused(tree, path)["rule"] == "signature.method"
    applied(tree, path, *legacy)


def test_the_moment_is_what_certificates_are_judged_by(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    path = tmp_path / "backup.wbxml"
    source = tmp_path / "backup.xml"
    source.write_text(f"<SyncBody>{item('Replace', './DMAcc/backup/Name', 'new')}</SyncBody>")
    key = ("--server-id", "com.example.backup", "--key", KEYS / "backup-ec.pem")
    assert run("issue", source, *key, "-o", path).code == 0
    assert refused(tree, path, "--at", "2099-01-01T00:00:00Z")["rule"] == "key.not-valid-now"
    applied(tree, path, "--at", "2026-07-01T12:00:00Z")
    assert audit(tree)[-1]["at"].startswith("2026-07-01T12:00:00")


def test_a_message_for_another_device_is_not_carried_out_when_asked_for(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    path = message(tmp_path, item("Replace", NAME, "other"), "--target", "IMEI:1")
    form = applied(tree, path, "--this-device-only")
    assert [row["status"] for row in form["report"]] == [215]
    assert form["diff"] == []
    assert value_of(tree, NAME) == "Example DM"


# what a message does


def test_statuses_are_in_the_report_and_not_in_the_exit_code(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    commands = [
        item("Replace", "./DMAcc/backup/Name", "mine"),
        item("Delete", "./nowhere"),
        item("Add", NAME, "twice"),
        item("Get", "./DevInfo/DevId"),
        "<Alert><Data>1200</Data></Alert>",
    ]
    path = message(tmp_path, "".join(commands))
    outcome = run("apply", path, "--tree", tree, "--dry-run")
    assert outcome.code == 0
    check_layout(outcome.stdout)
    assert "Permission denied: com.example.dms has no Replace at" in outcome.stdout
    assert "changes  none" in outcome.stdout
    form = applied(tree, path)
    assert [row["status"] for row in form["report"]] == [425, 404, 418, 215, 215]
    assert form["report"][0]["status_text"] == "Permission denied"
    assert form["report"][4]["target"] is None


def test_a_request_to_execute_is_noted_and_nothing_executes_it(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    prepare = [
        item("Add", "./Vendor/run", "x"),
        item("Replace", "./Vendor?prop=ACL", "Exec=com.example.dms&amp;Replace=com.example.dms"),
    ]
    applied(tree, message(tmp_path, "".join(prepare)))
    command = "<Exec><Correlator>job 7</Correlator><Item><Target><LocURI>./Vendor/run</LocURI></Target></Item></Exec>"
    path = message(tmp_path, command, name="exec")
    text = run("apply", path, "--tree", tree, "--dry-run").stdout
    check_layout(text)
    assert "Exec  202  ./Vendor/run" in text
    assert 'requested Exec at ./Vendor/run, correlator "job 7": noted; this program executes nothing' in " ".join(
        text.split()
    )
    form = applied(tree, path)
    assert [row["status"] for row in form["report"]] == [202]
    assert form["events"] == [
        {"event": "exec-requested", "server_id": SERVER_ID, "uri": "./Vendor/run", "correlator": "job 7"}
    ]


def test_every_kind_of_change_is_shown(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    applied(tree, SIGNED)
    prepare = [item("Add", "./Vendor/a", "one"), item("Add", "./Vendor/b", "two"), item("Add", "./Vendor/secret", "s1")]
    applied(tree, message(tmp_path, "".join(prepare)))
    commands = [
        item("Replace", "./Vendor/a?prop=Name", "c"),
        item("Delete", "./Vendor/b"),
        item("Replace", "./Vendor/secret", "s2"),
        item("Replace", "./Vendor?prop=Title", "A title"),
        item("Replace", "./NAP/internet?prop=ACL", "Get=*&amp;Replace=com.example.dms"),
        item("Replace", "./NAP/internet/Name", "12", format_="chr", type_="text/x-other"),
    ]
    path = message(tmp_path, "".join(commands), name="second")
    text = run("apply", path, "--tree", tree, "--dry-run").stdout
    check_layout(text)
    assert '  -  ./Vendor/b  "two"\n' in text
    assert "  ~  ./Vendor/c\n     was ./Vendor/a\n" in text
    assert "  ~  ./Vendor/secret\n     another secret\n" in text
    assert "  ~  ./Vendor\n     title none -> A title\n" in text
    assert "ACL Delete=com.example.dms & Get=* & Replace=com.example.dms -> Get=* &" in text
    assert "type text/plain -> text/x-other" in text
    form = applied(tree, path)
    assert {each["change"] for each in form["diff"]} == {"changed", "removed", "renamed"}
    secret = next(each for each in form["diff"] if each["uri"] == "./Vendor/secret")
    assert (secret["before"]["value"], secret["after"]["value"]) == ("(secret)", "(secret)")
    assert "s1" not in json.dumps(audit(tree))


def test_what_is_left_out_and_what_follows_a_new_name_is_shown(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    applied(tree, SIGNED)
    unknown = NODE.format(name="x", type="urn:example:unknown:1.0", children="")
    reference = LEAF.format(name="ConRef", value="./Inbox/internet")
    references = NODE.format(name="ConRefs", type="", children=NODE.format(name="1", type="", children=reference))
    proxy = NODE.format(name="p", type=PROXY, children=LEAF.format(name="ProxyID", value="p") + references)
    path = message(tmp_path, INBOX.format(nodes=point("internet", "other.example.com") + unknown + proxy))
    text = run("apply", path, "--tree", tree, "--dry-run").stdout
    check_layout(text)
    assert "references that follow  1\n  ./PX/p/ConRefs/1/ConRef\n  " in text
    assert '  "./Inbox/internet" -> "./NAP/internet-2"\n' in text
    assert "left out  1\n  ./Inbox/x  urn:example:unknown:1.0\n  the device does not support" in text
    form = applied(tree, path)
    assert form["rewritten"] == [
        {"uri": "./PX/p/ConRefs/1/ConRef", "before": "./Inbox/internet", "after": "./NAP/internet-2"}
    ]
    assert [(each["uri"], each["what"]) for each in form["skipped"]] == [("./Inbox/x", "urn:example:unknown:1.0")]


def test_an_account_that_goes_and_one_that_comes_are_told(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    form = applied(tree, message(tmp_path, item("Delete", "./DMAcc/dms")))
    assert form["events"] == [{"event": "account-removed", "server_id": SERVER_ID}]
    text = run("apply", SIGNED, "--tree", tree)
    assert text.code == 1
    assert "account.unknown" in text.line


# the file


def test_a_tree_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    for command in ("apply", "verify"):
        error = error_of(run(command, SIGNED, "--tree", tmp_path / "none.db", "--json"))
        assert (error["kind"], error["exit_code"]) == ("TreeAccessError", 2)


def test_a_file_that_is_no_tree_is_malformed_input(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(4096))
    for command in ("apply", "verify"):
        assert error_of(run(command, SIGNED, "--tree", path, "--json"))["kind"] == "TreeFormatError"
        assert run(command, SIGNED, "--tree", path).code == 4


def test_a_tree_of_another_layout_says_what_to_do(tmp_path: Path) -> None:
    tree = new_tree(tmp_path)
    with sqlite3.connect(tree) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    outcome = run("apply", SIGNED, "--tree", tree)
    assert outcome.code == 4
    assert "number 99" in outcome.line
    assert "use the release that made it" in outcome.line


def test_a_tree_that_another_process_keeps_locked_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcard_dm.tree.database.WAIT_SECONDS", 0.1)
    tree = provisioned(tmp_path)
    other = sqlite3.connect(tree, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for options in ((), ("--dry-run",), ("--card", CARD)):
            error = error_of(run("apply", SIGNED, "--tree", tree, *options, "--json"))
            assert (error["kind"], error["exit_code"]) == ("TreeAccessError", 2)
            assert "another process kept it locked; try again when it is done" in error["message"]
        assert run("verify", SIGNED, "--tree", tree).code == 0
    finally:
        other.close()
    assert run("apply", SIGNED, "--tree", tree).code == 0


def test_a_message_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    assert run("apply", tmp_path / "none", "--tree", new_tree(tmp_path)).code == 2


# verify


def test_a_tree_verifies_as_its_card_does(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    by_tree, by_card = (
        run("verify", SIGNED, *options, "--json").json for options in (("--tree", tree), ("--card", CARD))
    )
    schema("verify").validate(by_tree)
    differing = {key for key in by_card if by_card[key] != by_tree[key]}
    assert differing == {"steps"}
    text = run("verify", SIGNED, "--tree", tree)
    check_layout(text.stdout)
    assert text.stdout == run("verify", SIGNED, "--card", CARD).stdout


def test_a_tree_remembers_what_took_effect_and_verifying_takes_none(tmp_path: Path) -> None:
    tree = provisioned(tmp_path)
    before = tree.read_bytes()
    for _ in range(2):
        assert run("verify", SIGNED, "--tree", tree).code == 0
    assert tree.read_bytes() == before
    applied(tree, SIGNED)
    outcome = run("verify", SIGNED, "--tree", tree, "--json")
    schema("verify").validate(outcome.json)
    assert (outcome.code, outcome.json["rule"]) == (1, "replay.seen")
    assert run("verify", SIGNED, "--card", CARD).code == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "give exactly one of --card and --tree"),
        (("--card", CARD, "--tree", "t.db"), "give exactly one of --card and --tree"),
        (("--tree", "t.db", "--pin-env", "PIN"), "the PIN options go with --card"),
        (("--tree", "t.db", "--use-last-try"), "the PIN options go with --card"),
    ],
)
def test_what_a_message_is_verified_against_is_said_once(options: Sequence[str], named: str) -> None:
    outcome = run("verify", SIGNED, *options)
    assert outcome.code == 2
    assert named in outcome.line


def test_the_options_of_a_pin_go_with_a_card(tmp_path: Path) -> None:
    assert run("apply", SIGNED, "--tree", new_tree(tmp_path), "--pin-prompt").code == 2
