"""Generators of card content: what they make is read back by the card's reader, what is wrong is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smartcard_dm.card.directory import MASTER, Directory
from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import AddrType, AuthLevel, AuthType, parse_provisioning_document
from smartcard_dm.iso7816 import AID, parse_dir_record
from smartcard_dm.personalise import GENERATORS
from smartcard_dm.pkcs15 import (
    DataObjectKind,
    DirectoryKind,
    DirectValue,
    IndirectPath,
    InPlaceObjects,
    PinFlag,
    PublicKeyKind,
    parse_aodf,
    parse_cdf,
    parse_dodf,
    parse_odf,
    parse_pukdf,
    parse_token_info,
)
from smartcard_dm.trust.anchors import AnchorKind
from tests.card.cards import ATR, FIXTURES, PROFILE, usim
from tests.materials import certificate_der, ec_private, public_der, rsa_private
from vendor_pcsc.errors import ProfileError
from vendor_pcsc.virtual import VirtualCard, VirtualConnection, load_profile

if TYPE_CHECKING:
    from pathlib import Path

KEYS = FIXTURES / "keys"
SECRET = "a secret that is never shown"


def profile_text(content: str) -> str:
    """Return the profile of a card with one file."""
    return f"""
profile: 1
name: one file
generation: uicc
atr: {ATR}
protocol: t1
access: {{public: {{read: always, update: never}}}}
files:
  - {{ef: 2F10, access: public, content: {content}}}
"""


def made(content: str, base: Path = FIXTURES) -> bytes:
    """Return the octets of a content as a card gives them."""
    profile = load_profile(profile_text(content), generators=GENERATORS, base=base)
    with CardSession(VirtualConnection(VirtualCard(profile))) as card:
        return card.files.read(MASTER, (0x2F10,))


def fault(content: str, base: Path = FIXTURES) -> str:
    """Return why a content is refused."""
    with pytest.raises(ProfileError) as caught:
        load_profile(profile_text(content), generators=GENERATORS, base=base)
    assert caught.value.place.startswith("files[0].content")
    return str(caught.value)


def test_a_record_of_ef_dir_is_read_back() -> None:
    found = parse_dir_record(
        made(
            f"{{application_template: {{aid: {AID.PKCS15.hex()}, label: PKCS-15, path: 3F007F50, odf_path: '5031', "
            "token_info_path: '5032'}}"
        )
    )
    assert found is not None
    assert found.path is not None
    assert found.locations is not None
    assert (found.application, found.label, str(found.path)) == (AID.PKCS15, "PKCS-15", "3F007F50")
    assert (str(found.locations.odf_path), str(found.locations.token_info_path)) == ("5031", "5032")


def test_an_odf_is_read_back_with_paths_and_objects_in_place() -> None:
    odf = parse_odf(
        made('{odf: [{data_objects: "6430"}, {trusted_certificates: 3F007F506440}, {auth_objects: {aodf: []}}]}')
    )
    assert [entry.kind for entry in odf.entries] == [
        DirectoryKind.DATA_OBJECTS,
        DirectoryKind.TRUSTED_CERTIFICATES,
        DirectoryKind.AUTH_OBJECTS,
    ]
    assert [str(entry.reference) for entry in odf.entries[:2]] == ["6430", "3F007F506440"]
    assert odf.entries[2].reference == InPlaceObjects(())


def test_data_objects_are_read_back_with_every_key() -> None:
    entries = (
        (
            '{oid: 2.23.43.7.1, label: DM, application_name: name, private: "true", modifiable: "true", auth_id: "01", '
            'path: "6431", index: "4", length: "10", twice: "true"}'
        ),
        "{kind: opaque, application_oid: 2.23.43.5.1, direct: {hex: '0500'}}",
        '{kind: external, application_name: x, path: "6433"}',
    )
    first, second, third = parse_dodf(made(f"{{dodf: [{', '.join(entries)}]}}"))
    assert (first.kind, first.oid, first.label, first.application_name) == (
        DataObjectKind.OID,
        "2.23.43.7.1",
        "DM",
        "name",
    )
    assert (first.private, first.modifiable, first.auth_id, first.oid_twice_encoded) == (True, True, b"\x01", True)
    assert isinstance(first.value, IndirectPath)
    assert str(first.value.path) == "6431[4+10]"
    assert (second.kind, second.oid, second.value) == (DataObjectKind.OPAQUE, "2.23.43.5.1", DirectValue(b"\x05\x00"))
    assert (third.kind, third.private) == (DataObjectKind.EXTERNAL, False)


def test_certificate_objects_are_read_back() -> None:
    entry = '{label: server, id: "0A", authority: "true", implicit_trust: "true", private: "true", path: "6441"}'
    [found] = parse_cdf(made(f"{{cdf: [{entry}]}}"))
    assert (found.label, found.id, found.authority, found.implicit_trust, found.private) == (
        "server",
        b"\x0a",
        True,
        True,
        True,
    )


def test_key_objects_are_read_back() -> None:
    entries = '{id: "01", path: "6461"}', '{kind: rsa, label: r, id: "02", modulus_length: "2048", path: "6462"}'
    first, second = parse_pukdf(made(f"{{pukdf: [{', '.join(entries)}]}}"))
    assert (first.kind, first.id, first.usage) == (PublicKeyKind.EC, b"\x01", frozenset({6}))
    assert (second.kind, second.label, second.modulus_length) == (PublicKeyKind.RSA, "r", 2048)


def test_pins_are_read_back_with_the_usual_lengths_and_with_others() -> None:
    entries = (
        '{label: PIN, auth_id: "01", reference: "01"}',
        '{auth_id: "02", reference: "81", min_length: "0", stored_length: "16", max_length: "12"}',
    )
    first, second = parse_aodf(made(f"{{aodf: [{', '.join(entries)}]}}"))
    assert (first.label, first.pin_id, first.reference) == ("PIN", b"\x01", 1)
    assert (first.min_length, first.stored_length, first.max_length) == (4, 8, None)
    assert first.has(PinFlag.NEEDS_PADDING)
    assert (second.reference, second.min_length, second.stored_length, second.max_length) == (0x81, 0, 16, 12)


def test_token_info_is_read_back() -> None:
    found = parse_token_info(
        made('{token_info: {serial: "0001", manufacturer: Example, label: DM, last_update: 20260101000000Z}}')
    )
    assert (found.serial_number, found.manufacturer, found.label, found.last_update) == (
        b"\x00\x01",
        "Example",
        "DM",
        "20260101000000Z",
    )


def test_a_certificate_is_taken_from_a_file_or_from_text() -> None:
    pem = (KEYS / "dms-rsa-cert.pem").read_text()
    expected = made("{certificate: {file: keys/dms-rsa-cert.pem}}")
    assert made(f"{{certificate: {{pem: {pem!r}}}}}".replace("'", '"')) == expected
    assert expected[:1] == b"\x30"


def test_a_certificate_and_its_key_are_taken_from_der_too(tmp_path: Path) -> None:
    der = certificate_der(rsa_private())
    (tmp_path / "cert.der").write_bytes(der)
    assert made("{certificate: {file: cert.der}}", tmp_path) == der
    assert made("{public_key: {file: cert.der}}", tmp_path) == public_der(rsa_private())


def accounts_profile(bootstrap: str) -> str:
    begin = PROFILE.index("{dm_bootstrap:")
    end = PROFILE.index("}\n", begin)
    return PROFILE[:begin] + f"{{dm_bootstrap: {bootstrap}}}" + PROFILE[end:]


@pytest.mark.parametrize("embedding", ["wbxml", "xml", "inline"])
@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
def test_accounts_are_read_back_in_every_form(embedding: str, version: str) -> None:
    account = (
        "{node_name: dms, server_id: com.example.dms, name: Example, auth_pref: DIGEST, "
        'addresses: [{addr: "192.0.2.1", addr_type: IPv4, ports: ["443"]}], '
        f"auth: [{{level: SRVCRED, type: HMAC, name: com.example.dms, secret: {SECRET}}}, "
        "{level: SRVCRED, type: X509, certificate: {file: keys/backup-ec-cert.pem}}]}"
    )
    text = accounts_profile(
        f"{{wbxml_version: {version}, embedding: {embedding}, session_id: '7', msg_id: '8', accounts: [{account}]}}"
    )
    profile = load_profile(text, generators=GENERATORS, base=FIXTURES)
    with CardSession(VirtualConnection(VirtualCard(profile))) as card:
        [found] = read_credentials(card).accounts
    assert (str(found.server_id), found.name, found.auth_pref) == ("com.example.dms", "Example", AuthType.DIGEST)
    assert (found.addresses[0].addr_type, found.addresses[0].ports) == (AddrType.IPV4, (443,))
    shared, signed = found.auth
    assert (shared.level, shared.type) == (AuthLevel.SRVCRED, AuthType.HMAC)
    assert shared.secret is not None
    assert shared.secret.reveal() == SECRET.encode()
    assert signed.certificate == made("{certificate: {file: keys/backup-ec-cert.pem}}")


def test_a_whole_message_is_taken_from_a_file(tmp_path: Path) -> None:
    xml = (
        "<SyncML xmlns='SYNCML:SYNCML1.2'><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
        "<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>./</LocURI></Target>"
        "<Source><LocURI>com.example</LocURI></Source></SyncHdr><SyncBody>"
        "<Alert><CmdID>1</CmdID><Data>1200</Data></Alert><Final/></SyncBody></SyncML>"
    )
    (tmp_path / "message.xml").write_text(xml)
    text = accounts_profile("{xml: message.xml}")
    profile = load_profile(text, generators=GENERATORS, base=tmp_path)
    with CardSession(VirtualConnection(VirtualCard(profile))) as card:
        assert read_credentials(card).accounts == ()


def test_the_card_that_users_meet_first_is_read_back_whole() -> None:
    with CardSession(VirtualConnection(VirtualCard(usim()))) as card:
        found = read_credentials(card)
        home = card.provisioning
        assert home.token_info.manufacturer == "Example"
        assert len(home.auth_objects) == 1
        assert card.files.read(Directory(b"", (0x7F50,)), (0x6441,)) == found.anchors[0].der
    assert [str(account.server_id) for account in found.accounts] == ["com.example.dms", "com.example.backup"]
    assert [anchor.kind for anchor in found.anchors] == [AnchorKind.CERTIFICATE]


AID_TEXT = AID.PKCS15.hex()
DM_OID = "oid: 2.23.43.7.1"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{application_template: []}", "wanted a mapping"),
        ("{application_template: {label: x}}", "'aid' is missing"),
        ("{application_template: {aid: xyz}}", "aid: wanted pairs of hexadecimal digits"),
        ("{application_template: {aid: ''}}", "application identifier"),
        ("{application_template: {aid: [A0]}}", "aid: wanted text"),
        (f"{{application_template: {{aid: {AID_TEXT}, path: 3F}}}}", "a path is made of file identifiers"),
        (f"{{application_template: {{aid: {AID_TEXT}, path: 7F5}}}}", "path: wanted pairs"),
        (f"{{application_template: {{aid: {AID_TEXT}, odf_path: {'7F50' * 5}}}}}", r"Limits.path_octets"),
        (f"{{application_template: {{aid: {AID_TEXT}, colour: red}}}}", "unknown key 'colour'"),
        ("{odf: {data_objects: '6430'}}", "wanted a list of mappings"),
        ("{odf: [data_objects]}", "entry 0: wanted a mapping"),
        ("{odf: [{data_objects: '6430'}, {other: '6430'}]}", "entry 1: wanted one of private_keys"),
        ("{odf: [{data_objects: '64'}]}", "a path is made of"),
        ("{odf: [{data_objects: 'xy'}]}", "path 'xy': wanted hexadecimal file identifiers"),
        ("{odf: [{data_objects: ''}]}", "a path names at least one file"),
        ("{odf: [{data_objects: {nothing: x}}]}", "unknown generator 'nothing'"),
        ("{odf: [{data_objects: '6430', more: x}]}", "entry 0: unknown key 'more'"),
        ("{odf: [{data_objects: [x]}]}", "wanted one generator"),
        ("{dodf: [{path: '6431'}]}", "'oid' is missing"),
        ("{dodf: [{oid: 9.9, path: '6431'}]}", "no object identifier"),
        ("{dodf: [{oid: abc, path: '6431'}]}", "an object identifier is numbers"),
        (f"{{dodf: [{{{DM_OID}}}]}}", "'path' is missing"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', kind: other}}]}}", "kind: wanted one of opaque, external, oid"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', private: 'yes'}}]}}", "private: wanted true or false"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', index: '1'}}]}}", "index and length come together"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', index: -1, length: '1'}}]}}", "index: wanted a decimal number"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', index: '1', length: {'9' * 5000}}}]}}", "length: wanted a decimal"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', index: '1', length: '70000'}}]}}", "length is 0 to 65535"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', direct: {{hex: '00'}}}}]}}", "unknown key 'path'"),
        (f"{{dodf: [{{{DM_OID}, direct: {{hex: xx}}}}]}}", "pairs of hexadecimal digits"),
        (f"{{dodf: [{{{DM_OID}, path: '6431', auth_id: x}}]}}", "auth_id: wanted pairs"),
        (f"{{dodf: [{{{DM_OID}, path: {'7F50' * 6}}}]}}", "Limits.path_octets"),
        (f"{{dodf: [{', '.join([f'{{{DM_OID}, path: 6431}}'] * 65)}]}}", "Limits.directory_objects"),
        ("{dodf: [{kind: opaque, oid: 2.23.43.7.1, path: '6431'}]}", "unknown key 'oid'"),
        ("{cdf: [{label: x, path: '6441'}]}", "'id' is missing"),
        ("{cdf: [{id: '01', authority: maybe, path: '6441'}]}", "authority: wanted true or false"),
        ("{pukdf: [{kind: ed, id: '01', path: '6461'}]}", "kind: wanted one of rsa, ec"),
        ("{pukdf: [{kind: ec, modulus_length: '2048', id: '01', path: '6461'}]}", "only an RSA key"),
        ("{aodf: [{auth_id: '01', reference: '0101'}]}", "reference: wanted one octet"),
        ("{aodf: [{auth_id: '01', reference: '01', min_length: four}]}", "min_length: wanted a decimal number"),
        ("{aodf: [{auth_id: '01', reference: '01', stored_length: '300'}]}", "storedLength"),
        ("{token_info: {serial: xyz}}", "serial: wanted pairs"),
        ("{token_info: {last_update: yesterday}}", "lastUpdate"),
        ("{token_info: {colour: red}}", "unknown key 'colour'"),
        ("{certificate: {file: keys/nothing.pem}}", "there is no file 'keys/nothing.pem'"),
        ("{certificate: {file: cards/usim.yaml}}", "not an X.509 certificate"),
        ("{certificate: {pem: hello}}", "not an X.509 certificate"),
        ("{certificate: {}}", "'file' is missing"),
        ("{certificate: {file: keys/dms-rsa-cert.pem, pem: x}}", "unknown key 'file'"),
        ("{public_key: {file: keys/dms-rsa.pem}}", "not an X.509 certificate"),
        ("{dm_bootstrap: {}}", "'accounts' is missing"),
        ("{dm_bootstrap: {accounts: x}}", "accounts: wanted a list"),
        ("{dm_bootstrap: {accounts: []}}", "at least one account"),
        ("{dm_bootstrap: {accounts: [x]}}", "accounts: wanted a list of mappings"),
        ("{dm_bootstrap: {accounts: [{server_id: a}]}}", "accounts[0]"),
        ("{dm_bootstrap: {xml: keys/dms-rsa-cert.pem}}", "XML"),
        ("{dm_bootstrap: {xml: keys/none.xml}}", "there is no file"),
    ],
)
def test_a_wrong_description_is_refused_with_place_and_key(content: str, told: str) -> None:
    assert told in fault(content)


ACCOUNT = (
    f"server_id: a, addresses: [{{addr: 'https://a.example'}}], auth: [{{level: SRVCRED, type: HMAC, secret: {SECRET}"
)


@pytest.mark.parametrize(
    ("bootstrap", "told"),
    [
        (f"{{accounts: [{{{ACCOUNT}, colour: red}}]}}]}}", "colour"),
        (f"{{accounts: [{{{ACCOUNT}, data: '***'}}]}}]}}", "data"),
        (f"{{accounts: [{{{ACCOUNT}}}], auth_pref: X}}]}}", "auth_pref"),
        (f"{{accounts: [{{{ACCOUNT}}}], colour: red}}]}}", "colour"),
        (f"{{wbxml_version: '9', accounts: [{{{ACCOUNT}}}]}}]}}", "wbxml_version"),
        (f"{{embedding: paper, accounts: [{{{ACCOUNT}}}]}}]}}", "embedding: wanted one of xml, wbxml, inline"),
        (f"{{colour: red, accounts: [{{{ACCOUNT}}}]}}]}}", "unknown key 'colour'"),
        (f"{{accounts: [{{{ACCOUNT}}}, {{level: SRVCRED, type: X509, certificate: {{file: none}}}}]}}]}}", "no file"),
        (f"{{accounts: [{{{ACCOUNT}}}, {{level: SRVCRED, type: X509, certificate: {{pem: none}}}}]}}]}}", "X.509"),
        (f"{{accounts: [{{{ACCOUNT}}}, wrong]}}]}}", "auth"),
        (f'{{msg_id: "\\x01", accounts: [{{{ACCOUNT}}}]}}]}}', "XML"),
        (f"{{session_id: '', accounts: [{{{ACCOUNT}}}]}}]}}", "SessionID"),
    ],
)
def test_a_wrong_account_is_refused_without_a_word_of_its_secret(bootstrap: str, told: str) -> None:
    text = fault(f"{{dm_bootstrap: {bootstrap}}}")
    assert told in text
    assert SECRET not in text


def test_a_secret_with_characters_that_no_message_can_hold_is_not_shown() -> None:
    secret = f'"{SECRET}\\x07"'
    account = ACCOUNT.replace(f"secret: {SECRET}", f"secret: {secret}")
    text = fault(f"{{dm_bootstrap: {{accounts: [{{{account}}}]}}]}}}}")
    assert "secret" in text
    assert SECRET not in text


def test_credentials_that_are_no_list_are_refused() -> None:
    account = "{server_id: a, addresses: [{addr: 'https://a.example'}], auth: x}"
    assert "auth" in fault(f"{{dm_bootstrap: {{accounts: [{account}]}}}}")


def test_a_certificate_of_an_unknown_version_is_refused(tmp_path: Path) -> None:
    der = certificate_der(ec_private())
    at = der.index(b"\xa0\x03\x02\x01\x02") + 4
    (tmp_path / "odd.der").write_bytes(der[:at] + b"\x07" + der[at + 1 :])
    assert "not an X.509 certificate" in fault("{certificate: {file: odd.der}}", tmp_path)


def test_a_certificate_with_a_key_that_nobody_knows_has_no_public_key(tmp_path: Path) -> None:
    der = certificate_der(ec_private())
    algorithm = bytes.fromhex("06072A8648CE3D0201")
    assert algorithm in der
    (tmp_path / "odd.der").write_bytes(der.replace(algorithm, bytes.fromhex("06072A8648CE3D027F")))
    assert "key cannot be used" in fault("{public_key: {file: odd.der}}", tmp_path)


CP = "{version: '1.1', characteristics: [{type: NAPDEF, parms: {NAPID: NAP1}}]}"


def test_client_provisioning_is_read_back() -> None:
    octets = made(f"{{cp_bootstrap: {CP}}}")
    assert octets[0] == 0x03
    document = parse_provisioning_document(octets)
    assert (document.version, [one.type for one in document.characteristics]) == ("1.1", ["NAPDEF"])
    older = made(f"{{cp_bootstrap: {CP[:-1]}, wbxml_version: '1.2'}}}}")
    assert (older[0], parse_provisioning_document(older)) == (0x02, document)


def test_client_provisioning_is_read_from_a_file(tmp_path: Path) -> None:
    xml = b"<wap-provisioningdoc><characteristic type='NAPDEF'><parm name='NAPID' value='N'/></characteristic>"
    (tmp_path / "cp.xml").write_bytes(xml + b"</wap-provisioningdoc>")
    octets = made("{cp_bootstrap: {xml: cp.xml}}", tmp_path)
    assert parse_provisioning_document(octets).characteristics[0].parms[0].value == "N"
    assert "unknown key 'version'" in fault("{cp_bootstrap: {xml: cp.xml, version: '1.1'}}", tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{}", "characteristics"),
        ("{characteristics: x}", "not a list"),
        ("{characteristics: [], surplus: x}", "surplus"),
        ("{characteristics: [], wbxml_version: '2.0'}", "wbxml_version: wanted one of"),
        ("text", "wanted a mapping"),
    ],
)
def test_client_provisioning_that_is_described_wrongly_is_refused(content: str, told: str) -> None:
    assert told in fault(f"{{cp_bootstrap: {content}}}")


def test_a_fault_of_client_provisioning_shows_no_value() -> None:
    parms = f"{{AAUTHSECRET: [{SECRET}, [x]]}}"
    assert SECRET not in fault(f"{{cp_bootstrap: {{characteristics: [{{type: APPAUTH, parms: {parms}}}]}}}}")


@pytest.mark.parametrize("octets", [b"<x/>", b"<", b"\x03\x0b"])
def test_a_file_that_is_no_provisioning_document_is_refused(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "cp.xml").write_bytes(octets)
    fault("{cp_bootstrap: {xml: cp.xml}}", tmp_path)


def test_the_generators_cannot_be_changed() -> None:
    assert sorted(GENERATORS) == [
        "aodf",
        "application_template",
        "cdf",
        "certificate",
        "cp_bootstrap",
        "dm_bootstrap",
        "dodf",
        "odf",
        "public_key",
        "pukdf",
        "token_info",
    ]
    assert not hasattr(GENERATORS, "__setitem__")
