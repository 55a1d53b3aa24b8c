"""The sender of HTTP pushes: one POST over TLS, whose answer is empty.

Guarantees: the certificate and the host's name are always checked, with TLS 1.2 or newer; no redirect is followed, no
proxy, cookie or password of the environment is used; all of it ends within one bound of time, and no more of an answer
is read than tells that it is not empty. Leaves to its caller: whom to trust, and the message.
Spec: RFC 9110; OMA-TS-DM_Sessionless 5.3; decision 0027.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import httpx

from smartcard_dm.errors import PushError
from smartcard_dm.push.arrival import APPLICATION_ID, DM_WBXML
from smartcard_dm.push.pushed import Pushed
from smartcard_dm.push.tls import describe_tls
from smartcard_dm.trust.transport import TransportKind

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_SECONDS: Final = 30.0
_TAKEN: Final = frozenset((HTTPStatus.OK, HTTPStatus.ACCEPTED))
_LATER: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
_LAST_PORT: Final = 65535
_UNKNOWN: Final = "nobody knows whether it was taken: push it again, a device takes the same message once"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSender:
    """How to push."""

    tls: ssl.SSLContext = field(repr=False)
    """As `tls.client_context` makes it."""
    timeout: float = DEFAULT_SECONDS
    """Seconds that all of it may take."""
    content_type: str = DM_WBXML
    application_id: str | None = APPLICATION_ID
    """X-Wap-Application-Id; None: none is sent."""

    def __post_init__(self) -> None:
        if self.tls.verify_mode != ssl.CERT_REQUIRED or not self.tls.check_hostname:
            raise ValueError("a sender checks the certificate and the name of the host it pushes to")
        if self.timeout <= 0:
            raise ValueError(f"a time to wait is positive, found {self.timeout}")


def push_http(url: str, document: bytes, sender: HttpSender) -> Pushed:
    """Push a document and return what was answered.

    Args:
        url: https://HOST[:PORT][/PATH].
        document: one WBXML document.
        sender: how to push.

    Raises:
        PushError: it was not taken over, or nobody knows; its advice says which.
        ValueError: the document is empty.
    """
    if not document:
        raise ValueError("an empty document is nothing to push")
    to = _parse(url)
    name = _name(to)
    try:
        answer = asyncio.run(_post(to, document, sender))
    except TimeoutError as error:
        raise PushError(name, f"no whole answer within {sender.timeout:g} s", _UNKNOWN) from error
    except httpx.ConnectError as error:
        raise _not_reached(name, error) from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        detail = f"the connection ended without an answer that could be read ({_reason(error)})"
        advice = f"{_UNKNOWN}; a receiver that asks for a certificate ends like this too: give --cert"
        raise PushError(name, detail, advice) from error
    status = _shown(answer.status)
    if answer.status not in _TAKEN:
        raise PushError(name, f"it was not taken over: wanted 200 or 202, found {status}", _advice(answer.status))
    if not answer.empty:
        detail = f"the answer is not empty ({status}), as that of a receiver of pushes is"
        raise PushError(name, detail, "check that the URL is that of the receiver, not of a web site")
    return Pushed(TransportKind.HTTP, name, len(document), answer.evidence, status)


def _parse(url: str) -> httpx.URL:
    """Return an address that nothing secret stands in, and that is reached over TLS."""
    try:
        to = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise PushError("the URL", "it is malformed", "give https://HOST[:PORT][/PATH]") from error
    name = _name(to)
    if to.userinfo:
        raise PushError(name, "a name or password stands in the URL", "leave it out; --cert proves who pushes")
    if to.scheme != "https":
        found = "HTTP in the clear has no security" if to.scheme == "http" else "it is no URL of HTTPS"
        raise PushError(name, found, "give https://HOST[:PORT][/PATH]")
    if not to.host or (to.port or 0) > _LAST_PORT:
        raise PushError(name, "it names no host and port", "give https://HOST[:PORT][/PATH]")
    return to


def _name(to: httpx.URL) -> str:
    """Return the URL as it may be shown: what follows ? and # may be a token."""
    return str(to.copy_with(userinfo=b"", query=None, fragment=None))


class _Answer(NamedTuple):
    status: int
    empty: bool
    evidence: str


async def _post(to: httpx.URL, document: bytes, sender: HttpSender) -> _Answer:
    headers = {"content-type": sender.content_type, "connection": "close"}
    if sender.application_id is not None:
        headers["x-wap-application-id"] = sender.application_id
    # The client's own bounds are for each read and write; the one around all of it is what ends a slow answer.
    async with (
        asyncio.timeout(sender.timeout),
        httpx.AsyncClient(verify=sender.tls, trust_env=False, follow_redirects=False, timeout=None) as client,  # noqa: S113
    ):
        for unasked in ("accept", "accept-encoding", "user-agent"):
            del client.headers[unasked]
        async with client.stream("POST", to, content=document, headers=headers) as response:
            evidence = _evidence(response)
            async for part in response.aiter_raw():
                if part:
                    return _Answer(response.status_code, empty=False, evidence=evidence)
            return _Answer(response.status_code, empty=True, evidence=evidence)


def _evidence(response: httpx.Response) -> str:
    tls = cast("ssl.SSLObject | None", response.extensions["network_stream"].get_extra_info("ssl_object"))
    assert tls is not None  # noqa: S101 - the scheme is https
    return describe_tls(tls)


def _shown(code: int) -> str:
    """Return a status with its standard phrase; that of the answer is a stranger's text."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _advice(status: int) -> str:
    if status in _LATER:
        return "push it again later"
    if status in range(300, 400):
        return "redirects are not followed: give the URL that it should go to"
    return "check the URL; what was wrong only the receiver's own report says"


def _not_reached(name: str, error: httpx.ConnectError) -> PushError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            advice = "give its authority with --ca, and the name its certificate is for"
            return PushError(name, f"its certificate is not trusted: {cause.verify_message}", advice)
        if isinstance(cause, ssl.SSLError):
            return PushError(
                name, f"TLS did not come about ({_reason(cause)})", "check that it speaks TLS 1.2 or newer"
            )
    return PushError(name, f"it cannot be reached ({_reason(error)})", "check host and port, and that it listens")


def _reason(error: BaseException) -> str:
    """Return why something failed, in words of this system and not of the other end."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.lower().replace("_", " ")
        if isinstance(cause, OSError) and cause.strerror:
            # The event loop writes addresses into what the system said; a name that is not found has no number there.
            return os.strerror(cause.errno or 0) if cause.errno in errno.errorcode else cause.strerror
    return type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what led to it, the deepest first."""
    chain: list[BaseException] = []
    next_one: BaseException | None = error
    while next_one is not None and next_one not in chain:
        chain.append(next_one)
        next_one = next_one.__cause__ or next_one.__context__
    yield from reversed(chain)
