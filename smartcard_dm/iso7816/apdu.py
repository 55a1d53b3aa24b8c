"""Command and response APDUs as values, and a constructor for every command this project sends.

Guarantees: what a constructor returns can be encoded; no `repr` holds the data of a PIN command; there is no
constructor that writes to a card. Any response octets give a value or `ApduError`. Leaves to its caller: channels
(`on_channel`), T=0 chaining, and the meaning of a status word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import ApduError
from smartcard_dm.iso7816.status import Outcome, classify, describe
from smartcard_dm.secret import REDACTED

if TYPE_CHECKING:
    from smartcard_dm.secret import Secret

GSM_CLASS: Final = 0xA0
"""Class byte of a SIM, of an R-UIM, and of a UICC that plays one."""

LONGEST_OFFSET: Final = 0x7FFF
"""Highest offset of READ BINARY outside class A0 (15 bits)."""

_PIN_INSTRUCTIONS = frozenset((0x20, 0x24, 0x26, 0x28, 0x2C))


class Ins(IntEnum):
    """Instruction bytes. Spec: ETSI TS 102 221, table 10.5."""

    VERIFY = 0x20
    MANAGE_CHANNEL = 0x70
    SELECT = 0xA4
    READ_BINARY = 0xB0
    READ_RECORD = 0xB2
    GET_RESPONSE = 0xC0
    STATUS = 0xF2


class RecordMode(IntEnum):
    """How READ RECORD counts. Spec: ETSI TS 102 221, 11.1.5; GSM 11.11, 9.2.5."""

    NEXT = 0x02
    PREVIOUS = 0x03
    ABSOLUTE = 0x04


@dataclass(frozen=True, slots=True, repr=False)
class CommandApdu:
    """A command to a card.

    Raises:
        ValueError: a byte is none, data are longer than 65,535 octets, or `le` is not 1 to 65,536.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None
    """Octets wanted: 1 to 65,536; None when no data are wanted."""

    def __post_init__(self) -> None:
        for name in ("cla", "ins", "p1", "p2"):
            if not 0 <= getattr(self, name) <= 0xFF:
                raise ValueError(f"{name} is one byte, found {getattr(self, name):#x}")
        if self.cla == 0xFF or self.ins & 0xF0 in {0x60, 0x90}:
            raise ValueError(f"class {self.cla:02X} with instruction {self.ins:02X} is no command")
        if len(self.data) > 0xFFFF:
            raise ValueError(f"a command carries at most 65,535 octets, found {len(self.data)}")
        if self.le is not None and not 1 <= self.le <= 0x10000:
            raise ValueError(f"le is 1 to 65,536 or None, found {self.le}")

    @property
    def is_extended(self) -> bool:
        """Whether the lengths need the extended form."""
        return len(self.data) > 0xFF or (self.le or 0) > 0x100

    def encode(self, *, extended: bool | None = None) -> bytes:
        """Return the octets; the short form unless a length needs the extended one or `extended` is true.

        Spec: ISO/IEC 7816-3, 12.1.3.

        Raises:
            ValueError: `extended` is false and the short form cannot hold a length.
        """
        if extended is False and self.is_extended:
            raise ValueError("the lengths need the extended form")
        header = bytes((self.cla, self.ins, self.p1, self.p2))
        if not (extended or self.is_extended):
            lc = bytes((len(self.data),)) if self.data else b""
            le = b"" if self.le is None else bytes((self.le & 0xFF,))
            return header + lc + self.data + le
        body = len(self.data).to_bytes(2, "big") + self.data if self.data else b""
        le = b"" if self.le is None else (self.le & 0xFFFF).to_bytes(2, "big")
        return header + (b"\x00" if body or le else b"") + body + le

    def on_channel(self, channel: int) -> CommandApdu:
        """Return the same command for a logical channel.

        Spec: ETSI TS 102 221, 10.1.1: channels 0 to 3 in the two low bits, 4 to 19 as class 4X or CX.

        Raises:
            ValueError: the channel is not 0 to 19, or the class has no channels (A0, secure messaging).
        """
        if not 0 <= channel <= 19:
            raise ValueError(f"logical channels are 0 to 19, found {channel}")
        without_channels = 0x20 if self.cla & 0x40 else 0x2C
        if self.cla & without_channels:
            raise ValueError(f"class {self.cla:02X} is not put on a logical channel")
        bits = channel if channel < 4 else 0x40 | (channel - 4)
        return replace(self, cla=self.cla & 0x90 | bits)

    def __repr__(self) -> str:
        shown = REDACTED if self.data and self.ins in _PIN_INSTRUCTIONS else repr(self.data.hex().upper())
        head = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"
        return f"CommandApdu({head}, data={shown}, le={self.le})"


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """An answer of a card: its data and its status word."""

    data: bytes
    sw: int

    @property
    def outcome(self) -> Outcome:
        """What a reader may conclude from the status word."""
        return classify(self.sw)

    @property
    def description(self) -> str:
        """The status word in plain words."""
        return describe(self.sw)

    def encode(self) -> bytes:
        """Return the octets: data, then the status word."""
        return self.data + self.sw.to_bytes(2, "big")


def parse_response(octets: bytes) -> ResponseApdu:
    """Return the data and the status word of an answer.

    Raises:
        ApduError: fewer than two octets.
    """
    if len(octets) < 2:
        raise ApduError("response APDU", "no status word", offset=0, wanted="2 octets", found=str(len(octets)))
    return ResponseApdu(octets[:-2], int.from_bytes(octets[-2:], "big"))


def parse_command(octets: bytes) -> CommandApdu:
    """Return a command read from its octets, short or extended form.

    Spec: ISO/IEC 7816-3, 12.1.3.

    Raises:
        ApduError: the octets are in no form of a command.
    """
    name = "command APDU"
    if len(octets) < 4:
        raise ApduError(name, "the header is cut", offset=len(octets), wanted="4 octets", found=str(len(octets)))
    data, le = _command_body(octets[4:], name)
    try:
        return CommandApdu(octets[0], octets[1], octets[2], octets[3], data, le)
    except ValueError as error:
        raise ApduError(name, "class or instruction that none may have", offset=0, found=octets[:2].hex()) from error


def _command_body(body: bytes, name: str) -> tuple[bytes, int | None]:
    if len(body) <= 1:
        return b"", (body[0] or 0x100) if body else None
    width = 1 if body[0] else 3
    if len(body) == 3 and width == 3:
        return b"", int.from_bytes(body[1:3], "big") or 0x10000
    length = int.from_bytes(body[:width], "big")
    rest = body[width:]
    le_width = 1 if width == 1 else 2
    if len(body) < width or length == 0 or len(rest) not in {length, length + le_width}:
        raise ApduError(
            name,
            "Lc does not fit the octets that follow",
            offset=4,
            wanted=f"{length} or {length + le_width} octets",
            found=str(len(rest)),
        )
    if len(rest) == length:
        return rest, None
    top = 0x100 if width == 1 else 0x10000
    return rest[:length], int.from_bytes(rest[length:], "big") or top


def select_file(file_id: int, *, cla: int = 0x00) -> CommandApdu:
    """Select a file by its identifier: an FCP is asked for, except in class A0, which announces its answer.

    Spec: ETSI TS 102 221, 11.1.1; GSM 11.11, 9.2.1.

    Raises:
        ValueError: the identifier is not 16 bits.
    """
    if not 0 <= file_id <= 0xFFFF:
        raise ValueError(f"a file identifier has 16 bits, found {file_id:#x}")
    data = file_id.to_bytes(2, "big")
    if cla == GSM_CLASS:
        return CommandApdu(cla, Ins.SELECT, 0x00, 0x00, data)
    return CommandApdu(cla, Ins.SELECT, 0x00, 0x04, data, 0x100)


def select_aid(aid: bytes) -> CommandApdu:
    """Select an application by its full or partial identifier and ask for its FCP.

    P2 04 with Le, since cards exist that refuse 0C together with an identifier. Spec: ETSI TS 102 221, 11.1.1.

    Raises:
        ValueError: the identifier has not 1 to 16 octets.
    """
    if not 1 <= len(aid) <= 16:
        raise ValueError(f"an application identifier has 1 to 16 octets, found {len(aid)}")
    return CommandApdu(0x00, Ins.SELECT, 0x04, 0x04, bytes(aid), 0x100)


def select_path(path: bytes, *, from_mf: bool = True) -> CommandApdu:
    """Select by a path of file identifiers, from the MF (P1 08) or from the current DF (P1 09).

    A leading 3F00 is left out, for the MF is not part of the data. A leading 7FFF stands for the application that is
    selected on the channel. Spec: ETSI TS 102 221, 8.4.2 and 11.1.1.

    Raises:
        ValueError: the path is empty, is 3F00 alone, or has an odd number of octets.
    """
    data = path[2:] if from_mf and path[:2] == b"\x3f\x00" else path
    if not data or len(data) % 2:
        raise ValueError(f"a path is made of file identifiers of two octets, found {len(data)} octets")
    return CommandApdu(0x00, Ins.SELECT, 0x08 if from_mf else 0x09, 0x04, data, 0x100)


def read_binary(offset: int, length: int, *, sfi: int | None = None, cla: int = 0x00) -> CommandApdu:
    """Read `length` octets of a transparent file from `offset`.

    Without `sfi` the selected file is read: offsets to 7FFF, in class A0 to FFFF. With `sfi`: offsets to FF.
    Spec: ETSI TS 102 221, 11.1.3; GSM 11.11, 9.2.3.

    Raises:
        ValueError: offset, length or short file identifier cannot be written.
    """
    if sfi is not None:
        _check_sfi(sfi, cla)
        highest = 0xFF
    else:
        highest = 0xFFFF if cla == GSM_CLASS else LONGEST_OFFSET
    if not 0 <= offset <= highest:
        raise ValueError(f"an offset here is 0 to {highest:#x}, found {offset:#x}")
    _check_gsm_length(length, cla)
    high = 0x80 | sfi if sfi is not None else offset >> 8
    return CommandApdu(cla, Ins.READ_BINARY, high, offset & 0xFF, le=length)


def read_record(
    number: int,
    length: int,
    *,
    mode: RecordMode = RecordMode.ABSOLUTE,
    sfi: int | None = None,
    cla: int = 0x00,
) -> CommandApdu:
    """Read one record; `number` counts from 1, and 0 is the current record.

    Spec: ETSI TS 102 221, 11.1.5; GSM 11.11, 9.2.5.

    Raises:
        ValueError: number, length or short file identifier cannot be written.
    """
    if not 0 <= number <= 254:
        raise ValueError(f"record numbers are 0 to 254, found {number}")
    if sfi is not None:
        _check_sfi(sfi, cla)
    _check_gsm_length(length, cla)
    return CommandApdu(cla, Ins.READ_RECORD, number, (sfi or 0) << 3 | mode, le=length)


def verify_pin(reference: int, pin: Secret, *, cla: int = 0x00) -> CommandApdu:
    """Present a PIN: four to eight ASCII digits, filled up with FF to eight octets.

    Spec: ETSI TS 102 221, 11.1.9 and 9.5.1; GSM 11.11, 9.2.9.

    Raises:
        ValueError: the secret is not four to eight digits; the text does not hold it.
    """
    digits = pin.reveal()
    if not (4 <= len(digits) <= 8 and digits.isdigit()):
        raise ValueError("a PIN is four to eight ASCII digits")
    return CommandApdu(cla, Ins.VERIFY, 0x00, reference, digits.ljust(8, b"\xff"))


def pin_counter(reference: int) -> CommandApdu:
    """Ask how many tries a PIN has left: VERIFY without data, which uses none (not in class A0).

    Spec: ETSI TS 102 221, 11.1.9.
    """
    return CommandApdu(0x00, Ins.VERIFY, 0x00, reference)


def open_channel() -> CommandApdu:
    """Ask for a logical channel; the answer is one octet, the number that the card chose.

    Spec: ETSI TS 102 221, 11.1.17.
    """
    return CommandApdu(0x00, Ins.MANAGE_CHANNEL, 0x00, 0x00, le=1)


def close_channel(channel: int) -> CommandApdu:
    """Close a logical channel, from the basic one.

    Raises:
        ValueError: the channel is not 1 to 19.
    """
    if not 1 <= channel <= 19:
        raise ValueError(f"logical channels 1 to 19 can be closed, found {channel}")
    return CommandApdu(0x00, Ins.MANAGE_CHANNEL, 0x80, channel)


def status(length: int = 0x100, *, cla: int = 0x80) -> CommandApdu:
    """Ask for the data of the current directory: an FCP, or the 2G answer in class A0.

    Spec: ETSI TS 102 221, 11.1.2; GSM 11.11, 9.2.2.

    Raises:
        ValueError: the length cannot be written.
    """
    _check_gsm_length(length, cla)
    return CommandApdu(cla, Ins.STATUS, 0x00, 0x00, le=length)


def get_response(length: int, *, cla: int = 0x00) -> CommandApdu:
    """Fetch the data that 61xx or 9Fxx announced; class and channel are those of the command before.

    Spec: ETSI TS 102 221, 12.1.1; GSM 11.11, 9.2.18.

    Raises:
        ValueError: the length is not 1 to 256.
    """
    if not 1 <= length <= 0x100:
        raise ValueError(f"GET RESPONSE asks for 1 to 256 octets, found {length}")
    return CommandApdu(cla, Ins.GET_RESPONSE, 0x00, 0x00, le=length)


def _check_sfi(sfi: int, cla: int) -> None:
    if cla == GSM_CLASS or not 1 <= sfi <= 30:
        raise ValueError(f"short file identifiers are 1 to 30 and unknown to class A0, found {sfi}")


def _check_gsm_length(length: int, cla: int) -> None:
    if cla == GSM_CLASS and length > 0x100:
        raise ValueError(f"class A0 reads at most 256 octets at once, found {length}")
