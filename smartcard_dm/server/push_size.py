"""What a finished message costs on each push: octets and short messages.

A WAP push is counted with SEC and MAC in its content type, since transport security must be employed: TID and PDU type,
the length of the headers, the content type with its parameters (47 octets) and the application identifier (2 octets).
A short message carries 140 octets, less its user data header: ports (7 octets in all), and where there are several the
concatenation with an 8-bit reference (12 in all) or a 16-bit one (13 in all).

Guarantees: arithmetic only. Leaves to its caller: building the envelopes.
Spec: OMA-TS-DM_Sessionless 5.3; WAP-230-WSP, 8.2.4.1; 3GPP TS 23.040, 9.2.3.24.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

WSP_HEADERS: Final = 1 + 1 + 1 + 47 + 2
"""Octets before the message in a connectionless push with SEC and MAC."""
SMS_OCTETS: Final = 140
PORTS_HEADER: Final = 7
CONCATENATED_8_BIT: Final = 12
CONCATENATED_16_BIT: Final = 13
MAX_SMS_PARTS: Final = 255
"""Short messages that one reference can hold together."""
MAX_UNCONGESTED_SIP: Final = 1300
"""Octets of a whole SIP MESSAGE request where a hop may be UDP."""


class Push(Enum):
    """How a message goes to the device."""

    WAP = "wap"
    HTTP = "http"
    SIP = "sip"


@dataclass(frozen=True, slots=True)
class PushSizes:
    """The sizes of one message."""

    message: int
    """Octets of the WBXML: what HTTP and SIP carry as their body."""

    @property
    def wap(self) -> int:
        """Octets of the WAP push."""
        return WSP_HEADERS + self.message

    @property
    def segments(self) -> int:
        """Short messages with an 8-bit reference; one alone has none."""
        return _segments(self.wap, CONCATENATED_8_BIT)

    @property
    def segments_16_bit(self) -> int:
        """Short messages with a 16-bit reference, which fewer are mistaken by."""
        return _segments(self.wap, CONCATENATED_16_BIT)

    @property
    def fits_wap(self) -> bool:
        """Whether one reference can hold the short messages together."""
        return self.segments <= MAX_SMS_PARTS

    @property
    def fits_sip(self) -> bool:
        """Whether the body alone leaves room in a SIP MESSAGE over UDP."""
        return self.message < MAX_UNCONGESTED_SIP


def _segments(octets: int, header: int) -> int:
    if octets <= SMS_OCTETS - PORTS_HEADER:
        return 1
    return -(-octets // (SMS_OCTETS - header))
