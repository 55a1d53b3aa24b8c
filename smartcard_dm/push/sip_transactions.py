"""Which requests were answered a moment ago, so that one that is sent again is answered and not delivered again.

Guarantees: bounded in number and in age; the oldest go first. Only the same octets, proved by the same, count
as the same request: a stranger who knows or guesses the branch of somebody else's request cannot have that one passed
over. Leaves to its caller: the clock.
Spec: RFC 3261, 17.2.2 and 17.2.3 (timer J is 64 times T1 where a hop may lose requests; a stream needs none of it).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from smartcard_dm.push.sip_message import SipResponse

SECONDS: Final = 32.0
"""Timer J: 64 times 0.5 s."""


@dataclass(frozen=True, slots=True)
class _Answered:
    digest: bytes
    response: SipResponse
    until: float


class Transactions:
    """The answers of the last half minute.

    Args:
        maximum: answers kept.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._answered: OrderedDict[tuple[str, str], _Answered] = OrderedDict()

    def remember(self, sent_by: str, branch: str, digest: bytes, response: SipResponse, now: float) -> None:
        """Keep the answer to a request, by the sender and the branch of its last hop."""
        self._forget(now)
        self._answered[sent_by, branch] = _Answered(digest, response, now + SECONDS)
        self._answered.move_to_end((sent_by, branch))
        while len(self._answered) > self._maximum:
            self._answered.popitem(last=False)

    def answer(self, sent_by: str, branch: str, digest: bytes, now: float) -> SipResponse | None:
        """Return the answer this very request got, None for a request that is new."""
        self._forget(now)
        found = self._answered.get((sent_by, branch))
        # DEVIATION: RFC 3261, 17.2.3 has the branch and the sender decide alone (decision 0028).
        return None if found is None or found.digest != digest else found.response

    def knows(self, sent_by: str, branch: str, now: float) -> bool:
        """Tell whether a transaction of that name was answered."""
        self._forget(now)
        return (sent_by, branch) in self._answered

    def _forget(self, now: float) -> None:
        while self._answered and next(iter(self._answered.values())).until <= now:
            self._answered.popitem(last=False)
