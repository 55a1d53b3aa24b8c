"""The process that listens and holds nothing else: `apart.ListenerProcess` starts it.

Guarantees: a document is handed over before its sender is told that it is taken; at most `Limits.receive_waiting` are
on their way, and refused envelopes have half of these places. It ends in order when it is told to, by SIGTERM or by
SIGINT, and when the process that judges is gone. Leaves to its caller: everything that follows.
Spec: decision 0033.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import traceback
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.limits import Limits
from smartcard_dm.push.handing import Frame, Frames, Writer, form_frame, frame, read_count, read_form, read_frame
from smartcard_dm.secret import Secret
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from smartcard_dm.errors import EnvelopeError
    from smartcard_dm.push.arrival import Arrival, Inlet, Stop

_WITHOUT_DOCUMENT: Final = 2
"""The part of the places that refused envelopes may take: one in so many."""
_AT_ONCE: Final = 1 << 16
_WORDS_OCTETS: Final = 1 << 20
"""Bound of what it is told at the beginning."""
_TAG_KEY_OCTETS: Final = 32
_FAULT: Final = 70


class HandingInlet:
    """An `Inlet` that hands on to another process, and a `Stop` that hears from it.

    Args:
        wire: a stream; nobody else reads it from now on.
        places: how many may be on their way.
        at_most: how many documents and refused envelopes are taken; None for no end.
    """

    def __init__(self, wire: socket.socket, places: int, at_most: int | None) -> None:
        self._wire = wire
        self._frames = Frames(_WORDS_OCTETS)
        self._places = places
        self._left = at_most
        self._used = 0
        self._taking = True
        self._stop = False
        self._writer = Writer()
        self._lock = Lock()
        self.not_taken = 0
        """Documents and refused envelopes there was no room for."""

    def take(self, arrival: Arrival) -> bool:
        """Hand a document on; False when there is no room for it, or nothing is taken any more."""
        with self._lock:
            return self._has_place(self._places) and self._hand_on(self._writer.arrival(arrival))

    def refuse(self, error: EnvelopeError, kind: TransportKind, source: str) -> None:
        """Hand on that an envelope held no document; where there is no room it is only counted."""
        with self._lock:
            if self._has_place(max(1, self._places // _WITHOUT_DOCUMENT)):
                self._hand_on(self._writer.refusal(error, kind, source))

    def is_set(self) -> bool:
        """Whether to end."""
        with self._lock:
            self._hear()
            return self._stop

    def set(self) -> None:
        """End soon; for a signal's handler."""
        self._stop = True

    def _has_place(self, places: int) -> bool:
        if self._used >= places // 2:
            self._hear()
        if not self._taking or self._left == 0:
            return False
        if self._used >= places:
            self.not_taken += 1
            return False
        return True

    def _hand_on(self, octets: bytes) -> bool:
        try:
            self._wire.sendall(octets)  # the other process always reads: it waits for nothing but its processor
        except OSError:
            self._taking, self._stop = False, True
            return False
        self._used += 1
        if self._left is not None:
            self._left -= 1
        return True

    def _hear(self) -> None:
        while True:
            try:
                octets = self._wire.recv(_AT_ONCE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                octets = b""
            if not octets:
                self._taking, self._stop = False, True
                return
            for kind, payload in self._frames.feed(octets):
                if kind is Frame.ROOM:
                    self._used -= read_count(payload)
                elif kind is Frame.STOP:
                    self._stop = True
                    self._taking = self._taking and not read_count(payload)


def main(wire_number: int, listening_number: int) -> NoReturn:
    """Listen, as it is told over one descriptor, on another."""
    wire, listening = socket.socket(fileno=wire_number), socket.socket(fileno=listening_number)
    told_to_end: list[bool] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_end.append(True))
    code = 0
    try:
        with listening:
            _run(wire, listening, told_to_end)
    except Exception as error:  # noqa: BLE001 - the last resort: told to the other process, without a traceback
        if os.environ.get("SMARTCARD_DM_TRACEBACK"):
            traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        _tell(wire, form_frame(Frame.FAULT, f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"))
        code = _FAULT
    wire.close()
    sys.exit(code)


def _run(wire: socket.socket, listening: socket.socket, told_to_end: list[bool]) -> None:
    setup = _word(wire, Frame.SETUP)
    if setup is None:
        return
    limits = Limits(**setup["limits"])
    try:
        context = None if setup["tls"] is None else _context(setup["tls"])
    except KeyMaterialError as error:
        _tell(wire, form_frame(Frame.UNUSABLE, str(error)))
        return
    serve = _server(setup, context, limits)
    _tell(wire, frame(Frame.LOADED))
    go = _word(wire, Frame.GO)
    if go is None:
        return
    inlet = HandingInlet(wire, limits.receive_waiting, go["at_most"])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inlet.set())
    if told_to_end:
        inlet.set()
    serve(listening, inlet, inlet, lambda host, port: _tell(wire, form_frame(Frame.LISTENING, [host, port])))
    _tell(wire, form_frame(Frame.ENDED, inlet.not_taken))


def _server(
    setup: dict[str, Any], context: ssl.SSLContext | None, limits: Limits
) -> Callable[[socket.socket, Inlet, Stop, Callable[[str, int], None]], None]:
    """Return what listens; only that is imported."""
    if setup["kind"] == TransportKind.HTTP.value:
        from smartcard_dm.push.http_server import HttpListener, serve_http  # noqa: PLC0415 - one of two

        http = HttpListener(tls=context, path=setup["path"], limits=limits, loop=setup["loop"])
        return lambda listening, inlet, stop, ready: serve_http(http, listening, inlet, stop, ready)
    from smartcard_dm.push.sip_server import SipListener, serve_sip  # noqa: PLC0415 - same

    sip = SipListener(tls=context, tag_key=secrets.token_bytes(_TAG_KEY_OCTETS), limits=limits)
    return lambda listening, inlet, stop, ready: serve_sip(
        sip, listening, inlet, stop, lambda peer: ready(peer.host, peer.port)
    )


def _context(files: dict[str, Any]) -> ssl.SSLContext:
    from smartcard_dm.push.tls import server_context  # noqa: PLC0415 - not in the clear

    passphrase = files["passphrase"]
    return server_context(
        files["certificate"],
        files["key"],
        client_ca=files["client_ca"],
        required=files["required"],
        passphrase=None if passphrase is None else Secret(bytes.fromhex(passphrase)),
    )


def _word(wire: socket.socket, wanted: Frame) -> dict[str, Any] | None:
    """Return what it is told next; None when the other process is gone."""
    found = read_frame(wire, _WORDS_OCTETS)
    if found is None:
        return None
    form = read_form(found[1])
    if found[0] is not wanted or not isinstance(form, dict):
        raise RuntimeError(f"{found[0].name} where {wanted.name} was to be")
    return form


def _tell(wire: socket.socket, octets: bytes) -> None:
    try:
        wire.sendall(octets)
    except OSError:  # the other process is gone
        return
