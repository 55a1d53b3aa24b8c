"""The process that keeps a private pcscd for `vendor_pcsc.virtual.lab`; stands alone, run by path.

Usage: lab_keeper.py DIRECTORY SOCKET-DESCRIPTOR (isolated | plain)

Isolated, it runs as the first process of new mount, network and process namespaces: whatever it leaves behind ends
with it. There it brings the loopback device up, puts DIRECTORY/run over /run, so that pcscd's fixed socket path lies
in DIRECTORY, and an empty directory over the drivers of USB readers, so that pcscd leaves real readers alone.

It answers requests of one line on the socket, with a line each: `ok ...` or `failed ...`. End of the socket ends it.
"""

from __future__ import annotations

import fcntl
import shutil
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

START_SECONDS: Final = 10.0
"""Seconds pcscd may take until it answers."""

STOP_SECONDS: Final = 3.0
"""Seconds pcscd may take to end before it is killed."""

_SERVICE_DIRECTORY: Final = Path("/run/pcscd")
_USB_DRIVERS: Final = Path("/usr/lib/pcsc/drivers")


def main(arguments: list[str]) -> int:
    """Serve requests until the socket ends."""
    directory = Path(arguments[0])
    control = socket.socket(fileno=int(arguments[1]))
    isolated = arguments[2] == "isolated"
    try:
        if isolated:
            isolate(directory)
    except (OSError, subprocess.CalledProcessError) as error:
        control.send(f"failed {error}".encode())
        return 1
    keeper = Keeper(directory, control)
    control.send(b"ok")
    try:
        while request := control.recv(4096):
            try:
                keeper.answer(*request.decode().split())
            except (OSError, RuntimeError) as error:
                control.send(f"failed {error}".encode())
    finally:
        keeper.end(signal.SIGTERM)
        keeper.clear()
    return 0


def isolate(directory: Path) -> None:
    """Make the namespaces this process is in a place for pcscd of its own."""
    loopback_up()
    mount = shutil.which("mount", path="/usr/bin:/bin") or "mount"
    subprocess.run([mount, "--bind", str(directory / "run"), "/run"], check=True)  # noqa: S603 - fixed arguments
    if _USB_DRIVERS.is_dir():
        empty = str(directory / "empty")
        subprocess.run([mount, "--bind", empty, str(_USB_DRIVERS)], check=True)  # noqa: S603 - fixed arguments


def loopback_up() -> None:
    """Set the loopback device of a new network namespace up. Source: Linux, netdevice(7), SIOCSIFFLAGS."""
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, get_flags, request))
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


class Keeper:
    """One pcscd at a time."""

    def __init__(self, directory: Path, control: socket.socket) -> None:
        self._directory = directory
        self._control = control
        self._service: subprocess.Popen[bytes] | None = None
        self._made_service_directory = False

    def answer(self, request: str, *arguments: str) -> None:
        """Do what is asked and send the answer."""
        if request == "dial":
            with socket.create_connection(("127.0.0.1", int(arguments[0])), timeout=2.0) as connection:
                connection.settimeout(None)
                socket.send_fds(self._control, [b"ok"], [connection.fileno()])
            return
        if request == "start":
            self.start()
        else:
            self.end(signal.SIGKILL if request == "kill" else signal.SIGTERM)
        self._control.send(b"ok")

    def start(self) -> None:
        """Start pcscd and return when it answers."""
        if self._service is not None:
            raise RuntimeError("pcscd is running already")
        program = shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin:/sbin:/usr/local/sbin")
        if program is None:
            raise RuntimeError("pcscd is not installed: apt-get install pcscd vsmartcard-vpcd")
        comm = _SERVICE_DIRECTORY / "pcscd.comm"
        if accepts(comm):
            raise RuntimeError(f"another pcscd listens on {comm}")
        if not _SERVICE_DIRECTORY.is_dir():
            _SERVICE_DIRECTORY.mkdir(parents=True)
            self._made_service_directory = True
        for left_over in (comm, _SERVICE_DIRECTORY / "pcscd.pid"):
            left_over.unlink(missing_ok=True)
        command = [program, "--foreground", "--config", str(self._directory / "conf")]
        told = subprocess.run([program, "--help"], capture_output=True, check=False)  # noqa: S603 - fixed arguments
        if b"--disable-polkit" in told.stdout:
            # Newer releases ask polkit about each user, and there is none to be reached from here.
            command.append("--disable-polkit")
        with (self._directory / "pcscd.log").open("ab") as log:
            self._service = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - same
        deadline = monotonic() + START_SECONDS
        while not accepts(comm):
            if self._service.poll() is not None or monotonic() >= deadline:
                self.end(signal.SIGKILL)
                raise RuntimeError(f"pcscd did not start: {self._last_words()}")
            sleep(0.01)

    def end(self, with_signal: signal.Signals) -> None:
        """End pcscd, if it runs, and wait for it."""
        service, self._service = self._service, None
        if service is None:
            return
        service.send_signal(with_signal)
        try:
            service.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()

    def clear(self) -> None:
        """Remove what was made, so that nothing stays when the process that asked for it was killed."""
        if self._made_service_directory:
            with suppress(OSError):
                _SERVICE_DIRECTORY.rmdir()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _last_words(self) -> str:
        text = (self._directory / "pcscd.log").read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.splitlines()[-3:]) or "it said nothing"


def accepts(path: Path) -> bool:
    """Return whether somebody listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
