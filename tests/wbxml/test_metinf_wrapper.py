"""`MetInf` may stand between Meta and what it holds; the format told inside it counts as well."""

from __future__ import annotations

import pytest

from smartcard_dm.errors import WbxmlError
from smartcard_dm.wbxml import from_xml, to_xml

MESSAGE = (
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncBody><Add><CmdID>1</CmdID>{command}<Item>{item}<Data>{data}</Data></Item>'
    "</Add></SyncBody></SyncML>"
)
WRAPPED = '<Meta><MetInf xmlns="syncml:metinf"><Format>{format}</Format></MetInf></Meta>'
BINARY = "AP/+"
"""Octets 00 FF FE, which are no text."""


@pytest.mark.parametrize("place", ["command", "item"])
def test_binary_data_under_a_wrapped_format_is_opaque_and_comes_back(place: str) -> None:
    xml = MESSAGE.format(**{"command": "", "item": "", "data": BINARY, place: WRAPPED.format(format="bin")}).encode()
    octets = from_xml(xml)
    assert b"\xc3\x03\x00\xff\xfe" in octets
    assert to_xml(octets) == xml


def test_a_wrapped_format_of_the_item_stands_over_that_of_the_command() -> None:
    both = {"command": WRAPPED.format(format="bin"), "item": WRAPPED.format(format="chr"), "data": BINARY}
    octets = from_xml(MESSAGE.format(**both).encode())
    assert b"\xc3" not in octets
    with pytest.raises(WbxmlError):
        to_xml(octets.replace(b"\x03AP/+\x00", b"\xc3\x03\x00\xff\xfe"))


def test_a_wrapper_elsewhere_means_nothing() -> None:
    loose = WRAPPED.format(format="bin").replace("<Meta>", "<Meta><Anchor xmlns='syncml:metinf'>").replace(
        "</Meta>", "</Anchor></Meta>"
    )  # fmt: skip
    xml = MESSAGE.format(command=loose, item="", data=BINARY).encode()
    assert b"\xc3" not in from_xml(xml)
