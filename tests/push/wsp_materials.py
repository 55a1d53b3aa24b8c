"""Pushes that the tests of WSP compose by hand, and strategies for any push."""

from __future__ import annotations

import re
from typing import Final

from hypothesis import strategies as st

from smartcard_dm.push.wsp import WspPush
from smartcard_dm.push.wsp_coding import TOKEN_CHARACTERS, encode_integer, encode_text, encode_value_length
from smartcard_dm.push.wsp_content_type import ContentType, Parameter
from smartcard_dm.push.wsp_headers import HeaderField
from smartcard_dm.push.wsp_names import APPLICATION_ID_FIELD, CONTENT_TYPE, MEDIA_NUMBERS, PARAMETERS, Q
from smartcard_dm.secret import Secret

IMSI: Final = Secret(b"001010123456789")
OTHER_IMSI: Final = Secret(b"001010123456780")
USER_PIN: Final = Secret(b"4711")
MESSAGE: Final = bytes.fromhex("0200006A1D2D2D6D6C71C303") + b"1.2" + bytes.fromhex("0101")
"""Octets that begin as a DM message does; no layer of a push reads further."""


def hand(text: str) -> bytes:
    """Return the octets of a vector: hexadecimal digits, and ASCII text between quotation marks, with any blanks."""
    parts = re.split(r"'([^']*)'", text)
    return b"".join(
        part.encode("ascii") if at % 2 else bytes.fromhex("".join(part.split())) for at, part in enumerate(parts)
    )


MAC_TEXT: Final = "0123456789ABCDEF0123456789ABCDEF01234567"
DM_VECTOR: Final = hand(f"01 06 31 1F2D C2 91 80 92 '{MAC_TEXT}' 00 AF 87") + MESSAGE
CP_VECTOR: Final = hand(f"01 06 2F 1F2D B6 91 81 92 '{MAC_TEXT}' 00") + MESSAGE

_tokens = st.text(sorted(TOKEN_CHARACTERS), min_size=1, max_size=12)
_texts = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20).map(encode_text)
_integers = st.integers(0, 2**64).map(encode_integer)
_blobs = st.binary(max_size=60).map(lambda octets: encode_value_length(len(octets)) + octets)
_values = st.one_of(_texts, _integers, _blobs)

_KNOWN_PARAMETERS = {name.lower() for name in PARAMETERS.values()}
_parameters = st.one_of(
    st.builds(Parameter, st.integers(0x02, 0x7F).filter(lambda number: number not in PARAMETERS), _values),
    st.builds(Parameter, _tokens.filter(lambda name: name.lower() not in _KNOWN_PARAMETERS), _values),
    st.builds(Parameter, st.just(Q), st.sampled_from((b"\x0b", b"\x83\x31"))),
)
_sec = st.one_of(st.builds(Parameter.sec, st.integers(0, 200)), st.just(Parameter("Sec", b"NETWORKID\0")))
_mac = st.builds(Parameter.mac, st.text("0123456789ABCDEFabcdef", min_size=1, max_size=50))
_charset = st.just(Parameter(0x01, b"\xea"))


@st.composite
def content_types(draw: st.DrawFn) -> ContentType:
    """Any content type."""
    known = draw(st.booleans())
    media = draw(
        st.sampled_from(sorted(MEDIA_NUMBERS)) if known else st.builds("{}/{}".format, _tokens, _tokens)
    ).lower()
    parameters = draw(st.lists(_parameters, max_size=4))
    parameters += draw(
        st.lists(st.sampled_from((_sec, _mac, _charset)), unique=True, max_size=3).flatmap(lambda s: st.tuples(*s))
    )
    parameters = draw(st.permutations(parameters))
    as_text = media in MEDIA_NUMBERS and draw(st.booleans())
    return ContentType(media, tuple(parameters), as_text=as_text)


_NAMED = frozenset(("content-type", "x-wap-application-id"))
_fields = st.one_of(
    st.builds(
        HeaderField,
        st.integers(0, 0x7F).filter(lambda number: number not in {CONTENT_TYPE, APPLICATION_ID_FIELD}),
        _values,
    ),
    st.builds(HeaderField, st.integers(0, 0x7F), _values, st.integers(2, 0xFF)),
    st.builds(HeaderField, _tokens.filter(lambda name: name.lower() not in _NAMED), _texts),
)
_application_ids = st.one_of(
    st.builds(HeaderField.application_id, st.integers(0, 0x9003)),
    st.just(HeaderField.application_id("x-wap-application:syncml.dm")),
    st.just(HeaderField("x-wap-application-id", b"x-wap-application:syncml.dm\0")),
)


@st.composite
def pushes(draw: st.DrawFn) -> WspPush:
    """Any push."""
    fields = draw(st.lists(_fields, max_size=6)) + draw(st.lists(_application_ids, max_size=1))
    headers = tuple(draw(st.permutations(fields)))
    return WspPush(draw(st.integers(0, 0xFF)), draw(content_types()), headers, draw(st.binary(max_size=200)))
