"""A small card for the tests, and a terminal that speaks hexadecimal."""

from __future__ import annotations

from functools import cache

from vendor_pcsc.virtual import Profile, VirtualCard, load_profile

USIM = "A0000000871002FFFFFFFF8907090000"
SECOND = "A0000000871002FFFFFFFF8907090001"
PKCS15 = "A000000063504B43532D3135"
USIM_PREFIX = "A0000000871002"
ATR = "3B9F96811FC78031E073FE2113444D4C4142303031C9"

PIN1 = "31323334FFFFFFFF"
PIN2 = "35363738FFFFFFFF"
ADM1 = "F1F2F3F4F5F6F7F8"
UNBLOCK1 = "3132333435363738"
WRONG = "30303030FFFFFFFF"
NEW = "39393939FFFFFFFF"

PROFILE = """
profile: 1
name: small
description: a card for tests
generation: uicc
atr: 3B9F96811FC78031E073FE2113444D4C4142303031C9
protocol: t1
logical_channels: 4
pins:
  pin1: {reference: "01", value: "1234", attempts: 3, unblock: "12345678", unblock_attempts: 2}
  pin2: {reference: "81", value: "5678", enabled: "false"}
  adm1: {reference: "0A", value: "F1F2F3F4F5F6F7F8", attempts: 10}
access:
  fixed: {read: always, update: never}
  public: {read: always, update: adm1}
  private: {read: pin1, update: pin1}
  second: {read: pin2, update: pin2}
  closed: {read: never, update: always}
files:
  - {ef: 2FE2, name: EF.ICCID, sfi: "02", access: fixed, content: {iccid: "8988211000000430010"}}
  - {ef: 2F00, sfi: 1E, access: public, structure: linear-fixed, record_length: 4, record_count: 3,
     records: [{hex: 61024F00}, {ascii: two}]}
  - {ef: 2F01, sfi: "03", access: public, size: 600, content: {hex: "0102030405"}, padding: "00"}
  - {ef: 2F02, access: fixed, lifecycle: deactivated, content: {ascii: asleep}}
  - {ef: 2F03, access: private, content: {ascii: secret content}}
  - {ef: 2F04, access: second, content: {ascii: second}}
  - {ef: 2F05, access: closed, sfi: none, size: 8}
  - {ef: 2F07, access: fixed}
  - {ef: 2F08, access: public, structure: cyclic, record_length: 2, records: [{hex: C1C1}, {hex: C2C2}, {hex: C3C3}]}
  - {ef: 2F09, access: private, structure: linear-fixed, record_length: 2, records: [{hex: AAAA}]}
  - {ef: 2F0A, access: fixed, lifecycle: deactivated, structure: linear-fixed, record_length: 1, record_count: 1}
  - df: 7F10
    name: DF.TELECOM
    access: public
    files:
      - {ef: 6F3A, access: private, content: {ascii: names}}
      - df: 5F50
        files:
          - {ef: 4F01, sfi: "01", access: public, content: {ascii: deep}}
  - {df: 7F11, files: []}
  - adf: A0000000871002FFFFFFFF8907090000
    df: 7FF0
    name: ADF.USIM
    pin: pin1
    files:
      - {ef: 6F07, name: EF.IMSI, sfi: "07", access: private, content: {imsi: "001010123456789"}}
  - {adf: A0000000871002FFFFFFFF8907090001, files: [{ef: 6F07, access: public, content: {ascii: other}}]}
  - adf: A000000063504B43532D3135
    df: 7F50
    files:
      - {ef: 5031, sfi: none, access: public, size: 32, content: {hex: A706300404026430}}
"""


@cache
def profile(*changes: tuple[str, str]) -> Profile:
    """Return the small card's profile; each change replaces a text that has to be there."""
    text = PROFILE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return load_profile(text)


class Terminal:
    """Sends hexadecimal text to one card and returns hexadecimal text."""

    def __init__(self, *changes: tuple[str, str]) -> None:
        self.card = VirtualCard(profile(*changes))

    def __call__(self, apdu: str) -> str:
        """Return the whole response."""
        return self.card.process(bytes.fromhex(apdu)).hex().upper()

    def select(self, *file_ids: str, cla: str = "00") -> str:
        """Select by identifier, one after the other, without answer data; return the last status word."""
        answers = [self(f"{cla}A4000C02{file_id}") for file_id in file_ids]
        return answers[-1]

    def select_aid(self, aid: str, p2: str = "04", cla: str = "00") -> str:
        """Select an application and return the whole response."""
        return self(f"{cla}A404{p2}{len(aid) // 2:02X}{aid}00")

    def verify(self, reference: str, value: str) -> str:
        """Verify a PIN."""
        return self(f"002000{reference}08{value}")


def t0(*changes: tuple[str, str]) -> Terminal:
    """Return a terminal with a T=0 card."""
    return Terminal(("protocol: t1", "protocol: t0"), *changes)


def quirky(quirk: str) -> Terminal:
    """Return a terminal with a card that has one quirk."""
    return Terminal(("description: a card for tests", f"quirks: {{{quirk}}}"))
