"""OpenSC's programs over a card in a virtual reader; what they send is counted at the card."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smartcard_dm.personalise import GENERATORS
from vendor_pcsc.virtual import insert_card, load_profile

if TYPE_CHECKING:
    from vendor_pcsc.virtual.lab import PcscLab
    from vendor_pcsc.virtual.vpcd import Card

USIM: Final = Path(__file__).parents[2] / "fixtures/cards/usim.yaml"
CONFIGURATION: Final = """app default {
    enable_default_driver = true;
    card_drivers = default;
    framework pkcs15 { use_file_caching = no; }
}
"""
"""An unknown ATR is refused otherwise; with a cache its second reading would cost nothing."""
_OID_OBJECT: Final = "{kind: oid, oid: 2.23.43.7.1, label: DM bootstrap"
_OPAQUE_OBJECT: Final = "{kind: opaque, application_oid: 2.23.43.7.1, label: DM bootstrap"


def opaque_usim() -> Card:
    """Return the card of usim.yaml with its data object written as opaque: OpenSC stops at any other kind."""
    text = USIM.read_text(encoding="utf-8")
    assert _OID_OBJECT in text
    return insert_card(load_profile(text.replace(_OID_OBJECT, _OPAQUE_OBJECT), generators=GENERATORS, base=USIM.parent))


class Counting:
    """A card that counts the commands it gets."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self.commands: list[bytes] = []

    def process(self, apdu: bytes) -> bytes:
        """Count a command and answer it."""
        self.commands.append(apdu)
        return self._card.process(apdu)

    def reset(self) -> bytes:
        """Reset the card."""
        return self._card.reset()


def opensc(lab: PcscLab, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run one of OpenSC's programs on the first reader."""
    configuration = folder / "opensc.conf"
    configuration.write_text(CONFIGURATION, encoding="ascii")
    environment = {**os.environ, **lab.environment, "OPENSC_CONF": str(configuration), "LC_ALL": "C"}
    return subprocess.run(list(arguments), env=environment, capture_output=True, timeout=60, check=True)
