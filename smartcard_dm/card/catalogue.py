"""The files that subscriber cards are known for.

Spec: ETSI TS 102 221, 13 (files below the MF); 3GPP TS 31.102, 4.2; 3GPP TS 31.103; 3GPP TS 51.011, 10; C.S0023, 3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.card.gsm_files import DF_CDMA, DF_GSM, DF_TELECOM
from smartcard_dm.card.ladder import EF_DIR, FIXED_PATHS
from smartcard_dm.iso7816 import AID, decode_iccid, decode_imsi

if TYPE_CHECKING:
    from collections.abc import Callable

MASTER_FILES: Final = ((0x2FE2, "EF.ICCID"), (EF_DIR, "EF.DIR"), (0x2F05, "EF.PL"), (0x2F06, "EF.ARR"))
PKCS15_FILES: Final = ((0x5031, "EF.ODF"), (0x5032, "EF.TokenInfo"))
PKCS15_PATHS: Final = FIXED_PATHS
"""Where the PKCS#15 application is when EF.DIR does not tell."""

APPLICATION_FILES: Final = {
    AID.USIM: ((0x6F07, "EF.IMSI"), (0x6F38, "EF.UST"), (0x6F46, "EF.SPN"), (0x6FAD, "EF.AD")),
    AID.ISIM: ((0x6F02, "EF.IMPI"), (0x6F03, "EF.DOMAIN"), (0x6F04, "EF.IMPU"), (0x6FAD, "EF.AD")),
    AID.CSIM: ((0x6F22, "EF.IMSI_M"), (0x6F31, "EF.RUIMID"), (0x6F41, "EF.SPN")),
    AID.PKCS15: PKCS15_FILES,
}
"""Below the applications of a UICC."""

GSM_DIRECTORIES: Final = (
    (DF_TELECOM, "DF TELECOM", ((0x6F3A, "EF.ADN"), (0x6F40, "EF.MSISDN"))),
    (DF_GSM, "DF GSM", ((0x6F07, "EF.IMSI"), (0x6F38, "EF.SST"), (0x6F46, "EF.SPN"), (0x6FAD, "EF.AD"))),
    (DF_CDMA, "DF CDMA", ((0x6F22, "EF.IMSI_M"), (0x6F31, "EF.RUIMID"), (0x6F41, "EF.SPN"))),
)
"""Below the directories of a card of class A0."""

CONTENT: Final[dict[int, Callable[[bytes], str]]] = {0x2FE2: decode_iccid, 0x6F07: decode_imsi}
"""Files that this project reads for show."""
