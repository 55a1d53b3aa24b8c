"""Which keys may sign for an account, and which anchors belong to which ServerID (step 5, decision D4)."""

from __future__ import annotations

import pytest

from smartcard_dm.dm import AppAuth, AuthLevel, AuthType
from smartcard_dm.errors import KeyMaterialError
from smartcard_dm.identity import Origin
from smartcard_dm.secret import Secret
from smartcard_dm.trust.account_keys import account_keys
from smartcard_dm.trust.anchors import AnchorKind, TrustAnchor
from smartcard_dm.xmlsec import KeyFamily
from tests import materials
from tests.materials import SERVER_ID, SHARED_SECRET
from tests.trust.device import account, refused, signed, verifier, verify

ORIGIN = Origin("trusted certificate 'x'", "7F50/6441", "")
KEY = materials.rsa_private()


def auth(kind: AuthType, level: AuthLevel = AuthLevel.SRVCRED, **more: object) -> AppAuth:
    return AppAuth(node_name="a", level=level, type=kind, **more)  # type: ignore[arg-type] # one of the optional fields


def anchor(label: str = "", *, authority: bool = False, **names: object) -> TrustAnchor:
    der = materials.certificate_der(KEY, **names)  # type: ignore[arg-type] # names of the certificate
    return TrustAnchor.from_certificate(der, label=label, authority=authority, origin=ORIGIN)


@pytest.mark.parametrize("kind", [AuthType.HMAC, AuthType.DIGEST, AuthType.BASIC])
def test_a_shared_secret_of_the_server_is_an_hmac_key(kind: AuthType) -> None:
    found = account_keys(account(SERVER_ID, auth(kind, name="n", secret=SHARED_SECRET)), ())
    assert [(key.family, key.names) for key in found.keys] == [(KeyFamily.HMAC, ("n", SERVER_ID))]
    assert found.problems == ()


def test_a_certificate_of_the_server_is_a_key() -> None:
    found = account_keys(account(SERVER_ID, auth(AuthType.X509, certificate=materials.certificate_der(KEY))), ())
    assert [(key.family, key.origin) for key in found.keys] == [(KeyFamily.RSA, "AppAuth/a of account dms (X509)")]


@pytest.mark.parametrize("level", [AuthLevel.CLCRED, AuthLevel.HTTP, AuthLevel.OBEX])
def test_only_server_credentials_give_keys(level: AuthLevel) -> None:
    kind = AuthType.HMAC if level is AuthLevel.CLCRED else AuthType.HTTP_BASIC
    assert account_keys(account(SERVER_ID, auth(kind, level, secret=SHARED_SECRET)), ()).keys == ()


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (auth(AuthType.HMAC), "without AAuthSecret"),
        (auth(AuthType.HMAC, secret=Secret(b"")), "empty"),
        (auth(AuthType.X509), "without a certificate"),
        (auth(AuthType.X509, certificate=b"\x30\x00"), "not an X.509 certificate"),
        (auth(AuthType.SECURID, secret=SHARED_SECRET), "SECURID gives no key"),
    ],
    ids=["no secret", "empty secret", "no certificate", "broken certificate", "other type"],
)
def test_an_entry_that_gives_no_key_says_why(entry: AppAuth, word: str) -> None:
    found = account_keys(account(SERVER_ID, entry), ())
    assert found.keys == ()
    assert word in found.problems[0]
    assert "AppAuth/a" in found.problems[0]


@pytest.mark.parametrize(
    "bound",
    [
        anchor(SERVER_ID),
        anchor(common_name=SERVER_ID),
        anchor(dns_names=("other.example", SERVER_ID)),
        anchor(uris=(SERVER_ID,)),
        TrustAnchor.from_public_key(materials.public_der(KEY), label=SERVER_ID, origin=ORIGIN),
    ],
    ids=["label", "common name", "SAN DNS", "SAN URI", "public key label"],
)
def test_an_anchor_is_bound_by_a_name_equal_to_the_server_id(bound: TrustAnchor) -> None:
    client_only = auth(AuthType.HMAC, AuthLevel.CLCRED, secret=SHARED_SECRET)
    judge = verifier(account(SERVER_ID, client_only), anchors=(bound,))
    assert verify(signed(key=KEY), judge).signature.key_origin == str(ORIGIN)


@pytest.mark.parametrize(
    "other",
    [anchor("com.example"), anchor(common_name=f"{SERVER_ID}."), anchor(dns_names=("*.example.dms",)), anchor()],
    ids=["shorter", "longer", "wildcard", "none"],
)
def test_an_anchor_with_another_name_is_not_bound(other: TrustAnchor) -> None:
    client_only = auth(AuthType.HMAC, AuthLevel.CLCRED, secret=SHARED_SECRET)
    error = refused(signed(key=KEY), verifier(account(SERVER_ID, client_only), anchors=(other,)))
    assert error.rule.identifier == "key.none"


@pytest.mark.parametrize(
    "authority", [anchor(SERVER_ID, authority=True), anchor(SERVER_ID, ca=True)], ids=["card says so", "it says so"]
)
def test_an_authority_never_signs_a_message(authority: TrustAnchor) -> None:
    assert authority.kind is AnchorKind.AUTHORITY
    client_only = auth(AuthType.HMAC, AuthLevel.CLCRED, secret=SHARED_SECRET)
    error = refused(signed(key=KEY), verifier(account(SERVER_ID, client_only), anchors=(authority,)))
    assert error.rule.identifier == "key.unusable"
    assert "authority" in error.detail


def test_the_anchor_of_one_server_does_not_serve_another() -> None:
    client_only = auth(AuthType.HMAC, AuthLevel.CLCRED, secret=SHARED_SECRET)
    judge = verifier(account(SERVER_ID, client_only), anchors=(anchor("com.example.other"),))
    assert refused(signed(key=KEY), judge).rule.identifier == "key.none"


def test_what_is_no_certificate_is_no_anchor() -> None:
    with pytest.raises(KeyMaterialError, match="trusted certificate"):
        TrustAnchor.from_certificate(b"nonsense", label="", authority=False, origin=ORIGIN)


def test_what_is_no_public_key_is_no_anchor() -> None:
    with pytest.raises(KeyMaterialError, match="not a SubjectPublicKeyInfo"):
        TrustAnchor.from_public_key(b"\x30\x00", label="", origin=ORIGIN)


def test_an_anchor_does_not_print_its_key() -> None:
    assert "der" not in repr(anchor(SERVER_ID))
