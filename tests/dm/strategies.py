"""Random values of this room's types, each one a value that can be written."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from smartcard_dm.dm import (
    Acl,
    AclCommand,
    AlertCommand,
    CommandKind,
    Credential,
    DmCommand,
    DmMessage,
    GroupCommand,
    InlineTree,
    Item,
    ItemCommand,
    Meta,
    NodeFormat,
    NodeType,
    NodeUri,
    ResultsCommand,
    ServerId,
    StatusCommand,
    SyncHeader,
    TextData,
    TndsDocument,
    TndsNode,
    TypeKind,
    build_tnds,
)
from smartcard_dm.secret import Secret

XML_CHARACTERS: Final = st.characters(
    codec="utf-8",
    exclude_characters="\ufffe\uffff",
    min_codepoint=0x20,
) | st.sampled_from("\t\n\r")
TEXTS: Final = st.text(XML_CHARACTERS, max_size=20)
NAMES: Final = st.text(
    st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="/?\x7f\ufffe\uffff"), min_size=1, max_size=8
).filter(lambda name: name not in {".", ".."})
"""Names of nodes."""
WORDS: Final = st.text(XML_CHARACTERS, min_size=1, max_size=12)
NODE_URIS: Final = st.builds(NodeUri, st.lists(NAMES, max_size=5).map(tuple))
SERVER_IDS: Final = st.builds(
    ServerId,
    st.text(st.characters(codec="utf-8", exclude_characters="=&*+ "), min_size=1, max_size=12).filter(str.isprintable),
)
ACLS: Final = st.builds(
    Acl.of,
    st.dictionaries(st.sampled_from(AclCommand), st.none() | st.frozensets(SERVER_IDS, min_size=1, max_size=3)),
)
TYPES: Final = st.builds(NodeType, st.sampled_from(TypeKind), TEXTS)
TSTAMPS: Final = st.from_regex(r"[0-9]{8}T[0-9]{6}Z", fullmatch=True)
_TEXT_FORMATS: Final = [each for each in NodeFormat if not each.is_binary and each.value not in {"node", "null"}]


@st.composite
def nodes(draw: st.DrawFn, name: str, depth: int = 0) -> TndsNode:
    """Draw a node and what is below it; only one directly below MgmtTree gets a path."""
    format_ = draw(st.sampled_from(NodeFormat))
    value: str | bytes | None = None
    children: list[TndsNode] = []
    if format_ in _TEXT_FORMATS:
        value = draw(TEXTS)
    elif format_.is_binary:
        value = draw(st.binary(max_size=20))
    elif format_ is NodeFormat.NODE and depth < 3:
        names = draw(st.lists(NAMES, max_size=2, unique=True))
        children = [draw(nodes(below, depth + 1)) for below in names]
    path = draw(st.none() | NODE_URIS) if depth == 0 else None
    if format_ is NodeFormat.NODE and draw(st.booleans()):
        return TndsNode(name, format_, children=tuple(children), path=path)
    return TndsNode(
        name=name,
        format=format_,
        value=value,
        children=tuple(children),
        type=draw(TYPES),
        acl=draw(st.none() | ACLS),
        title=draw(st.none() | TEXTS),
        tstamp=draw(st.none() | TSTAMPS),
        verno=draw(st.none() | st.integers(0, 0xFFFF)),
        path=path,
    )


@st.composite
def documents(draw: st.DrawFn) -> TndsDocument:
    """Draw a whole object of one to three top nodes."""
    names = draw(st.lists(st.just("") | NAMES, min_size=1, max_size=3))
    found = tuple(draw(nodes(name)) for name in names)
    return TndsDocument(found, draw(st.none() | TEXTS), draw(st.none() | TEXTS))


_OPTIONAL: Final = st.none() | TEXTS
_SIZES: Final = st.none() | st.integers(0, 9_999_999_999)
METAS: Final = st.builds(
    Meta,
    format=_OPTIONAL,
    type=_OPTIONAL,
    mark=_OPTIONAL,
    size=_SIZES,
    version=_OPTIONAL,
    next_nonce=_OPTIONAL,
    max_msg_size=_SIZES,
    max_obj_size=_SIZES,
    emi=_OPTIONAL,
)
_TREES: Final = [
    InlineTree(build_tnds(TndsDocument((TndsNode("n", NodeFormat.NODE),)))),
    InlineTree(build_tnds(TndsDocument((TndsNode("n", NodeFormat.CHR, "\r&<>", type=NodeType(TypeKind.MIME)),)))),
]
"""Trees as such are drawn where TNDS objects are tested."""
_DATA: Final = st.builds(TextData, TEXTS) | st.sampled_from(_TREES)


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Draw an item; a LocName comes only with its LocURI."""
    target, source = draw(st.none() | WORDS), draw(st.none() | WORDS)
    return Item(
        target=target,
        source=source,
        meta=draw(st.none() | METAS),
        data=draw(st.none() | _DATA),
        more_data=draw(st.booleans()),
        target_name=draw(_OPTIONAL) if target is not None else None,
        source_name=draw(_OPTIONAL) if source is not None else None,
    )


_ITEMS: Final = st.lists(items(), min_size=1, max_size=2).map(tuple)
_CREDENTIALS: Final = st.builds(Credential, TEXTS.map(str.encode).map(Secret), st.none() | METAS)
_ON_ITEMS: Final = [CommandKind.ADD, CommandKind.COPY, CommandKind.DELETE, CommandKind.GET, CommandKind.REPLACE]


@st.composite
def commands(draw: st.DrawFn, numbers: list[int], depth: int = 0) -> DmCommand:
    """Draw a command; `numbers` gives each a CmdID of its own."""
    numbers.append(len(numbers) + 1)
    cmd_id = str(numbers[-1])
    meta = draw(st.none() | METAS)
    no_resp = draw(st.booleans())
    choice = draw(st.sampled_from(["items", "exec", "alert", "status", "results"] + ["group"] * (depth < 2)))
    if choice == "group":
        inner = tuple(draw(commands(numbers, depth + 1)) for _ in range(draw(st.integers(1, 2))))
        kind = draw(st.sampled_from([CommandKind.ATOMIC, CommandKind.SEQUENCE]))
        return GroupCommand(kind=kind, cmd_id=cmd_id, commands=inner, meta=meta, no_resp=no_resp)
    if choice == "exec":
        return ItemCommand(
            kind=CommandKind.EXEC,
            cmd_id=cmd_id,
            items=(draw(items()),),
            meta=meta,
            correlator=draw(_OPTIONAL),
            no_resp=no_resp,
        )
    if choice == "alert":
        found = draw(st.just(()) | _ITEMS)
        return AlertCommand(
            cmd_id=cmd_id, code=draw(_OPTIONAL), items=found, correlator=draw(_OPTIONAL), no_resp=no_resp
        )
    if choice == "status":
        return StatusCommand(
            cmd_id=cmd_id,
            msg_ref=draw(WORDS),
            cmd_ref=draw(WORDS),
            cmd=draw(WORDS),
            code=draw(WORDS),
            target_refs=tuple(draw(st.lists(TEXTS, max_size=2))),
            source_refs=tuple(draw(st.lists(TEXTS, max_size=2))),
            cred=draw(st.none() | _CREDENTIALS),
            chal=draw(st.none() | METAS),
            items=draw(st.just(()) | _ITEMS),
        )
    if choice == "results":
        return ResultsCommand(
            cmd_id=cmd_id,
            cmd_ref=draw(WORDS),
            items=draw(_ITEMS),
            msg_ref=draw(_OPTIONAL),
            meta=meta,
            target_ref=draw(_OPTIONAL),
            source_ref=draw(_OPTIONAL),
        )
    return ItemCommand(
        kind=draw(st.sampled_from(_ON_ITEMS)), cmd_id=cmd_id, items=draw(_ITEMS), meta=meta, no_resp=no_resp
    )


_HEADERS: Final = st.builds(
    SyncHeader,
    session_id=WORDS,
    msg_id=WORDS,
    target=WORDS,
    source=WORDS,
    target_name=_OPTIONAL,
    source_name=_OPTIONAL,
    resp_uri=_OPTIONAL,
    no_resp=st.booleans(),
    cred=st.none() | _CREDENTIALS,
    meta=st.none() | METAS,
)


@st.composite
def messages(draw: st.DrawFn) -> DmMessage:
    """Draw a message of one to three commands."""
    numbers: list[int] = []
    found = tuple(draw(commands(numbers)) for _ in range(draw(st.integers(1, 3))))
    return DmMessage(draw(_HEADERS), found, draw(st.booleans()))
