"""Short messages of somebody who wants a receiver to grow, fall over, or forget those of others."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from smartcard_dm.push.sms_address import Address
from smartcard_dm.push.sms_coding import DataCoding
from smartcard_dm.push.sms_time import encode_time
from smartcard_dm.push.sms_tpdu import Deliver
from smartcard_dm.push.sms_user_data import UserData
from smartcard_dm.push.udh import Concatenation, Ports, UserDataHeader
from tests.push.sms_materials import NOON, SENDER

if TYPE_CHECKING:
    from collections.abc import Iterator


def hostile_parts(count: int, seed: int) -> Iterator[tuple[UserData, Address]]:
    """Yield user data with their originators: bombs of 255 parts, numbers out of order, sets nobody ends."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    originators = [Address(f"49{number:010d}") for number in range(500)]
    block = rng.randbytes(4096)
    for _ in range(count):
        wide = rng.random() < 0.5
        total = rng.choice((255, 255, 255, rng.randrange(256)))
        sequence = rng.randrange(256)
        at = rng.randrange(len(block) - 128)
        header = UserDataHeader.of(
            Ports(2948, rng.choice((9200, rng.randrange(0x10000)))),
            Concatenation(rng.randrange(0x10000 if wide else 0x100), total, sequence, wide=wide),
        )
        yield UserData(block[at : at + rng.randrange(128)], header), rng.choice(originators)


def hostile_tpdus(count: int, seed: int) -> Iterator[bytes]:
    """Yield TPDUs: half of them parts as above, the others with octets changed, cut, or nothing but noise."""
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    originators = [Address(f"49{number:010d}").encode() for number in range(500)]
    block = rng.randbytes(4096)
    time = encode_time(NOON)
    for _ in range(count):
        numbers = rng.randbytes(6)
        total = 255 if numbers[0] < 0xC0 else numbers[1]
        if numbers[2] & 1:
            header = b"\x0c\x05\x04\x0b\x84\x23\xf0\x08\x04" + bytes((*numbers[3:5], total, numbers[5]))
        else:
            header = b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03" + bytes((numbers[3], total, numbers[5]))
        at = int(rng.random() * 3968)
        data = header + block[at : at + int(rng.random() * 128)]
        octets = b"".join((b"\x44", originators[int(rng.random() * 500)], b"\0\xf5", time, bytes((len(data),)), data))
        choice = rng.random()
        if choice < 0.25:
            changed = bytearray(octets)
            changed[int(rng.random() * len(changed))] = numbers[0]
            octets = bytes(changed)
        elif choice < 0.4:
            octets = octets[: int(rng.random() * len(octets))]
        elif choice < 0.5:
            octets = rng.randbytes(int(rng.random() * 180))
        yield octets


def text_message() -> bytes:
    """Return a text for people."""
    return Deliver(SENDER, NOON, UserData(b"\x41\x42"), coding=DataCoding(0)).encode()
