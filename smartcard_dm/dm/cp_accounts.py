"""DM accounts of a client provisioning document: each APPLICATION with the APPID w7 becomes one.

Guarantees: an account that is broken or ambiguous is an error that names the parm; accounts come in the order of the
document; everything that gave no part of an account is listed or kept.
Leaves to its caller: reading the file, the accounts' `origin`, rights in the tree, and judging two accounts that share
a ServerID, which are both returned.
Spec: OMA-TS-DM_StdObj-V1_2_1, appendix on the w7 characteristic; OMA-SUP-ac_w7_dm-V1_0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.account import (
    APP_ID,
    AddrType,
    AppAddress,
    AppAuth,
    AuthLevel,
    AuthType,
    DmAccount,
    address_fault,
    level_fault,
)
from smartcard_dm.dm.cp_fields import STRUCTURE, CpFields
from smartcard_dm.dm.cp_place import steps
from smartcard_dm.dm.formats import decode_base64
from smartcard_dm.dm.server_id import parse_server_id
from smartcard_dm.dm.uri import segment_fault
from smartcard_dm.errors import LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from smartcard_dm.dm.provisioning_document import Characteristic, ProvisioningDocument

_CONNECTIVITY: Final = frozenset({"PXLOGICAL", "NAPDEF"})
_PORT: Final = re.compile(r"[0-9]{1,5}")

# The mapping is easily turned round, and programs in the field have it wrong: APPSRV is the level of what is presented
# to the application server, so it holds what the client says of itself; CLIENT holds what the server says of itself.
# Turned round, the password that a client sends would make its owner a sender of commands.
_LEVELS: Final = {"APPSRV": AuthLevel.CLCRED, "CLIENT": AuthLevel.SRVCRED, "OBEX": AuthLevel.OBEX}
_TYPES: Final = {**{known.value: known for known in AuthType}, "DIGEST,MD5": AuthType.DIGEST}
_ADDR_TYPES: Final = {
    "URI": AddrType.URI,
    "IPV4": AddrType.IPV4,
    "IPV6": AddrType.IPV6,
    # The spelling of the account's own object.
    AddrType.IPV4.value: AddrType.IPV4,
    AddrType.IPV6.value: AddrType.IPV6,
}


@dataclass(frozen=True, slots=True)
class CpAccounts:
    """What a provisioning document says of device management."""

    accounts: tuple[DmAccount, ...] = ()
    """In the order of the document."""
    connectivity: tuple[Characteristic, ...] = ()
    """Each PXLOGICAL and NAPDEF as it stands: what the accounts' connectivity references name."""
    skipped: tuple[str, ...] = ()
    """Places of the other characteristics; of an APPLICATION with its APPID."""
    warnings: tuple[str, ...] = ()
    """What was tolerated or left out of an account, with its place."""


def accounts_from_document(
    document: ProvisioningDocument, *, origin_place: str, limits: Limits = DEFAULT_LIMITS
) -> CpAccounts:
    """Return the accounts and the connectivity of a provisioning document.

    A parm that the mapping does not know, of a vendor or a newer version, gives a warning and no error. A parm without
    a value counts as absent where it is optional, and so does one with an empty value.

    Args:
        document: the document.
        origin_place: where it stands, such as the path of its file, for errors; `skipped` and `warnings` are without.
        limits: holds `accounts`.

    Raises:
        DmError: a parm is missing, more than once there, or has a value out of range.
        LimitExceededError: too many accounts.
    """
    accounts: list[DmAccount] = []
    connectivity: list[Characteristic] = []
    skipped: list[str] = []
    warnings: list[str] = []
    types = (characteristic.type for characteristic in document.characteristics)
    for characteristic, place in zip(document.characteristics, steps("characteristic", types), strict=True):
        if characteristic.type in _CONNECTIVITY:
            connectivity.append(characteristic)
        elif characteristic.type != "APPLICATION":
            skipped.append(place)
        else:
            fields = CpFields(characteristic, place, origin_place)
            app_id = fields.required("APPID")
            if app_id != APP_ID:
                skipped.append(f"{place} with APPID {app_id[:40]!r}")
                continue
            if len(accounts) == limits.accounts:
                raise LimitExceededError(STRUCTURE, "accounts", limits.accounts, found="one more")
            accounts.append(_Application(fields, warnings).account(len(accounts) + 1))
    return CpAccounts(tuple(accounts), tuple(connectivity), tuple(skipped), tuple(warnings))


class _Application:
    """One APPLICATION of DM, and where its warnings go."""

    def __init__(self, fields: CpFields, warnings: list[str]) -> None:
        self._fields = fields
        self._warnings = warnings

    def account(self, number: int) -> DmAccount:
        """Read the account; `number` is its place among those of the document."""
        fields = self._fields
        server_id = parse_server_id(fields.required("PROVIDER-ID"), place=fields.at("PROVIDER-ID"))
        references = fields.several("TO-PROXY", "TO-NAPID")
        if fields.flag("INIT"):
            self._warn(fields, "INIT asks for a session at once; it is not part of the account")
        account = DmAccount(
            server_id=server_id,
            node_name=str(number) if segment_fault(str(server_id)) else str(server_id),
            name=fields.optional("NAME"),
            pref_con_ref=references[0] if len(references) == 1 else None,
            to_con_refs=references if len(references) > 1 else (),
            addresses=self._addresses(),
            auth=tuple(self._auth(each, node) for node, each in enumerate(fields.characteristics("APPAUTH"), 1)),
        )
        self._end(fields)
        return account

    def _addresses(self) -> tuple[AppAddress, ...]:
        """Read ADDR, the short form, and the APPADDR characteristics."""
        short = self._fields.several("ADDR")
        long = self._fields.characteristics("APPADDR")
        if not short and not long:
            raise self._fields.fault("the parm is missing, and so is APPADDR", "ADDR")
        if short and long:
            self._warn(self._fields, "ADDR stands beside APPADDR; both are taken as addresses")
        addresses: list[AppAddress] = []
        for addr in short:
            fault = address_fault(addr, AddrType.URI)
            if fault is not None:
                raise self._fields.fault(fault, "ADDR")
            addresses.append(AppAddress(node_name=str(len(addresses) + 1), addr=addr))
        for fields in long:
            addresses.append(self._address(fields, len(addresses) + 1))
        return tuple(addresses)

    def _address(self, fields: CpFields, number: int) -> AppAddress:
        addr = fields.required("ADDR")
        # As in the account's own object, no value means URI.
        kind = fields.optional("ADDRTYPE") or "URI"
        addr_type = _ADDR_TYPES.get(kind)
        if addr_type is None:
            wanted = ", ".join(_ADDR_TYPES)
            raise fields.fault(
                "not a type of address that an account has", "ADDRTYPE", wanted=wanted, found=_shown(kind)
            )
        fault = address_fault(addr, addr_type)
        if fault is not None:
            raise fields.fault(fault, "ADDR")
        ports = tuple(map(self._port, fields.characteristics("PORT")))
        self._end(fields)
        return AppAddress(node_name=str(number), addr=addr, addr_type=addr_type, ports=ports)

    def _port(self, fields: CpFields) -> int:
        text = fields.required("PORTNBR")
        if not _PORT.fullmatch(text) or int(text) > 0xFFFF:
            raise fields.fault("not a port number", "PORTNBR", wanted="decimal, 16 bit", found=_shown(text))
        self._end(fields)
        return int(text)

    def _auth(self, fields: CpFields, number: int) -> AppAuth:
        level = self._level(fields)
        type_ = self._type(fields, level)
        secret = fields.optional("AAUTHSECRET")
        text = fields.optional("AAUTHDATA")
        data = decode_base64(text, structure=STRUCTURE, place=fields.at("AAUTHDATA")) if text is not None else None
        is_certificate = type_ is AuthType.X509
        if is_certificate and data == b"":
            raise fields.fault("the certificate is empty", "AAUTHDATA")
        auth = AppAuth(
            node_name=str(number),
            level=level,
            type=type_,
            name=fields.optional("AAUTHNAME"),
            secret=Secret(secret.encode()) if secret is not None else None,
            data=Secret(data) if data is not None and not is_certificate else None,
            certificate=data if is_certificate else None,
        )
        self._end(fields)
        return auth

    def _level(self, fields: CpFields) -> AuthLevel:
        """Read AAUTHLEVEL; without one the credentials are for HTTP.

        A client of the field documents it so, w7 has no other way to say HTTP, and it is safe: what is on the HTTP
        layer can sign nothing. A DM type without a level is refused: to guess there would be to guess who may sign.
        """
        text = fields.optional("AAUTHLEVEL")
        if text is None:
            self._warn(fields, "no AAUTHLEVEL; the credentials are taken as those of the HTTP layer")
            return AuthLevel.HTTP
        if text not in _LEVELS:
            raise fields.fault("unknown level", "AAUTHLEVEL", wanted=", ".join(_LEVELS), found=_shown(text))
        return _LEVELS[text]

    def _type(self, fields: CpFields, level: AuthLevel) -> AuthType:
        text = fields.optional("AAUTHTYPE")
        if text is None and not level.is_transport:
            # An account has one AAuthType in each set of credentials, in w7 it may be left out; clients of the field
            # then take DIGEST.
            self._warn(fields, "no AAUTHTYPE; taken as DIGEST")
            return AuthType.DIGEST
        if text is None:
            detail = f"the parm is missing or has no value, on the level {level.value}"
            raise fields.fault(detail, "AAUTHTYPE", wanted="HTTP-BASIC, HTTP-DIGEST or TRANSPORT")
        type_ = _TYPES.get(text)
        if type_ is None:
            raise fields.fault("unknown type", "AAUTHTYPE", wanted=", ".join(_TYPES), found=_shown(text))
        fault = level_fault(level, type_)
        if fault is not None:
            raise fields.fault(fault, "AAUTHTYPE")
        return type_

    def _end(self, fields: CpFields) -> None:
        self._warnings += [f"{place} is not part of an account and is left out" for place in fields.rest()]

    def _warn(self, fields: CpFields, text: str) -> None:
        self._warnings.append(f"{fields.place}: {text}")


def _shown(text: str) -> str:
    return repr(text[:40])
