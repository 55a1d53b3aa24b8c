"""A private pcscd with virtual readers, for tests: real service, real driver, real protocol, no hardware.

::

    this process --PC/SC--> pcscd --libifdvpcd.so--> TCP --> serve(card), a thread of this process
                            `-------- namespaces of their own --------'

pcscd's socket path is compiled in, so the service runs in mount, network and process namespaces of its own, where
that path is a directory of the lab and its TCP ports are nobody else's. This process reaches it through the
environment variable PCSCLITE_CSOCK_NAME, the cards through connections that are opened inside and handed out.
Namespaces need root, or a kernel that grants user namespaces. Where both are refused, root gets the nearest real
thing: pcscd on its usual socket with the lab's configuration and free ports, provided that no other one runs there.

Guarantees: a running system service and real readers are left alone; everything started ends with the lab, also when
this process is killed; processes are ended by their own handle only. Needs the Debian packages pcscd and
vsmartcard-vpcd. Leaves to its caller: one lab at a time in a process, since the PC/SC library reads that variable once.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from vendor_pcsc.errors import ReaderError
from vendor_pcsc.readers import list_readers
from vendor_pcsc.virtual import lab_keeper
from vendor_pcsc.virtual.vpcd import VPCD_PORT, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from vendor_pcsc.virtual.vpcd import Card

MAX_READERS: Final = 16
"""Readers pcscd serves at most. Source: pcsc-lite, PCSCLITE_MAX_READERS_CONTEXTS."""

SLOTS: Final = 2
"""Readers each copy of the packaged driver brings. Source: vsmartcard, VPCDSLOTS."""

SETTLE_SECONDS: Final = 10.0
"""Seconds the service may take to notice a card that came or went; it polls every 0.4."""

END_SECONDS: Final = 10.0
"""Seconds the lab's processes may take to end before they are killed."""

SOCKET_VARIABLE: Final = "PCSCLITE_CSOCK_NAME"
"""Environment variable with the path of the service's socket. Source: pcsc-lite, pcscd(8)."""

READER_NAME: Final = "Virtual PCD"
"""What the first pair of readers is called, as in Debian's configuration; the service appends two numbers."""

_DRIVERS: Final = tuple(
    Path(folder) / "pcsc/drivers/serial/libifdvpcd.so" for folder in ("/usr/lib", "/usr/lib64", "/usr/local/lib")
)
_LONGEST_SOCKET_PATH: Final = 107
"""Octets of a Unix socket's path. Source: Linux, unix(7)."""


class PcscLab:
    """A private pcscd with virtual readers; a context manager.

    Args:
        readers: how many at least, 1 to 16; the packaged driver brings them in pairs.
        isolated: True: namespaces or an error; False: the usual socket; None: the first where permitted.

    Raises:
        ReaderError: a package is missing, nothing is permitted, or another pcscd is in the way.
        ValueError: the number of readers is out of range.
        RuntimeError: this process has a lab already.
    """

    def __init__(self, readers: int = SLOTS, *, isolated: bool | None = None) -> None:
        if not 1 <= readers <= MAX_READERS:
            raise ValueError(f"a lab has 1 to {MAX_READERS} readers, not {readers}")
        self._pairs = -(-readers // SLOTS)
        self._isolated = isolated
        self._ports: tuple[int, ...] = ()
        self._directory = Path()
        self._keeper: _Keeper | None = None
        self._cards: dict[int, _InsertedCard] = {}
        self._before: str | None = None

    def __enter__(self) -> Self:
        _take_the_only_place()
        try:
            self._directory = _new_directory()
            self._keeper = self._started_keeper()
            self._write_configuration()
            self._before = os.environ.get(SOCKET_VARIABLE)
            os.environ[SOCKET_VARIABLE] = self.environment[SOCKET_VARIABLE]
            self.start_service()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    @property
    def readers(self) -> tuple[str, ...]:
        """The names of all readers, by slot."""
        return tuple(f"{_name(pair)} 00 {slot:02X}" for pair in range(self._pairs) for slot in range(SLOTS))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variable that leads other programs to this service."""
        isolated = self._keeper is not None and self._keeper.isolated
        path = self._directory / "run/pcscd/pcscd.comm" if isolated else Path("/run/pcscd/pcscd.comm")
        return {SOCKET_VARIABLE: str(path)}

    @property
    def log(self) -> str:
        """What the service wrote so far."""
        path = self._directory / "pcscd.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def put(self, card: Card, slot: int = 0, *, wait: bool = True) -> str:
        """Put a card into a reader, return the reader's name, and wait until the service has seen the card.

        Raises:
            ValueError: there is no such slot, or it holds a card.
            ReaderError: the service does not see the card.
        """
        reader = self.readers[slot]
        if slot in self._cards:
            raise ValueError(f"{reader} holds a card: remove it before")
        self._cards[slot] = _InsertedCard(card, self._dialler(slot))
        if wait:
            self._wait_until(reader, card_present=True)
        return reader

    def remove(self, slot: int = 0, *, wait: bool = True) -> None:
        """Take the card out of a reader and wait until the service has seen that; an empty reader stays empty.

        Raises:
            ReaderError: the service does not see it.
        """
        inserted = self._cards.pop(slot, None)
        if inserted is not None:
            inserted.remove()
        if wait:
            self._wait_until(self.readers[slot], card_present=False)

    def dial(self, slot: int = 0) -> socket.socket:
        """Return a connection to a reader's TCP port, for a card that another process holds (vpcd's protocol).

        Raises:
            OSError: nobody listens there: the service is not running.
            ReaderError: the lab is not running.
        """
        return self._dialler(slot)()

    def start_service(self) -> None:
        """Start pcscd and return when it answers; cards that were in stay in.

        Raises:
            ReaderError: it does not start.
        """
        self._ask("start")

    def stop_service(self) -> None:
        """End pcscd as an administrator would.

        Raises:
            ReaderError: the lab is not running.
        """
        self._ask("stop")

    def kill_service(self) -> None:
        """Kill pcscd: no client is told.

        Raises:
            ReaderError: the lab is not running.
        """
        self._ask("kill")

    def _ask(self, request: str) -> None:
        if self._keeper is None:
            raise ReaderError("the lab is not running")
        try:
            self._keeper.ask(request)
        except OSError as error:
            raise ReaderError(f"lab: {error}") from error

    def _started_keeper(self) -> _Keeper:
        refused: list[str] = []
        for isolated, prefix in _ways(self._isolated):
            try:
                return _Keeper(self._directory, prefix, isolated=isolated)
            except OSError as error:
                refused.append(str(error))
        raise ReaderError(
            f"no private pcscd ({'; '.join(refused) or 'not root'}): run as root, or permit user namespaces"
        )

    def _write_configuration(self) -> None:
        driver = next((each for each in _DRIVERS if each.exists()), None)
        if driver is None:
            raise ReaderError("the driver libifdvpcd.so is not installed: apt-get install pcscd vsmartcard-vpcd")
        isolated = self._keeper is not None and self._keeper.isolated
        first_ports = [VPCD_PORT + SLOTS * each for each in range(self._pairs)] if isolated else _free(self._pairs)
        entries = []
        for pair, port in enumerate(first_ports):
            # The driver keeps its slots in static memory: each pair of readers needs a copy of its own.
            copy = self._directory / f"libifdvpcd-{pair}.so"
            shutil.copyfile(driver, copy)
            entries.append(
                f'FRIENDLYNAME "{_name(pair)}"\nDEVICENAME /dev/null:{port:#06X}\n'
                f"LIBPATH {copy}\nCHANNELID {port:#06X}\n"
            )
        (self._directory / "conf/lab").write_text("\n".join(entries), encoding="utf-8")
        self._ports = tuple(port + slot for port in first_ports for slot in range(SLOTS))

    def _dialler(self, slot: int) -> Callable[[], socket.socket]:
        keeper, port = self._keeper, self._ports[slot]
        if keeper is None:
            raise ReaderError("the lab is not running")
        return lambda: keeper.dial(port)

    def _wait_until(self, reader: str, *, card_present: bool) -> None:
        deadline = monotonic() + SETTLE_SECONDS
        while True:
            states = {each.name: each for each in list_readers()}
            if reader not in states:
                raise ReaderError(
                    f"{reader} is not among {sorted(states)}: did this process use another PC/SC service before?"
                )
            if states[reader].card_present is card_present:
                return
            if monotonic() >= deadline:
                raise ReaderError(f"{reader}: the service saw no card {'come' if card_present else 'go'}")
            sleep(0.01)

    def _leave(self) -> None:
        for slot in list(self._cards):
            self._cards.pop(slot).remove()
        if self._keeper is not None:
            if self._before is None:
                os.environ.pop(SOCKET_VARIABLE, None)
            else:
                os.environ[SOCKET_VARIABLE] = self._before
            self._keeper.end()
            self._keeper = None
        if self._directory != Path():
            shutil.rmtree(self._directory, ignore_errors=True)
        _only_place.release()


class _InsertedCard:
    """A card in a reader: a thread that answers for it."""

    def __init__(self, card: Card, dial: Callable[[], socket.socket]) -> None:
        self._stop = Event()
        self._thread = Thread(target=serve, args=(card,), kwargs={"stop": self._stop, "dial": dial}, daemon=True)
        self._thread.start()

    def remove(self) -> None:
        self._stop.set()
        self._thread.join()


class _Keeper:
    """The process that keeps pcscd, and the socket to talk to it."""

    def __init__(self, directory: Path, prefix: tuple[str, ...], *, isolated: bool) -> None:
        self.isolated = isolated
        self._lock = Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = str(Path(lab_keeper.__file__).resolve())
        number = str(theirs.fileno())
        command = [*prefix, sys.executable, "-I", script, str(directory), number, "isolated" if isolated else "plain"]
        with theirs, (directory / "keeper.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - fixed words and our own paths
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            self._receive()
        except OSError as error:
            self.end()
            said = (directory / "keeper.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise OSError(said[-1] if said else str(error)) from error

    def ask(self, request: str) -> list[int]:
        """Send a request and return the descriptors that came with the answer; raises OSError when it fails."""
        with self._lock:
            self._control.send(request.encode())
            return self._receive()

    def dial(self, port: int) -> socket.socket:
        """Return a connection to a port inside; raises OSError when nobody listens there."""
        (descriptor,) = self.ask(f"dial {port}")
        return socket.socket(fileno=descriptor)

    def end(self) -> None:
        """End the keeper and with it everything it started."""
        self._control.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _receive(self) -> list[int]:
        answer, descriptors, _, _ = socket.recv_fds(self._control, 4096, 1)
        if answer != b"ok":
            raise OSError(answer.decode().removeprefix("failed ") or "its keeper ended")
        return descriptors


# One place for the lab of this process -------------------------------------------------------------------------------

_only_place: Final = Lock()
_home: list[Path] = []
"""The lab's directory, the same for all labs of this process: the PC/SC library keeps the first path it was told."""


def _take_the_only_place() -> None:
    if not _only_place.acquire(blocking=False):
        raise RuntimeError("this process has a lab already: share it")


def _new_directory() -> Path:
    if _home:
        _home[0].mkdir(mode=0o700)
    else:
        path = Path(tempfile.mkdtemp(prefix="pcsc-lab-"))
        if len(str(path / "run/pcscd/pcscd.comm")) > _LONGEST_SOCKET_PATH:
            path.rmdir()
            path = Path(tempfile.mkdtemp(prefix="pcsc-lab-", dir="/tmp"))
        _home.append(path)
    for name in ("run/pcscd", "conf", "empty"):
        (_home[0] / name).mkdir(parents=True)
    return _home[0]


def _ways(wanted: bool | None) -> list[tuple[bool, tuple[str, ...]]]:  # noqa: FBT001 - three values, not a switch
    unshare = shutil.which("unshare")
    root = os.geteuid() == 0
    ways: list[tuple[bool, tuple[str, ...]]] = []
    if unshare and wanted is not False:
        own = (unshare, "--mount", "--net", "--pid", "--fork", "--kill-child")
        if root:
            ways.append((True, own))
        ways.append((True, (*own, "--user", "--map-root-user")))
    if root and not wanted:
        ways.append((False, ()))
    return ways


def _name(pair: int) -> str:
    return READER_NAME if pair == 0 else f"{READER_NAME} {pair + 1}"


def _free(pairs: int) -> list[int]:
    """Return the first ports of pairs that are free now."""
    found: list[int] = []
    port = VPCD_PORT
    while len(found) < pairs:
        try:
            for each in range(port, port + SLOTS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
            found.append(port)
        except OSError:
            pass
        port += SLOTS
    return found
