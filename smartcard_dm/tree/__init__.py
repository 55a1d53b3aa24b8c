"""The device side: a management tree in a file, and messages applied to it with the rights of their server.

Guarantees: `DeviceTree` is the one way in; only what the verifier authorized is applied, whole or not at all.
Leaves to its caller: the card (see `smartcard_dm.credentials`), the transport, and a session of the device's own.
"""

from smartcard_dm.dm.object_device import DeviceInformation
from smartcard_dm.dm.standard_object import StandardObject
from smartcard_dm.tree.builtin import standard_register
from smartcard_dm.tree.device_tree import Applied, DeviceTree, Effects, Synced
from smartcard_dm.tree.events import AccountAdded, AccountRemoved, DeviceEvent, ExecRequested, Listener, SessionWanted
from smartcard_dm.tree.objects import ENTRY_POINT_GROUP, ObjectHandler, ObjectRegister
from smartcard_dm.tree.policy import ProcessingPolicy, ReplayPolicy
from smartcard_dm.tree.processor import CommandReport
from smartcard_dm.tree.status import StatusCode

__all__ = [
    "ENTRY_POINT_GROUP",
    "AccountAdded",
    "AccountRemoved",
    "Applied",
    "CommandReport",
    "DeviceEvent",
    "DeviceInformation",
    "DeviceTree",
    "Effects",
    "ExecRequested",
    "Listener",
    "ObjectHandler",
    "ObjectRegister",
    "ProcessingPolicy",
    "ReplayPolicy",
    "SessionWanted",
    "StandardObject",
    "StatusCode",
    "Synced",
    "standard_register",
]
