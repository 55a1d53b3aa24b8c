"""From the commands an operator writes as XML to a complete message in XML form.

Guarantees: the result is a message the device side parses, with the ServerID as Source and nothing added to the
commands but missing CmdIDs, namespaces and Final; white space between elements is dropped, text is kept as it stands.
Leaves to its caller: signing, encoding, and what the commands mean.

Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_RepPro-V1_2_1, SyncHdr and SyncBody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.dm import parse_message
from smartcard_dm.dm.namespaces import METINF_NS, SYNCML_NS, VER_DTD, VER_PROTO
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.header import FIRST_MESSAGE, THIS_DEVICE, Header
from smartcard_dm.server.markup import STRUCTURE, XML_SPACE, canonical, in_namespaces, local_name, parse_markup
from smartcard_dm.xmlsec import CanonicalXml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits

_COMMANDS: Final = frozenset(
    {"Add", "Alert", "Atomic", "Copy", "Delete", "Exec", "Get", "Replace", "Results", "Sequence", "Status"}
)


def compose(commands: bytes, server_id: ServerId, header: Header, *, limits: Limits = DEFAULT_LIMITS) -> CanonicalXml:
    """Return a message in XML form, unsigned, made from a SyncML document or a bare SyncBody.

    Args:
        commands: XML; its elements may leave out the three SyncML namespaces.
        server_id: becomes SyncHdr/Source/LocURI, whatever the document says there.
        header: session, message and target.
        limits: bounds of the result.

    Raises:
        DmError: not well-formed, another root, signed already, or not a message a device could parse.
        LimitExceededError: too large.
        UnsupportedError: a command this project does not handle.
    """
    source = parse_markup(commands)
    name = local_name(source)
    if name == "SyncML":
        body = _only_child(source, "SyncBody")
        given = next((child for child in source if local_name(child) == "SyncHdr"), None)
    elif name == "SyncBody":
        body, given = source, None
    else:
        raise DmError(STRUCTURE, "not a message", place="/", wanted="root SyncML or SyncBody", found=name)
    root = etree.Element(f"{{{SYNCML_NS}}}SyncML", nsmap={None: SYNCML_NS})
    root.append(_header(given, server_id, header))
    root.append(_body(body))
    octets = CanonicalXml(canonical(root))
    parse_message(octets, limits=limits)
    return octets


def _header(given: etree._Element | None, server_id: ServerId, header: Header) -> etree._Element:
    element = etree.Element(f"{{{SYNCML_NS}}}SyncHdr", nsmap={None: SYNCML_NS})

    def text(*path: str) -> str | None:
        found = given
        for name in path:
            found = next((child for child in found if local_name(child) == name), None) if found is not None else None
        return None if found is None or len(found) else (found.text or "").strip(XML_SPACE) or None

    _leaf(element, "VerDTD", VER_DTD)
    _leaf(element, "VerProto", VER_PROTO)
    _leaf(element, "SessionID", header.session_id or text("SessionID") or header.default_session_id)
    _leaf(element, "MsgID", header.msg_id or text("MsgID") or FIRST_MESSAGE)
    target = etree.SubElement(element, f"{{{SYNCML_NS}}}Target")
    _leaf(target, "LocURI", header.target or text("Target", "LocURI") or THIS_DEVICE)
    source = etree.SubElement(element, f"{{{SYNCML_NS}}}Source")
    _leaf(source, "LocURI", str(server_id))
    for child in () if given is None else given:
        if local_name(child) in {"RespURI", "NoResp", "Cred", "Meta"}:
            element.append(in_namespaces(child, SYNCML_NS))
    _state_encoding(element, header)
    return element


def _state_encoding(element: etree._Element, header: Header) -> None:
    """Write the encoding into SyncHdr/Meta/EMI, in place of what stands there."""
    meta = element.find(f"{{{SYNCML_NS}}}Meta")
    if meta is None:
        meta = etree.SubElement(element, f"{{{SYNCML_NS}}}Meta")
    emi = meta.find(f"{{{METINF_NS}}}EMI")
    if emi is None:
        emi = etree.SubElement(meta, f"{{{METINF_NS}}}EMI", nsmap={None: METINF_NS})
    emi.text = header.encoding


def _body(source: etree._Element) -> etree._Element:
    body = in_namespaces(source, SYNCML_NS)
    used = {(element.text or "").strip(XML_SPACE) for element in body.iter(f"{{{SYNCML_NS}}}CmdID")}
    unused = (str(number) for number in range(1, 1 << 32) if str(number) not in used)
    for command in list(_commands(body)):
        if command.find(f"{{{SYNCML_NS}}}CmdID") is None:
            number = etree.Element(f"{{{SYNCML_NS}}}CmdID")
            number.text = next(unused)
            command.insert(0, number)
    if body.find(f"{{{SYNCML_NS}}}Final") is None:
        etree.SubElement(body, f"{{{SYNCML_NS}}}Final")
    return body


def _commands(parent: etree._Element) -> Iterator[etree._Element]:
    for child in parent:
        if local_name(child) in _COMMANDS:
            yield child
            if local_name(child) in {"Atomic", "Sequence"}:
                yield from _commands(child)


def _only_child(parent: etree._Element, name: str) -> etree._Element:
    found = [child for child in parent if local_name(child) == name]
    if len(found) != 1:
        raise DmError(STRUCTURE, f"wanted exactly one {name}, found {len(found)}", place=f"/{local_name(parent)}")
    return found[0]


def _leaf(parent: etree._Element, name: str, text: str) -> None:
    element = etree.SubElement(parent, f"{{{SYNCML_NS}}}{name}")
    try:
        element.text = text
    except ValueError as error:
        raise DmError(STRUCTURE, "a character that XML has not", place=f"SyncHdr/{name}") from error
