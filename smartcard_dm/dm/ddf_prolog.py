"""What stands before the root element of a device description file.

Guarantees: the XML library never sees a DOCTYPE, so nothing it names is fetched and nothing in it is expanded; line and
column of all that follows stay the same.
Leaves to its caller: the document itself, and whether it is well-formed.
Spec: XML 1.0, 2.8 (prolog); OMA-TS-DM_TND-V1_2_1, 7.8.3.
"""

from __future__ import annotations

import re
from typing import Final

from smartcard_dm.errors import DmError

_DECLARATION: Final = re.compile(rb"(?:\xEF\xBB\xBF)?(?:<\?xml[ \t\r\n][^<>?]*+\?>)?")
_SPACE_OR_COMMENT: Final = re.compile(rb"(?:[ \t\r\n]++|<!--(?:[^-]++|-[^-])*+-->)*+")
_DOCTYPE: Final = re.compile(
    rb"""<!DOCTYPE[ \t\r\n]++MgmtTree
    (?:[ \t\r\n]++(?:PUBLIC[ \t\r\n]++(?:"[^"<]*+"|'[^'<]*+')|SYSTEM)[ \t\r\n]++(?:"[^"<]*+"|'[^'<]*+'))?
    [ \t\r\n]*+(?:\[[ \t\r\n]*+(?:<\?oma-dm-ddf-ver[ \t\r\n][^<>?]*+\?>[ \t\r\n]*+)?\][ \t\r\n]*+)?>""",
    re.VERBOSE,
)
"""The external identifiers are not looked at: nothing is read from there, and VerDTD tells the version."""
_BLANK: Final = bytes(octet if octet in b"\r\n" else 0x20 for octet in range(256))
"""A blank for every octet but those that end a line."""


def without_doctype(octets: bytes, *, structure: str) -> bytes:
    """Return the document with blanks in place of its DOCTYPE and of the comments before its root element.

    The files of OMA and of the makers of devices have an internal subset with the one instruction `oma-dm-ddf-ver`. It
    declares nothing, and is blanked too.

    Raises:
        DmError: the DOCTYPE is of another document, has any other internal subset, or does not end.
    """
    declaration = _DECLARATION.match(octets)
    start = declaration.end() if declaration is not None else 0
    end = _end(_SPACE_OR_COMMENT, octets, start)
    if octets.startswith(b"<!DOCTYPE", end):
        behind = _end(_DOCTYPE, octets, end)
        if behind == end:
            wanted = "MgmtTree, and no declarations of its own"
            raise DmError(structure, "the DOCTYPE is refused", offset=end, wanted=wanted)
        end = _end(_SPACE_OR_COMMENT, octets, behind)
    return octets[:start] + octets[start:end].translate(_BLANK) + octets[end:]


def _end(pattern: re.Pattern[bytes], octets: bytes, start: int) -> int:
    """Return where a pattern that begins at `start` ends; `start` when it does not match."""
    found = pattern.match(octets, start)
    return found.end() if found is not None else start
