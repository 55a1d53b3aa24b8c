"""Encrypting parts of a composed message: what is meant is gone, everything else stays, and it opens again."""

from __future__ import annotations

import os

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import ServerId
from smartcard_dm.errors import DmError
from smartcard_dm.secret import Secret
from smartcard_dm.server import Header, compose, issue
from smartcard_dm.server.encrypt import encrypt_body, encrypt_commands, encrypt_data
from smartcard_dm.trust.transport import Transport
from smartcard_dm.xmlsec import SecretSigningKey
from smartcard_dm.xmlsec.encrypt import SecretRecipient
from tests.materials import NOW, SERVER_ID, SHARED_SECRET
from tests.trust.encrypted import device, opened

COMMANDS = b"""<SyncBody>
  <Add><CmdID>1</CmdID><Item><Target><LocURI>./A</LocURI></Target><Data>first &gt; &amp;</Data></Item>
    <Item><Target><LocURI>./B</LocURI></Target><Data>second</Data></Item></Add>
  <Atomic><CmdID>2</CmdID>
    <Replace><CmdID>3</CmdID><Item><Target><LocURI>./C</LocURI></Target><Data>third</Data></Item></Replace>
    <Delete><CmdID>4</CmdID><Item><Target><LocURI>./D</LocURI></Target></Item></Delete>
  </Atomic>
  <Final/>
</SyncBody>"""
MESSAGE = compose(COMMANDS, ServerId(SERVER_ID), Header(session_id="9"))
TO = SecretRecipient.with_concat_kdf(SHARED_SECRET, random=os.urandom)


def test_all_data_are_encrypted() -> None:
    xml = encrypt_data(MESSAGE, TO, random=os.urandom)
    assert xml.count(b"<EncryptedData") == 3
    assert b"second" not in xml
    assert b"<LocURI>./B</LocURI>" in xml
    assert opened(xml).octets == MESSAGE


def test_only_the_data_that_are_meant() -> None:
    xml = encrypt_data(MESSAGE, TO, random=os.urandom, targets=["./A", "./C"])
    assert (b"first" in xml, b"second" in xml, b"third" in xml) == (False, True, False)
    assert opened(xml).octets == MESSAGE


def test_all_commands_are_encrypted() -> None:
    xml = encrypt_commands(MESSAGE, TO, random=os.urandom)
    assert xml.count(b"<EncryptedData") == 2
    assert b"LocURI>./A<" not in xml
    assert xml.endswith(b"<Final></Final></SyncBody></SyncML>")
    assert opened(xml).octets == MESSAGE


def test_only_the_commands_that_are_meant() -> None:
    xml = encrypt_commands(MESSAGE, TO, random=os.urandom, cmd_ids=["3", "1"])
    assert (b"first" in xml, b"third" in xml, b"LocURI>./D<" in xml) == (False, False, True)
    assert opened(xml).octets == MESSAGE


def test_the_whole_body_is_encrypted() -> None:
    xml = encrypt_body(MESSAGE, TO, random=os.urandom)
    assert b"LocURI>./" not in xml.partition(b"<SyncBody>")[2]
    assert SERVER_ID.encode() in xml
    assert opened(xml).octets == MESSAGE


@pytest.mark.parametrize(
    ("targets", "fault"), [(["./A", "./Z"], "no item with Data has ./Z"), ([], "any target"), (["./D"], "./D")]
)
def test_a_target_that_no_item_has(targets: list[str], fault: str) -> None:
    with pytest.raises(DmError, match=fault):
        encrypt_data(MESSAGE, TO, random=os.urandom, targets=targets)


@pytest.mark.parametrize(
    ("cmd_ids", "fault"), [(["1", "7"], "no command has the CmdID 7"), ([], "that is meant"), (["2", "3"], "inside of")]
)
def test_a_command_that_cannot_be_meant(cmd_ids: list[str], fault: str) -> None:
    with pytest.raises(DmError, match=fault):
        encrypt_commands(MESSAGE, TO, random=os.urandom, cmd_ids=cmd_ids)


def test_nothing_is_encrypted_twice() -> None:
    once = encrypt_data(MESSAGE, TO, random=os.urandom)
    for again in (encrypt_data, encrypt_commands, encrypt_body):
        with pytest.raises(DmError, match="encrypted already"):
            again(once, TO, random=os.urandom)


def test_what_has_no_body_is_not_encrypted() -> None:
    with pytest.raises(DmError, match="no SyncBody"):
        encrypt_body(b"<SyncML/>", TO, random=os.urandom)


def test_issue_encrypts_between_composing_and_signing() -> None:
    key = SecretSigningKey(Secret(SHARED_SECRET.reveal()))
    octets = issue(
        COMMANDS,
        ServerId(SERVER_ID),
        key,
        header=Header(session_id="9"),
        encrypt=lambda xml: encrypt_body(xml, TO, random=os.urandom),
    )
    assert b"second" not in wbxml.to_xml(octets)
    message = device().verify(octets, transport=Transport.local(), at=NOW)
    assert message.octets == MESSAGE
    assert message.command_count == 4
