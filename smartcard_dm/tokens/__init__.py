"""Keys that never leave a token: named by a PKCS#11 URI, used through a PKCS#11 module.

Importing this package needs no PKCS#11 binding; opening a token without one is an error with its remedy.
"""

from smartcard_dm.tokens.keys import TokenDecryptionKey, TokenSigningKey
from smartcard_dm.tokens.uri import TokenUri, is_token_uri, parse_token_uri

__all__ = ["TokenDecryptionKey", "TokenSigningKey", "TokenUri", "is_token_uri", "parse_token_uri"]
