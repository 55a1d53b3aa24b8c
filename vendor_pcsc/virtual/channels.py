"""Logical channels: which are open, and what is selected on each. Spec: TS 102 221, 8.7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendor_pcsc.virtual.file_system import Selection
from vendor_pcsc.virtual.status import SW, StatusError

if TYPE_CHECKING:
    from vendor_pcsc.virtual.file_system import DirectoryNode


class ChannelTable:
    """The open channels and their selections; the basic channel 0 is always open."""

    def __init__(self, limit: int, mf: DirectoryNode) -> None:
        self._limit = limit
        self._mf = mf
        self._selections: dict[int, Selection] = {}
        self.reset()

    def reset(self) -> None:
        """Close all but the basic channel, on which the MF is selected then."""
        self._selections = {0: Selection(self._mf)}

    def selection(self, channel: int) -> Selection:
        """Return what is selected; raises StatusError 6881 when the channel is not open."""
        found = self._selections.get(channel)
        if found is None:
            raise StatusError(SW.CHANNEL_NOT_SUPPORTED)
        return found

    def select(self, channel: int, selection: Selection) -> None:
        """Set what is selected on an open channel."""
        self._selections[channel] = selection

    def first_free(self) -> int:
        """Return the lowest closed channel; raises StatusError 6881 when there is none."""
        for channel in range(1, self._limit):
            if channel not in self._selections:
                return channel
        raise StatusError(SW.CHANNEL_NOT_SUPPORTED)

    def require_free(self, channel: int) -> None:
        """Raise StatusError 6881 when the channel is open, or the card has no such channel."""
        if channel in self._selections or channel >= self._limit:
            raise StatusError(SW.CHANNEL_NOT_SUPPORTED)

    def open(self, channel: int, origin: int) -> None:
        """Open a channel from another one.

        From the basic channel the MF is selected; from another one its directory is taken over, without an EF.
        Spec: TS 102 221, 8.7; ISO/IEC 7816-4 (logical channels).
        """
        source = self._selections[origin]
        taken_over = Selection(source.directory, application=source.application)
        self._selections[channel] = taken_over if origin else Selection(self._mf)

    def close(self, channel: int) -> None:
        """Close a channel that is open and not the basic one; raises StatusError 6881 when it is not open."""
        self.selection(channel)
        del self._selections[channel]
