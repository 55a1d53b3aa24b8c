"""SIP addresses as a push needs them: where to connect, and what the request says.

Guarantees: an address that could be read in two ways is refused; user information never stands in `name`. Leaves to its
caller: finding servers in the DNS (RFC 3263), which is not done: the host is the one to connect to.
Spec: RFC 3261, clauses 19.1 and 26.2.2; RFC 5630.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_URI: Final = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[A-Za-z0-9\-_.!~*'()%&=+$,;?/]+)@)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<parameters>(?:;[A-Za-z0-9\-_.!~*'()%]+(?:=[A-Za-z0-9\-_.!~*'()%\[\]/:&+$]+)?)*)",
    re.IGNORECASE,
)
_TRANSPORT: Final = re.compile(r";transport(?:=([^;]*))?(?=;|$)", re.IGNORECASE)
_TLS_PORT: Final = 5061
_TCP_PORT: Final = 5060


@dataclass(frozen=True, slots=True)
class SipUri:
    """An address to push to, or to push from."""

    text: str
    """As it was given: the Request-URI."""
    scheme: str
    user: str | None
    host: str
    """In lower case; an IPv6 address without brackets."""
    port: int
    """To connect to: 5061 for TLS, 5060 for TCP, unless it says another one."""
    secured: bool
    """Whether TLS is spoken: always, unless it is a sip: address that says `transport=tcp`."""

    @property
    def host_text(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def name(self) -> str:
        """The address without its user: what may be shown."""
        return f"{self.scheme}:{self.host_text}:{self.port}"

    @property
    def identity(self) -> str:
        """The address as From and To say it: without port and transport (RFC 3261, table 1)."""
        user = "" if self.user is None else f"{self.user}@"
        return f"{self.scheme}:{user}{self.host_text}"


def parse_sip_uri(text: str) -> SipUri:
    """Return an address.

    Raises:
        ValueError: no sip: or sips: address, one with a password or with headers, or a transport but tls and tcp.
    """
    found = _URI.fullmatch(text)
    if found is None:
        raise ValueError("wanted sip:[USER@]HOST[:PORT][;transport=tls|tcp], or sips:")
    scheme, user = found["scheme"].lower(), found["user"]
    named = [value.lower() for value in _TRANSPORT.findall(found["parameters"])]
    if len(named) > 1 or named[:1] not in ([], ["tls"], ["tcp"]):
        raise ValueError("wanted transport=tls or transport=tcp")
    secured = scheme == "sips" or named != ["tcp"]
    port = int(found["port"]) if found["port"] else (_TLS_PORT if secured else _TCP_PORT)
    if not 0 < port <= 65535:
        raise ValueError("a port is 1 to 65535")
    return SipUri(text, scheme, user, found["host"].strip("[]").lower(), port, secured)
