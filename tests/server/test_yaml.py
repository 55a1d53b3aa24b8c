"""The short YAML form: what it says becomes what the builders make; what it does not know is refused with its line."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from smartcard_dm.dm import (
    DmMessage,
    ServerId,
    TextData,
    TndsDocument,
    extract_tnds,
    is_tnds,
    parse_message,
    walk_commands,
)
from smartcard_dm.errors import DmError, SmartcardDmError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits
from smartcard_dm.server import Header, MessageBuilder, compile_source
from smartcard_dm.server.yaml_commands import parse_yaml_message
from smartcard_dm.server.yaml_document import MAX_DEPTH, parse_yaml

SERVER = ServerId("com.example.dms")
FILES = {
    "object.xml": b"""<!-- by hand --><MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>x</NodeName>
      <RTProperties><ACL>Get=*</ACL><Format><bin/></Format><Type><MIME>a/b</MIME></Type></RTProperties>
      <Value>AAAA</Value></Node></MgmtTree>""",
    "bare.xml": b"""<MgmtTree><VerDTD>1.2</VerDTD><Man>Maker</Man><Mod>M1</Mod>
      <Node><NodeName>x</NodeName></Node></MgmtTree>""",
    "broken.xml": b"<MgmtTree>",
    "empty.xml": b"<MgmtTree><VerDTD>1.2</VerDTD></MgmtTree>",
    "large.xml": b"<!--" + b"x" * 2000 + b"--><MgmtTree/>",
    "octets.bin": b"\x00\xff",
    "text.txt": "grün\n".encode(),
}


def builder(source: str, limits: Limits = DEFAULT_LIMITS) -> MessageBuilder:
    return parse_yaml_message(source.encode(), limits=limits, read_file=FILES.__getitem__).builder


def message(source: str) -> DmMessage:
    return parse_message(builder(source).compose(SERVER))


def item_of(source: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Return target, Format, Type and text of the one item."""
    [command] = message(f"commands: [{source}]").commands
    [item] = command.items  # type: ignore[union-attr] # a command with items
    meta = item.effective_meta(None)
    return item.target, meta.format, meta.type, item.data.text if isinstance(item.data, TextData) else None


def document_of(source: str) -> TndsDocument:
    [item] = [
        item
        for command in walk_commands(message(source).commands)
        for item in getattr(command, "items", ())
        if is_tnds(item, item.effective_meta(None))
    ]
    return extract_tnds(item, item.effective_meta(None))


@pytest.mark.parametrize(
    ("source", "item"),
    [
        ("{replace: {./A: x}}", ("./A", None, None, "x")),
        ("{replace: {./A: }}", ("./A", None, None, "")),
        ("{replace: {./A: true}}", ("./A", None, None, "true")),
        ("{replace: {./A: ~}}", ("./A", None, None, "~")),
        ("{replace: {./A: 007}}", ("./A", None, None, "007")),
        ("{replace: ./A, value: x}", ("./A", None, None, "x")),
        ("{replace: ./A, value: 5, format: int}", ("./A", "int", None, "5")),
        ("{replace: './A?prop=Name', value: B}", ("./A?prop=Name", None, None, "B")),
        ("{replace: ./A, acl: Get=*}", ("./A?prop=ACL", None, None, "Get=*")),
        ("{replace: {./A: {format: bin, value: AP8=}}}", ("./A", "bin", None, "AP8=")),
        ("{replace: ./A, format: bin, value: {file: octets.bin}}", ("./A", "bin", None, "AP8=")),
        ("{replace: ./A, value: {file: text.txt}}", ("./A", None, None, "grün\n")),
        ("{replace: {./A: {file: text.txt}}}", ("./A", None, None, "grün\n")),
        ("{add: {./A: x}}", ("./A", "chr", "text/plain", "x")),
        ("{add: ./A, value: x, type: text/x-y}", ("./A", "chr", "text/x-y", "x")),
        ("{add: ./A, value: <b/>, format: xml}", ("./A", "xml", "text/xml", "<b/>")),
        ("{add: ./A, format: node}", ("./A", "node", None, None)),
        ("{add: ./A, format: node, type: 'urn:x'}", ("./A", "node", "urn:x", None)),
        ("{add: ./A, format: null}", ("./A", "null", "text/plain", None)),
        ("{delete: ./A}", ("./A", None, None, None)),
        ("{exec: ./A, value: now}", ("./A", None, None, "now")),
        ("{copy: ./B, from: ./A}", ("./B", None, None, None)),
    ],
)
def test_a_command_says_what_it_says(source: str, item: tuple[str | None, ...]) -> None:
    assert item_of(source) == item


def test_several_things_in_one_command() -> None:
    said = message("commands: [{replace: {./A: x, ./B: y}}, {delete: [./C, ./D]}]")
    targets = [[item.target for item in command.items] for command in said.commands]  # type: ignore[union-attr]
    assert targets == [["./A", "./B"], ["./C", "./D"]]


def test_groups_nest() -> None:
    said = message("commands: [{atomic: [{delete: ./A}, {sequence: [{delete: ./B}]}]}]")
    assert [command.kind.value for command in walk_commands(said.commands)] == [
        "Atomic",
        "Delete",
        "Sequence",
        "Delete",
    ]


def test_the_header_of_the_source_gives_way_to_the_issuer() -> None:
    source = b"{session_id: 7, msg_id: 8, target: 'IMEI:1', commands: [{delete: ./A}]}"
    header = parse_message(compile_source(source, SERVER, Header()).fill({})).header
    assert (header.session_id, header.msg_id, header.target) == ("7", "8", "IMEI:1")
    header = parse_message(compile_source(source, SERVER, Header(session_id="9")).fill({})).header
    assert (header.session_id, header.msg_id) == ("9", "8")


OBJECT = """
commands:
  - add: ./Inbox
    acl: {Get: "*", Replace: [com.example.dms, com.example.b], Delete: com.example.dms}
    object:
      dmacc:
        - server_id: com.example.b
          node_name: b
          pref_con_ref: internet
          addresses: [{addr: "https://b.example.com", ports: ["443"]}]
          auth: [{level: SRVCRED, type: HMAC, secret: s, data: AAAA}]
          acl: Get=*
      nap: {id: internet, name: I, addr: a, addr_type: APN, bearer: GPRS, auth: {type: PAP, name: n, secret: s}}
      proxy:
        id: gate
        addr_fqdn: p.example.com
        con_refs: [internet]
        domains: [example.com]
        ports: [{number: "80", services: [http]}]
      nodes:
        vendor:
          mo: "urn:oma:mo:x:1.0"
          title: Vendor
          children:
            text: t
            number: {format: int, value: "5"}
            octets: {format: bin, file: octets.bin}
            empty: {children: {}}
"""


def test_objects_of_every_kind() -> None:
    nodes = document_of(OBJECT).nodes
    assert [node.name for node in nodes] == ["b", "internet", "gate", "vendor"]
    given = "Delete=com.example.dms&Get=*&Replace=com.example.b+com.example.dms"
    assert [str(node.acl) for node in nodes] == ["Get=*", given, given, given]
    values = {child.name: child.value for child in nodes[3].walk()}
    assert values == {"vendor": None, "text": "t", "number": "5", "octets": b"\x00\xff", "empty": None}
    assert nodes[3].title == "Vendor"
    assert next(child.value for child in nodes[0].walk() if child.name == "PrefConRef") == "./Inbox/internet"


@pytest.mark.parametrize("embedding", ["xml", "wbxml", "inline"])
def test_every_embedding_holds_the_same(embedding: str) -> None:
    assert document_of(f"{OBJECT}    embedding: {embedding}\n") == document_of(OBJECT)


def test_an_object_from_a_file_keeps_its_acl() -> None:
    [node] = document_of("commands: [{add: ./A, object: {file: object.xml}, acl: Get=com.example.b}]").nodes
    assert (node.name, node.value, str(node.acl), str(node.path)) == ("x", b"\x00\x00\x00", "Get=*", ".")


def test_a_file_keeps_man_and_mod_and_gets_an_acl_where_it_has_no_properties() -> None:
    document = document_of("commands: [{add: ./A, object: {file: bare.xml}, acl: Get=*}]")
    assert (document.man, document.mod) == ("Maker", "M1")
    assert str(document.nodes[0].acl) == "Get=*"
    document = document_of("commands: [{add: ./A, object: {mod: M2, file: bare.xml}}]")
    assert (document.man, document.mod) == ("Maker", "M2")


def test_json_is_yaml() -> None:
    as_json = json.dumps(yaml.load(OBJECT, yaml.BaseLoader))  # noqa: S506 - every scalar is text
    assert builder(as_json).compose(SERVER) == builder(OBJECT).compose(SERVER)


def test_aliases_are_followed() -> None:
    said = message("commands: [{add: &a {./A: x}}, {replace: *a}]")
    assert [command.items[0].target for command in said.commands] == ["./A", "./A"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("source", "line", "word"),
    [
        ("", None, "nothing in it"),
        ("text", 1, "not a mapping"),
        ("[]", 1, "not a mapping"),
        ("commands: {}", 1, "not a list"),
        ("command: []", 1, "unknown key"),
        ("target: x", 1, "commands"),
        ("target: ''\ncommands: [{delete: ./A}]", 1, "empty"),
        ("commands:\n- delete: ./A\n  colour: red", 3, "colour"),
        ("commands:\n- {}", 2, "not one command"),
        ("commands:\n- get: ./A", 2, "get"),
        ("commands:\n- {add: ./A, delete: ./A}", 2, "add, delete"),
        ("commands:\n- text", 2, "not a mapping"),
        ("commands:\n- delete: ./A\n- delete: ./A/../B", 3, "no node names"),
        ("commands:\n- delete: []", 2, "Delete"),
        ("commands:\n- copy: ./A", 2, "from"),
        ("commands:\n- atomic: []", 2, "without commands"),
        ("commands:\n- add: ./A", 2, "missing"),
        ("commands:\n- replace: ./A", 2, "missing"),
        ("commands:\n- add: ./A\n  value: x\n  acl: Get=*", 4, "acl"),
        ("commands:\n- add: ./A\n  value: x\n  embedding: xml", 4, "embedding"),
        ("commands:\n- add: ./A\n  format: text\n  value: x", 3, "unknown Format"),
        ("commands:\n- add: ./A\n  format: bin\n  value: '***'", 4, "Base64"),
        ("commands:\n- add: ./A\n  format: node\n  value: x", 4, "interior"),
        ("commands:\n- add: ./A\n  format: null\n  value: x", 4, "no value"),
        ("commands:\n- replace: ./A\n  format: node", 3, "no value|interior"),
        ("commands:\n- replace: ./A\n  value: [x]", 3, "not text"),
        ("commands:\n- replace: ./A\n  value: {fill: x}", 3, "fill"),
        ("commands:\n- replace: ./A\n  value: {file: octets.bin}", 3, "UTF-8"),
        ("commands:\n- replace: {./A: x}\n  value: x", 3, "value"),
        ("commands:\n- replace:\n    ./A: {value: x, file: y}", 3, "both"),
        ("commands:\n- replace: ./A\n  acl: {Got: '*'}", 3, "Got"),
        ("commands:\n- replace: ./A\n  acl: Got=*", 3, "unknown command"),
        ("commands:\n- replace: ./A\n  acl: {Get: []}", 3, "no server"),
        ("commands:\n- replace: ./A\n  acl: {Get: a b}", 3, "server identifier"),
        ("commands:\n- replace: ./A\n  acl: Get=*\n  value: x", 4, "value"),
        ("commands:\n- add: ./Inbox\n  object: {}", 3, "without nodes"),
        ("commands:\n- add: ./Inbox\n  object:\n    nap: {id: ''}", 4, "empty"),
        ("commands:\n- add: ./Inbox\n  object:\n    nap:\n      id: x\n      Colour: red", 6, "Colour"),
        ("commands:\n- add: ./Inbox\n  object:\n    nap: {id: x, auth: {pin: y}}", 4, "pin"),
        ("commands:\n- add: ./Inbox\n  object:\n    proxy: {id: x, ports: [{}]}", 4, "number"),
        ("commands:\n- add: ./Inbox\n  object:\n    dmacc: {server_id: x}", 4, "address"),
        ("commands:\n- add: ./Inbox\n  object:\n    dmacc:\n      server_id: a b\n      addresses: []", 5, "server id"),
        ("commands:\n- add: ./Inbox\n  object: {nap: {id: x}}\n  embedding: zip", 4, "embedding"),
        ("commands:\n- add: ./Inbox\n  object: {nap: [{id: x}, {id: x}]}", 3, "one name"),
        ("commands:\n- add: ./Inbox\n  object: {nap: {id: x}}\n  value: x", 4, "value"),
        ("commands:\n- add: ./A?prop=ACL\n  object: {nap: {id: x}}", 2, "property"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a/b: x", 5, "node name"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a: {children: {}, value: x}", 5, "not a key"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a: {format: int, mo: x}", 5, "not a key"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a: {value: x, file: y}", 5, "both"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a: {path: a/../b}", 5, "node names"),
        ("commands:\n- add: ./A\n  object:\n    nodes:\n      a: {children: {b: {path: c}}}", 5, "Path"),
        ("commands:\n- add: ./A\n  object:\n    file: broken.xml", 4, "not well-formed"),
        ("commands:\n- add: ./A\n  object:\n    file: empty.xml", 4, "missing"),
        ("commands:\n- delete: ./A\n  delete: ./B", 3, "twice"),
        ("commands: [", 1, "not YAML"),
        ("commands: !!python/object:os.system x", 1, "tag"),
        ("{? [a] : b}", 1, "key is text"),
        ("commands: \x01", None, "not YAML"),
    ],
)
def test_what_is_unknown_or_wrong_is_refused_with_its_line(source: str, line: int | None, word: str) -> None:
    with pytest.raises(DmError, match=word) as caught:
        message(source)
    if line is not None:
        assert (caught.value.place or "").startswith(f"line {line}"), str(caught.value)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda octets: octets.decode("latin-1")))
@example("commands: [{add: ./A, object: {nodes: {'': {mo: x, children: {'': y}}}}}]")
@example('commands: [{replace: {./A: "\\ud800"}}]')
@example("commands: [{replace: {'./${a}': '${b}'}}]")
def test_any_text_is_a_message_or_one_of_our_errors(text: str) -> None:
    try:
        made = compile_source(text.encode("utf-8", "surrogatepass"), SERVER, Header())
    except SmartcardDmError:
        return
    assert made.constants


@given(st.data())
def test_any_part_of_a_message_is_a_message_or_one_of_our_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(OBJECT)))
    end = data.draw(st.integers(start, len(OBJECT)))
    inserted = data.draw(st.sampled_from(["", "x", ": ", "- ", "[", "}", '"', "${", "&a ", "*a", "!!str ", "\t", "~"]))
    with suppress(SmartcardDmError):
        compile_source((OBJECT[:start] + inserted + OBJECT[end:]).encode(), SERVER, Header())


def test_errors_show_no_secret() -> None:
    source = "commands:\n- add: ./Inbox\n  object:\n    dmacc: {server_id: x, auth: [{level: Q, secret: hidden}]}"
    with pytest.raises(DmError) as caught:
        builder(source)
    assert "hidden" not in str(caught.value)
    assert "hidden" not in repr(parse_yaml(source.encode()))


def test_bounds_are_held() -> None:
    with pytest.raises(DmError, match="levels of nesting"):
        parse_yaml(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    bomb = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 8)}]\n" for n in range(8)
    )
    with pytest.raises(DmError, match="too many values"):
        parse_yaml(bomb.encode())
    with pytest.raises(DmError, match="too large"):
        builder("commands: [{add: ./A, object: {file: large.xml}}]", Limits(xml_octets=1000))
    with pytest.raises(SmartcardDmError, match="xml_octets"):
        compile_source(b" " * 101, SERVER, Header(), limits=Limits(xml_octets=100))


def test_files_are_read_only_where_they_may() -> None:
    with pytest.raises(DmError, match="not read here"):
        compile_source(b"commands: [{replace: ./A, value: {file: /etc/passwd}}]", SERVER, Header())
