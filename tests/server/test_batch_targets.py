from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import BatchError, DmError
from smartcard_dm.limits import Limits
from smartcard_dm.server import batch_targets
from smartcard_dm.server.batch_lines import bounded_lines
from smartcard_dm.server.batch_records import Failed, Problem, Target
from smartcard_dm.server.batch_targets import open_targets
from tests.server.batches import write_csv

if TYPE_CHECKING:
    from pathlib import Path

SMALL = Limits(target_octets=200)
FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0\r")) | st.sampled_from(['"', "a,b", 'a"b', "a\nb"])


def read(folder: Path, octets: bytes, name: str = "t.csv", limits: Limits = SMALL) -> list[Target | Failed]:
    path = folder / name
    path.write_bytes(octets)
    return list(open_targets(path, limits=limits).read())


def broken(row: int, line: int, detail: str) -> Failed:
    return Failed(row, line, None, Problem.LINE, detail)


def test_csv_with_a_header_row(tmp_path: Path) -> None:
    assert read(tmp_path, b'\xef\xbb\xbfa,b\r\n1,2\r\n\r\n"x,""y""",\r\n"two\r\nlines",4') == [
        Target(1, 2, {"a": "1", "b": "2"}),
        Target(2, 4, {"a": 'x,"y"', "b": ""}),
        Target(3, 5, {"a": "two\nlines", "b": "4"}),
    ]


@given(rows=st.lists(st.lists(FIELD, min_size=2, max_size=2), max_size=8))
def test_what_a_csv_writer_writes_is_read(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_csv(tmp_path_factory.mktemp("t") / "t.csv", ("a", "b"), rows)
    found = [list(each.values.values()) for each in open_targets(path).read() if isinstance(each, Target)]
    assert found == rows


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"1,2,3", "wanted 2 fields, as the header row has, found 3"),
        (b"1", "wanted 2 fields, as the header row has, found 1"),
        (b'1,"open', "a quote is opened and not closed"),
        (b'1,"a"b', "quotes stand where RFC 4180 has none"),
        (b"1,\xff", "not UTF-8 at octet 2"),
        (b"1," + b"x" * 300, "the line is too long"),
        (b"1," + b"x" * 9000, "the line is too long"),
    ],
)
def test_a_broken_line_is_told_and_the_next_one_is_read(tmp_path: Path, line: bytes, detail: str) -> None:
    assert read(tmp_path, b"a,b\n1,1\n" + line + b"\n3,3\n4,4\n") == [
        Target(1, 2, {"a": "1", "b": "1"}),
        broken(2, 3, detail),
        Target(3, 4, {"a": "3", "b": "3"}),
        Target(4, 5, {"a": "4", "b": "4"}),
    ]


def test_an_open_quote_does_not_swallow_quoted_lines(tmp_path: Path) -> None:
    lines = b'"a","b"\n"1","x\n"2","y"\n"3","z\nmore"\n"4","w"\n'
    assert [(each.row, each.line, type(each).__name__) for each in read(tmp_path, lines)] == [
        (1, 2, "Failed"),
        (2, 3, "Target"),
        (3, 4, "Target"),
        (4, 6, "Target"),
    ]


def test_an_open_quote_far_from_the_next_one_takes_one_line(tmp_path: Path) -> None:
    many = b"".join(b"%d,x\n" % number for number in range(500))
    found = read(tmp_path, b'a,b\n0,"open\n' + many + b'9,"closed, long after"\n', limits=Limits())
    assert [type(each) for each in found] == [Failed, *[Target] * 501]
    assert found[0] == broken(1, 2, "a quote is opened and not closed")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", "it is empty, wanted a header row"),
        (b"a,a\n", "'a' stands twice"),
        (b"a,\n", "a column has no name"),
        (b'a,"b\n', "the header row cannot be read: a quote is opened"),
        (b"x" * 300, "the header row cannot be read: the line is too long"),
    ],
)
def test_a_header_row_that_is_none_ends_it(tmp_path: Path, octets: bytes, text: str) -> None:
    with pytest.raises(DmError, match=text):
        read(tmp_path, octets)


def test_a_name_that_tells_no_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DmError, match=r"wanted one of \.csv, \.jsonl, \.ndjson, \.parquet"):
        read(tmp_path, b"a\n", "targets.txt")


def test_json_lines(tmp_path: Path) -> None:
    lines = b'{"a": "x", "n": 5, "yes": true, "no": false, "none": null}\n\n{"a": "\\u00e9"}'
    assert read(tmp_path, lines, "t.jsonl") == [
        Target(1, 1, {"a": "x", "n": "5", "yes": "true", "no": "false"}),
        Target(2, 3, {"a": "é"}),
    ]


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"{", "not JSON at character 1"),
        (b"[1]", "wanted a JSON object"),
        (b"7", "wanted a JSON object"),
        (b'{"a": 1, "a": 2}', "a name stands twice in one object"),
        (b'{"a": 1.5}', "a number that is not whole: write it as text, the way the message shall have it"),
        (b'{"a": NaN}', "a number that is not whole: write it as text, the way the message shall have it"),
        (b'{"a": [1]}', "the value of 'a' is no text, whole number, true or false"),
        (b'{"a": {"b": 1}}', "the value of 'a' is no text, whole number, true or false"),
        (b'{"a": "\xff"}', "not UTF-8 at octet 7"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON that can be read"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b'"' + b"x" * 300_000, "the line is too long"),
    ],
)
def test_a_broken_json_line_is_told_and_the_next_one_is_read(tmp_path: Path, line: bytes, detail: str) -> None:
    found = read(tmp_path, b'{"a": 1}\n' + line + b'\n{"a": 3}\n', "t.jsonl", Limits())
    assert found == [Target(1, 1, {"a": "1"}), broken(2, 2, detail), Target(3, 3, {"a": "3"})]


@given(octets=st.binary(max_size=80))
def test_any_octets_are_targets_or_told(octets: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("t")
    for name, head in (("t.csv", b"a,b\n"), ("t.jsonl", b"")):
        rows = [each.row for each in read(folder, head + octets, name)]
        assert rows == list(range(1, len(rows) + 1))


def test_a_broken_line_37000(tmp_path: Path) -> None:
    lines = [b"target,value"] + [b"IMEI:%d,%d" % (number, number) for number in range(2, 40_001)]
    lines[36_999] = b'IMEI:37000,"never closed'
    path = tmp_path / "t.csv"
    path.write_bytes(b"\n".join(lines))
    targets = open_targets(path)
    found = list(targets.read())
    assert [each for each in found if isinstance(each, Failed)] == [
        broken(36_999, 37_000, "a quote is opened and not closed")
    ]
    assert len(found) == targets.estimate == 39_999


def test_lines_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"12345\n123456\r\n" + b"x" * 100 + b"\nlast")
    with path.open("rb") as stream:
        assert [tuple(line) for line in bounded_lines(stream, 5)] == [
            (1, b"12345"),
            (2, None),
            (3, None),
            (4, b"last"),
        ]


class TestParquet:
    def test_it_is_read_in_pieces(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        count = 3000
        table = pa.table(
            {
                "target": pa.array([f"t{number}" for number in range(count)]).dictionary_encode(),
                "n": pa.array(range(count)),
                "yes": pa.array([None if number == 2 else number % 2 == 0 for number in range(count)]),
            }
        )
        parquet.write_table(table, tmp_path / "t.parquet", row_group_size=500)
        targets = open_targets(tmp_path / "t.parquet")
        found = list(targets.read())
        assert targets.columns == ("target", "n", "yes")
        assert len(found) == targets.estimate == count
        assert found[:3] == [
            Target(1, 1, {"target": "t0", "n": "0", "yes": "true"}),
            Target(2, 2, {"target": "t1", "n": "1", "yes": "false"}),
            Target(3, 3, {"target": "t2", "n": "2"}),
        ]

    def test_what_is_none_is_refused(self, tmp_path: Path) -> None:
        pa = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        with pytest.raises(DmError, match="not a Parquet file that can be read"):
            read(tmp_path, b"PAR1 no", "t.parquet")
        parquet.write_table(pa.table({"x": pa.array([1.5])}), tmp_path / "t.parquet")
        with pytest.raises(DmError, match="the column 'x' is double, wanted text, whole numbers"):
            open_targets(tmp_path / "t.parquet")

    def test_without_pyarrow_its_remedy_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(BatchError) as caught:
            read(tmp_path, b"", "t.parquet")
        assert caught.value.advice == "pip install smartcard-dm[parquet]"


def test_no_error_quotes_a_value(tmp_path: Path) -> None:
    lines = [b'{"a": 1.234567}', b'{"a": ["hidden"]}', b'{"a": "hidden" x}', b"hidden"]
    for each in read(tmp_path, b"\n".join(lines), "t.jsonl"):
        assert isinstance(each, Failed)
        assert "hidden" not in json.dumps(each.detail)
        assert "1.2" not in each.detail
    assert batch_targets.FORMS[".csv"] == "csv"
