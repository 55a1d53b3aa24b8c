"""For each lint rule the messages that break it, and nothing else; each is one body and says what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from smartcard_dm.server.lint import LintRule

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER: Final = "com.example.dms"
DMACC: Final = "urn:oma:mo:oma-dm-dmacc:1.0"
NAP: Final = "urn:oma:mo:oma-connmo-nap:1.0"
ACL: Final = f"Get=*&amp;Replace={SERVER}"


def command(kind: str, target: str | None, *, meta: str = "", data: str | None = None, more: str = "") -> str:
    where = "" if target is None else f"<Target><LocURI>{target}</LocURI></Target>"
    held = "" if data is None else f"<Data>{data}</Data>"
    return f"<{kind}><Item>{where}{more}{f'<Meta>{meta}</Meta>' if meta else ''}{held}</Item></{kind}>"


def fmt(name: str, *, type_: str = "text/plain", size: str = "") -> str:
    return f"<Format>{name}</Format><Type>{type_}</Type>{size}"


def leaf(name: str, value: str, format_: str = "chr") -> str:
    properties = f"<RTProperties><Format><{format_}/></Format><Type><MIME>text/plain</MIME></Type></RTProperties>"
    return f"<Node><NodeName>{name}</NodeName>{properties}<Value>{value}</Value></Node>"


def node(name: str, *children: str, mo: str = "", acl: str = "", path: str = "") -> str:
    rights = f"<ACL>{acl}</ACL>" if acl else ""
    properties = f"<RTProperties>{rights}<Format><node/></Format><Type><DDFName>{mo}</DDFName></Type></RTProperties>"
    where = f"<Path>{path}</Path>" if path else ""
    return f"<Node><NodeName>{name}</NodeName>{where}{properties}{''.join(children)}</Node>"


def tree(*nodes: str, target: str = "./Inbox", kind: str = "Add") -> str:
    data = f"<MgmtTree><VerDTD>1.2</VerDTD>{''.join(nodes)}</MgmtTree>"
    return command(kind, target, meta=fmt("xml", type_="application/vnd.syncml.dmtnds+xml"), data=data)


def nap(name: str = "internet", *more: str, acl: str = ACL, identifier: str = "internet") -> str:
    return node(name, leaf("NapId", identifier), *more, mo=NAP, acl=acl)


def account(server_id: str = "com.example.b", *more: str, auth: str = "", acl: str = ACL, name: str = "b") -> str:
    address = node("AppAddr", node("1", leaf("Addr", "https://b.example.com"), leaf("AddrType", "URI")))
    children = (leaf("AppID", "w7"), leaf("ServerID", server_id), *more, address, auth)
    return node(name, *children, mo=DMACC, acl=acl)


def credentials(type_: str, *children: str) -> str:
    return node("AppAuth", node("1", leaf("AAuthLevel", "SRVCRED"), leaf("AAuthType", type_), *children))


class Case(NamedTuple):
    rule: LintRule
    name: str
    body: str
    header: str = ""
    """Children of SyncHdr."""


R = LintRule
CHR: Final = fmt("chr")
SET: Final = command("Replace", "./A/B", data="x")
INTERIOR: Final = fmt("node", type_="")
NEW_A: Final = command("Add", "./A", meta=INTERIOR)


def xml_tnds(content: str) -> str:
    meta = fmt("xml", type_="application/vnd.syncml.dmtnds+xml")
    return command("Add", "./Inbox", meta=meta, data=content)


CASES: Final = (
    Case(R.CREDENTIAL, "Cred", SET, "<Cred><Meta><Type>syncml:auth-basic</Type></Meta><Data>eA==</Data></Cred>"),
    Case(R.RESULT_SEEKING, "Get", SET + command("Get", "./A")),
    Case(R.RESULT_SEEKING, "Get of a property", SET + command("Get", "./A?prop=ACL")),
    Case(R.RESULT_SEEKING, "Get in Sequence", f"<Sequence>{SET}{command('Get', './A')}</Sequence>"),
    Case(R.RESULT_SEEKING, "Alert", f"{SET}<Alert><Data>1201</Data></Alert>"),
    Case(R.RESULT_SEEKING, "RespURI", SET, "<RespURI>https://x.example.com</RespURI>"),
    Case(
        R.ANSWER,
        "Status",
        f"{SET}<Status><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>",
    ),
    Case(
        R.ANSWER,
        "Results",
        f"{SET}<Results><CmdRef>2</CmdRef><Item><Source><LocURI>./A</LocURI></Source><Data>x</Data></Item></Results>",
    ),
    Case(R.MORE_DATA, "MoreData", command("Add", "./A", meta=CHR, data="x").replace("</Item>", "<MoreData/></Item>")),
    Case(R.OPTIONAL_COMMAND, "Atomic", f"<Atomic>{SET}</Atomic>"),
    Case(R.OPTIONAL_COMMAND, "Exec", command("Exec", "./A/Update")),
    Case(R.OPTIONAL_COMMAND, "Copy", command("Copy", "./B", more="<Source><LocURI>./A</LocURI></Source>")),
    Case(R.TARGET_MISSING, "Replace", command("Replace", None, data="x")),
    Case(R.URI, "two dots", command("Replace", "./A/../B", data="x")),
    Case(R.URI, "slash at the end", command("Delete", "./A/")),
    Case(R.URI, "absolute", command("Delete", "/A")),
    Case(R.URI, "query", command("Replace", "./A?what=B", data="x")),
    Case(R.URI, "list", command("Replace", "./A?list=Struct", data="x")),
    Case(R.URI_BOUNDS, "too long", command("Delete", "./" + "a" * 1024)),
    Case(R.URI_BOUNDS, "too deep", command("Delete", "." + "/a" * 65)),
    Case(R.URI_BOUNDS, "too deep inside", tree(node("x", leaf("a", "x"), path=".", acl=ACL), target="." + "/a" * 63)),
    Case(R.URI_BOUNDS, "Path too deep", tree(node("x", acl=ACL, path="." + "/a" * 65), target="./A")),
    Case(R.DUPLICATE_TARGET, "two commands", SET + command("Delete", "./A/B")),
    Case(R.DUPLICATE_TARGET, "written in two ways", SET + command("Delete", "A/B")),
    Case(R.DUPLICATE_TARGET, "outside and inside", f"{SET}<Sequence>{SET}</Sequence>"),
    Case(
        R.DUPLICATE_TARGET, "added twice in order", f"<Sequence>{command('Add', './A', meta=INTERIOR) * 2}</Sequence>"
    ),
    Case(
        R.DUPLICATE_TARGET,
        "one node of two objects",
        tree(node("x", path=".", acl=ACL), target="./A") + command("Replace", "./A/x", data="y"),
    ),
    Case(
        R.DUPLICATE_TARGET,
        "twice in one object",
        tree(node("x", path=".", acl=ACL), node("x", path=".", acl=ACL), target="./A"),
    ),
    Case(R.PROPERTY, "for Get only", command("Replace", "./A?prop=Format", data="chr")),
    Case(R.PROPERTY, "unknown", command("Replace", "./A?prop=Colour", data="red")),
    Case(R.PROPERTY, "deleted", command("Delete", "./A?prop=Title")),
    Case(R.PROPERTY, "a name that is none", command("Replace", "./A?prop=Name", data="a/b")),
    Case(R.PROPERTY, "a title too long", command("Replace", "./A?prop=Title", data="a" * 256)),
    Case(R.READ_ONLY, "DevInfo", command("Replace", "./DevInfo/Lang", data="de")),
    Case(R.READ_ONLY, "DevDetail", command("Delete", "./DevDetail")),
    Case(R.INBOX_USE, "a leaf", command("Add", "./Inbox/x", meta=CHR, data="x")),
    Case(R.INBOX_USE, "below it", tree(nap(), target="./Inbox/x")),
    Case(R.INBOX_USE, "Replace", tree(nap(), kind="Replace")),
    Case(R.INBOX_USE, "Delete", command("Delete", "./Inbox/x")),
    Case(R.INBOX_PLACE, "no identifier", tree(nap(), node("x", leaf("y", "z"), acl=ACL))),
    Case(
        R.INBOX_REFERENCE,
        "another object",
        tree(account("com.example.b", leaf("PrefConRef", "./Inbox/wlan")), nap()),
    ),
    Case(R.INBOX_REFERENCE, "the Inbox itself", tree(account("com.example.b", leaf("PrefConRef", "./Inbox")))),
    Case(R.INBOX_REFERENCE, "outside", command("Replace", "./DMAcc/dms/PrefConRef", data="./Inbox/internet")),
    Case(R.FORMAT, "unknown", command("Add", "./N", meta=fmt("text"), data="x")),
    Case(R.FORMAT_MISSING, "a leaf", command("Add", "./N", data="x")),
    Case(R.VALUE_MISSING, "Replace", command("Replace", "./A/B")),
    Case(R.VALUE_MISSING, "an interior node without Format", command("Add", "./N")),
    Case(R.VALUE_MISSING, "a property", command("Replace", "./A?prop=ACL")),
    Case(R.VALUE, "int", command("Add", "./N", meta=fmt("int"), data="five")),
    Case(R.VALUE, "int, 33 bit", command("Add", "./N", meta=fmt("int"), data="2147483648")),
    Case(R.VALUE, "bool", command("Replace", "./A/B", meta=fmt("bool"), data="True")),
    Case(R.VALUE, "bin", command("Replace", "./A/B", meta=fmt("bin"), data="not base64")),
    Case(R.VALUE, "null", command("Add", "./N", meta=fmt("null"), data="x")),
    Case(R.VALUE, "an interior node", command("Add", "./N", meta=INTERIOR, data="x")),
    Case(R.VALUE, "an interior node replaced", command("Replace", "./A", meta=INTERIOR, data="x")),
    Case(R.VALUE, "another size", command("Add", "./N", meta=fmt("chr", size="<Size>3</Size>"), data="xy")),
    Case(R.VALUE, "in an object", tree(node("x", leaf("y", "five", "int"), path=".", acl=ACL), target="./A")),
    Case(R.OBJECT_MALFORMED, "not XML", xml_tnds("MgmtTree")),
    Case(R.OBJECT_MALFORMED, "no node", tree()),
    Case(R.OBJECT_MALFORMED, "an ACL that is none", tree(nap(acl="Got=*"))),
    Case(R.OBJECT_MALFORMED, "another Format", tree(nap()).replace("<Format>xml<", "<Format>bin<")),
    Case(R.OBJECT_MALFORMED, "another version", tree(nap()).replace("<VerDTD>1.2<", "<VerDTD>1.3<")),
    Case(R.OBJECT_UNFIT, "an access point without its identifier", tree(node("x", mo=NAP, acl=ACL))),
    Case(R.OBJECT_UNFIT, "an unknown node", tree(nap("internet", leaf("Colour", "red")))),
    Case(R.OBJECT_UNFIT, "another Format", tree(nap("internet", leaf("Name", "5", "int")))),
    Case(R.OBJECT_UNFIT, "an account without address", tree(node("x", leaf("AppID", "w7"), mo=DMACC, acl=ACL))),
    Case(R.OBJECT_UNFIT, "a port that is none", tree(account("com.example.b", leaf("AAuthPref", "KERBEROS")))),
    Case(R.OBJECT_UNKNOWN, "no table", tree(node("x", leaf("y", "z"), mo="urn:oma:mo:example:1.0", acl=ACL))),
    Case(R.OBJECT_UNKNOWN, "inside another", tree(nap("internet", node("IPv4", node("x", mo="urn:x:y:z:1.0"))))),
    Case(R.PATH_MISSING, "a target of its own", tree(nap(), target="./NAP")),
    Case(R.ACL_MISSING, "none", tree(nap(acl=""))),
    Case(R.ACL_VALUE, "an unknown command", command("Replace", "./A?prop=ACL", data="Read=*")),
    Case(R.ACL_VALUE, "a command without server", command("Replace", "./A?prop=ACL", data="Get=")),
    Case(R.ACL_LOCKOUT, "another server", tree(nap(acl="Get=*&amp;Replace=com.example.b"))),
    Case(R.OWN_ACCOUNT, "whole", tree(account(SERVER))),
    Case(R.OWN_ACCOUNT, "node by node", command("Add", "./DMAcc/x/ServerID", meta=CHR, data=SERVER)),
    Case(R.ACCOUNT_TWICE, "in one object", tree(account(), account(name="c"))),
    Case(R.ACCOUNT_TWICE, "in two", tree(account()) + tree(account(name="c"))),
    Case(R.PLAIN_SECRET, "AAuthSecret", tree(account(auth=credentials("HMAC", leaf("AAuthSecret", "hidden"))))),
    Case(R.PLAIN_SECRET, "AAuthData", tree(account(auth=credentials("DIGEST", leaf("AAuthData", "AAAA", "bin"))))),
    Case(R.PLAIN_SECRET, "of an access point", tree(nap("internet", node("AuthInfo", leaf("AuthSecret", "hidden"))))),
    Case(R.PLAIN_SECRET, "one leaf", command("Replace", "./DMAcc/x/AppAuth/1/AAuthSecret", data="hidden")),
    Case(R.PLAIN_SECRET, "by its name", command("Replace", "./A/AdminPassword", data="hidden")),
    Case(
        R.PLAIN_SECRET,
        "by its name, in an object",
        tree(node("x", node("y", leaf("Spin", "a"), leaf("wlan_psk", "hidden")), path=".", acl=ACL), target="./A"),
    ),
    Case(R.NESTED_ATOMIC, "two levels", f"<Atomic><Sequence><Atomic>{SET}</Atomic></Sequence></Atomic>"),
    Case(R.GET_IN_ATOMIC, "Get", f"<Atomic>{SET}{command('Get', './A')}</Atomic>"),
)


def beside(case: Case) -> Iterator[LintRule]:
    """Yield the rules that a case cannot help breaking too."""
    if case.rule in {R.NESTED_ATOMIC, R.GET_IN_ATOMIC}:
        yield R.OPTIONAL_COMMAND


CLEAN: Final = (
    SET
    + command("Replace", "./A/C", meta=fmt("int", size="<Size>2</Size>"), data="-5")
    + command("Add", "./A/D", meta=fmt("bin", type_="application/octet-stream"), data="AAAA")
    + command("Add", "./A/E", meta=INTERIOR)
    + command("Add", "./A/F", meta=fmt("null"))
    + command("Replace", "./A?prop=ACL", data=ACL)
    + command("Replace", "./A?prop=Title", data="N")
    + command("Replace", "./W?prop=Name", data="N")
    + command("Delete", "./B")
    + f"<Sequence>{command('Delete', './C')}{command('Add', './C', meta=CHR, data='x')}</Sequence>"
    + command("Replace", "./DevDetail/Ext/Conf", data="x")
    + tree(
        account(
            "com.example.b",
            leaf("PrefConRef", "./Inbox/internet"),
            auth=credentials("X509", leaf("AAuthData", "MAMCAQc=", "bin"), leaf("AAuthSecret", "")),
        ),
        account("com.example.c", name="c"),
        nap(),
    )
    + tree(account("com.example.b").replace(DMACC, DMACC.replace("1.0", "1.1")))
    + tree(node("x", leaf("y", "5", "int"), path=".", acl=ACL), target="./V")
    + tree(account(SERVER, acl=""), kind="Replace", target="./DMAcc").replace(
        "<NodeName>b</NodeName>", "<NodeName>dms</NodeName><Path>.</Path>", 1
    )
)
"""What breaks no rule."""
