from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    AlertCommand,
    CommandKind,
    Credential,
    DmMessage,
    EncryptedContent,
    GroupCommand,
    InlineTree,
    Item,
    ItemCommand,
    Meta,
    ResultsCommand,
    StatusCommand,
    TextData,
    build_message,
    parse_message,
    walk_commands,
)
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError, UnsupportedError
from smartcard_dm.limits import Limits
from smartcard_dm.secret import Secret
from tests.dm.samples import HEADER, message_xml
from tests.dm.strategies import messages

TARGET = "<Target><LocURI>./a</LocURI></Target>"
ITEM = f"<Item>{TARGET}</Item>"
ADD = f"<Add><CmdID>1</CmdID>{ITEM}</Add>"
META = '<Meta><Format xmlns="syncml:metinf">chr</Format></Meta>'
CRED = f"<Cred>{META}<Data>c2VjcmV0</Data></Cred>"


def only(body: str) -> object:
    (command,) = parse_message(message_xml(body)).commands
    return command


def test_header_is_read() -> None:
    header = HEADER.replace("</LocURI></Target>", "</LocURI><LocName>phone</LocName></Target>").replace(
        "</SyncHdr>", f"<RespURI>http://r</RespURI><NoResp/>{CRED}{META}</SyncHdr>"
    )
    read = parse_message(message_xml(ADD, header=header)).header
    assert (read.ver_dtd, read.ver_proto, read.session_id, read.msg_id) == ("1.2", "DM/1.2", "1", "1")
    assert (read.target, read.target_name, read.source, read.source_name) == ("./", "phone", "com.example.dms", None)
    assert (read.resp_uri, read.no_resp) == ("http://r", True)
    assert read.cred == Credential(Secret(b"c2VjcmV0"), Meta(format="chr"))
    assert read.meta == Meta(format="chr")


@pytest.mark.parametrize("kind", ["Add", "Copy", "Delete", "Get", "Replace"])
def test_commands_on_items_are_read(kind: str) -> None:
    command = only(f"<{kind}><CmdID>7</CmdID><NoResp/>{META}{ITEM}{ITEM}</{kind}>")
    item = Item(target="./a")
    assert command == ItemCommand(
        kind=CommandKind(kind), cmd_id="7", items=(item, item), meta=Meta(format="chr"), no_resp=True
    )
    assert isinstance(command, ItemCommand)
    assert command.place == f"/SyncML/SyncBody/{kind}[1]"
    assert command.items[1].place == f"/SyncML/SyncBody/{kind}[1]/Item[2]"


def test_exec_is_read() -> None:
    command = only(f"<Exec><CmdID>1</CmdID><Correlator>c</Correlator>{ITEM}</Exec>")
    assert command == ItemCommand(kind=CommandKind.EXEC, cmd_id="1", items=(Item(target="./a"),), correlator="c")


def test_groups_are_read_in_order() -> None:
    message = parse_message(
        message_xml(
            f"<Sequence><CmdID>1</CmdID>{META}<Atomic><CmdID>2</CmdID>"
            f"<Delete><CmdID>3</CmdID>{ITEM}</Delete></Atomic><Get><CmdID>4</CmdID>{ITEM}</Get></Sequence>"
            f"<Replace><CmdID>5</CmdID>{ITEM}</Replace>"
        )
    )
    (sequence, _) = message.commands
    assert isinstance(sequence, GroupCommand)
    assert sequence.kind is CommandKind.SEQUENCE
    assert sequence.meta == Meta(format="chr")
    assert [command.cmd_id for command in walk_commands(message.commands)] == ["1", "2", "3", "4", "5"]
    assert sequence.commands[0].place == "/SyncML/SyncBody/Sequence[1]/Atomic[1]"


def test_alert_status_and_results_are_read() -> None:
    alert = only(f"<Alert><CmdID>1</CmdID><Data>1201</Data><Correlator>c</Correlator>{ITEM}</Alert>")
    assert alert == AlertCommand(cmd_id="1", code="1201", correlator="c", items=(Item(target="./a"),))
    status = only(
        "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>a</TargetRef>"
        f"<TargetRef>b</TargetRef><SourceRef>c</SourceRef>{CRED}<Chal>{META}</Chal><Data>212</Data>{ITEM}</Status>"
    )
    assert status == StatusCommand(
        cmd_id="1",
        msg_ref="1",
        cmd_ref="0",
        cmd="SyncHdr",
        code="212",
        target_refs=("a", "b"),
        source_refs=("c",),
        cred=Credential(Secret(b"c2VjcmV0"), Meta(format="chr")),
        chal=Meta(format="chr"),
        items=(Item(target="./a"),),
    )
    results = only(
        f"<Results><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>2</CmdRef>{META}<TargetRef>a</TargetRef>"
        f"<SourceRef>b</SourceRef>{ITEM}</Results>"
    )
    assert results == ResultsCommand(
        cmd_id="1",
        msg_ref="1",
        cmd_ref="2",
        meta=Meta(format="chr"),
        target_ref="a",
        source_ref="b",
        items=(Item(target="./a"),),
    )
    assert isinstance(alert, AlertCommand)
    assert isinstance(status, StatusCommand)
    assert isinstance(results, ResultsCommand)
    assert [alert.kind.value, status.kind.value, results.kind.value] == ["Alert", "Status", "Results"]


def item(inside: str) -> Item:
    command = only(f"<Add><CmdID>1</CmdID><Item>{inside}</Item></Add>")
    assert isinstance(command, ItemCommand)
    return command.items[0]


def test_items_are_read() -> None:
    read = item(f"{TARGET}<Source><LocURI>./b</LocURI><LocName>n</LocName></Source>{META}<Data> x </Data><MoreData/>")
    assert read == Item(
        target="./a",
        source="./b",
        source_name="n",
        meta=Meta(format="chr"),
        data=TextData(" x "),
        more_data=True,
    )
    assert item("") == Item()
    assert item("<Data/>").data == TextData("")


def test_metadata_may_stand_in_any_order_and_in_a_wrapper() -> None:
    wanted = Meta(
        format="chr",
        type="text/plain",
        mark="m",
        size=7,
        version="v",
        next_nonce="bm9uY2U=",
        max_msg_size=8,
        max_obj_size=9,
    )
    texts = {
        "MaxObjSize": "9",
        "Size": "7",
        "Type": "text/plain",
        "Format": "chr",
        "Mark": "m",
        "Version": "v",
        "NextNonce": "bm9uY2U=",
        "MaxMsgSize": "8",
    }
    bare = "\n".join(f'<{name} xmlns="syncml:metinf">{text}</{name}>' for name, text in texts.items())
    assert item(f"<Meta>{bare}</Meta>").meta == wanted
    assert item(f'<Meta><MetInf xmlns="syncml:metinf">{bare}</MetInf></Meta>').meta == wanted
    assert item("<Meta/>").meta == Meta()


def test_item_metadata_stand_over_those_of_the_command() -> None:
    mine = Item(meta=Meta(format="bin"))
    assert mine.effective_meta(Meta(format="chr", type="a/b")) == Meta(format="bin", type="a/b")
    assert Item().effective_meta(Meta(type="a/b", size=0)) == Meta(type="a/b", size=0)
    assert mine.effective_meta(None) == Meta(format="bin")


def test_embedded_elements_are_kept_as_canonical_octets() -> None:
    tree = item('<Data>\n<d:MgmtTree xmlns:d="syncml:dmddf1.2"><d:VerDTD>1.2</d:VerDTD></d:MgmtTree>\n</Data>').data
    assert tree == InlineTree(b'<d:MgmtTree xmlns:d="syncml:dmddf1.2"><d:VerDTD>1.2</d:VerDTD></d:MgmtTree>')
    encrypted = item('<Data><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#" Id="e"/></Data>').data
    assert encrypted == EncryptedContent(
        b'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#" Id="e"></EncryptedData>'
    )
    message = parse_message(
        message_xml(f"<Add><CmdID>1</CmdID><Item><Data>{encrypted.octets.decode()}</Data></Item></Add>")
    )
    assert parse_message(build_message(message)) == message


BODY = "/SyncML/SyncBody"


@pytest.mark.parametrize(
    ("body", "place", "fault"),
    [
        pytest.param("", BODY + "/Final", "wanted a command", id="no command"),
        pytest.param("<Final/>" + ADD, BODY + "/Final", "wanted a command", id="Final before commands"),
        pytest.param(ADD + ADD, BODY + "/Add[2]/CmdID", "two commands have one CmdID", id="CmdID twice"),
        pytest.param(
            f"<Sequence><CmdID>1</CmdID>{ADD}</Sequence>",
            BODY + "/Sequence[1]/Add[1]/CmdID",
            "CmdID",
            id="twice, nested",
        ),
        pytest.param(ADD.replace("<CmdID>1</CmdID>", ""), BODY + "/Add[1]/Item[1]", "wanted CmdID", id="no CmdID"),
        pytest.param(ADD.replace(">1<", "><"), BODY + "/Add[1]/CmdID", "is empty", id="empty CmdID"),
        pytest.param(ADD.replace(ITEM, ""), BODY + "/Add[1]", "wanted NoResp or Meta or Item", id="no item"),
        pytest.param(ADD.replace(ITEM, ITEM + META), BODY + "/Add[1]/Meta", "out of place", id="Meta after Item"),
        pytest.param(ADD.replace(ITEM, CRED + ITEM), BODY + "/Add[1]/Cred", "out of place", id="Cred in a command"),
        pytest.param(
            ADD.replace(ITEM, META + "<NoResp/>" + ITEM), BODY + "/Add[1]/NoResp", "out of place", id="NoResp late"
        ),
        pytest.param(
            ADD.replace(ITEM, "<Correlator>c</Correlator>" + ITEM),
            BODY + "/Add[1]/Correlator",
            "",
            id="Correlator in Add",
        ),
        pytest.param(
            f"<Exec><CmdID>1</CmdID>{ITEM}{ITEM}</Exec>",
            BODY + "/Exec[1]/Item[2]",
            "nothing more",
            id="two items in Exec",
        ),
        pytest.param("<Exec><CmdID>1</CmdID></Exec>", BODY + "/Exec[1]", "is missing", id="no item in Exec"),
        pytest.param(
            "<Atomic><CmdID>1</CmdID></Atomic>", BODY + "/Atomic[1]", "wanted NoResp or Meta", id="empty Atomic"
        ),
        pytest.param(
            f"<Atomic><CmdID>1</CmdID>{ITEM}</Atomic>", BODY + "/Atomic[1]/Item[1]", "a command", id="item in Atomic"
        ),
        pytest.param(ADD + "text", BODY, "only elements belong", id="text between commands"),
        pytest.param(ADD.replace("<Add>", '<Add a="b">'), BODY + "/Add[1]", "attribute a", id="attribute"),
        pytest.param('<Add xmlns="urn:x"/>', BODY + "/Add[1]", "Add of namespace 'urn:x'", id="foreign command"),
        pytest.param(
            ADD.replace("<Target>", "<Source><LocURI>s</LocURI></Source><Target>"),
            BODY + "/Add[1]/Item[1]/Target",
            "out of place",
            id="Source before Target",
        ),
        pytest.param(ADD.replace("./a", ""), BODY + "/Add[1]/Item[1]/Target/LocURI", "is empty", id="empty LocURI"),
        pytest.param(
            ADD.replace("</Item>", "<MoreData/><Data/></Item>"),
            BODY + "/Add[1]/Item[1]/Data",
            "",
            id="Data after MoreData",
        ),
        pytest.param(
            ADD.replace("</Item>", "<MoreData>x</MoreData></Item>"),
            BODY + "/Add[1]/Item[1]/MoreData",
            "nothing",
            id="flag",
        ),
        pytest.param(
            ADD.replace("</Item>", "<Data><Item/></Data></Item>"),
            BODY + "/Add[1]/Item[1]/Data/Item[1]",
            "unknown content",
            id="element in Data",
        ),
        pytest.param(
            ADD.replace("</Item>", '<Data><MgmtTree xmlns="syncml:dmddf1.2"/>x</Data></Item>'),
            BODY + "/Add[1]/Item[1]/Data",
            "only elements",
            id="text beside a tree",
        ),
        pytest.param(
            ADD.replace("</Item>", '<Data><MgmtTree xmlns="syncml:dmddf1.2"/><MgmtTree xmlns="x"/></Data></Item>'),
            BODY + "/Add[1]/Item[1]/Data/MgmtTree",
            "out of place",
            id="two elements in Data",
        ),
        pytest.param(
            ADD.replace(ITEM, META.replace("</M", '<Format xmlns="syncml:metinf"/></M') + ITEM),
            BODY + "/Add[1]/Meta/Format[2]",
            "occurs twice",
            id="Format twice",
        ),
        pytest.param(
            ADD.replace(ITEM, META.replace("syncml:metinf", "urn:x") + ITEM),
            BODY + "/Add[1]/Meta/Format",
            "not an element of metadata",
            id="foreign metadata",
        ),
        pytest.param(
            ADD.replace(ITEM, '<Meta><Size xmlns="syncml:metinf">-1</Size></Meta>' + ITEM),
            BODY + "/Add[1]/Meta/Size",
            "number of octets",
            id="size",
        ),
        pytest.param(
            ADD.replace(
                ITEM, '<Meta><MetInf xmlns="syncml:metinf"/><Size xmlns="syncml:metinf">1</Size></Meta>' + ITEM
            ),
            BODY + "/Add[1]/Meta/Size",
            "out of place",
            id="metadata beside their wrapper",
        ),
        pytest.param(
            "<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>1</CmdRef><Cmd>Add</Cmd><Chal/><Data>1</Data></Status>",
            BODY + "/Status[1]/Chal",
            "wanted Meta",
            id="empty challenge",
        ),
    ],
)
def test_broken_body_is_refused_and_the_place_named(body: str, place: str, fault: str) -> None:
    with pytest.raises(DmError) as caught:
        parse_message(message_xml(body))
    assert caught.value.place == place
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        pytest.param("<VerDTD>1.2</VerDTD>", "", "VerProto", id="no VerDTD"),
        pytest.param("<VerDTD>1.2<", "<VerDTD>1 2<", "VerDTD", id="VerDTD is no version"),
        pytest.param("<MsgID>1</MsgID>", "", "Target", id="no MsgID"),
        pytest.param("<MsgID>1</MsgID>", "<MsgID/>", "MsgID", id="empty MsgID"),
        pytest.param("<SessionID>1</SessionID>", "<SessionID/>", "SessionID", id="empty SessionID"),
        pytest.param("com.example.dms", "", "Source/LocURI", id="empty Source"),
        pytest.param("<LocURI>com.example.dms</LocURI>", "", "Source", id="Source without LocURI"),
        pytest.param("</SyncHdr>", "<NoResp/><RespURI>r</RespURI></SyncHdr>", "RespURI", id="order"),
        pytest.param("</SyncHdr>", "<Cred/></SyncHdr>", "Cred", id="credential without data"),
    ],
)
def test_broken_header_is_refused_and_the_place_named(old: str, new: str, place: str) -> None:
    with pytest.raises(DmError) as caught:
        parse_message(message_xml(ADD, header=HEADER.replace(old, new)))
    assert caught.value.place == f"/SyncML/SyncHdr/{place}"


@pytest.mark.parametrize(
    ("xml", "feature"),
    [
        pytest.param(message_xml("<Put><CmdID>1</CmdID></Put>"), "Put", id="Put"),
        pytest.param(message_xml("<Sync><CmdID>1</CmdID></Sync>"), "Sync", id="Sync"),
        pytest.param(message_xml("<Map/>"), "Map", id="Map"),
        pytest.param(message_xml("<Move/>"), "Move", id="Move"),
        pytest.param(message_xml(ADD + "<Search/>"), "Search", id="Search after a command"),
        pytest.param(message_xml("<Delete><CmdID>1</CmdID><Archive/></Delete>"), "Archive", id="Archive"),
        pytest.param(message_xml("<Get><CmdID>1</CmdID><Lang/></Get>"), "Lang", id="Lang"),
        pytest.param(
            message_xml("<Get><CmdID>1</CmdID><Item><SourceParent/></Item></Get>"), "SourceParent", id="parent"
        ),
        pytest.param(message_xml(ADD.replace("</Target>", "<Filter/></Target>")), "Filter", id="Filter"),
        pytest.param(
            message_xml(ADD.replace(ITEM, '<Meta><Anchor xmlns="syncml:metinf"/></Meta>' + ITEM)),
            "Anchor",
            id="metadata",
        ),
        pytest.param(
            message_xml('<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>'),
            "encrypted commands",
            id="encrypted",
        ),
        pytest.param(
            message_xml(
                ADD.replace(
                    "</Item>", '<Data><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/><a/></Data></Item>'
                )
            ),
            "signed content",
            id="signed content",
        ),
        pytest.param(message_xml(ADD, header=HEADER.replace("DM/1.2", "DM/1.1")), "DM/1.1", id="VerProto"),
        pytest.param(message_xml(ADD, header=HEADER.replace(">1.2<", ">1.1<")), "VerDTD 1.1", id="VerDTD"),
    ],
)
def test_what_device_management_does_not_use_is_named(xml: bytes, feature: str) -> None:
    with pytest.raises(UnsupportedError, match=feature):
        parse_message(xml)


def test_signature_has_to_be_taken_off_before() -> None:
    xml = message_xml(ADD).replace(b"</SyncML>", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></SyncML>')
    with pytest.raises(DmError, match="out of place"):
        parse_message(xml)


def test_number_of_commands_is_bounded() -> None:
    xml = message_xml(f"<Sequence><CmdID>0</CmdID>{ADD}</Sequence>")
    assert parse_message(xml, limits=Limits(commands=2))
    with pytest.raises(LimitExceededError, match="at most 1"):
        parse_message(xml, limits=Limits(commands=1))


def test_final_is_optional() -> None:
    assert parse_message(message_xml(ADD)).final
    assert not parse_message(message_xml(ADD).replace(b"<Final/>", b"")).final


@given(messages())
def test_message_survives_writing_and_reading(message: DmMessage) -> None:
    assert parse_message(build_message(message)) == message


@given(messages(), st.data())
def test_cut_message_is_refused(message: DmMessage, data: st.DataObject) -> None:
    xml = build_message(message)
    with pytest.raises(DecodeError):
        parse_message(xml[: data.draw(st.integers(0, len(xml) - 1))])
    with pytest.raises(DecodeError):
        parse_message(xml + b"<")


def test_nesting_as_deep_as_the_xml_library_allows_is_read() -> None:
    depth = 240
    body = (
        "".join(f"<Sequence><CmdID>{number}</CmdID>" for number in range(2, depth)) + ADD + "</Sequence>" * (depth - 2)
    )
    message = parse_message(message_xml(body), limits=Limits(wbxml_depth=1000))
    assert len(list(walk_commands(message.commands))) == depth - 1
    octets = build_message(message)  # compared as octets: `==` on values recurses
    assert build_message(parse_message(octets, limits=Limits(wbxml_depth=1000))) == octets
    with pytest.raises(LimitExceededError, match="wbxml_depth"):
        parse_message(message_xml(body))
