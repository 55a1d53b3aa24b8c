"""Reading a DM message from its XML form.

Guarantees: content models are held exactly, order included; no CmdID occurs twice; every error names a place.
Leaves to its caller: the signature, which is taken off before.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 and 6; the 1.2 DTD.
"""

from __future__ import annotations

import re
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
from smartcard_dm.dm.message_read_items import (
    read_credential,
    read_item,
    read_location,
    read_meta,
    read_optional_meta,
)
from smartcard_dm.dm.namespaces import SYNCML_NS, VER_DTD, VER_PROTO, XMLENC_NS
from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.dm.xml_walk import clark
from smartcard_dm.errors import LimitExceededError, UnsupportedError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smartcard_dm.dm.message import DmCommand, Item, Meta
    from smartcard_dm.dm.xml_walk import Children, XmlElement

_STRUCTURE: Final = "DM message"
_ENCRYPTED_DATA: Final = clark(XMLENC_NS, "EncryptedData")
_VERSION: Final = re.compile(r"[\x21-\x7E]{1,16}")


def _sync(name: str) -> str:
    return clark(SYNCML_NS, name)


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
    root = parse_xml(xml, root=_sync("SyncML"), structure=_STRUCTURE, limits=limits)
    walk = root.children()
    header = _read_header(walk.required(_sync("SyncHdr")))
    body = walk.required(_sync("SyncBody"))
    walk.end()
    inside = body.children()
    commands = _CommandReader(limits).commands(inside)
    final = inside.flag(_sync("Final"))
    inside.end()
    return DmMessage(header=header, commands=commands, final=final)


def _read_header(element: XmlElement) -> SyncHeader:
    walk = element.children()
    ver_dtd = _read_version(walk.required(_sync("VerDTD")), VER_DTD)
    ver_proto = _read_version(walk.required(_sync("VerProto")), VER_PROTO)
    session_id = walk.required_text(_sync("SessionID"))
    msg_id = walk.required_text(_sync("MsgID"))
    target, target_name = read_location(walk.required(_sync("Target")))
    source, source_name = read_location(walk.required(_sync("Source")))
    resp_uri = walk.optional_text(_sync("RespURI"))
    no_resp = walk.flag(_sync("NoResp"))
    cred = walk.optional(_sync("Cred"))
    meta = read_optional_meta(walk)
    walk.end()
    return SyncHeader(
        session_id=session_id,
        msg_id=msg_id,
        target=target,
        source=source,
        ver_dtd=ver_dtd,
        ver_proto=ver_proto,
        target_name=target_name,
        source_name=source_name,
        resp_uri=resp_uri,
        no_resp=no_resp,
        cred=read_credential(cred) if cred is not None else None,
        meta=meta,
    )


def _read_version(element: XmlElement, wanted: str) -> str:
    version = element.text()
    if version == wanted:
        return version
    if not _VERSION.fullmatch(version):
        raise element.fault("not a version", wanted=wanted)
    raise UnsupportedError(f"{element.place} {version}", f"wanted {wanted}")


class _CommandReader:
    """Counts commands and remembers their identifiers while it reads them."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: set[str] = set()
        self._readers: dict[CommandKind, Callable[[CommandKind, XmlElement], DmCommand]] = {
            CommandKind.ALERT: self._alert,
            CommandKind.ATOMIC: self._group,
            CommandKind.SEQUENCE: self._group,
            CommandKind.STATUS: self._status,
            CommandKind.RESULTS: self._results,
        }

    def commands(self, walk: Children) -> tuple[DmCommand, ...]:
        """Read commands as long as there are any; at least one."""
        commands: list[DmCommand] = []
        while (kind := _KINDS.get(walk.next_tag)) is not None:
            commands.append(self._readers.get(kind, self._on_items)(kind, walk.take()))
        if walk.next_tag == _ENCRYPTED_DATA:
            raise UnsupportedError("encrypted commands that were not decrypted", f"{_STRUCTURE} at {walk.take().place}")
        if not commands:
            walk.optional("a command")
            raise walk.unexpected()
        return tuple(commands)

    def _cmd_id(self, walk: Children) -> str:
        element = walk.required(_sync("CmdID"))
        cmd_id = element.required_text()
        if cmd_id in self._seen:
            raise element.fault("two commands have one CmdID", found=repr(cmd_id[:40]))
        self._seen.add(cmd_id)
        if len(self._seen) > self._limits.commands:
            raise LimitExceededError(_STRUCTURE, "commands", self._limits.commands, place=element.place)
        return cmd_id

    def _on_items(self, kind: CommandKind, element: XmlElement) -> ItemCommand:
        walk = element.children()
        cmd_id = self._cmd_id(walk)
        no_resp = walk.flag(_sync("NoResp"))
        meta = read_optional_meta(walk)
        is_exec = kind is CommandKind.EXEC
        correlator = walk.optional_text(_sync("Correlator")) if is_exec else None
        items = (read_item(walk.required(_sync("Item"))),) if is_exec else _items(walk, least=1)
        walk.end()
        return ItemCommand(
            kind=kind,
            cmd_id=cmd_id,
            items=items,
            meta=meta,
            correlator=correlator,
            no_resp=no_resp,
            place=element.place,
        )

    def _group(self, kind: CommandKind, element: XmlElement) -> GroupCommand:
        walk = element.children()
        cmd_id = self._cmd_id(walk)
        no_resp = walk.flag(_sync("NoResp"))
        meta = read_optional_meta(walk)
        commands = self.commands(walk)
        walk.end()
        return GroupCommand(
            kind=kind, cmd_id=cmd_id, commands=commands, meta=meta, no_resp=no_resp, place=element.place
        )

    def _alert(self, _: CommandKind, element: XmlElement) -> AlertCommand:
        walk = element.children()
        cmd_id = self._cmd_id(walk)
        no_resp = walk.flag(_sync("NoResp"))
        code = walk.optional_text(_sync("Data"))
        correlator = walk.optional_text(_sync("Correlator"))
        items = _items(walk)
        walk.end()
        return AlertCommand(
            cmd_id=cmd_id, code=code, items=items, correlator=correlator, no_resp=no_resp, place=element.place
        )

    def _status(self, _: CommandKind, element: XmlElement) -> StatusCommand:
        walk = element.children()
        cmd_id = self._cmd_id(walk)
        msg_ref = walk.required_text(_sync("MsgRef"))
        cmd_ref = walk.required_text(_sync("CmdRef"))
        cmd = walk.required_text(_sync("Cmd"))
        target_refs = tuple(ref.text() for ref in walk.several(_sync("TargetRef")))
        source_refs = tuple(ref.text() for ref in walk.several(_sync("SourceRef")))
        cred = walk.optional(_sync("Cred"))
        chal = walk.optional(_sync("Chal"))
        code = walk.required_text(_sync("Data"))
        items = _items(walk)
        walk.end()
        return StatusCommand(
            cmd_id=cmd_id,
            msg_ref=msg_ref,
            cmd_ref=cmd_ref,
            cmd=cmd,
            code=code,
            target_refs=target_refs,
            source_refs=source_refs,
            cred=read_credential(cred) if cred is not None else None,
            chal=_read_challenge(chal) if chal is not None else None,
            items=items,
            place=element.place,
        )

    def _results(self, _: CommandKind, element: XmlElement) -> ResultsCommand:
        walk = element.children()
        cmd_id = self._cmd_id(walk)
        msg_ref = walk.optional_text(_sync("MsgRef"))
        cmd_ref = walk.required_text(_sync("CmdRef"))
        meta = read_optional_meta(walk)
        target_ref = walk.optional_text(_sync("TargetRef"))
        source_ref = walk.optional_text(_sync("SourceRef"))
        items = _items(walk, least=1)
        walk.end()
        return ResultsCommand(
            cmd_id=cmd_id,
            cmd_ref=cmd_ref,
            items=items,
            msg_ref=msg_ref,
            meta=meta,
            target_ref=target_ref,
            source_ref=source_ref,
            place=element.place,
        )


_KINDS: Final[Mapping[str | None, CommandKind]] = {_sync(kind.value): kind for kind in CommandKind}


def _items(walk: Children, *, least: int = 0) -> tuple[Item, ...]:
    return tuple(read_item(element) for element in walk.several(_sync("Item"), least=least))


def _read_challenge(element: XmlElement) -> Meta:
    walk = element.children()
    meta = read_meta(walk.required(_sync("Meta")))
    walk.end()
    return meta
