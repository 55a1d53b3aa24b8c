"""The keys a command signs with: PKCS#12 files, keys on tokens, shared secrets in files; what each may not be."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from cryptography.x509 import load_der_x509_certificate

from tests.cli.cards import card_that_trusts
from tests.cli.running import CARD, COMMANDS, KEY_PASSWORD, KEYS, SERVER_ID, SHARED_SECRET, error_of, run, run_process
from tests.cli.running import schema as schema_of
from tests.materials import certificate_der, ec_private, ed25519_private, private_pem, rsa_private
from tests.tokens.lab import SOFTHSM, TOKEN, TOKEN_PIN, certificate_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from smartcard_dm.xmlsec.signing_keys import PrivateKey
    from tests.cli.running import Outcome
    from tests.tokens.lab import TokenLab

MOMENT = ("--at", "2026-07-01T12:00:00Z")
PIN_ENV = ("--pin-env", "PIN")
WITH_PIN = {"PIN": TOKEN_PIN}
WITH_PASSWORD = {"KEY_PASSWORD": KEY_PASSWORD}
RSA = ("--key", str(KEYS / "dms-rsa.pem"))


def issue(folder: Path, *options: str | Path, env: Mapping[str, str | None] | None = None) -> Outcome:
    return run("issue", COMMANDS, "--server-id", SERVER_ID, *options, "-o", folder / "message.wbxml", "--json", env=env)


def container(
    folder: Path,
    key: PrivateKey | None,
    certificate: bytes | None,
    *others: bytes,
    password: str | None = KEY_PASSWORD,
    name: bytes | None = b"the signer",
) -> Path:
    path = folder / "key.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            name,
            key,
            None if certificate is None else load_der_x509_certificate(certificate),
            [load_der_x509_certificate(other) for other in others] or None,
            NoEncryption() if password is None else BestAvailableEncryption(password.encode()),
        )
    )
    return path


def valid(key: PrivateKey, *, days: tuple[int, int] = (-1, 1)) -> bytes:
    now = datetime.now(UTC)
    before, after = (now + timedelta(days=number) for number in days)
    return certificate_der(key, common_name=SERVER_ID, not_before=before, not_after=after)


# PKCS#12 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_private(), "rsa-sha256"),
        (ec_private("secp384r1"), "ecdsa-sha384"),
        (ed25519_private(), "eddsa-ed25519"),
    ],
)
def test_a_key_in_pkcs12_signs_what_a_card_with_its_certificate_authorizes(
    tmp_path: Path, key: PrivateKey, algorithm: str
) -> None:
    certificate = valid(key)
    path = container(tmp_path, key, certificate, valid(ec_private()))
    outcome = issue(tmp_path, "--key", path, "--key-password-env", "KEY_PASSWORD", env=WITH_PASSWORD)
    schema_of("issue").validate(outcome.json)
    assert outcome.json["algorithm"] == algorithm
    assert outcome.json["key"] == {"kind": "pkcs12", "label": "the signer"}
    card = card_that_trusts(tmp_path, certificate)
    assert run("verify", tmp_path / "message.wbxml", "--card", card).code == 0


def test_pkcs12_is_told_by_what_it_holds_not_by_its_name(tmp_path: Path) -> None:
    path = container(tmp_path, rsa_private(), None, password=None, name=None).rename(tmp_path / "key.pem")
    assert issue(tmp_path, "--key", path).json["key"] == {"kind": "pkcs12", "label": None}
    pem = tmp_path / "key.pfx"
    pem.write_bytes(private_pem(rsa_private()))
    assert issue(tmp_path, "--key", pem).json["key"] == {"kind": "pem", "label": None}


@pytest.mark.parametrize(
    ("given", "told"),
    [("not the password", "or the password is wrong"), (None, "or it needs a password")],
)
def test_pkcs12_needs_its_password(tmp_path: Path, given: str | None, told: str) -> None:
    path = container(tmp_path, rsa_private(), None)
    options = () if given is None else ("--key-password-env", "KEY_PASSWORD")
    outcome = issue(tmp_path, "--key", path, *options, env={"KEY_PASSWORD": given})
    assert told in error_of(outcome)["message"]
    assert "--key-password-env" in error_of(outcome)["message"]
    assert outcome.code == 4


def test_pkcs12_without_a_key_is_refused(tmp_path: Path) -> None:
    path = container(tmp_path, None, None, valid(rsa_private()), password=None)
    assert "the PKCS#12 file holds no private key" in error_of(issue(tmp_path, "--key", path))["message"]


@pytest.mark.parametrize("password", [None, KEY_PASSWORD])
def test_pkcs12_with_several_keys_is_refused(tmp_path: Path, password: str | None) -> None:
    first, second = (
        container(tmp_path, key, None, password=password).read_bytes() for key in (rsa_private(), ec_private())
    )
    both = [*asn1_pkcs12.Pfx.load(first).authenticated_safe, *asn1_pkcs12.Pfx.load(second).authenticated_safe]
    content = {"content_type": "data", "content": asn1_pkcs12.AuthenticatedSafe(both).dump()}
    octets = asn1_pkcs12.Pfx({"version": 3, "auth_safe": content}).dump()
    # Left to itself, the library takes one of them.
    assert pkcs12.load_pkcs12(octets, None if password is None else password.encode()).key is not None
    path = tmp_path / "several.p12"
    path.write_bytes(octets)
    outcome = issue(tmp_path, "--key", path, "--key-password-env", "KEY_PASSWORD", env=WITH_PASSWORD)
    assert "2 private keys in one PKCS#12 file" in error_of(outcome)["message"]


def test_pkcs12_whose_certificate_is_of_another_key_is_refused(tmp_path: Path) -> None:
    path = container(tmp_path, rsa_private(), None, valid(ec_private()), password=None)
    outcome = issue(tmp_path, "--key", path)
    assert "no certificate in the PKCS#12 file is of its private key" in error_of(outcome)["message"]


@pytest.mark.parametrize(("days", "told"), [((-3, -1), "has expired"), ((1, 3), "is not valid yet")])
def test_a_certificate_that_no_device_would_accept_now_is_refused(
    tmp_path: Path, days: tuple[int, int], told: str
) -> None:
    path = container(tmp_path, rsa_private(), valid(rsa_private(), days=days), password=None)
    outcome = issue(tmp_path, "--key", path)
    assert f"the certificate beside the key {told} (valid 20" in error_of(outcome)["message"]
    assert outcome.code == 4
    assert not (tmp_path / "message.wbxml").exists()


@pytest.mark.parametrize("key", [rsa_private(1024), ec_private("secp256k1")])
def test_a_key_that_no_client_would_accept_is_refused(tmp_path: Path, key: PrivateKey) -> None:
    path = container(tmp_path, key, None, password=None)
    assert error_of(issue(tmp_path, "--key", path))["kind"] == "KeyMaterialError"


@pytest.mark.parametrize("octets", [b"\x30", b"\x30\x03\x02\x01\x03", b"\x30" * 1000, b"\x30\x84\xff\xff\xff\xff"])
def test_what_is_no_pkcs12_is_malformed_input(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "key.p12"
    path.write_bytes(octets)
    outcome = issue(tmp_path, "--key", path)
    assert "not a PKCS#12 file" in error_of(outcome)["message"]
    assert outcome.code == 4


# Tokens --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "algorithm"),
    [
        ("rsa-2048", "rsa-sha256"),
        ("rsa-2048", "rsa-pss-sha256"),
        ("rsa-3072", "rsa-sha512"),
        ("rsa-3072", "rsa-pss-sha512"),
        ("p-256", "ecdsa-sha256"),
        ("p-384", "ecdsa-sha384"),
        ("p-521", "ecdsa-sha512"),
        ("ed25519", "eddsa-ed25519"),
        ("Schlüssel № 9; 50 %", "ecdsa-sha256"),
    ],
)
def test_a_key_on_a_token_signs_what_a_card_with_its_certificate_authorizes(
    tokens: TokenLab, tmp_path: Path, label: str, algorithm: str
) -> None:
    outcome = issue(tmp_path, "--key", tokens.text(label), *PIN_ENV, "--algorithm", algorithm, env=WITH_PIN)
    schema_of("issue").validate(outcome.json)
    assert outcome.json["key"] == {"kind": "pkcs11", "label": label}
    card = card_that_trusts(tmp_path, certificate_of(tokens.public_key(label)))
    verdict = run("verify", tmp_path / "message.wbxml", "--card", card, *MOMENT, "--json")
    assert verdict.json["verdict"] == "authorized"
    assert verdict.json["signature"]["algorithm"] == algorithm
    other = card_that_trusts(tmp_path, certificate_of(rsa_private(number=1).public_key()))
    assert run("verify", tmp_path / "message.wbxml", "--card", other, *MOMENT).code == 1


def test_the_program_signs_with_a_token_in_a_process_of_its_own(tokens: TokenLab, tmp_path: Path) -> None:
    message = tmp_path / "message.wbxml"
    options = ("--key", tokens.text("p-256"), *PIN_ENV, "-o", message)
    outcome = run_process("issue", COMMANDS, "--server-id", SERVER_ID, *options, env=WITH_PIN)
    assert outcome.code == 0
    card = card_that_trusts(tmp_path, certificate_of(tokens.public_key("p-256")))
    assert run("verify", message, "--card", card, *MOMENT).code == 0


def test_the_pin_comes_from_a_file_descriptor(tokens: TokenLab, tmp_path: Path) -> None:
    for line in (TOKEN_PIN, f"{TOKEN_PIN}\n", f"{TOKEN_PIN}\r\n"):
        reading, writing = os.pipe()
        os.write(writing, line.encode())
        os.close(writing)
        assert issue(tmp_path, "--key", tokens.text("p-256"), "--pin-fd", str(reading)).code == 0
        os.close(reading)


def test_the_pin_comes_from_the_source_the_uri_names(tokens: TokenLab, tmp_path: Path) -> None:
    source = tmp_path / "a pin"
    source.write_text(f"{TOKEN_PIN}\n")
    source.chmod(0o600)
    uri = f"{tokens.text('p-256')}&pin-source=file:{tmp_path}/a%2520pin"
    assert issue(tmp_path, "--key", uri).code == 0
    both = issue(tmp_path, "--key", uri, *PIN_ENV, env=WITH_PIN)
    assert "the URI names a pin-source" in error_of(both)["message"]
    source.chmod(0o644)
    open_to_all = issue(tmp_path, "--key", uri)
    assert f"pin-source: every user may read {source}" in error_of(open_to_all)["message"]
    assert open_to_all.code == 2


def test_a_module_is_found_by_its_name(tokens: TokenLab, tmp_path: Path) -> None:
    uri = tokens.text("p-256").replace(f"module-path={SOFTHSM}", "module-name=softhsm2")
    assert issue(tmp_path, "--key", uri, *PIN_ENV, env=WITH_PIN).code == 0


@pytest.mark.parametrize(
    ("label", "pin", "told"),
    [
        ("p-256", "not the PIN", "the PIN is wrong; it was tried once"),
        ("none", TOKEN_PIN, "no private key fits"),
        ("twin", TOKEN_PIN, "2 private keys fit"),
        ("rsa-1024", TOKEN_PIN, "RSA key of 1024 bits"),
        ("secp256k1", TOKEN_PIN, "nor Ed25519"),
    ],
)
def test_a_token_key_that_cannot_be_used_is_one_line(
    tokens: TokenLab, tmp_path: Path, label: str, pin: str, told: str
) -> None:
    outcome = issue(tmp_path, "--key", tokens.text(label), *PIN_ENV, env={"PIN": pin})
    message = error_of(outcome)["message"]
    assert told in message
    assert pin not in message
    assert outcome.code == 4
    assert not (tmp_path / "message.wbxml").exists()


def test_an_algorithm_that_does_not_fit_the_token_key_is_wrong_usage(tokens: TokenLab, tmp_path: Path) -> None:
    outcome = issue(tmp_path, "--key", tokens.text("p-256"), *PIN_ENV, "--algorithm", "rsa-sha256", env=WITH_PIN)
    assert "does not fit a key of kind ec: give ecdsa-sha256" in error_of(outcome)["message"]
    assert outcome.code == 2


def test_a_token_that_leaves_before_it_signs_is_one_line(
    tokens: TokenLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODULE_FAULTS", "C_Sign=32")  # CKR_DEVICE_REMOVED
    outcome = issue(tmp_path, "--key", tokens.text("p-256", module=tokens.faulty), *PIN_ENV, env=WITH_PIN)
    error = error_of(outcome)
    assert error["kind"] == "TokenError"
    assert f"token '{TOKEN}'" in error["message"]
    assert "put the token in its place and begin again" in error["message"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:token=a;object=b?module-name=softhsm2&pin-value={pin}",
        "pkcs11:token=a;pin-value={pin}?module-name=softhsm2",
        "PKCS11:token=a?pin-value={pin}",
        "pkcs11:{pin}",
        "pkcs11:token={pin}",
        "pkcs11:token=a?module-path={pin}",
    ],
)
def test_a_pin_in_the_uri_is_refused_and_not_shown(tmp_path: Path, uri: str) -> None:
    for pin in (TOKEN_PIN, "271828"):
        outcome = issue(tmp_path, "--key", uri.format(pin=pin), *PIN_ENV, env=WITH_PIN)
        assert "--key" in error_of(outcome)["message"]
        assert pin not in outcome.stdout + outcome.stderr
        assert outcome.code == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((*RSA, *PIN_ENV), "go with --key pkcs11:"),
        ((*RSA, "--pin-prompt"), "go with --key pkcs11:"),
        ((*RSA, "--pin-fd", "0"), "go with --key pkcs11:"),
        ((*RSA, "--use-last-try"), "go with --key pkcs11:"),
        (("--secret-env", "PIN", *PIN_ENV), "go with --key pkcs11:"),
        (("--key", "pkcs11:?module-name=a", *PIN_ENV, "--pin-prompt"), "give one of --pin-env, --pin-fd"),
        (("--key", "pkcs11:?module-name=a", "--pin-prompt"), "standard input is no terminal"),
        (("--key", "pkcs11:?module-name=a", "--pin-fd", "99"), "file descriptor 99 cannot be read"),
        (("--key", "pkcs11:?module-name=a", "--pin-env", "NO_SUCH"), "NO_SUCH is not set or is empty"),
        (("--key", "pkcs11:?module-name=a", "--key-password-env", "PIN"), "go with --key and a file"),
        (("--key", "pkcs11:?module-name=a", "--key-password-file", "x"), "go with --key and a file"),
        (("--secret-env", "PIN", "--key-password-file", "x"), "go with --key and a file"),
        ((*RSA, "--key-password-file", "x", "--key-password-env", "PIN"), "give one of --key-password-env and"),
        ((*RSA, "--secret-file", "x"), "give exactly one of --key"),
        (("--secret-env", "PIN", "--secret-file", "x"), "give exactly one of --key"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    outcome = issue(tmp_path, *options, env={**WITH_PIN, "NO_SUCH": None})
    assert told in error_of(outcome)["message"]
    assert outcome.code == 2


# Secrets in files ----------------------------------------------------------------------------------------------------


def secret_file(folder: Path, octets: bytes, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(octets)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640])
def test_a_shared_secret_comes_from_a_file_without_its_line_end(tmp_path: Path, end: str, mode: int) -> None:
    path = secret_file(tmp_path, f"{SHARED_SECRET}{end}".encode(), mode)
    outcome = issue(tmp_path, "--secret-file", path)
    assert outcome.json["key"] == {"kind": "secret", "label": None}
    assert run("verify", tmp_path / "message.wbxml", "--card", CARD).code == 0


@pytest.mark.parametrize("changed", ["{}\n\n", "{}\r", " {}", "{} ", "{}\n\r\n"])
def test_everything_but_one_line_end_is_part_of_the_secret(tmp_path: Path, changed: str) -> None:
    path = secret_file(tmp_path, changed.format(SHARED_SECRET).encode())
    assert issue(tmp_path, "--secret-file", path).code == 0
    assert run("verify", tmp_path / "message.wbxml", "--card", CARD).code == 1


def test_the_password_of_a_key_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(private_pem(rsa_private(), KEY_PASSWORD.encode()))
    path = secret_file(tmp_path, f"{KEY_PASSWORD}\n".encode())
    assert issue(tmp_path, "--key", tmp_path / "key.pem", "--key-password-file", path).code == 0
    path.write_text("not the password")
    assert issue(tmp_path, "--key", tmp_path / "key.pem", "--key-password-file", path).code == 4


def test_a_secret_comes_from_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, SHARED_SECRET.encode())
    os.close(writing)
    assert issue(tmp_path, "--secret-file", f"/dev/fd/{reading}").code == 0
    os.close(reading)
    assert run("verify", tmp_path / "message.wbxml", "--card", CARD).code == 0


@pytest.mark.parametrize(
    ("octets", "mode", "told"),
    [
        (SHARED_SECRET.encode(), 0o644, "every user may read"),
        (SHARED_SECRET.encode(), 0o604, "every user may read"),
        (b"", 0o600, "is empty"),
        (b"\n", 0o600, "is empty"),
        (b"\r\n", 0o600, "is empty"),
        (bytes(4097), 0o600, "holds more than 4096 octets"),
    ],
)
def test_a_file_that_keeps_no_secret_is_wrong_usage(tmp_path: Path, octets: bytes, mode: int, told: str) -> None:
    outcome = issue(tmp_path, "--secret-file", secret_file(tmp_path, octets, mode))
    message = error_of(outcome)["message"]
    assert "--secret-file" in message
    assert told in message
    assert outcome.code == 2


@pytest.mark.parametrize("name", ["none", ".", "a\0b"])
def test_a_secret_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    outcome = issue(tmp_path, "--secret-file", f"{tmp_path}/{name}")
    assert "--secret-file: " in error_of(outcome)["message"]
    assert outcome.code == 2
