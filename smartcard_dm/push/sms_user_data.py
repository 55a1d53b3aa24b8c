"""User data of a short message, with its header and its length, for each alphabet.

Guarantees: the length fits the octets exactly, and data come out as they went in; any octets give `UserData` or
`EnvelopeError`. Leaves to its caller: text; 7-bit data are septets, UCS2 data octets.

Spec: 3GPP TS 23.040, 9.2.3.16 and 9.2.3.24.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push import gsm7
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.udh import UserDataHeader, split_user_data

if TYPE_CHECKING:
    from smartcard_dm.push.sms_coding import DataCoding

USER_DATA_OCTETS: Final = 140
_MOST_SEPTETS: Final = 160
_NAME: Final = "user data"


@dataclass(frozen=True, slots=True)
class UserData:
    """What a short message carries."""

    data: bytes
    """Octets behind the header; of the 7-bit alphabet one septet in each."""
    header: UserDataHeader | None = None

    def encode(self, coding: DataCoding) -> tuple[int, bytes]:
        """Return the length as the message says it, and the octets.

        Raises:
            ValueError: more than a short message holds, or an octet that is no septet.
        """
        head = self.header.octets if self.header else b""
        if not coding.counts_septets:
            octets = head + self.data
            if len(octets) > USER_DATA_OCTETS:
                raise ValueError(f"user data have at most {USER_DATA_OCTETS} octets, found {len(octets)}")
            return len(octets), octets
        if any(septet > 0x7F for septet in self.data):
            raise ValueError("data of the 7-bit alphabet have one septet in each octet")
        in_front, fill_bits = _septets(len(head))
        length = in_front + len(self.data)
        if length > _MOST_SEPTETS:
            raise ValueError(f"user data have at most {_MOST_SEPTETS} septets, found {length}")
        return length, head + gsm7.pack(self.data, fill_bits)


def parse_user_data(octets: bytes, length: int, coding: DataCoding, *, has_header: bool) -> UserData:
    """Return what the octets behind the length field hold.

    Args:
        octets: the rest of the message.
        length: TP-UDL.
        coding: TP-DCS.
        has_header: TP-UDHI.

    Raises:
        EnvelopeError: a length that does not fit the octets or is more than allowed, or a malformed header.
    """
    most = _MOST_SEPTETS if coding.counts_septets else USER_DATA_OCTETS
    wanted = (7 * length + 7) // 8 if coding.counts_septets else length
    if length > most or wanted != len(octets):
        unit = "septets" if coding.counts_septets else "octets"
        detail = f"the length says {length} {unit}"
        raise EnvelopeError(
            SmsRule.LENGTH, _NAME, detail, wanted=f"at most {most}, all there", found=f"{len(octets)} octets"
        )
    header, end = split_user_data(octets) if has_header else (None, 0)
    if not coding.counts_septets:
        return UserData(octets[end:], header)
    in_front, fill_bits = _septets(end)
    if length < in_front:
        raise EnvelopeError(
            SmsRule.HEADER,
            _NAME,
            "the header is longer than the user data",
            wanted=f"{in_front} septets",
            found=str(length),
        )
    return UserData(gsm7.unpack(octets[end:], length - in_front, fill_bits), header)


def _septets(header: int) -> tuple[int, int]:
    """Return the septets that so many octets of a header take up, and the bits that fill the last one."""
    count = (8 * header + 6) // 7
    return count, 7 * count - 8 * header
