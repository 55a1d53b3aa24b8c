"""Status words: names, plain words, and what a reader may conclude from them.

Guarantees: every 16-bit value has exactly one `Outcome` and one description. NOT_FOUND is given only to words that
say "not there"; whatever means "could not read" is another outcome, because accounts may be dropped after the first
only. Leaves to its caller: the command that was sent, which decides between the two readings of 63Cx.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class SW(IntEnum):
    """Fixed status words.

    Spec: ETSI TS 102 221, 10.2; GSM 11.11 / 3GPP TS 51.011, 9.4 (those from 9240 on, 9000 excepted).
    """

    NO_INFORMATION = 0x6200
    DATA_MAY_BE_CORRUPTED = 0x6281
    END_OF_FILE = 0x6282
    FILE_DEACTIVATED = 0x6283
    MORE_DATA_AVAILABLE = 0x62F1
    MORE_DATA_AND_PROACTIVE = 0x62F2
    RESPONSE_DATA_AVAILABLE = 0x62F3
    MORE_DATA_EXPECTED = 0x63F1
    MORE_DATA_EXPECTED_AND_PROACTIVE = 0x63F2
    EXECUTION_ERROR = 0x6400
    MEMORY_CHANGED_ERROR = 0x6500
    MEMORY_PROBLEM = 0x6581
    WRONG_LENGTH = 0x6700
    CHANNEL_NOT_SUPPORTED = 0x6881
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882
    COMMAND_INCOMPATIBLE_WITH_FILE = 0x6981
    SECURITY_STATUS_NOT_SATISFIED = 0x6982
    PIN_BLOCKED = 0x6983
    REFERENCED_DATA_INVALIDATED = 0x6984
    CONDITIONS_NOT_SATISFIED = 0x6985
    NO_EF_SELECTED = 0x6986
    WRONG_DATA = 0x6A80
    FUNCTION_NOT_SUPPORTED = 0x6A81
    FILE_NOT_FOUND = 0x6A82
    RECORD_NOT_FOUND = 0x6A83
    WRONG_P1_P2 = 0x6A86
    LC_INCONSISTENT = 0x6A87
    REFERENCED_DATA_NOT_FOUND = 0x6A88
    WRONG_OFFSET = 0x6B00
    INSTRUCTION_UNKNOWN = 0x6D00
    CLASS_UNKNOWN = 0x6E00
    TECHNICAL_PROBLEM = 0x6F00
    OK = 0x9000
    GSM_MEMORY_PROBLEM = 0x9240
    BUSY = 0x9300
    GSM_NO_EF_SELECTED = 0x9400
    GSM_OUT_OF_RANGE = 0x9402
    GSM_FILE_NOT_FOUND = 0x9404
    GSM_COMMAND_INCOMPATIBLE_WITH_FILE = 0x9408
    GSM_NO_CHV_INITIALISED = 0x9802
    GSM_ACCESS_NOT_FULFILLED = 0x9804
    GSM_CHV_STATUS_CONTRADICTION = 0x9808
    GSM_INVALIDATION_CONTRADICTION = 0x9810
    GSM_CHV_BLOCKED = 0x9840
    GSM_MAXIMUM_REACHED = 0x9850

    @property
    def outcome(self) -> Outcome:
        """What a reader may conclude (see `classify`)."""
        return classify(self)


class Outcome(Enum):
    """What a status word means to somebody who reads a card."""

    OK = "ok"
    """The command was carried out; its data, if any, are complete."""

    WARNING = "warning"
    """Carried out with a remark (62xx, 63xx): data may be short, or the file deactivated."""

    NOT_FOUND = "not found"
    """The file, application or record is not there: the only outcome after which data may be dropped."""

    SECURITY = "security"
    """A PIN has to be verified first, or the one given is wrong and tries are left."""

    BLOCKED = "blocked"
    """The PIN has no try left."""

    CHANNEL = "channel"
    """The card has no such logical channel, or none at all: nothing is known about its content."""

    WRONG_LENGTH = "wrong length"
    """Le or Lc does not fit; `length_hint` may tell the right Le."""

    MORE_DATA = "more data"
    """Carried out, and data wait for GET RESPONSE; `length_hint` tells how many."""

    ERROR = "error"
    """Anything else: could not read."""


_WORDS: dict[int, str] = {
    SW.NO_INFORMATION: "warning without information",
    SW.DATA_MAY_BE_CORRUPTED: "part of the data may be corrupted",
    SW.END_OF_FILE: "end of file or record before the wanted length",
    SW.FILE_DEACTIVATED: "the file is deactivated",
    SW.MORE_DATA_AVAILABLE: "more data available",
    SW.MORE_DATA_AND_PROACTIVE: "more data available and a proactive command pending",
    SW.RESPONSE_DATA_AVAILABLE: "response data available",
    SW.MORE_DATA_EXPECTED: "more data expected",
    SW.MORE_DATA_EXPECTED_AND_PROACTIVE: "more data expected and a proactive command pending",
    SW.EXECUTION_ERROR: "execution error, memory unchanged",
    SW.MEMORY_CHANGED_ERROR: "execution error, memory changed",
    SW.MEMORY_PROBLEM: "memory problem",
    SW.WRONG_LENGTH: "wrong length",
    SW.CHANNEL_NOT_SUPPORTED: "logical channel not supported",
    SW.SECURE_MESSAGING_NOT_SUPPORTED: "secure messaging not supported",
    SW.COMMAND_INCOMPATIBLE_WITH_FILE: "the command does not fit the file structure",
    SW.SECURITY_STATUS_NOT_SATISFIED: "security status not satisfied",
    SW.PIN_BLOCKED: "PIN blocked",
    SW.REFERENCED_DATA_INVALIDATED: "referenced data invalidated",
    SW.CONDITIONS_NOT_SATISFIED: "conditions of use not satisfied",
    SW.NO_EF_SELECTED: "no file selected",
    SW.WRONG_DATA: "wrong data",
    SW.FUNCTION_NOT_SUPPORTED: "function not supported",
    SW.FILE_NOT_FOUND: "file or application not found",
    SW.RECORD_NOT_FOUND: "record not found",
    SW.WRONG_P1_P2: "wrong P1 or P2",
    SW.LC_INCONSISTENT: "Lc does not fit P1 and P2",
    SW.REFERENCED_DATA_NOT_FOUND: "referenced data (key or PIN) not found",
    SW.WRONG_OFFSET: "wrong P1 or P2: offset beyond the end",
    SW.INSTRUCTION_UNKNOWN: "instruction unknown",
    SW.CLASS_UNKNOWN: "class unknown",
    SW.TECHNICAL_PROBLEM: "technical problem",
    SW.OK: "ok",
    SW.GSM_MEMORY_PROBLEM: "memory problem",
    SW.BUSY: "busy with a toolkit application",
    SW.GSM_NO_EF_SELECTED: "no file selected",
    SW.GSM_OUT_OF_RANGE: "out of range",
    SW.GSM_FILE_NOT_FOUND: "file or pattern not found",
    SW.GSM_COMMAND_INCOMPATIBLE_WITH_FILE: "the file does not fit the command",
    SW.GSM_NO_CHV_INITIALISED: "no CHV initialised",
    SW.GSM_ACCESS_NOT_FULFILLED: "access condition not fulfilled, or wrong CHV with tries left",
    SW.GSM_CHV_STATUS_CONTRADICTION: "in contradiction with the CHV status",
    SW.GSM_INVALIDATION_CONTRADICTION: "in contradiction with the invalidation status",
    SW.GSM_CHV_BLOCKED: "CHV blocked",
    SW.GSM_MAXIMUM_REACHED: "maximum value reached",
}

_BY_SW1 = {
    0x62: "warning, memory unchanged",
    0x63: "warning, memory changed",
    0x64: "execution error, memory unchanged",
    0x65: "execution error, memory changed",
    0x68: "function in the class byte not supported",
    0x69: "command not allowed",
    0x6A: "wrong parameters",
    0x6B: "wrong P1 or P2",
    0x6D: "instruction unknown",
    0x6E: "class unknown",
    0x6F: "technical problem",
    0x94: "file error",
    0x98: "security error",
}

_OUTCOMES: dict[int, Outcome] = {
    SW.OK: Outcome.OK,
    SW.FILE_NOT_FOUND: Outcome.NOT_FOUND,
    SW.RECORD_NOT_FOUND: Outcome.NOT_FOUND,
    SW.GSM_FILE_NOT_FOUND: Outcome.NOT_FOUND,
    SW.SECURITY_STATUS_NOT_SATISFIED: Outcome.SECURITY,
    SW.GSM_NO_CHV_INITIALISED: Outcome.SECURITY,
    SW.GSM_ACCESS_NOT_FULFILLED: Outcome.SECURITY,
    SW.GSM_CHV_STATUS_CONTRADICTION: Outcome.SECURITY,
    SW.PIN_BLOCKED: Outcome.BLOCKED,
    SW.GSM_CHV_BLOCKED: Outcome.BLOCKED,
    SW.CHANNEL_NOT_SUPPORTED: Outcome.CHANNEL,
}

_OUTCOMES_BY_SW1 = {
    0x61: Outcome.MORE_DATA,
    0x62: Outcome.WARNING,
    0x63: Outcome.WARNING,
    0x67: Outcome.WRONG_LENGTH,
    0x6C: Outcome.WRONG_LENGTH,
    0x91: Outcome.OK,
    0x9F: Outcome.MORE_DATA,
}


def classify(sw: int) -> Outcome:
    """Return what a reader may conclude from a status word.

    63Cx counts as SECURITY (63C0 as BLOCKED): of the commands this project sends, only VERIFY is answered so. The
    words 62F1 to 63F2 are warnings, for GET RESPONSE does not fetch what they announce. 92xx is OK except 9240 to
    92FF, which 2G cards use for memory problems.

    Raises:
        ValueError: `sw` is not a 16-bit number.
    """
    _check(sw)
    known = _OUTCOMES.get(sw)
    if known is not None:
        return known
    tries = attempts_remaining(sw)
    if tries is not None:
        return Outcome.SECURITY if tries else Outcome.BLOCKED
    if sw >> 8 == 0x92:
        return Outcome.OK if sw < SW.GSM_MEMORY_PROBLEM else Outcome.ERROR
    return _OUTCOMES_BY_SW1.get(sw >> 8, Outcome.ERROR)


def is_success(sw: int) -> bool:
    """Tell whether the command was carried out with nothing left to fetch and nothing to remark.

    Raises:
        ValueError: `sw` is not a 16-bit number.
    """
    return classify(sw) is Outcome.OK


def attempts_remaining(sw: int) -> int | None:
    """Return the tries left that 63Cx tells, or None for any other word.

    Raises:
        ValueError: `sw` is not a 16-bit number.
    """
    _check(sw)
    return sw & 0xF if sw & 0xFFF0 == 0x63C0 else None


def length_hint(sw: int) -> int | None:
    """Return the number of octets that 61xx, 6Cxx or 9Fxx tells (00 is 256), or None for any other word.

    Raises:
        ValueError: `sw` is not a 16-bit number.
    """
    _check(sw)
    return (sw & 0xFF or 256) if sw >> 8 in {0x61, 0x6C, 0x9F} else None


def describe(sw: int) -> str:
    """Return a status word in plain words, its hexadecimal value first.

    Raises:
        ValueError: `sw` is not a 16-bit number.
    """
    _check(sw)
    return f"{sw:04X}: {_words(sw)}"


def _words(sw: int) -> str:
    tries = attempts_remaining(sw)
    if tries is not None:
        return f"wrong PIN or PIN not given, {tries} {'try' if tries == 1 else 'tries'} left"
    if sw in _WORDS:
        return _WORDS[sw]
    low = sw & 0xFF
    waiting = f"{low or 256} octets wait for GET RESPONSE"
    counted = {
        0x61: waiting,
        0x67: f"wrong length, {low} is right",
        0x6C: f"wrong Le, {low or 256} is right",
        0x91: f"ok, proactive command of {low} octets waiting",
        0x92: "memory problem" if low > 0x40 else "ok, after retries or within a data session",
        0x9F: waiting,
    }
    return counted.get(sw >> 8) or _BY_SW1.get(sw >> 8, "unknown status word")


def _check(sw: int) -> None:
    if not 0 <= sw <= 0xFFFF:
        raise ValueError(f"a status word has 16 bits, found {sw:#x}")
