"""A card in this process: a profile file describes it, `VirtualCard` answers as TS 102 221 says.

::

    profile file -> load_profile -> Profile (frozen) -> VirtualCard (behaviour) -> VirtualConnection

Guarantees: nothing here knows PKCS#15 or OMA; contents that need such knowledge come from injected generators.
"""

from vendor_pcsc.virtual.card_os import VirtualCard
from vendor_pcsc.virtual.connection import VirtualConnection
from vendor_pcsc.virtual.content import Generator, GeneratorContext
from vendor_pcsc.virtual.model import Profile
from vendor_pcsc.virtual.profile import load_profile

__all__ = ["Generator", "GeneratorContext", "Profile", "VirtualCard", "VirtualConnection", "load_profile"]
