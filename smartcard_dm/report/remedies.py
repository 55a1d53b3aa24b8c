"""What to do about an error: one clause for each rule of the verifier and each kind of error.

Guarantees: every rule and every error has one; none holds anything of the input.
"""

from __future__ import annotations

from typing import Final

from smartcard_dm.errors import (
    AgentError,
    AuditError,
    BatchError,
    CardConnectionError,
    CardNotFoundError,
    CardReadError,
    DecodeError,
    DmError,
    KeyMaterialError,
    LimitExceededError,
    PinBlockedError,
    PinEntryError,
    PinError,
    PinRequiredError,
    Pkcs15Error,
    PushError,
    SmartcardDmError,
    TlvError,
    TokenError,
    TreeError,
    UnsupportedError,
    VerificationError,
    WbxmlError,
)
from smartcard_dm.rules import Rule
from smartcard_dm.server.batch_records import Problem

_RESEND: Final = "get the message from its server again"
_SHAPE: Final = "have the server send one SyncML 1.2 message, signed as a whole"
_PROFILE: Final = "have the server sign by Sessionless Signature Profile 1"
_ENCRYPTION: Final = "have the server encrypt by Sessionless Encryption Profile 1"
_KEYS: Final = (
    "look at the account and the trusted certificates in the card or tree; "
    "`smartcard-dm accounts` and `card show` list those of a card"
)

_BY_RULE: Final = {
    Rule.MESSAGE_TOO_LARGE: "have the server send less in one message",
    Rule.BOUND_EXCEEDED: "have the server send less, or less deeply nested, in one message",
    Rule.WBXML_MALFORMED: "`smartcard-dm wbxml decode --tokens FILE` shows how far it can be read",
    Rule.WBXML_UNSUPPORTED: "have the server send SyncML 1.2 in WBXML 1.1 to 1.3 and UTF-8",
    Rule.SHAPE_ROOT: _SHAPE,
    Rule.SHAPE_ENCODING: "have the server encode the same message as the WBXML version it says",
    Rule.SHAPE_ORDER: _SHAPE,
    Rule.SHAPE_HEADER: _SHAPE,
    Rule.SHAPE_VERSION: "have the server write VerDTD 1.2 and VerProto DM/1.2",
    Rule.SIGNATURE_MISSING: "have the server sign the message: an unsigned one is never applied",
    Rule.SIGNATURE_SEVERAL: "have the server sign the message once, as a whole",
    Rule.SIGNATURE_PLACE: "have the server put the Signature last in SyncML",
    Rule.SERVER_ID_MISSING: "have the server write its ServerID into SyncHdr/Source/LocURI",
    Rule.ACCOUNT_UNKNOWN: "use the card or tree that has an account of this server, or the ServerID of that account",
    Rule.ACCOUNT_SEVERAL: "the card or tree must have one account only for each server",
    Rule.ACCOUNT_UNUSABLE: "correct the account in the card or tree where it stands, or remove it there",
    Rule.KEY_NONE: _KEYS,
    Rule.KEY_UNUSABLE: _KEYS,
    Rule.KEY_NOT_VALID_NOW: "check the date (--at), or renew the certificate in the card or tree",
    Rule.SIGNATURE_FORM: _PROFILE,
    Rule.SIGNATURE_TOO_LARGE: "have the server send a shorter certificate chain",
    Rule.CANONICALIZATION_METHOD: _PROFILE,
    Rule.SIGNATURE_METHOD: "have the server sign with SHA-2; --policy oma_1_2_legacy allows SHA-1",
    Rule.HMAC_OUTPUT_LENGTH: "have the server send the whole HMAC",
    Rule.KEY_FAMILY: "sign with the kind of key that the card or tree has for this server",
    Rule.KEY_SIZE: "sign with an RSA key of 2048 bits or more",
    Rule.REFERENCE_COUNT: _PROFILE,
    Rule.REFERENCE_URI: _PROFILE,
    Rule.TRANSFORMS: _PROFILE,
    Rule.DIGEST_METHOD: "have the server digest with SHA-2; --policy oma_1_2_legacy allows SHA-1",
    Rule.KEY_INFO: _PROFILE,
    Rule.KEY_NAME: "leave KeyName out, or write the name of the key that the card or tree has",
    Rule.SIGNATURE_VALUE: f"sign with the key that the card or tree holds for this server, or {_RESEND}",
    Rule.DIGEST_VALUE: f"it was changed after it was signed: {_RESEND}",
    Rule.TRANSPORT_KIND: "send it over a transport that the policy accepts",
    Rule.TRANSPORT_UNSECURED: "send it over a secured transport that the policy accepts",
    Rule.WAP_NO_MAC: "have the server push with SEC and MAC in the content type",
    Rule.WAP_MAC_FORM: "have the server write SEC and MAC once each, MAC as 40 hexadecimal digits",
    Rule.WAP_SEC_UNKNOWN: "have the server use NETWPIN, USERPIN, USERNETWPIN or USERPINMAC",
    Rule.WAP_SEC_REFUSED: "have the server use a method that this receiver accepts, or accept this one with --sec",
    Rule.WAP_KEY_NONE: "give what the method needs: the card with its IMSI, or the user's PIN",
    Rule.WAP_TRIES: "agree on a new PIN with the server and start the receiver again",
    Rule.WAP_MAC_WRONG: "push to the device with that IMSI, and with the PIN its user was given",
    Rule.HTTP_NO_TLS: "send it over https",
    Rule.HTTP_CLIENT_UNKNOWN: "have the server show a client certificate of an authority that this receiver trusts",
    Rule.SIP_NO_TLS: "send it over SIP with TLS",
    Rule.SIP_PEER_UNKNOWN: "have the server show a client certificate of an authority that this receiver trusts",
    Rule.REPLAYED: "have the server issue a new message, with a SessionID of its own",
    Rule.REPLAY_ORDER: "have the server issue a new message, with a SessionID or MsgID above those it used before",
    Rule.REPLAY_FULL: "let the replay memory hold more messages, or forget them earlier",
    Rule.ENCRYPTED_UNSUPPORTED: "have the server send it without encryption, or in the form of the encryption profile",
    Rule.ENCRYPTION_PLACE: _ENCRYPTION,
    Rule.ENCRYPTION_FORM: _ENCRYPTION,
    Rule.ENCRYPTION_METHOD: (
        "have the server encrypt with AES-GCM, RSA-OAEP or AES key wrap; --policy oma_1_2_legacy allows older ones"
    ),
    Rule.ENCRYPTION_KEY_NONE: (
        "give the device's key with --device-key, or have the server encrypt to a shared secret that the account has"
    ),
    Rule.ENCRYPTION_KEY_NAME: "give the key of that name, or have the server leave the name out",
    Rule.ENCRYPTION_KEY_UNUSABLE: "look at the device key: its token, its size, what it is allowed to do",
    Rule.ENCRYPTION_FAILED: f"have the server encrypt to the key that the device has now, or {_RESEND}",
    Rule.ENCRYPTION_PLAINTEXT: "have the server encrypt whole commands or whole content, as they would stand there",
    Rule.ENCRYPTION_NESTED: "have the server encrypt each part once",
    Rule.ENCRYPTION_TOO_LARGE: "have the server encrypt the body as one part, with fewer iterations of PBKDF2",
    Rule.COMMANDS_MALFORMED: "have the server correct the commands: their signature is good, their form is not",
}

_BY_KIND: Final[tuple[tuple[type[SmartcardDmError], str], ...]] = (
    (LimitExceededError, "a larger one is not read: make it smaller"),
    (WbxmlError, "check that it is a document of the kind this command takes"),
    (DmError, "correct it there"),
    (Pkcs15Error, "`smartcard-dm card show` shows what else the card holds"),
    (TlvError, "`smartcard-dm card show` shows what else the card holds"),
    (DecodeError, "correct it there"),
    (UnsupportedError, "docs/supported.md lists what is handled"),
    (TokenError, "put the token in its place and begin again; `pkcs11-tool --list-objects` shows what is on it"),
    (KeyMaterialError, "`smartcard-dm card show` shows which certificates and keys the card holds"),
    (CardConnectionError, "check the card URI, the reader and the card in it"),
    (CardNotFoundError, "`smartcard-dm card show` shows what the card holds"),
    (PinRequiredError, "--pin-prompt and --pin-fd N give it too"),
    (PinError, "correct the PIN you gave"),
    (PinBlockedError, "nothing was sent that could block it further"),
    (PinEntryError, "install pinentry-curses, or give the PIN by --pin-env or --pin-fd"),
    (CardReadError, "try again; if it stays, the card or its access rules do not allow it"),
)


def remedy(error: SmartcardDmError) -> str:
    """Return what to do about an error, in one clause."""
    if isinstance(error, VerificationError):
        return _BY_RULE.get(error.rule, _SHAPE)
    if isinstance(error, TreeError | BatchError | PushError | AuditError):
        return error.advice
    if isinstance(error, AgentError):
        return error.remedy
    return next((text for kind, text in _BY_KIND if isinstance(error, kind)), "look at the card and its reader")


_BY_PROBLEM: Final = {
    Problem.LINE: "correct the line",
    Problem.COLUMN: "leave the column out, or write its variable into the commands",
    Problem.VARIABLE: "give it a value",
    Problem.MESSAGE: "correct the value",
}


def target_remedy(problem: Problem) -> str:
    """Return what to do about a target that has no message; what is corrected is a batch of its own."""
    if problem is Problem.DUPLICATE:
        return "one message is enough, or issue the other in another batch"
    return f"{_BY_PROBLEM[problem]} and issue it in another batch"
