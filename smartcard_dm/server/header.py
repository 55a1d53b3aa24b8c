"""What an issuer says about a message, before the document or a default does.

Guarantees: a frozen value. Leaves to its caller: numbers that no other message of this server has.
Spec: OMA-TS-DM_Sessionless 5.2; OMA-TS-DM_RepPro-V1_2_1, SyncHdr.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

THIS_DEVICE: Final = "./"
"""Target of a message that names no device: whichever device reads it."""
FIRST_MESSAGE: Final = "1"
"""MsgID when nobody gives one."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an issuer says about a message; None keeps what the document says, else the default."""

    session_id: str | None = None
    """SessionID."""
    msg_id: str | None = None
    """MsgID; default "1"."""
    target: str | None = None
    """Target/LocURI, the device; default `./`, whichever device reads it."""
    version: str = "1.2"
    """WBXML version the message will be encoded with; stated in SyncHdr/Meta/EMI, where the signature covers it."""
    default_session_id: str = "1"
    """SessionID when neither `session_id` nor the document has one; give each message its own."""

    @property
    def encoding(self) -> str:
        """The statement of the encoding, as SyncHdr/Meta/EMI holds it."""
        return f"WBXML/{self.version}"
