"""The same card twice, under jCardSim and in this process, and the profiles it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.vendor_pcsc.cards import profile
from tests.vendor_pcsc.gsm_cards import ALWAYS_2G, APPLICATIONS, UICC_2G, gsm_profile
from vendor_pcsc.virtual import VirtualCard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor_pcsc.virtual import Profile
    from vendor_pcsc.virtual.jcardsim import JCardSimCard

QUIRK_LINE: Final = "description: a card for tests"

UICC_PROFILES: Final[dict[str, Profile]] = {
    "t1": profile(),
    "t1-extended": profile(("protocol: t1", "protocol: t1\nextended_length: true")),
    "t0": profile(("protocol: t1", "protocol: t0")),
    "quirks": profile((QUIRK_LINE, "quirks: {path_select: not_supported, accept_any_aid: true, fcp: none}")),
    # Here a file without tag 88 comes before one that has its short identifier.
    "no-aid": profile(
        (QUIRK_LINE, "quirks: {aid_select: not_supported}"), ("{ef: 2F0A, access", '{ef: 2F0A, sfi: "09", access')
    ),
    "no-0c": profile((QUIRK_LINE, "quirks: {select_p2_0c_with_aid: refused}"), ("channels: 4", "channels: 20")),
}
"""The small card of the in-process tests, in the ways a profile can change its behaviour."""
SIM_PROFILES: Final[dict[str, Profile]] = {
    "sim": gsm_profile(),
    "ruim": gsm_profile(("generation: sim", "generation: ruim"), ("7F20", "7F25")),
    "uicc-2g": gsm_profile(UICC_2G, APPLICATIONS, ("protocol: t0", "protocol: t1\nextended_length: true")),
    "always-2g": gsm_profile(ALWAYS_2G, APPLICATIONS),
}
"""The small SIM of the in-process tests, and UICCs that can be one."""
PROFILES: Final = UICC_PROFILES | SIM_PROFILES


class Pair:
    """Both cards, new; whatever is asked goes to both, and both have to answer the same."""

    def __init__(self, java: JCardSimCard) -> None:
        java.renew()
        self.java = java
        self.python = VirtualCard(java.profile)

    def __call__(self, apdu: str) -> str:
        """Return what both answer to an APDU in hexadecimal."""
        octets = bytes.fromhex(apdu)
        here, there = self.python.process(octets).hex().upper(), self.java.process(octets).hex().upper()
        assert there == here, apdu
        return here

    def run(self, apdus: Iterable[bytes]) -> None:
        """Send APDUs to both; the commands up to a difference are told, shortest first to read."""
        sent = []
        for apdu in apdus:
            sent.append(apdu.hex().upper())
            here, there = self.python.process(apdu).hex().upper(), self.java.process(apdu).hex().upper()
            assert there == here, " ".join(sent)

    def reset(self) -> None:
        """Reset both."""
        assert self.java.reset() == self.python.reset()
