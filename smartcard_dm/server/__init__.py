"""The server's side: compose, lint, sign, encode.

Spec: OMA-TS-DM_Sessionless 5.2 and B.2.
"""

from smartcard_dm.server.builder import Leaf, MessageBuilder
from smartcard_dm.server.compose import compose
from smartcard_dm.server.header import Header
from smartcard_dm.server.issue import issue
from smartcard_dm.server.objects import ObjectBuilder

__all__ = ["Header", "Leaf", "MessageBuilder", "ObjectBuilder", "compose", "issue"]
