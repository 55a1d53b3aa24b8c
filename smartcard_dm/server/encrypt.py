"""Encrypting parts of a composed message, before it is signed.

Guarantees: what a device of the encryption profile opens again is the very message that was given; the header stays
readable, because the device finds the account by it. Leaves to its caller: which parts are confidential, randomness,
and signing afterwards.

Spec: OMA-TS-DM_Sessionless 5.2 (encryption SHOULD be used for confidential information); docs/encryption-profile.md, 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import DmError
from smartcard_dm.xmlsec.document import SYNCML, canonical, parse_document
from smartcard_dm.xmlsec.element_form import clark, local_name
from smartcard_dm.xmlsec.encrypt import encrypt_part
from smartcard_dm.xmlsec.encrypted_data import ENCRYPTED_DATA
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from lxml import etree

    from smartcard_dm.xmlsec.encrypt import Recipient

_STRUCTURE: Final = "message to encrypt"
_DECLARATION: Final = f' xmlns="{SYNCML}"'.encode()
_BODY: Final = clark(SYNCML, "SyncBody")
_ITEM: Final = clark(SYNCML, "Item")
_DATA: Final = clark(SYNCML, "Data")
_FINAL: Final = clark(SYNCML, "Final")
_TARGET: Final = f"{clark(SYNCML, 'Target')}/{clark(SYNCML, 'LocURI')}"


def encrypt_data(
    xml: bytes,
    recipient: Recipient,
    *,
    random: Callable[[int], bytes],
    targets: Collection[str] | None = None,
    cipher: BlockCipher = BlockCipher.AES256_GCM,
) -> bytes:
    """Return a message in which the Data of items are encrypted.

    Args:
        xml: a message in XML form, unsigned.
        recipient: who opens it.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
        targets: the Target/LocURI of the items that are meant; default is each item that has Data.
        cipher: of the content.

    Raises:
        DmError: no item is meant, a target is no item's, or something is encrypted already.
        KeyMaterialError: the recipient's policy does not allow the cipher.
    """
    root, body = _parse(xml)
    found = [(item.findtext(_TARGET, ""), data) for item in body.iter(_ITEM) for data in item.iterchildren(_DATA)]
    meant = [(target, data) for target, data in found if targets is None or target in targets]
    missing = set(targets or ()) - {target for target, _ in meant}
    if missing or not meant:
        names = ", ".join(sorted(missing)) or "any target"
        raise DmError(_STRUCTURE, f"no item with Data has {names}", place="/SyncML/SyncBody")
    for _, data in meant:
        _encrypt_content(data, recipient, random, cipher)
    return canonical(root)


def encrypt_commands(
    xml: bytes,
    recipient: Recipient,
    *,
    random: Callable[[int], bytes],
    cmd_ids: Collection[str] | None = None,
    cipher: BlockCipher = BlockCipher.AES256_GCM,
) -> bytes:
    """Return a message in which commands are encrypted, each as one part.

    Args:
        xml: a message in XML form, unsigned.
        recipient: who opens it.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
        cmd_ids: the CmdID of the commands that are meant, those inside Atomic and Sequence among them; default is each
            command directly in SyncBody.
        cipher: of the content.

    Raises:
        DmError: a CmdID is no command's or inside of another that is meant, or something is encrypted already.
        KeyMaterialError: the recipient's policy does not allow the cipher.
    """
    root, body = _parse(xml)
    if cmd_ids is None:
        meant = [child for child in body if child.tag != _FINAL]
    else:
        by_id = {cmd_id.text: cmd_id.getparent() for cmd_id in body.iter(clark(SYNCML, "CmdID"))}
        meant = [command for cmd_id in cmd_ids if (command := by_id.get(cmd_id)) is not None]
        missing = [cmd_id for cmd_id in cmd_ids if cmd_id not in by_id]
        if missing or not meant:
            raise DmError(_STRUCTURE, f"no command has the CmdID {', '.join(missing) or 'that is meant'}")
    if any(ancestor in meant for command in meant for ancestor in command.iterancestors()):
        raise DmError(
            _STRUCTURE, "a command inside of one that is encrypted is encrypted with it", place="/SyncML/SyncBody"
        )
    for command in meant:
        tail, command.tail = command.tail, None
        encrypted = parse_document(
            encrypt_part(_without_namespace(command), EncryptedType.ELEMENT, recipient, random=random, cipher=cipher)
        )
        encrypted.tail = tail
        next(command.iterancestors()).replace(command, encrypted)
    return canonical(root)


def encrypt_body(
    xml: bytes,
    recipient: Recipient,
    *,
    random: Callable[[int], bytes],
    cipher: BlockCipher = BlockCipher.AES256_GCM,
) -> bytes:
    """Return a message in which the whole content of SyncBody is encrypted as one part.

    Args:
        xml: a message in XML form, unsigned.
        recipient: who opens it.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
        cipher: of the content.

    Raises:
        DmError: something is encrypted already.
        KeyMaterialError: the recipient's policy does not allow the cipher.
    """
    root, body = _parse(xml)
    _encrypt_content(body, recipient, random, cipher)
    return canonical(root)


def _parse(xml: bytes) -> tuple[etree._Element, etree._Element]:
    root = parse_document(xml)
    body = root.find(_BODY)
    if body is None:
        raise DmError(_STRUCTURE, "no SyncBody", place=f"/{local_name(root)}")
    if next(body.iter(ENCRYPTED_DATA), None) is not None:
        raise DmError(_STRUCTURE, "a part of it is encrypted already, and there is one level only", place="/SyncML")
    return root, body


def _encrypt_content(
    element: etree._Element, recipient: Recipient, random: Callable[[int], bytes], cipher: BlockCipher
) -> None:
    """Encrypt the octets between the start and the end tag of an element's canonical form."""
    octets = _without_namespace(element)
    content = octets[octets.index(b">") + 1 : octets.rindex(b"<")]
    encrypted = encrypt_part(content, EncryptedType.CONTENT, recipient, random=random, cipher=cipher)
    for child in element[:]:
        element.remove(child)
    element.text = None
    element.append(parse_document(encrypted))


def _without_namespace(element: etree._Element) -> bytes:
    """Return an element as it stands in the canonical message, where the namespace is that of the element around it."""
    return canonical(element).replace(_DECLARATION, b"", 1)
