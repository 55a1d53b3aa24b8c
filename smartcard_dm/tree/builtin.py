"""The management objects that every device of this project supports, and the register of them.

Guarantees: the register holds the built-in handlers and those that other distributions bring.
Leaves to its caller: a register of other handlers.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3 (objects that a device must have); OMA-TS-DM_Sessionless 5.5 (Inbox).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.standard_objects import STANDARD_OBJECTS
from smartcard_dm.tree.objects import ObjectRegister, installed_handlers

if TYPE_CHECKING:
    from smartcard_dm.tree.objects import ObjectHandler

BUILTIN: Final[tuple[ObjectHandler, ...]] = STANDARD_OBJECTS


def standard_register() -> ObjectRegister:
    """Return the register of the built-in handlers and the installed ones.

    Raises:
        ValueError: an installed handler cannot be used, or is for an object that another one handles.
    """
    return ObjectRegister((*BUILTIN, *installed_handlers()))
