"""An account in the readable form that card profiles use.

Guarantees: every scalar is text, every unknown key is refused by name, and errors name the key, never a secret.
Leaves to its caller: reading the file; the mapping holds secrets in clear.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from smartcard_dm.dm.account import (
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
)
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.server_id import parse_server_id
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from enum import Enum

_STRUCTURE: Final = "account source"
_PEM_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_PEM_END: Final = "-----END CERTIFICATE-----"

_XML_TEXT: Final = re.compile(r"[\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]*")

E = TypeVar("E", bound="Enum")


def account_from_mapping(mapping: Mapping[str, object], *, place: str) -> DmAccount:
    """Make an account from nested mappings.

    Keys: `server_id`, `addresses` (each `addr`, optional `addr_type`, `ports`, `node_name`), and optional `name`,
    `node_name` (default: the ServerID), `pref_con_ref`, `to_con_refs`, `auth_pref`, `auth` (each `level`, `type`,
    optional `name`, `secret` as text, `data` as Base64, `certificate` as PEM or Base64 for X509, `node_name`).

    Args:
        mapping: the account; all scalars are `str`.
        place: where it stands, such as `card.yaml:accounts[0]`, for errors.

    Raises:
        DmError: a key is unknown or missing, a scalar is not text, or a value is out of range.
    """
    source = _Source(mapping, place)
    auth_pref = source.optional("auth_pref")
    server_id = parse_server_id(source.required("server_id"), place=f"{place}.server_id")
    try:
        account = DmAccount(
            server_id=server_id,
            node_name=source.node_name("1" if segment_fault(str(server_id)) else str(server_id)),
            name=source.optional("name"),
            pref_con_ref=source.optional("pref_con_ref"),
            to_con_refs=source.texts("to_con_refs"),
            addresses=tuple(_address(entry, number) for number, entry in enumerate(source.entries("addresses"), 1)),
            auth_pref=source.choice("auth_pref", AuthType, auth_pref) if auth_pref else None,
            auth=tuple(_auth(entry, number) for number, entry in enumerate(source.entries("auth"), 1)),
        )
    except ValueError as error:
        raise DmError(_STRUCTURE, str(error), place=place) from None
    source.end()
    return account


def _address(source: _Source, number: int) -> AppAddress:
    ports = source.texts("ports")
    for port in ports:
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 0xFFFF):
            raise source.fault("not a port number", "ports", wanted="decimal, 16 bit", found=repr(port[:20]))
    try:
        address = AppAddress(
            node_name=source.node_name(str(number)),
            addr=source.required("addr"),
            addr_type=source.choice("addr_type", AddrType, source.optional("addr_type") or AddrType.URI.value),
            ports=tuple(int(port) for port in ports),
        )
    except ValueError as error:
        raise source.fault(str(error), "addr") from None
    source.end()
    return address


def _auth(source: _Source, number: int) -> AppAuth:
    secret = source.optional("secret")
    data = source.optional("data")
    certificate = source.optional("certificate")
    try:
        auth = AppAuth(
            node_name=source.node_name(str(number)),
            level=source.choice("level", AuthLevel, source.required("level")),
            type=source.choice("type", AuthType, source.required("type")),
            name=source.optional("name"),
            secret=Secret(secret.encode()) if secret is not None else None,
            data=Secret(source.octets("data", data)) if data is not None else None,
            certificate=source.octets("certificate", _without_armour(certificate)) if certificate is not None else None,
        )
    except ValueError as error:
        raise source.fault(str(error), "type") from None
    source.end()
    return auth


def _without_armour(text: str) -> str:
    """Return the Base64 of a certificate, whether or not it stands between the lines of PEM."""
    return text.strip().removeprefix(_PEM_BEGIN).removesuffix(_PEM_END)


class _Source:
    """One mapping: each key is taken once by name, or refused by name."""

    def __init__(self, mapping: object, place: str) -> None:
        self._place = place
        if not isinstance(mapping, Mapping):
            raise DmError(_STRUCTURE, "not a mapping", place=place, found=type(mapping).__name__)
        self._rest: dict[object, object] = dict(mapping)

    def fault(self, detail: str, key: str, *, wanted: str | None = None, found: str | None = None) -> DmError:
        """Make the error that names a key of this mapping."""
        return DmError(_STRUCTURE, detail, place=f"{self._place}.{key}", wanted=wanted, found=found)

    def optional(self, key: str) -> str | None:
        """Take a text; None when there is no such key."""
        return self._text(key, self._rest.pop(key)) if key in self._rest else None

    def required(self, key: str) -> str:
        """Take a text that has to be there."""
        text = self.optional(key)
        if text is None:
            raise self.fault("the key is missing", key)
        return text

    def node_name(self, default: str) -> str:
        """Take the name of the node."""
        name = self.optional("node_name")
        fault = segment_fault(name) if name is not None else None
        if fault is not None:
            raise self.fault(fault, "node_name")
        return name or default

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; empty when there is no such key."""
        return tuple(self._text(f"{key}[{index}]", value) for index, value in enumerate(self._list(key)))

    def entries(self, key: str) -> list[_Source]:
        """Take a list of mappings; empty when there is no such key."""
        return [_Source(value, f"{self._place}.{key}[{index}]") for index, value in enumerate(self._list(key))]

    def choice(self, key: str, kind: type[E], text: str) -> E:
        """Return the member of `kind` that the text stands for."""
        for member in kind:
            if member.value == text:
                return member
        wanted = ", ".join(str(member.value) for member in kind)
        raise self.fault("unknown value", key, wanted=wanted, found=repr(text[:40]))

    def octets(self, key: str, text: str) -> bytes:
        """Return the octets of a Base64 text."""
        return decode_base64(text, structure=_STRUCTURE, place=f"{self._place}.{key}")

    def end(self) -> None:
        """Check that every key was taken."""
        for key in self._rest:
            raise self.fault("unknown key", str(key)[:40])

    def _list(self, key: str) -> Sequence[object]:
        value = self._rest.pop(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.fault("not a list", key, found=type(value).__name__)
        return value

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.fault("not text", key, wanted="str", found=type(value).__name__)
        if not _XML_TEXT.fullmatch(value):
            raise self.fault("the text has characters that XML cannot hold", key)
        return value
