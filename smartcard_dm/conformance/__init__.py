"""The static conformance requirements, each examined on the spot: a server, a card and a device, all in this process.

Guarantees: every finding rests on claims that were tried while it was made; nothing is sent, no file is kept.
Leaves to its caller: the time and the randomness of the server's keys.

Spec: OMA-TS-DM_Sessionless, appendix B.
"""

from smartcard_dm.conformance.claims import Claim, Claims
from smartcard_dm.conformance.examine import Finding, examine
from smartcard_dm.conformance.requirements import REQUIREMENTS, Requirement, Side

__all__ = ["REQUIREMENTS", "Claim", "Claims", "Finding", "Requirement", "Side", "examine"]
