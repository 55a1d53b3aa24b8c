"""SIPp as the other end of a SIP push, and stunnel for the TLS that Debian's SIPp does not speak."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.push.sip_lab import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.push.tls import Ca, Issued

_SECONDS: Final = str(int(PATIENCE))
_HEAD: Final = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'

PUSH: Final = """<scenario name="push">
<send><![CDATA[
MESSAGE sip:device@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "A server, by SIPp" <sip:dms@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
To: device <sip:device@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 MESSAGE
Max-Forwards: 70
Accept-Contact: *;+g.oma.pusheventapp="syncml.dm"
Content-Type: {content_type}
Content-Length: [len]

[file name=body.bin]]]></send>
<recv response="{status}"/>
</scenario>
"""
"""A push, and the status it has to be answered with."""

TAKE: Final = """<scenario name="take">
<recv request="MESSAGE">
<action>
<ereg regexp="^ *[*];[+]g.oma.pusheventapp=.syncml.dm.;require;explicit" search_in="hdr" header="Accept-Contact:"
 check_it="true" assign_to="1"/>
<ereg regexp="^ *application/vnd.syncml.dm.wbxml" search_in="hdr" header="Content-Type:" check_it="true" assign_to="2"/>
<ereg regexp="^ *70" search_in="hdr" header="Max-Forwards:" check_it="true" assign_to="3"/>
</action>
</recv>
{answers}
<Reference variables="1,2,3"/>
</scenario>
"""
"""A receiver that looks at what came, and answers."""

_ANSWER: Final = """<send><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]SIPp[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""


def answers(*statuses: str) -> str:
    """Return the part of a scenario that answers."""
    return "".join(_ANSWER.format(status=status) for status in statuses)


def free_port() -> int:
    """Return a port that was free a moment ago, for programs that cannot take any."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def sipp(folder: Path, scenario: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a SIPp that plays a scenario once."""
    (folder / "scenario.xml").write_text(_HEAD + scenario)
    command = ["sipp", "-sf", "scenario.xml", "-t", "t1", "-m", "1", "-i", "127.0.0.1", "-nostdin", "-trace_msg",
               "-trace_err", "-timeout", _SECONDS, "-timeout_error", "-skip_rlimit", *arguments]  # fmt: skip
    with (folder / "sipp.out").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE)


@contextmanager
def sipp_receiver(folder: Path, scenario: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Give the port of a SIPp that waits for a request."""
    port = free_port()
    with sipp(folder, scenario, "-p", str(port)) as process:
        _wait_for(port, process)
        yield port, process


def trace_of(folder: Path) -> str:
    """Return what SIPp saw and said."""
    return "".join(path.read_text("latin-1") for path in sorted(folder.glob("*_messages.log")))


def octets_received(folder: Path) -> list[int]:
    """Return the sizes of what SIPp received."""
    return [int(size) for size in re.findall(r"message received \[(\d+)\] bytes", trace_of(folder))]


@contextmanager
def tls_towards(folder: Path, port: int, ca: Ca) -> Iterator[int]:
    """Give a port in the clear that leads to a port of this machine over TLS."""
    with _stunnel(folder, port, f"client = yes\nCAfile = {ca.file}\nverifyChain = yes\ncheckIP = 127.0.0.1") as local:
        yield local


@contextmanager
def tls_before(folder: Path, port: int, host: Issued) -> Iterator[int]:
    """Give a port over TLS that leads to a port of this machine in the clear."""
    with _stunnel(folder, port, f"client = no\ncert = {host.certificate}\nkey = {host.key}") as local:
        yield local


@contextmanager
def _stunnel(folder: Path, port: int, settings: str) -> Iterator[int]:
    local = free_port()
    file = folder / "stunnel.conf"
    file.write_text(
        f"foreground = yes\npid =\nsyslog = no\noutput = {folder / 'stunnel.log'}\n[sip]\n"
        f"accept = 127.0.0.1:{local}\nconnect = 127.0.0.1:{port}\n{settings}\n"
    )
    process = subprocess.Popen(
        ["stunnel", file], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(local, process)
        yield local
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens, without connecting: a connection could be taken for the one that is awaited."""
    wanted = f" 0100007F:{port:04X} "
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "it ended before it listened"
        with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123 - a table of the kernel
            if any(wanted in line and " 0A " in line for line in table):
                return
        time.sleep(0.02)
    raise AssertionError("it never listened")
