"""A PIN from a pinentry program, such as GnuPG's, which asks in a window or on a terminal of its own.

::

    pinentry >  OK greeting               < OPTION ttyname=/dev/pts/1       > OK, or ERR: it does without
             <  SETTITLE, SETDESC, ...    > OK
             <  GETPIN                    > D 1234, then OK; or ERR 83886179 when the user cancels

Guarantees: what the user types is in no text, argument or log; the program gets no PIN and nothing of the card but its
masked number; it has a bounded time, its answers a bounded length, and it ends with the dialogue, whatever it does.
Leaves to its caller: that the program is one to trust.
Source: libassuan's manual, "Server responses"; pinentry's manual, "Protocol"; libgpg-error, gpg-error.h.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from select import POLLIN, POLLOUT, poll
from time import monotonic
from typing import IO, TYPE_CHECKING, Final, Self

from smartcard_dm.errors import PinEntryError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smartcard_dm.agent.pin_entry import PinRequest

DIALOGUE_SECONDS: Final = 120.0
"""Seconds somebody has to type a PIN."""

LINE_OCTETS: Final = 1000
"""Octets of one line, its end not counted. Source: libassuan's manual, "Client requests"."""

ANSWER_OCTETS: Final = 64 * 1024
"""Octets of everything a program may say in one dialogue."""

SLICE_SECONDS: Final = 0.1
"""Seconds until it is looked at whether the answer is still needed."""

END_SECONDS: Final = 2.0
"""Seconds a program has to end by itself, and to leave its terminal in order, before it is killed."""

CANCELLED: Final = frozenset({99, 62, 83, 114})
"""Codes of "cancelled", "timeout", "fully cancelled" and "not confirmed". Source: libgpg-error, gpg-error.h."""

_CODE_MASK: Final = 0xFFFF
_ERROR: Final = re.compile(rb"ERR (\d{1,10})(?: .*)?", re.DOTALL)
_ESCAPED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_SHOWN_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class PinentryProgram:
    """A pinentry program and where it shows itself."""

    command: tuple[str, ...]
    """The program and its arguments; nothing is added to them."""
    tty: str | None = None
    """The terminal a program without a window uses, such as /dev/pts/1."""
    terminal_type: str | None = None
    """The kind of that terminal, such as xterm."""
    seconds: float = DIALOGUE_SECONDS
    """How long it may take."""

    @classmethod
    def here(cls, program: str, environment: Mapping[str, str]) -> PinentryProgram:
        """Return a program that uses the terminal that GPG_TTY names, or else the one of this process."""
        tty = environment.get("GPG_TTY")
        for descriptor in (0, 1, 2):
            if not tty and os.isatty(descriptor):
                tty = os.ttyname(descriptor)
        return cls((program,), tty or None, environment.get("TERM") or None)


class PinentryPin:
    """Asks for a PIN by running a pinentry program for each question."""

    is_interactive = True

    def __init__(self, program: PinentryProgram) -> None:
        self._program = program

    def get(self, request: PinRequest, interrupted: Callable[[], bool]) -> Secret | None:
        """Return what was typed, or None when the user cancelled, typed nothing, or nobody needs it any more.

        Raises:
            PinEntryError: the program is missing, ended, says what it should not, or took too long.
        """
        with _Dialogue(self._program, interrupted) as dialogue:
            return dialogue.ask(request)


class _InterruptedError(Exception):
    """Nobody needs the answer any more."""


class _Dialogue:
    """One run of the program."""

    def __init__(self, program: PinentryProgram, interrupted: Callable[[], bool]) -> None:
        self._program = program
        self._name = os.path.basename(program.command[0])  # noqa: PTH119 - a name, not a path to go on with
        self._interrupted = interrupted
        self._deadline = monotonic() + program.seconds
        self._received = bytearray()
        self._octets = 0
        self._process = self._started(program.command)
        self._input: IO[bytes] = _pipe(self._process.stdin)
        self._output: IO[bytes] = _pipe(self._process.stdout)
        os.set_blocking(self._input.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._input, self._output):
            try:
                pipe.close()
            except OSError:  # it ended before it took everything
                continue
        # Its input has ended, so a program in order ends; a curses one gives its terminal back when it is asked to.
        for end in (None, self._process.terminate, self._process.kill):
            if end is not None:
                end()
            try:
                self._process.wait(END_SECONDS if end is not None else SLICE_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def ask(self, request: PinRequest) -> Secret | None:
        try:
            self._expect_greeting()
            self._settings(request)
            return self._answer()
        except _InterruptedError:
            return None

    def _started(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        try:
            # A session of its own: with ours, reading the terminal could stop it, as it does any background job.
            return subprocess.Popen(  # noqa: S603 - the program that the user named
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "its name has a NUL"
            raise PinEntryError(f"pinentry program {self._name} cannot be started: {reason}") from error

    def _expect_greeting(self) -> None:
        if not self._line().startswith(b"OK"):
            raise self._strange("no greeting")

    def _settings(self, request: PinRequest) -> None:
        options = {"ttyname": self._program.tty, "ttytype": self._program.terminal_type, "lc-ctype": "C.UTF-8"}
        for name, value in options.items():
            if value is not None:
                self._command(f"OPTION {name}={value}", needed=False)
        self._command(f"SETTIMEOUT {max(1, int(self._program.seconds))}", needed=False)
        self._command(f"SETTITLE {_escaped('Card PIN')}", needed=False)
        self._command(f"SETDESC {_escaped(_description(request))}", needed=True)
        self._command(f"SETPROMPT {_escaped('PIN:')}", needed=False)
        if request.refused:
            self._command(f"SETERROR {_escaped(request.refused)}", needed=False)

    def _command(self, line: str, *, needed: bool) -> None:
        self._send(line)
        answer = self._status()
        if needed and not answer.startswith(b"OK"):
            raise self._strange("a command was refused")

    def _answer(self) -> Secret | None:
        self._send("GETPIN")
        typed = bytearray()
        while True:
            line = self._line()
            if line.startswith(b"D "):
                typed += _unescaped(line[2:])
                continue
            if line.startswith((b"S ", b"#")):
                continue
            if line.startswith(b"OK"):
                return Secret(bytes(typed)) if typed else None
            error = _ERROR.fullmatch(line)
            if error is None:
                raise self._strange("an answer that is none")
            code = int(error[1]) & _CODE_MASK
            if code in CANCELLED:
                return None
            raise PinEntryError(f"pinentry program {self._name} failed with code {code}")

    def _status(self) -> bytes:
        while (line := self._line()).startswith((b"S ", b"#")):
            pass
        if not line.startswith((b"OK", b"ERR ")):
            raise self._strange("an answer that is none")
        return line

    def _send(self, line: str) -> None:
        octets = line.encode() + b"\n"
        while octets:
            self._wait(write=True)
            try:
                octets = octets[os.write(self._input.fileno(), octets) :]
            except OSError as error:
                raise self._strange("it ended") from error

    def _line(self) -> bytes:
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > LINE_OCTETS or self._octets > ANSWER_OCTETS:
                raise self._strange("too long an answer")
            self._wait(write=False)
            received = os.read(self._output.fileno(), LINE_OCTETS)
            if not received:
                raise self._strange("it ended")
            self._octets += len(received)
            self._received += received
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        if len(line) > LINE_OCTETS:
            raise self._strange("too long an answer")
        return line.removesuffix(b"\r")

    def _wait(self, *, write: bool) -> None:
        waiting = poll()  # which, other than select, has no highest descriptor
        waiting.register(self._input if write else self._output, POLLOUT if write else POLLIN)
        while True:
            if self._interrupted():
                raise _InterruptedError
            left = self._deadline - monotonic()
            if left <= 0:
                raise PinEntryError(f"pinentry program {self._name} gave no PIN in {self._program.seconds:g} s")
            if waiting.poll(1000 * min(SLICE_SECONDS, left)):
                return

    def _strange(self, what: str) -> PinEntryError:
        return PinEntryError(f"pinentry program {self._name} does not do as one: {what}")


def _description(request: PinRequest) -> str:
    # The last digits are enough to tell two cards apart, and no more than the program needs to know.
    card = f"card ...{request.card[-_SHOWN_DIGITS:]}" if request.card else "the card"
    lines = [f"PIN of {card}"]
    if request.reason != request.refused:  # that is shown as the error
        lines.append(request.reason)
    if request.tries_left is not None:
        lines.append(("one try" if request.tries_left == 1 else f"{request.tries_left} tries") + " left")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Return text as an argument: without octets that end a line, and no longer than one."""
    octets = b"".join(
        b"%%%02X" % each if each < 0x20 or each == 0x25 else bytes([each]) for each in text.encode(errors="replace")
    )
    if len(octets) > LINE_OCTETS // 2:
        # Cut where no escape and no character is cut.
        return _escaped(text[: len(text) // 2])
    return octets.decode()


def _unescaped(octets: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), octets)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise PinEntryError("the pinentry program has no pipe")
    return stream
