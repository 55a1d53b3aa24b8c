"""Makes the worked message of docs/signature-profile.md, the same octets each time.

Run it with `python -m docs.worked_message` from the root of the tree; a test compares what it makes with what stands
in the document. An HMAC needs no random number, and the secret is printed, so anybody can make it again.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docs.marked import replace_part
from smartcard_dm import wbxml
from smartcard_dm.dm import parse_server_id
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, issue
from smartcard_dm.xmlsec import SecretSigningKey
from smartcard_dm.xmlsec.algorithms import XMLDSIG
from smartcard_dm.xmlsec.document import canonical, parse_document
from smartcard_dm.xmlsec.signature_element import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = Path(__file__).parent / "signature-profile.md"
PART = "worked message"
SERVER_ID = "com.example.dms"
SECRET = "worked-message-secret-32-octets!"
COMMANDS = b"""<SyncBody>
  <Replace>
    <CmdID>1</CmdID>
    <Item>
      <Target><LocURI>./DMAcc/dms/Name</LocURI></Target>
      <Meta><Format>chr</Format><Type>text/plain</Type></Meta>
      <Data>R&amp;D server</Data>
    </Item>
  </Replace>
  <Final/>
</SyncBody>
"""
_PER_LINE = 16


@dataclass(frozen=True)
class WorkedMessage:
    """The message and what a reader may want to compare on the way."""

    wbxml: bytes
    """As pushed."""
    xml: bytes
    """XML form, Signature included."""
    message: bytes
    """Canonical octets of the message without its Signature: what is digested."""
    signed_info: bytes
    """Canonical octets of SignedInfo: what is signed."""
    digest_value: str
    """Text of DigestValue."""
    signature_value: str
    """Text of SignatureValue."""


def build() -> WorkedMessage:
    """Return the worked message.

    Raises:
        ValueError: the message has no Signature, which no message that was issued lacks.
    """
    octets = issue(
        COMMANDS,
        parse_server_id(SERVER_ID),
        SecretSigningKey(Secret(SECRET.encode())),
        header=Header(session_id="1", msg_id="1"),
        key_name=SERVER_ID,
    )
    xml = wbxml.to_xml(octets)
    root = parse_document(xml)
    signature = root.find(SIGNATURE)
    if signature is None:
        raise ValueError("the message has no Signature")
    signed_info = canonical(signature[0])
    digest_value = signature.findtext(f".//{{{XMLDSIG}}}DigestValue", "")
    signature_value = signature.findtext(f"{{{XMLDSIG}}}SignatureValue", "")
    root.remove(signature)
    return WorkedMessage(octets, xml, canonical(root), signed_info, digest_value, signature_value)


def render(made: WorkedMessage) -> str:
    """Return the part of the document that shows the worked message."""
    return "\n".join(_parts(made))


def _parts(made: WorkedMessage) -> Iterator[str]:
    yield f"ServerID `{SERVER_ID}`, SessionID and MsgID `1`, WBXML 1.2, HMAC-SHA-256, KeyName the ServerID."
    yield f"Shared secret, {len(SECRET)} octets of UTF-8 text:"
    yield _block(SECRET)
    yield "Commands, as the server's operator wrote them:"
    yield _block(COMMANDS.decode(), "xml")
    yield f"**The message as pushed**, {len(made.wbxml)} octets, SHA-256 `{hashlib.sha256(made.wbxml).hexdigest()}`:"
    yield _block("\n".join(_hex_lines(made.wbxml)))
    yield "**Its tokens**: offset, octets (at most eight are shown), what they are:"
    yield _block("\n".join(_token_lines(made.wbxml)))
    yield f"**XML form**, {len(made.xml)} octets on one line:"
    yield _block(made.xml.decode(), "xml")
    yield f"**Canonical octets of the message without its Signature**, {len(made.message)} octets on one line:"
    yield _block(made.message.decode(), "xml")
    yield "SHA-256 of these octets, in hexadecimal and as DigestValue:"
    yield _block(f"{base64.b64decode(made.digest_value).hex()}\n{made.digest_value}")
    yield f"**Canonical octets of SignedInfo**, {len(made.signed_info)} octets on one line:"
    yield _block(made.signed_info.decode(), "xml")
    yield "HMAC-SHA-256 of these octets with the shared secret, in hexadecimal and as SignatureValue:"
    yield _block(f"{base64.b64decode(made.signature_value).hex()}\n{made.signature_value}")


def _block(text: str, language: str = "text") -> str:
    return f"\n```{language}\n{text.strip()}\n```\n"


def _hex_lines(octets: bytes) -> Iterator[str]:
    for start in range(0, len(octets), _PER_LINE):
        yield f"{start:04X}  {octets[start : start + _PER_LINE].hex(' ')}"


def _token_lines(octets: bytes) -> Iterator[str]:
    for line in wbxml.dump(octets):
        shown = line.octets[:8].hex(" ") + (" .." if len(line.octets) > 8 else "")
        yield f"{line.offset:04X}  {shown:<26}  {'  ' * line.depth}{line.text}".rstrip()


def main() -> None:
    """Write the worked message into the document."""
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text("utf-8"), PART, render(build())), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
