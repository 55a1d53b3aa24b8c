"""One short message as modems show it: a line of hexadecimal, with the service centre in front.

Guarantees: any text gives a `Pdu` or `EnvelopeError`, and a line is measured before it is read. Leaves to its caller:
the answers of a modem around it (`+CMT: ...`), and what the TPDU holds.

Spec: 3GPP TS 27.005, 3.1 and 4 (PDU mode: AT+CMGR, AT+CMGS, +CMT); 3GPP TS 24.011, 8.2.5.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_address import read_service_centre
from smartcard_dm.push.sms_rules import SmsRule
from smartcard_dm.push.sms_tpdu import LONGEST_TPDU

if TYPE_CHECKING:
    from smartcard_dm.push.sms_address import Address

LONGEST_LINE: Final = 2 * (12 + LONGEST_TPDU)
"""Characters: a service centre of 20 digits and the longest TPDU."""
_NAME: Final = "PDU line"
_HEX: Final = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Pdu:
    """What one line holds."""

    tpdu: bytes
    service_centre: Address | None = None
    """None where the modem's own is meant, or the line has no such part."""

    def line(self, *, with_service_centre: bool = True) -> str:
        """Return it in upper-case hexadecimal.

        Args:
            with_service_centre: False for tools that want the TPDU alone; the service centre is then left out.
        """
        front = b"\0" if self.service_centre is None else self.service_centre.encode_service_centre()
        return ((front if with_service_centre else b"") + self.tpdu).hex().upper()

    @property
    def length(self) -> int:
        """What AT+CMGS is told: the octets of the TPDU, without those of the service centre."""
        return len(self.tpdu)


def parse_pdu_line(text: str, *, with_service_centre: bool = True) -> Pdu:
    """Return what a line of hexadecimal holds; white space around it is passed over.

    Args:
        text: the line.
        with_service_centre: False where the line is a TPDU alone.

    Raises:
        EnvelopeError: no hexadecimal, no whole octets, longer than a short message, or no service centre in front.
    """
    line = text.strip()
    # Measured first, so that nothing long is looked through; then the digits, since a space makes the length odd too.
    if len(line) <= LONGEST_LINE and not _HEX.issuperset(line):
        at = next(at for at, character in enumerate(line) if character not in _HEX)
        raise EnvelopeError(SmsRule.PDU_LINE, _NAME, "no hexadecimal", offset=at, found=ascii(line[at]))
    if not 0 < len(line) <= LONGEST_LINE or len(line) % 2:
        wanted = f"2 to {LONGEST_LINE} digits, two for each octet"
        raise EnvelopeError(SmsRule.PDU_LINE, _NAME, "length", wanted=wanted, found=str(len(line)))
    octets = bytes.fromhex(line)
    service_centre, end = read_service_centre(octets) if with_service_centre else (None, 0)
    return Pdu(octets[end:], service_centre)
