"""The cards of the conformance suite: those of the fixtures, and each of them changed by one fact."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from smartcard_dm.identity import Generation

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
FILES: Final = {
    Generation.UICC: "usim.yaml",
    Generation.UICC_2G: "uicc-2g.yaml",
    Generation.SIM: "sim.yaml",
    Generation.RUIM: "ruim.yaml",
}
"""One card of each generation; all hold the same accounts and the same certificate."""
ICCIDS: Final = {
    Generation.UICC: "8988211000000430010",
    Generation.UICC_2G: "8988211000000430044",
    Generation.SIM: "8988211000000430028",
    Generation.RUIM: "8988211000000430036",
}

_BOOTSTRAP: Final = "        name: EF.DM_Bootstrap\n        access: "
_PRIVATE: Final = {f"{_BOOTSTRAP}public": f"{_BOOTSTRAP}private"}
_CLOSED: Final = {f"{_BOOTSTRAP}public": f"{_BOOTSTRAP}closed"}
_PIN: Final = 'value: "1234", attempts: '
CHANGES: Final[dict[str, dict[str, str]]] = {
    "as it is": {},
    "private": _PRIVATE,
    "private, one try": {**_PRIVATE, f"{_PIN}3": f"{_PIN}1"},
    "closed": {**_CLOSED, "  fixed: {": "  closed: {read: never, update: never}\n  fixed: {"},
    "missing file": {"- ef: 6431": "- ef: 6439"},
    "no application": {
        "  - adf: A000000063504B43532D3135\n    df: 7F50": "  - df: 7F51",
        "  - df: 7F50": "  - df: 7F51",
    },
    "removed": {"access:\n": "faults: {remove_at: 12}\naccess:\n"},
}
"""What is written instead of what; a text that a profile has not is left out."""


class Profiles:
    """Profiles in a folder of their own, beside the keys that they name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "cards"
        self._folder.mkdir()
        shutil.copytree(FIXTURES / "keys", folder / "keys")

    def path(self, generation: Generation, change: str) -> Path:
        """Return the file of a card."""
        text = (FIXTURES / "cards" / FILES[generation]).read_text("utf-8")
        changes = CHANGES[change]
        changed = text
        for old, new in changes.items():
            changed = changed.replace(old, new, 1)
        assert not changes or changed != text
        path = self._folder / f"{generation.value}, {change}.yaml"
        path.write_text(changed, "utf-8")
        return path
