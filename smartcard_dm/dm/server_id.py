"""The identifier of a DM server, the only name that rights are given to.

Guarantees: a `ServerId` can stand in an ACL; it is compared exactly, case included.
Leaves to its caller: where the identifier came from and whether it is believed.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7.1.5 (characters).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from smartcard_dm.errors import DmError

MAX_SERVER_ID_OCTETS: Final = 255
"""No document gives a bound; longer than any host name or IMPI is refused."""
_RESERVED: Final = frozenset("=&*+ ")


def _fault(text: str) -> str | None:
    if not text:
        return "the server identifier is empty"
    if not text.isprintable() or not _RESERVED.isdisjoint(text):
        return "the server identifier is not printable text without '=', '&', '*', '+' and white space"
    if len(text.encode()) > MAX_SERVER_ID_OCTETS:
        return f"the server identifier is longer than {MAX_SERVER_ID_OCTETS} octets"
    return None


@dataclass(frozen=True, slots=True, order=True)
class ServerId:
    """A server identifier; its own type, so that no URL, address or certificate name is taken for one.

    Raises:
        ValueError: the text cannot be a server identifier; use `parse_server_id` for text from outside.
    """

    value: str

    def __post_init__(self) -> None:
        fault = _fault(self.value)
        if fault is not None:
            raise ValueError(fault)

    def __str__(self) -> str:
        return self.value


def parse_server_id(text: str, *, place: str | None = None) -> ServerId:
    """Read a server identifier that came from outside.

    Raises:
        DmError: empty, longer than 255 octets, not printable, or with a character that an ACL gives a meaning to.
    """
    fault = _fault(text)
    if fault is not None:
        raise DmError("ServerID", fault, place=place, found=repr(text[:80]))
    return ServerId(text)
