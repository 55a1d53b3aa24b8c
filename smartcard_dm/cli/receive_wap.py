"""`smartcard-dm receive wap`."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from smartcard_dm.card.subscriber import read_imsi
from smartcard_dm.cli.exits import reported
from smartcard_dm.cli.inputs import INPUT_FILE, STDIN, InputFile
from smartcard_dm.cli.pdu_lines import PduLines
from smartcard_dm.cli.receiving import receiving_options
from smartcard_dm.cli.subscriber_access import IMSI_ADVICE, METHODS, receiver_options
from smartcard_dm.cli.usage import usage_error
from smartcard_dm.cli.wap_options import PLACE
from smartcard_dm.push.mac_checker import MacChecker
from smartcard_dm.push.reassembly import Reassembler
from smartcard_dm.push.sec_mac import MacKeys, SecMethod
from smartcard_dm.push.wap_inlet import WapReceiver
from smartcard_dm.push.wap_push import open_wap_push
from smartcard_dm.push.wap_udp import UdpListener
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    from threading import Event

    from smartcard_dm.card.session import CardSession
    from smartcard_dm.cli.receiving import Receiving
    from smartcard_dm.cli.subscriber_access import SubscriberAccess
    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.push.arrival import Arrival
    from smartcard_dm.receive.receiver import Receiver
    from smartcard_dm.secret import Secret

_ROOM_SECONDS: Final = 0.25
"""How long to wait for room before looking whether to stop."""


@click.command()
@click.argument("file", type=INPUT_FILE, required=False)
@click.option(
    "--udp",
    type=PLACE,
    metavar="HOST[:PORT]",
    help="Listen for datagrams of WSP instead of reading lines; port 0 is any.  [default port: 2948]",
)
@click.option("--tpdu", "without_service_centre", is_flag=True, help="Lines have no service centre in front.")
@click.option(
    "--sec",
    type=click.Choice(METHODS, case_sensitive=False),
    multiple=True,
    metavar="METHOD",
    help=f"Accept this method: {', '.join(METHODS)}; several times for several.  [default: each that the keys allow]",
)
@receiver_options
@receiving_options
def command(
    file: InputFile | None,
    udp: tuple[str, int] | None,
    sec: tuple[str, ...],
    subscriber: SubscriberAccess,
    receiving: Receiving,
    *,
    without_service_centre: bool,
) -> None:
    """Take in WAP pushes, from short messages or datagrams, and judge what is in them.

    FILE has a short message on each line, in hexadecimal with the service centre in front, as +CMT and `push wap --pdu`
    show them; without one it is standard input, read as it comes. What a modem says around them (+CMT: ..., OK) is
    passed over. The parts of a message are put together; one that lacks parts when the input ends is told.

    A push is proved by SEC and MAC: with the IMSI (the card's, or --imsi-env), with the PIN that the user knows, or
    with both. Three wrong MACs in a row end what a PIN proves, until this command is started again.

    Exit: at the end of the input 0 all authorized, 1 one was refused or is not whole, 4 when all that were refused are
    malformed; ended by SIGTERM or SIGINT: 0.

    \b
    Examples:
      smartcard-dm receive wap pdus.txt --card pcsc: --pin-prompt --tree t.db
      smartcard-dm receive wap --udp 127.0.0.1 --tree t.db --imsi-env IMSI
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    if udp is not None and (file is not None or without_service_centre):
        raise usage_error("--udp listens for datagrams: leave FILE and --tpdu out")
    methods = frozenset(SecMethod[name] for name in sec)
    _check_keys(methods, subscriber, receiving)
    with ExitStack() as stack:
        source = _Source.of(udp, file or InputFile(STDIN), stack, with_service_centre=not without_service_centre)
        _receive(source, methods, subscriber, receiving)


def _receive(
    source: _Source, methods: frozenset[SecMethod], subscriber: SubscriberAccess, receiving: Receiving
) -> None:
    given = _keys(subscriber, as_json=receiving.as_json)
    found: list[Secret] = []
    wants_imsi = not methods or any(method.needs_network_key for method in methods)

    def read_card(card: CardSession) -> None:
        if given.network_key is None and wants_imsi:
            found.append(read_imsi(card))

    def listen(receiver: Receiver, stop: Event) -> None:
        keys = given
        if found:
            keys = MacKeys.from_imsi(found[0], user_pin=given.user_pin, user_entry=given.user_entry)
        checker = MacChecker(keys, methods=methods or None, limits=receiving.policy.limits)
        accepted = ", ".join(method.name for method in sorted(methods or keys.methods))
        source.listen(receiver, stop, checker, receiving, accepted)

    receiving.run(TransportKind.WAP, listen, read_card=read_card)


def _keys(subscriber: SubscriberAccess, *, as_json: bool) -> MacKeys:
    """Return what the command line gives; the card is not looked at yet.

    Raises:
        click.UsageError: a PIN or an entry that is none.
    """
    imsi, pin, entry = subscriber.imsi(), subscriber.user_pin(), subscriber.user_entry()
    with reported(as_json=as_json, advice=IMSI_ADVICE):
        try:
            if imsi is None:
                return MacKeys(user_pin=pin, user_entry=entry)
            return MacKeys.from_imsi(imsi, user_pin=pin, user_entry=entry, name="the IMSI given")
        except ValueError as error:
            raise usage_error(str(error)) from error


def _check_keys(methods: frozenset[SecMethod], subscriber: SubscriberAccess, receiving: Receiving) -> None:
    """Refuse a command line with which no push could ever be proved, or not by a method it names.

    Raises:
        click.UsageError: it is one.
    """
    has_imsi = subscriber.has_imsi or receiving.access is not None
    if not methods and not (has_imsi or subscriber.has_user_pin or subscriber.has_user_entry):
        raise usage_error("nothing could prove a push: give --card or --imsi-env, --user-pin-env or --user-entry-env")
    for method in sorted(methods):
        if method.needs_network_key and not has_imsi:
            raise usage_error(f"--sec {method.name} needs an IMSI: give --card, --imsi-env or --imsi-fd")
        if method is SecMethod.USERPINMAC and not subscriber.has_user_entry:
            raise usage_error("--sec USERPINMAC needs what the user enters: give --user-entry-env or --user-entry-fd")
        if method in {SecMethod.USERPIN, SecMethod.USERNETWPIN} and not subscriber.has_user_pin:
            raise usage_error(f"--sec {method.name} needs the user's PIN: give --user-pin-env, -fd or -prompt")


@dataclass(frozen=True, slots=True)
class _Patient:
    """The inlet of a file, which can wait: nothing of it, told or taken, is lost for want of room."""

    receiver: Receiver

    def take(self, arrival: Arrival) -> bool:
        """Take a document, once there is room."""
        self._wait()
        return self.receiver.take(arrival)

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Take note of an envelope, once there is room."""
        self._wait()
        self.receiver.refuse(error, kind, source)

    def _wait(self) -> None:
        while not self.receiver.wait_for_room(_ROOM_SECONDS) and not self.receiver.ended:
            pass


@dataclass(frozen=True, slots=True)
class _Source:
    """Where pushes come from."""

    udp: tuple[str, int] | None
    file: InputFile
    descriptor: int | None
    """Of the file; None for standard input and where there is none."""
    with_service_centre: bool

    @classmethod
    def of(
        cls, udp: tuple[str, int] | None, file: InputFile, stack: ExitStack, *, with_service_centre: bool
    ) -> _Source:
        """Open it, before a card is asked for anything; the stack closes it.

        Raises:
            click.UsageError: it cannot be opened.
        """
        return cls(udp, file, None if udp is not None else _open_file(file, stack), with_service_centre)

    def listen(self, receiver: Receiver, stop: Event, checker: MacChecker, receiving: Receiving, accepted: str) -> None:
        limits = receiving.policy.limits
        open_push = partial(_open, checker, receiving)
        inlet = _Patient(receiver) if self.udp is None else receiver
        wap = WapReceiver(inlet, open_push, Reassembler(limits), limits)
        if self.udp is not None:
            host, port = self.udp
            with UdpListener(wap, limits, host, port) as listener:
                shown = f"[{listener.address[0]}]" if ":" in listener.address[0] else listener.address[0]
                receiving.listening(TransportKind.WAP, f"{shown}:{listener.address[1]}", accepted)
                listener.serve(stop)
                receiver.missed(listener.dropped)
            return
        self._read_lines(stop, wap)
        wap.end()

    def _read_lines(self, stop: Event, wap: WapReceiver) -> None:
        def place() -> str:
            return f"line {lines.number} of {self.file.name}"

        def take(line: str) -> None:
            wap.pdu_line(line, time.monotonic(), with_service_centre=self.with_service_centre, unknown=place())

        def refuse(error: EnvelopeError) -> None:
            wap.refuse(error, place())

        descriptor = sys.stdin.fileno() if self.descriptor is None else self.descriptor
        lines = PduLines(descriptor, take, refuse, lambda: wap.expire(time.monotonic()))
        try:
            lines.read(stop)
        except OSError as error:
            raise usage_error(f"{self.file.name} cannot be read: {error.strerror}") from error


def _open(checker: MacChecker, receiving: Receiving, octets: bytes, source: str) -> Arrival:
    return open_wap_push(octets, checker, source, receiving.policy.limits)


def _open_file(file: InputFile, stack: ExitStack) -> int | None:
    """Return a descriptor of a file, which the stack closes; None for standard input, which is open already.

    Raises:
        click.UsageError: it cannot be opened.
    """
    if file.path == STDIN:
        if sys.stdin is None:
            raise usage_error("standard input is closed: give a file")
        return None
    try:
        # A pipe without a writer is waited for by poll, not here, where no signal would be heeded.
        descriptor = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise usage_error(f"{file.name} cannot be read: {reason}; give a file that can be read") from error
    stack.callback(os.close, descriptor)
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise usage_error(f"{file.name} cannot be read: it is a directory; give a file that can be read")
    return descriptor
