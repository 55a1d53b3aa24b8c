"""The two points where a device's memory and keys take part in a verdict: replay (step 10), decryption (step 11).

Guarantees: each point is an object with one method that says what it established, or refuses; what stands here as
default is named after what it does not do, and its sentence is part of every verdict.
Leaves to its caller: a memory that outlives the process, and a device key.

Spec: OMA-TS-DM_Sessionless 5.2 (encryption); design decisions D3 and D6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.xmlsec.algorithms import XMLENC

if TYPE_CHECKING:
    from datetime import datetime

    from smartcard_dm.dm import DmAccount, ServerId
    from smartcard_dm.trust.policy import Policy

_XMLENC: Final = XMLENC.encode()
_ENCRYPTED: Final = re.compile(rb"<[^ <>/]+ xmlns=\"" + re.escape(_XMLENC) + rb"\"")
"""A start tag of XML Encryption: in canonical XML `<` opens a tag and nothing else, and its namespace comes first."""


@dataclass(frozen=True, slots=True)
class MessageIdentity:
    """What a replay guard may tell one verified message from another by."""

    server_id: ServerId
    """Who signed it."""
    session_id: str
    """SyncHdr/SessionID."""
    msg_id: str
    """SyncHdr/MsgID."""
    digest: bytes
    """SHA-256 of the verified canonical octets, 32 octets."""


class ReplayGuard(Protocol):
    """Tells whether a verified message was seen before; it compares only.

    What is remembered is recorded with the effects of the message, by whoever applies it: a message that is refused
    after this step, or whose effects fail, may come again.
    """

    def check(self, message: MessageIdentity, at: datetime) -> str:
        """Return what was established, or refuse.

        Raises:
            VerificationError: rule `replay.seen`.
        """


class Decryptor(Protocol):
    """Turns a verified message into one without encrypted parts.

    It is asked in step 11 only: whatever it opens was signed by the account's server, so nobody else can use its
    answers as an oracle.
    """

    def decrypt(self, octets: bytes, account: DmAccount, policy: Policy) -> tuple[bytes, str]:
        """Return the canonical octets to read commands from, and what was established, or refuse.

        Args:
            octets: the verified canonical octets.
            account: the one account that the message was matched with.
            policy: the verifier's.

        Raises:
            VerificationError: a rule of step 11.
        """

    def content_opener(self, account: DmAccount, policy: Policy) -> ContentOpener:
        """Return what opens the encrypted content of one verified message (content trust).

        Args:
            account: the one account that the message was matched with.
            policy: the verifier's.
        """


class ContentOpener(Protocol):
    """Opens the encrypted content of one message; what that costs is bounded for all of it together."""

    def open(self, octets: bytes) -> tuple[bytes, str]:
        """Return what an EncryptedData of content trust holds, and how it was opened, or refuse.

        Args:
            octets: one EncryptedData element, XML, from a verified message.

        Raises:
            VerificationError: a rule of step 11.
        """


class NoReplayMemory:
    """Remembers nothing: each verified message is new. For a verdict without effects, never for applying one."""

    def check(self, message: MessageIdentity, at: datetime) -> str:  # noqa: ARG002 - the protocol's arguments
        """Say that nothing was compared."""
        return "no replay memory: nothing was compared"


class NoDecryption:
    """Has no key: a message with encrypted parts is refused as unsupported."""

    def decrypt(self, octets: bytes, account: DmAccount, policy: Policy) -> tuple[bytes, str]:  # noqa: ARG002 - the protocol's
        """Return `octets` when nothing in them is encrypted."""
        if _XMLENC in octets and _ENCRYPTED.search(octets) is not None:
            raise VerificationError(
                Rule.ENCRYPTED_UNSUPPORTED, "the message has encrypted parts and no decryption key was given"
            )
        return octets, "nothing is encrypted"

    def content_opener(self, account: DmAccount, policy: Policy) -> ContentOpener:  # noqa: ARG002
        """Return what refuses all content."""
        return _NoContent()


class _NoContent:
    def open(self, octets: bytes) -> tuple[bytes, str]:  # noqa: ARG002
        raise VerificationError(Rule.ENCRYPTED_UNSUPPORTED, "the content is encrypted and no decryption key was given")
