"""The subscriber's identity on a card, which is the network's key of a provisioning message.

    SIM, UICC in 2G mode   7F20/6F07 (EF.IMSI)
    R-UIM                  7F20/6F07 where it is there, otherwise 7F25/6F22 (EF.IMSI_M)
    UICC                   EF.IMSI of the USIM that EF.DIR names; without a USIM, EF.IMSI_M of the CSIM

Guarantees: digits as a `Secret`, since an identity of a person is not for logs; "not there" and "could not read" are
different answers, and only the first leads on to another file; nothing is written. Leaves to its caller: reading it
once, and the PIN, which the session has.

Spec: 3GPP TS 51.011, 10.3.2; 3GPP TS 31.102, 4.2.2; 3GPP2 C.S0023, 3.4.2; C.S0065; decision 0025.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.card.directory import Directory
from smartcard_dm.card.gsm_files import DF_CDMA, DF_GSM
from smartcard_dm.card.ladder import read_dir
from smartcard_dm.errors import ApduError, CardNotFoundError, CardReadError, TlvError
from smartcard_dm.identity import Generation
from smartcard_dm.iso7816 import AID, decode_imsi, decode_imsi_m
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.card.files import CardFiles
    from smartcard_dm.card.session import CardSession
    from smartcard_dm.limits import Limits

EF_IMSI: Final = 0x6F07
EF_IMSI_M: Final = 0x6F22

_DECODERS: Final[dict[int, Callable[[bytes], str]]] = {EF_IMSI: decode_imsi, EF_IMSI_M: decode_imsi_m}
_APPLICATIONS: Final = ((AID.USIM, EF_IMSI), (AID.CSIM, EF_IMSI_M))


def read_imsi(session: CardSession, *, limits: Limits = DEFAULT_LIMITS) -> Secret:
    """Return the decimal digits of the subscriber's IMSI in ASCII.

    Raises:
        CardNotFoundError: the card has no file for it.
        CardReadError: it could not be read, or holds something else.
        PinRequiredError, PinError, PinBlockedError: it is behind a PIN that was not presented with success.
        LimitExceededError: the card lists more applications than `Limits.dir_records`.
        CardConnectionError: the way to the card failed.
    """
    files = session.files
    # Another program may have moved the card since it was last used; `read` goes the whole way in one transaction.
    files.forget_place()
    if session.identity.generation is Generation.UICC:
        return _of_application(files, limits)
    if session.identity.generation is not Generation.RUIM:
        return _read(files, DF_GSM, EF_IMSI)
    try:
        return _read(files, DF_GSM, EF_IMSI)
    except CardNotFoundError:
        return _read(files, DF_CDMA, EF_IMSI_M)


def _of_application(files: CardFiles, limits: Limits) -> Secret:
    try:
        templates = read_dir(files, limits)
    except TlvError as error:
        raise CardReadError(f"the applications of the card could not be read: {error}") from error
    for application, file_id in _APPLICATIONS:
        for template in templates:
            if template.application is application:
                return _read(files, Directory(template.aid), file_id)
    raise CardNotFoundError("the card names neither a USIM nor a CSIM in EF.DIR, one of which would have an IMSI")


def _read(files: CardFiles, directory: Directory, file_id: int) -> Secret:
    octets = files.read(directory, (file_id,))
    try:
        digits = _DECODERS[file_id](octets)
    except ApduError as error:
        raise CardReadError(f"{directory.name(file_id)} holds no IMSI: {error.structure}, {error.detail}") from error
    return Secret(digits.encode("ascii"))
