"""Content trust: who vouches for what stands in a Data, apart from who sent the message.

Guarantees: a judgement never changes the message or its verdict; keys are those of the account that the message was
matched with, never from the message. Leaves to its caller: what to do with content that is refused. What a tree stores
is what the item carries.

Spec: OMA-TS-DM_Security-V1_2_1, appendix on content signing and encryption; docs/encryption-profile.md, 10.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import EncryptedContent, ItemCommand, TextData, walk_commands
from smartcard_dm.errors import VerificationError
from smartcard_dm.trust.encrypted_parts import CONTENT_TYPE
from smartcard_dm.xmlsec.algorithms import XMLDSIG
from smartcard_dm.xmlsec.content_signature import verify_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smartcard_dm.dm import DmAccount, DmMessage, Item, Meta
    from smartcard_dm.trust.points import ContentOpener, Decryptor
    from smartcard_dm.trust.policy import Policy
    from smartcard_dm.xmlsec.algorithms import SignatureAlgorithm
    from smartcard_dm.xmlsec.keys import TrustedKey

_SIGNED_TYPE: Final = "application/xml"
_FORMAT: Final = "xml"


class ContentVerdict(Enum):
    """What is known about content."""

    SIGNED = "signed"
    """A key of the account signed it."""
    OPENED = "opened"
    """It was encrypted to this device; nobody but the message's server vouches for it."""
    REFUSED = "refused"
    """It says that it is signed or encrypted, and cannot be relied on."""


@dataclass(frozen=True, slots=True)
class ContentTrust:
    """The judgement about one item's content."""

    place: str
    """XML path of the item."""
    target: str | None
    """The item's target."""
    verdict: ContentVerdict
    """What is known."""
    encryption: str | None = None
    """How it was opened, in words; None if it was not encrypted."""
    algorithm: SignatureAlgorithm | None = None
    """Of its Signature, when that was verified."""
    key_origin: str | None = None
    """Where the trusted key that signed it was found."""
    refusal: VerificationError | None = None
    """Rule and detail, when it is refused."""
    content: bytes = field(default=b"", repr=False)
    """The content: canonical octets of what was signed, or what was opened; empty when it is refused."""


def judge_content(
    message: DmMessage,
    *,
    account: DmAccount,
    keys: Sequence[TrustedKey],
    policy: Policy,
    decryptor: Decryptor,
) -> tuple[ContentTrust, ...]:
    """Return a judgement for each item whose content is signed or encrypted in the form of content trust.

    Args:
        message: verified.
        account: the one it was matched with.
        keys: those that may sign for the account now.
        policy: the verifier's.
        decryptor: the verifier's.
    """
    judge = _Judge(keys, policy, decryptor.content_opener(account, policy))
    items = (
        (item, item.effective_meta(command.meta))
        for command in walk_commands(message.commands)
        if isinstance(command, ItemCommand)
        for item in command.items
    )
    return tuple(found for item, meta in items if (found := judge.item(item, meta)) is not None)


@dataclass(frozen=True, slots=True)
class _Judge:
    keys: Sequence[TrustedKey]
    policy: Policy
    opener: ContentOpener

    def item(self, item: Item, meta: Meta) -> ContentTrust | None:
        data = item.data
        if meta.type == CONTENT_TYPE:
            if isinstance(data, EncryptedContent):
                return self._encrypted(item, data.octets)
            return self._encrypted(item, data.text.encode() if isinstance(data, TextData) else b"")
        if meta.type == _SIGNED_TYPE and meta.format == _FORMAT and isinstance(data, TextData) and XMLDSIG in data.text:
            return self._signed(item, data.text.encode(), None)
        return None

    def _encrypted(self, item: Item, octets: bytes) -> ContentTrust:
        try:
            plaintext, how = self.opener.open(octets)
        except VerificationError as error:
            return self._refused(item, error)
        if XMLDSIG.encode() in plaintext:
            return self._signed(item, plaintext, how)
        return ContentTrust(item.place, item.target, ContentVerdict.OPENED, encryption=how, content=plaintext)

    def _signed(self, item: Item, text: bytes, how: str | None) -> ContentTrust:
        try:
            signed = verify_content(text, self.keys, self.policy.algorithms, self.policy.limits)
        except VerificationError as error:
            return self._refused(item, error, how)
        return ContentTrust(
            item.place,
            item.target,
            ContentVerdict.SIGNED,
            encryption=how,
            algorithm=signed.algorithm,
            key_origin=signed.key.origin,
            content=signed.octets,
        )

    def _refused(self, item: Item, error: VerificationError, how: str | None = None) -> ContentTrust:
        return ContentTrust(item.place, item.target, ContentVerdict.REFUSED, encryption=how, refusal=error)
