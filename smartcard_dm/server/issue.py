"""Issuing: commands in, one signed WBXML message out.

Guarantees: what comes out is WBXML of the wanted version whose XML form is the signed document, octet for octet.
Leaves to its caller: reading files and keys, and pushing the message.

Spec: OMA-TS-DM_Sessionless 5.2 and B.2 (DM-SM-S-001 to 004).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from smartcard_dm import wbxml
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.compose import compose
from smartcard_dm.server.header import Header
from smartcard_dm.xmlsec import AlgorithmPolicy, sign_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.dm import ServerId
    from smartcard_dm.limits import Limits
    from smartcard_dm.xmlsec import DigestAlgorithm, SignatureAlgorithm, SigningKey


def issue(
    commands: bytes,
    server_id: ServerId,
    key: SigningKey,
    *,
    header: Header | None = None,
    algorithm: SignatureAlgorithm | None = None,
    digest: DigestAlgorithm | None = None,
    key_name: str | None = None,
    policy: AlgorithmPolicy | None = None,
    version: str = "1.2",
    encrypt: Callable[[bytes], bytes] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Return a sessionless message: composed, encrypted where it is asked for, signed as a whole, encoded.

    `lint` says before whether it is worth it.

    Args:
        commands: a SyncML document or a bare SyncBody, XML.
        server_id: the identifier of the issuing server.
        key: signs.
        header: session, message, target; default numbers 1 and 1, no device named.
        algorithm: default is the key's own.
        digest: default is the signature algorithm's.
        key_name: written as KeyName.
        policy: what may be signed with; default is SHA-2 only.
        version: WBXML version, "1.1", "1.2" or "1.3".
        encrypt: turns the composed message into one with encrypted parts, such as a call of `encrypt_body`.
        limits: bounds of the result.

    Raises:
        DmError: the commands are no message.
        LimitExceededError: the message is too large.
        UnsupportedError: a command this project does not handle.
        KeyMaterialError: algorithm and key do not fit, or the policy does not allow them.
        WbxmlError: the message has no WBXML form.
    """
    xml: bytes = compose(commands, server_id, replace(header or Header(), version=version), limits=limits)
    if encrypt is not None:
        xml = encrypt(xml)
    return sign_and_encode(
        xml,
        key,
        algorithm=algorithm,
        digest=digest,
        key_name=key_name,
        policy=policy,
        version=version,
        limits=limits,
    )


def sign_and_encode(
    xml: bytes,
    key: SigningKey,
    *,
    algorithm: SignatureAlgorithm | None = None,
    digest: DigestAlgorithm | None = None,
    key_name: str | None = None,
    policy: AlgorithmPolicy | None = None,
    version: str = "1.2",
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Return a sessionless message made from a composed one: signed as a whole, encoded.

    Args:
        xml: a message in XML form, as `compose`, a builder or a filled template gives it; encrypted where it is to be.
        key: signs.
        algorithm: default is the key's own.
        digest: default is the signature algorithm's.
        key_name: written as KeyName.
        policy: what may be signed with; default is SHA-2 only.
        version: WBXML version; the one that SyncHdr/Meta/EMI states, or no verifier accepts the message.
        limits: bounds of the result.

    Raises:
        KeyMaterialError: algorithm and key do not fit, or the policy does not allow them.
        LimitExceededError: the message is too large.
        WbxmlError: the message has no WBXML form, or is signed already.
    """
    signed = sign_message(
        xml, key, policy or AlgorithmPolicy.default(), algorithm=algorithm, digest=digest, key_name=key_name
    )
    return wbxml.from_xml(signed, version, limits=limits)
