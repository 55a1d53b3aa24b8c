"""Writing a DM message as XML.

Guarantees: the octets are in exclusive canonical form, and reading them gives an equal value.
Leaves to its caller: signature, encryption and WBXML.
Spec: OMA-TS-DM_RepPro-V1_2_1, 5 and 6; the 1.2 DTD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from smartcard_dm.dm.message import (
    AlertCommand,
    GroupCommand,
    ItemCommand,
    ResultsCommand,
    StatusCommand,
    TextData,
)
from smartcard_dm.dm.message_read_items import META_NUMBERS, META_TEXTS
from smartcard_dm.dm.namespaces import METINF_NS, SYNCML_NS
from smartcard_dm.dm.xml_walk import canonical_octets, clark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as LxmlElement

    from smartcard_dm.dm.message import Credential, DmCommand, DmMessage, Item, Meta, SyncHeader


def build_message(message: DmMessage) -> bytes:
    """Return the XML form of a message.

    Raises:
        ValueError: a text has characters that XML cannot hold.
    """
    root = etree.Element(clark(SYNCML_NS, "SyncML"), nsmap={None: SYNCML_NS})
    _add_header(root, message.header)
    body = _add(root, "SyncBody")
    for command in message.commands:
        _add_command(body, command)
    _flag(body, "Final", present=message.final)
    return canonical_octets(root)


def _add(parent: LxmlElement, name: str, text: str | None = None) -> LxmlElement:
    child = etree.SubElement(parent, clark(SYNCML_NS, name))
    child.text = text
    return child


def _optional(parent: LxmlElement, name: str, text: str | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _flag(parent: LxmlElement, name: str, *, present: bool) -> None:
    if present:
        _add(parent, name)


def _add_header(root: LxmlElement, header: SyncHeader) -> None:
    element = _add(root, "SyncHdr")
    _add(element, "VerDTD", header.ver_dtd)
    _add(element, "VerProto", header.ver_proto)
    _add(element, "SessionID", header.session_id)
    _add(element, "MsgID", header.msg_id)
    _location(element, "Target", header.target, header.target_name)
    _location(element, "Source", header.source, header.source_name)
    _optional(element, "RespURI", header.resp_uri)
    _flag(element, "NoResp", present=header.no_resp)
    _credential(element, header.cred)
    _meta(element, header.meta)


def _location(parent: LxmlElement, name: str, uri: str | None, loc_name: str | None) -> None:
    if uri is not None:
        element = _add(parent, name)
        _add(element, "LocURI", uri)
        _optional(element, "LocName", loc_name)


def _meta(parent: LxmlElement, meta: Meta | None) -> None:
    if meta is None:
        return
    element = _add(parent, "Meta")
    for name, field in (META_TEXTS | META_NUMBERS).items():
        value = getattr(meta, field)
        if value is not None:
            child = etree.SubElement(element, clark(METINF_NS, name), nsmap={None: METINF_NS})
            child.text = str(value)


def _credential(parent: LxmlElement, credential: Credential | None) -> None:
    if credential is not None:
        element = _add(parent, "Cred")
        _meta(element, credential.meta)
        _add(element, "Data", credential.data.reveal().decode())


def _items(parent: LxmlElement, items: Iterable[Item]) -> None:
    for item in items:
        element = _add(parent, "Item")
        _location(element, "Target", item.target, item.target_name)
        _location(element, "Source", item.source, item.source_name)
        _meta(element, item.meta)
        if item.data is not None:
            data = _add(element, "Data")
            if isinstance(item.data, TextData):
                data.text = item.data.text
            else:
                # Octets this package made itself, or read under its own bounds.
                data.append(etree.fromstring(item.data.octets, etree.XMLParser(resolve_entities=False)))
        _flag(element, "MoreData", present=item.more_data)


def _add_command(parent: LxmlElement, command: DmCommand) -> None:
    element = _add(parent, command.kind.value)
    _add(element, "CmdID", command.cmd_id)
    if isinstance(command, StatusCommand):
        _fill_status(element, command)
    elif isinstance(command, ResultsCommand):
        _fill_results(element, command)
    else:
        _flag(element, "NoResp", present=command.no_resp)
        _fill_request(element, command)


def _fill_request(element: LxmlElement, command: ItemCommand | GroupCommand | AlertCommand) -> None:
    if isinstance(command, AlertCommand):
        _optional(element, "Data", command.code)
        _optional(element, "Correlator", command.correlator)
        _items(element, command.items)
        return
    _meta(element, command.meta)
    if isinstance(command, GroupCommand):
        for inner in command.commands:
            _add_command(element, inner)
    else:
        _optional(element, "Correlator", command.correlator)
        _items(element, command.items)


def _fill_status(element: LxmlElement, command: StatusCommand) -> None:
    _add(element, "MsgRef", command.msg_ref)
    _add(element, "CmdRef", command.cmd_ref)
    _add(element, "Cmd", command.cmd)
    for ref in command.target_refs:
        _add(element, "TargetRef", ref)
    for ref in command.source_refs:
        _add(element, "SourceRef", ref)
    _credential(element, command.cred)
    if command.chal is not None:
        _meta(_add(element, "Chal"), command.chal)
    _add(element, "Data", command.code)
    _items(element, command.items)


def _fill_results(element: LxmlElement, command: ResultsCommand) -> None:
    _optional(element, "MsgRef", command.msg_ref)
    _add(element, "CmdRef", command.cmd_ref)
    _meta(element, command.meta)
    _optional(element, "TargetRef", command.target_ref)
    _optional(element, "SourceRef", command.source_ref)
    _items(element, command.items)
