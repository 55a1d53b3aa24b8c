"""Formats of node values, and Base64 as DM uses it.

Guarantees: Base64 is read in its one canonical spelling (white space aside).
Leaves to its caller: what the value means.
Spec: OMA-TS-DM_TND-V1_2_1, 7.7.2 (Format).
"""

from __future__ import annotations

import base64
import binascii
from enum import Enum
from typing import Final

from smartcard_dm.errors import DmError

_NO_SPACE: Final = dict.fromkeys(map(ord, " \t\r\n"))


class NodeFormat(Enum):
    """The values of the Format property."""

    B64 = "b64"
    BIN = "bin"
    BOOL = "bool"
    CHR = "chr"
    DATE = "date"
    FLOAT = "float"
    INT = "int"
    NODE = "node"
    NULL = "null"
    TIME = "time"
    XML = "xml"

    @property
    def is_binary(self) -> bool:
        """Whether a value is octets; its text form is Base64."""
        return self in {NodeFormat.B64, NodeFormat.BIN}


def decode_base64(text: str, *, structure: str, place: str | None) -> bytes:
    """Return the octets of a Base64 text; XML white space is ignored.

    Raises:
        DmError: another character, missing padding, or padding bits that are not zero.
    """
    packed = text.translate(_NO_SPACE)
    try:
        octets = base64.b64decode(packed.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        octets = None
    if octets is None or encode_base64(octets) != packed:
        # The cause is not chained and the text not shown: it may be a secret.
        raise DmError(structure, "the value is not canonical Base64", place=place)
    return octets


def encode_base64(octets: bytes) -> str:
    """Return the Base64 text of octets, on one line."""
    return base64.b64encode(octets).decode("ascii")
