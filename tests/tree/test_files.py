"""Files that are no tree, may not be used, or have odd names: an error that says so, and nothing is touched."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final

import pytest

from smartcard_dm.dm import NodeUri
from smartcard_dm.errors import SmartcardDmError, TreeAccessError, TreeError, TreeFormatError, VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.tree import DeviceTree, ProcessingPolicy, ReplayPolicy
from smartcard_dm.tree.database import Database
from smartcard_dm.tree.diff import MASK
from smartcard_dm.tree.schema import LAYOUT
from smartcard_dm.tree.view import look
from tests.materials import NOW
from tests.tree.busy_worker import COUNTER, make, messages
from tests.tree.crash_worker import branch
from tests.tree.device import INFORMATION, A, add, message, push, replace, send_object, snapshot, value
from tests.tree.power import ROOT

PAGE: Final = 4096
FLIPPED: Final = 300
"""Places of a file at which one bit is turned."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    make(str(made))
    return made


def create(path: str) -> None:
    DeviceTree.create(path, INFORMATION, at=NOW).close()


def use(path: Path, processing: ProcessingPolicy | None = None) -> None:
    """Read all of a tree and apply a message."""
    with DeviceTree.open(str(path)) as tree:
        snapshot(tree)
        tree.audit.rows()
        push(tree, messages()[1], processing=processing)


@pytest.mark.parametrize(
    "octets", [b"", b"no database at all", b"SQLite format 3\x00", bytes(8192)], ids=["empty", "text", "magic", "zeros"]
)
def test_a_file_that_is_no_database_is_no_tree(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tree"
    path.write_bytes(octets)
    with pytest.raises(TreeFormatError, match="it is no tree of this program") as caught:
        DeviceTree.open(str(path))
    assert caught.value.advice
    assert path.read_bytes() == octets
    assert [each.name for each in tmp_path.iterdir()] == ["tree"]


def test_a_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tree"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE node (id INTEGER)")
    octets = path.read_bytes()
    with pytest.raises(TreeFormatError, match="it is no tree of this program"):
        DeviceTree.open(str(path))
    assert path.read_bytes() == octets
    assert [each.name for each in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("layout", [0, LAYOUT + 1, 99])
def test_a_tree_of_another_layout_is_refused(layout: int, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {layout}")
    with pytest.raises(TreeFormatError, match=f"its layout is number {layout}, this program reads number {LAYOUT}"):
        DeviceTree.open(str(path))


def test_a_tree_of_the_first_layout_is_upgraded(path: Path) -> None:
    octets = messages()[1]
    with DeviceTree.open(str(path)) as tree:
        push(tree, octets)
        ((before,),) = tree._database.rows("SELECT messages FROM replay_count")
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE replay_count")
        other.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with DeviceTree.open(str(path)) as tree:
            with pytest.raises(VerificationError) as caught:
                push(tree, octets)
            assert caught.value.rule is Rule.REPLAYED
            assert tree._database.rows("SELECT messages FROM replay_count") == [(before,)]
            assert tree._database.rows("PRAGMA user_version") == [(LAYOUT,)]
    assert before == 2


def test_a_tree_without_its_tables_is_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE replay")
    with pytest.raises(TreeFormatError, match="damaged"):
        use(path)


@pytest.mark.parametrize("kept", [1, 99, 100, 512, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, -PAGE, -1])
def test_a_file_that_was_cut_is_damaged(kept: int, path: Path) -> None:
    octets = path.read_bytes()
    path.write_bytes(octets[:kept])
    with pytest.raises(TreeFormatError, match=r"damaged|no tree"):
        use(path)


@pytest.mark.parametrize("octet", [0x00, 0xFF, 0x0D])
def test_a_file_with_a_page_that_is_rubbish_is_damaged_or_still_good(octet: int, path: Path) -> None:
    octets = path.read_bytes()
    damaged = 0
    for start in range(0, len(octets), PAGE):
        path.write_bytes(octets[:start] + bytes([octet]) * PAGE + octets[start + PAGE :])
        try:
            use(path)
        except TreeFormatError:
            damaged += 1
        except VerificationError:
            pass  # what it needs looks as if it were not there
    assert damaged > len(octets) / PAGE / 3


def test_a_file_with_a_bit_that_is_flipped_is_damaged_or_still_a_tree(path: Path) -> None:
    with DeviceTree.open(str(path)) as tree:
        push(tree, messages()[2])
    octets = path.read_bytes()
    chance = Random(1)  # noqa: S311 - places, nothing to guess
    damaged = 0
    for at in chance.sample([at for at, octet in enumerate(octets) if octet], FLIPPED):
        flipped = bytearray(octets)
        flipped[at] ^= 1 << chance.randrange(8)
        for ending in ("-wal", "-shm"):
            Path(f"{path}{ending}").unlink(missing_ok=True)
        path.write_bytes(flipped)
        try:
            use(path)
        except TreeFormatError:
            damaged += 1
        except SmartcardDmError:
            pass  # such as an account that the message's server no longer has
    assert FLIPPED / 20 < damaged < FLIPPED / 2


@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("state", "DELETE FROM state"),
        ("state", "UPDATE state SET credentials = 'x'"),
        ("replay_count", "UPDATE replay_count SET messages = 'x'"),
        ("replay_mark", "UPDATE replay_mark SET session_id = 'x'"),
        ("provided", "UPDATE provided SET digest = 'x'"),
        ("provided", "UPDATE provided SET path = x'00'"),
        ("anchor", "INSERT INTO anchor VALUES ('c', 0, 'nonsense', x'00', '', '', '', '')"),
        ("anchor", "INSERT INTO anchor VALUES ('c', 0, 'public-key', x'00', '', '', '', '')"),
        ("anchor", "INSERT INTO anchor VALUES ('c', 0, 'public-key', 'x', '', '', '', '')"),
        ("node", "UPDATE node SET format = 'clr' WHERE path = 'Counter'"),
        ("node", "UPDATE node SET format = 'bin' WHERE path = 'Counter'"),
        ("node", "UPDATE node SET value = 'x' WHERE path = 'Shared'"),
        ("node", "UPDATE node SET value = NULL WHERE path = 'Counter'"),
        ("node", "UPDATE node SET acl = x'00' WHERE path = 'Counter'"),
        ("node", "UPDATE node SET verno = 'x' WHERE path = 'Counter'"),
        ("node", "UPDATE node SET path = 'Coun?er' WHERE path = 'Counter'"),
        ("node", "DELETE FROM node WHERE path = ''"),
        ("node", "DELETE FROM node WHERE path = 'DMAcc/a/AppAuth'"),
        ("node", "UPDATE node SET path = 'Lost/a' WHERE path = 'Counter'"),
        ("audit", "UPDATE audit SET form = '{'"),
        ("audit", "UPDATE audit SET form = '[]'"),
        ("audit", """UPDATE audit SET form = '{"report": 1}'"""),
        ("audit", """UPDATE audit SET form = '{"report": [{}]}'"""),
        ("audit", "UPDATE audit SET action = 'refuse'"),
    ],
)
def test_a_table_with_what_this_program_never_writes_is_damaged(table: str, sql: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute("UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert other.execute(sql).rowcount > 0
    monotonic = ProcessingPolicy(replay=ReplayPolicy(monotonic=True))
    with pytest.raises(TreeFormatError, match=f"it is damaged: the table `{table}`") as caught:
        use(path, monotonic)
    assert caught.value.advice


def test_a_secret_whose_name_is_damaged_is_no_less_secret(path: Path) -> None:
    place = "DMAcc/a/AppAuth/1/AAuthSecret"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        assert other.execute("UPDATE node SET path = ? WHERE path = ?", (f"{place[:-1]}u", place)).rowcount == 1
    with DeviceTree.open(str(path)) as tree:
        (seen,) = (each for each in look(tree, NodeUri()) if each.row.path == f"{place[:-1]}u")
    assert (seen.secret, seen.row.value) == (True, MASK)


@pytest.mark.parametrize("name", ["missing", "no-folder/tree", "", ".", "/", "nul\0", "x" * 300])
def test_a_file_that_is_not_there_cannot_be_opened(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TreeAccessError):
        DeviceTree.open(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["no-folder/tree", "", ".", "/", "nul\0", "x" * 300])
def test_a_file_that_cannot_be_made_is_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TreeAccessError):
        create(name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_goes_while_it_is_opened_is_not_made_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(name: str, how: int) -> bool:
        del how
        Path(name).unlink()
        return True

    monkeypatch.setattr(os, "access", late)
    with pytest.raises(TreeAccessError, match="cannot be opened"):
        DeviceTree.open(str(path))
    assert list(path.parent.iterdir()) == []


def test_a_name_that_is_taken_is_not_taken_again(path: Path) -> None:
    octets = path.read_bytes()
    dangling = path.with_name("dangling")
    dangling.symlink_to(path.with_name("nowhere"))
    for name in (path, dangling, path.parent):
        with pytest.raises(TreeAccessError, match="there is a file of this name already"):
            create(str(name))
    assert path.read_bytes() == octets
    assert {each.name for each in path.parent.iterdir()} == {"tree", "dangling"}


def test_what_is_left_of_another_file_is_not_taken_for_the_new_ones(path: Path) -> None:
    """SQLite would play the log of a file that is gone into the new one of its name."""
    worker = [sys.executable, "-m", "tests.tree.busy_worker", "die", str(path)]
    subprocess.run(worker, input=b"\n", check=True, cwd=ROOT, capture_output=True)
    octets = path.read_bytes()
    path.unlink()
    with pytest.raises(TreeAccessError, match="tree-wal of another file of this name is still there"):
        create(str(path))
    assert not path.exists()
    path.write_bytes(octets)  # put back, nothing is lost
    with DeviceTree.open(str(path)) as tree:
        assert value(tree, COUNTER) == "0"


@pytest.mark.parametrize("name", ["a b", "50%25?mode=ro#x", "file:x", "ü\n", os.fsdecode(b"\xff\xfe"), "é" * 120])
def test_a_name_may_be_odd(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    make(str(path))
    use(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("path")
def test_a_tree_may_be_opened_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to("tree")
    monkeypatch.chdir(tmp_path)
    with DeviceTree.open("link") as mine, DeviceTree.open("tree") as other:
        push(mine, messages()[1])
        push(other, messages()[2])
        assert value(mine, COUNTER) == "2"
    assert {each.name for each in tmp_path.iterdir()} == {"tree", "link"}


def test_only_its_owner_reads_a_tree_and_its_logs(path: Path) -> None:
    former = os.umask(0)
    try:
        new = path.with_name("new")
        with DeviceTree.create(str(new), INFORMATION, at=NOW), DeviceTree.open(str(path)) as tree:
            push(tree, messages()[1])
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(former)
    assert modes == dict.fromkeys(("tree", "tree-wal", "tree-shm", "new", "new-wal", "new-shm"), 0o600)
    assert {each.name for each in path.parent.iterdir()} == {"tree", "new"}


def test_a_tree_that_may_not_be_read_or_written_says_so() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        worker = [sys.executable, "-m", "tests.tree.full_worker", "denied", str(folder)]
        done = subprocess.run(worker, check=True, capture_output=True, cwd=ROOT)
    finally:
        for each in (folder, *folder.iterdir()):
            each.chmod(0o700)
        shutil.rmtree(folder)
    write = "it may not be written; give a file and a folder that can be written"
    new = "it cannot be made: Permission denied; give a name in a writable folder"
    assert json.loads(done.stdout) == {
        "apply file-read-only": ["TreeAccessError", write],
        "apply folder-read-only": ["TreeAccessError", write],
        "apply both-read-only": ["TreeAccessError", write],
        "apply file-closed": [
            "TreeAccessError",
            "it may not be read; give a file that can be read and written",
        ],
        "apply folder-closed": ["TreeAccessError", "it cannot be opened: Permission denied; give a tree file"],
        "create folder-read-only": ["TreeAccessError", new],
        "create folder-closed": ["TreeAccessError", new],
    }


def test_a_tree_that_was_closed_says_so(path: Path) -> None:
    tree = DeviceTree.open(str(path))
    tree.close()
    tree.close()
    for call in (lambda: push(tree, messages()[1]), tree.credentials, tree.audit.rows):
        with pytest.raises(TreeError):
            call()


def test_an_old_sqlite_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(TreeAccessError, match=r"trees want 3\.37 or later"):
        DeviceTree.open(str(path))


def test_what_is_undone_inside_a_transaction_is_undone_alone() -> None:
    def fill(database: Database) -> None:
        database.execute("INSERT INTO description (xml) VALUES (x'00')")
        with suppress(KeyError), database.part():
            database.execute("INSERT INTO description (xml) VALUES (x'01')")
            raise KeyError
        with pytest.raises(ValueError, match="already"), database.writing():
            raise AssertionError

    with Database.memory(fill) as database:
        assert database.rows("SELECT xml FROM description") == [(b"\0",)]
        with suppress(KeyError), database.writing():
            database.execute("DELETE FROM description")
            raise KeyError
        with database.trying():
            database.execute("DELETE FROM description")
        assert database.rows("SELECT count(*) FROM description") == [(1,)]


@pytest.mark.parametrize("kind", ["Add", "Replace"])
def test_the_number_of_statements_does_not_grow_with_the_nodes(kind: str, path: Path) -> None:
    counts = {}
    for leaves in (9, 90, 1800):
        seen: list[str] = []
        with DeviceTree.open(str(path)) as tree:
            if kind == "Replace":
                push(tree, message(send_object("Add", ".", branch(f"n{leaves}", 1)), A, session_id=f"1{leaves}"))
            octets = message(send_object(kind, ".", branch(f"n{leaves}", leaves)), A, session_id=f"2{leaves}")
            tree._database._connection.set_trace_callback(seen.append)
            applied = push(tree, octets)
        assert [row.status.is_success for row in applied.report] == [True]
        counts[leaves] = len([sql for sql in seen if not sql.startswith("INSERT INTO node")])
        assert sum(sql.startswith("INSERT INTO node") for sql in seen) >= leaves - 1, "nodes are inserted in one go"
    assert len(set(counts.values())) == 1, counts


def test_a_command_asks_for_its_rights_in_one_query_however_deep(path: Path) -> None:
    counts = {}
    for depth in (2, 30):
        seen: list[str] = []
        names = "/".join(f"d{level}" for level in range(depth))
        with DeviceTree.open(str(path)) as tree:
            push(tree, message(add(f"./{depth}/{names}/v", "old"), A, session_id=f"3{depth}"))
            command = replace(f"./{depth}/{names}/v", "new")
            octets = message(command * 10, A, session_id=f"4{depth}")
            tree._database._connection.set_trace_callback(seen.append)
            push(tree, octets)
        start = [number for number, sql in enumerate(seen) if sql == "SAVEPOINT part"]
        end = [number for number, sql in enumerate(seen) if sql == "RELEASE part"]
        assert len(start) == len(end) == 10
        counts[depth] = [last - first for first, last in zip(start, end, strict=True)]
    assert counts[2] == counts[30] == [3] * 10  # the line, the change, the end
