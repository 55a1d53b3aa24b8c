"""Makes the worked example of docs/encryption-profile.md, the same octets each time.

Run it with `python -m docs.worked_encryption` from the root of the tree; a test compares what it makes with what stands
in the document. The octets that should be random count from 00, and the secret is printed, so anybody can follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from docs.marked import replace_part
from docs.worked_message import COMMANDS, SECRET, SERVER_ID
from smartcard_dm.dm import parse_server_id
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, compose
from smartcard_dm.server.encrypt import encrypt_data
from smartcard_dm.xmlsec.encrypt import SecretRecipient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT = Path(__file__).parent / "encryption-profile.md"
PART = "worked encryption"


@dataclass(frozen=True)
class WorkedEncryption:
    """The message and what a reader may want to compare on the way."""

    plain: bytes
    """The composed message."""
    sealed: bytes
    """The same with its Data encrypted, to be signed."""
    wrapping_key: bytes
    """What ConcatKDF derives."""


def counting() -> Callable[[int], bytes]:
    """Return a source of octets that counts from 00; for examples only."""
    numbers = count()
    return lambda octets: bytes(next(numbers) % 256 for _ in range(octets))


def build() -> WorkedEncryption:
    """Return the worked example."""
    plain = compose(COMMANDS, parse_server_id(SERVER_ID), Header(session_id="1", msg_id="1"))
    random = counting()
    recipient = SecretRecipient.with_concat_kdf(
        Secret(SECRET.encode()), random=random, party_u_info=SERVER_ID.encode(), secret_name=SERVER_ID
    )
    return WorkedEncryption(plain, encrypt_data(plain, recipient, random=random), recipient.wrapping.reveal())


def render(made: WorkedEncryption) -> str:
    """Return the part of the document that shows the worked example."""
    return "\n".join(_parts(made))


def _parts(made: WorkedEncryption) -> Iterator[str]:
    data = made.plain.partition(b"<Data>")[2].partition(b"</Data>")[0]
    yield "The message is that of the [signature profile](signature-profile.md#12-worked-message) before it is signed;"
    yield "its one `Data` is encrypted to the shared secret:"
    yield _block(SECRET)
    yield "Octets of the content, as they stand in the canonical message:"
    yield _block(data.decode(), "xml")
    yield "Key derived from the secret with ConcatKDF and SHA-256; OtherInfo is the URI of `kw-aes256`, the ServerID"
    yield "and the nonce 00 to 0F:"
    yield _block(made.wrapping_key.hex())
    yield "Content key 10 to 2F, IV 30 to 3B. `Data` of the message that is signed, on one line:"
    part = made.sealed.partition(b"<Data>")[2].partition(b"</Data>")[0]
    yield _block(f"<Data>{part.decode()}</Data>", "xml")


def _block(text: str, language: str = "text") -> str:
    return f"\n```{language}\n{text.strip()}\n```\n"


def main() -> None:
    """Write the worked example into the document."""
    DOCUMENT.write_text(replace_part(DOCUMENT.read_text("utf-8"), PART, render(build())), "utf-8")
    print(DOCUMENT)


if __name__ == "__main__":
    main()
