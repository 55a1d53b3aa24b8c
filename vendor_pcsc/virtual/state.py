"""All that changes in a running card, in one place, for the commands to work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.channels import ChannelTable
from vendor_pcsc.virtual.fcp import build_fcp
from vendor_pcsc.virtual.file_system import FileSystem
from vendor_pcsc.virtual.pins import PinStore
from vendor_pcsc.virtual.status import SW, StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.file_system import Node
    from vendor_pcsc.virtual.model import Condition, Profile


class CardState:
    """Files, PINs and channels of one running card."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.files = FileSystem(profile.mf)
        self.pins = PinStore(profile.pins)
        self.channels = ChannelTable(profile.logical_channels, self.files.mf)

    def reset(self) -> None:
        """Lose power: selections, channels and verified PINs are gone, contents and counters stay."""
        self.pins.reset()
        self.channels.reset()

    def fulfilled(self, condition: Condition) -> bool:
        """Tell whether an access condition is fulfilled. Spec: TS 102 221, 9.2."""
        return condition.allowed or (condition.reference is not None and self.pins.satisfied(condition.reference))

    def require(self, condition: Condition) -> None:
        """Raise StatusError 6982 unless the access condition is fulfilled."""
        if not self.fulfilled(condition):
            raise StatusError(SW.SECURITY_NOT_SATISFIED)

    def fcp(self, node: Node) -> bytes:
        """Return the FCP template of a file as it is now."""
        return build_fcp(self.profile, node.definition, node.parent.definition, self.pins.enabled)
