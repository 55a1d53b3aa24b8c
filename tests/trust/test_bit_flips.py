"""Every single-bit flip of the committed signed message is refused or malformed, never authorized."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.errors import VerificationError
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from tests.materials import NOW

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_every_single_bit_flip_is_refused() -> None:
    with open_card(f"profile:{FIXTURES / 'cards/usim.yaml'}") as card:
        verifier = Verifier(read_credentials(card), policy=Policy.default())
    octets = bytearray((FIXTURES / "messages/signed.wbxml").read_bytes())
    local = Transport.local()
    assert verifier.verify(bytes(octets), transport=local, at=NOW)
    steps: Counter[int] = Counter()
    for position in range(len(octets)):
        for bit in range(8):
            octets[position] ^= 1 << bit
            try:
                verifier.verify(bytes(octets), transport=local, at=NOW)
            except VerificationError as error:
                steps[int(error.step)] += 1
            else:
                pytest.fail(f"authorized with bit {bit} of octet {position} flipped")
            octets[position] ^= 1 << bit
    assert steps.total() == 8 * len(octets)
    assert {1, 2, 6, 7, 8} <= steps.keys()
