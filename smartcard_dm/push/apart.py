"""A listener in a process of its own, which holds no card, no credentials, no key but its own, and no tree.

The process that faces the network is started afresh, and given: the socket it listens on, the files of its certificate
and key with the password, its bounds, and one end of a socket pair. Its environment holds a few names that say where
programs and libraries are. What it takes comes over the pair; it may have as many documents on their way as there are
places, so that it answers by itself whether there is room.

Guarantees: what the listener answered as taken reaches the drain, whoever ends first, unless this process is the one
that is killed; the listener ends when this process does. What it says is read as the words of a stranger. Leaves to its
caller: a drain that keeps everything, and what is told when the listener is lost.
Spec: decision 0033.
"""

from __future__ import annotations

import dataclasses
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.handing import Frame, Frames, HandingError, Reader, form_frame, read_count, read_form, read_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smartcard_dm.push.arrival import Drain, Stop
    from smartcard_dm.secret import Secret
    from smartcard_dm.trust.transport import TransportKind

_LOOK_SECONDS: Final = 0.1
"""How often it is looked whether to end."""
_START_SECONDS: Final = 60.0
"""How long the listener may take until it has read its key."""
_END_SECONDS: Final = 15.0
"""How long the listener may take to end in order; its connections have a few seconds of these."""
_GATHER_SECONDS: Final = 0.002
"""How long more is left to come before it is read: each look takes the interpreter from the thread that judges."""
_AT_ONCE: Final = 1 << 18
"""Octets that are read at one time."""
_WORDS_OCTETS: Final = 1 << 16
"""Bound of what it says before it listens."""
_PARTS: Final = 16
"""Places are given back in parts: one in so many of them, and all when nothing is left to do."""
_BUFFER: Final = 1 << 22
"""Octets the kernel may hold between the two; it gives what it allows."""
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "OPENSSL_CONF", "OPENSSL_MODULES")
"""All of the environment that the listener sees."""
_OPEN_FILE: Final = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")
_STDERR: Final = 2
_BOOT: Final = (
    "import sys; sys.path[:] = sys.argv[3:]; from smartcard_dm.push.apart_listener import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]))"
)


_PLACED: Final = frozenset((Frame.ARRIVAL, Frame.REFUSED))


class ListenerLostError(Exception):
    """The process that listens is gone, or does not do what it is to do: a fault, not a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What the listener proves itself by; the arguments of `tls.server_context`."""

    certificate: str | Path
    key: str | Path
    client_ca: str | Path | None = None
    required: bool = False
    passphrase: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOrder:
    """What a listener is told to do."""

    kind: TransportKind
    """HTTP or SIP."""
    tls: TlsFiles | None
    """None: in the clear."""
    path: str = "/"
    """Of HTTP."""
    limits: Limits = DEFAULT_LIMITS
    loop: str = "auto"
    """Of HTTP, see `HttpListener`."""

    def form(self) -> dict[str, object]:
        """Return it as plain values; the password of the key is among them."""
        tls = None
        if self.tls is not None:
            secret = self.tls.passphrase
            tls = {
                "certificate": os.fspath(self.tls.certificate),
                "key": os.fspath(self.tls.key),
                "client_ca": None if self.tls.client_ca is None else os.fspath(self.tls.client_ca),
                "required": self.tls.required,
                "passphrase": None if secret is None else secret.reveal().hex(),
            }
        limits = dataclasses.asdict(self.limits)
        return {"kind": self.kind.value, "tls": tls, "path": self.path, "limits": limits, "loop": self.loop}


class ListenerProcess:
    """A listener in another process; use it as a context manager, which ends it.

    Args:
        order: what it is to do.
        listening: a socket that listens; this process no longer has it afterwards.

    Raises:
        KeyMaterialError: its key or certificate cannot be used.
        ListenerLostError: it could not be started.
    """

    def __init__(self, order: ListenerOrder, listening: socket.socket) -> None:
        self._order = order
        self._frames = Frames(order.limits.message_octets)
        self._wire, theirs = socket.socketpair()
        with theirs, listening:
            for end in (self._wire, theirs):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    end.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
            words = (sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), str(listening.fileno()))
            try:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter
                    (*words, *filter(None, sys.path)),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=listener_environment(os.environ),
                    pass_fds=(theirs.fileno(), listening.fileno(), *_open_files(order.tls)),
                )
            except OSError as error:
                self._wire.close()
                raise ListenerLostError(f"it cannot be started: {error.strerror}") from error
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def run(self, drain: Drain, stop: Stop, ready: Callable[[str, int], None], *, at_most: int | None = None) -> None:
        """Put what comes into a drain, until told to stop or until the listener ends by itself.

        Args:
            drain: gets everything the listener takes.
            stop: ends the listener when it is set; all that it answered as taken has then been put into the drain.
            ready: called once, with host and port that are listened on.
            at_most: how many documents and refused envelopes are taken; None for no end.

        Raises:
            ListenerLostError: it ended out of order; what came before is in the drain.
        """
        places = _Places(self._wire, self._order.limits.receive_waiting)
        drain.when_done(places.free)
        ending = _Ending(stop, lambda: places.say(form_frame(Frame.STOP, int(drain.ended))))
        reader = Reader(self._order.kind, self._order.limits.message_octets)
        self._send(form_frame(Frame.GO, {"at_most": at_most}))
        try:
            for kind, payload in self._heard(ending.look):
                if kind is Frame.LISTENING:
                    ready(*_address(payload))
                elif kind is Frame.ENDED:
                    drain.missed(read_count(payload))
                    return
                else:
                    if kind in _PLACED:
                        places.use()
                    _put(drain, reader, kind, payload)
        except HandingError as error:
            raise ListenerLostError(f"it sent {error}") from error
        finally:
            places.end()
        raise ListenerLostError(self._how_it_ended())

    def close(self) -> None:
        """End the process, by force when it does not end by itself."""
        self._wire.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self) -> None:
        """Hand over what it is to do, and wait until it has read its key."""
        self._wire.settimeout(_START_SECONDS)
        self._send(form_frame(Frame.SETUP, self._order.form()))
        try:
            found = read_frame(self._wire, _WORDS_OCTETS)
        except (OSError, HandingError) as error:
            raise ListenerLostError("it does not start") from error
        self._wire.settimeout(None)
        if found is None:
            raise ListenerLostError(self._how_it_ended())
        kind, payload = found
        if kind is Frame.UNUSABLE:
            raise KeyMaterialError(str(read_form(payload)))
        if kind is not Frame.LOADED:
            raise ListenerLostError(_fault(payload) if kind is Frame.FAULT else f"it said {kind.name} first")

    def _heard(self, look: Callable[[], None]) -> Iterator[tuple[Frame, bytes]]:
        """Give frames until the listener closes; look some times a second whether it is to end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wire, selectors.EVENT_READ)
            while True:
                ready = selector.select(_LOOK_SECONDS)
                look()
                if not ready:
                    continue
                try:
                    octets = self._wire.recv(_AT_ONCE)
                except ConnectionError:
                    return
                if not octets:
                    return
                yield from self._frames.feed(octets)
                time.sleep(_GATHER_SECONDS)

    def _send(self, octets: bytes) -> None:
        with suppress(ConnectionError):  # then it is gone, which is seen where it is read from
            self._wire.sendall(octets)

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            return "it says nothing any more"
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"


class _Ending:
    """Tells the listener to end, once, and how long that may take."""

    def __init__(self, stop: Stop, tell: Callable[[], None]) -> None:
        self._stop = stop
        self._tell = tell
        self._deadline: float | None = None

    def look(self) -> None:
        """Look whether it is to end.

        Raises:
            ListenerLostError: it was told long ago.
        """
        if self._deadline is None:
            if self._stop.is_set():
                self._deadline = time.monotonic() + _END_SECONDS
                self._tell()
        elif time.monotonic() > self._deadline:
            raise ListenerLostError("it does not end")


class _Places:
    """How many documents may be on their way, as the process that judges counts it."""

    def __init__(self, wire: socket.socket, places: int) -> None:
        self._wire = wire
        self._places = places
        self._part = max(1, places // _PARTS)
        self._used = 0
        self._free = 0
        self._ended = False
        self._lock = Lock()

    def use(self) -> None:
        """Count one that came.

        Raises:
            HandingError: there was no place for it, which the listener knew.
        """
        with self._lock:
            self._used += 1
            if self._used > self._places:
                raise HandingError("more than there are places for")

    def free(self, count: int) -> None:
        """Count some that have been dealt with, and tell the listener."""
        with self._lock:
            self._free += count
            if self._ended or (self._free < self._part and self._free < self._used):
                return
            self._used -= self._free
            octets = form_frame(Frame.ROOM, self._free)
            self._free = 0
            self._tell(octets)

    def say(self, octets: bytes) -> None:
        """Tell the listener something else, from any thread."""
        with self._lock:
            self._tell(octets)

    def end(self) -> None:
        """Tell nothing more."""
        with self._lock:
            self._ended = True

    def _tell(self, octets: bytes) -> None:
        with suppress(OSError):  # it is gone, which is seen where it is read from
            self._wire.sendall(octets)


def listener_environment(whole: os._Environ[str]) -> dict[str, str]:
    """Return what of an environment a listener is given."""
    return {name: whole[name] for name in _KEPT if name in whole}


def _open_files(tls: TlsFiles | None) -> list[int]:
    """Return the descriptors that are named as files, such as those of a shell's process substitution."""
    files = [] if tls is None else [tls.certificate, tls.key, tls.client_ca]
    named = [_OPEN_FILE.fullmatch(os.fspath(file)) for file in files if file is not None]
    numbers = {int(each[1]) for each in named if each is not None}
    return sorted(number for number in numbers if number > _STDERR and Path(f"/proc/self/fd/{number}").exists())


def _put(drain: Drain, reader: Reader, kind: Frame, payload: bytes) -> None:
    if kind is Frame.ARRIVAL:
        drain.promised(reader.arrival(payload))
    elif kind is Frame.REFUSED:
        error, source = reader.refusal(payload)
        drain.promised_refusal(error, reader.kind, source)
    elif kind is Frame.FAULT:
        raise ListenerLostError(_fault(payload))
    else:
        raise HandingError("a frame that is not expected")


def _address(payload: bytes) -> tuple[str, int]:
    match read_form(payload):
        case [str(host), int(port)]:
            return host, port
    raise HandingError("an address that cannot be read")


def _fault(payload: bytes) -> str:
    """Return what the listener says of its own fault: a type's name and a place in this program."""
    text = str(read_form(payload))[:200]
    return text if text.isprintable() else "a fault of its own"
