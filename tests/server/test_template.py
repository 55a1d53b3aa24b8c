"""Templates: filled messages are canonical, values never become markup, and each is held to its place."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartcard_dm.dm import ServerId, TextData, extract_tnds, is_tnds, parse_message
from smartcard_dm.errors import DmError
from smartcard_dm.server import Header, Template, compile_source, compile_template
from smartcard_dm.server.variables import Variable, pieces, sole_variable
from smartcard_dm.wbxml import from_xml, to_xml
from tests.server.lint_cases import CLEAN
from tests.server.test_lint import composed

SERVER = ServerId("com.example.dms")
EMBEDDINGS = ("xml", "wbxml", "inline")
NOT_XML = "".join(map(chr, range(32))) + "\ufffe\uffff"
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_characters=NOT_XML) | st.sampled_from("\t\r\n"))


def template(commands: str, **header: str) -> Template:
    return compile_source(f"commands: {commands}".encode(), SERVER, Header(**header))


def objects(embedding: str) -> str:
    return f"""
  - add: ./Inbox
    embedding: {embedding}
    acl: {{Get: "*", Replace: "${{server}}"}}
    object:
      dmacc:
        server_id: ${{server}}
        addresses: [{{addr: "https://b.example.com/${{id}}"}}]
        auth: [{{level: SRVCRED, type: HMAC, name: "${{name}}", secret: "${{secret}}", data: "${{nonce}}"}}]
      nodes: {{"v${{id}}": {{mo: 'urn:x', children: {{octets: {{format: bin, value: "${{nonce}}"}}}}}}}}
"""


VALUES = {"server": "com.example.b", "id": "7", "name": "<&>\r]]>", "secret": 'a"b&amp;', "nonce": "AQID"}


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_values_come_back_as_they_were_given(embedding: str) -> None:
    filled = template(objects(embedding)).fill(VALUES)
    [command] = parse_message(filled).commands
    [item] = command.items  # type: ignore[union-attr] # it is an Add
    assert is_tnds(item, item.effective_meta(None))
    account, vendor = extract_tnds(item, item.effective_meta(None)).nodes
    values = {node.name: node.value for node in account.walk()}
    assert values["AAuthName"] == VALUES["name"]
    assert values["AAuthSecret"] == VALUES["secret"]
    assert values["AAuthData"] == b"\x01\x02\x03"
    assert values["Addr"] == "https://b.example.com/7"
    assert (account.name, str(account.acl)) == ("com.example.b", "Get=*&Replace=com.example.b")
    assert (vendor.name, vendor.children[0].value) == ("v7", b"\x01\x02\x03")


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_a_filled_message_is_canonical_and_equals_one_composed_so(embedding: str) -> None:
    source = objects(embedding)
    filled = template(source).fill(VALUES)
    assert to_xml(from_xml(filled)) == filled
    harmless = {**VALUES, "name": "n", "secret": "s"}
    written = source
    for name, value in harmless.items():
        written = written.replace(f"${{{name}}}", value)
    assert template(source).fill(harmless) == template(written).fill({})


def test_a_message_without_variables_comes_back_octet_for_octet() -> None:
    octets = composed(CLEAN)
    assert compile_template(octets).fill({"unused": "x"}) == octets
    assert compile_template(octets).variables == ()


def test_variables_are_listed_once_in_their_order() -> None:
    made = template("[{replace: {./A: '${b} ${a}', './${c}': '${b}'}}]", session_id="${s}", target="IMEI:${i}")
    assert made.variables == ("s", "i", "b", "a", "c")


def test_the_header_has_variables_too() -> None:
    made = template("[{delete: ./A}]", session_id="${s}", msg_id="${m}", target="IMEI:${i}")
    header = parse_message(made.fill({"s": "77", "m": "3", "i": "490154203237518"})).header
    assert (header.session_id, header.msg_id, header.target) == ("77", "3", "IMEI:490154203237518")


def test_xml_has_variables_too() -> None:
    body = (
        "<SyncBody><Add><Meta><Format>bin</Format></Meta><Item><Target><LocURI>./A</LocURI></Target>"
        "<Data>${octets}</Data></Item></Add></SyncBody>"
    )
    made = compile_source(body.encode(), SERVER, Header())
    [command] = parse_message(made.fill({"octets": "AQID"})).commands
    assert command.items[0].data == TextData("AQID")  # type: ignore[union-attr] # it is an Add
    with pytest.raises(DmError, match="Base64"):
        made.fill({"octets": "not base64"})


def test_a_template_goes_to_another_process() -> None:
    made = template(objects("wbxml"))
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - made here
    assert pickle.loads(pickle.dumps(made)).fill(VALUES) == made.fill(VALUES)  # noqa: S301 - same


@given(XML_TEXT)
@example("</Data><Delete/>")
@example("]]>&#x0;\r\n")
@example("${b}")
def test_no_value_becomes_markup(value: str) -> None:
    made = template("[{replace: {./A: 'x${v}y', ./B: '${v}'}}]")
    [command] = parse_message(made.fill({"v": value})).commands
    texts = [item.data.text for item in command.items if isinstance(item.data, TextData)]  # type: ignore[union-attr]
    assert texts == [f"x{value}y", value]


@pytest.mark.parametrize(
    ("commands", "value", "word"),
    [
        ("[{replace: {'./A/${v}/B': x}}]", "a/b", "node name"),
        ("[{replace: {'./A/${v}/B': x}}]", "..", "node name"),
        ("[{replace: {'./A/${v}/B': x}}]", "a?prop=ACL", "node name"),
        ("[{replace: {'./A/${v}/B': x}}]", "", "empty"),
        ("[{replace: {'${v}': x}}]", "./A/../B", "node name"),
        ("[{replace: {'${v}': x}}]", "./A?prop=ACL", "node name"),
        ("[{add: ./A, object: {nodes: {'${v}': x}}, embedding: inline}]", "a/b", "node name"),
        ("[{add: ./A, object: {nodes: {'${v}': x}}, embedding: wbxml}]", "a/b", "node name"),
        ("[{replace: ./A, acl: {Get: '${v}'}}]", "*", "server identifier"),
        ("[{replace: ./A, acl: {Get: '${v}'}}]", "a&Replace=b", "server identifier"),
        ("[{replace: ./A, acl: {Get: '${v}'}}]", "a+b", "server identifier"),
        ("[{add: ./A, object: {nodes: {n: {mo: x, acl: 'Get=${v}'}}}}]", "a+b", "server identifier"),
        ("[{add: ./A, format: bin, value: '${v}'}]", "x", "Base64"),
        ("[{add: ./A, object: {nodes: {n: {format: b64, value: '${v}'}}}}]", "x", "Base64"),
        ("[{replace: {./A: '${v}'}}]", "a\x00b", "cannot hold"),
        ("[{replace: {./A: '${v}'}}]", "a\ud800b", "cannot hold"),
    ],
)
def test_a_value_changes_nothing_but_its_place(commands: str, value: str, word: str) -> None:
    with pytest.raises(DmError, match=word) as caught:
        template(commands).fill({"v": value})
    assert "value of v" in str(caught.value)
    assert value not in str(caught.value) or not value or value in {"*", "x", ".."}


def test_a_whole_uri_may_be_a_variable() -> None:
    [command] = parse_message(template("[{delete: '${v}'}]").fill({"v": "./A/B"})).commands
    assert command.items[0].target == "./A/B"  # type: ignore[union-attr] # it is a Delete


def test_missing_values_are_one_error_that_names_them_all() -> None:
    with pytest.raises(DmError) as caught:
        template("[{replace: {./A: '${a} ${b} ${c}'}}]").fill({"b": "x"})
    assert str(caught.value) == "template: variables without a value (found a, c)"


@pytest.mark.parametrize("text", ["${", "${}", "${a b}", "${1}", "${a", "x ${a!} y"])
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(DmError, match="not a variable"):
        template(f"[{{replace: {{./A: '{text}'}}}}]")


def test_octets_are_one_variable_or_none() -> None:
    body = (
        "<SyncBody><Add><Meta><Format>bin</Format></Meta><Item><Target><LocURI>./A</LocURI></Target>"
        "<Data>AQID${v}</Data></Item></Add></SyncBody>"
    )
    with pytest.raises(DmError, match="one variable or none"):
        compile_source(body.encode(), SERVER, Header())


def test_the_characters_themselves_are_written_with_two_signs() -> None:
    [command] = parse_message(template("[{replace: {./A: '$${a} $$ $ {b} $$${c}'}}]").fill({"c": "x"})).commands
    assert command.items[0].data == TextData("${a} $$ $ {b} $x")  # type: ignore[union-attr] # it is a Replace


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("x", ("x",)),
        ("$", ("$",)),
        ("${a}", (Variable("a"),)),
        ("x${a}${b.c-1}y", ("x", Variable("a"), Variable("b.c-1"), "y")),
        ("$${a}", ("${a}",)),
        ("$$${a}", ("$", Variable("a"))),
        ("$$$${a}", ("$${a}",)),
        ("$$", ("$$",)),
    ],
)
def test_pieces(text: str, found: tuple[object, ...]) -> None:
    assert pieces(text, structure="x", place=None) == found
    assert sole_variable(text) == (len(found) == 1 and isinstance(found[0], Variable))
