"""Whether a filled template is a message the device side parses, told without parsing it where that is possible.

Guarantees: what passes is what `parse_message` takes, given that the template itself was composed, and the other way
round. Most variables stand where any text may, such as `Data`, or where any text but an empty one may, such as
`LocURI`; only a template with variables elsewhere (CmdID, Meta, Alert) has each message parsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import parse_message
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.server.template import STRUCTURE, DocumentSlot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smartcard_dm.limits import Limits
    from smartcard_dm.server.template import Template

_FREE: Final = ("/Data", "/LocName")
_FILLED: Final = ("/LocURI", "/SessionID", "/MsgID")
_OBJECT: Final = "/Data/MgmtTree/"
"""An object in Data is carried as it is: reading it is the device's business."""


class FilledCheck:
    """The check of what one template gives.

    Args:
        template: of a composed message.
        limits: bounds of the message.
    """

    def __init__(self, template: Template, limits: Limits) -> None:
        self._limits = limits
        self._filled: list[tuple[str, list[str]]] = []
        self._parse = False
        for slot in template.slots:
            in_item = "/Item" in slot.place
            if in_item and (isinstance(slot, DocumentSlot) or _OBJECT in slot.place or slot.place.endswith(_FREE)):
                continue
            if isinstance(slot, DocumentSlot) or not slot.place.endswith(_FILLED):
                self._parse = True
            elif not any(isinstance(piece, str) for piece in slot.pieces):
                self._filled.append((slot.place, [piece.name for piece in slot.pieces if not isinstance(piece, str)]))

    def __call__(self, octets: bytes, values: Mapping[str, str]) -> None:
        """Refuse what no device could parse.

        Args:
            octets: what `fill` gave.
            values: what it was given.

        Raises:
            DmError: the message is none.
            LimitExceededError: it is too large.
            UnsupportedError: a command this project does not handle.
        """
        for place, names in self._filled:
            if not any(values[name] for name in names):
                raise DmError(STRUCTURE, f"the value of {names[0]} is empty, and text is needed here", place=place)
        if self._parse:
            parse_message(octets, limits=self._limits)
        elif len(octets) > self._limits.xml_octets:
            raise LimitExceededError("message", "xml_octets", self._limits.xml_octets, found=str(len(octets)))
