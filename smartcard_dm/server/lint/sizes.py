"""Rules on the size of a finished message, for the push it will go by.

Spec: OMA-TS-DM_Sessionless 5.3; 3GPP TS 23.040, 9.2.3.24.1 (concatenation); RFC 3428, 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smartcard_dm.server.lint.rules import LintRule
from smartcard_dm.server.push_size import MAX_SMS_PARTS, MAX_UNCONGESTED_SIP, Push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smartcard_dm.server.lint.finding import Finding, LintPolicy
    from smartcard_dm.server.push_size import PushSizes

_ROOT = "/SyncML"


def check_size(
    sizes: PushSizes, push: Push, policy: LintPolicy, *, max_segments: int = MAX_SMS_PARTS
) -> Iterator[Finding]:
    """Look at the size of a message.

    Args:
        sizes: of the finished message.
        push: how it will go.
        policy: decides on severities.
        max_segments: short messages that the issuer is willing to send for one message, at most 255.
    """
    if push is Push.WAP:
        most = min(max_segments, MAX_SMS_PARTS)
        if sizes.segments > most:
            detail = f"{sizes.wap} octets of WAP push need {sizes.segments} short messages, at most {most} are allowed"
            yield policy.finding(LintRule.OVERSIZE, _ROOT, detail)
    elif sizes.message > policy.limits.message_octets:
        detail = f"{sizes.message} octets, at most {policy.limits.message_octets} are read"
        yield policy.finding(LintRule.OVERSIZE, _ROOT, detail)
    elif push is Push.SIP and sizes.message > MAX_UNCONGESTED_SIP:
        detail = f"{sizes.message} octets before the SIP headers, {MAX_UNCONGESTED_SIP} for a whole request over UDP"
        yield policy.finding(LintRule.SIP_SIZE, _ROOT, detail)
