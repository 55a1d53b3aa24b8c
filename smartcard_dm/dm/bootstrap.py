"""The content of EF(DM_Bootstrap): one DM message that holds DM accounts and other management objects.

Guarantees: padding is cut at the very end only; accounts come in the order of the message; what was left out is listed.
Leaves to its caller: reading the file, and judging two accounts that share a ServerID, which are both returned.
Spec: OMA-TS-DM_Bootstrap-V1_2_1, 5.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm import wbxml
from smartcard_dm.dm.bootstrap_objects import collect_accounts
from smartcard_dm.dm.message_read import parse_message
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from smartcard_dm.dm.account import DmAccount
    from smartcard_dm.dm.message import DmMessage
    from smartcard_dm.dm.provided_object import ProvidedObject

_PADDING: Final = b"\xff\x00"
_WBXML_VERSIONS: Final = frozenset({0x01, 0x02, 0x03})
_XML_START: Final = 0x3C
"""The character `<`."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a bootstrap file holds."""

    accounts: tuple[DmAccount, ...] = ()
    """In the order of the message."""
    skipped: tuple[str, ...] = ()
    """What was left out: identifiers of unknown objects and of older versions, and targets that build no account."""
    warnings: tuple[str, ...] = ()
    """What was tolerated in TNDS objects, with the node it concerns."""
    message: DmMessage | None = None
    """The whole message; None for an empty file."""
    objects: tuple[ProvidedObject, ...] = ()
    """Those of `accounts`, and every other one that stands inside none, in the order of the message."""

    @property
    def empty(self) -> bool:
        """Whether the file holds nothing but padding."""
        return self.message is None


def parse_bootstrap(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Bootstrap:
    """Read the content of a bootstrap file.

    The first octet tells WBXML (01, 02, 03) from XML text (3C). FF and 00 at the end are padding: neither form of a
    message ends with them.

    Args:
        octets: the file, padding included.
        limits: bounds of message, objects and accounts.

    Raises:
        DmError: neither form, a malformed message, or an account that is broken or ambiguous; the node is named.
        LimitExceededError: too large, too deep or too many accounts.
        UnsupportedError: a version, command or element that is deliberately not handled.
        WbxmlError: the WBXML document is malformed.
    """
    content = octets.rstrip(_PADDING)
    if not content:
        return Bootstrap()
    if content[0] in _WBXML_VERSIONS:
        xml = wbxml.to_xml(content, limits=limits)
    elif content[0] == _XML_START:
        xml = content
    else:
        wanted = "01, 02 or 03 (WBXML), 3C (XML), or padding only"
        raise DmError("bootstrap file", "not a message", offset=0, wanted=wanted, found=f"{content[0]:02X}")
    message = parse_message(xml, limits=limits)
    found = collect_accounts(message, limits=limits)
    return Bootstrap(found.accounts, found.skipped, found.warnings, message, found.objects)
