from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.server import issue
from smartcard_dm.tokens import TokenSigningKey, parse_token_uri
from smartcard_dm.xmlsec import SignatureAlgorithm, TrustedKey
from tests.materials import MESSAGE, SERVER_ID
from tests.tokens.lab import MODULE, PIN, TOKEN, TOKEN_PIN

if TYPE_CHECKING:
    from tests.tokens.lab import TokenLab

RSA = [algorithm for algorithm in SignatureAlgorithm if algorithm.family.value == "rsa"]
EC = [algorithm for algorithm in SignatureAlgorithm if algorithm.family.value == "ec"]
CASES = [
    *(("rsa-2048", algorithm) for algorithm in RSA),
    *(("rsa-3072", algorithm) for algorithm in RSA),
    *((label, algorithm) for label in ("p-256", "p-384", "p-521") for algorithm in EC),
    ("ed25519", SignatureAlgorithm.EDDSA_ED25519),
]
PRIVATE_VALUES = {0x11, 0x123, 0x124, 0x125, 0x126, 0x127, 0x128}
"""CKA_VALUE, and the private parts of an RSA key."""


def trusted(tokens: TokenLab, label: str) -> TrustedKey:
    der = tokens.public_key(label).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TrustedKey.from_public_key(der, names=(), origin="a token")


@pytest.mark.parametrize(("label", "algorithm"), CASES, ids=lambda case: getattr(case, "identifier", case))
def test_what_a_token_signs_its_public_key_verifies(
    tokens: TokenLab, label: str, algorithm: SignatureAlgorithm
) -> None:
    verifier = trusted(tokens, label)
    with TokenSigningKey.open(tokens.uri(label), PIN) as key:
        assert (key.label, key.family) == (label, algorithm.family)
        for octets in (b"", b"octets", bytes(100_000)):
            value = key.sign(algorithm, octets)
            assert verifier.verifies(algorithm, value, octets)
            assert not verifier.verifies(algorithm, value, octets + b"x")


@pytest.mark.parametrize(
    ("label", "algorithm"),
    [
        ("rsa-2048", "rsa-sha256"),
        ("rsa-3072", "rsa-sha256"),
        ("p-256", "ecdsa-sha256"),
        ("p-384", "ecdsa-sha384"),
        ("p-521", "ecdsa-sha512"),
        ("ed25519", "eddsa-ed25519"),
    ],
)
def test_a_key_has_the_default_algorithm_of_its_kind(tokens: TokenLab, label: str, algorithm: str) -> None:
    with TokenSigningKey.open(tokens.uri(label), PIN) as key:
        assert key.default_algorithm.identifier == algorithm


def test_a_key_of_another_family_is_refused_before_the_token_is_asked(
    tokens: TokenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tokens.folder / "family.calls"
    with TokenSigningKey.open(tokens.uri("p-256", module=tokens.faulty), PIN) as key:
        monkeypatch.setenv("MODULE_CALLS", str(calls))
        with pytest.raises(KeyMaterialError, match="needs a key of family rsa, this one is ec"):
            key.sign(SignatureAlgorithm.RSA_SHA256, b"x")
        assert not calls.exists()


def test_one_key_signs_a_batch_in_one_session(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tokens.folder / "batch.calls"
    monkeypatch.setenv("MODULE_CALLS", str(calls))
    with TokenSigningKey.open(tokens.uri("p-256", module=tokens.faulty), PIN) as key:
        messages = {issue(MESSAGE, parse_server_id(SERVER_ID), key) for _ in range(50)}
    names = [line.split()[0] for line in calls.read_text().splitlines()]
    assert len(messages) == 50
    assert names.count("C_Login") == names.count("C_Logout") == 1
    assert names.count("C_Sign") == 50


def test_the_private_value_stays_on_the_token(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    import pkcs11  # noqa: PLC0415 - as the code under test

    calls = tokens.folder / "attributes.calls"
    monkeypatch.setenv("MODULE_CALLS", str(calls))
    for label, algorithm in CASES:
        with TokenSigningKey.open(tokens.uri(label, module=tokens.faulty), PIN) as key:
            key.sign(algorithm, b"octets")
    asked = {
        int(number, 16)
        for line in calls.read_text().splitlines()
        for name, *numbers in [line.split()]
        if name == "C_GetAttributeValue"
        for number in numbers
    }
    assert asked
    assert not asked & PRIVATE_VALUES
    monkeypatch.delenv("MODULE_CALLS")
    # The test's keys are such keys: the token would refuse.
    with pkcs11.lib(MODULE).get_token(token_label=TOKEN).open(user_pin=TOKEN_PIN) as session:
        for found in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}):
            assert found[pkcs11.Attribute.SENSITIVE] is True
            assert found[pkcs11.Attribute.EXTRACTABLE] is False
            assert found[pkcs11.Attribute.ALWAYS_SENSITIVE] is True
            assert found[pkcs11.Attribute.NEVER_EXTRACTABLE] is True
            for value in (pkcs11.Attribute.VALUE, pkcs11.Attribute.PRIVATE_EXPONENT):
                with pytest.raises((pkcs11.AttributeSensitive, pkcs11.AttributeTypeInvalid)):
                    found[value]


def test_only_a_digest_goes_to_the_token(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tokens.folder / "sizes.calls"
    monkeypatch.setenv("MODULE_CALLS", str(calls))
    for label, algorithm in (
        ("rsa-2048", SignatureAlgorithm.RSA_SHA256),
        ("rsa-2048", SignatureAlgorithm.RSA_PSS_SHA384),
        ("p-256", SignatureAlgorithm.ECDSA_SHA512),
        ("p-521", SignatureAlgorithm.ECDSA_SHA512),
    ):
        with TokenSigningKey.open(tokens.uri(label, module=tokens.faulty), PIN) as key:
            key.sign(algorithm, bytes(5000))
    lines = [line for line in calls.read_text().splitlines() if line.startswith("C_Sign")]
    # Mechanism (hash, mask, salt), then octets: of a DigestInfo, a digest, one cut to the curve, a digest.
    assert lines == [
        "C_SignInit 1",
        "C_Sign 33",
        "C_SignInit d 260 3 30",
        "C_Sign 30",
        "C_SignInit 1041",
        "C_Sign 20",
        "C_SignInit 1041",
        "C_Sign 40",
    ]


def test_a_key_is_found_by_its_identifier(tokens: TokenLab) -> None:
    for identifier in ("%0a", "%0b"):
        text = tokens.text("twin").replace(";object=", f";id={identifier};object=")
        with TokenSigningKey.open(parse_token_uri(text), PIN) as key:
            assert key.label == "twin"


@pytest.mark.usefixtures("tokens")
def test_a_token_is_found_by_everything_a_uri_can_say() -> None:
    import pkcs11  # noqa: PLC0415 - as the code under test

    token = pkcs11.lib(MODULE).get_token(token_label=TOKEN)
    path = (
        f"serial={token.serial.decode()};manufacturer=SoftHSM%20project;model=SoftHSM%20v2;slot-id={token.slot.slot_id};"
        "library-manufacturer=SoftHSM;library-version=2.6;slot-manufacturer=SoftHSM%20project;type=private;object=p-256"
    )
    for wanted in ("", "library-description=Implementation%20of%20PKCS11;"):
        with TokenSigningKey.open(parse_token_uri(f"pkcs11:{wanted}{path}?module-name=softhsm2"), PIN) as key:
            assert key.label == "p-256"


def test_a_label_that_is_not_ascii_is_a_label(tokens: TokenLab) -> None:
    label = "Schlüssel № 9; 50 %"
    with TokenSigningKey.open(tokens.uri(label), PIN) as key:
        assert key.label == label
        value = key.sign(SignatureAlgorithm.ECDSA_SHA256, b"octets")
    assert trusted(tokens, label).verifies(SignatureAlgorithm.ECDSA_SHA256, value, b"octets")


def test_a_key_that_wants_its_pin_each_time_gets_it(tokens: TokenLab, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tokens.folder / "each-time.calls"
    monkeypatch.setenv("MODULE_CALLS", str(calls))
    verifier = trusted(tokens, "asks each time")
    with TokenSigningKey.open(tokens.uri("asks each time", module=tokens.faulty), PIN) as key:
        for _ in range(2):
            value = key.sign(SignatureAlgorithm.RSA_SHA256, b"octets")
            assert verifier.verifies(SignatureAlgorithm.RSA_SHA256, value, b"octets")
    logins = [line for line in calls.read_text().splitlines() if line.startswith("C_Login")]
    assert logins == ["C_Login 1", "C_Login 2", "C_Login 2"]  # CKU_USER, then CKU_CONTEXT_SPECIFIC


def test_keys_of_one_token_share_its_session_until_the_last_is_closed(tokens: TokenLab) -> None:
    first = TokenSigningKey.open(tokens.uri("p-256"), PIN)
    second = TokenSigningKey.open(tokens.uri("rsa-2048"), PIN)
    first.close()
    first.close()
    assert second.sign(SignatureAlgorithm.RSA_SHA256, b"x")
    with pytest.raises(KeyMaterialError, match="closed; open the key again"):
        first.sign(SignatureAlgorithm.ECDSA_SHA256, b"x")
    second.close()
    with pytest.raises(KeyMaterialError, match="closed"):
        second.sign(SignatureAlgorithm.RSA_SHA256, b"x")
    with TokenSigningKey.open(tokens.uri("p-256"), PIN) as again:
        assert again.sign(SignatureAlgorithm.ECDSA_SHA256, b"x")


def test_threads_take_turns(tokens: TokenLab) -> None:
    verifiers = {label: trusted(tokens, label) for label in ("p-256", "rsa-2048")}
    keys = {label: TokenSigningKey.open(tokens.uri(label), PIN) for label in verifiers}

    def signs(number: int) -> bool:
        label = ("p-256", "rsa-2048")[number % 2]
        octets, key = str(number).encode(), keys[label]
        algorithm = key.default_algorithm
        return verifiers[label].verifies(algorithm, key.sign(algorithm, octets), octets)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(signs, range(200)))
    for key in keys.values():
        key.close()


def test_a_key_is_not_pickled_and_not_printed(tokens: TokenLab) -> None:
    with TokenSigningKey.open(tokens.uri("p-256"), PIN) as key:
        with pytest.raises(TypeError, match="open it in each process"):
            pickle.dumps(key)
        assert TOKEN_PIN not in f"{key!r} {key} {key.key!r} {key.key.token!r}"
