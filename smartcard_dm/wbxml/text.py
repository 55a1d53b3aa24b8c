"""What is a legal string, name or namespace, and how canonical XML writes it.

Guarantees: a string that passes `checked_text` is UTF-8 in shortest form without surrogates, made of XML 1.0
characters; the escapes are those of Canonical XML, so escaped strings need no later pass.
"""

from __future__ import annotations

import re

from smartcard_dm.errors import WbxmlError

_CONTROLS = bytes(octet for octet in range(1, 0x20) if octet not in b"\t\n\r")
_NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")

# Spec: XML 1.0 (fifth edition), production 4 and 4a without the colon (Namespaces in XML, NCName).
_NAME_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NCNAME = re.compile(f"[{_NAME_START}][{_NAME_START}\\-.0-9\u00b7\u0300-\u036f\u203f-\u2040]*")

# Canonical XML refuses relative namespace names, XML processors differ about odd ones, and libxml2 2.14 writes `&` in
# a namespace declaration without escaping it when it canonicalises: plain absolute URIs only.
_URI_CHARACTER = r"(?:[A-Za-z0-9\-._~!$'()*+,;=:@/]|%[0-9A-Fa-f]{2})"
_NAMESPACE = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?://[A-Za-z0-9.\-]+(?::[0-9]{{1,5}})?(?:/{_URI_CHARACTER}*)?|(?!//){_URI_CHARACTER}+)"
    rf"(?:\?(?:{_URI_CHARACTER}|\?)*)?(?:\#(?:{_URI_CHARACTER}|\?)*)?",
)
_SHOWN = 80
"""Octets of a name or value that an error shows."""
_RESERVED_NAMESPACES = frozenset({b"http://www.w3.org/XML/1998/namespace", b"http://www.w3.org/2000/xmlns/"})


def checked_text(octets: bytes, structure: str, offset: int) -> bytes:
    """Return the octets of a string unchanged when they are legal XML text in UTF-8.

    Args:
        octets: the string without its terminator.
        structure: what the string belongs to, for the error.
        offset: where the string starts in the document.

    Raises:
        WbxmlError: not UTF-8, or a character that XML 1.0 does not allow; the offset is that of the character.

    Spec: XML 1.0, production 2 (Char).
    """
    try:
        octets.decode()
    except UnicodeDecodeError as error:
        raise WbxmlError(
            structure,
            "a string is not valid UTF-8",
            offset=offset + error.start,
            found=f"{octets[error.start]:02X}",
        ) from error
    illegal = _ILLEGAL.search(octets)
    if illegal is not None:
        raise WbxmlError(
            structure,
            "a string holds a character that XML does not allow",
            offset=offset + illegal.start(),
            found=illegal[0].hex(" ").upper(),
        )
    return octets


def is_text(octets: bytes) -> bool:
    """Tell whether octets are legal XML text in UTF-8; NUL is let pass, because it separates many strings in one.

    Spec: XML 1.0, production 2 (Char).
    """
    if len(octets.translate(None, _CONTROLS)) != len(octets):
        return False
    if octets.isascii():
        return True
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    # The only characters outside XML that well-formed UTF-8 above ASCII can hold; their first octet is rare.
    return b"\xef" not in octets or not any(noncharacter in octets for noncharacter in _NONCHARACTERS)


def is_xml_character(code: int) -> bool:
    """Tell whether a code point is an XML 1.0 character.

    Spec: XML 1.0, production 2 (Char).
    """
    return code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def is_name(octets: bytes) -> bool:
    """Tell whether octets are an XML name without a colon, in UTF-8.

    Spec: Namespaces in XML 1.0, production 4 (NCName).
    """
    try:
        return _NCNAME.fullmatch(octets.decode()) is not None
    except UnicodeDecodeError:
        return False


def is_namespace(octets: bytes) -> bool:
    """Tell whether octets are a namespace name this project carries: a plain absolute URI in ASCII.

    Spec: Canonical XML 1.0, 1.3 (relative namespace URIs); Namespaces in XML 1.0, 3 (reserved names).
    """
    return octets.isascii() and octets not in _RESERVED_NAMESPACES and _NAMESPACE.fullmatch(octets.decode()) is not None


def escape_text(octets: bytes) -> bytes:
    """Return text as Canonical XML writes it between tags.

    Spec: Canonical XML 1.0, 2.3 (text nodes).
    """
    return octets.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;").replace(b"\r", b"&#xD;")


def escape_attribute(octets: bytes) -> bytes:
    """Return an attribute value as Canonical XML writes it between quotes.

    Spec: Canonical XML 1.0, 2.3 (attribute nodes).
    """
    return (
        octets.replace(b"&", b"&amp;")
        .replace(b"<", b"&lt;")
        .replace(b'"', b"&quot;")
        .replace(b"\t", b"&#x9;")
        .replace(b"\n", b"&#xA;")
        .replace(b"\r", b"&#xD;")
    )


def shown(octets: bytes) -> str:
    """Return a name or value as an error shows it: the start of a long one."""
    return octets[:_SHOWN].decode(errors="replace") + ("..." if len(octets) > _SHOWN else "")


def start_tag(name: bytes, namespace: bytes, parent_namespace: bytes, attributes: dict[bytes, bytes]) -> bytes:
    """Return a start tag in canonical form: namespace first where it changes, then attributes by name.

    Spec: Exclusive XML Canonicalization 1.0, 3; Canonical XML 1.0, 2.2 (document order).
    """
    parts = [b"<", name]
    if namespace != parent_namespace:
        parts += [b' xmlns="', escape_attribute(namespace), b'"']
    for key in sorted(attributes):
        parts += [b" ", key, b'="', escape_attribute(attributes[key]), b'"']
    parts.append(b">")
    return b"".join(parts)
