"""Which kind of subscriber card this is, found by probing.

    class 00 finds a file, or says that it has it not    UICC: it is preferred, since it may hold a SIM too
    class A0 does:
        the ATR hints at a UICC, and EF.DIR is there     UICC in 2G mode
        DF CDMA (7F25) is there                          R-UIM, with or without DF GSM
        otherwise                                        SIM; DF GSM (7F20) is looked for to say so

Why these rules: the answer to reset is a hint and no proof, and a SIM may have EF.DIR too, so neither alone makes a
UICC; an R-UIM may have DF GSM for roaming. The probe of each class is the reading of EF.ICCID, which is needed anyway:
two commands for a UICC.

Guarantees: a card that refuses class 00 as unknown has not begun a session of that class, so it is not reset; any
other refusal may have begun one, and the two are not mixed after one reset. A card that takes neither class could not
be read.

Spec: ETSI TS 102 221, 11.1.1 and Annex D; GSM 11.11, 6; C.S0023; design decision D8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import MASTER
from smartcard_dm.card.gsm_files import DF_CDMA, DF_GSM, GsmFiles
from smartcard_dm.card.ladder import EF_DIR
from smartcard_dm.errors import (
    ApduError,
    CardConnectionError,
    CardError,
    CardNotFoundError,
    CardReadError,
    DecodeError,
)
from smartcard_dm.identity import CardIdentity, Generation
from smartcard_dm.iso7816 import SW, decode_iccid, describe, parse_atr

if TYPE_CHECKING:
    from smartcard_dm.card.channels import Channels
    from smartcard_dm.card.exchange import Exchange
    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.card.pins import PinPad
    from smartcard_dm.limits import Limits

EF_ICCID: Final = 0x2FE2
_UNKNOWN: Final = frozenset({SW.CLASS_UNKNOWN, SW.INSTRUCTION_UNKNOWN})


@dataclass(frozen=True, slots=True)
class DetectedCard:
    """A card whose kind is known."""

    identity: CardIdentity
    reason: str
    """How its generation was found, as a sentence."""
    files: CardFiles
    """Its files, on the basic channel where it has channels."""
    channels: Channels | None
    """Opens channels; None for a card of class A0."""


def detect(exchange: Exchange, channels: Channels, pins: PinPad, limits: Limits) -> DetectedCard:
    """Return what kind of card this is, and who.

    Raises:
        CardReadError: it takes neither class, or refuses its number.
        PinRequiredError, PinError, PinBlockedError: its number is behind a PIN.
        CardConnectionError: the way to the card failed.
    """
    try:
        octets = _number(channels.basic)
    except CardReadError as error:
        if channels.basic.answered:
            raise
        return _detect_gsm(exchange, GsmFiles(exchange, pins, limits), error)
    identity = CardIdentity(_iccid(octets), Generation.UICC, exchange.atr.hex().upper())
    return DetectedCard(identity, "it takes commands of class 00", channels.basic, channels)


def recognise(before: DetectedCard, exchange: Exchange) -> bool:
    """Tell whether this is the card it was before a reset: same answer to reset, same number, which it has to have.

    Raises:
        CardConnectionError: the way to the card failed.
    """
    if exchange.atr.hex().upper() != before.identity.atr:
        return False
    try:
        octets = _number(before.files)
    except CardConnectionError:
        raise
    except (CardError, DecodeError):
        return False
    return bool(before.identity.iccid) and _iccid(octets) == before.identity.iccid


def is_same(before: DetectedCard, card: DetectedCard) -> bool:
    """Tell whether two are one card; two without a number cannot be told apart, and count as two."""
    return bool(before.identity.iccid) and before.identity == card.identity


def _detect_gsm(exchange: Exchange, files: GsmFiles, refusal: CardReadError) -> DetectedCard:
    octets = _gsm_number(exchange, files, refusal)
    generation, has = _kind(exchange, files)
    if generation is Generation.RUIM:
        files.application = DF_CDMA
    word = str(refusal) if refusal.sw is None else describe(refusal.sw)
    reason = f"it does not take commands of class 00 ({word}) and takes those of class A0; {has}"
    identity = CardIdentity(_iccid(octets), generation, exchange.atr.hex().upper())
    return DetectedCard(identity, reason, files, None)


def _gsm_number(exchange: Exchange, files: GsmFiles, refusal: CardReadError) -> bytes:
    # A card that said "unknown" has begun nothing: it is reset only where class A0 fares no better without.
    ways = (False, True) if refusal.sw in _UNKNOWN else (True,)
    error = refusal
    for with_reset in ways:
        if with_reset:
            exchange.reset()
        try:
            return _number(files)
        except CardReadError as again:
            if files.answered:
                raise
            error = again
    raise CardReadError(f"the card takes neither class 00 nor class A0: {refusal}; {error}", sw=error.sw) from error


def _kind(exchange: Exchange, files: GsmFiles) -> tuple[Generation, str]:
    if _hints_at_uicc(exchange.atr) and files.has(MASTER, EF_DIR):
        return Generation.UICC_2G, "its answer to reset is that of a UICC and it has EF.DIR"
    if files.has(DF_CDMA):
        return Generation.RUIM, "it has DF CDMA (7F25)"
    if files.has(DF_GSM):
        return Generation.SIM, "it has DF GSM (7F20) and no DF CDMA (7F25)"
    return Generation.SIM, "it has neither DF GSM (7F20) nor DF CDMA (7F25) and is taken for a SIM"


def _number(files: CardFiles) -> bytes:
    """Return EF.ICCID; nothing where the card says that it has none.

    Raises:
        CardReadError: it could not be read, or this class of commands finds nothing on this card at all.
    """
    try:
        return files.read(MASTER, (EF_ICCID,))
    except CardNotFoundError as error:
        if not files.answered:
            raise CardReadError(str(error)) from error
        return b""


def _hints_at_uicc(atr: bytes) -> bool:
    try:
        return parse_atr(atr).is_uicc_hint
    except ApduError:
        return False


def _iccid(octets: bytes) -> str:
    """Return the digits of EF.ICCID; none for a file that was never written, or holds something else."""
    try:
        return decode_iccid(octets)
    except ApduError:
        return ""
