"""Card content from readable descriptions: the generators that card profiles get from this project.

Guarantees: what is generated is what the reading side of this project parses, built by its own builders; the bridge,
which knows bytes only, gets these by name (docs/decisions/0003).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from smartcard_dm.personalise.directories import aodf, application_template, cdf, dodf, odf, pukdf, token_info
from smartcard_dm.personalise.documents import certificate, cp_bootstrap, dm_bootstrap, public_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendor_pcsc.virtual import Generator

GENERATORS: Final[Mapping[str, Generator]] = MappingProxyType(
    {
        "aodf": aodf,
        "application_template": application_template,
        "cdf": cdf,
        "certificate": certificate,
        "cp_bootstrap": cp_bootstrap,
        "dm_bootstrap": dm_bootstrap,
        "dodf": dodf,
        "odf": odf,
        "public_key": public_key,
        "pukdf": pukdf,
        "token_info": token_info,
    }
)
"""Name to generator, for `vendor_pcsc.virtual.load_profile`."""

__all__ = ["GENERATORS"]
