"""`issue --encrypt`, and what `verify` and `apply` open: every scope, both recipients, and what cannot be."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.oid import NameOID

from smartcard_dm import wbxml
from smartcard_dm.secret import Secret
from smartcard_dm.server.content import encrypt_content, sign_content
from smartcard_dm.xmlsec import AlgorithmPolicy, SecretSigningKey
from smartcard_dm.xmlsec.encrypt import SecretRecipient
from tests.cli.running import CARD, KEY_PASSWORD, KEYS, SERVER_ID, SHARED_SECRET, check_layout, error_of, run, schema
from tests.cli.trees import item, message, provisioned, value_of
from tests.materials import certificate_der, ec_private, private_pem, rsa_private
from tests.tokens.lab import TOKEN_PIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smartcard_dm.xmlsec.signing_keys import PrivateKey
    from tests.cli.running import Outcome
    from tests.tokens.lab import TokenLab

NAME = "./DMAcc/dms/Name"
SECRET = "./DMAcc/dms/AppAuth/1/AAuthSecret"
SOURCE = f"""
commands:
  - replace: {{{NAME}: Moved in silence}}
  - sequence:
      - replace: {{{SECRET}: do-not-print}}
      - delete: ./DMAcc/dms/PrefConRef
"""
DEVICE = rsa_private(number=1)
ENV: dict[str, str | None] = {"SHARED": SHARED_SECRET, "KEY_PASSWORD": KEY_PASSWORD, "PIN": TOKEN_PIN}
TO_SECRET = ("--to-secret-env", "SHARED")
SIGNER = ("--key", str(KEYS / "dms-rsa.pem"))
SESSION = ("--session-id", "seven")
"""Of that length no token begins at octet 1234, which is a PIN of the fixtures."""
HIDDEN = ("Moved in silence", "do-not-print")


def valid(key: PrivateKey, *, days: tuple[int, int] = (-1, 1)) -> bytes:
    now = datetime.now(UTC)
    before, after = (now + timedelta(days=number) for number in days)
    return certificate_der(key, common_name="a device", not_before=before, not_after=after)


def pem_of(certificate: bytes) -> bytes:
    return load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "device.crt"
    path.write_bytes(valid(DEVICE))
    return path


@pytest.fixture
def device_key(tmp_path: Path) -> Path:
    path = tmp_path / "device.pem"
    path.write_bytes(private_pem(DEVICE))
    return path


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is encrypted to a secret be the same octets each time: no PIN stands in them by chance."""
    counter = itertools.count()
    monkeypatch.setattr(os, "urandom", lambda size: hashlib.shake_256(str(next(counter)).encode()).digest(size))


def issue(
    folder: Path,
    *options: str | Path,
    source: str = SOURCE,
    env: Mapping[str, str | None] = ENV,
    signer: tuple[str, ...] = SIGNER,
    output: str = "message.wbxml",
) -> Outcome:
    commands = folder / "commands.yaml"
    commands.write_text(source)
    outcome = run("issue", commands, "--server-id", SERVER_ID, *signer, *options, "-o", folder / output, env=env)
    assert not any(text in outcome.stdout + outcome.stderr for text in HIDDEN)
    return outcome


def issued(folder: Path, *options: str | Path, source: str = SOURCE) -> Path:
    outcome = issue(folder, *options, source=source)
    assert outcome.code == 0, outcome.stderr
    return folder / "message.wbxml"


def verify(file: Path, *options: str | Path, env: Mapping[str, str | None] = ENV) -> dict[str, Any]:
    outcome = run("verify", file, "--card", CARD, *options, "--json", env=env)
    form: dict[str, Any] = outcome.json
    schema("verify").validate(form)
    assert outcome.code == (0 if form["verdict"] == "authorized" else 1)
    return form


def opened(form: dict[str, Any]) -> str:
    """Return what step 11 established about a message that was authorized."""
    assert form["verdict"] == "authorized", form
    return str(form["steps"][11]["established"])


# The whole way -------------------------------------------------------------------------------------------------------

PARTS = {
    "data": ["/SyncML/SyncBody/Replace[1]/Item[1]/Data", "/SyncML/SyncBody/Sequence[1]/Replace[1]/Item[1]/Data"],
    "commands": ["/SyncML/SyncBody/Replace[1]", "/SyncML/SyncBody/Sequence[1]"],
    "body": ["/SyncML/SyncBody"],
}


@pytest.mark.parametrize("scope", PARTS)
@pytest.mark.parametrize("to", ["certificate", "secret"])
def test_what_is_encrypted_is_opened_and_takes_effect(
    tmp_path: Path, certificate: Path, device_key: Path, scope: str, to: str
) -> None:
    recipient = TO_SECRET if to == "secret" else ("--to-certificate", certificate)
    outcome = issue(tmp_path, "--encrypt", scope, *recipient, "--secrets", "refuse", "--json")
    schema("issue").validate(outcome.json)
    assert outcome.json["encrypted"] == {"scope": scope, "to": to, "cipher": "aes256-gcm", "parts": PARTS[scope]}
    file = tmp_path / "message.wbxml"
    xml = wbxml.to_xml(file.read_bytes()).decode()
    assert xml.count("<EncryptedData ") == len(PARTS[scope])
    assert not any(text in xml for text in HIDDEN)
    tree = provisioned(tmp_path)
    key: tuple[str | Path, ...] = ()
    if to == "certificate":
        key = ("--device-key", device_key)
        form = verify(file)
        assert (form["step"], form["rule"], form["content"]) == (11, "encryption.key-none", [])
        text = run("verify", file, "--card", CARD)
        assert "--device-key" in text.line
        check_layout(text.stdout)
        refusal = run("apply", file, "--tree", tree, "--json")
        schema("apply").validate(refusal.json)
        assert (refusal.code, refusal.json["step"]) == (1, 11)
        assert value_of(tree, NAME) != HIDDEN[0]
    assert opened(verify(file, *key)).startswith(f"{len(PARTS[scope])} opened: aes256-gcm, ")
    assert opened(run("verify", file, "--tree", tree, *key, "--json").json)
    shown = run("verify", file, "--card", CARD, *key, "--steps")
    check_layout(shown.stdout)
    assert HIDDEN[1] not in shown.stdout
    applied = run("apply", file, "--tree", tree, *key, "--json")
    schema("apply").validate(applied.json)
    assert [row["status"] for row in applied.json["report"]] == [200, 200, 200, 404]
    assert value_of(tree, NAME) == HIDDEN[0]
    assert HIDDEN[1] not in applied.stdout


def test_the_summary_says_what_was_encrypted(tmp_path: Path, certificate: Path) -> None:
    to_secret = "to the account's shared secret with aes256-gcm"
    cases: list[tuple[tuple[str | Path, ...], str]] = [
        (("data", "--to-certificate", certificate), "to the device's certificate with aes256-gcm: the data of 2 items"),
        (("commands", *TO_SECRET), f"{to_secret}: 2 commands"),
        (("commands", *TO_SECRET, "--encrypt-target", NAME), f"{to_secret}: 1 command"),
        (("body", *TO_SECRET), f"{to_secret}: the body"),
        (("data", *TO_SECRET, "--encrypt-target", NAME), f"{to_secret}: the data of 1 item"),
    ]
    for options, said in cases:
        outcome = issue(tmp_path, "--encrypt", *options)
        assert f"\nencrypted {said}\n" in outcome.stdout
        check_layout(outcome.stdout.partition("\n")[2])


def test_nothing_is_said_where_the_message_goes(tmp_path: Path) -> None:
    commands = tmp_path / "commands.yaml"
    commands.write_text(SOURCE)
    options = ("--encrypt", "body", *TO_SECRET, "-o", "-")
    outcome = run("issue", commands, "--server-id", SERVER_ID, *SIGNER, *options, env=ENV)
    assert (outcome.code, outcome.octets[:1], outcome.octets[-1:]) == (0, b"\x02", b"\x01")


@pytest.mark.parametrize(
    ("scope", "targets", "parts"),
    [
        ("data", [SECRET], PARTS["data"][1:]),
        ("data", [SECRET, NAME], PARTS["data"]),
        ("commands", [SECRET], ["/SyncML/SyncBody/Sequence[1]/Replace[1]"]),
        (
            "commands",
            ["./DMAcc/dms/PrefConRef", NAME],
            [PARTS["commands"][0], "/SyncML/SyncBody/Sequence[1]/Delete[1]"],
        ),
    ],
)
def test_what_is_meant_can_be_named(tmp_path: Path, scope: str, targets: list[str], parts: list[str]) -> None:
    named = [word for target in targets for word in ("--encrypt-target", target)]
    outcome = issue(tmp_path, "--encrypt", scope, *TO_SECRET, *named, "--json")
    assert outcome.json["encrypted"]["parts"] == parts
    message_file = tmp_path / "message.wbxml"
    assert wbxml.to_xml(message_file.read_bytes()).count(b"<EncryptedData ") == len(parts)
    assert opened(verify(message_file)).startswith(f"{len(parts)} opened: ")


def test_one_secret_can_sign_and_open(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SHARED_SECRET}\n")
    secret.chmod(0o600)
    options = ("--encrypt", "body", "--to-secret-file", secret, "--to-secret-name", SERVER_ID)
    assert issue(tmp_path, *options, signer=("--secret-env", "SHARED")).code == 0
    assert opened(verify(tmp_path / "message.wbxml"))
    issue(tmp_path, "--encrypt", "body", *TO_SECRET, "--to-secret-name", "another")
    assert verify(tmp_path / "message.wbxml")["rule"] == "encryption.key-name"


def test_another_secret_and_another_key_do_not_open_it(tmp_path: Path, certificate: Path) -> None:
    file = issued(tmp_path, "--encrypt", "body", "--to-certificate", certificate)
    form = verify(file, "--device-key", KEYS / "stranger-rsa.pem")
    assert (form["step"], form["rule"]) == (11, "encryption.failed")
    other = {**ENV, "SHARED": "another secret of many octets"}
    assert issue(tmp_path, "--encrypt", "body", *TO_SECRET, env=other).code == 0
    assert verify(file)["rule"] == "encryption.failed"


def test_a_batch_is_judged_with_the_secrets_of_the_accounts(tmp_path: Path, certificate: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    issued(tmp_path, "--encrypt", "data", *TO_SECRET).rename(folder / "1.wbxml")
    issued(tmp_path, "--encrypt", "data", "--to-certificate", certificate).rename(folder / "2.wbxml")
    outcome = run("verify", folder, "--batch", "--card", CARD)
    first, second, _ = outcome.stdout.splitlines()
    assert first.startswith("AUTHORIZED")
    assert "at step 11 by encryption.key-none" in second


# Lint and the receiver's view ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "findings"),
    [
        ((), ["lint.plain-secret"]),
        (("--encrypt", "data"), []),
        (("--encrypt", "commands"), []),
        (("--encrypt", "body"), []),
        (("--encrypt", "data", "--encrypt-target", SECRET), []),
        (("--encrypt", "data", "--encrypt-target", NAME), ["lint.plain-secret"]),
        (("--encrypt", "commands", "--encrypt-target", NAME), ["lint.plain-secret"]),
    ],
)
def test_lint_knows_what_will_be_encrypted(tmp_path: Path, options: tuple[str, ...], findings: list[str]) -> None:
    alone = issue(tmp_path, *options, "--lint-only", "--json")
    schema("issue-lint").validate(alone.json)
    assert [finding["id"] for finding in alone.json["lint"]] == findings
    if options:
        whole = issue(tmp_path, *options, *TO_SECRET, "--json")
        assert [finding["id"] for finding in whole.json["lint"]] == findings
        refused = issue(tmp_path, *options, *TO_SECRET, "--secrets", "refuse")
        assert refused.code == (4 if findings else 0)


def test_sizes_are_those_of_the_encrypted_message(tmp_path: Path) -> None:
    plain = issue(tmp_path, "--lint-only", "--encrypt", "body", "--json").json["sizes"]["wbxml"]
    told = issue(tmp_path, "--lint-only", "--encrypt", "body", *TO_SECRET, "--json").json["sizes"]["wbxml"]
    whole = issue(tmp_path, "--encrypt", "body", *TO_SECRET, "--json").json["sizes"]["wbxml"]
    assert plain < told < whole == (tmp_path / "message.wbxml").stat().st_size


@pytest.mark.usefixtures("steady")
def test_the_receivers_view_is_that_of_the_encrypted_message(tmp_path: Path) -> None:
    explain = (*TO_SECRET, *SESSION, "--explain")
    form = issue(tmp_path, "--encrypt", "data", *explain, "--json").json
    schema("issue").validate(form)
    assert bytes.fromhex(form["explain"]["hex"]) == (tmp_path / "message.wbxml").read_bytes()
    assert form["explain"]["xml"].count("<EncryptedData ") == 2
    assert form["explain"]["masked"] is False
    text = issue(tmp_path, "--encrypt", "data", *explain).stdout
    assert "<CipherValue>" in text
    check_layout(text.partition("\n")[2])
    masked = issue(tmp_path, "--encrypt", "data", "--encrypt-target", NAME, *explain, "--json").json
    assert masked["explain"]["masked"] is True


# Certificates and secrets nothing is encrypted to --------------------------------------------------------------------


def named(common_name: str, at: datetime) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(x509.random_serial_number())
    return builder.not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=1))


def for_signing(key: PrivateKey) -> bytes:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = named("a device", datetime.now(UTC)).public_key(key.public_key())
    return builder.add_extension(usage, critical=True).sign(rsa_private(), SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (valid(DEVICE, days=(-3, -1)), "the device's certificate is expired at "),
        (valid(DEVICE, days=(1, 3)), "the device's certificate is not valid yet at "),
        (valid(rsa_private(1024)), "wanted 2048 bits or more, found 1024"),
        (valid(ec_private()), "wanted an RSA key, found EC"),
        (for_signing(DEVICE), "its key usage does not allow to encrypt keys to it"),
        (private_pem(DEVICE), "not an X.509 certificate"),
        (b"", "not an X.509 certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not an X.509 certificate"),
        (pem_of(valid(DEVICE)) * 2, "2 certificates in one file"),
        (bytes(1 << 20), "larger than 65536 octets"),
    ],
    ids=["expired", "not yet", "weak", "EC", "for signing", "a key", "empty", "nonsense", "two", "large"],
)
def test_a_certificate_nothing_is_encrypted_to_is_one_line(tmp_path: Path, octets: bytes, told: str) -> None:
    path = tmp_path / "wrong.crt"
    path.write_bytes(octets)
    outcome = issue(tmp_path, "--encrypt", "body", "--to-certificate", path, "--json")
    error = error_of(outcome)
    assert (error["kind"], outcome.code) == ("KeyMaterialError", 4)
    for words in (told, str(path), "give the certificate of the device's RSA key, PEM or DER"):
        assert words in error["message"]
    assert not (tmp_path / "message.wbxml").exists()


def test_a_certificate_may_be_pem_with_text_above_it(tmp_path: Path, certificate: Path, device_key: Path) -> None:
    certificate.write_bytes(b"Certificate:\n    Data:\n" + pem_of(valid(DEVICE)))
    file = issued(tmp_path, "--encrypt", "body", "--to-certificate", certificate)
    assert opened(verify(file, "--device-key", device_key))


CERTIFICATE = ("--to-certificate", "device.crt")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--encrypt", "body"), "give exactly one of --to-certificate and --to-secret-env, or --to-secret-file"),
        (("--encrypt", "body", *CERTIFICATE, *TO_SECRET), "give exactly one of --to-certificate"),
        (("--encrypt", "body", *TO_SECRET, "--to-secret-file", "x"), "give exactly one of --to-certificate"),
        (("--encrypt", "body", *TO_SECRET, "--encrypt-target", NAME), "--encrypt-target goes with --encrypt data and"),
        (
            ("--encrypt", "body", *TO_SECRET, "--key-transport", "rsa-oaep"),
            "--key-transport goes with --to-certificate",
        ),
        (("--encrypt", "body", *CERTIFICATE, "--key-transport", "rsa-1_5"), "rsa-1_5"),
        (
            ("--encrypt", "body", *CERTIFICATE, "--to-secret-name", "a"),
            "--to-secret-name goes with --to-secret-env and",
        ),
        (("--encrypt", "header", *TO_SECRET), "header"),
        (("--encrypt", "body", "--to-certificate", "no-such-file"), "no-such-file cannot be read"),
        (("--encrypt", "body", "--to-secret-env", "NO_SUCH"), "--to-secret-env: the environment variable NO_SUCH"),
        (("--encrypt", "body", "--to-secret-file", "no-such-file"), "--to-secret-file: no-such-file cannot be read"),
        (("--encrypt", "data", *TO_SECRET, "--encrypt-target", "./No"), "no item with Data has the Target ./No"),
        (("--encrypt", "data", *TO_SECRET, "--encrypt-target", "./DMAcc/dms/PrefConRef"), "no item with Data has"),
        (("--encrypt", "commands", *TO_SECRET, "--encrypt-target", "./No"), "no command has the Target ./No"),
        (("--encrypt", "body", *TO_SECRET, "--batch", "targets.csv"), "--encrypt is for one device"),
        (CERTIFICATE, "go with --encrypt"),
        (TO_SECRET, "go with --encrypt"),
        (("--encrypt-target", NAME), "go with --encrypt"),
        (("--key-transport", "rsa-oaep"), "go with --encrypt"),
        (("--to-secret-name", "a"), "go with --encrypt"),
    ],
)
def test_options_of_issue_that_do_not_go_together_are_wrong_usage(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    outcome = issue(tmp_path, *options, "--json", env={**ENV, "NO_SUCH": None})
    assert told in error_of(outcome)["message"]
    assert outcome.code == 2
    assert not (tmp_path / "message.wbxml").exists()


def test_a_message_without_data_has_none_to_encrypt(tmp_path: Path) -> None:
    outcome = issue(tmp_path, "--encrypt", "data", *TO_SECRET, "--json", source="commands: [{delete: ./A}]")
    assert "--encrypt data: no item has Data" in error_of(outcome)["message"]
    assert outcome.code == 2


def test_one_standard_input_cannot_hold_two_things(tmp_path: Path) -> None:
    encrypt = ("--encrypt", "body", "--to-certificate", "-")
    assert "standard input cannot hold" in issue(tmp_path, *encrypt, signer=("--key", "-")).line
    outcome = run("issue", "-", "--server-id", SERVER_ID, *SIGNER, *encrypt, "-o", tmp_path / "m", stdin=b"")
    assert "standard input cannot hold" in outcome.line
    outcome = run("verify", "-", "--card", CARD, "--device-key", "-", stdin=b"")
    assert "standard input cannot hold" in outcome.line


def test_what_is_encrypted_already_is_malformed_input(tmp_path: Path) -> None:
    content = encrypt_content(b"x", to_shared_secret(), random=os.urandom).decode()
    source = item("Replace", NAME, content, format_="xml", type_="application/xenc+xml")
    outcome = issue(tmp_path, "--encrypt", "body", *TO_SECRET, "--json", source=f"<SyncBody>{source}</SyncBody>")
    assert "encrypted already" in error_of(outcome)["message"]
    assert outcome.code == 4


# The device's key ----------------------------------------------------------------------------------------------------


def container(folder: Path, *, days: tuple[int, int] = (-1, 1)) -> Path:
    path = folder / "device.p12"
    certificate = load_der_x509_certificate(valid(DEVICE, days=days))
    protection = BestAvailableEncryption(KEY_PASSWORD.encode())
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"device", DEVICE, certificate, None, protection))
    return path


def test_the_key_may_be_in_pkcs12_its_certificate_expired_since(tmp_path: Path, certificate: Path) -> None:
    file = issued(tmp_path, "--encrypt", "body", "--to-certificate", certificate)
    key = ("--device-key", container(tmp_path, days=(-9, -1)))
    said = opened(verify(file, *key, "--device-key-password-env", "KEY_PASSWORD"))
    assert said == f"1 opened: aes256-gcm, rsa-oaep by the device key in {tmp_path}/device.p12"
    password = tmp_path / "password"
    password.write_text(f"{KEY_PASSWORD}\n")
    password.chmod(0o600)
    assert opened(verify(file, *key, "--device-key-password-file", password)) == said
    outcome = run("verify", file, "--card", CARD, *key, "--json")
    assert "--device-key-password-env" in error_of(outcome)["message"]
    assert outcome.code == 4


def test_a_key_that_is_not_needed_does_no_harm(tmp_path: Path, device_key: Path) -> None:
    assert opened(verify(issued(tmp_path), "--device-key", device_key)) == "nothing is encrypted"


@pytest.mark.parametrize("password", [None, b"another"])
def test_an_encrypted_key_needs_its_password(tmp_path: Path, device_key: Path, password: bytes | None) -> None:
    device_key.write_bytes(private_pem(DEVICE, password))
    tree = provisioned(tmp_path)
    for command in (("verify", "--card", CARD), ("apply", "--tree", str(tree))):
        options = (*command[1:], "--device-key", device_key, "--device-key-password-env", "KEY_PASSWORD")
        outcome = run(command[0], issued(tmp_path), *options, "--json", env=ENV)
        assert str(device_key) in error_of(outcome)["message"]
        assert outcome.code == 4


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (private_pem(ec_private()), "only an RSA key opens a transported key"),
        (private_pem(rsa_private(1024)), "wanted an RSA key of 2048 bits or more, found 1024"),
        (b"nonsense", "not a PEM private key"),
        (b"\x30\x00", "not a PKCS#12 file"),
        (bytes(1 << 20), "larger than 65536 octets"),
    ],
)
def test_a_device_key_that_is_none_is_one_line(tmp_path: Path, octets: bytes, told: str) -> None:
    path = tmp_path / "wrong.pem"
    path.write_bytes(octets)
    outcome = run("verify", issued(tmp_path), "--card", CARD, "--device-key", path, "--json")
    assert told in error_of(outcome)["message"]
    assert error_of(outcome)["message"].count(str(path)) == 1
    assert outcome.code == 4


TOKEN_KEY = ("--device-key", "pkcs11:?module-name=a")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--device-key-password-env", "KEY_PASSWORD"), "go with --device-key and a file"),
        ((*TOKEN_KEY, "--device-key-password-file", "x"), "go with --device-key and a file"),
        (
            ("--device-key", "x", "--device-key-password-file", "x", "--device-key-password-env", "PIN"),
            "give one of --device-key-password-env",
        ),
        (("--device-pin-env", "PIN"), "go with --device-key pkcs11:"),
        (("--device-key", "x", "--device-pin-fd", "0"), "go with --device-key pkcs11:"),
        ((*TOKEN_KEY, "--device-pin-fd", "0", "--device-pin-env", "PIN"), "give one of --device-pin-env and"),
        (("--device-key", f"{TOKEN_KEY[1]}&pin-source=/x", "--device-pin-env", "PIN"), "names a pin-source"),
        ((*TOKEN_KEY, "--device-pin-env", "NO_SUCH"), "--device-pin-env: the environment variable NO_SUCH"),
        ((*TOKEN_KEY, "--device-pin-fd", "99"), "--device-pin-fd: file descriptor 99 cannot be read"),
        (("--device-key", "no-such-file"), "no-such-file cannot be read"),
        (("--device-key", "pkcs11:token=a?pin-value=1"), "--device-key"),
    ],
)
def test_options_of_the_device_key_that_do_not_go_together_are_wrong_usage(
    tmp_path: Path, options: tuple[str, ...], told: str
) -> None:
    file = issued(tmp_path)
    for place in (("verify", file, "--card", CARD), ("apply", file, "--tree", provisioned(tmp_path))):
        outcome = run(*place, *options, "--json", env={**ENV, "NO_SUCH": None})
        (tmp_path / "t.db").unlink(missing_ok=True)
        assert told in error_of(outcome)["message"]
        assert outcome.code == 2


def test_a_device_key_is_not_for_many_messages(tmp_path: Path, device_key: Path) -> None:
    outcome = run("verify", tmp_path, "--batch", "--card", CARD, "--device-key", device_key)
    assert "--device-key opens what is for one device: leave --batch out" in outcome.line
    assert outcome.code == 2


# A device's key on a token -------------------------------------------------------------------------------------------


@pytest.fixture
def of_token(tokens: TokenLab, tmp_path: Path) -> Path:
    """Give the certificate of a key on the token, valid now."""
    key = tokens.public_key("rsa-2048")
    now = datetime.now(UTC)
    path = tmp_path / "token.crt"
    builder = named("a device", now).public_key(key)
    path.write_bytes(builder.sign(ec_private(), SHA256()).public_bytes(Encoding.DER))
    return path


@pytest.mark.parametrize("scope", PARTS)
def test_a_key_on_a_token_opens_what_is_encrypted_to_its_certificate(
    tokens: TokenLab, tmp_path: Path, of_token: Path, scope: str
) -> None:
    file = issued(tmp_path, "--encrypt", scope, "--to-certificate", of_token, "--key-transport", "rsa-oaep-mgf1p")
    key = ("--device-key", tokens.text("rsa-2048"), "--device-pin-env", "PIN")
    said = opened(verify(file, *key))
    assert "aes256-gcm, rsa-oaep-mgf1p by " in said
    assert "rsa-2048" in said
    check_layout(run("verify", file, "--card", CARD, *key, "--steps", env=ENV).stdout)
    tree = provisioned(tmp_path)
    applied = run("apply", file, "--tree", tree, *key, "--json", env=ENV)
    schema("apply").validate(applied.json)
    assert value_of(tree, NAME) == HIDDEN[0]
    another = ("--device-key", tokens.text("rsa-3072"), "--device-pin-env", "PIN")
    assert verify(file, *another)["rule"] == "encryption.failed"


def test_a_token_that_knows_no_sha_256_says_so(tokens: TokenLab, tmp_path: Path, of_token: Path) -> None:
    file = issued(tmp_path, "--encrypt", "body", "--to-certificate", of_token)
    form = verify(file, "--device-key", tokens.text("rsa-2048"), "--device-pin-env", "PIN")
    assert (form["step"], form["rule"]) == (11, "encryption.key-unusable")


def test_the_pin_comes_from_a_file_descriptor_or_the_source_of_the_uri(
    tokens: TokenLab, tmp_path: Path, of_token: Path
) -> None:
    file = issued(tmp_path, "--encrypt", "body", "--to-certificate", of_token, "--key-transport", "rsa-oaep-mgf1p")
    reading, writing = os.pipe()
    os.write(writing, f"{TOKEN_PIN}\n".encode())
    os.close(writing)
    assert opened(verify(file, "--device-key", tokens.text("rsa-2048"), "--device-pin-fd", str(reading)))
    os.close(reading)
    source = tmp_path / "pin"
    source.write_text(f"{TOKEN_PIN}\n")
    source.chmod(0o600)
    assert opened(verify(file, "--device-key", f"{tokens.text('rsa-2048')}&pin-source={source}"))


@pytest.mark.parametrize(
    ("label", "pin", "told"),
    [
        ("rsa-2048", "not the PIN", "the PIN is wrong; it was tried once"),
        ("p-256", TOKEN_PIN, "only an RSA key opens a transported key"),
        ("for signing", TOKEN_PIN, "does not let it decrypt"),
        ("none", TOKEN_PIN, "no private key fits"),
    ],
)
def test_a_token_key_that_cannot_open_is_one_line(
    tokens: TokenLab, tmp_path: Path, label: str, pin: str, told: str
) -> None:
    options = ("--device-key", tokens.text(label), "--device-pin-env", "PIN")
    outcome = run("verify", issued(tmp_path), "--card", CARD, *options, "--json", env={"PIN": pin})
    message_ = error_of(outcome)["message"]
    assert told in message_
    assert "--device-pin-env gives a PIN" in message_
    assert pin not in message_
    assert outcome.code == 4


# Content trust -------------------------------------------------------------------------------------------------------


def to_shared_secret() -> SecretRecipient:
    return SecretRecipient.with_pbkdf2(Secret(SHARED_SECRET.encode()), random=os.urandom, iterations=1000)


def escaped(xml: bytes) -> str:
    return xml.decode().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_content_that_is_signed_or_encrypted_apart_is_told(tmp_path: Path) -> None:
    signer = SecretSigningKey(Secret(SHARED_SECRET.encode()))
    signed = sign_content(b'<tone xmlns="urn:a">Moved in silence</tone>', signer, AlgorithmPolicy.default())
    broken = signed.replace(b"Moved", b"Stays")
    sealed = encrypt_content(b"do-not-print", to_shared_secret(), random=os.urandom)
    xml = {"format_": "xml", "type_": "application/xml"}
    commands = (
        item("Replace", "./A", escaped(signed), **xml)
        + item("Replace", "./B", sealed.decode(), format_="xml", type_="application/xenc+xml")
        + item("Replace", "./C", escaped(broken), **xml)
        + item("Replace", NAME, "plain")
    )
    numbers = iter(range(1, 9))
    commands = re.sub(r"<Replace>", lambda _: f"<Replace><CmdID>{next(numbers)}</CmdID>", commands)
    file = message(tmp_path, commands)
    form = verify(file)
    verdicts = [(each["target"], each["verdict"], each["algorithm"], each["rule"]) for each in form["content"]]
    assert verdicts == [
        ("./A", "signed", "hmac-sha256", None),
        ("./B", "opened", None, None),
        ("./C", "refused", None, "signature.digest"),
    ]
    assert form["content"][1]["encryption"].startswith("aes256-gcm, kw-aes256 with Pbkdf2 by AppAuth/2")
    text = run("verify", file, "--card", CARD).stdout
    check_layout(text)
    for words in ("./A: signed with hmac-sha256", "./B: opened (aes256-gcm", "./C: refused by signature.digest"):
        assert words in text
    assert not any(hidden in text for hidden in HIDDEN)
    applied = run("apply", file, "--tree", provisioned(tmp_path), "--dry-run", "--json")
    schema("apply").validate(applied.json)
    assert applied.json["content"] == form["content"]


def test_a_message_without_such_content_says_nothing_of_it(tmp_path: Path) -> None:
    file = issued(tmp_path, "--encrypt", "body", *TO_SECRET)
    assert verify(file)["content"] == []
    assert "\n  content" not in run("verify", file, "--card", CARD).stdout


@pytest.mark.usefixtures("steady")
def test_no_output_holds_a_secret_in_any_form(tmp_path: Path) -> None:
    file = tmp_path / "message.wbxml"
    outputs = []
    for scope in PARTS:
        for options in (("--json",), ("--explain",), ("--explain", "--json")):
            outputs.append(issue(tmp_path, "--encrypt", scope, *TO_SECRET, *SESSION, *options))
            outputs += [run("verify", file, "--card", CARD, *more) for more in (("--steps",), ("--json",))]
    for outcome in outputs:
        everything = outcome.stdout + outcome.stderr
        for form in ("do-not-print", b"do-not-print".hex(), base64.b64encode(b"do-not-print").decode()):
            assert form not in everything
