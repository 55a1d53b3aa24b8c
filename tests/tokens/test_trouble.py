"""What goes wrong between this program and a token: one clear error each, and never a second try of a PIN."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.errors import KeyMaterialError, TokenError
from smartcard_dm.secret import Secret
from smartcard_dm.tokens import TokenSigningKey, parse_token_uri
from smartcard_dm.xmlsec import SignatureAlgorithm
from tests.tokens.lab import PIN, TOKEN, TOKEN_PIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.tokens.lab import TokenLab

ROOT = Path(__file__).parents[2]
ES256 = SignatureAlgorithm.ECDSA_SHA256
WRONG = Secret(b"not the PIN")


@pytest.fixture(name="calls")
def fixture_calls(tokens: TokenLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the file with the calls into the faulty module."""
    path = tmp_path / "calls"
    path.touch()
    monkeypatch.setenv("MODULE_CALLS", str(path))
    yield path
    monkeypatch.delenv("MODULE_FAULTS", raising=False)
    tokens.begin_anew()


def logins(calls: Path) -> int:
    return sum(line.startswith("C_Login") for line in calls.read_text().splitlines())


def message_of(tokens: TokenLab, label: str, pin: Secret | None = PIN, **where: str) -> str:
    with pytest.raises(KeyMaterialError) as caught:
        TokenSigningKey.open(tokens.uri(label, **where), pin)
    assert TOKEN_PIN not in str(caught.value)
    return str(caught.value)


def test_a_wrong_pin_is_tried_once(tokens: TokenLab, calls: Path) -> None:
    text = message_of(tokens, "p-256", WRONG, module=tokens.faulty)
    assert "the PIN is wrong; it was tried once and is not tried again" in text
    assert TOKEN in text
    assert "not the PIN" not in text
    assert logins(calls) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("a0", "the PIN is wrong"),  # CKR_PIN_INCORRECT
        ("a1", "holds a character"),  # CKR_PIN_INVALID
        ("a2", "too short or too long"),  # CKR_PIN_LEN_RANGE
        ("a3", "has expired"),  # CKR_PIN_EXPIRED
        ("a4", "the PIN is locked"),  # CKR_PIN_LOCKED
        ("102", "no user PIN yet"),  # CKR_USER_PIN_NOT_INITIALIZED
        ("5", "the token failed (GeneralError)"),  # CKR_GENERAL_ERROR
        ("80001234", "the token failed (Unmapped error code 0x80001234)"),  # CKR_VENDOR_DEFINED
    ],
)
def test_what_a_token_answers_to_a_login_is_told(
    tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch, answer: str, told: str
) -> None:
    monkeypatch.setenv("MODULE_FAULTS", f"C_Login={answer}")
    assert told in message_of(tokens, "p-256", module=tokens.faulty)
    assert logins(calls) == 1


def test_a_locked_pin_is_not_tried(tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODULE_FAULTS", "token_flags=40000")  # CKF_USER_PIN_LOCKED
    text = message_of(tokens, "p-256", module=tokens.faulty)
    assert "the PIN is locked" in text
    assert "nothing was tried" in text
    assert logins(calls) == 0


def test_the_last_try_is_used_only_with_consent(tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODULE_FAULTS", "token_flags=20000")  # CKF_USER_PIN_FINAL_TRY
    assert "one try is left" in message_of(tokens, "p-256", module=tokens.faulty)
    assert logins(calls) == 0
    with TokenSigningKey.open(tokens.uri("p-256", module=tokens.faulty), PIN, use_last_try=True) as key:
        assert key.sign(ES256, b"x")
    assert logins(calls) == 1


def test_without_a_pin_none_is_presented(tokens: TokenLab, calls: Path) -> None:
    assert "the token wants a PIN and none was given" in message_of(tokens, "p-256", None, module=tokens.faulty)
    assert logins(calls) == 0


def test_a_pin_that_is_no_text_is_not_tried(tokens: TokenLab, calls: Path) -> None:
    assert "a PIN is UTF-8" in message_of(tokens, "p-256", Secret(b"\xff\xfe"), module=tokens.faulty)
    assert logins(calls) == 0


@pytest.mark.parametrize("module", ["/none/module.so", "/etc/passwd", "/"])
def test_a_module_that_is_none_is_named(tokens: TokenLab, module: str) -> None:
    assert f"PKCS#11 module {module} cannot be used" in message_of(tokens, "p-256", module=module)


def test_a_module_name_that_leads_nowhere_lists_where_it_was_looked_for() -> None:
    with pytest.raises(TokenError, match=r"PKCS#11 module none: not in /usr/lib/pkcs11, .*; give module-path"):
        TokenSigningKey.open(parse_token_uri("pkcs11:?module-name=none"), PIN)


def test_a_module_that_cannot_start_is_one_error(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tokens.folder / "another_faulty_module.so"
    module.write_bytes(Path(tokens.faulty).read_bytes())
    monkeypatch.setenv("REAL_MODULE", "/none")
    assert "cannot be used: GeneralError" in message_of(tokens, "p-256", module=str(module))


def test_a_token_that_is_not_there_is_named_beside_those_that_are(tokens: TokenLab) -> None:
    text = message_of(tokens, "p-256", token="another token")
    assert "fits pkcs11:token=another%20token;object=p-256" in text
    assert f"token '{TOKEN}'" in text


def test_a_key_that_is_not_there_is_named_beside_those_that_are(tokens: TokenLab) -> None:
    text = message_of(tokens, "none")
    assert "no private key fits" in text
    assert "'p-384' (id 04)" in text
    assert "'Schlüssel № 9; 50 %' (id 09)" in text


def test_several_keys_are_listed(tokens: TokenLab) -> None:
    text = message_of(tokens, "twin")
    assert "2 private keys fit" in text
    assert "'twin' (id 0a)" in text
    assert "'twin' (id 0b)" in text
    assert "name one with object= and id=" in text


def test_all_keys_of_a_token_are_listed_up_to_a_bound(tokens: TokenLab) -> None:
    with pytest.raises(TokenError, match=r"private keys fit pkcs11:token=.*; name one") as caught:
        TokenSigningKey.open(parse_token_uri(tokens.text("").replace(";object=", "")), PIN)
    assert str(caught.value).count("(id ") <= 16


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("rsa-1024", "RSA key of 1024 bits: no client would accept it, use 2048 or more"),
        ("secp256k1", "neither RSA, nor EC on P-256, P-384 or P-521, nor Ed25519"),
        ("for decryption", "does not let it sign"),
    ],
)
def test_a_key_that_no_client_would_accept_is_refused(tokens: TokenLab, label: str, told: str) -> None:
    assert told in message_of(tokens, label)


def test_a_refused_key_leaves_the_token_closed(tokens: TokenLab, calls: Path) -> None:
    for _ in range(2):
        message_of(tokens, "rsa-1024", module=tokens.faulty)
    lines = [line.split()[0] for line in calls.read_text().splitlines()]
    assert lines.count("C_Login") == lines.count("C_Logout") == 2


def test_a_mechanism_that_the_token_lacks_is_told(
    tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TokenSigningKey.open(tokens.uri("rsa-2048", module=tokens.faulty), PIN) as key:
        monkeypatch.setenv("MODULE_FAULTS", "C_SignInit=70")  # CKR_MECHANISM_INVALID
        with pytest.raises(TokenError, match="the token cannot do this"):
            key.sign(SignatureAlgorithm.RSA_PSS_SHA256, b"x")
        monkeypatch.delenv("MODULE_FAULTS")
        assert key.sign(SignatureAlgorithm.RSA_SHA256, b"x")
    assert logins(calls) == 1


@pytest.mark.parametrize(
    "answer", ["30", "32", "60", "82", "b0", "b3", "e0", "101", "190"]
)  # device error or removed; handles invalid; session closed; token not present; logged out; not initialised
def test_a_token_removed_midway_is_one_error_and_opens_again(
    tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    uri = tokens.uri("p-256", module=tokens.faulty)
    with TokenSigningKey.open(uri, PIN) as key, TokenSigningKey.open(uri, PIN) as other:
        assert key.sign(ES256, b"x")
        monkeypatch.setenv("MODULE_FAULTS", f"C_Sign={answer}")
        for _ in range(3):
            with pytest.raises(TokenError, match="was removed, reset or logged out; open the key again"):
                key.sign(ES256, b"x")
        monkeypatch.delenv("MODULE_FAULTS")
        # What was lost stays lost: a PIN is never presented again by itself.
        for lost in (key, other):
            with pytest.raises(TokenError, match="was removed"):
                lost.sign(ES256, b"x")
        assert logins(calls) == 1
        with TokenSigningKey.open(uri, PIN) as again:
            assert again.sign(ES256, b"x")
        assert logins(calls) == 2


def test_a_token_whose_files_go_is_one_error_and_comes_back(tokens: TokenLab) -> None:
    tokens.make_token("goes and comes")
    tokens.make_key("goes and comes", "p-256", "EC:secp256r1", "01")
    tokens.begin_anew()
    uri = tokens.uri("p-256", token="goes and comes")
    with TokenSigningKey.open(uri, PIN) as key:
        assert key.sign(ES256, b"x")
        place = tokens.remove_token("goes and comes")
        with pytest.raises(TokenError, match="was removed"):
            key.sign(ES256, b"x")
        with pytest.raises(TokenError, match="no token of PKCS#11 module"):
            TokenSigningKey.open(uri, PIN)
        tokens.put_back(place)
        with pytest.raises(TokenError, match="was removed"):
            key.sign(ES256, b"x")
    with TokenSigningKey.open(uri, PIN) as again:
        assert again.sign(ES256, b"x")


def test_a_module_that_somebody_else_ended_is_one_error(tokens: TokenLab) -> None:
    with TokenSigningKey.open(tokens.uri("p-256"), PIN) as key:
        tokens.begin_anew()
        with pytest.raises(TokenError, match="was removed, reset or logged out"):
            key.sign(ES256, b"x")
    with TokenSigningKey.open(tokens.uri("p-256"), PIN) as again:
        assert again.sign(ES256, b"x")


def test_two_tokens_of_one_name_are_listed(tokens: TokenLab) -> None:
    for _ in range(2):
        tokens.make_token("double")
    tokens.begin_anew()
    text = message_of(tokens, "p-256", token="double")
    assert "2 tokens fit" in text
    assert "name one with serial=" in text


FORKED = """
import os, sys
from smartcard_dm.errors import TokenError
from smartcard_dm.secret import Secret
from smartcard_dm.tokens import TokenSigningKey, parse_token_uri
from smartcard_dm.xmlsec import SignatureAlgorithm

uri, pin = parse_token_uri(sys.argv[1]), Secret(os.environb[b"PIN"])
key = TokenSigningKey.open(uri, pin)
child = os.fork()
if not child:
    try:
        key.sign(SignatureAlgorithm.ECDSA_SHA256, b"x")
    except TokenError as error:
        print(error, flush=True)
    with TokenSigningKey.open(uri, pin) as own:
        print(len(own.sign(SignatureAlgorithm.ECDSA_SHA256, b"x")), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(len(key.sign(SignatureAlgorithm.ECDSA_SHA256, b"x")))
key.close()
"""


def test_a_forked_process_opens_the_key_for_itself(tokens: TokenLab) -> None:
    import os  # noqa: PLC0415 - for this one environment

    done = subprocess.run(
        [sys.executable, "-c", FORKED, tokens.text("p-256")],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PIN": TOKEN_PIN, "PYTHONPATH": str(ROOT)},
        text=True,
        timeout=120,
    )
    first, *others = done.stdout.splitlines()
    assert "was opened by the process this one was forked from; open the key again" in first
    assert others == ["64", "64"], done.stderr
    assert done.stderr == ""


UNINSTALLED = """
import sys
sys.modules["pkcs11"] = None
from smartcard_dm.errors import TokenError
from smartcard_dm.tokens import TokenSigningKey, parse_token_uri
try:
    TokenSigningKey.open(parse_token_uri("pkcs11:?module-name=softhsm2"), None)
except TokenError as error:
    print(error)
"""


def test_without_the_binding_the_remedy_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNINSTALLED], capture_output=True, check=True, cwd=ROOT, text=True, timeout=120
    )
    assert "install smartcard-dm with the extra pkcs11" in done.stdout


@pytest.mark.parametrize("function", ["C_Sign", "C_SignInit", "C_GetAttributeValue", "C_FindObjectsInit"])
def test_every_error_of_the_binding_stops_at_its_module(
    tokens: TokenLab, calls: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    uri = tokens.uri("p-256", module=tokens.faulty)
    key = TokenSigningKey.open(uri, PIN)
    for code in (*range(1, 0x1C0, 1 if function == "C_Sign" else 7), 0x200, 0x80000000):
        monkeypatch.setenv("MODULE_FAULTS", f"{function}={code:x}")
        with pytest.raises(TokenError):
            key.sign(ES256, b"x") if function.startswith("C_Sign") else key.key.token.find(uri)
        monkeypatch.delenv("MODULE_FAULTS")
        try:
            key.sign(ES256, b"x")
        except TokenError:  # it was lost
            key = TokenSigningKey.open(uri, PIN)
    key.close()
    assert calls.stat().st_size
