"""Step 11: what opens, with which keys, within which bounds; each message is signed by the account's own server."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.dm import AppAuth, AuthLevel, AuthType, ItemCommand, TextData
from smartcard_dm.errors import VerificationError
from smartcard_dm.limits import Limits
from smartcard_dm.rules import Rule, Step
from smartcard_dm.secret import Secret
from smartcard_dm.server.encrypt import encrypt_body, encrypt_commands, encrypt_data
from smartcard_dm.trust.policy import Policy
from smartcard_dm.xmlsec.algorithms import DigestAlgorithm
from smartcard_dm.xmlsec.decryption_keys import PrivateDecryptionKey
from smartcard_dm.xmlsec.encryption_algorithms import BlockCipher, EncryptedType, KeyTransport
from tests import materials
from tests.materials import MESSAGE, SERVER_ID, SHARED_SECRET
from tests.trust.device import SERVER_SECRET, account, refused, signed, verifier, verify
from tests.trust.encrypted import (
    COMMAND,
    CONTENT,
    DEVICE_KEY,
    KEY,
    LEGACY,
    PulledToken,
    body,
    changed,
    device,
    encrypted,
    opened,
    part,
    refusal,
    to_certificate,
    to_password,
    to_secret,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smartcard_dm.xmlsec.encrypt import Recipient

LEGACY_POLICY = Policy.oma_1_2_legacy()
LEGACY_CIPHERS = [cipher for cipher in BlockCipher if not cipher.authenticates]
VALUE = re.compile(rb"<CipherValue>([^<]*)</CipherValue>")


def values(xml: bytes) -> list[bytes]:
    """Return the CipherValues of a message: of the key, then of the content."""
    return [base64.b64decode(value) for value in VALUE.findall(xml)]


def with_value(xml: bytes, index: int, octets: bytes) -> bytes:
    found = VALUE.findall(xml)[index]
    return xml.replace(found, base64.b64encode(octets), 1)


# What opens


@pytest.mark.parametrize("recipient", [to_certificate(), to_secret(), to_password()], ids=["key", "secret", "password"])
@pytest.mark.parametrize("encrypt", [encrypt_data, encrypt_commands, encrypt_body])
def test_each_kind_of_part_becomes_the_message_it_was(encrypt: Callable[..., bytes], recipient: Recipient) -> None:
    message = opened(encrypt(MESSAGE, recipient, random=os.urandom))
    assert message.octets == MESSAGE
    assert message.command_count == 1
    step = message.steps[11]
    assert step.step is Step.DECRYPT
    assert step.established.startswith("1 opened: aes256-gcm, ")


def test_the_digest_is_of_what_was_signed_and_not_of_what_was_opened() -> None:
    xml = encrypted()
    assert opened(xml).digest == DigestAlgorithm.SHA256.digest(xml)


def test_a_message_without_encrypted_parts_passes_as_it_is() -> None:
    message = opened(MESSAGE)
    assert message.octets == MESSAGE
    assert message.steps[11].established == "nothing is encrypted"


def test_text_that_looks_encrypted_is_text() -> None:
    text = b'&lt;EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"&gt;'
    assert opened(MESSAGE.replace(b"a &lt;new", text)).steps[11].established == "nothing is encrypted"


def test_parts_of_several_kinds_open_together() -> None:
    two = body(COMMAND + COMMAND.replace(b"<CmdID>1<", b"<CmdID>2<") + b"<Final></Final>")
    xml = encrypt_commands(two, to_certificate(), random=os.urandom, cmd_ids=["1"])
    data = part(b"a &lt;new&gt; name &amp; more")
    mixed = xml.replace(b"a &lt;new&gt; name &amp; more", data)
    message = opened(mixed)
    assert message.octets == two
    assert message.steps[11].established.count(";") == 1


def test_a_command_inside_an_atomic_opens() -> None:
    atomic = body(b"<Atomic><CmdID>9</CmdID>" + COMMAND + b"</Atomic><Final></Final>")
    assert opened(encrypt_commands(atomic, to_secret(), random=os.urandom, cmd_ids=["1"])).octets == atomic


def test_binary_data_open_as_the_text_they_stand_for() -> None:
    binary = MESSAGE.replace(b">chr<", b">bin<").replace(b"a &lt;new&gt; name &amp; more", b"AAECAw==")
    message = opened(encrypt_data(binary, to_secret(), random=os.urandom))
    assert message.octets == binary


def test_empty_data_open() -> None:
    empty = MESSAGE.replace(b"a &lt;new&gt; name &amp; more", b"")
    assert opened(encrypt_data(empty, to_secret(), random=os.urandom)).octets == empty


@pytest.mark.parametrize("digest", DigestAlgorithm)
def test_oaep_with_mgf1_of_sha_1_opens_with_each_digest(digest: DigestAlgorithm) -> None:
    recipient = replace(to_certificate(KeyTransport.RSA_OAEP_MGF1P), digest=digest)
    xml = encrypted(recipient)
    assert (b"DigestMethod" in xml) == (digest is not DigestAlgorithm.SHA1)
    assert opened(xml).octets == MESSAGE


@pytest.mark.parametrize("cipher", LEGACY_CIPHERS)
def test_the_legacy_policy_opens_cbc(cipher: BlockCipher) -> None:
    recipient = replace(to_secret(), policy=LEGACY)
    for length in range(17):  # every length of padding
        text = b"x" * length
        xml = MESSAGE.replace(b"a &lt;new&gt; name &amp; more", part(text, cipher=cipher, recipient=recipient))
        assert text in opened(xml, device(policy=LEGACY_POLICY)).octets


def test_the_legacy_policy_opens_rsa_1_5() -> None:
    xml = encrypted(to_certificate(KeyTransport.RSA_1_5), BlockCipher.AES128_CBC)
    assert opened(xml, device(policy=LEGACY_POLICY)).octets == MESSAGE


def test_white_space_between_elements_and_in_base64_means_nothing() -> None:
    xml = encrypted(to_certificate())
    spaced = xml.replace(b"<CipherData>", b"\n <CipherData>").replace(b"</CipherValue>", b"\n</CipherValue>")
    assert opened(spaced).octets == MESSAGE


def test_content_in_another_spelling_becomes_canonical() -> None:
    plain = CONTENT.replace(b"<Final></Final>", b"<Final/>").replace(
        b"<Replace>", b'<Replace xmlns="SYNCML:SYNCML1.2">'
    )
    assert opened(body(part(plain.replace(b"a &lt;new&gt;", b"a <![CDATA[<new>]]>")))).octets == MESSAGE


def test_several_secrets_are_tried_and_a_name_chooses() -> None:
    other = AppAuth(node_name="o", level=AuthLevel.SRVCRED, type=AuthType.BASIC, name="o", secret=Secret(b"o" * 16))
    both = account(SERVER_ID, other, SERVER_SECRET)
    for name in (None, "hmac-key"):
        message = opened(encrypted(to_secret(name=name)), device(both))
        assert message.steps[11].established.endswith("by AppAuth/srv of account dms (HMAC secret)")


def test_the_secret_of_the_client_opens_nothing() -> None:
    client = replace(SERVER_SECRET, node_name="cli", level=AuthLevel.CLCRED, secret=Secret(b"c" * 16))
    both = account(SERVER_ID, client, SERVER_SECRET)
    assert refusal(encrypted(to_secret(Secret(b"c" * 16))), device(both)).rule is Rule.ENCRYPTION_FAILED


def test_a_secret_is_never_in_a_refusal_or_a_repr() -> None:
    recipient = to_secret()
    shown = f"{recipient!r} {KEY!r} {refusal(encrypted(to_secret(Secret(b'x' * 20))))!r}"
    assert SHARED_SECRET.reveal().decode() not in shown
    assert recipient.wrapping.reveal().hex() not in shown
    assert repr(recipient.wrapping.reveal()) not in shown


def test_opened_data_are_read_as_any_others() -> None:
    message = opened(encrypt_data(MESSAGE, to_secret(), random=os.urandom)).message
    (command,) = message.commands
    assert isinstance(command, ItemCommand)
    assert command.items[0].data == TextData("a <new> name & more")


# Keys


def test_without_any_decryptor_it_is_unsupported() -> None:
    assert refused(signed(encrypted()), verifier(account())).rule is Rule.ENCRYPTED_UNSUPPORTED


def test_no_device_key() -> None:
    error = refusal(encrypted(to_certificate()), device(key=None))
    assert error.rule is Rule.ENCRYPTION_KEY_NONE
    assert error.place == "/SyncML/SyncBody/EncryptedData/KeyInfo/EncryptedKey"
    assert error.accounts == ("dms (DM bootstrap in 7F50/dms)",)


def test_no_shared_secret() -> None:
    server_key = materials.rsa_private()
    certificate = AppAuth(
        node_name="k",
        level=AuthLevel.SRVCRED,
        type=AuthType.X509,
        certificate=materials.certificate_der(server_key),
    )
    with pytest.raises(VerificationError) as caught:
        verify(signed(encrypted(), server_key), device(account(SERVER_ID, certificate)))
    assert caught.value.rule is Rule.ENCRYPTION_KEY_NONE


def test_another_key_name() -> None:
    xml = encrypted(to_certificate())
    assert refusal(xml.replace(b"<KeyName>device<", b"<KeyName>another<")).rule is Rule.ENCRYPTION_KEY_NAME
    nameless = device(key=PrivateDecryptionKey(DEVICE_KEY))
    assert opened(xml.replace(b"<KeyName>device<", b"<KeyName>another<"), nameless).octets == MESSAGE


def test_another_secret_name() -> None:
    assert refusal(encrypted(to_secret(name="another"))).rule is Rule.ENCRYPTION_KEY_NAME


def test_a_key_that_cannot_be_used() -> None:
    error = refusal(encrypted(to_certificate()), device(key=PulledToken()))
    assert (error.rule, error.detail) == (Rule.ENCRYPTION_KEY_UNUSABLE, "the token is gone")


def test_a_device_key_that_is_too_small() -> None:
    small = PrivateDecryptionKey(materials.rsa_private(1024))
    xml = encrypted(to_certificate()).replace(b"<KeyName>device</KeyName>", b"<KeyName>x</KeyName>")
    assert refusal(xml, device(key=small)).rule is Rule.ENCRYPTION_KEY_UNUSABLE


# What does not open: one rule, one text


OTHER_KEY = PrivateDecryptionKey(materials.rsa_private(number=2))
FAILURES = {
    "wrong device key": (
        encrypted(to_certificate()),
        device(key=PrivateDecryptionKey(materials.rsa_private(number=2))),
    ),
    "wrong secret": (encrypted(to_secret(Secret(b"another secret, 32 octets long!!"), None)), device()),
    "wrong secret, PBKDF2": (encrypted(to_password(secret=Secret(b"another"))), device()),
}


def _damaged() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    recipients: list[tuple[str, Recipient]] = [("key", to_certificate()), ("secret", to_secret())]
    for name, recipient in recipients:
        xml = encrypted(recipient)
        key, content = values(xml)
        found |= {
            f"{name}: transported key cut": with_value(xml, 0, key[:-1]),
            f"{name}: transported key longer": with_value(xml, 0, key + b"\0"),
            f"{name}: transported key of one octet": with_value(xml, 0, b"\1"),
            f"{name}: transported key of zeros": with_value(xml, 0, bytes(len(key))),
            f"{name}: transported key of ones": with_value(xml, 0, b"\xff" * len(key)),
            f"{name}: tag cut": with_value(xml, 1, content[:-1]),
            f"{name}: no tag": with_value(xml, 1, content[:-16]),
            f"{name}: nothing but IV": with_value(xml, 1, content[:12]),
            f"{name}: IV and cut tag": with_value(xml, 1, content[:27]),
            f"{name}: one octet": with_value(xml, 1, b"\0"),
            f"{name}: octet behind the tag": with_value(xml, 1, content + b"\0"),
            f"{name}: cipher of another length": xml.replace(b"#aes128-gcm", b"#aes256-gcm"),
        }
    return found


@pytest.mark.parametrize("name", FAILURES)
def test_a_wrong_key(name: str) -> None:
    xml, judge = FAILURES[name]
    assert_failed(refusal(xml, judge))


@pytest.mark.parametrize("xml", _damaged().values(), ids=_damaged().keys())
def test_a_damaged_value(xml: bytes) -> None:
    assert_failed(refusal(xml))


def assert_failed(error: VerificationError) -> None:
    assert error.rule is Rule.ENCRYPTION_FAILED
    assert (error.detail, error.place) == ("it does not open with the key it is for", "/SyncML/SyncBody/EncryptedData")


@pytest.mark.parametrize("change", ["padding", "block", "cut block", "iv", "one block", "garbage"])
def test_cbc_that_does_not_open_is_refused_the_same_way(change: str) -> None:
    xml = encrypted(to_certificate(KeyTransport.RSA_1_5), BlockCipher.AES128_CBC)
    content = bytearray(values(xml)[1])
    match change:
        case "padding":
            content[-17] ^= 0x80
        case "block":
            content[20] ^= 0x01
        case "cut block":
            del content[-1]
        case "iv":
            content[0] ^= 0x04  # the first octet of the plaintext is no longer `<`
        case "one block":
            del content[16:]
        case _:
            content[16:] = b"\x5a" * (len(content) - 16)
    assert_failed(refusal(with_value(xml, 1, bytes(content)), device(policy=LEGACY_POLICY)))


@pytest.mark.parametrize("change", ["padding", "length", "cut", "zeros", "wrong key"])
def test_rsa_1_5_that_does_not_open_is_refused_as_content_that_does_not(change: str) -> None:
    recipient = to_certificate(KeyTransport.RSA_1_5)
    xml = encrypted(recipient, BlockCipher.AES128_CBC)
    key = values(xml)[0]
    judge = device(policy=LEGACY_POLICY)
    match change:
        case "padding":
            key = key[:-1] + bytes([key[-1] ^ 1])
        case "length":
            key = recipient.hand_over(Secret(bytes(24))).ciphertext
        case "cut":
            key = key[1:]
        case "zeros":
            key = bytes(len(key))
        case _:
            judge = device(key=OTHER_KEY, policy=LEGACY_POLICY)
    assert_failed(refusal(with_value(xml, 0, key), judge))


# Bounds


def limited(**bounds: int) -> Policy:
    return replace(Policy.default(), limits=Limits(**bounds))


def test_too_many_parts() -> None:
    commands = b"".join(COMMAND.replace(b"<CmdID>1<", b"<CmdID>%d<" % number) for number in range(1, 4))
    xml = encrypt_commands(body(commands + b"<Final></Final>"), to_secret(), random=os.urandom)
    assert opened(xml, device(policy=limited(encrypted_parts=3))).command_count == 3
    assert refusal(xml, device(policy=limited(encrypted_parts=2))).rule is Rule.ENCRYPTION_TOO_LARGE


def test_too_many_iterations() -> None:
    xml = changed(b"P", b"<IterationCount>1000<", b"<IterationCount>1000001<")
    assert refusal(xml).rule is Rule.ENCRYPTION_TOO_LARGE


def test_iterations_are_counted_for_the_whole_message() -> None:
    one, two = COMMAND, COMMAND.replace(b"<CmdID>1<", b"<CmdID>2<")
    judge = device(policy=limited(pbkdf2_iterations=1999))
    shared = encrypt_commands(body(one + two + b"<Final></Final>"), to_password(), random=os.urandom)
    assert opened(shared, judge).command_count == 2
    apart = body(
        b"".join(part(each, EncryptedType.ELEMENT, recipient=to_password()) for each in (one, two)) + b"<Final></Final>"
    )
    assert refusal(apart, judge).rule is Rule.ENCRYPTION_TOO_LARGE


def test_iterations_are_counted_for_each_secret() -> None:
    other = AppAuth(node_name="o", level=AuthLevel.SRVCRED, type=AuthType.BASIC, secret=Secret(b"o" * 16))
    judge = device(account(SERVER_ID, other, SERVER_SECRET), policy=limited(pbkdf2_iterations=1999))
    assert refusal(encrypted(to_password()), judge).rule is Rule.ENCRYPTION_TOO_LARGE


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (b"K", b"<CipherValue>", b"<CipherValue>" + b"A" * 4000),
        (b"S", b'PartyUInfo="00', b'PartyUInfo="00' + b"AB" * 2000),
        (b"P", b"<Specified>", b"<Specified>" + b"A" * 4000),
    ],
)
def test_too_large_a_value(kind: bytes, before: bytes, after: bytes) -> None:
    assert refusal(changed(kind, before, after)).rule is Rule.ENCRYPTION_TOO_LARGE


def test_content_that_grows_beyond_the_bound_is_refused() -> None:
    xml = MESSAGE.replace(b"a &lt;new&gt; name &amp; more", part(b">" * 3000))
    judge = device(policy=limited(xml_octets=len(xml) + 4000))
    assert refusal(xml, judge).rule is Rule.ENCRYPTION_TOO_LARGE
