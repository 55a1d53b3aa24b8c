"""PKCS#11 URIs: text to a frozen value, strictly.

Guarantees: every attribute of RFC 7512 is read or refused, none is skipped; no error quotes a value, so that a PIN in
the wrong place is not printed. A URI that carries a PIN is refused: command lines are seen by other users.
Leaves to its caller: reading the file that `pin-source` names, and finding the token.

Spec: RFC 7512, 2.3 and 2.4; RFC 3986, 2.1 (percent-encoding).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from smartcard_dm.limits import DEFAULT_LIMITS, Limits

SCHEME: Final = "pkcs11:"

TOKEN_ATTRIBUTES: Final = (
    "token",
    "manufacturer",
    "serial",
    "model",
    "library-description",
    "library-manufacturer",
    "library-version",
    "slot-description",
    "slot-id",
    "slot-manufacturer",
)
"""What says which token is meant; compared as they stand."""

_PATH_ATTRIBUTES: Final = (*TOKEN_ATTRIBUTES, "object", "id", "type")
_QUERY_ATTRIBUTES: Final = ("module-path", "module-name", "pin-source")

_UNRESERVED: Final = r"A-Za-z0-9\-._~"
_AVAILABLE: Final = r":\[\]@!$'()*+,="
_PATH_VALUE: Final = re.compile(rf"(?:[{_UNRESERVED}{_AVAILABLE}&]|%[0-9A-Fa-f]{{2}})+")
_QUERY_VALUE: Final = re.compile(rf"(?:[{_UNRESERVED}{_AVAILABLE}/?|]|%[0-9A-Fa-f]{{2}})+")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,31}")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_MODULE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_VERSION: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class TokenUri:
    """What a PKCS#11 URI says of a private key: which token, which key on it, which module leads to it."""

    path: str
    """Its path as it was written, scheme included: what messages call it. It holds no secret."""
    token: tuple[tuple[str, str], ...]
    """Attributes of the module, the slot and the token, decoded, in the order given."""
    object: str | None
    """CKA_LABEL of the key."""
    id: bytes | None
    """CKA_ID of the key."""
    module_path: str | None
    """Absolute path of the PKCS#11 module."""
    module_name: str | None
    """Name of the module without folder, `lib` and `.so`."""
    pin_source: str | None
    """Absolute path of the file that holds the PIN."""


def is_token_uri(text: str) -> bool:
    """Tell whether a text is meant as a PKCS#11 URI: by its scheme, in any case (RFC 3986, 3.1)."""
    return text[: len(SCHEME)].lower() == SCHEME


def parse_token_uri(text: str, limits: Limits = DEFAULT_LIMITS) -> TokenUri:
    """Return the value of a PKCS#11 URI that names a private key.

    Exactly one of `module-path` and `module-name` is wanted. `type`, where given, is `private`. Attributes of vendors
    are refused, for nothing here knows what they would restrict.

    Raises:
        ValueError: it is none, or names no private key, or carries a PIN; the text never holds a value of the URI.
    """
    if not is_token_uri(text):
        raise ValueError("a PKCS#11 URI begins with pkcs11:")
    if len(text) > limits.token_uri_octets:
        raise ValueError(f"the PKCS#11 URI is longer than Limits.token_uri_octets ({limits.token_uri_octets})")
    path, mark, query = text[len(SCHEME) :].partition("?")
    named = _attributes(path, ";", _PATH_VALUE, _PATH_ATTRIBUTES, "path")
    asked = _attributes(query, "&", _QUERY_VALUE, _QUERY_ATTRIBUTES, "query") if mark else {}
    kind = _text(named, "type")
    if kind not in (None, "private"):
        raise ValueError("type: a key to sign or decrypt with is type=private")
    if ("module-path" in asked) == ("module-name" in asked):
        raise ValueError(
            "name the PKCS#11 module once, as in ?module-path=/usr/lib/softhsm/libsofthsm2.so or ?module-name=softhsm2"
        )
    return TokenUri(
        path=SCHEME + path,
        token=tuple((name, _checked(name, _decoded_text(name, value))) for name, value in named.items() if _of(name)),
        object=_text(named, "object"),
        id=_octets(named["id"]) if "id" in named else None,
        module_path=_file(asked, "module-path"),
        module_name=_module_name(asked),
        pin_source=_pin_source(asked),
    )


def _of(name: str) -> bool:
    return name in TOKEN_ATTRIBUTES


def _attributes(text: str, separator: str, form: re.Pattern[str], known: tuple[str, ...], part: str) -> dict[str, str]:
    """Return the attributes of one part of a URI, still encoded."""
    found: dict[str, str] = {}
    if not text:
        return found
    for number, piece in enumerate(text.split(separator), start=1):
        name, equals, value = piece.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ValueError(f"attribute {number} of the {part} is not of the form name=value")
        if name == "pin-value":
            raise ValueError("pin-value: other users see command lines, so no PIN is taken from one; use pin-source")
        if name not in known:
            raise ValueError(f"{name}: not an attribute of the {part}; those are {', '.join(known)}")
        if name in found:
            raise ValueError(f"{name}: given more than once")
        if not value:
            raise ValueError(f"{name}: has no value")
        if not form.fullmatch(value):
            raise ValueError(f"{name}: holds a character that has to be percent-encoded, or a broken %XX")
        found[name] = value
    return found


def _octets(value: str) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), value.encode("ascii"))


def _decoded_text(name: str, value: str) -> str:
    try:
        text = _octets(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: is not UTF-8 once decoded") from error
    if "\0" in text:
        raise ValueError(f"{name}: holds a NUL")
    return text


def _text(attributes: dict[str, str], name: str) -> str | None:
    return _decoded_text(name, attributes[name]) if name in attributes else None


def _checked(name: str, value: str) -> str:
    form = {"slot-id": _NUMBER, "library-version": _VERSION}.get(name)
    if form is not None and not form.fullmatch(value):
        raise ValueError(f"{name}: is not a number of the wanted form")
    return value


def _module_name(asked: dict[str, str]) -> str | None:
    name = _text(asked, "module-name")
    if name is not None and not _MODULE_NAME.fullmatch(name):
        raise ValueError("module-name: is a name such as softhsm2, without folder; use module-path for a file")
    return name


def _file(asked: dict[str, str], name: str) -> str | None:
    path = _text(asked, name)
    if path is not None and not path.startswith("/"):
        raise ValueError(f"{name}: wanted an absolute path")
    return path


def _pin_source(asked: dict[str, str]) -> str | None:
    """Return the path that `pin-source` names: as `file:/path`, `file:///path` or the path itself.

    A `file:` URI inside the URI is percent-decoded once more, as the URI that it is.
    """
    source = _text(asked, "pin-source")
    if source is None or source.startswith("/"):
        return source
    path = re.sub(r"\Afile:(?://(?=/))?(?=/)", "", source)
    if path == source or path.startswith("//") or not _QUERY_VALUE.fullmatch(path):
        raise ValueError("pin-source: wanted file:/absolute/path; commands and other sources are not run or read")
    return _decoded_text("pin-source", path)
