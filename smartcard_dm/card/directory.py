"""Where a directory of the card is: an application, or a path from the master file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Directory:
    """An application by its identifier, or a DF by its path; both empty is the master file.

    Spec: ETSI TS 102 221, 8.3 and 8.4.
    """

    aid: bytes = b""
    """Application identifier to select with; empty for a path."""
    file_ids: tuple[int, ...] = ()
    """Identifiers from the master file, 3F00 left out; for an application, where it is known to be, for display."""

    def __str__(self) -> str:
        if self.file_ids:
            return "/".join(f"{file_id:04X}" for file_id in self.file_ids)
        return self.aid.hex().upper() or "3F00"

    def name(self, *file_ids: int) -> str:
        """Return how a file below this directory is called in origins and errors, such as 7F50/6431."""
        return "/".join([*([] if self == MASTER else [str(self)]), *(f"{file_id:04X}" for file_id in file_ids)])


MASTER = Directory()
"""The master file, 3F00."""
