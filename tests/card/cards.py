"""A small card for the tests of the reading side, changed by one fact at a time, and a tap on the way to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from smartcard_dm.card.session import CardSession
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.secret import Secret
from vendor_pcsc.errors import CardRemovedError
from vendor_pcsc.virtual import Profile, VirtualCard, VirtualConnection, load_profile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from smartcard_dm.limits import Limits
    from vendor_pcsc.connection import CardConnection

Change: TypeAlias = tuple[str, str]
"""A text of the profile that has to be there, and what stands there instead."""
Twist: TypeAlias = Callable[[bytes, bytes], bytes]
"""Makes the answer that is handed on of a command and the card's answer to it."""

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "fixtures"

AID = "A000000063504B43532D3135"
ATR = "3B9F96811FC78031E073FE2113444D4C4142303031C9"
ATR_EXTENDED = "3B9F96811FC78031E073FE2153444D4C414230303189"
"""The same with extended length in the card capabilities."""
ICCID = "8988211000000430010"
DM = "2.23.43.7.1"
PIN = Secret(b"4711")
WRONG_PIN = Secret(b"9753")

_ODF = '[{data_objects: "6430"}]'
_DODF = '[{oid: 2.23.43.7.1, label: DM bootstrap, path: "6431"}]'
_BOOTSTRAP = (
    "{dm_bootstrap: {accounts: [{server_id: com.example.dms, addresses: [{addr: 'https://dms.example.com'}]}]}}"
)
_DIR = f"{{application_template: {{aid: {AID}, label: PKCS-15, path: 3F007F50}}}}"

PROFILE = f"""
profile: 1
name: small
generation: uicc
atr: {ATR}
protocol: t1
logical_channels: 4
pins:
  pin1: {{reference: "01", value: "4711", attempts: 3, unblock: "12345678"}}
  pin2: {{reference: "81", value: "2580", attempts: 3}}
  adm1: {{reference: "0A", value: "87654321", attempts: 10}}
access:
  public: {{read: always, update: never}}
  private: {{read: pin1, update: adm1}}
  second: {{read: pin2, update: adm1}}
  issuer: {{read: adm1, update: adm1}}
  closed: {{read: never, update: never}}
files:
  - {{ef: 2FE2, access: public, content: {{iccid: "{ICCID}"}}}}
  - {{ef: 2F00, access: public, structure: linear-fixed, record_length: 60, record_count: 3, records: [{_DIR}]}}
  # beside
  - adf: {AID}
    df: 7F50
    files:
      - {{ef: 5031, access: public, content: {{odf: {_ODF}}}}}
      - {{ef: 6430, access: public, content: {{dodf: {_DODF}}}}}
      - {{ef: 6431, access: public, content: {_BOOTSTRAP}}}
      # inside
"""

NO_APPLICATION: Change = (f"adf: {AID}\n    df: 7F50", "df: 7F51")
"""The directory has another identifier and no name."""
NAMELESS: Change = (f"adf: {AID}\n    df: 7F50", "df: 7F50")
"""The directory can be reached by its path only."""
NO_DIR: Change = ("{ef: 2F00,", "{ef: 2F0F,")
EMPTY_DIR: Change = (f", records: [{_DIR}]", "")
T0: Change = ("protocol: t1", "protocol: t0")
NO_CHANNELS: Change = ("logical_channels: 4", "logical_channels: 1")
BROKEN_ODF: Change = (f"{{odf: {_ODF}}}", "{hex: A706300404}")
BROKEN_DIR: Change = (f"[{_DIR}]", "[{hex: 6103500141}]")
PRIVATE_BOOTSTRAP: Change = ("ef: 6431, access: public", "ef: 6431, access: private")

ATR_SIM = "3B1794444D2053494D31"
"""One that says nothing of a UICC."""
_DF_GSM = (
    "  - df: 7F20\n    files:\n"
    '      - {ef: 6F07, access: private, content: {imsi: "001010123456789"}}\n'
    "      # subscriber\n"
)
SIM: tuple[Change, ...] = (
    ("generation: uicc", "generation: sim"),
    (f"atr: {ATR}", f"atr: {ATR_SIM}"),
    ("protocol: t1", "protocol: t0"),
    (f"adf: {AID}\n    df: 7F50", "df: 7F50"),
    ("  # beside", f"{_DF_GSM}  # beside"),
)
"""The small card as a SIM: class A0, the application is a directory, and there is DF GSM."""
RUIM: tuple[Change, ...] = (*SIM, ("generation: sim", "generation: ruim"), ("df: 7F20", "df: 7F25"))
"""The same with DF CDMA in place of DF GSM."""
UICC_AS_SIM: tuple[Change, ...] = (("generation: uicc", "generation: uicc-2g\nactivation: 2g"), T0)
"""The small card, activated as a SIM: its application is below 7F50 still."""


def quirks(text: str) -> Change:
    """The card has quirks."""
    return ("name: small", f"name: small\nquirks: {{{text}}}")


def odf(*entries: str) -> Change:
    """EF.ODF has other entries."""
    return (f"{{odf: {_ODF}}}", f"{{odf: [{', '.join(entries)}]}}")


def dodf(*objects: str) -> Change:
    """EF.DODF has other objects."""
    return (f"{{dodf: {_DODF}}}", f"{{dodf: [{', '.join(objects)}]}}")


def odf_content(generator: str) -> Change:
    """EF.ODF has other octets."""
    return (f"{{odf: {_ODF}}}", generator)


def dodf_content(generator: str) -> Change:
    """EF.DODF has other octets."""
    return (f"{{dodf: {_DODF}}}", generator)


def bootstrap_content(generator: str) -> Change:
    """EF.DM_Bootstrap has other octets."""
    return (_BOOTSTRAP, generator)


def inside(*files: str) -> Change:
    """There are more files in the PKCS#15 directory; each is what stands in braces."""
    return ("      # inside", "\n".join(f"      - {{{file}}}" for file in files))


def beside(*files: str) -> Change:
    """There are more files in the MF; each is what stands in braces."""
    return ("  # beside", "\n".join(f"  - {{{file}}}" for file in files))


def dir_records(*records: str) -> Change:
    """EF.DIR has other records."""
    return (f"[{_DIR}]", f"[{', '.join(records)}]")


def template(fields: str) -> str:
    """Return a record of EF.DIR."""
    return f"{{application_template: {{{fields}}}}}"


def bootstrap(*server_ids: str, name: str = "") -> str:
    """Return the generator of a bootstrap message with these accounts."""
    named = f", name: {name}" if name else ""
    accounts = (
        f"{{node_name: n{number}, server_id: {server_id}, addresses: [{{addr: 'https://example.com/'}}]{named}}}"
        for number, server_id in enumerate(server_ids)
    )
    return f"{{dm_bootstrap: {{accounts: [{', '.join(accounts)}]}}}}"


def dm_file(file_id: str, *server_ids: str) -> str:
    """Return an elementary file with a bootstrap message, for `inside` and `beside`."""
    return f"ef: {file_id}, access: public, content: {bootstrap(*server_ids)}"


def dm_object(path: str, more: str = "") -> str:
    """Return a data object for `dodf` that names a bootstrap file."""
    return f'{{oid: {DM}, path: "{path}"{more}}}'


def profile_text(*changes: Change) -> str:
    """Return the text of the small card's profile; each change replaces a text that has to be there."""
    text = PROFILE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def profile(*changes: Change, base: Path = FIXTURES / "cards") -> Profile:
    """Return the small card's profile."""
    return load_profile(profile_text(*changes), generators=GENERATORS, base=base)


def usim() -> Profile:
    """Return the profile that users meet first."""
    return load_profile(FIXTURES / "cards" / "usim.yaml", generators=GENERATORS)


class Tap:
    """A connection that passes everything on, remembers the commands, and may twist answers or lose the card.

    Args:
        connection: the way to the card.
        twist: makes other answers.
        removed_at: the number of the command, from 0, at which the card leaves; None keeps it.
    """

    def __init__(
        self, connection: CardConnection, twist: Twist | None = None, *, removed_at: int | None = None
    ) -> None:
        self._connection = connection
        self._twist = twist
        self._removed_at = removed_at
        self.commands: list[bytes] = []
        self.resets = 0
        self.closed = False

    @property
    def atr(self) -> bytes:
        return self._connection.atr

    @property
    def name(self) -> str:
        return self._connection.name

    def transmit(self, apdu: bytes) -> bytes:
        if self._removed_at is not None and len(self.commands) >= self._removed_at:
            raise CardRemovedError("the card was removed")
        self.commands.append(apdu)
        answer = self._connection.transmit(apdu)
        return answer if self._twist is None else self._twist(apdu, answer)

    def transaction(self) -> AbstractContextManager[None]:
        return self._connection.transaction()

    def reset(self) -> bytes:
        self.resets += 1
        return self._connection.reset()

    def close(self) -> None:
        self.closed = True
        self._connection.close()

    @property
    def opened_channels(self) -> int:
        """Commands that ask for a channel."""
        return sum(apdu[1] == 0x70 and apdu[2] == 0x00 for apdu in self.commands)

    @property
    def closed_channels(self) -> int:
        """Commands that close a channel."""
        return sum(apdu[1] == 0x70 and apdu[2] == 0x80 for apdu in self.commands)

    @property
    def presented(self) -> list[bytes]:
        """VERIFY commands with a PIN in them: each may cost a try."""
        return [apdu for apdu in self.commands if apdu[1] == 0x20 and len(apdu) > 5]


def tap(*changes: Change, twist: Twist | None = None, removed_at: int | None = None) -> Tap:
    """Return a tap on the small card."""
    return Tap(VirtualConnection(VirtualCard(profile(*changes))), twist, removed_at=removed_at)


def session(
    *changes: Change,
    twist: Twist | None = None,
    pin: Secret | None = None,
    use_last_try: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> CardSession:
    """Return a session with the small card."""
    return CardSession(tap(*changes, twist=twist), pin=pin, use_last_try=use_last_try, limits=limits)
