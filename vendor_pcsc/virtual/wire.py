"""How commands arrive and answers leave: T=1 hands data over with the status, T=0 makes the terminal fetch them.

Guarantees: an answer that does not fit its Le raises before the command has had any effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vendor_pcsc.virtual.apdu import Answer, AnswerKind, Command, parse_apdu
from vendor_pcsc.virtual.model import WireProtocol
from vendor_pcsc.virtual.status import SW, StatusError, bytes_waiting, right_length

if TYPE_CHECKING:
    from vendor_pcsc.virtual.model import Profile

GET_RESPONSE: Final = 0xC0
"""Instruction code. Spec: TS 102 221, 12.1.1."""

_READS: Final = frozenset({AnswerKind.RECORD, AnswerKind.OCTETS})


class Wire(Protocol):
    """One way between terminal and card."""

    def reset(self) -> None:
        """Forget what a terminal was to fetch."""

    def parse(self, apdu: bytes) -> Command:
        """Return the command; raises StatusError 6700 when its lengths are wrong."""

    def fetch(self, command: Command) -> Answer | None:
        """Return the answer to GET RESPONSE; None when the command is another, or unknown on this wire."""

    def deliver(self, command: Command, answer: Answer) -> bytes:
        """Do the answer's effect and return the response APDU; raises StatusError when Le is wrong."""


def wire_for(profile: Profile) -> Wire:
    """Return the wire the profile asks for."""
    if profile.protocol is WireProtocol.T0:
        return T0Wire()
    return T1Wire(extended_length=profile.extended_length)


class T1Wire:
    """Data come with the response. Spec: TS 102 221, 7.3.2.

    An explicit Le beyond the end of a file or record gives what is there with 6282; an Le of 00 asks for all
    there is and gives it with 9000.
    """

    def __init__(self, *, extended_length: bool) -> None:
        self._extended_length = extended_length

    def reset(self) -> None:
        """Do nothing: nothing is kept between commands."""

    def parse(self, apdu: bytes) -> Command:
        """Return the command of a short APDU, or an extended one where the card takes them."""
        return parse_apdu(apdu, extended=self._extended_length)

    def fetch(self, command: Command) -> Answer | None:  # noqa: ARG002 - the wire's interface
        """Return None: there is no GET RESPONSE."""
        return None

    def deliver(self, command: Command, answer: Answer) -> bytes:
        """Return data and status word, cut or refused as the kind of answer says."""
        data, sw = answer.data, answer.sw
        if command.le is None:
            if answer.kind in _READS:
                raise StatusError(SW.WRONG_LENGTH)
            data = b""
        elif len(data) > command.le:
            if answer.kind is not AnswerKind.OCTETS:
                raise StatusError(right_length(len(data)))
            data = data[: command.le]
        elif len(data) < command.le and answer.kind in _READS and not command.takes_all:
            sw = SW.END_OF_FILE
        answer.effect()
        return data + sw.to_bytes(2)


class T0Wire:
    """Data after command data are fetched by GET RESPONSE, and Le has to be exact. Spec: TS 102 221, 7.3.1.1."""

    def __init__(self) -> None:
        self._waiting: tuple[int, bytes] | None = None
        self._before: tuple[int, bytes] | None = None

    def reset(self) -> None:
        """Forget what a terminal was to fetch."""
        self._waiting = self._before = None

    def parse(self, apdu: bytes) -> Command:
        """Return the command; a header alone is one with P3 00, and Le after command data is dropped."""
        self._before, self._waiting = self._waiting, None
        return parse_apdu(apdu if len(apdu) != 4 else apdu + b"\x00", extended=False)

    def fetch(self, command: Command) -> Answer | None:
        """Return what waits on the command's channel.

        Raises:
            StatusError: 6F00 when nothing waits; 6Cxx when Le is too large, and the data wait on.
        """
        if command.ins != GET_RESPONSE:
            return None
        if command.p1 or command.p2:
            raise StatusError(SW.WRONG_P1_P2)
        command.refuse_data()
        channel = command.channel
        if self._before is None or self._before[0] != channel:
            raise StatusError(SW.TECHNICAL_PROBLEM)
        waiting = self._before[1]
        wanted = command.le or 0
        if wanted > len(waiting):
            self._waiting = self._before
            raise StatusError(right_length(len(waiting)))
        rest = waiting[wanted:]
        if rest:
            self._waiting = (channel, rest)
        return Answer(waiting[:wanted], bytes_waiting(len(rest)) if rest else SW.OK, AnswerKind.AS_IS)

    def deliver(self, command: Command, answer: Answer) -> bytes:
        """Return data and status word, or 61xx (or a warning) when the data wait."""
        data, sw = answer.data, answer.sw
        if data and command.data:
            answer.effect()
            self._waiting = (command.channel, data)
            return (bytes_waiting(len(data)) if sw == SW.OK else sw).to_bytes(2)
        if data and command.le != len(data) and answer.kind is not AnswerKind.AS_IS:
            wanted = command.le or 0
            if answer.kind is not AnswerKind.OCTETS or wanted > len(data):
                raise StatusError(right_length(len(data)))
            data = data[:wanted]
        answer.effect()
        return data + sw.to_bytes(2)
