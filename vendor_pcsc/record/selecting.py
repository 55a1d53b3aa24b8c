"""Names of files, and where a SELECT leads.

Guarantees: a path is identifiers from the MF on, or from an application's AID on; `?` stands for what is not known.

Spec: ETSI TS 102 221, 8.4 and 11.1.1; 3GPP TS 51.011, 6.5 and 9.2.1.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from vendor_pcsc.record.command import GSM_CLASS, Command

FilePath: TypeAlias = tuple[str, ...]
"""AID or identifiers in hexadecimal capitals; the MF is the empty path."""
UNKNOWN: Final = "?"
_MASTER: Final = "3F00"
_APPLICATION: Final = "7FFF"
_DIRECTORIES: Final = frozenset({"3F", "7F", "5F"})
"""First octet of a directory's identifier. Spec: TS 51.011, 6.3; TS 102 221, 8.1."""
_NAME: Final = re.compile(r"(?:3F00/)?(?:(?:[0-9A-F]{2}){5,16}/)?[0-9A-F]{4}(?:/[0-9A-F]{4})*")


def parse_name(name: str) -> FilePath:
    """Return the path a file's name stands for: `2FE2`, `3F00/7F50/6431`, `A000000063504B43532D3135/6431`.

    Raises:
        ValueError: it is no such name.
    """
    text = name.upper()
    if not _NAME.fullmatch(text):
        raise ValueError(f"{name!r} is no file: wanted identifiers of four hexadecimal digits, such as 7F50/6431")
    return tuple(text.removeprefix("3F00/").split("/"))


def may_be(path: FilePath, name: FilePath) -> bool:
    """Return whether a path may lead to a named file: what is not known may be anything."""
    ours, theirs = _identifiers(path), _identifiers(name)
    if not ours or path[-1] == UNKNOWN:
        return True
    shared = min(len(ours), len(theirs))
    return ours[-shared:] == theirs[-shared:]


def _identifiers(path: FilePath) -> FilePath:
    return tuple(part for part in path if len(part) == 4)


def select(directory: FilePath, command: Command) -> tuple[FilePath, bool]:
    """Return what a successful SELECT selects, and whether its identifier is that of a directory."""
    if command.p1 == 0x04:
        return _by_name(command), True
    if command.p1 == 0x03:
        return directory[:-1] if directory[-1:] != (UNKNOWN,) else (UNKNOWN,), True
    if command.p1 == 0x00 and not command.data:
        return (), True
    if not command.data or len(command.data) % 2:
        return (UNKNOWN,), True
    path = tuple(command.data[at : at + 2].hex().upper() for at in range(0, len(command.data), 2))
    is_directory = command.p1 == 0x01 or (command.p1 != 0x02 and path[-1][:2] in _DIRECTORIES)
    return _by_path(directory, command, path), is_directory


def _by_path(directory: FilePath, command: Command, path: FilePath) -> FilePath:
    if command.p1 == 0x08:
        if path[0] == _APPLICATION:
            return (*_application(directory), *path[1:])
        return path[path[0] == _MASTER :]
    if command.p1 == 0x09 or (command.p1 in {0x01, 0x02} and len(path) == 1):
        return (*directory, *path)
    if command.p1 == 0x00 and len(path) == 1:
        return _by_identifier(directory, path[0], command.cla)
    return (UNKNOWN,)


def _by_name(command: Command) -> FilePath:
    if not command.data:
        return ()
    one_of_several = command.p2 & 0x43
    return (UNKNOWN,) if one_of_several else (command.data.hex().upper(),)


def _application(directory: FilePath) -> FilePath:
    return directory[:1] if directory and len(directory[0]) > 4 else (UNKNOWN,)


def _by_identifier(directory: FilePath, identifier: str, cla: int) -> FilePath:
    """Return the file an identifier alone reaches: the MF, the directory, its parent, directories beside, children."""
    if identifier == _MASTER:
        return ()
    if identifier == _APPLICATION and cla != GSM_CLASS:
        return _application(directory)
    if directory[-1:] == (identifier,):
        return directory
    if directory[-2:-1] == (identifier,):
        return directory[:-1]
    if identifier[:2] == "7F":
        return (identifier,)
    beside = bool(directory) and identifier[:2] == directory[-1][:2] == "5F"
    return (*directory[:-1], identifier) if beside else (*directory, identifier)


def describes_directory(data: bytes, *, gsm: bool) -> bool | None:
    """Return whether an answer to SELECT says that a directory was selected; None when it says nothing.

    Spec: TS 102 221, 11.1.1.4.3 (file descriptor); TS 51.011, 9.2.1 (type of file).
    """
    if gsm:
        return {0x01: True, 0x02: True, 0x04: False}.get(data[6]) if len(data) >= 14 else None
    if data[:1] not in {b"\x62", b"\x6f"} or len(data) < 2:
        return None
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    while at + 2 < len(data):
        if data[at] == 0x82:
            return data[at + 2] & 0x38 == 0x38
        at += 2 + data[at + 1]
    return None
