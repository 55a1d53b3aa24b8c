"""From the commands an operator writes to a complete message in XML form.

Guarantees: the result is a message the device side parses, with the ServerID as Source and nothing added to the
commands but missing CmdIDs, namespaces and Final; white space between elements is dropped, text is kept as it stands.
Leaves to its caller: signing, encoding, and what the commands mean.

Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_RepPro-V1_2_1, SyncHdr and SyncBody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from smartcard_dm.dm import parse_message
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits

SYNCML: Final = "SYNCML:SYNCML1.2"
_METINF: Final = "syncml:metinf"
_DDF: Final = "syncml:dmddf1.2"
_STRUCTURE: Final = "commands to issue"
_XML_SPACE: Final = " \t\r\n"
_COMMANDS: Final = frozenset(
    {"Add", "Alert", "Atomic", "Copy", "Delete", "Exec", "Get", "Replace", "Results", "Sequence", "Status"}
)
THIS_DEVICE: Final = "./"
"""Target of a message that names no device: whichever device reads it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an issuer says about a message; None keeps what the document says, else the default."""

    session_id: str | None = None
    """SessionID."""
    msg_id: str | None = None
    """MsgID; default "1"."""
    target: str | None = None
    """Target/LocURI, the device; default `./`, whichever device reads it."""
    version: str = "1.2"
    """WBXML version the message will be encoded with; stated in SyncHdr/Meta/EMI, where the signature covers it."""
    default_session_id: str = "1"
    """SessionID when neither `session_id` nor the document has one; give each message its own."""


def compose(commands: bytes, server_id: ServerId, header: Header, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
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
    source = _parse(commands)
    name = _local(source)
    if name == "SyncML":
        body = _only_child(source, "SyncBody")
        given = next((child for child in source if _local(child) == "SyncHdr"), None)
    elif name == "SyncBody":
        body, given = source, None
    else:
        raise DmError(_STRUCTURE, "not a message", place="/", wanted="root SyncML or SyncBody", found=name)
    root = etree.Element(f"{{{SYNCML}}}SyncML", nsmap={None: SYNCML})
    root.append(_header(given, server_id, header))
    root.append(_body(body))
    octets = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)
    parse_message(octets, limits=limits)
    return octets


def _parse(commands: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(commands, parser)
    except etree.XMLSyntaxError as error:
        raise DmError(_STRUCTURE, f"not well-formed: {error.msg}") from error
    if root.getroottree().docinfo.doctype:
        raise DmError(_STRUCTURE, "a DOCTYPE is never part of a message")
    if any(True for _ in root.iter(etree.ProcessingInstruction, etree.Entity)):
        raise DmError(_STRUCTURE, "a processing instruction or entity is never part of a message")
    return root


def _header(given: etree._Element | None, server_id: ServerId, header: Header) -> etree._Element:
    element = etree.Element(f"{{{SYNCML}}}SyncHdr", nsmap={None: SYNCML})

    def text(*path: str) -> str | None:
        found = given
        for name in path:
            found = next((child for child in found if _local(child) == name), None) if found is not None else None
        return None if found is None or len(found) else (found.text or "").strip(_XML_SPACE) or None

    _leaf(element, "VerDTD", "1.2")
    _leaf(element, "VerProto", "DM/1.2")
    _leaf(element, "SessionID", header.session_id or text("SessionID") or header.default_session_id)
    _leaf(element, "MsgID", header.msg_id or text("MsgID") or "1")
    target = etree.SubElement(element, f"{{{SYNCML}}}Target")
    _leaf(target, "LocURI", header.target or text("Target", "LocURI") or THIS_DEVICE)
    source = etree.SubElement(element, f"{{{SYNCML}}}Source")
    _leaf(source, "LocURI", str(server_id))
    for child in () if given is None else given:
        if _local(child) in {"RespURI", "NoResp", "Cred", "Meta"}:
            element.append(_copy(child, SYNCML))
    _state_encoding(element, header.version)
    return element


def _state_encoding(element: etree._Element, version: str) -> None:
    """Write the encoding into SyncHdr/Meta/EMI, in place of what stands there."""
    meta = element.find(f"{{{SYNCML}}}Meta")
    if meta is None:
        meta = etree.SubElement(element, f"{{{SYNCML}}}Meta")
    emi = meta.find(f"{{{_METINF}}}EMI")
    if emi is None:
        emi = etree.SubElement(meta, f"{{{_METINF}}}EMI", nsmap={None: _METINF})
    emi.text = f"WBXML/{version}"


def _body(source: etree._Element) -> etree._Element:
    body = _copy(source, SYNCML)
    used = {(element.text or "").strip(_XML_SPACE) for element in body.iter(f"{{{SYNCML}}}CmdID")}
    unused = (str(number) for number in range(1, 1 << 32) if str(number) not in used)
    for command in list(_commands(body)):
        if command.find(f"{{{SYNCML}}}CmdID") is None:
            number = etree.Element(f"{{{SYNCML}}}CmdID")
            number.text = next(unused)
            command.insert(0, number)
    if body.find(f"{{{SYNCML}}}Final") is None:
        etree.SubElement(body, f"{{{SYNCML}}}Final")
    return body


def _commands(parent: etree._Element) -> Iterator[etree._Element]:
    for child in parent:
        if _local(child) in _COMMANDS:
            yield child
            if _local(child) in {"Atomic", "Sequence"}:
                yield from _commands(child)


def _copy(source: etree._Element, inherited: str) -> etree._Element:
    """Return a copy in explicit namespaces, without white space between elements."""
    local = _local(source)
    namespace = etree.QName(source).namespace or (_DDF if local == "MgmtTree" else inherited)
    copy = etree.Element(f"{{{namespace}}}{local}", nsmap={None: namespace})
    for key, value in source.attrib.items():
        copy.set(key, value)
    elements = source[:]
    if elements:
        texts = [source.text, *(child.tail for child in elements)]
        if any(text and text.strip(_XML_SPACE) for text in texts):
            raise DmError(_STRUCTURE, "text stands between elements", place=local)
    else:
        copy.text = source.text
    for child in elements:
        copy.append(_copy(child, _METINF if local == "Meta" else namespace))
    return copy


def _only_child(parent: etree._Element, name: str) -> etree._Element:
    found = [child for child in parent if _local(child) == name]
    if len(found) != 1:
        raise DmError(_STRUCTURE, f"wanted exactly one {name}, found {len(found)}", place=f"/{_local(parent)}")
    return found[0]


def _leaf(parent: etree._Element, name: str, text: str) -> None:
    element = etree.SubElement(parent, f"{{{SYNCML}}}{name}")
    try:
        element.text = text
    except ValueError as error:
        raise DmError(_STRUCTURE, "a character that XML has not", place=f"SyncHdr/{name}") from error


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
