"""Content trust on the server's side: what stands in a Data, signed or encrypted by whoever made it.

Guarantees: what is made is the one narrow form that a device judges (sign first, then encrypt). Leaves to its caller:
the item around it, with the Format and Type that are named here, and the message.

Spec: OMA-TS-DM_Security-V1_2_1, appendix on content signing and encryption; docs/encryption-profile.md, 10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smartcard_dm.xmlsec.content_signature import sign_content
from smartcard_dm.xmlsec.encrypt import encrypt_part
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.xmlsec.encrypt import Recipient

__all__ = ["ENCRYPTED_TYPE", "FORMAT", "SIGNED_TYPE", "encrypt_content", "sign_content"]

FORMAT: Final = "xml"
"""Meta/Format of both forms."""
SIGNED_TYPE: Final = "application/xml"
"""Meta/Type of signed content; the result of `sign_content` is the text of the Data."""
ENCRYPTED_TYPE: Final = "application/xenc+xml"
"""Meta/Type of encrypted content; the result of `encrypt_content` is the element in the Data, or its text."""


def encrypt_content(
    content: bytes,
    recipient: Recipient,
    *,
    random: Callable[[int], bytes],
    cipher: BlockCipher = BlockCipher.AES256_GCM,
) -> bytes:
    """Return the EncryptedData of content trust.

    Args:
        content: any octets, or what `sign_content` returned.
        recipient: who opens it; an old device wants `rsa-1_5` and the policy `oma_1_2_legacy`.
        random: returns as many unpredictable octets as it is asked for, such as `os.urandom`.
        cipher: of the content; an old device wants AES-128-CBC.

    Raises:
        KeyMaterialError: the recipient's policy does not allow the cipher.
    """
    return encrypt_part(content, EncryptedType.ELEMENT, recipient, random=random, cipher=cipher)
