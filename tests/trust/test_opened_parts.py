"""Step 11: what was inside an encrypted part could have stood in its place, or is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.server.encrypt import encrypt_data
from smartcard_dm.xmlsec.encryption_algorithms import EncryptedType
from tests.materials import MESSAGE
from tests.trust.encrypted import (
    COMMAND,
    CONTENT,
    body,
    opened,
    part,
    refusal,
    to_certificate,
    to_secret,
)

if TYPE_CHECKING:
    from smartcard_dm.xmlsec.encrypt import Recipient


SIGNED_BESIDE = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"></Signature>'
PLAINTEXTS = {
    "not well-formed": b"<Replace>",
    "closing what is around it": b"</SyncBody><SyncBody>",
    "closing what is around it, twice": b"</SyncBody></SyncML><SyncML><SyncBody>",
    "closing the wrapper": b"</Opened><Opened>",
    "closing the wrapper and its document": b"</Opened>",
    "a doctype": b'<!DOCTYPE a [<!ENTITY b "c">]>' + CONTENT,
    "an entity": b"&b;",
    "a predefined entity is fine, another is not": b"&amp;&nbsp;",
    "a character that XML has not": b"&#0;",
    "an XML declaration": b'<?xml version="1.0"?>' + CONTENT,
    "a processing instruction": b"<?php echo 1 ?>" + CONTENT,
    "a comment": b"<!-- -->" + CONTENT,
    "not UTF-8": b"\xff\xfe" + CONTENT,
    "UTF-16": CONTENT.decode().encode("utf-16"),
    "a NUL": b"\0" + CONTENT,
    "a prefix": b'<s:Final xmlns:s="SYNCML:SYNCML1.2"></s:Final>',
    "a prefix nobody declared": b"<s:Final></s:Final>",
    "an attribute with a namespace": b'<Final xml:lang="en"></Final>',
    "a Signature": CONTENT + SIGNED_BESIDE,
    "a Signature in Data": CONTENT.replace(b"a &lt;new", SIGNED_BESIDE + b"a &lt;new"),
    "a relative namespace": b'<Final xmlns="./here"></Final>',
}


@pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS.keys())
def test_what_was_inside_could_not_stand_there(plaintext: bytes) -> None:
    error = refusal(body(part(plaintext)))
    assert error.rule is Rule.ENCRYPTION_PLAINTEXT
    assert "Final" not in error.detail


def test_data_that_close_their_parent_stay_inside() -> None:
    escape = b"</Data></Item><Item><Target><LocURI>./Evil</LocURI></Target><Data>"
    xml = MESSAGE.replace(b"a &lt;new&gt; name &amp; more", part(escape))
    assert refusal(xml).rule is Rule.ENCRYPTION_PLAINTEXT
    harmless = MESSAGE.replace(b"a &lt;new&gt; name &amp; more", part(b"&lt;/Data>&lt;Data>"))
    assert b"<Data>&lt;/Data&gt;&lt;Data&gt;</Data>" in opened(harmless).octets


@pytest.mark.parametrize("plaintext", [b"", COMMAND * 2, b"text", COMMAND + b"text"])
def test_a_command_is_one_element(plaintext: bytes) -> None:
    xml = body(part(plaintext, EncryptedType.ELEMENT) + b"<Final></Final>")
    assert refusal(xml).rule is Rule.ENCRYPTION_PLAINTEXT


@pytest.mark.parametrize("inner", [to_secret(), to_certificate()])
def test_one_level_only(inner: Recipient) -> None:
    nested = encrypt_data(MESSAGE, inner, random=os.urandom)
    content = nested[nested.index(b"<SyncBody>") + 10 : nested.index(b"</SyncBody>")]
    assert refusal(body(part(content))).rule is Rule.ENCRYPTION_NESTED


def test_commands_no_device_could_process_are_refused_at_step_12() -> None:
    message = opened(body(part(b"<Evil></Evil>")))
    with pytest.raises(VerificationError) as caught:
        assert message.message
    assert caught.value.rule is Rule.COMMANDS_MALFORMED


def test_deep_content_is_refused_at_the_bound_of_messages() -> None:
    message = opened(body(part(b"<Atomic>" * 100 + b"</Atomic>" * 100)))
    with pytest.raises(VerificationError) as caught:
        assert message.message
    assert caught.value.rule is Rule.COMMANDS_MALFORMED
    assert refusal(body(part(b"<a>" * 5000 + b"</a>" * 5000))).rule is Rule.ENCRYPTION_PLAINTEXT
