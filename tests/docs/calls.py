"""Runs a command line in a fresh process and writes its functions of this tree, in the order of their first call.

What happens inside the making of a virtual card is left out: it uses the rooms that the walk visits afterwards.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

ROOT = Path(__file__).parents[2]
MODULES = ("smartcard_dm.cli.accounts", "smartcard_dm.cli.verify", "smartcard_dm.card_uri")
"""Imported before anything is noted: importing calls functions too."""
CLOSED = "load_profile"


class Notes:
    """What was called so far."""

    def __init__(self) -> None:
        self.met: dict[tuple[str, str], None] = {}
        self._inside: FrameType | None = None

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        """Take an event of the interpreter."""
        if self._inside is frame and event == "return":
            self._inside = None
        if self._inside is not None or event != "call":
            return
        path = Path(frame.f_code.co_filename)
        if ROOT in path.parents:
            self.met.setdefault((path.relative_to(ROOT).as_posix(), frame.f_code.co_qualname), None)
            if frame.f_code.co_qualname == CLOSED:
                self._inside = frame


def first_calls(arguments: list[str]) -> list[tuple[str, str]]:
    """Return file and qualified name of each function that the command line calls."""
    for module in MODULES:
        import_module(module)
    program = import_module("smartcard_dm.cli.main").main
    notes = Notes()
    sys.setprofile(notes.note)
    try:
        program.main(arguments)
    except SystemExit as left:
        if left.code:
            raise
    finally:
        sys.setprofile(None)
    return list(notes.met)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.stdout.write(json.dumps(first_calls(sys.argv[1:])))
