"""Virtual cards for the command line: the fixture's profile with one thing changed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from tests.cli.running import KEYS, ROOT, SERVER_ID
from tests.materials import certificate_der, private_pem

if TYPE_CHECKING:
    from pathlib import Path

    from smartcard_dm.xmlsec.signing_keys import PrivateKey

PRIVATE_BOOTSTRAP = ("name: EF.DM_Bootstrap\n        access: public", "name: EF.DM_Bootstrap\n        access: private")
ONE_TRY = ('value: "1234", attempts: 3', 'value: "1234", attempts: 1')
_SHARED_SECRET_ENTRY = "                  - {level: SRVCRED, type: HMAC,"


def changed_card(folder: Path, *changes: tuple[str, str]) -> str:
    """Return the URI of the fixture's card with pieces of its profile replaced."""
    text = (ROOT / "fixtures" / "cards" / "usim.yaml").read_text().replace("../keys/", "keys/")
    shutil.copytree(KEYS, folder / "keys", dirs_exist_ok=True)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "changed.yaml"
    path.write_text(text)
    return f"profile:{path}"


def card_without_provisioning(folder: Path) -> str:
    """Return the URI of a card that has a USIM and nothing else."""
    text = (ROOT / "fixtures" / "cards" / "usim.yaml").read_text()
    begin = text.index("  - adf: A000000063504B43532D3135")
    path = folder / "usim-only.yaml"
    path.write_text(
        text[:begin].replace(
            "      - application_template: {aid: A000000063504B43532D3135, label: PKCS-15, path: 3F007F50}\n", ""
        )
    )
    return f"profile:{path}"


def card_and_key(folder: Path, key: PrivateKey, password: bytes | None = None) -> tuple[str, Path]:
    """Return the URI of a card that trusts a key for the fixture's server, and the file of that key."""
    pem = folder / "key.pem"
    pem.write_bytes(private_pem(key, password))
    return card_that_trusts(folder, certificate_der(key, common_name=SERVER_ID)), pem


def card_that_trusts(folder: Path, certificate: bytes) -> str:
    """Return the URI of a card that has a certificate (DER) in the account of the fixture's server."""
    uri = changed_card(folder, (_SHARED_SECRET_ENTRY, f"#{_SHARED_SECRET_ENTRY}"))
    (folder / "keys" / "dms-rsa-cert.pem").write_bytes(
        load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
    )
    return uri
