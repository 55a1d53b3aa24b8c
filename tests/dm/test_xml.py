from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm.xml import parse_xml
from smartcard_dm.errors import DecodeError, DmError, LimitExceededError
from smartcard_dm.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from smartcard_dm.dm.xml_walk import Children, XmlElement

SECRET = "hunter2"


def parse(octets: bytes, limits: Limits = DEFAULT_LIMITS) -> XmlElement:
    return parse_xml(octets, root="{n}r", structure="sample", limits=limits)


def walk(inside: str) -> Children:
    return parse(f'<r xmlns="n">{inside}</r>'.encode()).children()


@pytest.mark.parametrize(
    "octets",
    [
        b'<r xmlns="n"/>',
        b'<?xml version="1.0"?><r xmlns="n"/>',
        b'<?xml version="1.0" encoding="utf-8"?>\n<r xmlns="n"/>\n',
        b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><x:r xmlns:x='n'/>",
    ],
)
def test_document_is_read(octets: bytes) -> None:
    assert parse(octets).tag == "{n}r"
    assert parse(octets).place == "/r"


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        pytest.param(b"", "does not begin with its root", id="empty"),
        pytest.param(b"text", "does not begin with its root", id="text"),
        pytest.param(b'<!DOCTYPE r><r xmlns="n"/>', "DOCTYPE", id="DOCTYPE"),
        pytest.param(b'<?xml version="1.0"?> <!DOCTYPE r [<!ENTITY a "b">]><r xmlns="n"/>', "DOCTYPE", id="entity"),
        pytest.param(b'<!-- c --><r xmlns="n"/>', "does not begin with its root", id="comment before"),
        pytest.param(b'<?p?><r xmlns="n"/>', "does not begin with its root", id="instruction before"),
        pytest.param(b'<r xmlns="n"/><!-- c -->', "comment or processing instruction", id="comment after"),
        pytest.param(b'<r xmlns="n"/><?p?>', "comment or processing instruction", id="instruction after"),
        pytest.param(b'<r xmlns="n"><!-- c --></r>', "comment or processing instruction", id="comment inside"),
        pytest.param(b'<r xmlns="n"><?p?></r>', "comment or processing instruction", id="instruction inside"),
        pytest.param(b'<r xmlns="n">&a;</r>', "ERR_UNDECLARED_ENTITY", id="undeclared entity"),
        pytest.param(b'<r xmlns="n">', "not well-formed", id="cut"),
        pytest.param(b'<r xmlns="n"/>x', "not well-formed", id="trailing text"),
        pytest.param(b'<r xmlns="n">\xff</r>', "not well-formed", id="not UTF-8"),
        pytest.param(b'<?xml version="1.0" encoding="ISO-8859-1"?><r xmlns="n"/>', "another encoding", id="encoding"),
        pytest.param('<r xmlns="n"/>'.encode("utf-16"), "does not begin with its root", id="UTF-16"),
        pytest.param(b"<r/>", "another root element", id="no namespace"),
        pytest.param(b'<s xmlns="n"/>', "another root element", id="another root"),
    ],
)
def test_what_is_not_this_document_is_refused(octets: bytes, fault: str) -> None:
    with pytest.raises(DmError, match=fault):
        parse(octets)


@pytest.mark.parametrize("text", ["!", "?", "<![CDATA[<!--]]>", "&lt;?p?&gt;"])
def test_signs_of_comments_and_instructions_may_stand_in_text(text: str) -> None:
    assert parse(f'<r xmlns="n">{text}</r>'.encode()).text()


@pytest.mark.parametrize("inside", ["<!--c--><?p?>", "<a/>x", "\n<a>x<b/></a>", '<a b="c">x<b/></a>'])
def test_the_time_a_document_takes_grows_with_its_size(inside: str) -> None:
    # An XPath of the XML library that gathers nodes takes minutes for this.
    octets = f'<r xmlns="n">{inside * 50_000}</r>'.encode()
    start = time.process_time()
    with pytest.raises(DmError):
        parse(octets).children().end()
    assert time.process_time() - start < 10


def test_threads_share_the_parser() -> None:
    faults = {b'<r xmlns="n">&a;</r>': "ERR_UNDECLARED_ENTITY", b'<r xmlns="n"><a></b></r>': "ERR_TAG_NAME_MISMATCH"}

    def told(octets: bytes) -> str:
        with pytest.raises(DmError) as caught:
            parse(octets)
        return str(caught.value)

    documents = list(faults) * 200
    with ThreadPoolExecutor(4) as pool:
        for octets, text in zip(documents, pool.map(told, documents), strict=True):
            assert text.endswith(faults[octets])


def test_bounds_are_held() -> None:
    with pytest.raises(LimitExceededError, match="xml_octets"):
        parse(b'<r xmlns="n"/>', Limits(xml_octets=13))
    nested = b'<r xmlns="n"><a><b/></a></r>'
    assert parse(nested, Limits(wbxml_depth=3))
    with pytest.raises(LimitExceededError, match="wbxml_depth"):
        parse(nested, Limits(wbxml_depth=2))


@pytest.mark.parametrize("depth", [254, 255, 256, 5000])
def test_depth_near_the_parsers_own_is_a_value_or_our_error(depth: int) -> None:
    octets = b'<r xmlns="n">' + b"<a>" * depth + b"</a>" * depth + b"</r>"
    with pytest.raises(LimitExceededError if depth < 255 else DecodeError):
        parse(octets, Limits(wbxml_depth=254))
    try:
        assert parse(octets, Limits(wbxml_depth=10_000))
    except DmError:
        assert depth >= 255


@pytest.mark.parametrize(
    "octets",
    [
        f'<r xmlns="n"><a>{SECRET}</b></r>'.encode(),
        f'<r xmlns="n">&{SECRET};</r>'.encode(),
        f'<r xmlns="n" {SECRET}=1/>'.encode(),
    ],
)
def test_errors_of_the_xml_library_are_not_quoted(octets: bytes) -> None:
    with pytest.raises(DmError) as caught:
        parse(octets)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_places_are_xml_paths_with_an_index_where_an_element_repeats() -> None:
    children = walk("<Item/><Item/><a/><a/>")
    assert [children.take().place for _ in range(4)] == ["/r/Item[1]", "/r/Item[2]", "/r/a", "/r/a[2]"]
    children.end()
    with pytest.raises(DmError, match="wanted nothing more"):
        children.take()


def test_stray_text_and_attributes_are_refused() -> None:
    with pytest.raises(DmError, match="only elements belong"):
        walk("<a/>text")
    with pytest.raises(DmError, match="only elements belong"):
        walk("text<a/>")
    assert walk(" \n\t<a/>\r\n ").take().tag == "{n}a"
    with pytest.raises(DmError, match="attribute b"):
        walk('<a b="c"/>').take().text()
    with pytest.raises(DmError, match="attribute space"):
        walk('<a xml:space="preserve"><b/></a>').take().children()


def test_text_and_emptiness_are_checked() -> None:
    assert walk("<a> x </a>").take().text() == " x "
    assert walk("<a> x </a>").take().required_text() == " x "
    assert walk("<a><![CDATA[<x>]]></a>").take().text() == "<x>"
    with pytest.raises(DmError, match="where text belongs"):
        walk("<a><b/></a>").take().text()
    with pytest.raises(DmError, match="element is empty"):
        walk("<a/>").take().required_text()
    with pytest.raises(DmError, match="nothing belongs"):
        walk("<a>x</a>").flag("{n}a")
    assert walk("<a> </a>").flag("{n}a")
    assert not walk("<a/>").flag("{n}b")


def test_wishes_are_told_in_order() -> None:
    children = walk("<c/>")
    children.optional("{n}a")
    with pytest.raises(DmError, match="wanted a or b, found c of namespace 'n'"):
        children.required("{n}b")
    with pytest.raises(DmError, match="an element is missing"):
        list(walk("").several("{n}a", least=1))
