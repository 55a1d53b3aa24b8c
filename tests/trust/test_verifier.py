"""The verification order: what is authorized, and which step and rule refuses each other thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from smartcard_dm import wbxml
from smartcard_dm.dm import AppAuth, AuthLevel, AuthType, DmAccount, ServerId
from smartcard_dm.errors import VerificationError
from smartcard_dm.limits import Limits
from smartcard_dm.rules import Rule, Step
from smartcard_dm.secret import Secret
from smartcard_dm.trust.credentials import Credentials, UnusableAccount
from smartcard_dm.trust.points import MessageIdentity, NoDecryption
from smartcard_dm.trust.policy import POLICIES, Policy
from smartcard_dm.trust.transport import OnlyTransports, Transport, TransportKind
from smartcard_dm.trust.verified import VerifiedMessage
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import SignatureAlgorithm, sign_message
from tests import materials
from tests.materials import MESSAGE, NOW, SERVER_ID, SHARED_SECRET, signing
from tests.trust.device import LEGACY, SERVER_SECRET, account, refused, signed, verifier, verify

BODY = MESSAGE[MESSAGE.index(b"<SyncBody>") : MESSAGE.index(b"</SyncML>")]


def test_a_signed_message_of_the_one_account_is_authorized() -> None:
    message = verify(signed())
    assert str(message.server_id) == SERVER_ID
    assert message.account == account()
    assert message.account_name == "dms (DM bootstrap in 7F50/dms)"
    assert message.octets == MESSAGE
    assert message.signature.algorithm is SignatureAlgorithm.HMAC_SHA256
    assert message.signature.key_origin == "AppAuth/srv of account dms (HMAC secret)"
    assert message.transport == Transport.local()
    assert message.at == NOW
    assert len(message.digest) == 32
    assert message.command_count == 1
    assert repr(message) == f"VerifiedMessage(server_id='com.example.dms', octets={len(MESSAGE)})"


def test_every_step_is_passed_in_order_and_says_what_it_established() -> None:
    message = verify(signed())
    assert [passed.step for passed in message.steps] == list(Step)
    assert all(passed.established for passed in message.steps)


def test_commands_are_what_the_verified_octets_say() -> None:
    message = verify(signed())
    assert message.message.header.source == SERVER_ID
    assert [command.kind.value for command in message.message.commands] == ["Replace"]


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_every_wbxml_version_is_taken(version: str) -> None:
    octets = wbxml.from_xml(signed(), version)
    message = verifier(account()).verify(octets, transport=Transport.local(), at=NOW)
    assert message.octets == MESSAGE


def test_step_0_refuses_a_large_message_before_looking_into_it() -> None:
    policy = replace(Policy.default(), limits=Limits(message_octets=100))
    with pytest.raises(VerificationError) as caught:
        verifier(account(), policy=policy).verify(b"\xff" * 101, transport=Transport.local(), at=NOW)
    assert (caught.value.step, caught.value.rule) == (0, Rule.MESSAGE_TOO_LARGE)


def test_step_0_refuses_a_small_message_that_grows() -> None:
    policy = replace(Policy.default(), limits=Limits(xml_octets=500))
    assert refused(signed(), verifier(account(), policy=policy)).rule is Rule.BOUND_EXCEEDED


@pytest.mark.parametrize("octets", [b"", b"\x03", b"<SyncML/>", b"\x02\xa4\x01\x6a\x00\x2d\xff"])
def test_step_1_refuses_what_is_no_wbxml(octets: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        verifier(account()).verify(octets, transport=Transport.local(), at=NOW)
    assert (caught.value.step, caught.value.rule) == (1, Rule.WBXML_MALFORMED)


@pytest.mark.parametrize("octets", [b"\x02\x9f\x53\x6a\x00\x2d", b"\x00\x01\x6a\x00"], ids=["SyncML 1.1", "WBXML 1.0"])
def test_step_1_refuses_what_it_deliberately_does_not_read(octets: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        verifier(account()).verify(octets, transport=Transport.local(), at=NOW)
    assert (caught.value.step, caught.value.rule) == (1, Rule.WBXML_UNSUPPORTED)


def test_step_2_refuses_another_document() -> None:
    tree = b'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD></MgmtTree>'
    error = refused(tree)
    assert (error.step, error.rule) == (2, Rule.SHAPE_ROOT)


def test_step_2_refuses_an_unsigned_message() -> None:
    error = refused(MESSAGE)
    assert (error.step, error.rule) == (2, Rule.SIGNATURE_MISSING)
    assert error.rule.scr == "DM-SM-S-004-M"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("VerDTD", b"<VerDTD>1.2<", b"<VerDTD>1.1<"),
        ("VerProto", b"DM/1.2", b"DM/1.1"),
        ("VerProto", b"DM/1.2", b" DM/1.2"),
    ],
)
def test_step_2_refuses_other_versions(name: str, old: bytes, new: bytes) -> None:
    error = refused(signed(MESSAGE.replace(old, new)))
    assert (error.step, error.rule) == (2, Rule.SHAPE_VERSION)
    assert error.place == f"/SyncML/SyncHdr/{name}"


def test_step_2_refuses_a_header_without_or_with_two_versions() -> None:
    field = b"<VerDTD>1.2</VerDTD>"
    assert refused(signed(MESSAGE.replace(field, b""))).rule is Rule.SHAPE_HEADER
    assert refused(signed(MESSAGE.replace(field, field + field))).rule is Rule.SHAPE_HEADER


def stating(version: str) -> bytes:
    meta = f'<Meta><EMI xmlns="syncml:metinf">{version}</EMI></Meta></SyncHdr>'
    return MESSAGE.replace(b"</SyncHdr>", meta.encode())


def test_step_2_holds_the_encoding_a_message_states() -> None:
    judge = verifier(account())
    xml = signed(stating("WBXML/1.2"))
    assert judge.verify(wbxml.from_xml(xml, "1.2"), transport=Transport.local(), at=NOW)
    with pytest.raises(VerificationError) as caught:
        judge.verify(wbxml.from_xml(xml, "1.3"), transport=Transport.local(), at=NOW)
    assert (caught.value.step, caught.value.rule) == (2, Rule.SHAPE_ENCODING)
    assert caught.value.place == "/SyncML/SyncHdr/Meta/EMI"


def test_the_encoding_is_held_inside_a_metinf_too() -> None:
    inner = b'<MetInf xmlns="syncml:metinf"><EMI>WBXML/1.3</EMI></MetInf>'
    wrapped = stating("x").replace(b'<EMI xmlns="syncml:metinf">x</EMI>', inner)
    assert inner in wrapped
    assert refused(signed(wrapped)).rule is Rule.SHAPE_ENCODING


@pytest.mark.parametrize("name", ["SessionID", "MsgID"])
def test_step_2_wants_session_and_message_named(name: str) -> None:
    value = "7" if name == "SessionID" else "1"
    field = f"<{name}>{value}</{name}>".encode()
    assert refused(signed(MESSAGE.replace(field, b""))).rule is Rule.SHAPE_HEADER
    assert refused(signed(MESSAGE.replace(field, f"<{name}></{name}>".encode()))).rule is Rule.SHAPE_HEADER


def test_step_2_knows_the_white_space_of_xml_only() -> None:
    spaced = MESSAGE.replace(b"<SyncBody>", "\u00a0<SyncBody>".encode())
    assert refused(signed(spaced)).rule is Rule.SHAPE_ORDER


def test_step_5_tells_of_a_key_that_may_not_sign_beside_one_that_may() -> None:
    certificate = materials.certificate_der(materials.ec_private(), not_after=NOW - timedelta(hours=1))
    expired = AppAuth(node_name="x", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=certificate)
    broken = AppAuth(node_name="b", level=AuthLevel.SRVCRED, type=AuthType.HMAC)
    message = verify(signed(), verifier(account(SERVER_ID, SERVER_SECRET, expired, broken)))
    established = message.steps[Step.KEYS].established
    assert "AppAuth/srv" in established
    assert "not valid at 2026-07-01T12:00:00Z: AppAuth/x" in established
    assert "AppAuth/b" in established


def test_an_extension_that_states_no_encoding_is_left_alone() -> None:
    assert verify(signed(stating("something else")))


@pytest.mark.parametrize(
    "field",
    [b"<LocURI></LocURI>", b"<LocURI>two words</LocURI>", b"<LocURI>a+b</LocURI>", b"<LocName>x</LocName>", b""],
    ids=["empty", "white space", "reserved character", "other element", "nothing"],
)
def test_step_3_refuses_what_is_no_server_id(field: bytes) -> None:
    error = refused(signed(MESSAGE.replace(f"<LocURI>{SERVER_ID}</LocURI>".encode(), field)))
    assert (error.step, error.rule) == (3, Rule.SERVER_ID_MISSING)
    assert error.rule.scr == "DM-SM-S-003-M"


def test_step_3_wants_the_server_id_as_text_and_once() -> None:
    source = f"<Source><LocURI>{SERVER_ID}</LocURI></Source>".encode()
    assert refused(signed(MESSAGE.replace(source, source + source))).rule is Rule.SERVER_ID_MISSING
    nested = source.replace(b"</LocURI>", b"<LocName></LocName></LocURI>")
    assert refused(signed(MESSAGE.replace(source, nested))).rule is Rule.SERVER_ID_MISSING


def test_step_4_refuses_an_unknown_server_and_names_the_known_ones() -> None:
    error = refused(signed(), verifier(account("com.example.other")))
    assert (error.step, error.rule) == (4, Rule.ACCOUNT_UNKNOWN)
    assert "com.example.other" in error.detail
    assert error.server_id == SERVER_ID
    assert "none" in refused(signed(), verifier()).detail


def test_step_4_compares_exactly() -> None:
    assert refused(signed(), verifier(account(SERVER_ID.upper()))).rule is Rule.ACCOUNT_UNKNOWN
    assert refused(signed(), verifier(account(f"{SERVER_ID}.net"))).rule is Rule.ACCOUNT_UNKNOWN


def test_step_4_refuses_when_two_accounts_have_the_server_id_and_lists_both() -> None:
    error = refused(signed(), verifier(account(), account(node_name="copy")))
    assert (error.step, error.rule) == (4, Rule.ACCOUNT_SEVERAL)
    assert error.accounts == ("dms (DM bootstrap in 7F50/dms)", "copy (DM bootstrap in 7F50/copy)")
    assert error.rule.scr == "DM-SM-C-004-M"


def with_unusable(*unusable: UnusableAccount, accounts: tuple[DmAccount, ...] = ()) -> Verifier:
    return Verifier(Credentials(None, accounts, (), unusable=unusable), policy=Policy.default())


SPOILT = UnusableAccount(ServerId(SERVER_ID), "./DMAcc/spoilt", "AppID is missing")


def test_step_4_refuses_when_the_one_account_cannot_be_read_and_says_why() -> None:
    error = refused(signed(), with_unusable(SPOILT))
    assert (error.step, error.rule) == (4, Rule.ACCOUNT_UNUSABLE)
    assert error.detail == (
        "the account ./DMAcc/spoilt has the ServerID com.example.dms and cannot be read: AppID is missing"
    )
    assert (error.server_id, error.accounts) == (SERVER_ID, ("./DMAcc/spoilt",))
    assert (error.clause, error.rule.scr) == (Rule.ACCOUNT_UNKNOWN.clause, "DM-SM-C-004-M")


def test_step_4_counts_an_account_that_cannot_be_read() -> None:
    error = refused(signed(), with_unusable(SPOILT, accounts=(account(),)))
    assert (error.step, error.rule) == (4, Rule.ACCOUNT_SEVERAL)
    assert error.accounts == ("dms (DM bootstrap in 7F50/dms)", "./DMAcc/spoilt")
    assert "2 accounts" in error.detail
    error = refused(signed(), with_unusable(SPOILT, replace(SPOILT, name="./DMAcc/other")))
    assert (error.rule, error.accounts) == (Rule.ACCOUNT_SEVERAL, ("./DMAcc/spoilt", "./DMAcc/other"))


def test_an_unreadable_account_of_another_server_does_not_disturb() -> None:
    other = replace(SPOILT, server_id=ServerId("com.example.other"))
    assert verify(signed(), with_unusable(other, accounts=(account(),)))
    error = refused(signed(), with_unusable(other, accounts=(account("com.example.third"),)))
    assert error.rule is Rule.ACCOUNT_UNKNOWN
    assert error.detail.endswith("this device knows com.example.other, com.example.third")


def test_another_account_does_not_disturb() -> None:
    assert verify(signed(), verifier(account("com.example.other", node_name="other"), account()))


def test_step_5_needs_a_key_of_the_account() -> None:
    client_only = AppAuth(node_name="c", level=AuthLevel.CLCRED, type=AuthType.HMAC, secret=SHARED_SECRET)
    error = refused(signed(), verifier(account(SERVER_ID, client_only)))
    assert (error.step, error.rule) == (5, Rule.KEY_NONE)
    assert error.accounts == ("dms (DM bootstrap in 7F50/dms)",)


def test_step_5_says_why_a_key_cannot_be_used() -> None:
    broken = AppAuth(node_name="x", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=b"no certificate")
    error = refused(signed(), verifier(account(SERVER_ID, broken)))
    assert (error.step, error.rule) == (5, Rule.KEY_UNUSABLE)
    assert "AppAuth/x" in error.detail


def test_step_5_holds_the_validity_of_a_certificate() -> None:
    key = materials.ec_private()
    certificate = materials.certificate_der(key, not_after=NOW)
    judge = verifier(
        account(SERVER_ID, AppAuth(node_name="x", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=certificate))
    )
    octets = wbxml.from_xml(signed(key=key))
    assert judge.verify(octets, transport=Transport.local(), at=NOW)
    with pytest.raises(VerificationError) as caught:
        judge.verify(octets, transport=Transport.local(), at=NOW + timedelta(seconds=1))
    assert (caught.value.step, caught.value.rule) == (5, Rule.KEY_NOT_VALID_NOW)


def test_step_6_refuses_sha1_and_the_legacy_policy_takes_it() -> None:
    xml = sign_message(MESSAGE, signing(SHARED_SECRET), LEGACY, algorithm=SignatureAlgorithm.HMAC_SHA1)
    assert refused(xml).rule is Rule.SIGNATURE_METHOD
    assert verify(xml, verifier(account(), policy=Policy.oma_1_2_legacy()))


def test_step_6_refuses_a_public_key_used_as_hmac_secret() -> None:
    key = materials.rsa_private()
    certificate = materials.certificate_der(key)
    auth = AppAuth(node_name="x", level=AuthLevel.SRVCRED, type=AuthType.X509, certificate=certificate)
    forged = signed(key=Secret(certificate))
    assert refused(forged, verifier(account(SERVER_ID, auth))).rule is Rule.KEY_FAMILY
    forged = signed(key=Secret(materials.public_der(key)))
    assert refused(forged, verifier(account(SERVER_ID, auth))).rule is Rule.KEY_FAMILY


def test_step_7_refuses_a_stranger() -> None:
    error = refused(signed(key=Secret(b"another shared secret")))
    assert (error.step, error.rule) == (7, Rule.SIGNATURE_VALUE)


def test_step_8_refuses_a_changed_message() -> None:
    error = refused(signed().replace(b"./DMAcc/dms/Name", b"./DMAcc/dms/Nome"))
    assert (error.step, error.rule) == (8, Rule.DIGEST_VALUE)
    assert error.clause == "OMA-TS-DM_Sessionless 5.5"


@pytest.mark.parametrize(
    ("transport", "word", "rule"),
    [
        (Transport.proved(TransportKind.HTTP, "TLS 1.3"), "found http", Rule.TRANSPORT_KIND),
        (Transport.proved(TransportKind.WAP, "NETWPIN"), "found wap", Rule.TRANSPORT_KIND),
        (Transport.unproved(TransportKind.SIP, Rule.SIP_NO_TLS, "TCP"), "found sip", Rule.TRANSPORT_KIND),
        (Transport(TransportKind.LOCAL, secured=False, evidence="no idea"), "not employed", Rule.TRANSPORT_UNSECURED),
    ],
    ids=["http", "wap", "sip", "unsecured"],
)
def test_step_9_takes_local_messages_only_by_default(transport: Transport, word: str, rule: Rule) -> None:
    with pytest.raises(VerificationError, match=word) as caught:
        verifier(account()).verify(wbxml.from_xml(signed()), transport=transport, at=NOW)
    assert (caught.value.step, caught.value.rule) == (9, rule)
    assert caught.value.rule.scr == "DM-SM-S-005-M"


@pytest.mark.parametrize(
    "rule",
    [rule for rule in Rule if rule.step == 9 and rule is not Rule.TRANSPORT_KIND],
    ids=lambda rule: rule.identifier,
)
def test_step_9_refuses_an_unproved_transport_by_the_rule_its_record_names(rule: Rule) -> None:
    parts = rule.identifier.split(".")
    kind = TransportKind(parts[1]) if len(parts) == 3 else TransportKind.LOCAL
    judge = verifier(account(), policy=Policy.default().over(kind))
    with pytest.raises(VerificationError, match="nobody answers for it") as caught:
        judge.verify(
            wbxml.from_xml(signed()), transport=Transport.unproved(kind, rule, "nobody answers for it"), at=NOW
        )
    assert (caught.value.step, caught.value.rule, caught.value.rule.scr) == (9, rule, "DM-SM-S-005-M")


def test_a_transport_record_names_no_other_rule() -> None:
    with pytest.raises(ValueError, match=r"signature\.value is no rule about transports"):
        Transport.unproved(TransportKind.WAP, Rule.SIGNATURE_VALUE, "")


def test_a_transport_policy_may_name_others_but_not_none() -> None:
    policy = Policy.default().over(TransportKind.HTTP)
    judge = verifier(account(), policy=policy)
    tls = Transport(TransportKind.HTTP, secured=True, evidence="TLS 1.3")
    assert judge.verify(wbxml.from_xml(signed()), transport=tls, at=NOW).transport == tls
    with pytest.raises(ValueError, match="at least one"):
        OnlyTransports(frozenset())


class RememberOnce:
    """Refuses a digest it has seen."""

    def __init__(self) -> None:
        self.seen: list[MessageIdentity] = []

    def check(self, message: MessageIdentity, at: datetime) -> str:
        assert at == NOW
        if message.digest in [earlier.digest for earlier in self.seen]:
            raise VerificationError(Rule.REPLAYED, "seen before")
        self.seen.append(message)
        return "not seen before"


def test_step_10_asks_the_replay_guard_only_about_what_was_verified() -> None:
    guard = RememberOnce()
    judge = Verifier(Credentials(None, (account(),), ()), policy=Policy.default(), replay=guard)
    refused(signed(key=Secret(b"another shared secret")), judge)
    assert guard.seen == []
    first = verify(signed(), judge)
    assert [(str(seen.server_id), seen.session_id, seen.msg_id, seen.digest) for seen in guard.seen] == [
        (SERVER_ID, "7", "1", first.digest)
    ]
    error = refused(signed(), judge)
    assert (error.step, error.rule) == (10, Rule.REPLAYED)


def test_step_11_refuses_an_encrypted_message_as_unsupported() -> None:
    encrypted = BODY[: BODY.index(b"<Replace>")] + (
        b'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"></EncryptedData></SyncBody>'
    )
    error = refused(signed(MESSAGE.replace(BODY, encrypted)))
    assert (error.step, error.rule) == (11, Rule.ENCRYPTED_UNSUPPORTED)


def test_step_11_is_not_misled_by_text_that_looks_encrypted() -> None:
    text = b'&lt;EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"&gt;'
    assert verify(signed(MESSAGE.replace(b"a &lt;new", text)))


def test_step_12_refuses_commands_no_device_could_process() -> None:
    message = verify(signed(MESSAGE.replace(b"<CmdID>1</CmdID>", b"")))
    for _ in range(2):
        with pytest.raises(VerificationError) as caught:
            assert message.message
        assert (caught.value.step, caught.value.rule) == (12, Rule.COMMANDS_MALFORMED)
        assert caught.value.server_id == SERVER_ID
        assert caught.value.accounts == ("dms (DM bootstrap in 7F50/dms)",)


def test_commands_are_read_once() -> None:
    message = verify(signed())
    assert message.message is message.message


def test_step_12_refuses_octets_that_name_another_server() -> None:
    class Swapping(NoDecryption):
        def decrypt(self, octets: bytes, account: DmAccount, policy: Policy) -> tuple[bytes, str]:
            super().decrypt(octets, account, policy)
            return octets.replace(SERVER_ID.encode(), b"com.example.other"), "swapped"

    judge = Verifier(Credentials(None, (account(),), ()), policy=Policy.default(), decryptor=Swapping())
    with pytest.raises(VerificationError) as caught:
        assert verify(signed(), judge).message
    assert caught.value.rule is Rule.COMMANDS_MALFORMED


def test_a_moment_without_time_zone_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="time zone"):
        verifier(account()).verify(b"", transport=Transport.local(), at=NOW.replace(tzinfo=None))


def test_nobody_else_builds_a_verified_message() -> None:
    message = verify(signed())
    with pytest.raises(TypeError, match="only the verifier"):
        VerifiedMessage(
            object(),
            account=message.account,
            read=lambda: message.message,
            judge=lambda _: (),
            octets=message.octets,
            digest=message.digest,
            signature=message.signature,
            transport=message.transport,
            at=message.at,
            steps=message.steps,
        )


def test_a_verified_message_cannot_be_changed() -> None:
    message = verify(signed())
    with pytest.raises(AttributeError):
        setattr(message, "octets", b"")  # noqa: B010 - the plain assignment is what the type checker forbids


def test_policies_have_names() -> None:
    assert {name: policy().name for name, policy in POLICIES.items()} == {
        "default": "default",
        "oma_1_2_legacy": "oma_1_2_legacy",
    }
