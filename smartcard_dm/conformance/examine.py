"""Examining every requirement, one after the other, each on a device of its own.

Guarantees: a requirement that cannot be examined is not fulfilled; the others are examined all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.conformance import client, server, transport
from smartcard_dm.conformance.claims import Claims
from smartcard_dm.conformance.lab import Lab
from smartcard_dm.conformance.requirements import REQUIREMENTS
from smartcard_dm.errors import SmartcardDmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from smartcard_dm.conformance.claims import Claim
    from smartcard_dm.conformance.requirements import Requirement

_CHECKS: Final[dict[str, Callable[[Lab, Claims], None]]] = {
    "DM-SM-C-001-M": client.sessionless_management,
    "DM-SM-C-002-M": client.embedded_tnds,
    "DM-SM-C-003-M": client.inbox,
    "DM-SM-C-004-M": client.only_one_account,
    "DM-SM-C-005-M": client.access_rights,
    "DM-SM-S-001-M": server.sessionless_management,
    "DM-SM-S-002-M": server.wbxml_encoding,
    "DM-SM-S-003-M": server.server_id,
    "DM-SM-S-004-M": server.signed_as_a_whole,
    "DM-SM-S-005-M": transport.transport_security,
    "DM-SM-S-006-M": server.acl_properties,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one requirement."""

    requirement: Requirement
    claims: tuple[Claim, ...]

    @property
    def fulfilled(self) -> bool:
        """Whether everything that was claimed held, and something was."""
        return bool(self.claims) and all(claim.holds for claim in self.claims)


def examine(at: datetime) -> Iterator[Finding]:
    """Examine every requirement.

    Args:
        at: now, with a time zone.
    """
    for requirement in REQUIREMENTS:
        claims = Claims()
        try:
            with Lab(at) as lab:
                _CHECKS[requirement.item](lab, claims)
        except SmartcardDmError as error:
            claims.failed("it can be examined", str(error))
        yield Finding(requirement, tuple(claims.tried))
