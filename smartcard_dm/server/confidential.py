"""Which parts of a message are confidential: chosen once, told to lint, then encrypted.

Guarantees: what `places` names is what `encrypt` encrypts. Leaves to its caller: the recipient, randomness, and signing
afterwards.

Spec: docs/encryption-profile.md, 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm import parse_message, walk_commands
from smartcard_dm.errors import DmError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.encrypt import encrypt_body, encrypt_commands, encrypt_data
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smartcard_dm.dm import DmCommand, DmMessage, Item
    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec.encrypt import Recipient

_STRUCTURE: Final = "message to encrypt"
_BODY: Final = "/SyncML/SyncBody"


class Scope(Enum):
    """What is encrypted as one part each."""

    DATA = "data"
    """The Data of items."""
    COMMANDS = "commands"
    """Commands."""
    BODY = "body"
    """The whole content of SyncBody."""


@dataclass(frozen=True, slots=True)
class Confidential:
    """The parts of a message that are confidential."""

    scope: Scope
    targets: tuple[str, ...] = ()
    """Target/LocURI of the items that are meant, with their commands for `COMMANDS`; none means every item with Data,
    or each command directly in SyncBody. `BODY` has none."""

    def places(self, xml: bytes, *, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
        """Return the XML paths of what will be encrypted, for `LintPolicy.encrypted`.

        Args:
            xml: a message in XML form, neither encrypted nor signed.
            limits: bounds of the message.

        Raises:
            DmError: no message at all, or nothing in it is meant.
            LimitExceededError: too large.
            UnsupportedError: a command this project does not handle.
        """
        message = parse_message(xml, limits=limits)
        if self.scope is Scope.BODY:
            return (_BODY,)
        if self.scope is Scope.DATA:
            return tuple(f"{item.place}/Data" for item in self._items(message))
        return tuple(command.place for command in self._commands(message))

    def encrypt(
        self,
        xml: bytes,
        recipient: Recipient,
        *,
        random: Callable[[int], bytes],
        cipher: BlockCipher = BlockCipher.AES256_GCM,
    ) -> bytes:
        """Return the message with these parts encrypted.

        Args:
            xml: a message in XML form, unsigned.
            recipient: who opens it.
            random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
            cipher: of the content.

        Raises:
            DmError: nothing in the message is meant, or something is encrypted already.
            KeyMaterialError: the recipient's policy does not allow the cipher.
        """
        if self.scope is Scope.BODY:
            return encrypt_body(xml, recipient, random=random, cipher=cipher)
        if self.scope is Scope.DATA:
            return encrypt_data(xml, recipient, random=random, targets=self.targets or None, cipher=cipher)
        cmd_ids = [command.cmd_id for command in self._commands(parse_message(xml))] if self.targets else None
        return encrypt_commands(xml, recipient, random=random, cmd_ids=cmd_ids, cipher=cipher)

    def _items(self, message: DmMessage) -> list[Item]:
        items = [item for command in walk_commands(message.commands) for item in _items_of(command)]
        found = [item for item in items if item.data is not None and (not self.targets or item.target in self.targets)]
        self._check({item.target for item in found}, "item with Data")
        if not found:
            raise DmError(_STRUCTURE, "no item has Data", place=_BODY)
        return found

    def _commands(self, message: DmMessage) -> list[DmCommand]:
        if not self.targets:
            return list(message.commands)
        found = [
            command
            for command in walk_commands(message.commands)
            if any(item.target in self.targets for item in _items_of(command))
        ]
        self._check({item.target for command in found for item in _items_of(command)}, "command")
        return found

    def _check(self, found: set[str | None], wanted: str) -> None:
        missing = [target for target in self.targets if target not in found]
        if missing:
            raise DmError(_STRUCTURE, f"no {wanted} has the Target {', '.join(missing)}", place=_BODY)


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What was encrypted in a message, and to whom."""

    scope: Scope
    to: str
    """`certificate` or `secret`."""
    cipher: BlockCipher
    parts: tuple[str, ...]
    """XML paths in the message before."""


def _items_of(command: DmCommand) -> Iterable[Item]:
    items: Iterable[Item] = getattr(command, "items", ())
    return items
