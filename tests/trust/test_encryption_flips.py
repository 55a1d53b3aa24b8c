"""Step 11: no flipped bit of an encrypted part gives a message."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from smartcard_dm import wbxml
from smartcard_dm.errors import VerificationError
from smartcard_dm.limits import Limits
from smartcard_dm.rules import Step
from smartcard_dm.trust.message_decryption import MessageDecryptor
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec.document import canonical, parse_document
from tests.materials import NOW
from tests.trust.device import account, signed
from tests.trust.encrypted import (
    KEY,
    KINDS,
    device,
)


def flips(xml: bytes, places: range, bits: range) -> list[bytes]:
    """Return the canonical messages that come of flipping one bit, those that are XML at all."""
    found = []
    for index in places:
        for bit in bits:
            octets = bytearray(xml)
            octets[index] ^= 1 << bit
            try:
                message = canonical(parse_document(bytes(octets)))
            except Exception:  # noqa: BLE001, S112 - most are no XML, in whatever way
                continue
            if message != xml:
                found.append(message)
    return found


@pytest.mark.parametrize(("kind", "bits"), [(b"S", range(8)), (b"P", range(0, 8, 3)), (b"K", range(5, 6))])
def test_no_flipped_bit_of_an_encrypted_part_gives_a_message(kind: bytes, bits: range) -> None:
    xml = KINDS[kind]
    start, end = xml.index(b"<EncryptedData"), xml.index(b"</EncryptedData>") + len(b"</EncryptedData>")
    messages = flips(xml, range(start, end), bits)
    assert len(messages) > 400
    decryptor = MessageDecryptor(device_key=KEY, random=os.urandom)
    policy = replace(Policy.default(), limits=Limits(pbkdf2_iterations=10_000))
    for message in messages:
        try:
            octets, _ = decryptor.decrypt(message, account(), policy)
        except VerificationError as error:
            assert error.step is Step.DECRYPT  # noqa: PT017 - one of thousands
            continue
        pytest.fail(f"opened: {octets!r}")


def test_flipped_octets_that_are_signed_and_sent_are_refused() -> None:
    xml = KINDS[b"S"]
    start, end = xml.index(b"<EncryptedData"), xml.index(b"</EncryptedData>")
    judge = device()
    sent = 0
    for message in flips(xml, range(start, end, 4), range(1)):
        try:
            octets = wbxml.from_xml(signed(message))
        except Exception:  # noqa: BLE001, S112 - no WBXML form
            continue
        sent += 1
        with pytest.raises(VerificationError):
            judge.verify(octets, transport=Transport.local(), at=NOW)
    assert sent > 80
