"""Paths resolved against the directory they stand in: facts 13, 31, 42, 85."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.errors import Pkcs15Error
from smartcard_dm.pkcs15 import FilePath, ResolvedPath, part, resolve


@pytest.mark.parametrize(
    ("octets", "absolute", "segments"),
    [
        pytest.param("6431", False, (0x6431,), id="fact 42 FID alone"),
        pytest.param("3FFF6431", False, (0x6431,), id="facts 13 42 current DF"),
        pytest.param("7FFF6431", False, (0x6431,), id="fact 85 current ADF"),
        pytest.param("7F506431", False, (0x6431,), id="fact 42 own directory"),
        pytest.param("7F516431", False, (0x7F51, 0x6431), id="a directory below"),
        pytest.param("3F007F506431", True, (0x7F50, 0x6431), id="facts 13 42 absolute"),
        pytest.param("3F006431", True, (0x6431,), id="a file under the MF"),
        pytest.param("3F00", True, (), id="the MF itself"),
        pytest.param("3FFF", False, (), id="the current DF itself"),
        pytest.param("7F50", False, (), id="the own directory itself"),
    ],
)
def test_facts_13_42_all_forms(octets: str, absolute: bool, segments: tuple[int, ...]) -> None:  # noqa: FBT001  (a table column)
    assert resolve(FilePath(bytes.fromhex(octets)), 0x7F50) == ResolvedPath(absolute, segments)


def test_fact_42_without_knowing_the_own_directory_it_stays() -> None:
    assert resolve(FilePath(bytes.fromhex("7F506431"))).segments == (0x7F50, 0x6431)


@pytest.mark.parametrize("octets", ["64313F00", "3F003F00", "3FFF7FFF", "643164323FFF"])
def test_fact_13_a_start_inside_the_path_is_refused(octets: str) -> None:
    with pytest.raises(Pkcs15Error, match="start inside"):
        resolve(FilePath(bytes.fromhex(octets)), 0x7F50)


def test_fact_42a_an_application_alone_is_no_file() -> None:
    with pytest.raises(Pkcs15Error, match="names an application"):
        resolve(FilePath(b"", aid=b"\xa0\x00"))


@pytest.mark.parametrize(
    ("index", "length", "expected"),
    [
        (None, None, (0, 100)),
        (0, 0, (0, 100)),
        (0, 20, (0, 20)),
        (20, 80, (20, 80)),
        (100, 0, (100, 0)),
        (20, 0, (20, 80)),
    ],
)
def test_facts_31_41_parts_of_a_file(index: int | None, length: int | None, expected: tuple[int, int]) -> None:
    path = FilePath(b"\x64\x31", index, length)
    assert part(path, 100) == expected
    assert path.is_whole_file is (expected == (0, 100))


@pytest.mark.parametrize(("index", "length"), [(0, 101), (50, 51), (101, 0), (65535, 65535)])
def test_fact_42a_a_part_beyond_the_file_is_refused(index: int, length: int) -> None:
    with pytest.raises(Pkcs15Error, match="beyond the file"):
        part(FilePath(b"\x64\x31", index, length), 100)


@given(st.binary(min_size=2, max_size=10).filter(lambda raw: len(raw) % 2 == 0), st.none() | st.integers(0, 0xFFFF))
def test_any_path_is_resolved_or_our_error(octets: bytes, df_fid: int | None) -> None:
    try:
        found = resolve(FilePath(octets), df_fid)
    except Pkcs15Error:
        return
    assert len(found.segments) <= len(octets) // 2
