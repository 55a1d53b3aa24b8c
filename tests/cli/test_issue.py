from __future__ import annotations

import hashlib
import stat
from typing import TYPE_CHECKING

import pytest

from smartcard_dm import wbxml
from smartcard_dm.limits import DEFAULT_LIMITS
from tests.cli.cards import card_and_key
from tests.cli.running import CARD, COMMANDS, KEY_PASSWORD, KEYS, SERVER_ID, SHARED_SECRET, error_of, run, schema
from tests.materials import ec_private, ed25519_private, private_pem, rsa_private

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.xmlsec.signing_keys import PrivateKey

RSA = ("--key", str(KEYS / "dms-rsa.pem"))
MOMENT = ("--at", "2026-07-01T12:00:00Z")
BODY = b"<SyncBody><Replace><Item><Target><LocURI>./a</LocURI></Target><Data>x</Data></Item></Replace></SyncBody>"


def issue(*options: str | Path, commands: str | Path = COMMANDS) -> tuple[str | Path, ...]:
    return ("issue", commands, "--server-id", SERVER_ID, *options)


def test_a_message_is_written_and_summed_up(tmp_path: Path) -> None:
    path = tmp_path / "message.wbxml"
    outcome = run(*issue(*RSA, "-o", path))
    size = path.stat().st_size
    assert outcome.stdout == f"{path}: {size} octets from {SERVER_ID}, signed with rsa-sha256\n"
    assert outcome.code == 0


def test_the_summary_is_of_the_documented_form(tmp_path: Path) -> None:
    path = tmp_path / "message.wbxml"
    outcome = run(*issue(*RSA, "-o", path, "--json"))
    schema("issue").validate(outcome.json)
    form = outcome.json
    assert form.pop("sizes")["wbxml"] == path.stat().st_size
    assert form == {
        "file": str(path),
        "octets": path.stat().st_size,
        "server_id": SERVER_ID,
        "algorithm": "rsa-sha256",
        "key": {"kind": "pem", "label": None},
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "lint": [],
        "encrypted": None,
        "explain": None,
    }


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_private(), "rsa-sha256"),
        (ec_private("secp256r1"), "ecdsa-sha256"),
        (ec_private("secp384r1"), "ecdsa-sha384"),
        (ec_private("secp521r1"), "ecdsa-sha512"),
        (ed25519_private(), "eddsa-ed25519"),
    ],
)
def test_what_is_issued_is_authorized_by_a_card_that_trusts_the_key(
    tmp_path: Path, key: PrivateKey, algorithm: str
) -> None:
    card, pem = card_and_key(tmp_path, key)
    message = tmp_path / "message.wbxml"
    assert run(*issue("--key", pem, "-o", message, "--json")).json["algorithm"] == algorithm
    outcome = run("verify", message, "--card", card, *MOMENT, "--json")
    assert outcome.json["signature"]["algorithm"] == algorithm
    assert outcome.code == 0


@pytest.mark.parametrize(
    "algorithm", ["rsa-sha384", "rsa-sha512", "rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512"]
)
def test_an_algorithm_that_fits_the_key_can_be_chosen(tmp_path: Path, algorithm: str) -> None:
    message = tmp_path / "message.wbxml"
    assert run(*issue(*RSA, "--algorithm", algorithm, "-o", message)).code == 0
    assert run("verify", message, "--card", CARD, "--json").json["signature"]["algorithm"] == algorithm


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha384", "hmac-sha512"])
def test_a_message_under_the_shared_secret_is_authorized(tmp_path: Path, algorithm: str) -> None:
    message = tmp_path / "message.wbxml"
    options = ("--secret-env", "SHARED", "--algorithm", algorithm, "-o", message)
    assert run(*issue(*options), env={"SHARED": SHARED_SECRET}).code == 0
    outcome = run("verify", message, "--card", CARD, "--json")
    assert outcome.json["signature"]["algorithm"] == algorithm


def test_a_message_under_another_secret_is_refused(tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    assert run(*issue("--secret-env", "SHARED", "-o", message), env={"SHARED": "another secret, long"}).code == 0
    outcome = run("verify", message, "--card", CARD)
    assert outcome.code == 1
    assert "signature.value" in outcome.line


def test_commands_come_from_standard_input_and_the_message_goes_to_standard_output() -> None:
    outcome = run(*issue(*RSA, "-o", "-", commands="-"), stdin=COMMANDS.read_bytes())
    assert run("verify", "-", "--card", CARD, stdin=outcome.octets).code == 0


def test_the_header_is_what_the_options_say(tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    options = ("--session-id", "77", "--msg-id", "3", "--target", "IMEI:1", "--key-name", SERVER_ID)
    assert run(*issue(*RSA, *options, "--wbxml-version", "1.3", "-o", message)).code == 0
    xml = wbxml.to_xml(message.read_bytes())
    assert b"<SessionID>77</SessionID><MsgID>3</MsgID><Target><LocURI>IMEI:1</LocURI>" in xml
    assert b"<KeyName>com.example.dms</KeyName>" in xml
    assert message.read_bytes()[0] == 3


def test_messages_issued_one_after_the_other_are_in_order(tmp_path: Path) -> None:
    device = tmp_path / "tree.db"
    assert run("tree", "init", device).code == 0
    assert run("tree", "sync", "--tree", device, "--card", CARD).code == 0
    for number in range(3):
        message = tmp_path / f"{number}.wbxml"
        assert run(*issue(*RSA, "-o", message)).code == 0
        assert run("apply", message, "--tree", device, "--monotonic").code == 0


@pytest.mark.parametrize("name", ["--session-id", "--msg-id", "--target", "--key-name"])
@pytest.mark.parametrize("value", ["", "a\x01b", "a\nb", "a\udc80b"])
def test_text_that_no_message_can_hold_is_wrong_usage(tmp_path: Path, name: str, value: str) -> None:
    outcome = run(*issue(*RSA, name, value, "-o", tmp_path / "message.wbxml"))
    assert outcome.code == 2
    assert name in outcome.line


@pytest.mark.parametrize("server_id", ["", "a b", "a&b", "*", "a\x01", "x" * 300])
def test_a_server_id_that_is_none_is_wrong_usage(tmp_path: Path, server_id: str) -> None:
    outcome = run("issue", COMMANDS, "--server-id", server_id, *RSA, "-o", tmp_path / "message.wbxml", "--json")
    assert "--server-id" in error_of(outcome)["message"]
    assert outcome.code == 2


@pytest.mark.parametrize("options", [(), (*RSA, "--secret-env", "SHARED")])
def test_exactly_one_key_is_wanted(tmp_path: Path, options: tuple[str, ...]) -> None:
    outcome = run(*issue(*options, "-o", tmp_path / "message.wbxml", "--json"), env={"SHARED": "x"})
    assert "exactly one of --key and --secret-env" in error_of(outcome)["message"]
    assert outcome.code == 2


def test_a_password_without_a_private_key_is_wrong_usage(tmp_path: Path) -> None:
    options = ("--secret-env", "SHARED", "--key-password-env", "SHARED", "-o", tmp_path / "message.wbxml")
    assert run(*issue(*options), env={"SHARED": "x"}).code == 2


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_holds_no_secret_is_wrong_usage(tmp_path: Path, value: str | None) -> None:
    outcome = run(*issue("--secret-env", "SHARED", "-o", tmp_path / "message.wbxml"), env={"SHARED": value})
    assert outcome.code == 2
    assert "SHARED is not set or is empty; export it first" in outcome.line


def test_a_secret_may_be_octets_that_are_no_text(tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    assert run(*issue("--secret-env", "SHARED", "-o", message), env={"SHARED": "\udcff\udcfe secret"}).code == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--algorithm", "ecdsa-sha256"), "does not fit a key of kind rsa: give rsa-sha256"),
        (("--algorithm", "hmac-sha256"), "does not fit a key of kind rsa"),
        (("--algorithm", "rsa-sha1"), "--policy oma_1_2_legacy"),
        (("--algorithm", "rot13"), "rot13"),
    ],
)
def test_an_algorithm_that_does_not_fit_is_wrong_usage(tmp_path: Path, options: tuple[str, ...], named: str) -> None:
    outcome = run(*issue(*RSA, *options, "-o", tmp_path / "message.wbxml"))
    assert outcome.code == 2
    assert named in outcome.line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nonsense",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        (KEYS / "dms-rsa-cert.pem").read_bytes(),
        private_pem(rsa_private(1024)),
        private_pem(ec_private("secp256k1")),
        bytes(1 << 20),
    ],
)
def test_a_key_that_is_none_is_malformed_input(tmp_path: Path, pem: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    outcome = run(*issue("--key", path, "-o", tmp_path / "message.wbxml", "--json"))
    error = error_of(outcome)
    assert error["kind"] == "KeyMaterialError"
    assert str(path) in error["message"]
    assert outcome.code == 4


@pytest.mark.parametrize(("given", "code"), [(KEY_PASSWORD, 0), ("not the password", 4), (None, 4)])
def test_an_encrypted_key_needs_its_password(tmp_path: Path, given: str | None, code: int) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(private_pem(rsa_private(), KEY_PASSWORD.encode()))
    password = () if given is None else ("--key-password-env", "KEY_PASSWORD")
    outcome = run(*issue("--key", path, *password, "-o", tmp_path / "message.wbxml"), env={"KEY_PASSWORD": given})
    assert outcome.code == code
    assert code == 0 or "--key-password-env" in outcome.line


def test_a_password_for_a_key_that_has_none_is_malformed_input(tmp_path: Path) -> None:
    options = (*RSA, "--key-password-env", "KEY_PASSWORD", "-o", tmp_path / "message.wbxml")
    assert run(*issue(*options), env={"KEY_PASSWORD": KEY_PASSWORD}).code == 4


@pytest.mark.parametrize("key", ["none.pem", "."])
def test_a_key_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path, key: str) -> None:
    outcome = run(*issue("--key", tmp_path / key, "-o", tmp_path / "message.wbxml"))
    assert outcome.code == 2
    assert str(tmp_path / key) in outcome.line


def test_one_standard_input_cannot_hold_two_things(tmp_path: Path) -> None:
    assert run(*issue("--key", "-", "-o", tmp_path / "message.wbxml", commands="-"), stdin=b"").code == 2


@pytest.mark.parametrize(
    "commands",
    [
        b"",
        b"not XML",
        b"<SyncBody>",
        b"<!DOCTYPE SyncBody><SyncBody/>",
        b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><SyncBody><Get>&e;</Get></SyncBody>",
        b"<Elsewhere/>",
        b"<SyncML/>",
        b"<SyncBody><Frobnicate/></SyncBody>",
        b"<SyncBody><?php 1?></SyncBody>",
        (
            b'<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr/><SyncBody/>'
            b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></SyncML>'
        ),
        b"<SyncBody><Replace/></SyncBody>",
        bytes([0xFF, 0xFE, 0x00]),
    ],
)
def test_commands_that_make_no_message_are_malformed_input(tmp_path: Path, commands: bytes) -> None:
    source, message = tmp_path / "commands.xml", tmp_path / "message.wbxml"
    source.write_bytes(commands)
    outcome = run(*issue(*RSA, "-o", message, "--json", commands=source))
    assert str(source) in error_of(outcome)["message"]
    assert outcome.code == 4
    assert list(tmp_path.iterdir()) == [source]


def test_commands_that_are_too_large_are_malformed_input(tmp_path: Path) -> None:
    source = tmp_path / "commands.xml"
    source.write_bytes(BODY + b" " * DEFAULT_LIMITS.xml_octets)
    outcome = run(*issue(*RSA, "-o", tmp_path / "message.wbxml", commands=source))
    assert outcome.code == 4
    assert "Limits.xml_octets" in outcome.line


def test_a_message_that_is_too_large_is_not_issued(tmp_path: Path) -> None:
    source = tmp_path / "commands.xml"
    source.write_bytes(BODY.replace(b">x<", b">" + b"x" * (DEFAULT_LIMITS.message_octets + 1) + b"<"))
    assert run(*issue(*RSA, "-o", tmp_path / "message.wbxml", commands=source)).code == 4


def test_the_message_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    path = tmp_path / "message.wbxml"
    (tmp_path / "plain").touch()
    assert run(*issue(*RSA, "-o", path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_file_that_was_there_keeps_its_permissions_and_its_link(tmp_path: Path) -> None:
    path, link = tmp_path / "message.wbxml", tmp_path / "link.wbxml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    assert run(*issue(*RSA, "-o", link)).code == 0
    assert link.is_symlink()
    assert path.read_bytes() != b"old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_device_is_written_to_and_not_replaced() -> None:
    assert run(*issue(*RSA, "-o", "/dev/null")).code == 0


@pytest.mark.parametrize("target", ["none/message.wbxml", ".", "a\0b", "file/message.wbxml"])
def test_an_output_that_cannot_be_written_is_wrong_usage(tmp_path: Path, target: str) -> None:
    (tmp_path / "file").touch()
    outcome = run(*issue(*RSA, "-o", f"{tmp_path}/{target}"))
    assert outcome.code == 2
    assert "cannot be written" in outcome.line
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "message.wbxml"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smartcard_dm.cli.output.os.fsync", full)
    outcome = run(*issue(*RSA, "-o", path))
    assert outcome.code == 2
    assert "No space left on device" in outcome.line
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_message_and_a_json_document_do_not_share_standard_output() -> None:
    assert run(*issue(*RSA, "-o", "-", "--json")).code == 2
