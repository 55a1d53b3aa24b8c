"""An output goes on where it was left: nothing lost, nothing twice, and never for another batch."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.errors import BatchError
from smartcard_dm.server import batch_ledger, batch_run
from smartcard_dm.server.batch_ledger import Ledger
from smartcard_dm.server.batch_messages import message_line, read_message_line, read_messages
from smartcard_dm.server.batch_output import file_name, open_output
from smartcard_dm.server.batch_records import Failed, Issued, Problem
from tests.server.batches import PLACES, ed25519, recipe_for, run_here, targets_file, write_csv

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smartcard_dm.server.batch_messages import Found

FORMS = list(PLACES)
COUNT = 60


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_run, "CHUNK", 8)


def found_in(place: Path) -> list[Found]:
    return list(read_messages(place))


def numbers_in(place: Path) -> list[int]:
    """Return the MsgID of each message, which is the row where nothing else says."""
    numbers = []
    for found in found_in(place):
        assert found.octets is not None
        numbers.append(int(wbxml.to_xml(found.octets).split(b"<MsgID>")[1].split(b"<")[0]))
    return numbers


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_there_whole(tmp_path: Path, form: str) -> None:
    place = tmp_path / PLACES[form]
    summary = run_here(targets_file(tmp_path, COUNT), place, form)
    assert (summary.issued, summary.resumed, summary.failed, summary.left) == (COUNT, 0, 0, 0)
    assert [each for each in tmp_path.glob("**/*") if each.name.endswith((".part", "-wal", "-shm", "-journal"))] == []
    assert numbers_in(place) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("form", FORMS)
def test_running_it_again_does_nothing(tmp_path: Path, form: str) -> None:
    place, path = tmp_path / PLACES[form], targets_file(tmp_path, COUNT)
    run_here(path, place, form)
    before = found_in(place)
    summary = run_here(path, place, form, recipe=recipe_for(path, number="9999"))
    assert (summary.issued, summary.resumed, summary.number) == (0, COUNT, "1000")
    assert found_in(place) == before


class CutError(Exception):
    """The process ends here."""


def cut_at(monkeypatch: pytest.MonkeyPatch, moment: str, chunk: int) -> None:
    """End the run in a chunk: before its messages are kept, while they are, or before the ledger knows of them."""
    counted = 0
    real = Ledger._record

    def record(ledger: Ledger, settled: list[Issued]) -> None:
        nonlocal counted
        counted += 1
        if counted == chunk:
            if moment == "after":
                real(ledger, settled)
            raise CutError
        real(ledger, settled)

    monkeypatch.setattr(Ledger, "_record", record)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("chunk", [1, 4, 8])
@pytest.mark.parametrize("form", FORMS)
def test_a_run_that_was_cut_is_gone_on_with(
    tmp_path: Path, form: str, chunk: int, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, path = tmp_path / PLACES[form], targets_file(tmp_path, COUNT)
    with monkeypatch.context() as patched:
        cut_at(patched, moment, chunk)
        with pytest.raises(CutError):
            run_here(path, place, form)
    before = {found.octets for found in found_in(place)} if chunk > 1 or form != "sqlite" else set()
    kept = 0 if form == "sqlite" else 1  # chunks that were kept and not recorded
    assert len(before) == min(COUNT, 8 * (chunk - 1 + kept))
    # Another number and another moment: what is there keeps the number it was begun with.
    summary = run_here(path, place, form, recipe=recipe_for(path, number="9999"))
    assert (summary.issued + summary.resumed, summary.number) == (COUNT, "1000")
    assert numbers_in(place) == list(range(1, COUNT + 1))
    assert before <= {found.octets for found in found_in(place)}
    with open_output(place, form, recipe_for(path).parts, "1") as output:
        assert output.ledger.counts() == (COUNT, 0)


@pytest.mark.parametrize("cut", [1, 10, 200, 699, 701])
def test_a_line_cut_short_is_made_again(tmp_path: Path, cut: int) -> None:
    place, path = tmp_path / "out.jsonl", targets_file(tmp_path, COUNT)
    run_here(path, place, "jsonl")
    lines = place.read_bytes().splitlines(keepends=True)
    # As the file is when the process is killed while it writes the third chunk.
    place.write_bytes(b"".join(lines[:16]) + b"".join(lines[16:24])[:cut])
    with closing(sqlite3.connect(f"{place}.batch")) as ledger:
        ledger.execute("DELETE FROM message WHERE row > 16")
        ledger.execute("UPDATE batch SET value = ? WHERE name = 'octets'", (str(sum(map(len, lines[:16]))),))
        ledger.commit()
    run_here(path, place, "jsonl")
    assert place.read_bytes().splitlines(keepends=True) == lines


def test_a_file_named_already_is_kept_as_it_is(tmp_path: Path) -> None:
    place, path = tmp_path / "out", targets_file(tmp_path, 3)
    run_here(path, place, "files")
    name = place / file_name(2, "IMEI:000000000000001")
    with closing(sqlite3.connect(place / ".batch")) as ledger:
        ledger.execute("DELETE FROM message WHERE row > 1")
        ledger.commit()
    name.write_bytes(b"as it was")
    (place / f".{name.name}.part").write_bytes(b"half")
    run_here(path, place, "files")
    assert name.read_bytes() == b"as it was"
    assert sorted(each.name for each in place.iterdir()) == [
        ".00000002-IMEI_000000000000001.wbxml.part",
        ".batch",
        *(file_name(row, f"IMEI:{row - 1:015d}") for row in (1, 2, 3)),
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: recipe_for(targets_file(folder, COUNT + 1)), "another targets file"),
        (lambda folder: recipe_for(targets_file(folder, COUNT), key=ed25519()), "another key and another algorithm"),
        (
            lambda folder: recipe_for(
                targets_file(folder, COUNT),
                commands=b"<SyncBody><Alert><Data>${node}${value}</Data></Alert></SyncBody>",
            ),
            "another template",
        ),
    ],
    ids=["targets", "key", "template"],
)
def test_another_batch_is_refused(tmp_path: Path, form: str, change: Callable[[Path], object], named: str) -> None:
    place, path = tmp_path / PLACES[form], targets_file(tmp_path, COUNT)
    run_here(path, place, form)
    before = found_in(place)
    with pytest.raises(BatchError) as caught:
        run_here(path, place, form, recipe=change(tmp_path))  # type: ignore[arg-type] # a recipe
    assert named in str(caught.value)
    assert caught.value.advice
    assert found_in(place) == before


def test_something_else_is_never_written_to(tmp_path: Path) -> None:
    path = targets_file(tmp_path, 3)
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(b"mine")
    lines = tmp_path / "mine.jsonl"
    lines.write_bytes(b"mine\n")
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    text = tmp_path / "text.db"
    text.write_bytes(b"mine, and no database at all")
    before = {each: each.read_bytes() for each in (lines, other, text)}
    for place, form, detail in (
        (folder, "files", "the folder is not empty and no batch began in it"),
        (lines, "jsonl", "the file is not empty and no batch began in it"),
        (other, "sqlite", "it is no output of a batch"),
        (text, "sqlite", "file is not a database"),
        (tmp_path / "no" / "where", "files", "it cannot be written: No such file or directory"),
        (tmp_path / "no" / "where.db", "sqlite", "unable to open database file"),
    ):
        with pytest.raises(BatchError, match=detail):
            run_here(path, place, form)
    assert {each: each.read_bytes() for each in before} == before


def test_a_shorter_file_is_not_gone_on_with(tmp_path: Path) -> None:
    place, path = tmp_path / "out.jsonl", targets_file(tmp_path, 3)
    with open_output(place, "jsonl", recipe_for(path).parts, "1000"):
        pass
    with closing(sqlite3.connect(f"{place}.batch")) as ledger:
        ledger.execute("INSERT INTO batch VALUES ('octets', '1000')")
        ledger.commit()
    with pytest.raises(BatchError, match="it is shorter than it was left"):
        run_here(path, place, "jsonl")


def test_another_layout_is_refused(tmp_path: Path) -> None:
    place, path = tmp_path / "out.db", targets_file(tmp_path, 3)
    run_here(path, place, "sqlite")
    with closing(sqlite3.connect(place)) as connection:
        connection.execute(f"PRAGMA user_version = {batch_ledger.LAYOUT + 1}")
    with pytest.raises(BatchError, match="its layout 2 is not the 1 of this release"):
        run_here(path, place, "sqlite")


@pytest.mark.parametrize("form", FORMS)
def test_of_two_processes_on_one_batch_the_second_stops(tmp_path: Path, form: str) -> None:
    place, path = tmp_path / PLACES[form], targets_file(tmp_path, 3)
    recipe = recipe_for(path)
    issued = [Issued(1, 2, "a", b"x", b"y" * 32)]
    with open_output(place, form, recipe.parts, "1") as one, open_output(place, form, recipe.parts, "2") as two:
        assert two.ledger.number == "1"
        one.settle(issued)
        with pytest.raises(BatchError, match="another process goes on with this batch"):
            two.settle(issued)
        assert two.ledger.counts() == (1, 0)
        one.settle([Issued(2, 3, "b", b"x", b"y" * 32)])


def test_a_status_somebody_wrote_stays(tmp_path: Path) -> None:
    place, path = tmp_path / "out.db", write_csv(tmp_path / "t.csv", ("target", "node", "value"), [("a", "b", "c")])
    run_here(path, place, "sqlite")
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("UPDATE message SET status = 'sent'")
        connection.commit()
    assert run_here(path, place, "sqlite").resumed == 1
    with closing(sqlite3.connect(place)) as connection:
        assert connection.execute("SELECT status FROM message").fetchall() == [("sent",)]


@pytest.mark.parametrize("form", FORMS)
def test_a_target_gets_one_message(tmp_path: Path, form: str) -> None:
    rows = [(f"t{number % 13}" if number else "", "n", str(number)) for number in range(30)]
    path = write_csv(tmp_path / "t.csv", ("target", "node", "value"), rows)
    place = tmp_path / PLACES[form]
    summary = run_here(path, place, form)
    assert (summary.issued, summary.failed) == (13, 17)
    with open_output(place, form, recipe_for(path).parts, "1") as output:
        failed = list(output.ledger.failed())
    assert failed[0] == Failed(1, 2, None, Problem.VARIABLE, "the column target is empty")
    assert failed[1] == Failed(15, 16, "t1", Problem.DUPLICATE, "row 2 is for the same target")
    assert [each.problem for each in failed[1:]] == [Problem.DUPLICATE] * 16
    assert len(found_in(place)) == 13


def test_targets_without_a_name_are_never_the_same(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", ("node", "value"), [("n", "v")] * 20)
    assert run_here(path, tmp_path / "out.db", "sqlite").issued == 20


def test_the_name_of_a_file_says_its_target() -> None:
    assert file_name(7, "IMEI:49/../x é") == "00000007-IMEI_49_.._x_.wbxml"
    assert file_name(123_456_789, None) == "123456789.wbxml"
    assert len(file_name(1, "x" * 1000)) < 120


def test_a_line_holds_a_whole_message() -> None:
    issued = Issued(1, 2, "t", b"octets", bytes.fromhex("e1f1fc1fbf4f4e6c1ba9a6a0dd7e7c4f") * 2)
    assert read_message_line(message_line(issued)) is None  # another digest
    for line in (b"", b"{}", b"[]", b"null", b"x", b"[" * 9999, json.dumps({"row": "x"}).encode()):
        assert read_message_line(line) is None


def test_what_holds_no_messages_is_told(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    cut = tmp_path / "cut.db"
    run_here(targets_file(tmp_path, COUNT), cut, "sqlite")
    cut.write_bytes(cut.read_bytes()[:5000])
    (tmp_path / "empty").mkdir()
    for place, detail in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path / "empty", "the folder holds no file"),
        (other, "it is no outbox of a batch"),
        (cut, "it cannot be read"),
    ):
        with pytest.raises(BatchError, match=detail):
            found_in(place)
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"{}\n")
    assert found_in(lines)[0].problem == "no line of JSON with a message"
