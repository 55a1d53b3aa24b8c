"""The sender of HTTP pushes against our own listener, and against hosts that answer as no receiver should."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import KeyMaterialError, PushError
from smartcard_dm.limits import Limits
from smartcard_dm.push.arrival import CP_WBXML, DM_WBXML
from smartcard_dm.push.http_client import HttpSender, push_http
from smartcard_dm.push.http_rules import HttpRule
from smartcard_dm.push.tls import client_context, server_context
from smartcard_dm.rules import Rule
from smartcard_dm.secret import Secret
from smartcard_dm.trust.transport import TransportKind
from tests.push.http_lab import HOST, TAKEN, listening
from tests.push.tls import Ca, Issued, issue_cert, make_ca

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = b"a document"
SECONDS = 20.0


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def host(ca: Ca) -> Issued:
    return issue_cert(ca, "host")


@pytest.fixture
def sender(ca: Ca) -> HttpSender:
    return HttpSender(tls=client_context([ca.file]), timeout=SECONDS)


@contextmanager
def answering(
    host: Issued | None, answer: bytes, *, drip: float = 0, versions: str = ""
) -> Iterator[tuple[str, list[bytes]]]:
    """Run a host that reads one request and gives an answer; give its URL and what it read."""
    context = None
    if host is not None:
        context = server_context(host.certificate, host.key)
        if versions:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
    read: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            accepted, _ = listener.accept()
            with accepted, context.wrap_socket(accepted, server_side=True) if context else accepted as connection:
                connection.settimeout(SECONDS)
                read.append(connection.recv(65536))
                while context and read[-1] and not read[-1].endswith(DOCUMENT):
                    read.append(connection.recv(65536))
                for at in range(0, len(answer), 1 if drip else 1 << 20):
                    connection.sendall(answer[at : at + (1 if drip else 1 << 20)])
                    time.sleep(drip)

    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(SECONDS)
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"https://{HOST}:{listener.getsockname()[1]}/push?secret", read
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(SECONDS)
        assert not thread.is_alive()


def refused(url: str, sender: HttpSender) -> PushError:
    with pytest.raises(PushError) as caught:
        push_http(url, DOCUMENT, sender)
    error = caught.value
    assert error.advice
    assert "secret" not in f"{error} {error.advice}"
    assert str(error).isprintable()
    return error


def test_a_document_reaches_the_listener(ca: Ca, host: Issued, sender: HttpSender) -> None:
    with listening(server_context(host.certificate, host.key), ca.file) as lab:
        pushed = push_http(lab.url, DOCUMENT, sender)
        assert (pushed.kind, pushed.to, pushed.octets) == (TransportKind.HTTP, lab.url, len(DOCUMENT))
        assert pushed.evidence == "TLSv1.3, TLS_AES_256_GCM_SHA384, certificate of CN=host"
        assert pushed.status == "202 Accepted"
        other = HttpSender(tls=sender.tls, content_type=CP_WBXML, application_id=None)
        push_http(f"https://localhost:{lab.port}", DOCUMENT, other)
        came = [lab.inlet.arrival() for _ in range(2)]
        assert [(each.octets, each.content_type) for each in came] == [(DOCUMENT, DM_WBXML), (DOCUMENT, CP_WBXML)]
        lab.inlet.nothing_else()


def test_the_request_says_no_more_than_it_must(host: Issued, sender: HttpSender) -> None:
    with answering(host, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (url, read):
        assert push_http(url, DOCUMENT, sender).status == "200 OK"
    head, _, body = b"".join(read).partition(b"\r\n\r\n")
    assert body == DOCUMENT
    first, *fields = head.decode().split("\r\n")
    assert first == "POST /push?secret HTTP/1.1"
    assert sorted(field.lower() for field in fields) == [
        "connection: close",
        f"content-length: {len(DOCUMENT)}",
        f"content-type: {DM_WBXML}",
        f"host: {url.split('/')[2]}",
        "x-wap-application-id: x-wap-application:syncml.dm",
    ]


def test_nothing_of_the_environment_is_used(
    host: Issued, sender: HttpSender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine {HOST} login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with answering(host, TAKEN) as (url, read):
        push_http(url, DOCUMENT, sender)
    assert b"authorization" not in b"".join(read).lower()


def test_a_certificate_proves_the_sender(ca: Ca, host: Issued, sender: HttpSender) -> None:
    shown = issue_cert(ca, "dms", san=("dms.example.com",), client=True, passphrase=b"the passphrase")
    context = server_context(host.certificate, host.key, client_ca=ca.file, required=True)
    with listening(context, ca.file) as lab:
        tls = client_context([ca.file], shown.certificate, shown.key, Secret(b"the passphrase"))
        push_http(lab.url, DOCUMENT, HttpSender(tls=tls))
        transport = lab.inlet.arrival().transport
        assert transport.secured
        assert "CN=dms" in transport.evidence
        error = refused(lab.url, sender)
        assert "--cert" in error.advice
        assert lab.inlet.rule() == HttpRule.HANDSHAKE
    with listening(server_context(host.certificate, host.key, client_ca=ca.file), ca.file) as lab:
        push_http(lab.url, DOCUMENT, sender)
        assert lab.inlet.arrival().transport.rule is Rule.HTTP_CLIENT_UNKNOWN


@pytest.mark.parametrize("passphrase", [None, Secret(b"another"), Secret(b""), Secret(b"x" * 2000)])
def test_a_key_needs_its_passphrase(ca: Ca, passphrase: Secret | None) -> None:
    shown = issue_cert(ca, "locked", client=True, passphrase=b"the passphrase")
    with pytest.raises(KeyMaterialError) as caught:
        client_context([ca.file], shown.certificate, shown.key, passphrase)
    assert "another" not in str(caught.value)
    assert "passphrase" in str(caught.value)


def test_only_trusted_hosts_are_pushed_to(ca: Ca, host: Issued, sender: HttpSender, tmp_path: Path) -> None:
    another = make_ca(tmp_path, "another authority")
    elsewhere = issue_cert(ca, "elsewhere", san=("dms.example.com",))
    expired = issue_cert(ca, "expired", not_after=datetime.now(UTC) - timedelta(minutes=1))
    client = issue_cert(ca, "no host", client=True)
    for certificate, trusted in ((host, another), (elsewhere, ca), (expired, ca), (client, ca)):
        with answering(certificate, TAKEN) as (url, read):
            error = refused(url, HttpSender(tls=client_context([trusted.file])))
        assert "its certificate is not trusted: " in str(error)
        assert b"".join(read) == b""
    with answering(host, TAKEN) as (url, _):
        push_http(url, DOCUMENT, sender)


def test_old_tls_and_no_tls_are_refused(host: Issued, sender: HttpSender) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"), answering(host, TAKEN, versions="old") as (url, read):
        assert "TLS did not come about" in str(refused(url, sender))
    with answering(None, TAKEN) as (url, read):
        assert "TLS did not come about" in str(refused(url, sender))
        assert DOCUMENT not in b"".join(read)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", "the answer is not empty (200 OK)"),
        (b"HTTP/1.1 202 Taken\r\n\r\nbody", "the answer is not empty (202 Accepted)"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "wanted 200 or 202, found 204 No Content"),
        (b"HTTP/1.1 302 x\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "found 302 Found"),
        (b"HTTP/1.1 404 secret\r\nContent-Length: 6\r\n\r\nsecret", "found 404 Not Found"),
        (b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", "found 429 Too Many Requests"),
        (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", "found 503 Service Unavailable"),
        (b"HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", "found 599"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "without an answer that could be read"),
        (b"", "without an answer that could be read"),
        (b"SIP/2.0 200 secret\r\n\r\n", "without an answer that could be read"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * (1 << 20), "without an answer that could be read"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8bxyz",
            "the answer is not empty",
        ),
    ],
)
def test_only_an_empty_answer_is_good(host: Issued, sender: HttpSender, answer: bytes, told: str) -> None:
    with answering(host, answer) as (url, _):
        assert told in str(refused(url, sender))


def test_an_endless_answer_is_left(host: Issued, sender: HttpSender) -> None:
    began = time.monotonic()
    with answering(host, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + bytes(1 << 25)) as (url, _):
        assert "the answer is not empty" in str(refused(url, sender))
    assert time.monotonic() - began < 10


def test_a_slow_answer_is_left(host: Issued, sender: HttpSender) -> None:
    hasty = HttpSender(tls=sender.tls, timeout=0.5)
    began = time.monotonic()
    with answering(host, TAKEN, drip=0.1) as (url, _):
        error = refused(url, hasty)
        assert time.monotonic() - began < 2
    assert "no whole answer within 0.5 s" in str(error)
    assert "nobody knows" in error.advice


def test_nobody_listens(sender: HttpSender) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    assert "it cannot be reached (Connection refused)" in str(refused(f"https://{HOST}:{port}/", sender))
    assert "it cannot be reached" in str(refused("https://no-such-host.invalid/", sender))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "ftp://127.0.0.1/",
        "127.0.0.1:8443",
        "/push",
        "",
        "https://",
        "https:///push",
        "https://user:secret@127.0.0.1/",
        "https://secret@127.0.0.1/",
        "http://127.0.0.1/?secret#secret",
        "https://127.0.0.1:99999/",
        "https://[::1/",
        "https://a\x00b/",
        "https://xn--\u20ac.example/",
        "https://127.0.0.1/\n",
    ],
)
def test_the_url_is_one_of_https(sender: HttpSender, url: str) -> None:
    refused(url, sender)


def test_wrong_use_is_told_at_once(ca: Ca) -> None:
    with pytest.raises(ValueError, match="nothing to push"):
        push_http("https://127.0.0.1/", b"", HttpSender(tls=client_context([ca.file])))
    with pytest.raises(ValueError, match="checks the certificate"):
        HttpSender(tls=ssl._create_unverified_context())  # noqa: S323 - what must not be taken
    with pytest.raises(ValueError, match="positive"):
        HttpSender(tls=client_context([ca.file]), timeout=0)


def test_limits_of_the_listener_are_told_as_no(ca: Ca, host: Issued, sender: HttpSender) -> None:
    with listening(server_context(host.certificate, host.key), ca.file, Limits(message_octets=4)) as lab:
        assert "400 Bad Request" in str(refused(lab.url, sender))
        assert lab.inlet.rule() == HttpRule.BODY_SIZE
