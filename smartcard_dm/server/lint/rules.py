"""The lint rules: one table that findings, tests and docs/lint.md quote.

Guarantees: each rule has a stable identifier, a severity, the clause it rests on and a remedy; an error is what a
conforming client must refuse or cannot use, a warning what one may refuse or what may surprise.
Leaves to its caller: place and detail, which travel in `Finding`.
"""

from __future__ import annotations

from enum import Enum

_5_2 = "OMA-TS-DM_Sessionless 5.2"
_5_3 = "OMA-TS-DM_Sessionless 5.3"
_5_4 = "OMA-TS-DM_Sessionless 5.4"
_5_5 = "OMA-TS-DM_Sessionless 5.5"
_REPPRO = "OMA-TS-DM_RepPro-V1_2_1"
_PROTOCOL = "OMA-TS-DM_Protocol-V1_2_1"
_TND = "OMA-TS-DM_TND-V1_2_1"
_TNDS = "OMA-TS-DM_TNDS-V1_2"
_STDOBJ = "OMA-TS-DM_StdObj-V1_2_1"


class Severity(Enum):
    """What a finding does to the message."""

    ERROR = "error"
    """It is not signed."""
    WARNING = "warning"
    """It is signed, and the issuer told."""


class LintRule(Enum):
    """One thing that is looked for."""

    SERVER_ID = (
        "lint.server-id",
        Severity.ERROR,
        _5_2,
        "write the issuing ServerID into SyncHdr/Source/LocURI",
    )
    CREDENTIAL = (
        "lint.credential",
        Severity.WARNING,
        _5_2,
        "leave Cred out: the signature is what counts, and a credential is readable on the way",
    )
    RESULT_SEEKING = (
        "lint.result-seeking",
        Severity.ERROR,
        _5_2,
        "take it out: no response to a sessionless message is ever sent",
    )
    ANSWER = (
        "lint.answer",
        Severity.ERROR,
        f"{_REPPRO}, Results, Status",
        "take it out: the device sent nothing that it could answer",
    )
    NESTED_ATOMIC = (
        "lint.nested-atomic",
        Severity.ERROR,
        f"{_PROTOCOL}, Atomic",
        "put the commands of the inner Atomic into the outer one",
    )
    GET_IN_ATOMIC = (
        "lint.get-in-atomic",
        Severity.ERROR,
        f"{_PROTOCOL}, Atomic",
        "take the Get out: it makes the whole Atomic fail",
    )
    OPTIONAL_COMMAND = (
        "lint.optional-command",
        Severity.WARNING,
        f"{_REPPRO}, conformance requirements",
        "make sure that the devices support it, or write Add, Replace and Delete",
    )
    MORE_DATA = (
        "lint.more-data",
        Severity.ERROR,
        f"{_PROTOCOL}, large objects",
        "send the whole value: no other message brings the rest",
    )
    TARGET_MISSING = (
        "lint.target-missing",
        Severity.ERROR,
        f"{_REPPRO}, Item",
        "name the node: Target/LocURI, for Copy also Source/LocURI",
    )
    URI = (
        "lint.uri",
        Severity.ERROR,
        f"{_TND}, 5",
        "write a URI such as ./a/b, with ?prop=NAME for a property",
    )
    URI_BOUNDS = (
        "lint.uri-bounds",
        Severity.ERROR,
        f"{_STDOBJ}, 5.3.3 (MaxDepth, MaxTotLen)",
        "use fewer or shorter node names",
    )
    DUPLICATE_TARGET = (
        "lint.duplicate-target",
        Severity.WARNING,
        f"{_PROTOCOL}, order of commands",
        "say it once, or put both into one Sequence, outside which a device chooses the order",
    )
    PROPERTY = (
        "lint.property",
        Severity.ERROR,
        f"{_TND}, 7.7",
        "replace ACL, Name or Title, with a value they can have; every other property is for reading",
    )
    READ_ONLY = (
        "lint.read-only",
        Severity.WARNING,
        f"{_STDOBJ}, 5.3.2 and 5.3.3",
        "leave it alone: it is what the device says of itself, for Get only",
    )
    INBOX_USE = (
        "lint.inbox-use",
        Severity.ERROR,
        f"{_STDOBJ}, 5.3.4",
        "send a TNDS object with Add to ./Inbox itself, or address the node where it is",
    )
    INBOX_PLACE = (
        "lint.inbox-place",
        Severity.ERROR,
        f"{_STDOBJ}, 5.3.4",
        "begin it with the identifier of a management object that devices take from the Inbox (DDFName)",
    )
    INBOX_REFERENCE = (
        "lint.inbox-reference",
        Severity.ERROR,
        _5_5,
        "write ./Inbox/ and the path of a connectivity object of the same TNDS object",
    )
    FORMAT = (
        "lint.format",
        Severity.ERROR,
        f"{_TND}, 7.7.2",
        "write b64, bin, bool, chr, date, float, int, node, null, time or xml",
    )
    FORMAT_MISSING = (
        "lint.format-missing",
        Severity.WARNING,
        f"{_REPPRO}, Add",
        "write the Format: without one it is chr",
    )
    VALUE_MISSING = (
        "lint.value-missing",
        Severity.ERROR,
        f"{_REPPRO}, Data",
        "give Data, or Format node for an interior node and null for a node without value",
    )
    VALUE = (
        "lint.value",
        Severity.ERROR,
        f"{_TND}, 7.7.2",
        "correct the value or the Format",
    )
    OBJECT_MALFORMED = (
        "lint.object-malformed",
        Severity.ERROR,
        f"{_TNDS}, 6.2",
        "correct the TNDS object, its Format and its Type",
    )
    OBJECT_UNFIT = (
        "lint.object-unfit",
        Severity.ERROR,
        f"{_STDOBJ}, 5.3",
        "give the object the nodes of its table; vendor nodes go below Ext",
    )
    OBJECT_UNKNOWN = (
        "lint.object-unknown",
        Severity.WARNING,
        _5_5,
        "check the identifier: a device leaves out what it does not support",
    )
    PATH_MISSING = (
        "lint.path-missing",
        Severity.WARNING,
        f"{_TNDS}, 6.2.3",
        "write a Path, `.` for the target itself: a device may want it on import",
    )
    ACL_MISSING = (
        "lint.acl-missing",
        Severity.WARNING,
        _5_4,
        "put the ACL property into the object: no other place sets it when the object is made",
    )
    ACL_VALUE = (
        "lint.acl-value",
        Severity.ERROR,
        f"{_TND}, 7.7.1.5",
        "write an ACL such as Get=*&Replace=com.example.dms",
    )
    ACL_LOCKOUT = (
        "lint.acl-lockout",
        Severity.WARNING,
        f"{_TND}, 7.7.1.3",
        "grant Replace to the issuing server, or mean it: it can never change the object again",
    )
    OWN_ACCOUNT = (
        "lint.own-account",
        Severity.WARNING,
        _5_5,
        "replace the account that is there: with two of one ServerID no message of this server is accepted",
    )
    ACCOUNT_TWICE = (
        "lint.account-twice",
        Severity.ERROR,
        _5_5,
        "give each account a ServerID of its own",
    )
    PLAIN_SECRET = (
        "lint.plain-secret",
        Severity.WARNING,
        _5_2,
        "encrypt it: everybody on the way can read it",
    )
    OVERSIZE = (
        "lint.oversize",
        Severity.ERROR,
        _5_3,
        "send less in one message, or choose another push",
    )
    SIP_SIZE = (
        "lint.sip-size",
        Severity.WARNING,
        "RFC 3428, 8",
        "keep it below 1300 octets, or make sure that every hop is TCP or TLS",
    )

    def __init__(self, identifier: str, severity: Severity, clause: str, remedy: str) -> None:
        self.identifier = identifier
        self.severity = severity
        self.clause = clause
        self.remedy = remedy
