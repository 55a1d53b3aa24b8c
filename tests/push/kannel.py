"""Kannel on loopback: its bearerbox with a fake short-message centre, its smsbox, and its push proxy gateway.

Everything stands in one folder, with ports the kernel chose. Kannel's own WAP ports (UDP 9200, 9201) are fixed: they
are bound on a loopback address of this process. Two ports cannot be told an address to listen on, those of the push
proxy gateway and for the wapbox: they let in 127.0.0.1 only.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

import httpx

from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import split_user_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEARERBOX: Final = "/usr/sbin/bearerbox"
SMSBOX: Final = "/usr/sbin/smsbox"
WAPBOX: Final = "/usr/sbin/wapbox"
FAKESMSC: Final = "/usr/lib/kannel/test/fakesmsc"
FROM: Final = "491722270333"
TO: Final = "4915112345678"
_SECONDS: Final = 20
_GOT: Final = re.compile(r"Got message \d+: <(\S+) (\S+) udh (\S+) data (.*)>$")


def own_loopback(last: int) -> str:
    """Return a loopback address that no other test run uses."""
    return f"127.{64 + (os.getpid() >> 14 & 63)}.{os.getpid() >> 6 & 0xFF}.{(os.getpid() & 0x3F) << 2 | last}"


def free_ports(count: int) -> list[int]:
    """Return TCP ports that the kernel chose; they are free again until somebody takes them."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something holds, for seconds."""
    end = monotonic() + _SECONDS
    while not condition():
        assert monotonic() < end, f"Kannel: {what} did not happen"
        sleep(0.02)


@dataclass(frozen=True, slots=True)
class Posted:
    """What smsbox posted to the service of the test."""

    header: bytes
    body: bytes
    sender: str


@dataclass
class Kannel:
    """A running Kannel."""

    folder: Path
    combine: bool = False
    """Whether its bearerbox puts parts of incoming messages together."""
    wap: bool = False
    """Whether wapbox runs in place of smsbox."""
    posted: list[Posted] = field(default_factory=list)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        names = ("admin", "smsbox", "smsc", "sendsms", "wapbox", "ppg")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._service = _service(self.posted)
        Thread(target=self._service.serve_forever, args=(0.05,)).start()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            self._end(process)
        self._service.shutdown()
        self._service.server_close()

    def _start(self) -> None:
        (self.folder / "kannel.conf").write_text(self._configuration())
        self._run(BEARERBOX, "-v", "0", "kannel.conf")
        wait_for(lambda: "Start-up done" in self.log("bearerbox"), "the start of bearerbox")
        # It has a message to say only when it is given one; this one keeps quiet and listens.
        self._run(FAKESMSC, "-H", "127.0.0.1", "-r", str(self._ports["smsc"]), "-m", "0", "1 2 text nothing")
        wait_for(lambda: "Fakesmsc client connected" in self.log("bearerbox"), "the connection of fakesmsc")
        self._run(WAPBOX if self.wap else SMSBOX, "-v", "0", "kannel.conf")
        wait_for(lambda: "Client connected from" in self.log("bearerbox"), "the connection of a box")
        wait_for(lambda: _listens(self._ports["ppg" if self.wap else "sendsms"]), "the start of a box")

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log_path(program).open("ab") as log:
            process = subprocess.Popen([program, *arguments], cwd=self.folder, stdout=log, stderr=log)
        self._running.append(process)
        return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._running.remove(process)

    def _log_path(self, program: str) -> Path:
        return self.folder / f"{program.rpartition('/')[2]}.log"

    def log(self, program: str) -> str:
        """Return what a program wrote."""
        return self._log_path(program).read_text(encoding="latin-1")

    def send(self, header: bytes, data: bytes) -> None:
        """Give smsbox a message to send."""
        query = {"username": "tester", "password": "none", "from": FROM, "to": TO, "coding": "1"}
        url = f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendsms?{httpx.QueryParams(query)}"
        url += f"&udh={quote_from_bytes(header)}&text={quote_from_bytes(data)}"
        answer = httpx.get(url, trust_env=False, timeout=_SECONDS)
        assert answer.text == "0: Accepted for delivery"

    def send_settings(self, document: str, sec: str, pin: str) -> None:
        """Give smsbox a client provisioning document, which it encodes, proves with a PIN, and sends."""
        query = {"username": "tester", "password": "none", "from": FROM, "to": TO, "type": "oma-settings"}
        url = f"http://127.0.0.1:{self._ports['sendsms']}/cgi-bin/sendota"
        answer = httpx.get(
            url, params={**query, "sec": sec, "pin": pin, "text": document}, trust_env=False, timeout=_SECONDS
        )
        assert answer.text == "0: Accepted for delivery"

    def push(self, address: str, bearer: str, document: bytes, headers: dict[str, str]) -> None:
        """Give the push proxy gateway a document (PAP)."""
        control = (
            '<?xml version="1.0"?><!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN"'
            ' "http://www.wapforum.org/DTD/pap_1.0.dtd"><pap><push-message push-id="1@example.com">'
            f'<address address-value="WAPPUSH={address}@ppg.example.com"></address>'
            '<quality-of-service delivery-method="unconfirmed" network-required="true" network="GSM"'
            f' bearer-required="true" bearer="{bearer}"/></push-message></pap>'
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"".join(
            (
                f"--limit\r\nContent-Type: application/xml\r\n\r\n{control}\r\n--limit\r\n{lines}\r\n".encode(),
                document,
                b"\r\n--limit--\r\n",
            )
        )
        answer = httpx.post(
            f"http://127.0.0.1:{self._ports['ppg']}/wappush",
            content=body,
            headers={"Content-Type": 'multipart/related; boundary=limit; type="application/xml"'},
            trust_env=False,
            timeout=_SECONDS,
        )
        assert 'code ="1001"' in answer.text, answer.text

    def say(self, header: bytes, data: bytes) -> None:
        """Have fakesmsc send one message from outside; another one than that which listens."""
        for process in [process for process in self._running if process.args[0] == FAKESMSC]:  # type: ignore[index]
            self._end(process)
        there = self.log("bearerbox").count("new message received")
        text = f"{FROM} {TO} udh-data {_quoted(header)} {_quoted(data)}"
        self._run(FAKESMSC, "-H", "127.0.0.1", "-r", str(self._ports["smsc"]), "-m", "1", "-i", "0.01", text)
        wait_for(lambda: self.log("bearerbox").count("new message received") > there, "the arrival of a message")

    def received(self, count: int) -> list[UserData]:
        """Return the messages that fakesmsc got; wait until there are so many."""
        wait_for(lambda: len(_messages(self.log("fakesmsc"))) >= count, f"the sending of {count} messages")
        return _messages(self.log("fakesmsc"))

    def _configuration(self) -> str:
        ports = self._ports
        wapbox_port = f"wapbox-port = {ports['wapbox']}\nwdp-interface-name = {own_loopback(1)}\n" if self.wap else ""
        front = f"""group = core
admin-port = {ports["admin"]}
admin-interface = 127.0.0.1
admin-password = none
smsbox-port = {ports["smsbox"]}
smsbox-interface = 127.0.0.1
{wapbox_port}box-deny-ip = "*.*.*.*"
box-allow-ip = 127.0.0.1
sms-combine-concatenated-mo = {"true" if self.combine else "false"}

group = smsc
smsc = fake
smsc-id = fake
port = {ports["smsc"]}
our-host = 127.0.0.1
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {ports["smsbox"]}
sendsms-port = {ports["sendsms"]}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = tester
password = none
concatenation = true
max-messages = 255

group = sms-service
keyword = default
catch-all = true
max-messages = 0
send-sender = true
post-url = "http://127.0.0.1:{self._service.server_address[1]}/"
"""
        if not self.wap:
            return front
        return f"""{front}
group = wapbox
bearerbox-host = 127.0.0.1

group = ppg
ppg-url = /wappush
ppg-port = {ports["ppg"]}
ppg-deny-ip = "*.*.*.*"
ppg-allow-ip = 127.0.0.1
concurrent-pushes = 10
users = 16
trusted-pi = true
service-name = tester
default-smsc = fake
global-sender = {FROM}
"""


def _quoted(octets: bytes) -> str:
    """Every octet by its number: fakesmsc and Kannel know no other way for some."""
    return "".join(f"%{octet:02X}" for octet in octets)


def _messages(log: str) -> list[UserData]:
    found = []
    for line in log.splitlines():
        if match := _GOT.search(line):
            header, data = (unquote_to_bytes(match[at].replace("+", " ")) for at in (3, 4))
            parsed, end = split_user_data(header)
            assert end == len(header)
            found.append(UserData(data, parsed))
    return found


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _service(posted: list[Posted]) -> ThreadingHTTPServer:
    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            header = bytes.fromhex((self.headers["X-Kannel-UDH"] or "").replace("%", ""))
            posted.append(Posted(header, body, self.headers["X-Kannel-From"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Service)
