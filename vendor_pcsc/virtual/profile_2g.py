"""What a profile has to keep to when its card has class A0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vendor_pcsc.virtual.gsm_answer import CHV1_REFERENCE, CHV2_REFERENCES
from vendor_pcsc.virtual.model import Generation, WireProtocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendor_pcsc.virtual.document import Node
    from vendor_pcsc.virtual.model import PinDefinition

_SIMS: Final = frozenset({Generation.SIM, Generation.RUIM})


def check_sim(
    fields: Mapping[str, Node], generation: Generation, protocol: WireProtocol, pins: Iterable[PinDefinition]
) -> None:
    """Check protocol, applications and PINs of generations sim and ruim; those of the others may be anything.

    Raises:
        ProfileError: with the place.
    """
    if generation not in _SIMS:
        return
    if protocol is not WireProtocol.T0:
        raise fields["protocol"].error(f"generation {generation.value} goes with protocol t0 only")
    for entry in fields["files"].entries():
        if "adf" in entry.mapping():
            raise entry.error(f"a card of generation {generation.value} has no AIDs: wanted df in place of adf")
    has_chv2 = False
    for pin in pins:
        is_chv2 = pin.reference in CHV2_REFERENCES
        is_chv = is_chv2 or pin.reference == CHV1_REFERENCE
        if not (is_chv or pin.is_administrative) or (is_chv2 and has_chv2):
            raise fields["pins"].error(
                f"a card of generation {generation.value} has PINs 01 (CHV1), 81 or 02 (CHV2), "
                f"0A to 0E and 8A to 8E, found {pin.reference:02X}"
            )
        has_chv2 = has_chv2 or is_chv2


def check_activation(fields: Mapping[str, Node], generation: Generation) -> None:
    """Check that only a card of two generations is told which of them it is.

    Raises:
        ProfileError: with the place.
    """
    if "activation" in fields and generation is not Generation.UICC_2G:
        raise fields["activation"].error(f"activation goes with generation {Generation.UICC_2G.value} only")
