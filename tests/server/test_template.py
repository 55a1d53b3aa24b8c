from __future__ import annotations

import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm.dm import ServerId, parse_message
from smartcard_dm.errors import DmError, LimitExceededError
from smartcard_dm.limits import Limits
from smartcard_dm.server import Header, compose
from smartcard_dm.server.template import compile_template

SERVER = ServerId("com.example.dms")
HEADER = Header(session_id="${session_id}", msg_id="${msg_id}", target="${target}")
NAMES = ("a", "b", "c", "format", "target", "session_id", "msg_id")
COMMANDS = (
    "<SyncBody><Replace><Item><Target><LocURI>./x/${a}</LocURI></Target>"
    "<Meta><Format>${format}</Format><Type>text/plain</Type></Meta><Data>${b}</Data></Item></Replace>"
    "<Add><Item><Target><LocURI>./y</LocURI></Target><Data>one ${b} two ${c}, $${b} and $5</Data></Item></Add>"
    "</SyncBody>"
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff") | st.sampled_from("&<>\"'\r\n\t]${}"))
XML_TEXT = TEXT.map(lambda text: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text))
FILLED = XML_TEXT.map(str.strip).filter(bool)


def body(data: str, uri: str = "./a", more: str = "") -> bytes:
    return (
        f"<SyncBody><Replace><Item><Target><LocURI>{uri}</LocURI></Target>{more}<Data>{data}</Data></Item></Replace>"
        "</SyncBody>"
    ).encode()


@given(values=st.fixed_dictionaries({name: XML_TEXT if name in {"b", "c", "format"} else FILLED for name in NAMES}))
def test_filling_is_composing_with_the_values_written_in(values: dict[str, str]) -> None:
    template = compile_template(COMMANDS.encode(), SERVER, HEADER)
    written = COMMANDS.replace("$${b}", "$\0{b}")
    for name in ("a", "b", "c", "format"):
        # The text of the document: a carriage return of XML is a reference, else it would be a line end.
        text = escape(values[name]).replace("\r", "&#xD;").replace("$", "$\0")
        written = written.replace(f"${{{name}}}", text)
    header = Header(session_id=values["session_id"], msg_id=values["msg_id"], target=values["target"])
    assert template.fill(values) == compose(written.replace("\0", "").encode(), SERVER, header)


def test_a_template_names_its_variables() -> None:
    assert compile_template(COMMANDS.encode(), SERVER, HEADER).variables == frozenset(NAMES)
    assert compile_template(body("$${a} ${ b} $a"), SERVER, Header()).variables == frozenset()


def test_markup_in_a_value_is_text() -> None:
    octets = compile_template(body("${a}"), SERVER, Header()).fill({"a": "</Data><x/>&amp;"})
    assert b"<Data>&lt;/Data&gt;&lt;x/&gt;&amp;amp;</Data>" in octets
    assert len(parse_message(octets).commands) == 1


def test_a_missing_value_is_named() -> None:
    template = compile_template(body("${first} ${second}"), SERVER, Header())
    with pytest.raises(DmError, match=r"template at \$\{second\}: the variable has no value"):
        template.fill({"first": "1"})


@pytest.mark.parametrize("value", ["\0", "a\x0bb", "\ufffe", "\ud800"])
def test_a_character_that_is_none_is_refused_without_the_value(value: str) -> None:
    template = compile_template(body("${a}"), SERVER, Header())
    with pytest.raises(DmError, match=r"template at \$\{a\}: the value holds a character that XML has not$"):
        template.fill({"a": f"hidden{value}"})


def test_an_empty_value_is_refused_where_text_is_needed() -> None:
    with pytest.raises(DmError, match=r"at \$\{a\}: the value is empty where the message needs text"):
        compile_template(body("x", "${a}"), SERVER, Header()).fill({"a": ""})
    assert compile_template(body("${a}", "./${a}"), SERVER, Header()).fill({"a": ""})
    with pytest.raises(DmError, match=r"\$\{target\}"):
        compile_template(body("x"), SERVER, Header(target="${target}")).fill({"target": ""})


def test_a_value_that_makes_no_message_is_refused() -> None:
    commands = (
        b"<SyncBody><Exec><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item></Exec>"
        b"<Exec><CmdID>${id}</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item></Exec></SyncBody>"
    )
    template = compile_template(commands, SERVER, Header())
    assert template.fill({"id": "2"})
    with pytest.raises(DmError, match="two commands have one CmdID"):
        template.fill({"id": "1"})


def test_a_variable_outside_text_is_refused_when_it_is_compiled() -> None:
    with pytest.raises(DmError, match="a variable stands in an attribute"):
        compile_template(body("<MgmtTree xmlns='syncml:dmddf1.2'><Node x='${a}'/></MgmtTree>"), SERVER, Header())
    with pytest.raises(DmError, match="Size: not a number of octets"):
        compile_template(body("x", more="<Meta><Size>${a}</Size></Meta>"), SERVER, Header())


def test_a_value_too_large_is_refused() -> None:
    template = compile_template(body("${a}"), SERVER, Header(), limits=Limits(xml_octets=2000))
    assert template.fill({"a": "x" * 1000})
    with pytest.raises(LimitExceededError):
        template.fill({"a": "x" * 2000})


def test_an_object_in_data_takes_values_too() -> None:
    tree = (
        '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>${name}</NodeName>'
        "<Value>${value}</Value></Node></MgmtTree>"
    )
    template = compile_template(body(tree), SERVER, Header())
    octets = template.fill({"name": "n", "value": "<&>"})
    assert b"<NodeName>n</NodeName><Value>&lt;&amp;&gt;</Value>" in octets
