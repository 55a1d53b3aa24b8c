"""Token tables of SyncML 1.2: code pages 0 (SyncML), 1 (MetInf) and 2 (DM DDF, which TNDS uses).

Guarantees: each table is complete and one to one; a token that is not listed is reserved. No attribute token
exists on any page. Spec: OMA-TS-DM_RepPro-V1_2_1 8 (page 0), OMA-TS-SyncML_MetaInfo-V1_2 (page 1),
OMA-TS-DM_TND-V1_2_1 9 (page 2; its table prints verDTD and verNo where the DTD has VerDTD and VerNo).
"""

from __future__ import annotations

from enum import IntEnum


class Global(IntEnum):
    """Global tokens, valid in both code spaces.

    Spec: WAP-192-WBXML, 7.1.
    """

    SWITCH_PAGE = 0x00
    END = 0x01
    ENTITY = 0x02
    STR_I = 0x03
    LITERAL = 0x04
    EXT_I_0 = 0x40
    EXT_I_1 = 0x41
    EXT_I_2 = 0x42
    PI = 0x43
    LITERAL_C = 0x44
    EXT_T_0 = 0x80
    EXT_T_1 = 0x81
    EXT_T_2 = 0x82
    STR_T = 0x83
    LITERAL_A = 0x84
    EXT_0 = 0xC0
    EXT_1 = 0xC1
    EXT_2 = 0xC2
    OPAQUE = 0xC3
    LITERAL_AC = 0xC4


GLOBALS = {int(token): token.name for token in Global}
"""Names of the global tokens by octet."""

HAS_CONTENT = 0x40
HAS_ATTRIBUTES = 0x80

UNKNOWN_PUBLIC_ID = 0x01
SYNCML_PUBLIC_ID = 0x1201
SYNCML_PUBLIC_TEXT = "-//SYNCML//DTD SyncML 1.2//EN"
DDF_PUBLIC_TEXT = "-//OMA//DTD-DM-DDF 1.2//EN"
"""The DM DDF document type has no registered number: it is always named by its text."""

SYNCML_NAMESPACE = b"SYNCML:SYNCML1.2"
METINF_NAMESPACE = b"syncml:metinf"
DDF_NAMESPACE = b"syncml:dmddf1.2"

NAMESPACES = (SYNCML_NAMESPACE, METINF_NAMESPACE, DDF_NAMESPACE)
"""Namespace of each code page."""


def _page(names: str, *, first: int = 0x05) -> dict[int, bytes]:
    """Number names upwards; `-` is a reserved token."""
    return {first + index: name.encode() for index, name in enumerate(names.split()) if name != "-"}


SYNCML = _page(
    "Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final "
    "Get Item Lang LocName LocURI Map MapItem Meta MsgID MsgRef NoResp NoResults Put Replace "
    "RespURI Results Search Sequence SessionID SftDel Source SourceRef Status Sync SyncBody SyncHdr SyncML Target "
    "TargetRef - VerDTD VerProto NumberOfChanges MoreData Field Filter Record FilterType SourceParent TargetParent "
    "Move Correlator",
)
"""Page 0: 55 tokens, 0x05 to 0x3C without 0x30."""

METINF = _page(
    "Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem Size Type Version "
    "MaxObjSize FieldLevel",
)
"""Page 1: 18 tokens, 0x05 to 0x16."""

DDF = _page(
    "AccessType ACL Add b64 bin bool chr CaseSense CIS Copy CS date DDFName DefaultValue "
    "Delete Description DFFormat DFProperties DFTitle DFType Dynamic Exec float Format Get int Man MgmtTree "
    "MIME Mod Name Node node NodeName null Occurrence One OneOrMore OneOrN Path Permanent Replace "
    "RTProperties Scope Size time Title TStamp Type Value VerDTD VerNo xml ZeroOrMore ZeroOrN ZeroOrOne",
)
"""Page 2: 56 tokens, 0x05 to 0x3C. `Node` and `node` are two elements."""

PAGES = (SYNCML, METINF, DDF)

TOKENS = tuple({name: token for token, name in page.items()} for page in PAGES)
"""Token by name, for each page."""

PAGE_OF = {namespace: page for page, namespace in enumerate(NAMESPACES)}
"""Page by namespace."""
