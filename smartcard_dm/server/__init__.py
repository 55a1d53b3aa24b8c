"""The server's side: compose, sign, encode.

Spec: OMA-TS-DM_Sessionless 5.2 and B.2.
"""

from smartcard_dm.server.compose import Header, compose
from smartcard_dm.server.issue import issue

__all__ = ["Header", "compose", "issue"]
