"""Where encrypted parts may stand in a message, and putting what they held in their place (verification step 11).

Guarantees: a part stands where the profile allows it, or the message is refused; what is put in its place is one whole
piece of XML, strictly parsed, without a part or a Signature of its own; nothing beside it changes.
Leaves to its caller: opening, and the commands, which are read from the octets that are made here.

Spec: docs/encryption-profile.md, 2 and 8; XML Encryption 1.1, 4.4.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from smartcard_dm.errors import VerificationError, WbxmlError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import XMLENC
from smartcard_dm.xmlsec.document import SYNCML, parse_document
from smartcard_dm.xmlsec.element_form import XML_SPACE, clark, local_name
from smartcard_dm.xmlsec.encrypted_data import ENCRYPTED_DATA
from smartcard_dm.xmlsec.encryption_algorithms import XMLENC11, EncryptedType
from smartcard_dm.xmlsec.signature_element import SIGNATURE

CONTENT_TYPE: Final = "application/xenc+xml"
"""Meta/Type of an item whose Data is encrypted for content trust (DM Security 1.2.1, appendix)."""
_METINF: Final = "syncml:metinf"
_DATA: Final = clark(SYNCML, "Data")
_ITEM: Final = clark(SYNCML, "Item")
_BODY: Final = clark(SYNCML, "SyncBody")
_GROUPS: Final = frozenset({_BODY, clark(SYNCML, "Atomic"), clark(SYNCML, "Sequence")})
_TYPE_PATHS: Final = (
    f"{clark(SYNCML, 'Meta')}/{clark(_METINF, 'Type')}",
    f"{clark(SYNCML, 'Meta')}/{clark(_METINF, 'MetInf')}/{clark(_METINF, 'Type')}",
)
_HAS_PREFIX: Final = etree.XPath(
    "boolean(descendant::*[contains(name(), ':')] | descendant::*/@*[contains(name(), ':')])"
)
"""A prefix has no WBXML form."""
_OPENED_START: Final = f'<Opened xmlns="{SYNCML}">'.encode()
_OPENED_END: Final = b"</Opened>"


def find_parts(root: etree._Element) -> list[etree._Element]:
    """Return the encrypted parts of a message, in document order; those of content trust are none of them.

    Raises:
        VerificationError: an element of XML Encryption stands outside of an EncryptedData.
    """
    parts = []
    for element in root.iter(clark(XMLENC, "*"), clark(XMLENC11, "*")):
        if next(element.iterancestors(ENCRYPTED_DATA), None) is not None:
            continue
        if element.tag != ENCRYPTED_DATA:
            raise VerificationError(Rule.ENCRYPTION_PLACE, "wanted an EncryptedData around it", place=path_of(element))
        if not _is_content(element):
            parts.append(element)
    return parts


def check_place(element: etree._Element, type_: EncryptedType, place: str) -> None:
    """Check that an encrypted part stands where its type may.

    Raises:
        VerificationError: rule `encryption.place`.
    """
    around = list(element.iterancestors())
    parent, grandparent = around[0], around[1] if len(around) > 1 else None
    in_body = any(each.tag == _BODY for each in around)
    if type_ is EncryptedType.ELEMENT and in_body and parent.tag in _GROUPS:
        return
    is_data = parent.tag == _DATA and grandparent is not None and grandparent.tag == _ITEM
    if type_ is EncryptedType.CONTENT and in_body and (is_data or parent.tag == _BODY):
        if len(parent) == 1 and not parent.text and not element.tail:
            return
        raise VerificationError(Rule.ENCRYPTION_PLACE, "wanted nothing beside encrypted content", place=place)
    wanted = (
        "a command's place in SyncBody, Atomic or Sequence"
        if type_ is EncryptedType.ELEMENT
        else "the content of an Item's Data, or of SyncBody"
    )
    raise VerificationError(Rule.ENCRYPTION_PLACE, f"wanted {wanted}, found {local_name(parent)}", place=place)


def put_in_place(element: etree._Element, type_: EncryptedType, plaintext: bytes, place: str) -> None:
    """Put what an encrypted part held in its place.

    It is parsed as the content of the element around it would be: the namespace `SYNCML:SYNCML1.2` is the default one.

    Args:
        element: the EncryptedData; it is gone afterwards.
        type_: what it stands for.
        plaintext: its content.
        place: XML path of the EncryptedData, for a refusal; the text of the content is never shown.

    Raises:
        VerificationError: `encryption.plaintext` or `encryption.nested`.
    """
    try:
        opened = parse_document(b"".join((_OPENED_START, plaintext, _OPENED_END)))
    except WbxmlError:
        # The reason may quote what is confidential.
        raise VerificationError(Rule.ENCRYPTION_PLAINTEXT, "wanted well-formed XML content", place=place) from None
    _check_names(opened, plaintext, place)
    parent = next(element.iterancestors())
    if type_ is EncryptedType.ELEMENT:
        texts = (opened.text, *(child.tail for child in opened))
        if len(opened) != 1 or any(text and text.strip(XML_SPACE) for text in texts):
            raise VerificationError(Rule.ENCRYPTION_PLAINTEXT, "wanted exactly one element", place=place)
        command = opened[0]
        command.tail = element.tail
        parent.replace(element, command)
        return
    parent.remove(element)
    parent.text = opened.text
    parent.extend(opened[:])


def path_of(element: etree._Element) -> str:
    """Return the XML path of an element; an index is shown where several of one name stand together."""
    steps = []
    here: etree._Element | None = element
    while here is not None:
        parent = here.getparent()
        same = [] if parent is None else [each for each in parent if each.tag == here.tag]
        steps.append(local_name(here) + (f"[{same.index(here) + 1}]" if len(same) > 1 else ""))
        here = parent
    return "/" + "/".join(reversed(steps))


def _check_names(opened: etree._Element, plaintext: bytes, place: str) -> None:
    """Refuse what may not be inside; a name that the octets do not hold, no element has."""
    if b"EncryptedData" in plaintext and next(opened.iter(ENCRYPTED_DATA), None) is not None:
        raise VerificationError(
            Rule.ENCRYPTION_NESTED, "wanted no encrypted part inside an encrypted part", place=place
        )
    if b"Signature" in plaintext and next(opened.iter(SIGNATURE), None) is not None:
        raise VerificationError(Rule.ENCRYPTION_PLAINTEXT, "wanted no Signature inside", place=place)
    if (b"xmlns:" in plaintext or b"xml:" in plaintext) and _HAS_PREFIX(opened):
        raise VerificationError(
            Rule.ENCRYPTION_PLAINTEXT, "wanted default namespaces only, found a prefix", place=place
        )


def _is_content(element: etree._Element) -> bool:
    """Tell whether an EncryptedData is the content of an item that says so in its Type, or its command's."""
    data = element.getparent()
    item = None if data is None else data.getparent()
    if data is None or item is None or data.tag != _DATA or item.tag != _ITEM:
        return False
    command = item.getparent()
    for owner in (item, command):
        found = [] if owner is None else [each.text for path in _TYPE_PATHS for each in owner.iterfind(path)]
        if found:
            return found == [CONTENT_TYPE]
    return False
