"""Content generators: the built-in ones, injected ones, and files beside the profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual import Generator, GeneratorContext, load_profile
from vendor_pcsc.virtual.content import MAX_CONTENT_LENGTH, MAX_INPUT_LENGTH, with_built_in


def generate(value: object, base: Path = Path(), **injected: Generator) -> bytes:
    return GeneratorContext(base, "files[0].content", 7, with_built_in(injected)).generate(value)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        ({"hex": "A706 3004\n0402"}, "A70630040402"),
        ({"hex": ""}, ""),
        ({"ascii": "PKCS"}, "504B4353"),
        ({"utf8": "é"}, "C3A9"),
        ({"empty": ""}, ""),
        ({"iccid": "8988211000000430010"}, "988812010000400310F0"),
        ({"iccid": "89882110000004300107"}, "98881201000040031070"),
        ({"iccid": "898821100000043001"}, "988812010000400310FF"),
        ({"imsi": "001010123456789"}, "080910101032547698"),
        ({"imsi": "26201012345678"}, "0821261010325476F8"),
        ({"imsi": "262010"}, "04212610F0FFFFFFFF"),
        ({"truncate": {"content": {"hex": "A7063004"}, "length": "3"}}, "A70630"),
        ({"truncate": {"content": {"hex": "A706"}, "length": "0"}}, ""),
        ({"pad": {"content": {"hex": "A706"}, "size": "4"}}, "A706FFFF"),
        ({"pad": {"content": {"hex": "A706"}, "size": "3", "octet": "00"}}, "A70600"),
        ({"pad": {"content": {"pad": {"content": {"hex": ""}, "size": "1"}}, "size": "2", "octet": "00"}}, "FF00"),
        ({"concat": [{"hex": "01"}, {"ascii": "a"}, {"concat": []}]}, "0161"),
    ],
)
def test_a_built_in_generator_makes(value: object, octets: str) -> None:
    assert generate(value).hex().upper() == octets


@pytest.mark.parametrize(
    ("value", "place", "detail"),
    [
        ({"hex": "A7063"}, "files[0].content.hex", "hexadecimal"),
        ({"hex": ["A7"]}, "files[0].content.hex", "hexadecimal"),
        ({"ascii": "é"}, "files[0].content.ascii", "ASCII"),
        ({"ascii": []}, "files[0].content.ascii", "wanted text"),
        ({"utf8": "\ud800"}, "files[0].content.utf8", "surrogates"),
        ({"empty": "x"}, "files[0].content.empty", "wanted nothing"),
        ({"iccid": "123"}, "files[0].content.iccid", "18 to 20"),
        ({"imsi": "12345a"}, "files[0].content.imsi", "6 to 15"),
        ({"truncate": "x"}, "files[0].content.truncate", "a mapping that has content, length$"),
        ({"truncate": {"content": {"hex": "AA"}}}, "files[0].content.truncate", "a mapping that has content, length$"),
        ({"truncate": {"content": {"hex": "AA"}, "length": "2"}}, "files[0].content.truncate", "at most 1"),
        ({"truncate": {"content": {"hex": "AA"}, "length": "-1"}}, "files[0].content.truncate", "decimal digits"),
        ({"truncate": {"content": {"hex": "A"}, "length": "0"}}, "files[0].content.truncate.hex", "hexadecimal"),
        ({"pad": {"content": {"hex": "AA"}, "size": "2", "with": "00"}}, "files[0].content.pad", "may have octet$"),
        ({"pad": {"content": {"hex": "AAAA"}, "size": "1"}}, "files[0].content.pad", "at least 2"),
        ({"pad": {"content": {"hex": "AA"}, "size": "40000"}}, "files[0].content.pad", "from 0 to 32768"),
        ({"pad": {"content": {"hex": "AA"}, "size": "2", "octet": "FFFF"}}, "files[0].content.pad", "one octet"),
        ({"pad": {"content": {"hex": "AA"}, "size": "2", "octet": []}}, "files[0].content.pad", "hexadecimal"),
        ({"concat": "x"}, "files[0].content.concat", "a list"),
        ({"concat": [{"hex": "1"}]}, "files[0].content.concat[0].hex", "hexadecimal"),
        ({"concat": [{"file": "a"}, "x"]}, "files[0].content.concat[0].file", "no file 'a'"),
        ({"concat": ["x"]}, "files[0].content.concat[0]", "one generator"),
        ({"hex": "", "ascii": ""}, "files[0].content", "one generator"),
        ({"odf": []}, "files[0].content", "unknown generator 'odf'; known: ascii, concat, empty, file"),
        ({"ascii": "a" * (MAX_CONTENT_LENGTH + 1)}, "files[0].content.ascii", "at most 32768"),
        ({"concat": [{"ascii": "a" * 30000}] * 2}, "files[0].content.concat", "at most 32768"),
        ({"file": "/etc/hostname"}, "files[0].content.file", "absolute"),
        ({"file": "."}, "files[0].content.file", "no file"),
        ({"file": "a\0"}, "files[0].content.file", "file"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(value: object, place: str, detail: str) -> None:
    with pytest.raises(ProfileError, match=detail) as caught:
        generate(value)
    assert caught.value.place == f"{place} (line 7)"


def test_files_are_read_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "cards").mkdir()
    (tmp_path / "keys" / "a.der").write_bytes(b"\x30\x00")
    (tmp_path / "keys" / "a.hex").write_text("30 00\n01", encoding="ascii")
    (tmp_path / "keys" / "bad.hex").write_text("3", encoding="ascii")
    (tmp_path / "keys" / "long").write_bytes(bytes(MAX_INPUT_LENGTH + 1))
    base = tmp_path / "cards"
    assert generate({"file": "../keys/a.der"}, base) == b"\x30\x00"
    assert generate({"file": "../keys/a.hex"}, base) == b"\x30\x00\x01"
    with pytest.raises(ProfileError, match=r"ends with \.hex"):
        generate({"file": "../keys/bad.hex"}, base)
    with pytest.raises(ProfileError, match="more than"):
        generate({"file": "../keys/long"}, base)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: Path, _mode: str) -> None:
        raise PermissionError

    (tmp_path / "a").write_bytes(b"a")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ProfileError, match="cannot be read"):
        generate({"file": "a"}, tmp_path)


def test_an_injected_generator_nests_and_reads(tmp_path: Path) -> None:
    (tmp_path / "cert").write_bytes(b"\x30\x01")

    def wrapped(value: object, context: GeneratorContext) -> bytes:
        assert context.place == "files[0].content.wrapped"
        return b"<" + context.generate(value) + context.read_file("cert") + b">"

    assert generate({"wrapped": {"hex": "AA"}}, tmp_path, wrapped=wrapped) == b"<\xaa\x30\x01>"


def test_a_value_error_of_an_injected_generator_names_its_place() -> None:
    def failing(_value: object, _context: GeneratorContext) -> bytes:
        raise ValueError("no such oid")

    with pytest.raises(ProfileError, match=r"files\[0\]\.content\.failing \(line 7\): no such oid"):
        generate({"failing": ""}, failing=failing)


def test_a_built_in_name_cannot_be_injected() -> None:
    with pytest.raises(ValueError, match="built in: hex"):
        load_profile("", generators={"hex": lambda _value, _context: b""})
