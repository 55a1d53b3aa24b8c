"""What a card tells about a file that was selected, in words that both classes of cards share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartcard_dm.iso7816 import Fcp, FileStructure, GsmDirectory, GsmFile


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A selected file; what the card does not tell is None."""

    file_id: int | None = None
    is_directory: bool = False
    size: int | None = None
    """Octets of data: of a transparent file, or of all records together."""
    structure: FileStructure | None = None
    """Of an elementary file."""
    record_length: int | None = None
    record_count: int | None = None
    told: Fcp | GsmFile | GsmDirectory | None = None
    """The whole answer."""
