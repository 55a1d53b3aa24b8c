"""The properties of a node, as `?prop=` addresses them.

Guarantees: constants only. Leaves to its caller: what a device does with them.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7.
"""

from __future__ import annotations

from typing import Final

PROPERTIES: Final = ("ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo")
"""Every property of the standard."""
CHANGEABLE_PROPERTIES: Final = frozenset({"ACL", "Name", "Title"})
"""Those that a Replace may address; the others are for Get only."""
