"""WBXML: tokens as tables, decode, encode, and the XML form of a message.

Guarantees: pure functions of their arguments; any octets give a value or one of `WbxmlError`,
`LimitExceededError` and `UnsupportedError`. Leaves to its caller: what the elements mean.
"""

from __future__ import annotations

from smartcard_dm.wbxml.decoder import to_xml
from smartcard_dm.wbxml.dump import DumpLine, dump
from smartcard_dm.wbxml.encoder import from_xml
from smartcard_dm.wbxml.header import Header, parse_header, version_of

__all__ = ["DumpLine", "Header", "dump", "from_xml", "parse_header", "to_xml", "version_of"]
