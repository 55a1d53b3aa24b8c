"""The header of a WBXML document: version, public identifier, character set, string table.

Guarantees: a `Header` was read whole from the octets it describes, its string table lies inside the document
and ends with NUL, and its version is 1.1, 1.2 or 1.3. Leaves to its caller: whether the public identifier and
the character set are ones it handles (`require_utf8`, `language_of`).
Spec: WAP-192-WBXML, 5.3 to 5.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from smartcard_dm.errors import LimitExceededError, UnsupportedError, WbxmlError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.wbxml import prov, tokens
from smartcard_dm.wbxml.integers import read_integer, write_integer
from smartcard_dm.wbxml.text import checked_text

_HEADER = "WBXML header"
_TABLE = "WBXML string table"

VERSIONS = {"1.1": 0x01, "1.2": 0x02, "1.3": 0x03}
"""Version octet by version text; OMA DM allows exactly these (OMA-TS-DM_RepPro-V1_2_1, 5.2)."""

_VERSION_TEXTS = {octet: text for text, octet in VERSIONS.items()}
_WBXML_1_0 = 0x00

UTF_8 = 106
"""IANA MIBenum of UTF-8."""

_UNKNOWN_CHARSET = 0


def version_of(octets: bytes) -> str:
    """Return the WBXML version of a document that was decoded: its first octet, in words.

    Raises:
        ValueError: the octets are no such document.
    """
    if not octets or octets[0] not in _VERSION_TEXTS:
        raise ValueError("wanted a WBXML document that was decoded")
    return _VERSION_TEXTS[octets[0]]


class Language(Enum):
    """The document types this package reads and writes."""

    SYNCML = "SyncML 1.2"
    DDF = "DM DDF 1.2"
    SYNCML_OR_DDF = "SyncML 1.2 or DM DDF 1.2"
    PROV = "PROV 1.0"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the body of a WBXML document."""

    version: str
    """"1.1", "1.2" or "1.3"."""

    public_id: int | str
    """The number of the document type, or its text when it is named through the string table."""

    charset: int
    """IANA MIBenum of the character set; 0 means that the document does not say."""

    string_table: bytes
    """Octets of the string table; empty, or ended by NUL."""

    table_offset: int
    """Octets before the string table."""

    body_offset: int
    """Octets before the body."""

    def string(self, index: int, offset: int) -> bytes:
        """Return the string that starts at an index of the string table.

        Args:
            index: octets from the start of the table.
            offset: where the reference stands in the document, for the error.

        Raises:
            WbxmlError: the index is outside the table, or the string there is not legal text.

        Spec: WAP-192-WBXML, 5.7.
        """
        if index >= len(self.string_table):
            raise WbxmlError(
                _TABLE,
                "a reference points outside the string table",
                offset=offset,
                wanted=f"an index below {len(self.string_table)}",
                found=str(index),
            )
        end = self.string_table.index(b"\0", index)
        return checked_text(self.string_table[index:end], _TABLE, self.table_offset + index)


def parse_header(octets: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Read the header of a WBXML document of any document type.

    Args:
        octets: the whole document.
        limits: `message_octets` and `wbxml_string_table_octets` are held.

    Raises:
        WbxmlError: the header is malformed; `offset` names the octet.
        LimitExceededError: the document or its string table is larger than its bound.
        UnsupportedError: WBXML 1.0, whose header has another form.

    Spec: WAP-192-WBXML, 5.3 to 5.7.
    """
    if len(octets) > limits.message_octets:
        raise LimitExceededError("WBXML document", "message_octets", limits.message_octets, found=str(len(octets)))
    if not octets:
        raise WbxmlError(_HEADER, "the document is empty", offset=0)
    if octets[0] == _WBXML_1_0:
        raise UnsupportedError("WBXML 1.0", "OMA DM allows versions 1.1, 1.2 and 1.3")
    version = _VERSION_TEXTS.get(octets[0])
    if version is None:
        raise WbxmlError(
            _HEADER,
            "unknown WBXML version; this looks like XML" if octets[:1] == b"<" else "unknown WBXML version",
            offset=0,
            wanted="01, 02 or 03",
            found=f"{octets[0]:02X}",
        )
    public_id, pos = read_integer(octets, 1, _HEADER)
    id_index, id_offset = 0, pos
    if public_id == 0:
        id_index, pos = read_integer(octets, pos, _HEADER)
    charset, pos = read_integer(octets, pos, _HEADER)
    length_offset = pos
    length, pos = read_integer(octets, pos, _HEADER)
    if length > limits.wbxml_string_table_octets:
        raise LimitExceededError(
            _TABLE,
            "wbxml_string_table_octets",
            limits.wbxml_string_table_octets,
            offset=length_offset,
            found=str(length),
        )
    if length > len(octets) - pos:
        raise WbxmlError(
            _TABLE,
            "the document ends inside the string table",
            offset=len(octets),
            wanted=f"{length} octets",
            found=str(len(octets) - pos),
        )
    table = octets[pos : pos + length]
    if table and table[-1] != 0:
        raise WbxmlError(_TABLE, "the last string has no end", offset=pos + length - 1, wanted="00")
    header = Header(version, public_id, charset, table, pos, pos + length)
    if public_id:
        return header
    text = header.string(id_index, id_offset).decode()
    return Header(version, text, charset, table, pos, pos + length)


def require_utf8(header: Header) -> None:
    """Refuse a character set other than UTF-8; an unnamed one counts as UTF-8.

    Raises:
        UnsupportedError: the document names another character set.

    Spec: WAP-192-WBXML, 5.6.
    """
    if header.charset not in {UTF_8, _UNKNOWN_CHARSET}:
        raise UnsupportedError("character sets other than UTF-8", f"the WBXML header names MIBenum {header.charset}")


_LANGUAGES: dict[int | str, Language] = {
    tokens.UNKNOWN_PUBLIC_ID: Language.SYNCML_OR_DDF,
    tokens.SYNCML_PUBLIC_ID: Language.SYNCML,
    tokens.SYNCML_PUBLIC_TEXT: Language.SYNCML,
    tokens.DDF_PUBLIC_TEXT: Language.DDF,
    prov.PUBLIC_ID: Language.PROV,
    prov.PUBLIC_TEXT: Language.PROV,
}

_PUBLIC_IDS: dict[Language, tuple[int, str]] = {
    Language.SYNCML: (tokens.SYNCML_PUBLIC_ID, tokens.SYNCML_PUBLIC_TEXT),
    Language.DDF: (0, tokens.DDF_PUBLIC_TEXT),
    Language.PROV: (prov.PUBLIC_ID, prov.PUBLIC_TEXT),
}


def language_of(header: Header) -> Language:
    """Return the document type that a header names.

    Raises:
        UnsupportedError: the public identifier is not one this package handles.

    Spec: OMNA WBXML public document identifiers; OMA-TS-DM_TND-V1_2_1, 9.
    """
    language = _LANGUAGES.get(header.public_id)
    if language is None:
        shown = f"0x{header.public_id:X}" if isinstance(header.public_id, int) else repr(header.public_id)
        raise UnsupportedError("this WBXML document type", f"public identifier {shown}")
    return language


def public_text(language: Language, *, literal: bool) -> str | None:
    """Return the text that names a document type in the string table, or None where its number is used."""
    number, text = _PUBLIC_IDS[language]
    return text if literal or not number else None


def write_header(version: str, language: Language, table: bytes, *, literal: bool) -> bytes:
    """Return a header; where the public identifier is text, it is the first string of `table`.

    Spec: WAP-192-WBXML, 5.3 to 5.7.
    """
    number = 0 if literal else _PUBLIC_IDS[language][0]
    return b"".join(
        (
            bytes((VERSIONS[version],)),
            write_integer(number) if number else b"\0\0",
            write_integer(UTF_8),
            write_integer(len(table)),
            table,
        ),
    )
