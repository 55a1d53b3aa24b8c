"""What of an exchange may be written down.

Guarantees: what is not known to be harmless is masked; nothing here looks at contents to find secrets in them.
The rules, in order:

1. Data of a command are kept for SELECT alone, and for UPDATE where all content is kept.
2. Data of an answer are kept for SELECT, STATUS and MANAGE CHANNEL; content that READ brings by rule 3; GET RESPONSE
   as the command before it on the same channel; of any other instruction never (PINs, AUTHENTICATE, ENVELOPE, keys).
3. Content of a file named as private is masked, and of one that was refused for want of a PIN. Otherwise content is
   kept under `pins`; under `private` until a PIN was presented with success, then of files named as public; under
   `all-content` of files named as public.

Spec: design decision D10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor_pcsc.record.command import (
    GET_RESPONSE,
    MANAGE_CHANNEL,
    PIN_INSTRUCTIONS,
    SELECT,
    STATUS,
    UPDATES,
    Command,
    take_apart,
)
from vendor_pcsc.record.model import Exchange, Redact
from vendor_pcsc.record.selecting import UNKNOWN, FilePath, may_be, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendor_pcsc.record.state import CardState

_ANSWERS_KEPT: Final = frozenset({SELECT, STATUS, MANAGE_CHANNEL})
_HEADER: Final = 4
_HEADER_AND_P3: Final = 5
_REFUSED: Final = frozenset({b"\x69\x82", b"\x98\x04"})
"""Security status not satisfied; access condition not fulfilled. Spec: TS 102 221, 10.2.1.5.3; TS 51.011, 9.4.4."""


class Masker:
    """Decides for one recording what is kept.

    Args:
        redact: which content stays out.
        public: names of files whose content is kept though `redact` says otherwise; the path must be the selected one.
        private: names of files whose content is never kept; a file that may be one of them is not kept either.

    Raises:
        ValueError: a name is none, or stands in both lists.
    """

    def __init__(self, redact: Redact, *, public: Iterable[str] = (), private: Iterable[str] = ()) -> None:
        self._redact = redact
        self._public = frozenset(map(parse_name, public))
        self._private = frozenset(map(parse_name, private))
        self._refused: set[FilePath] = set()
        self._last_kept: dict[int, bool] = {}
        both = {"/".join(path) for path in self._public & self._private}
        if both:
            raise ValueError(f"{', '.join(sorted(both))} cannot be public and private")

    def exchange(
        self, state: CardState, octets: bytes, answer: bytes, *, error: str = "", at_us: int | None = None
    ) -> Exchange:
        """Return what is kept of an exchange.

        Args:
            state: where the card stood before the command.
            octets: the command.
            answer: the answer; empty when there was an error.
            error: name of the error that came in its place.
            at_us: microseconds from the start of the recording to the command.
        """
        command = take_apart(octets)
        path = state.file_read(command)
        data, sw = (answer[:-2], answer[-2:]) if len(answer) >= 2 else (answer, b"")
        if path is not None and sw in _REFUSED:
            self._refused.add(path)
        cut = self._cut(command, octets)
        kept = self._keeps_answer(state, command, path)
        return Exchange(
            command=octets[:cut],
            command_masked=len(octets) - cut,
            data=data if kept else b"",
            data_masked=0 if kept else len(data),
            sw=sw,
            error=error,
            at_us=at_us,
            file="/".join(path or ()),
        )

    def reset(self) -> None:
        """Forget which answers wait for GET RESPONSE."""
        self._last_kept.clear()

    def _cut(self, command: Command, octets: bytes) -> int:
        """Return how many octets of a command are kept."""
        if command.ins in PIN_INSTRUCTIONS and not command.has_data and len(octets) > _HEADER_AND_P3:
            return _HEADER  # what looks like a length of three octets may be a PIN without one
        if not command.has_data or command.ins == SELECT:
            return len(octets)
        kept = command.ins in UPDATES and self._redact is Redact.PINS and not self._private
        return len(octets) if kept else command.prefix

    def _keeps_answer(self, state: CardState, command: Command, path: FilePath | None) -> bool:
        if command.ins == GET_RESPONSE:
            return self._last_kept.get(command.channel, False)
        kept = command.ins in _ANSWERS_KEPT if path is None else self._keeps_content(state, path)
        self._last_kept[command.channel] = kept
        return kept

    def _keeps_content(self, state: CardState, path: FilePath) -> bool:
        if any(may_be(path, name) for name in self._private):
            return False
        if self._redact is Redact.PINS:
            return True
        if path in self._public:
            return True
        known_private = path in self._refused and path[-1] != UNKNOWN
        return self._redact is Redact.PRIVATE and not state.opened and not known_private
