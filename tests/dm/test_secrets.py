"""No text this room makes holds a secret: not a repr, not an error, not the trail of its causes."""

from __future__ import annotations

import base64
import traceback
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import (
    Credential,
    Embedding,
    EncryptedContent,
    InlineTree,
    Item,
    Meta,
    TextData,
    build_bootstrap,
    build_dmacc,
    parse_bootstrap,
    parse_dmacc,
    parse_message,
)
from smartcard_dm.errors import SmartcardDmError
from smartcard_dm.secret import Secret
from tests.dm.samples import FULL_ACCOUNT, FULL_TREE, HEADER, SECRETS, account_node, changed, message_xml, with_twin

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = [*SECRETS, *(base64.b64encode(secret.encode()).decode() for secret in SECRETS)]
CRED = f"<Cred><Data>{SECRETS[0]}</Data></Cred>"
NONCE = (
    '<Meta><NextNonce xmlns="syncml:metinf">' + base64.b64encode(SECRETS[2].encode()).decode() + "</NextNonce></Meta>"
)


def assert_silent(text: str) -> None:
    assert not [form for form in FORMS if form in text]


@pytest.mark.parametrize("embedding", Embedding)
def test_no_value_shows_a_secret(embedding: Embedding) -> None:
    bootstrap = parse_bootstrap(build_bootstrap([FULL_ACCOUNT], embedding=embedding))
    for value in (bootstrap, bootstrap.accounts, bootstrap.message, build_dmacc(FULL_ACCOUNT), account_node(FULL_TREE)):
        assert_silent(repr(value))
        assert_silent(f"{value} {value!r}")


def test_no_part_of_a_message_shows_a_secret() -> None:
    header = HEADER.replace("</SyncHdr>", f"{CRED}{NONCE}</SyncHdr>")
    message = parse_message(
        message_xml(f"<Add><CmdID>1</CmdID><Item><Data>{SECRETS[1]}</Data></Item></Add>", header=header)
    )
    assert message.header.cred is not None
    assert message.header.cred.data.reveal().decode() == SECRETS[0]
    assert_silent(repr(message))
    assert repr(TextData("four")) == "TextData(4 characters)"
    assert repr(EncryptedContent(SECRETS[0].encode())) == "EncryptedContent(15 octets)"
    assert repr(InlineTree(SECRETS[0].encode())) == "InlineTree(15 octets)"
    assert_silent(repr(Item(data=TextData(SECRETS[0]), meta=Meta(next_nonce=SECRETS[1]))))
    assert_silent(repr(Credential(Secret(SECRETS[0].encode()))))


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(
            lambda: parse_dmacc(account_node(changed(FULL_TREE, "AppAuth/client/AAuthType", "MD5")), place="."),
            id="type",
        ),
        pytest.param(
            lambda: parse_dmacc(account_node(changed(FULL_TREE, "AppAuth/client/AAuthSecret", {})), place="."),
            id="interior",
        ),
        pytest.param(
            lambda: parse_dmacc(account_node(changed(FULL_TREE, "AppAuth/client/AAuthData", SECRETS[2])), place="."),
            id="nonce of Format chr",
        ),
        pytest.param(
            lambda: parse_dmacc(
                account_node(changed(FULL_TREE, "AppAuth/client/AAuthSecret", SECRETS[0].encode())), place="."
            ),
            id="secret of Format bin",
        ),
        pytest.param(
            lambda: parse_dmacc(with_twin(account_node(FULL_TREE), "AppAuth/server/AAuthSecret"), place="."), id="twice"
        ),
        pytest.param(lambda: parse_message(message_xml(f"<Add>{SECRETS[0]}<CmdID>1</CmdID></Add>")), id="stray text"),
        pytest.param(lambda: parse_message(message_xml("", header=HEADER + CRED)), id="credential out of place"),
        pytest.param(lambda: parse_message(f"<SyncML>&{SECRETS[0]};</SyncML>".encode()), id="entity"),
        pytest.param(lambda: parse_message(f"<SyncML>{SECRETS[0]}</{SECRETS[1]}>".encode()), id="end tag"),
        pytest.param(lambda: parse_bootstrap(SECRETS[0].encode()), id="no message"),
        pytest.param(
            lambda: parse_bootstrap(
                message_xml(
                    "<Add><CmdID>1</CmdID><Item><Target><LocURI>./DMAcc/X/AppAuth/1/AAuthData</LocURI></Target><Meta>"
                    f'<Format xmlns="syncml:metinf">bin</Format></Meta><Data>{SECRETS[2]}</Data></Item></Add>'
                )
            ),
            id="no Base64",
        ),
    ],
)
def test_no_error_shows_a_secret(attempt: Callable[[], object]) -> None:
    with pytest.raises(SmartcardDmError) as caught:
        attempt()
    assert_silent(str(caught.value))
    chain = "".join(
        str(each) for each in traceback.TracebackException.from_exception(caught.value).format_exception_only()
    )
    assert_silent(chain)
    assert caught.value.__cause__ is None
