"""The management objects whose tables this project has: what a device must have, and what messages usually bring.

Guarantees: one table serves the device, which accepts by it, and the issuer, which is told before.
Leaves to its caller: objects of others, which a device finds through entry points.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3 (objects that a device must have); OMA-TS-DM_Sessionless 5.5 (Inbox).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.object_connectivity import NAP, PROXY
from smartcard_dm.dm.object_device import DEVDETAIL, DEVINFO, INBOX
from smartcard_dm.dm.object_dmacc import DMACC

if TYPE_CHECKING:
    from smartcard_dm.dm.standard_object import StandardObject

STANDARD_OBJECTS: Final[tuple[StandardObject, ...]] = (DMACC, NAP, PROXY, DEVINFO, DEVDETAIL, INBOX)
