"""Reading a DM message from its XML form.

Guarantees: content models are held exactly, order included; no CmdID occurs twice; every error names a place.
Leaves to its caller: the signature, which is taken off before.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 and 6; the 1.2 DTD.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.message import (
    AlertCommand,
    CommandKind,
    DmMessage,
    GroupCommand,
    ItemCommand,
    ResultsCommand,
    StatusCommand,
    SyncHeader,
)
from smartcard_dm.dm.message_read_items import read_credential, read_item, read_location, read_meta, sync
from smartcard_dm.dm.namespaces import VER_DTD, VER_PROTO, XMLENC_NS
from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_model import (
    Model,
    at,
    flag,
    many,
    maybe,
    one,
    only,
    read_filled,
    read_later,
    read_text,
    some,
)
from smartcard_dm.dm.xml_walk import clark
from smartcard_dm.errors import LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from typing import NoReturn

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.message import Meta
    from smartcard_dm.dm.xml_model import PlacedReader
    from smartcard_dm.dm.xml_walk import Document

_STRUCTURE: Final = "DM message"
_SYNC_ML: Final = sync("SyncML")
_VERSION: Final = re.compile(r"[\x21-\x7E]{1,16}")


def parse_message(xml: bytes, *, limits: Limits = DEFAULT_LIMITS) -> DmMessage:
    """Read a DM message from its XML form.

    `EncryptedData` inside `Data` becomes `EncryptedContent`; in the place of commands it is refused.

    Args:
        xml: the document, root `SyncML`, without a signature.
        limits: holds `xml_octets`, `wbxml_depth` and `commands`.

    Raises:
        DmError: not the content model, an empty identifier, or a CmdID that occurs twice.
        LimitExceededError: too large, too deep or too many commands.
        UnsupportedError: another version, or an element that device management does not use.
    """
    root = parse_xml(xml, root=_SYNC_ML, structure=_STRUCTURE, limits=limits)
    document = root.document
    header, body = _MESSAGE.read(root.element, document)
    commands, final = _BODY.read(body, document, "/SyncML/SyncBody")
    return DmMessage(header=header, commands=tuple(commands), final=final)


def _read_version(wanted: str, element: LxmlElement, document: Document) -> str:
    version = read_text(element, document)
    if version == wanted:
        return version
    here = at(element, document)
    if not _VERSION.fullmatch(version):
        raise here.fault("not a version", wanted=wanted)
    raise UnsupportedError(f"{here.place} {version}", f"wanted {wanted}")


_HEADER: Final = Model(
    one(sync("VerDTD"), partial(_read_version, VER_DTD)),
    one(sync("VerProto"), partial(_read_version, VER_PROTO)),
    one(sync("SessionID"), read_filled),
    one(sync("MsgID"), read_filled),
    one(sync("Target"), read_location),
    one(sync("Source"), read_location),
    maybe(sync("RespURI"), read_text),
    flag(sync("NoResp")),
    maybe(sync("Cred"), read_later),
    maybe(sync("Meta"), read_meta),
)


def _read_header(element: LxmlElement, document: Document) -> SyncHeader:
    ver_dtd, ver_proto, session_id, msg_id, target, source, resp_uri, no_resp, cred, meta = _HEADER.read(
        element, document
    )
    return SyncHeader(
        session_id=session_id,
        msg_id=msg_id,
        target=target[0],
        source=source[0],
        ver_dtd=ver_dtd,
        ver_proto=ver_proto,
        target_name=target[1],
        source_name=source[1],
        resp_uri=resp_uri,
        no_resp=no_resp,
        cred=None if cred is None else read_credential(cred, document),
        meta=meta,
    )


def _read_cmd_id(element: LxmlElement, document: Document) -> str:
    """Read the identifier of a command: none occurs twice, and their number is the number of commands."""
    cmd_id = read_filled(element, document)
    seen, most = document.identifiers, document.limits.commands
    if cmd_id in seen:
        raise at(element, document).fault("two commands have one CmdID", found=repr(cmd_id[:40]))
    seen.add(cmd_id)
    if len(seen) > most:
        raise LimitExceededError(_STRUCTURE, "commands", most, place=at(element, document).place)
    return cmd_id


_CMD_ID: Final = one(sync("CmdID"), _read_cmd_id)
_NO_RESP: Final = flag(sync("NoResp"))
_META: Final = maybe(sync("Meta"), read_meta)
_CORRELATOR: Final = maybe(sync("Correlator"), read_text)
_ITEMS: Final = many(sync("Item"), read_item)
_ITEMS_WANTED: Final = many(sync("Item"), read_item, least=1)

_ON_ITEMS: Final = Model(_CMD_ID, _NO_RESP, _META, _ITEMS_WANTED)


def _read_on_items(kind: CommandKind, element: LxmlElement, document: Document, place: str) -> ItemCommand:
    cmd_id, no_resp, meta, items = _ON_ITEMS.read(element, document, place)
    return ItemCommand(kind=kind, cmd_id=cmd_id, items=tuple(items), meta=meta, no_resp=no_resp, place=place)


_EXEC: Final = Model(_CMD_ID, _NO_RESP, _META, _CORRELATOR, only(sync("Item"), read_item))


def _read_exec(element: LxmlElement, document: Document, place: str) -> ItemCommand:
    cmd_id, no_resp, meta, correlator, items = _EXEC.read(element, document, place)
    return ItemCommand(
        kind=CommandKind.EXEC,
        cmd_id=cmd_id,
        items=tuple(items),
        meta=meta,
        correlator=correlator,
        no_resp=no_resp,
        place=place,
    )


_ALERT: Final = Model(_CMD_ID, _NO_RESP, maybe(sync("Data"), read_text), _CORRELATOR, _ITEMS)


def _read_alert(element: LxmlElement, document: Document, place: str) -> AlertCommand:
    cmd_id, no_resp, code, correlator, items = _ALERT.read(element, document, place)
    return AlertCommand(
        cmd_id=cmd_id, code=code, items=tuple(items), correlator=correlator, no_resp=no_resp, place=place
    )


def _read_reference(element: LxmlElement, document: Document, _: str) -> str:
    return read_text(element, document)


_CHALLENGE: Final = Model(one(sync("Meta"), read_meta))
_STATUS: Final = Model(
    _CMD_ID,
    one(sync("MsgRef"), read_filled),
    one(sync("CmdRef"), read_filled),
    one(sync("Cmd"), read_filled),
    many(sync("TargetRef"), _read_reference),
    many(sync("SourceRef"), _read_reference),
    maybe(sync("Cred"), read_later),
    maybe(sync("Chal"), read_later),
    one(sync("Data"), read_filled),
    _ITEMS,
)


def _read_challenge(element: LxmlElement, document: Document) -> Meta:
    meta: Meta
    (meta,) = _CHALLENGE.read(element, document)
    return meta


def _read_status(element: LxmlElement, document: Document, place: str) -> StatusCommand:
    cmd_id, msg_ref, cmd_ref, cmd, target_refs, source_refs, cred, chal, code, items = _STATUS.read(
        element, document, place
    )
    return StatusCommand(
        cmd_id=cmd_id,
        msg_ref=msg_ref,
        cmd_ref=cmd_ref,
        cmd=cmd,
        code=code,
        target_refs=tuple(target_refs),
        source_refs=tuple(source_refs),
        cred=None if cred is None else read_credential(cred, document),
        chal=None if chal is None else _read_challenge(chal, document),
        items=tuple(items),
        place=place,
    )


_RESULTS: Final = Model(
    _CMD_ID,
    maybe(sync("MsgRef"), read_text),
    one(sync("CmdRef"), read_filled),
    _META,
    maybe(sync("TargetRef"), read_text),
    maybe(sync("SourceRef"), read_text),
    _ITEMS_WANTED,
)


def _read_results(element: LxmlElement, document: Document, place: str) -> ResultsCommand:
    cmd_id, msg_ref, cmd_ref, meta, target_ref, source_ref, items = _RESULTS.read(element, document, place)
    return ResultsCommand(
        cmd_id=cmd_id,
        cmd_ref=cmd_ref,
        items=tuple(items),
        msg_ref=msg_ref,
        meta=meta,
        target_ref=target_ref,
        source_ref=source_ref,
        place=place,
    )


def _read_group(kind: CommandKind, element: LxmlElement, document: Document, place: str) -> GroupCommand:
    cmd_id, no_resp, meta, commands = _GROUP.read(element, document, place)
    return GroupCommand(kind=kind, cmd_id=cmd_id, commands=tuple(commands), meta=meta, no_resp=no_resp, place=place)


def _refuse_encrypted(element: LxmlElement, document: Document, _: str) -> NoReturn:
    place = at(element, document).place
    raise UnsupportedError("encrypted commands that were not decrypted", f"{_STRUCTURE} at {place}")


_COMMAND_READERS: Final[dict[CommandKind, PlacedReader]] = {
    CommandKind.EXEC: _read_exec,
    CommandKind.ALERT: _read_alert,
    CommandKind.STATUS: _read_status,
    CommandKind.RESULTS: _read_results,
    CommandKind.ATOMIC: partial(_read_group, CommandKind.ATOMIC),
    CommandKind.SEQUENCE: partial(_read_group, CommandKind.SEQUENCE),
}
_COMMANDS: Final = some(
    {
        **{sync(kind.value): _COMMAND_READERS.get(kind, partial(_read_on_items, kind)) for kind in CommandKind},
        clark(XMLENC_NS, "EncryptedData"): _refuse_encrypted,
    },
    label="a command",
)
_GROUP: Final = Model(_CMD_ID, _NO_RESP, _META, _COMMANDS)
_BODY: Final = Model(_COMMANDS, flag(sync("Final")))
_MESSAGE: Final = Model(one(sync("SyncHdr"), _read_header), one(sync("SyncBody"), read_later))
