"""The PC/SC service through pyscard, and the one map of its errors.

::

    PcscService (pyscard, every error mapped) -> PcscContext (readers, states) -> pyscard_bridge (one card)

Guarantees: importing this module needs no pyscard; using it without pyscard is a `ReaderError` with the remedy. No
exception of pyscard passes, and no error text holds octets of a command or an answer.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vendor_pcsc.errors import BridgeError, CardRemovedError, ReaderError, TransmitError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType, TracebackType
    from typing import Self

MAX_HOLDERS: Final = 5
"""Programs named in the error about a busy reader; a line has to stay readable."""


class ReaderBusyError(ReaderError):
    """Another program holds the reader; waiting may help."""


class UnknownReaderError(ReaderError):
    """The service knows no reader of this name, or knows it no more."""


# Error map -----------------------------------------------------------------------------------------------------------

BUSY: Final = 0x8010000B
NO_CARD: Final = 0x8010000C
_TIMEOUT: Final = 0x8010000A
PROTOCOL_MISMATCH: Final = 0x8010000F
_NO_READERS: Final = 0x8010002E
FAILED_EXCHANGES: Final = frozenset({0x80100016, 0x80100013, 0x8010002F})
"""Not transacted, communication error, data lost: also what a driver says when the card was pulled."""

RESULT_ERRORS: Final[dict[int, tuple[type[BridgeError], str]]] = {
    0x80100003: (ReaderError, "the PC/SC service forgot this connection, it was restarted: connect again"),
    0x80100009: (UnknownReaderError, "no such reader: is it plugged in?"),
    BUSY: (ReaderBusyError, "the reader is busy"),
    NO_CARD: (CardRemovedError, "no card in the reader: insert one"),
    0x80100010: (ReaderError, "the reader is not ready"),
    0x80100012: (ReaderError, "the PC/SC service cancelled the request"),
    0x80100017: (ReaderError, "the reader is not available: was it unplugged?"),
    0x80100018: (ReaderError, "the PC/SC service is shutting down"),
    0x8010001A: (ReaderError, "the PC/SC service does not support this reader"),
    0x8010001B: (ReaderError, "the PC/SC service knows two readers of this name"),
    0x8010001D: (ReaderError, "the PC/SC service is not running: start pcscd (systemctl start pcscd.socket)"),
    0x8010001E: (ReaderError, "the PC/SC service was stopped: start pcscd (systemctl start pcscd.socket)"),
    0x80100027: (ReaderError, "the PC/SC service refuses access to this user"),
    0x8010002B: (ReaderError, "the PC/SC service is not recognised"),
    0x8010002E: (ReaderError, "no reader is attached"),
    0x80100031: (ReaderError, "the PC/SC service is too busy"),
    0x80100066: (TransmitError, "the card does not answer to reset: clean it, or turn it round"),
    0x80100067: (CardRemovedError, "the card lost power"),
    0x80100068: (CardRemovedError, "the card was reset by another program"),
    0x80100069: (CardRemovedError, "the card was removed"),
    0x8010006A: (ReaderError, "the PC/SC service refuses access to this user"),
}
"""Result of a PC/SC call -> error and what to say. Source: PC/SC part 5 and the header files of pcsc-lite.

Whatever is not listed is a `TransmitError` with the library's own text.
"""

FOREIGN_ERRORS: Final[dict[str, type[BridgeError]]] = {
    # smartcard.Exceptions
    "SmartcardException": TransmitError,
    "CardConnectionException": TransmitError,
    "CardRequestException": TransmitError,
    "CardRequestTimeoutException": CardRemovedError,
    "CardServiceException": TransmitError,
    "CardServiceStoppedException": TransmitError,
    "CardServiceNotFoundException": TransmitError,
    "InvalidATRMaskLengthException": TransmitError,
    "InvalidReaderException": ReaderError,
    "ListReadersException": ReaderError,
    "NoCardException": CardRemovedError,
    "NoReadersException": ReaderError,
    # smartcard.pcsc.PCSCExceptions
    "BaseSCardException": TransmitError,
    "AddReaderToGroupException": ReaderError,
    "EstablishContextException": ReaderError,
    "IntroduceReaderException": ReaderError,
    "ReleaseContextException": ReaderError,
    "RemoveReaderFromGroupException": ReaderError,
    # smartcard.reader.ReaderGroups
    "BadReaderGroupException": ReaderError,
    # smartcard.sw.SWExceptions, of services this bridge does not use
    "SWException": TransmitError,
    "CheckingErrorException": TransmitError,
    "ExecutionErrorException": TransmitError,
    "SecurityRelatedException": TransmitError,
    "WarningProcessingException": TransmitError,
    # smartcard.scard
    "error": TransmitError,
}
"""Exception class of pyscard -> error, for those that carry no result known to `RESULT_ERRORS`."""


def result_error(code: int, place: str, text: str = "") -> BridgeError:
    """Return the error for the result of a PC/SC call; `place` names the reader, `text` is the library's own."""
    code &= 0xFFFFFFFF
    if code == BUSY:
        return ReaderBusyError(f"{place}: {_busy_text()}")
    kind, said = RESULT_ERRORS.get(code, (TransmitError, text or "the exchange failed"))
    return kind(f"{place}: {said} (PC/SC {code:08X})")


def foreign_error(error: Exception, place: str) -> BridgeError:
    """Return the error for an exception of pyscard: by its result where that is known, else by its class."""
    code = getattr(error, "hresult", -1)
    if isinstance(code, int) and code & 0xFFFFFFFF in RESULT_ERRORS:
        return result_error(code, place)
    names = (each.__name__ for each in type(error).__mro__)
    kind = next((FOREIGN_ERRORS[name] for name in names if name in FOREIGN_ERRORS), TransmitError)
    return kind(f"{place}: {type(error).__name__} in the PC/SC library")


def _busy_text() -> str:
    holders = possible_holders()
    who = ", ".join(holders) if holders else "often the scdaemon of GnuPG, a modem manager or a browser"
    return f"the reader is held by another program (it may be: {who}); end it, or wait"


def possible_holders(proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return other programs that have the PC/SC library loaded, as `name (process id)`; empty where it is not told."""
    found: list[str] = []
    with suppress(OSError):
        for process in sorted(proc.iterdir(), key=lambda each: each.name):
            if not process.name.isdigit() or process.samefile(proc / "self"):
                continue
            with suppress(OSError):
                if b"libpcsclite.so" in (process / "maps").read_bytes():
                    found.append(f"{(process / 'comm').read_text(encoding='utf-8').strip()} ({process.name})")
    return tuple(found[:MAX_HOLDERS])


# The service ---------------------------------------------------------------------------------------------------------


class PcscService:
    """pyscard's functions with every exception and every result mapped.

    Raises:
        ReaderError: pyscard, or the PC/SC library it needs, is not installed.
    """

    def __init__(self) -> None:
        try:
            self._scard: ModuleType = import_module("smartcard.scard")
        except Exception as error:
            raise ReaderError(
                "PC/SC readers need pyscard and the PC/SC library: pip install smartcard-dm[pcsc]"
                + ("" if isinstance(error, ModuleNotFoundError) else f" ({type(error).__name__} while loading it)")
            ) from error

    def constant(self, name: str) -> int:
        """Return one of the library's constants."""
        return int(getattr(self._scard, name))

    def attempt(self, place: str, function: str, *arguments: object) -> tuple[int, list[Any]]:
        """Call a function and return its result, 0 for success, and what came with it.

        Raises:
            BridgeError: the library raised.
        """
        try:
            answer = getattr(self._scard, function)(*arguments)
        except Exception as error:
            raise foreign_error(error, place) from error
        if isinstance(answer, int):
            return answer & 0xFFFFFFFF, []
        return int(answer[0]) & 0xFFFFFFFF, list(answer[1:])

    def error(self, code: int, place: str) -> BridgeError:
        """Return the error for a result other than 0, with the library's own text where ours says nothing."""
        text = ""
        if code not in RESULT_ERRORS:
            with suppress(Exception):
                text = str(self._scard.SCardGetErrorMessage(code)).rstrip(". ")
        return result_error(code, place, text)

    def call(self, place: str, function: str, *arguments: object) -> list[Any]:
        """Call a function and return what came with its success.

        Raises:
            BridgeError: the library raised, or the result is not success.
        """
        code, values = self.attempt(place, function, *arguments)
        if code:
            raise self.error(code, place)
        return values


@dataclass(frozen=True, slots=True)
class SlotState:
    """What the service says about one reader."""

    name: str
    """The reader's name."""

    flags: int
    """The event state: flags in the low 16 bits, in the high ones how often a card came or went."""

    atr: bytes
    """The card's answer to reset; empty without one."""


class PcscContext:
    """A context of the PC/SC service; a context manager, not to be shared between threads.

    Raises:
        ReaderError: pyscard is not installed, or the service is not running.
    """

    def __init__(self) -> None:
        self.service = PcscService()
        scope = self.service.constant("SCARD_SCOPE_USER")
        (self._handle,) = self.service.call("PC/SC", "SCardEstablishContext", scope)
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the context back; doing it twice, or after the service ended, is allowed."""
        if self._open:
            self._open = False
            with suppress(BridgeError):
                self.service.attempt("PC/SC", "SCardReleaseContext", self._handle)

    def readers(self) -> tuple[str, ...]:
        """Return the names of all readers, in the service's order.

        Raises:
            ReaderError: the service ended.
        """
        code, values = self.service.attempt("PC/SC", "SCardListReaders", self._handle, [])
        if code == _NO_READERS:
            return ()
        if code:
            raise self.service.error(code, "PC/SC")
        return tuple(values[0])

    def states(self, known: Iterable[tuple[str, int]], *, wait_seconds: float = 0.0) -> tuple[SlotState, ...] | None:
        """Return the states of readers once one differs from the flags known; None when the wait is over before.

        Raises:
            UnknownReaderError: a reader is gone.
            ReaderError: the service ended.
        """
        asked = list(known)
        code, values = self.service.attempt(
            "PC/SC", "SCardGetStatusChange", self._handle, int(wait_seconds * 1000), asked
        )
        if code == _TIMEOUT:
            return None
        if code:
            raise self.service.error(code, asked[0][0] if len(asked) == 1 else "PC/SC")
        return tuple(SlotState(name, int(flags) & 0xFFFFFFFF, bytes(atr)) for name, flags, atr in values[0])

    def state(self, reader: str) -> SlotState:
        """Return the present state of one reader.

        Raises:
            ReaderError: the reader is unknown, or the service ended.
        """
        found = self.states([(reader, self.service.constant("SCARD_STATE_UNAWARE"))])
        if not found or found[0].flags & self.service.constant("SCARD_STATE_UNKNOWN"):
            raise UnknownReaderError(f"{reader}: no such reader: is it plugged in?")
        return found[0]

    def connect(self, reader: str, share: int, protocols: Iterable[int]) -> tuple[int, int]:
        """Connect with the first acceptable protocol of those given and return the card's handle and the protocol.

        Blocks while another program is in a transaction: the service itself waits for its end.

        Raises:
            ReaderError: the reader is unknown or busy, or the service ended.
            CardRemovedError: there is no card.
            TransmitError: the card does not answer, or takes none of the protocols.
        """
        code = PROTOCOL_MISMATCH
        for protocol in protocols:
            code, values = self.service.attempt(reader, "SCardConnect", self._handle, reader, share, protocol)
            if not code:
                return int(values[0]), int(values[1])
            if code != PROTOCOL_MISMATCH:
                break
        raise self.service.error(code, reader)
