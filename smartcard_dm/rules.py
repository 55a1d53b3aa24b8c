"""The numbered verification rules: one table that code, verdicts, tests and documents quote.

Guarantees: each way to be refused is one `Rule` with its step of the verification order, the clause it rests
on and, where there is one, the item of the static conformance requirements (SCR) it serves. A clause that
starts with a number is of the sessionless draft; "profile" clauses are this project's, where the draft is silent.
Leaves to its caller: the place in the message and the values found, which travel in `VerificationError`.
"""

from __future__ import annotations

from enum import Enum, IntEnum

_5_1_2 = "OMA-TS-DM_Sessionless 5.1.2"
_5_2 = "OMA-TS-DM_Sessionless 5.2"
_5_3 = "OMA-TS-DM_Sessionless 5.3"
_5_5 = "OMA-TS-DM_Sessionless 5.5"
_PROFILE = "Sessionless Signature Profile 1"
_ENCRYPTION = "Sessionless Encryption Profile 1"
_C1 = "DM-SM-C-001-M"
_C4 = "DM-SM-C-004-M"
_S2 = "DM-SM-S-002-M"
_S3 = "DM-SM-S-003-M"
_S4 = "DM-SM-S-004-M"
_S5 = "DM-SM-S-005-M"


class Step(IntEnum):
    """The order of verification; a message that fails a step never reaches the next one."""

    BOUNDS = 0
    DECODE = 1
    SHAPE = 2
    SERVER_ID = 3
    ACCOUNT = 4
    KEYS = 5
    PROFILE = 6
    SIGNATURE = 7
    DIGEST = 8
    TRANSPORT = 9
    REPLAY = 10
    DECRYPT = 11
    MESSAGE = 12


class Rule(Enum):
    """One way to be refused: identifier, step, clause, SCR item (empty when none applies)."""

    MESSAGE_TOO_LARGE = ("message.too-large", Step.BOUNDS, "profile: Limits.message_octets", "")
    BOUND_EXCEEDED = ("message.bound-exceeded", Step.BOUNDS, "profile: Limits", "")

    WBXML_MALFORMED = ("wbxml.malformed", Step.DECODE, _5_2, _S2)
    WBXML_UNSUPPORTED = ("wbxml.unsupported", Step.DECODE, _5_2, _S2)

    SHAPE_ROOT = ("shape.root", Step.SHAPE, _5_2, _C1)
    SHAPE_ORDER = ("shape.order", Step.SHAPE, _5_2, _C1)
    SHAPE_HEADER = ("shape.header", Step.SHAPE, _5_2, _C1)
    SHAPE_VERSION = ("shape.version", Step.SHAPE, _5_2, _C1)
    SHAPE_ENCODING = ("shape.encoding", Step.SHAPE, f"{_PROFILE} 9", _S2)
    SIGNATURE_MISSING = ("signature.missing", Step.SHAPE, _5_2, _S4)
    SIGNATURE_SEVERAL = ("signature.several", Step.SHAPE, f"{_PROFILE} 2", _S4)
    SIGNATURE_PLACE = ("signature.place", Step.SHAPE, f"{_PROFILE} 2", _S4)

    SERVER_ID_MISSING = ("server-id.missing", Step.SERVER_ID, _5_2, _S3)

    ACCOUNT_UNKNOWN = ("account.unknown", Step.ACCOUNT, f"{_5_1_2}, 5.5", _C4)
    ACCOUNT_SEVERAL = ("account.several", Step.ACCOUNT, _5_5, _C4)
    ACCOUNT_UNUSABLE = ("account.unusable", Step.ACCOUNT, f"{_5_1_2}, 5.5", _C4)

    KEY_NONE = ("key.none", Step.KEYS, "profile: D4", _S4)
    KEY_UNUSABLE = ("key.unusable", Step.KEYS, "profile: D4", _S4)
    KEY_NOT_VALID_NOW = ("key.not-valid-now", Step.KEYS, "profile: D4", _S4)

    SIGNATURE_FORM = ("signature.form", Step.PROFILE, f"{_PROFILE} 3", _S4)
    SIGNATURE_TOO_LARGE = ("signature.too-large", Step.PROFILE, f"{_PROFILE} 3", _S4)
    CANONICALIZATION_METHOD = ("signature.canonicalization", Step.PROFILE, f"{_PROFILE} 4", _S4)
    SIGNATURE_METHOD = ("signature.method", Step.PROFILE, f"{_PROFILE} 5", _S4)
    HMAC_OUTPUT_LENGTH = ("signature.hmac-output-length", Step.PROFILE, f"{_PROFILE} 5", _S4)
    KEY_FAMILY = ("signature.key-family", Step.PROFILE, f"{_PROFILE} 5", _S4)
    KEY_SIZE = ("signature.key-size", Step.PROFILE, f"{_PROFILE} 5", _S4)
    REFERENCE_COUNT = ("signature.reference-count", Step.PROFILE, f"{_PROFILE} 6", _S4)
    REFERENCE_URI = ("signature.reference-uri", Step.PROFILE, f"{_PROFILE} 6", _S4)
    TRANSFORMS = ("signature.transforms", Step.PROFILE, f"{_PROFILE} 6", _S4)
    DIGEST_METHOD = ("signature.digest-method", Step.PROFILE, f"{_PROFILE} 6", _S4)
    KEY_INFO = ("signature.key-info", Step.PROFILE, f"{_PROFILE} 7", _S4)
    KEY_NAME = ("signature.key-name", Step.PROFILE, f"{_PROFILE} 7", _S4)

    SIGNATURE_VALUE = ("signature.value", Step.SIGNATURE, _5_5, _S4)

    DIGEST_VALUE = ("signature.digest", Step.DIGEST, _5_5, _S4)

    TRANSPORT_KIND = ("transport.kind", Step.TRANSPORT, "profile: D9", _S5)
    TRANSPORT_UNSECURED = ("transport.unsecured", Step.TRANSPORT, _5_3, _S5)
    WAP_NO_MAC = ("transport.wap.no-mac", Step.TRANSPORT, _5_3, _S5)
    WAP_MAC_FORM = ("transport.wap.mac-form", Step.TRANSPORT, _5_3, _S5)
    WAP_SEC_UNKNOWN = ("transport.wap.sec-unknown", Step.TRANSPORT, _5_3, _S5)
    WAP_SEC_REFUSED = ("transport.wap.sec-refused", Step.TRANSPORT, "profile: D9", _S5)
    WAP_KEY_NONE = ("transport.wap.key-none", Step.TRANSPORT, _5_3, _S5)
    WAP_TRIES = ("transport.wap.tries", Step.TRANSPORT, "profile: D9", _S5)
    WAP_MAC_WRONG = ("transport.wap.mac", Step.TRANSPORT, _5_3, _S5)
    HTTP_NO_TLS = ("transport.http.no-tls", Step.TRANSPORT, _5_3, _S5)
    HTTP_CLIENT_UNKNOWN = ("transport.http.client-unknown", Step.TRANSPORT, "profile: D9", _S5)
    SIP_NO_TLS = ("transport.sip.no-tls", Step.TRANSPORT, _5_3, _S5)
    SIP_PEER_UNKNOWN = ("transport.sip.peer-unknown", Step.TRANSPORT, "profile: D9", _S5)

    REPLAYED = ("replay.seen", Step.REPLAY, "profile: D6", "")
    REPLAY_ORDER = ("replay.order", Step.REPLAY, "profile: D6", "")
    REPLAY_FULL = ("replay.full", Step.REPLAY, "profile: D6", "")

    ENCRYPTED_UNSUPPORTED = ("encryption.unsupported", Step.DECRYPT, _5_2, "")
    ENCRYPTION_PLACE = ("encryption.place", Step.DECRYPT, f"{_ENCRYPTION} 2", "")
    ENCRYPTION_FORM = ("encryption.form", Step.DECRYPT, f"{_ENCRYPTION} 3", "")
    ENCRYPTION_METHOD = ("encryption.method", Step.DECRYPT, f"{_ENCRYPTION} 4", "")
    ENCRYPTION_KEY_NONE = ("encryption.key-none", Step.DECRYPT, f"{_ENCRYPTION} 5", "")
    ENCRYPTION_KEY_NAME = ("encryption.key-name", Step.DECRYPT, f"{_ENCRYPTION} 5", "")
    ENCRYPTION_KEY_UNUSABLE = ("encryption.key-unusable", Step.DECRYPT, f"{_ENCRYPTION} 5", "")
    ENCRYPTION_FAILED = ("encryption.failed", Step.DECRYPT, f"{_ENCRYPTION} 7", "")
    ENCRYPTION_PLAINTEXT = ("encryption.plaintext", Step.DECRYPT, f"{_ENCRYPTION} 8", "")
    ENCRYPTION_NESTED = ("encryption.nested", Step.DECRYPT, f"{_ENCRYPTION} 8", "")
    ENCRYPTION_TOO_LARGE = ("encryption.too-large", Step.DECRYPT, f"{_ENCRYPTION} 9", "")

    COMMANDS_MALFORMED = ("commands.malformed", Step.MESSAGE, _5_2, _C1)

    def __init__(self, identifier: str, step: Step, clause: str, scr: str) -> None:
        self.identifier = identifier
        self.step = step
        self.clause = clause
        self.scr = scr
