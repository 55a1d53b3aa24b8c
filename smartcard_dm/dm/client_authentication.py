"""What a client says to a server to prove that it knows their shared secret: BASIC, MD5 digest and MAC.

The three are old: MD5 is what the texts mandate, and a stranger who sees a digest can try secrets against it.
With H for MD5 and B64 for base64::

    syncml:auth-basic   B64(name:secret)
    syncml:auth-md5     B64(H(B64(H(name:secret)):nonce))
    syncml:auth-MAC     B64(H(B64(H(name:secret)):nonce:B64(H(body)))), in the transport header x-syncml-hmac

The last one is no HMAC of RFC 2104. The octets of a digest are encoded; the text's own example of the header encodes
their hexadecimal digits instead, which `MacSpelling.HEX_TEXT` does for servers that want it (docs/decisions/0030).

Guarantees: names and secrets are octets in UTF-8 as the account has them; no error holds a secret. Leaves to its
caller: a nonce that the server gave and that was not used before; a body that goes out as it was given here.
Spec: OMA-TS-DM_Security-V1_2, 5.1.3.2 and 5.1.4.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from smartcard_dm.dm.account import AppAuth

HMAC_HEADER: Final = "x-syncml-hmac"
"""Name of the transport header that carries the MAC."""


class MacSpelling(StrEnum):
    """What of a MAC is encoded in base64; the values are stable names."""

    OCTETS = "octets"
    """The 16 octets, as the formula says: 24 characters."""
    HEX_TEXT = "hex-text"
    """The 32 hexadecimal digits, as the example of the text has it: 44 characters."""


def basic_credential(name: str, secret: Secret) -> Secret:
    """Return the data of syncml:auth-basic: the secret itself, in another spelling.

    Raises:
        KeyMaterialError: the name has a colon, at which a server would cut it.
    """
    if ":" in name:
        raise KeyMaterialError("syncml:auth-basic: the name has a colon, which separates it from the secret")
    return Secret(b64encode(_joined(name.encode(), secret.reveal())))


def md5_credential(name: str, secret: Secret, nonce: bytes) -> str:
    """Return the data of syncml:auth-md5 in base64, 24 characters.

    Args:
        name: AAuthName of the account.
        secret: AAuthSecret of the account.
        nonce: the octets the server gave, base64 taken off.
    """
    return b64encode(_md5(_joined(_key(name, secret), nonce))).decode()


def hmac_credential(
    name: str, secret: Secret, nonce: bytes, body: bytes, *, spelling: MacSpelling = MacSpelling.OCTETS
) -> str:
    """Return the MAC of syncml:auth-MAC in base64.

    Args:
        name: AAuthName of the account.
        secret: AAuthSecret of the account.
        nonce: the octets the server gave for this message, base64 taken off.
        body: the message as it is sent, WBXML or XML.
        spelling: what is encoded.
    """
    mac = _md5(_joined(_key(name, secret), nonce, b64encode(_md5(body))))
    return b64encode(mac.hex().encode() if spelling is MacSpelling.HEX_TEXT else mac).decode()


def hmac_header(name: str, mac: str) -> str:
    """Return the value of the header x-syncml-hmac for what `hmac_credential` returned.

    Raises:
        KeyMaterialError: the name cannot stand in a header: it has control characters, or others than ASCII.
    """
    if not (name.isascii() and name.isprintable()):
        raise KeyMaterialError(f"{HMAC_HEADER}: the name of the account has characters that no header can hold")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'algorithm=MD5, username="{quoted}", mac={mac}'


def credentials_of(auth: AppAuth) -> tuple[str, Secret]:
    """Return the name and the secret of an account's entry; an empty secret is one.

    Raises:
        KeyMaterialError: it has no name or no secret.
    """
    if auth.name is None or auth.secret is None:
        missing = "AAuthName" if auth.name is None else "AAuthSecret"
        raise KeyMaterialError(f"AppAuth {auth.node_name!r} ({auth.level.value}) has no {missing}")
    return auth.name, auth.secret


def _key(name: str, secret: Secret) -> bytes:
    return b64encode(_md5(_joined(name.encode(), secret.reveal())))


def _joined(*parts: bytes) -> bytes:
    return b":".join(parts)


def _md5(octets: bytes) -> bytes:
    # Not our choice: it is what a server expects. The flag lets it run where MD5 is switched off for new uses.
    return hashlib.md5(octets, usedforsecurity=False).digest()
