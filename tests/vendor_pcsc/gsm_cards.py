"""A small card of class A0 for the tests, and a terminal that speaks hexadecimal to it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vendor_pcsc.virtual import VirtualCard, load_profile

if TYPE_CHECKING:
    from vendor_pcsc.virtual import Profile

CHV1 = "31323334FFFFFFFF"
CHV2 = "35363738FFFFFFFF"
UNBLOCK1 = "3132333435363738"
UNBLOCK2 = "3837363534333231"
WRONG = "30303030FFFFFFFF"
NEW = "39393939FFFFFFFF"

MF_LENGTH = "16"

PROFILE = """
profile: 1
name: small sim
generation: sim
atr: 3B9F96811FC78031E073FE2113444D4C4142303031C9
protocol: t0
pins:
  chv1: {reference: "01", value: "1234", attempts: 3, unblock: "12345678", unblock_attempts: 10}
  chv2: {reference: "81", value: "5678", attempts: 3, unblock: "87654321", unblock_attempts: 10}
  adm1: {reference: "0A", value: "F1F2F3F4F5F6F7F8", attempts: 10}
access:
  fixed: {read: always, update: never}
  public: {read: always, update: always}
  issuer: {read: always, update: adm1}
  private: {read: chv1, update: chv1}
  second: {read: chv1, update: chv2}
  closed: {read: never, update: adm1}
files:
  - {ef: 2FE2, name: EF.ICCID, access: fixed, content: {iccid: "8988211000000430010"}}
  - {ef: 2F05, access: public, size: 600, content: {hex: "0102030405"}, padding: "00"}
  - df: 7F10
    name: DF.TELECOM
    files:
      - {ef: 6F40, name: EF.MSISDN, access: private, structure: linear-fixed, record_length: 26, record_count: 2}
      - {ef: 6F3A, access: public, structure: linear-fixed, record_length: 2,
         records: [{hex: A1A1}, {hex: A2A2}, {hex: A3A3}]}
      - {ef: 6F44, access: public, structure: cyclic, record_length: 2,
         records: [{hex: C1C1}, {hex: C2C2}, {hex: C3C3}]}
      - {ef: 6F3B, access: second, content: {hex: AABB}}
      - {ef: 6F3C, access: closed, content: {hex: AABB}}
      - {ef: 6F3D, access: fixed, lifecycle: deactivated, content: {hex: AABB}}
      - {ef: 6F3E, access: fixed}
      - {ef: 6F3F, access: issuer, content: {hex: AABB}}
      - df: 5F50
        files:
          - {ef: 4F01, access: public, content: {ascii: deep}}
  - df: 7F20
    name: DF.GSM
    files:
      - {ef: 6F07, name: EF.IMSI, access: private, content: {imsi: "001010123456789"}}
"""

UICC_2G = ("generation: sim", "generation: uicc-2g")
ALWAYS_2G = ("generation: sim", "generation: uicc-2g\nactivation: 2g")
USIM = "A0000000871002FFFFFFFF8907090000"
APPLICATIONS = (
    "files:\n  - {ef: 2FE2",
    (
        f"files:\n  - {{adf: {USIM}, files: [{{ef: 6F07, access: private, content: {{ascii: usim}}}}]}}\n"
        "  - {adf: A000000063504B43532D3135, df: 7F50, files: [{ef: 5031, access: fixed, content: {hex: A70630}}]}\n"
        "  - {ef: 2FE2"
    ),
)
"""An application with no file identifier, and one that has one."""


@cache
def gsm_profile(*changes: tuple[str, str]) -> Profile:
    """Return the small SIM's profile; each change replaces a text that has to be there."""
    text = PROFILE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return load_profile(text)


class GsmTerminal:
    """Sends hexadecimal text to one card and returns hexadecimal text."""

    def __init__(self, *changes: tuple[str, str]) -> None:
        self.card = VirtualCard(gsm_profile(*changes))

    def __call__(self, apdu: str) -> str:
        """Return the whole response."""
        return self.card.process(bytes.fromhex(apdu)).hex().upper()

    def select(self, *file_ids: str) -> str:
        """Select by identifier, one after the other; return the last status word."""
        answers = [self(f"A0A4000002{file_id}") for file_id in file_ids]
        return answers[-1]

    def told(self, *file_ids: str) -> str:
        """Select and fetch what is told about the last file, without the status word."""
        waiting = self.select(*file_ids)
        assert waiting.startswith("9F"), waiting
        answer = self(f"A0C00000{waiting[2:]}")
        assert answer.endswith("9000"), answer
        return answer[:-4]

    def verify(self, number: int, value: str) -> str:
        """Verify a CHV."""
        return self(f"A02000{number:02X}08{value}")

    def chv_status(self) -> str:
        """Return octets 19 to 22: CHV1, its unblocking code, CHV2, its unblocking code."""
        return self(f"A0F20000{MF_LENGTH}")[36:44]
