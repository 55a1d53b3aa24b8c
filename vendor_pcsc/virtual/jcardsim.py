"""The card of a profile as a Java Card applet under jCardSim.

::

    Profile -> personalisation commands -> CardHost (Java: jCardSim + the applet) -> JCardSimCard (process, reset)

Guarantees: `JCardSimCard` can stand where a `VirtualCard` stands. Every wait is bounded. The Java process is ended by
its own handle, and ends by itself when this process does. No error holds the data field of a command.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import IO, TYPE_CHECKING, Final, Protocol

from vendor_pcsc.errors import ProfileError, ReaderError
from vendor_pcsc.virtual.fcp import build_fcp, build_pin_status
from vendor_pcsc.virtual.model import (
    Activation,
    DirectoryFile,
    ElementaryFile,
    Generation,
    Lifecycle,
    Structure,
    WireProtocol,
)
from vendor_pcsc.virtual.status import SW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from vendor_pcsc.virtual.model import Condition, PinDefinition, Profile

APPLET: Final = Path(__file__).resolve().parents[1] / "applet"
"""The Maven project of the applet."""
MAX_FILE: Final = 32767
"""Octets of the longest file: an index of Java Card is a signed short."""

_JAR: Final = "target/card.jar"
_JAVA_OPTIONS: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")

# Frames to the Java side: length (4 octets), kind, octets. Back: length, octets. See CardHost.java.
_FRAME_APDU: Final = b"A"
_FRAME_RESET: Final = b"R"
_FRAME_NEW: Final = b"N"
_LENGTH_OCTETS: Final = 4
_MAX_APDU: Final = 4 + 3 + 65535 + 2
"""Header, Lc, data and Le, all extended. Spec: ISO/IEC 7816-4, 5.1."""

# Personalisation commands. See Personalisation.java.
_CLA: Final = 0x80
_INS_SETTINGS: Final = 0x02
_INS_PIN: Final = 0x04
_INS_DIRECTORY: Final = 0x06
_INS_FILE: Final = 0x08
_INS_WRITE: Final = 0x0A
_INS_UP: Final = 0x0C
_INS_SEAL: Final = 0x0E
_CHUNK: Final = 255
_HAS_IDENTIFIER: Final = 0x01
_DEACTIVATED: Final = 0x02
_SHORT_ID_TAGGED: Final = 0x04
_KIND_UICC: Final = 0
_KIND_SIM: Final = 1
_KIND_EITHER: Final = 2
_ALWAYS: Final = 0x00
_NEVER: Final = 0xFF
_STRUCTURES: Final = {Structure.TRANSPARENT: 1, Structure.LINEAR_FIXED: 2, Structure.CYCLIC: 6}


def build(*, timeout: float = 600.0) -> Path:
    """Return the applet's jar, made by Maven when it is missing or older than its sources.

    Raises:
        ReaderError: Maven or the JDK is missing, or the build fails or takes longer than `timeout` seconds.
    """
    jar = APPLET / _JAR
    with _only_one_builds(jar.parent):
        if _is_current(jar):
            return jar
        maven = _program("mvn", "maven")
        _program("javac", "openjdk-17-jdk-headless")
        # A build that is ended half way must not leave a jar that looks current.
        jar.unlink(missing_ok=True)
        try:
            done = subprocess.run(  # noqa: S603 - a fixed command, the program found on PATH
                [maven, "-q", "-B", "package"],
                cwd=APPLET,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ReaderError(f"the card applet was not built in {timeout:g} s: run mvn package in {APPLET}") from None
        except OSError as error:
            raise ReaderError(f"Maven did not start: {error.strerror}") from error
        if done.returncode or not jar.is_file():
            reason = _first_error(done.stdout)
            raise ReaderError(f"the card applet was not built: {reason}; run mvn package in {APPLET} to see all")
    return jar


def personalisation(profile: Profile) -> Iterator[bytes]:
    """Yield the command APDUs that make the card of `profile` out of a fresh applet, the last one seals it.

    Raises:
        ProfileError: the profile asks for what the applet cannot do.
    """
    _require_possible(profile)
    quirks = profile.quirks
    settings = (
        profile.protocol is WireProtocol.T0,
        profile.extended_length,
        quirks.no_aid_select,
        quirks.no_path_select,
        quirks.accept_any_aid,
        quirks.no_fcp,
        quirks.no_p2_0c_with_aid,
    )
    flags = sum(setting << bit for bit, setting in enumerate(settings))
    yield _command(_INS_SETTINGS, bytes([profile.logical_channels, flags, _kind(profile)]))
    for pin in profile.pins:
        yield _command(_INS_PIN, _pin(pin))
    yield from _directory(profile, profile.mf, profile.mf)
    yield _command(_INS_SEAL)


class JCardSimCard:
    """A card under jCardSim; stands where a `VirtualCard` stands.

    File contents, PIN values and counters live as long as this object; selections, channels and verified PINs end
    with each reset. The profile's faults are not this card's business: put a `FaultyCard` before it.

    Raises:
        ProfileError: the profile asks for what the applet cannot do.
        ReaderError: Java, or for the first build Maven, is missing; the process does not start.
    """

    def __init__(self, profile: Profile, *, jar: Path | None = None, timeout: float = 30.0) -> None:
        """Start the card; without `jar` the applet is built when it has to be.

        `timeout` bounds, in seconds, the start and each command.
        """
        self.profile = profile
        self.exclusive = RLock()
        """Held while a command runs; whoever holds it has the card alone."""
        self._commands = tuple(personalisation(profile))
        java = _program("java", "openjdk-17-jdk-headless")
        self._host = _Host(java, jar or build(), timeout)
        try:
            self.renew()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"JCardSimCard({self.profile.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def process(self, apdu: bytes) -> bytes:
        """Return the response APDU (data, SW1, SW2) to any octets; what is no APDU is answered 6700.

        Raises:
            ReaderError: the card was closed, its process ended, or it does not answer in time.
        """
        if len(apdu) > _MAX_APDU:
            return SW.WRONG_LENGTH.to_bytes(2)
        with self.exclusive:
            return self._host.exchange(_FRAME_APDU + apdu)

    def reset(self) -> bytes:
        """Reset the card and return the profile's ATR.

        Raises:
            ReaderError: the card was closed, its process ended, or it does not answer in time.
        """
        with self.exclusive:
            self._start(_FRAME_RESET)
            return self.profile.atr

    def renew(self) -> None:
        """Put a new card of the same profile in place of this one, in the same process.

        Raises:
            ReaderError: the card was closed, its process ended, or it does not answer in time.
        """
        with self.exclusive:
            self._start(_FRAME_NEW)
            for command in self._commands:
                self._personalise(command)
            self._start(_FRAME_RESET)

    def close(self) -> None:
        """End the card's process; closing twice is allowed."""
        with self.exclusive:
            self._host.close()

    def _start(self, kind: bytes) -> None:
        answer = self._host.exchange(kind)
        if answer != SW.OK.to_bytes(2):
            raise ReaderError(f"jCardSim does not start the applet: {answer.hex().upper()}")

    def _personalise(self, command: bytes) -> None:
        answer = self.process(command)
        if answer != SW.OK.to_bytes(2):
            raise ReaderError(f"the applet refused personalisation command {command[1]:02X}: {answer.hex().upper()}")


class _Host:
    """The Java process and the frames to and from it."""

    def __init__(self, java: str, jar: Path, timeout: float) -> None:
        self._timeout = timeout
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process, closed by close()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - a fixed command, the program found on PATH
                [java, *_JAVA_OPTIONS, "-jar", str(jar)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                bufsize=0,
                # A Ctrl-C at the terminal is for this process, which then ends the other one.
                process_group=0,
            )
        except OSError as error:
            self._said.close()
            raise ReaderError(f"Java did not start: {error.strerror}") from error
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        os.set_blocking(self._input.fileno(), False)
        self._closed = False

    def exchange(self, frame: bytes) -> bytes:
        """Send one frame and return the answer; whatever goes wrong ends the process."""
        if self._closed:
            raise ReaderError("the jCardSim card is closed")
        deadline = time.monotonic() + self._timeout
        try:
            self._write(len(frame).to_bytes(_LENGTH_OCTETS) + frame, deadline)
            return self._read(int.from_bytes(self._read(_LENGTH_OCTETS, deadline)), deadline)
        except TimeoutError:
            self._process.kill()
            self.close()
            raise ReaderError(f"jCardSim did not answer in {self._timeout:g} s and was ended") from None
        except (EOFError, OSError):
            raise ReaderError(self._epitaph()) from None
        except BaseException:
            # An answer half read would be taken for the next one.
            self.close()
            raise

    def close(self) -> None:
        """End the process: its input ends, which it obeys; if it does not, it is killed."""
        if self._closed:
            return
        self._closed = True
        self._input.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._said.close()

    def _epitaph(self) -> str:
        """End what is left of the process and return what it said last."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        code = self._process.poll()
        self._said.seek(0)
        reason = _first_error(self._said.read())
        self.close()
        return f"jCardSim ended (status {code}): {reason}"

    def _write(self, octets: bytes, deadline: float) -> None:
        rest = memoryview(octets)
        while rest:
            _wait(self._input.fileno(), select.POLLOUT, deadline)
            with suppress(BlockingIOError):
                rest = rest[os.write(self._input.fileno(), rest) :]

    def _read(self, count: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < count:
            _wait(self._output.fileno(), select.POLLIN, deadline)
            part = os.read(self._output.fileno(), count - len(found))
            if not part:
                raise EOFError
            found += part
        return bytes(found)


class _Pipe(Protocol):
    def fileno(self) -> int: ...

    def close(self) -> None: ...


def _pipe(stream: IO[bytes] | None) -> _Pipe:
    assert stream is not None  # noqa: S101 - Popen was asked for a pipe
    return stream


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ReaderError(f"{name} is not on PATH: install it, with apt install {package} on Debian")
    return found


def _first_error(said: bytes) -> str:
    """Return the line that tells most: the first that Maven or Java marks as an error, or else the last."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(("[ERROR]", "Exception in", "Error:"))]
    return (marked or lines[-1:] or ["it said nothing"])[0]


@contextmanager
def _only_one_builds(target: Path) -> Iterator[None]:
    try:
        target.mkdir(exist_ok=True)
        lock = (target / "build.lock").open("wb")
    except OSError as error:
        raise ReaderError(
            f"{target} cannot be written, so the card applet cannot be built: {error.strerror}"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_current(jar: Path) -> bool:
    sources = [APPLET / "pom.xml", *(APPLET / "src").rglob("*.java")]
    return jar.is_file() and jar.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


def _require_possible(profile: Profile) -> None:
    for file in profile.mf.walk():
        if isinstance(file, ElementaryFile) and len(file.content) > MAX_FILE:
            raise ProfileError(
                f"files, {file.name}", f"a Java Card file has at most {MAX_FILE} octets, found {len(file.content)}"
            )


def _kind(profile: Profile) -> int:
    match profile.generation:
        case Generation.UICC:
            return _KIND_UICC
        case Generation.SIM | Generation.RUIM:
            return _KIND_SIM
        case Generation.UICC_2G:
            return _KIND_SIM if profile.activation is Activation.GSM else _KIND_EITHER


def _command(ins: int, data: bytes = b"", offset: int = 0) -> bytes:
    header = bytes([_CLA, ins]) + offset.to_bytes(2)
    return header + len(data).to_bytes(1) + data if data else header


def _pin(pin: PinDefinition) -> bytes:
    unblock = b"" if pin.unblock is None else pin.unblock.reveal()
    unblock_attempts = pin.unblock_attempts if unblock else 0
    return bytes([pin.reference, pin.enabled, pin.attempts, unblock_attempts]) + pin.value.reveal() + unblock


def _directory(profile: Profile, directory: DirectoryFile, parent: DirectoryFile) -> Iterator[bytes]:
    # The octets that tell which PINs are enabled are the card's to fill in: they are 0 here.
    disabled = {pin.reference: False for pin in profile.pins}
    fcp = build_fcp(profile, directory, parent, disabled)
    references = bytes(directory.pin_references)
    # They follow the tags C6 and 90, each with its length, and the template ends the FCP.
    status_offset = len(fcp) - len(build_pin_status(references, disabled)) + 4 if references else 0
    aid = directory.aid or b""
    flags = 0 if directory.file_id is None else _HAS_IDENTIFIER
    yield _command(
        _INS_DIRECTORY,
        bytes([flags])
        + (directory.file_id or 0).to_bytes(2)
        + bytes([len(aid)])
        + aid
        + bytes([status_offset, len(references)])
        + references
        + fcp,
    )
    for file in directory.files:
        if isinstance(file, DirectoryFile):
            yield from _directory(profile, file, directory)
        else:
            yield from _file(profile, file, directory)
    yield _command(_INS_UP)


def _file(profile: Profile, file: ElementaryFile, parent: DirectoryFile) -> Iterator[bytes]:
    flags = _DEACTIVATED if file.lifecycle is Lifecycle.DEACTIVATED else 0
    flags |= 0 if file.short_id_tag is None else _SHORT_ID_TAGGED
    header = bytes(
        [_STRUCTURES[file.structure], file.short_id or 0, *map(_condition, (file.rule.read, file.rule.update))]
    )
    yield _command(
        _INS_FILE,
        bytes([flags])
        + file.file_id.to_bytes(2)
        + header
        + len(file.content).to_bytes(2)
        + bytes([file.record_length])
        + build_fcp(profile, file, parent, {}),
    )
    for offset in range(0, len(file.content), _CHUNK):
        yield _command(_INS_WRITE, file.content[offset : offset + _CHUNK], offset)


def _condition(condition: Condition) -> int:
    if condition.reference is not None:
        return condition.reference
    return _ALWAYS if condition.allowed else _NEVER
