"""Lines of a file or a pipe as they come, for a command that can be ended at any moment.

Guarantees: a line is given as soon as it is there, whatever comes later; one that is longer than any PDU line is told
once and never kept; waiting ends within a quarter of a second of being asked to stop. Lines that were read when that
is asked are still given: nobody else can read them any more. Leaves to its caller: what they hold.

Spec: 3GPP TS 27.005, 3.4.1 and 4.6 (what a modem says around a PDU).
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError
from smartcard_dm.push.sms_pdu import LONGEST_LINE
from smartcard_dm.push.sms_rules import SmsRule

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

_CHUNK: Final = 64 * 1024
_LOOK_EVERY: Final = 250
"""Milliseconds between looks at whether to stop."""
_LONGEST: Final = LONGEST_LINE + 64
"""Octets of a line that is looked at, with some white space around its digits."""
_MODEM: Final = ("+", "AT", "OK", "ERROR", "RING", "NO CARRIER", ">", "^", "#")
"""How lines begin, in upper case, that a modem says around a PDU, or that somebody wrote between them."""


class PduLines:
    """Gives the PDU lines of a file descriptor to whoever takes them.

    Args:
        descriptor: is read, and not closed.
        take: is given each line that may be a PDU.
        refuse: is told of a line that is none for its length.
        idle: is called now and then while nothing comes.
    """

    def __init__(
        self,
        descriptor: int,
        take: Callable[[str], None],
        refuse: Callable[[EnvelopeError], None],
        idle: Callable[[], None],
    ) -> None:
        self._descriptor = descriptor
        self._take = take
        self._refuse = refuse
        self._idle = idle
        self._rest = b""
        self._passing_over = False
        self.number = 1
        """Of the line that is given or refused; the first is 1."""

    def read(self, stop: Event) -> None:
        """Read until the end, or until asked to stop.

        Raises:
            OSError: it cannot be read.
        """
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        while not stop.is_set():
            self._idle()
            if not poll.poll(_LOOK_EVERY):
                continue
            try:
                octets = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:  # another process read it first
                continue
            if not octets:
                self._line(self._rest)
                return
            self._feed(octets)

    def _feed(self, octets: bytes) -> None:
        *lines, rest = octets.split(b"\n")
        for line in lines:
            self._line(self._rest + line)
            self._rest = b""
            self.number += 1
        self._rest += rest
        if len(self._rest) > _LONGEST:
            self._line(self._rest)
            self._rest = b""
            self._passing_over = True

    def _line(self, octets: bytes) -> None:
        passed_over, self._passing_over = self._passing_over, False
        if passed_over:
            return
        if len(octets) > _LONGEST:
            detail = "longer than a short message"
            wanted = f"at most {LONGEST_LINE} digits"
            self._refuse(EnvelopeError(SmsRule.PDU_LINE, "PDU line", detail, wanted=wanted))
            return
        text = octets.decode("ascii", "replace").strip()
        if text and not text.upper().startswith(_MODEM):
            self._take(text)
