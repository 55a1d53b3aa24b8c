"""The parsed card: frozen values that describe a card completely and do nothing.

Guarantees: a `Profile` from `load_profile` is consistent (unique references, identifiers and names; contents of
their final length; EF(ARR) present in each directory that holds files). PIN values and file contents are not in
any repr. Leaves to `card_os` and to whoever personalises a real card: behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendor_pcsc.virtual.pin_value import PinValue

MF_ID: Final = 0x3F00
"""File identifier of the master file. Spec: TS 102 221, 8.6."""
CURRENT_APPLICATION_ID: Final = 0x7FFF
"""File identifier that stands for the active application's directory. Spec: TS 102 221, 8.4.2."""
MF_ARR_ID: Final = 0x2F06
"""EF(ARR) below the MF. Spec: TS 102 221, 13.4."""
DF_ARR_ID: Final = 0x6F06
"""EF(ARR) below another directory. Spec: TS 131 102, 4.2."""
GLOBAL_PIN_LIMIT: Final = 0x80
"""References below this are global PINs, from it on specific ones. Spec: TS 102 221, 9.5.1."""


class Generation(Enum):
    """The family of commands the card speaks."""

    SIM = "sim"
    """Class A0 only. Spec: TS 51.011."""
    RUIM = "ruim"
    """As a SIM; its files are below DF CDMA, 7F25. Spec: 3GPP2 C.S0023."""
    UICC = "uicc"
    """Classes 0X, 4X, 8X, CX only. Spec: TS 102 221."""
    UICC_2G = "uicc-2g"
    """A UICC that can be a SIM instead."""


class Activation(Enum):
    """What a card of generation uicc-2g is after a reset."""

    FIRST_COMMAND = "first-command"
    """What the class of the first command says."""
    GSM = "2g"
    """A SIM, always."""


class WireProtocol(Enum):
    """How answers are handed over. Spec: TS 102 221, 7.3."""

    T0 = "t0"
    T1 = "t1"


class Structure(Enum):
    """Structure of an elementary file; `descriptor` is the first octet of tag 82. Spec: TS 102 221, 11.1.1.4.3."""

    TRANSPARENT = "transparent"
    LINEAR_FIXED = "linear-fixed"
    CYCLIC = "cyclic"

    @property
    def descriptor(self) -> int:
        """Return the descriptor octet of a shareable working EF."""
        return {Structure.TRANSPARENT: 0x41, Structure.LINEAR_FIXED: 0x42, Structure.CYCLIC: 0x46}[self]


class Lifecycle(Enum):
    """Life cycle status; `octet` is the value of tag 8A. Spec: TS 102 221, 11.1.1.4.9."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"

    @property
    def octet(self) -> int:
        """Return the life cycle status octet."""
        return 0x05 if self is Lifecycle.ACTIVATED else 0x04


class DirectoryKind(Enum):
    """What a directory is. Spec: TS 102 221, 8."""

    MF = "mf"
    DF = "df"
    ADF = "adf"


@dataclass(frozen=True, slots=True)
class PinDefinition:
    """A PIN or administrative code as it is when the card is new. Spec: TS 102 221, 9.5."""

    name: str
    reference: int
    """Key reference, 01 to 8E."""
    value: PinValue
    attempts: int
    """Attempts when nothing wrong was presented, 1 to 15."""
    enabled: bool
    unblock: PinValue | None
    unblock_attempts: int

    @property
    def is_application_pin(self) -> bool:
        """Tell whether this is one of the application PINs 01 to 08."""
        return 0x01 <= self.reference <= 0x08

    @property
    def is_administrative(self) -> bool:
        """Tell whether this is an administrative code: 0A to 0E, or 8A to 8E."""
        return 0x0A <= self.reference & ~GLOBAL_PIN_LIMIT <= 0x0E


@dataclass(frozen=True, slots=True)
class Condition:
    """Who may: always, never, or after the PIN `reference`. Spec: TS 102 221, 9.2."""

    allowed: bool = False
    """True: always; False: never, unless there is a reference."""
    reference: int | None = None


ALWAYS: Final = Condition(allowed=True)
NEVER: Final = Condition()


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A named rule; its number in every EF(ARR) is its place in `Profile.rules`, from 1."""

    name: str
    read: Condition
    update: Condition


@dataclass(frozen=True, slots=True)
class ElementaryFile:
    """An elementary file."""

    file_id: int
    name: str
    structure: Structure
    rule: AccessRule
    content: bytes = field(repr=False)
    """The whole body; of a record file all records joined, each `record_length` octets."""
    record_length: int = 0
    """Octets of a record; 0 for a transparent file."""
    short_id: int | None = None
    """Short file identifier by which commands find the file, 1 to 30."""
    short_id_tag: bytes | None = None
    """Value of tag 88 of the FCP; empty: no short identifier; None: no tag, so the low five bits of `file_id`."""
    lifecycle: Lifecycle = Lifecycle.ACTIVATED

    @property
    def record_count(self) -> int:
        """Return the number of records; 0 for a transparent file."""
        return len(self.content) // self.record_length if self.record_length else 0


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """The MF, a DF or an ADF, with its files in the order of the profile, EF(ARR) first."""

    kind: DirectoryKind
    file_id: int | None
    """None: an ADF that is reached by its AID only."""
    name: str
    rule: AccessRule
    pin_references: tuple[int, ...]
    """References listed in the PIN status template, in this order."""
    files: tuple[ElementaryFile | DirectoryFile, ...]
    aid: bytes | None = None

    def walk(self) -> Iterator[ElementaryFile | DirectoryFile]:
        """Yield this directory and everything below it, parents first."""
        yield self
        for file in self.files:
            if isinstance(file, DirectoryFile):
                yield from file.walk()
            else:
                yield file


@dataclass(frozen=True, slots=True)
class Quirks:
    """Habits of cards met in the field; all off is a card that does as TS 102 221 says."""

    no_aid_select: bool = False
    """SELECT by AID answers 6A86."""
    no_path_select: bool = False
    """SELECT by path (P1 08 and 09) answers 6A86."""
    accept_any_aid: bool = False
    """SELECT by an unknown AID answers 9000 and the selection stays."""
    no_fcp: bool = False
    """SELECT answers 9000 with no data where an FCP was asked for."""
    no_p2_0c_with_aid: bool = False
    """SELECT by AID with P2 asking for no data answers 6A86."""


@dataclass(frozen=True, slots=True)
class WrongStatus:
    """A status word in place of an answer."""

    apdu: int
    sw: int


@dataclass(frozen=True, slots=True)
class Swap:
    """Another card in place of this one."""

    apdu: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on the way to the card. APDUs count from 1, over resets, from the first time the card is used."""

    delay_ms: int = 0
    """Each answer comes so much later."""
    reader_gone_at: int | None = None
    """The reader goes in place of this answer."""
    remove_at: int | None = None
    """The card is pulled in place of this answer."""
    swap_at: Swap | None = None
    """The card is pulled in place of this answer, and another one is there after the next reset."""
    wrong_sw_at: WrongStatus | None = None
    """One command does not reach the card."""
    channel_refused: bool = False
    """No logical channel can be opened."""
    storm_61: int | None = None
    """From this APDU on there is always more to fetch."""
    storm_6c: int | None = None
    """From this APDU on Le is always wrong."""
    short_reads: int | None = None
    """READ BINARY gives at most so many octets."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole card, as it is when new."""

    name: str
    description: str
    generation: Generation
    atr: bytes
    protocol: WireProtocol
    logical_channels: int
    """Channels in all, the basic one included, 1 to 20."""
    extended_length: bool
    pins: tuple[PinDefinition, ...]
    rules: tuple[AccessRule, ...]
    """Access rules in the order of their numbers in EF(ARR)."""
    mf: DirectoryFile
    quirks: Quirks = field(default_factory=Quirks)
    activation: Activation = Activation.FIRST_COMMAND
    """Of generation uicc-2g only."""
    faults: Faults = field(default_factory=Faults)

    def rule_number(self, rule: AccessRule) -> int:
        """Return the number of the rule's record in every EF(ARR), from 1."""
        return self.rules.index(rule) + 1
