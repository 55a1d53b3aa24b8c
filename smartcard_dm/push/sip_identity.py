"""Whether the certificate of a SIP server is of the host that was wanted.

Guarantees: only subject alternative names count; where one of them is a SIP domain, only those do. No wildcard matches.
Leaves to its caller: checking the certificate up to an authority.
Spec: RFC 5922, 7.1 and 7.2. An IP address in a certificate counts for that address, which the text leaves out.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEME: Final = "sip:"


def sip_identities(certificate: Mapping[str, object]) -> tuple[str, ...]:
    """Return the domains and addresses a certificate is for, in lower case.

    Args:
        certificate: as `ssl.SSLSocket.getpeercert` gives it.
    """
    names = certificate.get("subjectAltName", ())
    assert isinstance(names, tuple)  # noqa: S101 - the form of the standard library
    domains = [value[len(_SCHEME) :] for kind, value in names if kind == "URI" and value.lower().startswith(_SCHEME)]
    domains = [domain for domain in domains if domain and "@" not in domain]  # one with a user is of that user
    if not domains:
        domains = [value for kind, value in names if kind == "DNS"]
    addresses = [_address(value) for kind, value in names if kind == "IP Address"]
    return tuple(name.lower() for name in (*domains, *addresses))


def is_of_host(certificate: Mapping[str, object], host: str) -> bool:
    """Tell whether a certificate is of a host: a domain, or an IP address without brackets."""
    return _address(host) in sip_identities(certificate)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return text.lower()
