"""Paths of PKCS#15: read from a directory, and resolved against the directory they stand in.

Guarantees: the forms of relative path that cards use all lead to the same file. Leaves to its caller: selecting,
and cutting the part of the file that index and length name (`part`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import Pkcs15Error
from smartcard_dm.iso7816.file_path import MF, FilePath, check_path_length, path_fault

if TYPE_CHECKING:
    from smartcard_dm.pkcs15.node import Node
    from smartcard_dm.pkcs15.where import Where

CURRENT_DF: Final = 0x3FFF
CURRENT_ADF: Final = 0x7FFF

__all__ = ["CURRENT_ADF", "CURRENT_DF", "MF", "FilePath", "ResolvedPath", "part", "read_path", "resolve"]


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """A path that can be walked one file identifier at a time."""

    absolute: bool
    """True: from the master file. False: from the directory of the PKCS#15 application."""

    segments: tuple[int, ...]
    """File identifiers below the start; empty stands for the start itself."""


def resolve(path: FilePath, df_fid: int | None = None) -> ResolvedPath:
    """Return where a path leads, seen from a PKCS#15 directory.

    Forms met on cards: `FID`, `3FFF FID`, `7FFF FID`, `own directory FID`, and `3F00 ... FID`. Texts of OMA say that
    a relative path begins with the current directory, texts of LwM2M leave that out; both are taken.
    Spec: OMA DM Bootstrap 1.2, definitions; ISO/IEC 7816-4 (selection by path).

    Args:
        path: the path.
        df_fid: identifier of the directory of the PKCS#15 application, where it is known.

    Raises:
        Pkcs15Error: the master file or "current directory" stands inside the path, or it names no file.
    """
    ids = path.file_ids
    if not ids:
        raise Pkcs15Error("PKCS#15 path", "names an application and no file", place=str(path))
    absolute = ids[0] == MF
    below = ids[1:] if ids[0] in {MF, CURRENT_DF, CURRENT_ADF, df_fid} else ids
    wrong = next((file_id for file_id in below if file_id in {MF, CURRENT_DF, CURRENT_ADF}), None)
    if wrong is not None:
        raise Pkcs15Error("PKCS#15 path", "a start inside the path", place=str(path), found=f"{wrong:04X}")
    return ResolvedPath(absolute, below)


def part(path: FilePath, file_size: int) -> tuple[int, int]:
    """Return offset and length of the octets of a transparent file that a path means.

    Index and length absent or zero stand for the whole file.

    Raises:
        Pkcs15Error: the part reaches beyond the file.
    """
    start = path.index or 0
    length = path.length or max(file_size - start, 0)
    if start + length > file_size:
        found = f"{start} + {length}"
        wanted = f"at most {file_size}"
        raise Pkcs15Error("PKCS#15 path", "part beyond the file", place=str(path), wanted=wanted, found=found)
    return start, length


def read_path(node: Node, where: Where) -> FilePath:
    """Return the path in an element that the schema has read as Path.

    Raises:
        Pkcs15Error: octets that are no file identifiers, or index and length not together or out of range.
        LimitExceededError: longer than `Limits.path_octets`.
    """
    octets, index, length = node.octets("path") or b"", node.number("index"), node.number("length")
    aid = node.octets("aid") or b""
    fault = path_fault(octets, index, length, aid)
    if fault:
        raise where.error(fault, node.tlv.offset)
    structure, offset = where.structure, node.tlv.offset
    check_path_length(octets, where.limits, structure=structure, offset=offset, place=where.place)
    return FilePath(octets, index, length, aid)
