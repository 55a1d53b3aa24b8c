"""A DM account (DMAcc object) as a value.

Guarantees: an account that exists has every node the standard wants, with values it allows; secrets are `Secret`.
Leaves to its caller: which of an account's keys may sign what, and whether two accounts share a ServerID.
Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.1.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm.dm.server_id import ServerId
    from smartcard_dm.dm.tnds import TndsNode
    from smartcard_dm.identity import Origin
    from smartcard_dm.secret import Secret

APP_ID: Final = "w7"
"""The only value of AppID in a DM account."""


class AuthLevel(Enum):
    """Who authenticates itself to whom, and on which layer (AAuthLevel)."""

    CLCRED = "CLCRED"
    """The client to the server, DM layer."""
    SRVCRED = "SRVCRED"
    """The server to the client, DM layer: the only level whose keys say anything about a message's sender."""
    OBEX = "OBEX"
    HTTP = "HTTP"

    @property
    def is_transport(self) -> bool:
        """Whether the level is below DM and takes only the types of a transport."""
        return self in {AuthLevel.OBEX, AuthLevel.HTTP}


class AuthType(Enum):
    """How (AAuthType)."""

    HTTP_BASIC = "HTTP-BASIC"
    HTTP_DIGEST = "HTTP-DIGEST"
    BASIC = "BASIC"
    DIGEST = "DIGEST"
    HMAC = "HMAC"
    X509 = "X509"
    SECURID = "SECURID"
    SAFEWORD = "SAFEWORD"
    DIGIPASS = "DIGIPASS"
    TRANSPORT = "TRANSPORT"

    @property
    def is_transport(self) -> bool:
        """Whether the levels OBEX and HTTP take it."""
        return self in {AuthType.HTTP_BASIC, AuthType.HTTP_DIGEST, AuthType.TRANSPORT}


class AddrType(Enum):
    """The form of an address (AddrType)."""

    URI = "URI"
    IPV4 = "IPv4"
    IPV6 = "IPv6"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAddress:
    """One address of the server (AppAddr/X).

    Raises:
        ValueError: the address has not the form of its type, or a port does not fit 16 bits.
    """

    node_name: str
    addr: str
    addr_type: AddrType = AddrType.URI
    ports: tuple[int, ...] = ()
    """Port/X/PortNbr, in the order of the object; empty when the transport's default counts."""

    def __post_init__(self) -> None:
        fault = address_fault(self.addr, self.addr_type)
        if fault is not None:
            raise ValueError(fault)
        if not all(0 <= port <= 0xFFFF for port in self.ports):
            raise ValueError("a port number fits 16 bits")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppAuth:
    """One set of credentials (AppAuth/X).

    Raises:
        ValueError: level and type do not go together, or the data do not go with the type.
    """

    node_name: str
    level: AuthLevel
    type: AuthType
    name: str | None = None
    """AAuthName, a user or server name; not a secret."""
    secret: Secret | None = None
    """The octets of AAuthSecret, UTF-8."""
    data: Secret | None = None
    """AAuthData where it is a nonce or otherwise not public; None for X509."""
    certificate: bytes | None = field(default=None, repr=False)
    """AAuthData of type X509: the certificate, not looked into here."""

    def __post_init__(self) -> None:
        fault = level_fault(self.level, self.type)
        if fault is None and (self.data if self.type is AuthType.X509 else self.certificate) is not None:
            fault = "AAuthData is a certificate for X509, and for no other type"
        if fault is None and self.certificate == b"":
            fault = "the certificate in AAuthData is empty"
        if fault is not None:
            raise ValueError(fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class DmAccount:
    """One account: a server that may manage this device.

    Raises:
        ValueError: there is no address, or two addresses or two sets of credentials have one node name.
    """

    server_id: ServerId
    """The name that a message's Source is matched with and that rights belong to."""
    node_name: str = ""
    """Name of the account's own node; empty when the device is to choose it."""
    name: str | None = None
    """Display name."""
    app_id: str = APP_ID
    pref_con_ref: str | None = None
    """Preferred connectivity: URI of a NAP or proxy object, or a name the device knows."""
    to_con_refs: tuple[str, ...] = ()
    """Further connectivity references."""
    addresses: tuple[AppAddress, ...]
    """At least one."""
    auth_pref: AuthType | None = None
    """What the client uses first; None also for an empty AAuthPref, "as agreed in the last session"."""
    auth: tuple[AppAuth, ...] = ()
    ext: TndsNode | None = None
    """Vendor branch, kept as it is."""
    origin: Origin | None = None
    """Where the account was read; set by the reader."""

    def __post_init__(self) -> None:
        if not self.addresses:
            raise ValueError("an account has at least one address")
        if self.app_id != APP_ID:
            raise ValueError(f"the AppID of a DM account is {APP_ID}")
        for siblings in (self.addresses, self.auth):
            names = [sibling.node_name for sibling in siblings]
            if len(set(names)) < len(names):
                raise ValueError("two nodes of an account have one name")


def address_fault(addr: str, addr_type: AddrType) -> str | None:
    """Say why a text is no address of this type, or return None."""
    if addr_type is AddrType.URI:
        usable = bool(addr) and addr.isprintable() and " " not in addr
    else:
        try:
            usable = ipaddress.ip_address(addr).version == (4 if addr_type is AddrType.IPV4 else 6)
        except ValueError:
            usable = False
    return None if usable else f"Addr is not an address of AddrType {addr_type.value}"


def level_fault(level: AuthLevel, type_: AuthType) -> str | None:
    """Say why a type cannot be used on a level, or return None.

    Spec: OMA-TS-DM_StdObj-V1_2_1, 5.3.1 (AAuthLevel).
    """
    if level.is_transport and not type_.is_transport:
        return f"AAuthLevel {level.value} takes only HTTP-BASIC, HTTP-DIGEST and TRANSPORT, not {type_.value}"
    return None
