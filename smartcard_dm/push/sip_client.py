"""Pushing one message in a SIP MESSAGE: a user agent client with one non-INVITE transaction on a connection of its own.

Guarantees: without TLS nothing is sent unless that was asked for by name; the certificate is of the host that was named
(RFC 5922). One request, answered within the time that was given, or nobody can say that it was taken. What the other
end says is shown short and on one line. Leaves to its caller: randomness, and whom to trust.

Limits: no DNS beyond the address of the host (RFC 3263), no UDP, no proxy or route, no redirection, no digest
authentication (RFC 8760), no retry.
Spec: RFC 3261, 8.1, 17.1.2 and 18.1; RFC 3428, clauses 4 and 8; RFC 3841, 9.1; RFC 5922, clause 7.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import EnvelopeError, PushError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.push.arrival import DM_WBXML
from smartcard_dm.push.pushed import Pushed
from smartcard_dm.push.shown import shown
from smartcard_dm.push.sip_headers import APPLICATION_TAG, BRANCH_COOKIE, DM_APPLICATION, read_cseq, read_via, single
from smartcard_dm.push.sip_headers import via_values as hops_of
from smartcard_dm.push.sip_identity import is_of_host, sip_identities
from smartcard_dm.push.sip_message import SipHeader, SipRequest, SipResponse, build
from smartcard_dm.push.sip_reader import SipFault, SipReader
from smartcard_dm.push.tls import client_context, describe_tls
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from smartcard_dm.push.sip_uri import SipUri
    from smartcard_dm.secret import Secret

TIMER_F: Final = 32.0
"""Seconds a non-INVITE transaction waits for its answer: 64 times T1 (RFC 3261 17.1.2.2)."""
_RANDOM_OCTETS: Final = 12
_READ_OCTETS: Final = 16 * 1024
_AGAIN: Final = "push it again, a device takes a message once"
_UNKNOWN: Final = f"check that it speaks SIP, and whether it asks for a certificate it trusts; then {_AGAIN}"
_TAKEN: Final = (200, 202)
_ADVICE: Final = {
    401: "digest authentication is not spoken: push to a listener that knows this sender by its certificate",
    407: "digest authentication is not spoken: push to the device itself, past the proxy",
    413: "push the message over HTTP",
    415: "the other end takes no DM messages: check the address",
    480: "no device of that address takes DM messages now: check the address, or try again later",
    503: "the other end has no room now: try again later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SipSender:
    """How to push, and as whom."""

    from_uri: SipUri
    """Who pushes, in From."""
    tls: ssl.SSLContext | None
    """As `sip_context` makes it; None: only an address that says `transport=tcp` can be pushed to."""
    unsecured_ok: bool = False
    """Whether such an address may be pushed to: in the clear, for a lab. A device refuses what comes that way."""
    timeout: float = TIMER_F
    """Seconds for all of it."""
    limits: Limits = DEFAULT_LIMITS


def sip_context(
    authorities: Sequence[str | Path],
    certificate: str | Path | None = None,
    key: str | Path | None = None,
    passphrase: Secret | None = None,
) -> ssl.SSLContext:
    """Return the context of a sender, as `tls.client_context` does; the host's name is left to the rules of SIP.

    Raises:
        KeyMaterialError: a file cannot be used, or does not fit to the other.
        ValueError: no authority is named.
    """
    context = client_context(authorities, certificate, key, passphrase)
    context.check_hostname = False  # RFC 5922, clause 7: `push_sip` looks, and wildcards do not match
    return context


def push_sip(to: SipUri, document: bytes, sender: SipSender, random: Callable[[int], bytes]) -> Pushed:
    """Push one message.

    Args:
        to: whom to push to.
        document: the message (WBXML).
        sender: how, and as whom.
        random: gives that many random octets; identifiers are made of them, nothing secret.

    Raises:
        PushError: it was not taken over: no way there, no trust, another answer than 200 or 202, or none in time.
        ValueError: the document is empty, or there is no TLS context for an address that wants one.
    """
    if not document:
        raise ValueError("there is nothing to push")
    until = time.monotonic() + sender.timeout
    if not to.secured and not sender.unsecured_ok:
        raise PushError(
            to.name, "it asks for TCP in the clear", "leave transport=tcp out, or allow it where only a lab listens"
        )
    with _connected(to, sender, until) as (wire, evidence):
        try:
            request = build_message(to, document, sender.from_uri, wire.getsockname()[:2], random)
            response = _ask(wire, request, sender, until)
        except TimeoutError as error:
            raise PushError(
                to.name,
                f"no answer within {sender.timeout:g} s",
                f"nobody knows whether it was taken: {_AGAIN}",
            ) from error
        except EnvelopeError as error:
            raise PushError(
                to.name, f"its answer is malformed: {error}", "check that a SIP server listens there"
            ) from error
        except OSError as error:
            raise PushError(to.name, f"the connection broke: {_reason(error)}", _UNKNOWN) from error
    said = f"{response.status} {shown(response.reason)[1:-1]}".strip()
    if response.status not in _TAKEN:
        advice = _ADVICE.get(response.status, "nothing was taken: look at what the other end logs")
        raise PushError(to.name, f"it was answered {said}", advice)
    if response.body:
        raise PushError(
            to.name, f"it was answered {said} with a body", "it may have been taken: check that a device listens there"
        )
    return Pushed(TransportKind.SIP, to.name, len(document), evidence, said)


def build_message(
    to: SipUri, document: bytes, from_uri: SipUri, local: tuple[str, int], random: Callable[[int], bytes]
) -> SipRequest:
    """Return the request that pushes a document.

    Args:
        to: whom to push to.
        document: its body.
        from_uri: who pushes.
        local: host and port of this end of the connection.
        random: gives that many random octets.
    """
    host = f"[{local[0]}]" if ":" in local[0] else local[0]
    branch, tag, call = (random(_RANDOM_OCTETS).hex() for _ in range(3))
    fields = {
        "via": f"SIP/2.0/{'TLS' if to.secured else 'TCP'} {host}:{local[1]};branch={BRANCH_COOKIE}{branch};rport",
        "max-forwards": "70",
        "from": f"<{from_uri.identity}>;tag={tag}",
        "to": f"<{to.identity}>",
        "call-id": f"{call}@{host}",
        "cseq": "1 MESSAGE",
        "accept-contact": f'*;{APPLICATION_TAG}="{DM_APPLICATION}";require;explicit',
        "content-type": DM_WBXML,
    }
    return SipRequest("MESSAGE", to.text, tuple(SipHeader(name, value) for name, value in fields.items()), document)


@contextmanager
def _connected(to: SipUri, sender: SipSender, until: float) -> Iterator[tuple[socket.socket, str]]:
    """Give a connection and what its security rests on."""
    try:
        wire = socket.create_connection((to.host, to.port), timeout=_left(until))
    except (OSError, UnicodeError) as error:
        raise PushError(to.name, f"no way there: {_reason(error)}", "check host and port") from error
    with wire:
        if not to.secured:
            yield wire, "TCP in the clear"
            return
        with _secured(wire, to, sender, until) as secured:
            yield secured, describe_tls(secured)


@contextmanager
def _secured(wire: socket.socket, to: SipUri, sender: SipSender, until: float) -> Iterator[ssl.SSLSocket]:
    if sender.tls is None or sender.tls.verify_mode != ssl.CERT_REQUIRED:
        raise ValueError("an address over TLS needs a TLS context that checks certificates")
    try:
        wire.settimeout(_left(until))
        secured = sender.tls.wrap_socket(wire, server_hostname=to.host)
    except ssl.SSLCertVerificationError as error:
        raise PushError(
            to.name, f"its certificate is not trusted: {error.verify_message}", "name the authority that issued it"
        ) from error
    except OSError as error:  # ssl.SSLError is one
        raise PushError(
            to.name, f"TLS did not come about: {_reason(error)}", "check that SIP over TLS is spoken on that port"
        ) from error
    with secured:
        certificate = secured.getpeercert()
        if certificate is None or not is_of_host(certificate, to.host):
            names = ", ".join(sip_identities(certificate or {})) or "nobody"
            raise PushError(
                to.name, f"its certificate is of {shown(names)}", "push to a name that the certificate is for"
            )
        yield secured


def _ask(wire: socket.socket, request: SipRequest, sender: SipSender, until: float) -> SipResponse:
    """Return the final answer to a request; provisional ones, and answers to others, are passed over."""
    reader = SipReader(sender.limits)
    branch = read_via(hops_of(request)[0]).branch
    wire.settimeout(_left(until))
    wire.sendall(build(request))
    while True:
        wire.settimeout(_left(until))
        octets = wire.recv(_READ_OCTETS)
        if not octets:
            raise ConnectionError("it was closed without an answer")
        for event in reader.feed(octets):
            match event:
                case SipFault():
                    raise event.error
                case SipResponse() if event.status >= 200 and _is_answer(event, branch):
                    return event
                case _:
                    pass


def _is_answer(response: SipResponse, branch: str | None) -> bool:
    """Tell whether a response is of that transaction (RFC 3261 17.1.3).

    Raises:
        EnvelopeError: it cannot be read.
    """
    return read_via(hops_of(response)[0]).branch == branch and read_cseq(single(response, "cseq"))[1] == "MESSAGE"


def _left(until: float) -> float:
    """Return the seconds that are left.

    Raises:
        TimeoutError: there are none.
    """
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS failed"
    if isinstance(error, UnicodeError):
        return "it is no name of a host"
    if isinstance(error, TimeoutError):
        return "it took too long"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
