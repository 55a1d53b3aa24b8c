"""Application identifiers that this project looks for in EF.DIR.

Guarantees: constants only, matched by prefix, because the identifiers on a card are longer than those registered.
Leaves to its caller: selecting with the full identifier that the card carries.
"""

from __future__ import annotations

from enum import Enum


class AID(bytes, Enum):
    """A registered application identifier, or the registered beginning of one.

    Spec: PKCS#15 v1.1; ETSI TS 101 220 Annex E; 3GPP2 C.S0065; WAP-260-WIM.
    """

    PKCS15 = bytes.fromhex("A000000063504B43532D3135")
    WIM = bytes.fromhex("A0000000635741502D57494D")
    USIM = bytes.fromhex("A0000000871002")
    ISIM = bytes.fromhex("A0000000871004")
    CSIM = bytes.fromhex("A0000003431002")
    GPAC_ARF = bytes.fromhex("A000000018475041432D3135")

    def matches(self, identifier: bytes) -> bool:
        """Tell whether an identifier from a card is this application's: equal, or longer with this beginning."""
        return identifier.startswith(self.value)

    @classmethod
    def of(cls, identifier: bytes) -> AID | None:
        """Return the application whose identifier this is, or None for one that is not in this table."""
        return next((aid for aid in cls if aid.matches(identifier)), None)
