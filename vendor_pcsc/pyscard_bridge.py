"""The card in a real reader, through pyscard, as a `CardConnection`.

Guarantees: importing this module needs no pyscard; using it without pyscard is a `ReaderError` with the remedy. No
exception of pyscard passes, and no error text holds octets of a command or an answer. Nothing waits without a bound,
save where stated. Nothing is cleaned up by the garbage collector: who opens, closes.
Leaves to its caller: GET RESPONSE after 61xx and repetition after 6Cxx; drivers that do it themselves are fine.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from vendor_pcsc.errors import BridgeError, CardRemovedError, TransmitError
from vendor_pcsc.pcsc_service import (
    BUSY,
    FAILED_EXCHANGES,
    NO_CARD,
    PROTOCOL_MISMATCH,
    PcscContext,
    PcscService,
    ReaderBusyError,
    result_error,
)
from vendor_pcsc.quirks import Adjustment, adjustment_for

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS: Final = 3.0
"""Seconds a connection may take beside the caller's wait: powering up a slow card takes up to two."""

REMOVAL_SECONDS: Final = 1.0
"""Seconds to wait, after a failed exchange, for the service to notice that the card is gone; it polls every 0.4."""

POLL_SECONDS: Final = 0.02
"""Seconds between two looks at a busy reader."""

_SHORT_DATA: Final = 5
"""Octets before the data of a short command: CLA INS P1 P2 Lc."""


def offered_protocols(atr: bytes) -> tuple[int, ...]:
    """Return the transmission protocols an ATR offers (0 and 1), T=0 first whatever the ATR's order.

    T=0 is preferred because every subscriber card has it and readers' own choice differs from platform to platform
    (TS 102 221, 7.2.1 demands T=0; osmocom pySim decides the same way from the ATR). An ATR without TD1 is T=0.
    A cut ATR is read as far as it goes. Spec: ISO/IEC 7816-3, 8.2.3.
    """
    offered: set[int] = set()
    indicator = atr[1] if len(atr) > 1 else 0
    position = 2
    while indicator & 0x80:
        position += (indicator >> 4).bit_count()
        if position > len(atr):
            break
        indicator = atr[position - 1]
        offered.add(indicator & 0x0F)
    return tuple(protocol for protocol in (0, 1) if protocol in offered) or (0,)


def t0_command(apdu: bytes) -> bytes:
    """Return a short command as T=0 carries it: P3 00 for a header alone, Le dropped after command data.

    Spec: ISO/IEC 7816-3, 12.2; TS 102 221, 7.3.1.1. Drivers that exchange whole APDUs take this form too.
    """
    if len(apdu) == 4:
        return apdu + b"\x00"
    if len(apdu) > _SHORT_DATA and len(apdu) == _SHORT_DATA + apdu[4] + 1:
        return apdu[:-1]
    return apdu


def is_extended(apdu: bytes) -> bool:
    """Return whether a command has extended lengths. Spec: ISO/IEC 7816-4, 5.2."""
    return len(apdu) > _SHORT_DATA + 1 and apdu[4] == 0


def opens_channel(apdu: bytes) -> bool:
    """Return whether a command is MANAGE CHANNEL, open. Spec: TS 102 221, 11.1.17."""
    return apdu[0] & 0x80 == 0 and apdu[1:3] == b"\x70\x00"


class PcscConnection:
    """A `CardConnection` to the card in one reader; to be used by one thread at a time.

    Connects shared unless told otherwise. The protocol is T=0 where the ATR offers it (see `offered_protocols`); when
    another program runs the card with the other one already, that one is used. Under T=0, and through a reader that
    is listed for it, a command with extended lengths is answered 6700 without asking the card, as a card without them
    answers. 61xx and 6Cxx are handed up as they come. Closing leaves a shared card powered, as the other programs
    expect: what was verified stays verified until the card is reset or the service powers it down (pcscd does so some
    seconds after its last user). Closing an exclusive connection resets the card.

    Args:
        reader: the reader's whole name.
        exclusive: whether no other program may use the reader meanwhile.
        wait_seconds: seconds to wait, each time, while another program holds the reader; 0 tries once.

    Raises:
        ReaderError: pyscard is missing, the service is not running, the reader is unknown or busy.
        CardRemovedError: there is no card in the reader.
        TransmitError: the card does not answer.
    """

    def __init__(self, reader: str, *, exclusive: bool = False, wait_seconds: float = 0.0) -> None:
        self._name = reader
        self._exclusive = exclusive
        self._wait_seconds = wait_seconds
        self._adjustment = adjustment_for(reader)
        self._depth = 0
        opened = _open(reader, exclusive=exclusive, wait_seconds=wait_seconds)
        self._context: PcscContext | None = opened.context
        self._card = opened.card
        self._protocol = opened.protocol
        self._atr = opened.atr

    def __repr__(self) -> str:
        return f"PcscConnection({self._name!r})"

    @property
    def atr(self) -> bytes:
        """The answer to the last reset this connection knows of."""
        return self._atr

    @property
    def name(self) -> str:
        """The reader's name."""
        return self._name

    @property
    def protocol(self) -> str:
        """The transmission protocol in use: `T=0` or `T=1`."""
        return f"T={0 if self._is_t0 else 1}"

    @property
    def adjustment(self) -> Adjustment:
        """What the table of quirks says about this reader."""
        return self._adjustment

    def transmit(self, apdu: bytes) -> bytes:
        """Send one command APDU and return the response APDU.

        Raises:
            TransmitError: the connection is closed, the command has less than 4 octets, or the exchange failed.
            CardRemovedError: the card was removed, lost power, or was reset by another program.
            ReaderError: the reader or the service is gone, or another program holds the card.
        """
        service = self._open_context().service
        if len(apdu) < 4:
            # One octet would be taken for a control octet by the driver of virtual readers.
            raise TransmitError(f"{self._name}: a command has at least 4 octets, this one {len(apdu)}")
        if not self._adjustment.logical_channels and opens_channel(apdu):
            return b"\x68\x81"
        if is_extended(apdu) and (self._is_t0 or not self._adjustment.extended_length):
            return b"\x67\x00"
        octets = list(t0_command(apdu) if self._is_t0 else apdu)
        header = service.constant("SCARD_PCI_T0" if self._is_t0 else "SCARD_PCI_T1")
        self._await_free()
        code, values = service.attempt(self._name, "SCardTransmit", self._card, header, octets)
        if code:
            raise self._lost() if code in FAILED_EXCHANGES and self._card_left() else service.error(code, self._name)
        response = bytes(values[0])
        if len(response) < 2:
            if self._card_left():
                raise self._lost()
            raise TransmitError(f"{self._name}: an answer has at least 2 octets, this one {len(response)}")
        return response

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the card for one logical unit; may be nested, the outermost one counts.

        A reader held by another program is waited for as long as the connection was told to. Should one more program
        take it in the instant between that wait and our own hold, the library waits for that one, too.

        Raises:
            TransmitError: the connection is closed.
            CardRemovedError: the card was removed, lost power, or was reset by another program.
            ReaderError: the reader or the service is gone, or another program holds the card.
        """
        service = self._open_context().service
        if self._depth == 0:
            self._await_free()
            service.call(self._name, "SCardBeginTransaction", self._card)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._end_transaction()

    def reset(self) -> bytes:
        """Reset the card (warm), return its ATR, and take part again after another program's reset.

        Raises:
            TransmitError: the connection is closed, or the card does not answer.
            CardRemovedError: the card was removed.
            ReaderError: the reader or the service is gone, or another program holds the card.
        """
        context = self._open_context()
        service = context.service
        self._await_free()
        both = service.constant("SCARD_PROTOCOL_T0") | service.constant("SCARD_PROTOCOL_T1")
        share = _share(service, exclusive=self._exclusive)
        action = service.constant("SCARD_RESET_CARD")
        code, values = PROTOCOL_MISMATCH, list[int]()
        for protocol in (self._protocol, both):
            code, values = service.attempt(self._name, "SCardReconnect", self._card, share, protocol, action)
            if code != PROTOCOL_MISMATCH:
                break
        if code:
            raise self._lost() if code in FAILED_EXCHANGES and self._card_left() else service.error(code, self._name)
        self._protocol = int(values[0])
        self._atr = context.state(self._name).atr
        return self._atr

    def close(self) -> None:
        """Leave the card and end an open transaction; closing twice is allowed."""
        context, self._context = self._context, None
        if context is None:
            return
        disposition = "SCARD_RESET_CARD" if self._exclusive else "SCARD_LEAVE_CARD"
        leave = context.service.constant("SCARD_LEAVE_CARD")
        # What cannot be given back is gone already: the service ended, or the card left.
        with suppress(BridgeError):
            if self._depth:
                context.service.attempt(self._name, "SCardEndTransaction", self._card, leave)
            context.service.attempt(self._name, "SCardDisconnect", self._card, context.service.constant(disposition))
        context.release()

    @property
    def _is_t0(self) -> bool:
        return self._protocol == 1

    def _open_context(self) -> PcscContext:
        if self._context is None:
            raise TransmitError(f"{self._name}: the connection is closed")
        return self._context

    def _end_transaction(self) -> None:
        if self._context is None:
            return
        service = self._context.service
        # A hold that cannot be ended has ended: the card, the reader or the service is gone. The next command tells.
        with suppress(BridgeError):
            service.attempt(self._name, "SCardEndTransaction", self._card, service.constant("SCARD_LEAVE_CARD"))

    def _await_free(self) -> None:
        """Wait until no other program is in a transaction, by a question the service refuses meanwhile.

        SCardBeginTransaction, SCardTransmit, SCardReconnect and SCardStatus would wait without a bound.
        """
        if self._exclusive or self._depth:
            return
        service = self._open_context().service
        attribute = service.constant("SCARD_ATTR_DEVICE_FRIENDLY_NAME")
        deadline = monotonic() + self._wait_seconds
        while True:
            code, _ = service.attempt(self._name, "SCardGetAttrib", self._card, attribute)
            if code != BUSY:
                return
            if monotonic() >= deadline:
                raise service.error(code, self._name)
            sleep(POLL_SECONDS)

    def _lost(self) -> BridgeError:
        return CardRemovedError(f"{self._name}: the card was removed")

    def _card_left(self) -> bool:
        """Return whether the card is gone, giving the service the time to notice.

        Raises:
            ReaderError: the reader or the service is gone, too.
        """
        context = self._open_context()
        present = context.service.constant("SCARD_STATE_PRESENT")
        deadline = monotonic() + REMOVAL_SECONDS
        while context.state(self._name).flags & present:
            if monotonic() >= deadline:
                return False
            sleep(POLL_SECONDS)
        return True


# Connecting within a bound -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Opened:
    context: PcscContext
    card: int
    protocol: int
    atr: bytes

    def give_back(self) -> None:
        leave = self.context.service.constant("SCARD_LEAVE_CARD")
        with suppress(BridgeError):
            self.context.service.attempt("PC/SC", "SCardDisconnect", self.card, leave)
        self.context.release()


class _Attempt:
    """One connection attempt in a thread of its own: the service may hold it up, and offers no way to take it back.

    An attempt that is given up cleans up after itself when the service lets it go.
    """

    def __init__(self, reader: str, *, exclusive: bool) -> None:
        self._reader = reader
        self._exclusive = exclusive
        self._lock = Lock()
        self._done = Event()
        self._given_up = False
        self._opened: _Opened | None = None
        self._error: BridgeError | None = None
        Thread(target=self._run, name=f"connect {reader}", daemon=True).start()

    def result(self, seconds: float) -> _Opened:
        """Return the connection; raises ReaderBusyError when it does not come in time."""
        if not self._done.wait(seconds):
            with self._lock:
                self._given_up = not self._done.is_set()
            if self._given_up:
                raise result_error(BUSY, self._reader)
        if self._error is not None:
            raise self._error
        if self._opened is None:
            raise TransmitError(f"{self._reader}: the connection attempt ended without a result")
        return self._opened

    def _run(self) -> None:
        opened: _Opened | None = None
        try:
            opened = _connect(self._reader, exclusive=self._exclusive)
        except BridgeError as error:
            self._error = error
        finally:
            with self._lock:
                if not self._given_up:
                    self._opened, opened = opened, None
                self._done.set()
            if opened is not None:
                opened.give_back()


def _open(reader: str, *, exclusive: bool, wait_seconds: float) -> _Opened:
    deadline = monotonic() + wait_seconds
    while True:
        left = max(0.0, deadline - monotonic())
        try:
            return _Attempt(reader, exclusive=exclusive).result(left + CONNECT_SECONDS)
        except ReaderBusyError:
            if monotonic() >= deadline:
                raise
        sleep(POLL_SECONDS)


def _connect(reader: str, *, exclusive: bool) -> _Opened:
    context = PcscContext()
    try:
        service = context.service
        state = context.state(reader)
        if not state.flags & service.constant("SCARD_STATE_PRESENT"):
            raise service.error(NO_CARD, reader)  # noqa: TRY301 - the context is given back in one place
        protocols = [service.constant(f"SCARD_PROTOCOL_T{each}") for each in offered_protocols(state.atr)]
        # A card in use keeps its protocol; take that one when ours is refused.
        protocols.append(service.constant("SCARD_PROTOCOL_T0") | service.constant("SCARD_PROTOCOL_T1"))
        card, protocol = context.connect(reader, _share(service, exclusive=exclusive), protocols)
        return _Opened(context, card, protocol, context.state(reader).atr)
    except BaseException:
        context.release()
        raise


def _share(service: PcscService, *, exclusive: bool) -> int:
    return service.constant("SCARD_SHARE_EXCLUSIVE" if exclusive else "SCARD_SHARE_SHARED")
