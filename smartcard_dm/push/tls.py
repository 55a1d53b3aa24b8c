"""TLS as pushes over HTTP and SIP speak it, at both ends: contexts from files, and what a connection proved.

Guarantees: TLS 1.2 or newer; a client always checks the certificate of the server up to an authority it was given; a
key that needs a passphrase never asks for it on a terminal. Leaves to its caller: a stricter look at the host's name.
Spec: OMA-TS-DM_Sessionless 5.3; RFC 8446; RFC 3261, 26.3.1.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from cryptography import x509

from smartcard_dm.errors import KeyMaterialError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from smartcard_dm.secret import Secret


_LONGEST_PASSPHRASE: Final = 1023
"""Octets that the standard library hands on."""


def server_context(
    certificate: str | Path,
    key: str | Path,
    *,
    client_ca: str | Path | None = None,
    required: bool = False,
    passphrase: Secret | None = None,
) -> ssl.SSLContext:
    """Return the context of a listener.

    Args:
        certificate: file (PEM) of its certificate, those of intermediate authorities after it.
        key: file (PEM) of its private key.
        client_ca: file (PEM) of the authorities of clients; with it a client is asked for a certificate.
        required: whether a client without a certificate is turned away, instead of being marked as unknown.
        passphrase: of the key.

    Raises:
        KeyMaterialError: a file cannot be used, or does not fit to the other.
        ValueError: `required` without `client_ca`.
    """
    if required and client_ca is None:
        raise ValueError("clients cannot be required to prove themselves to no authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_certificate(context, certificate, key, passphrase)
    if client_ca is not None:
        _load_authorities(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def client_context(
    authorities: Sequence[str | Path],
    certificate: str | Path | None = None,
    key: str | Path | None = None,
    passphrase: Secret | None = None,
) -> ssl.SSLContext:
    """Return the context of a sender; it checks the host's name, too, unless the caller has a stricter way.

    Args:
        authorities: files (PEM) of the authorities that are trusted; nothing else is.
        certificate: file (PEM) of the sender's certificate, for listeners that ask for one.
        key: file (PEM) of its private key; the certificate's file holds it where this is not given.
        passphrase: of the key.

    Raises:
        KeyMaterialError: a file cannot be used, or does not fit to the other.
        ValueError: no authority is named: nothing would be trusted, or everything.
    """
    if not authorities:
        raise ValueError("a sender names at least one authority that it trusts")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for file in authorities:
        _load_authorities(context, file)
    if certificate is not None:
        _load_certificate(context, certificate, key, passphrase)
    return context


def describe_tls(tls: ssl.SSLObject | ssl.SSLSocket) -> str:
    """Return what a connection proved, in words: version, cipher, and who the other end is where it proved that."""
    cipher = tls.cipher()
    spoken = f"{tls.version()}, {cipher[0] if cipher else 'no cipher'}"
    peer = tls.getpeercert(binary_form=True)
    return spoken if peer is None else f"{spoken}, certificate of {_subject(peer)}"


def peer_is_proved(tls: ssl.SSLObject | ssl.SSLSocket) -> bool:
    """Tell whether the other end showed a certificate, which the handshake checked."""
    return tls.getpeercert(binary_form=True) is not None


def _subject(certificate: bytes) -> str:
    try:
        return x509.load_der_x509_certificate(certificate).subject.rfc4514_string() or "a subject without name"
    except ValueError:
        return "a subject that cannot be read"


def _load_certificate(
    context: ssl.SSLContext, certificate: str | Path, key: str | Path | None, passphrase: Secret | None
) -> None:
    password = _Password(passphrase, key or certificate)
    try:
        context.load_cert_chain(certificate, key, password=password)
    except OSError as error:  # ssl.SSLError is one
        # OpenSSL has no one word for a wrong passphrase: it depends on how the key is encrypted.
        wrong = password.asked and isinstance(error, ssl.SSLError) and error.reason != "KEY_VALUES_MISMATCH"
        reason = "the passphrase of the key is wrong" if wrong else _reason(error)
        raise KeyMaterialError(f"{certificate} and {key or certificate}: {reason}") from error


def _load_authorities(context: ssl.SSLContext, file: str | Path) -> None:
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise KeyMaterialError(f"{file}: {_reason(error)}") from error


class _Password:
    """Gives the passphrase when OpenSSL asks for it."""

    def __init__(self, passphrase: Secret | None, key: str | Path) -> None:
        self._passphrase = passphrase
        self._key = key
        self.asked = False

    def __call__(self) -> bytes:
        self.asked = True
        if self._passphrase is None:
            raise KeyMaterialError(f"{self._key}: the key needs a passphrase")
        if len(self._passphrase) > _LONGEST_PASSPHRASE:
            raise KeyMaterialError(f"{self._key}: a passphrase has at most {_LONGEST_PASSPHRASE} octets")
        return self._passphrase.reveal()


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        known = {
            "KEY_VALUES_MISMATCH": "the private key is not of the certificate",
        }
        return known.get(error.reason, f"not a certificate and key in PEM that can be used ({error.reason})")
    return error.strerror or "it cannot be read"
