"""Each message of a batch is what `issue` makes, octet for octet; what a target's values cannot make is told."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcard_dm import wbxml
from smartcard_dm.dm import parse_message
from smartcard_dm.errors import DmError, SmartcardDmError, WbxmlError
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server import Header, issue
from smartcard_dm.server.batch_recipe import Issuer, forget_keys, issue_chunk
from smartcard_dm.server.batch_records import Failed, Issued, Problem, Target
from smartcard_dm.server.filled_check import FilledCheck
from smartcard_dm.server.source import compile_source
from smartcard_dm.xmlsec import AlgorithmPolicy, CanonicalXml, sign_message
from smartcard_dm.xmlsec.document import canonical, parse_document
from tests.materials import SHARED_SECRET, ed25519_private, rsa_private, signing
from tests.server.batches import COMMANDS, SERVER, SecretOfTests, recipe_for, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.server.batch_recipe import Recipe
    from smartcard_dm.xmlsec import SigningKey

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff") | st.sampled_from("&<>\"'\r\n\t]"))
XML_TEXT = TEXT.map(lambda text: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text))
FILLED = XML_TEXT.map(lambda text: text.strip()).filter(bool)
NAME = st.text(st.sampled_from("abcXYZ019-_ é&<"), min_size=1, max_size=12).filter(lambda text: text.strip() == text)
KEYS: list[SigningKey] = [signing(SHARED_SECRET), signing(rsa_private()), signing(ed25519_private())]
MANY = (
    "<SyncBody><Replace><Item><Target><LocURI>./x/${node}</LocURI></Target>"
    "<Meta><Format>chr</Format></Meta><Data>${value}</Data></Item></Replace>"
    "<Add><Item><Target><LocURI>./y</LocURI></Target><Data>one ${value} two ${other}</Data></Item></Add>"
    "<Replace><Item><Target><LocURI>./z</LocURI></Target><Meta><Format>bin</Format></Meta>"
    "<Data>AAEC</Data></Item></Replace></SyncBody>"
)


def columns_file(folder: Path, *columns: str) -> Path:
    return write_csv(folder / "columns.csv", columns, [])


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    path = columns_file(tmp_path_factory.mktemp("t"), "target", "node", "value", "other")
    return recipe_for(path, commands=MANY.encode())


@pytest.mark.parametrize("key", KEYS, ids=["hmac", "rsa", "ed25519"])
@given(
    row=st.integers(1, 10**9),
    target=FILLED,
    node=NAME,
    value=XML_TEXT,
    other=XML_TEXT,
)
def test_a_message_is_what_issue_makes(
    recipe: Recipe, key: SigningKey, row: int, target: str, node: str, value: str, other: str
) -> None:
    values = {"target": target, "node": node, "value": value, "other": other}
    written = MANY
    for name in ("node", "value", "other"):
        # Marked, so that a value that looks like a variable is not written into.
        text = escape(values[name]).replace("\r", "&#xD;").replace("$", "\0")
        written = written.replace(f"${{{name}}}", text)
    header = Header(session_id="1000", msg_id=str(row), target=target)
    result = Issuer(recipe_with(recipe, key), key).issue(Target(row, row + 1, values))
    assert isinstance(result, Issued), result
    assert result.message == issue(written.replace("\0", "$").encode(), SERVER, key, header=header)
    assert (result.row, result.line, result.target) == (row, row + 1, target)
    assert result.sha256 == hashlib.sha256(result.message).digest()


def recipe_with(recipe: Recipe, key: SigningKey) -> Recipe:
    return replace(recipe, algorithm=key.default_algorithm)


def header_of(result: object) -> tuple[str, str, str | None]:
    assert isinstance(result, Issued), result
    xml = wbxml.to_xml(result.message)
    unsigned = xml[: xml.index(b"<Signature ")] + b"</SyncML>"
    header = parse_message(unsigned).header
    return header.target, header.session_id, header.msg_id


@pytest.mark.parametrize(
    ("columns", "said", "document", "values", "expected"),
    [
        ((), Header(), "", {}, ("./", "1000", "5")),
        ((), Header("7", "8", "T"), "", {}, ("T", "7", "8")),
        (("target", "session_id", "msg_id"), Header("7", "8", "T"), "",
         {"target": "a", "session_id": "b", "msg_id": "c"}, ("a", "b", "c")),
        (("target",), Header("7"), "", {"target": "a"}, ("a", "7", "5")),
        ((), Header(), "<SessionID>d</SessionID><MsgID>1</MsgID><Target><LocURI>D</LocURI></Target>", {},
         ("D", "d", "5")),
        (("target",), Header(), "<Target><LocURI>D</LocURI></Target>", {"target": "a"}, ("a", "1000", "5")),
        (("imei",), Header(), "<Target><LocURI>IMEI:${imei}</LocURI></Target>", {"imei": "1"}, ("IMEI:1", "1000", "5")),
        (("imei", "target"), Header(), "<Target><LocURI>IMEI:${imei}</LocURI></Target>", {"imei": "1", "target": "t"},
         ("IMEI:1", "1000", "5")),
        (("imei",), Header(target="X"), "<Target><LocURI>IMEI:</LocURI></Target><MsgID>${imei}</MsgID>", {"imei": "1"},
         ("X", "1000", "1")),
    ],
)  # fmt: skip
def test_where_the_header_comes_from(
    tmp_path: Path,
    columns: tuple[str, ...],
    said: Header,
    document: str,
    values: dict[str, str],
    expected: tuple[str, str, str],
) -> None:
    body = COMMANDS.decode().replace("${node}", "n").replace("${value}", "v")
    commands = f"<SyncML><SyncHdr>{document}</SyncHdr>{body}</SyncML>".encode()
    path = columns_file(tmp_path, *(columns or ("target",)))
    recipe = recipe_for(path, commands=commands, header=said)
    assert header_of(Issuer(recipe, recipe.key.load()).issue(Target(5, 6, values))) == expected


@pytest.mark.parametrize(
    ("values", "problem", "detail"),
    [
        ({"target": "a", "node": "n"}, Problem.VARIABLE, "no value for the variable value"),
        ({"target": "a", "node": "n", "value": "v", "vlaue": "v"}, Problem.COLUMN,
         "no variable of the template: vlaue"),
        ({"target": "", "node": "n", "value": "v"}, Problem.VARIABLE, "the column target is empty"),
        ({"target": "a", "node": "n/o", "value": "v"}, Problem.MESSAGE, "the value of node cannot stand here"),
        ({"target": "a", "node": "n", "value": "hidden\0"}, Problem.MESSAGE, "characters that XML cannot hold"),
        ({"target": "a", "node": "n", "value": "x" * (2 << 20)}, Problem.MESSAGE, "Limits.message_octets"),
        ({"target": "a", "node": "n", "value": "x" * (9 << 20)}, Problem.MESSAGE, "Limits.xml_octets"),
        ({"target": "a", "session_id": "", "node": "n", "value": "v"}, Problem.MESSAGE,
         "the value of session_id is empty"),
    ],
)  # fmt: skip
def test_a_target_that_makes_no_message_is_told(
    tmp_path: Path, values: dict[str, str], problem: Problem, detail: str
) -> None:
    recipe = recipe_for(columns_file(tmp_path, "target", "node", "value"))
    result = Issuer(recipe, recipe.key.load()).issue(Target(3, 4, values))
    assert isinstance(result, Failed)
    assert (result.row, result.line, result.target) == (3, 4, values["target"] or None)
    assert result.problem is problem
    assert detail in result.detail
    assert "hidden" not in result.detail


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (("target", "node"), "no column for the variable value"),
        (("target", "node", "value", "colour"), "a column is no variable of the template"),
    ],
)
def test_columns_that_fit_no_target_end_it_at_once(tmp_path: Path, columns: tuple[str, ...], text: str) -> None:
    with pytest.raises(DmError, match=text):
        recipe_for(columns_file(tmp_path, *columns))


def test_json_lines_say_their_columns_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"node": "a"}\n')
    assert recipe_for(path).columns == {"node", "value", "target", "session_id", "msg_id"}


VARIABLES_ANYWHERE = {
    "CmdID": "<Replace><CmdID>${v}</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item></Replace>"
    "<Delete><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item></Delete>",
    "LocName": "<Replace><Item><Target><LocURI>./a</LocURI><LocName>${v}</LocName></Target></Item></Replace>",
    "LocURI": "<Replace><Item><Source><LocURI>${v}</LocURI></Source><Data>x</Data></Item></Replace>",
    "two in LocURI": "<Replace><Item><Source><LocURI>${v}${w}</LocURI></Source><Data>${v}</Data></Item></Replace>",
    "part of LocURI": "<Replace><Item><Source><LocURI>a${v}</LocURI></Source><Data>x</Data></Item></Replace>",
    "Meta": "<Replace><Meta><Type>${v}</Type></Meta><Item><Target><LocURI>./a</LocURI></Target></Item></Replace>",
    "Alert": "<Alert><Data>${v}</Data></Alert>",
    "Correlator": "<Exec><Correlator>${v}</Correlator><Item><Target><LocURI>./a</LocURI></Target></Item></Exec>",
    "items": "<Atomic><Replace><Item><Target><LocURI>./a</LocURI></Target><Data>${v}</Data></Item>"
    "<Item><Target><LocURI>./b</LocURI></Target><Data>${v}</Data></Item></Replace></Atomic>",
    "object": '<Add><Item><Target><LocURI>./a</LocURI></Target><Data><MgmtTree xmlns="syncml:dmddf1.2"><Node>'
    "<NodeName>n${w}</NodeName><Value>${v}</Value></Node></MgmtTree></Data></Item></Add>",
}


@pytest.mark.parametrize("body", VARIABLES_ANYWHERE.values(), ids=list(VARIABLES_ANYWHERE))
@given(v=st.sampled_from(["", "1", "x", " ", "&<"]) | XML_TEXT, w=st.sampled_from(["", "w"]))
def test_a_filled_template_is_refused_exactly_where_reading_it_refuses_it(body: str, v: str, w: str) -> None:
    template = compile_source(f"<SyncBody>{body}</SyncBody>".encode(), SERVER, Header())
    values = {"v": v, "w": w}
    try:
        octets = template.fill(values)
    except DmError:
        return
    refused = []
    for check in (lambda: FilledCheck(template, DEFAULT_LIMITS)(octets, values), lambda: parse_message(octets)):
        try:
            check()
        except SmartcardDmError:
            refused.append(True)
        else:
            refused.append(False)
    assert refused[0] == refused[1]


@given(v=XML_TEXT, w=NAME)
def test_what_is_composed_is_canonical_and_signed_as_if_it_were_parsed(v: str, w: str) -> None:
    octets = compile_source(MANY.encode(), SERVER, Header()).fill({"node": w, "value": v, "other": v})
    assert isinstance(octets, CanonicalXml)
    assert canonical(parse_document(octets)) == octets
    key, policy = signing(SHARED_SECRET), AlgorithmPolicy.default()
    assert sign_message(octets, key, policy) == sign_message(bytes(octets), key, policy)


def test_what_is_signed_already_is_refused_whoever_made_it() -> None:
    key, policy = signing(SHARED_SECRET), AlgorithmPolicy.default()
    octets = compile_source(b"<SyncBody><Alert><Data>1</Data></Alert></SyncBody>", SERVER, Header()).fill({})
    with pytest.raises(WbxmlError, match="it holds a Signature already"):
        sign_message(CanonicalXml(sign_message(octets, key, policy)), key, policy)


def test_a_recipe_is_sent_without_a_secret(tmp_path: Path) -> None:
    recipe = recipe_for(columns_file(tmp_path, "target", "node", "value"))
    packed = recipe.packed
    assert SHARED_SECRET.reveal() not in packed
    assert SHARED_SECRET.reveal() not in json.dumps(recipe.parts).encode()
    assert pickle.loads(packed) == recipe  # noqa: S301 - packed above


def test_a_process_loads_the_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_for(columns_file(tmp_path, "target", "node", "value"))
    forget_keys()
    loads: list[object] = []
    source = type(recipe.key)
    real = source.load

    def load(self: SecretOfTests) -> SigningKey:
        loads.append(self)
        return real(self)

    monkeypatch.setattr(source, "load", load)
    records = [Target(1, 2, {"target": "a", "node": "n", "value": "v"})]
    assert [type(each) for each in issue_chunk(recipe.fingerprint, recipe.packed, records).results] == [Issued]
    assert issue_chunk(recipe.fingerprint, b"not read", records).stopped is None
    assert loads == [recipe.key]
    forget_keys()


def test_two_batches_of_one_server_have_messages_of_their_own(tmp_path: Path) -> None:
    path = columns_file(tmp_path, "target", "node", "value")
    record = Target(1, 2, {"target": "a", "node": "n", "value": "v"})
    messages = set()
    for number in ("1000", "1001"):
        recipe = recipe_for(path, number=number)
        issuer = Issuer(recipe, recipe.key.load())
        for row in (1, 2):
            result = issuer.issue(record._replace(row=row))
            assert isinstance(result, Issued)
            messages.add(result.message)
    assert len(messages) == 4
