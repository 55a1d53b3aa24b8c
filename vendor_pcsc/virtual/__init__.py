"""A card in this process: a profile file describes it, `VirtualCard` answers as TS 102 221 or TS 51.011 says.

::

    profile file -> load_profile -> Profile (frozen) -> connect -> VirtualConnection
                                                        insert_card -> VirtualCard (behaviour), with faults or without

Guarantees: nothing here knows PKCS#15 or OMA; contents that need such knowledge come from injected generators.
"""

from vendor_pcsc.virtual.card_os import VirtualCard
from vendor_pcsc.virtual.connection import Card, VirtualConnection
from vendor_pcsc.virtual.content import Generator, GeneratorContext
from vendor_pcsc.virtual.faulty_card import FaultyCard, connect, insert_card
from vendor_pcsc.virtual.model import Profile
from vendor_pcsc.virtual.profile import load_profile

__all__ = [
    "Card",
    "FaultyCard",
    "Generator",
    "GeneratorContext",
    "Profile",
    "VirtualCard",
    "VirtualConnection",
    "connect",
    "insert_card",
    "load_profile",
]
