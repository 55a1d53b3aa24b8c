"""Hiding the secrets of a message in views of it: octets, XML, tokens.

A secret is looked for as it stands, as XML text writes it once or twice, and as Base64; a Base64 text that holds one is
hidden whole. What is found is hidden wherever it stands, so that a short secret hides more than itself.

Guarantees: no octet of a secret is left where it is found. Leaves to its caller: which secrets there are.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from smartcard_dm.dm.formats import encode_base64

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN: Final = "[secret]"


class Mask:
    """Hides some secrets; empty ones are none."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        forms = {form for secret in self._secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Mask({len(self._secrets)} secrets)"

    def spans(self, octets: bytes) -> list[bool]:
        """Return for each octet whether it belongs to a secret."""
        hidden = [False] * len(octets)
        for form in self._forms:
            start = octets.find(form)
            while start >= 0:
                hidden[start : start + len(form)] = [True] * len(form)
                start = octets.find(form, start + 1)
        return hidden

    def text(self, text: str) -> str:
        """Return a text of the XML form with its secrets hidden."""
        if not self._secrets:
            return text
        within = _decoded(text)
        if within is not None and any(form in within for form in self._forms):
            return f"[{len(within)} octets with a secret]"
        octets = text.encode()
        for form in self._forms:
            octets = octets.replace(form, HIDDEN.encode())
        return octets.decode(errors="replace")


def _forms(secret: bytes) -> Iterable[bytes]:
    once = _escaped(secret)
    yield from (secret, once, _escaped(once), encode_base64(secret).encode())


def _escaped(octets: bytes) -> bytes:
    replaced = octets.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")
    return replaced.replace(b"\r", b"&#xD;")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
