"""The fixtures are what their generator makes, and what their page says they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures.generate import generate
from smartcard_dm.card_uri import open_card
from smartcard_dm.credentials import read_credentials
from smartcard_dm.dm import parse_server_id
from smartcard_dm.errors import VerificationError
from smartcard_dm.rules import Rule
from smartcard_dm.server import issue
from smartcard_dm.trust.policy import Policy
from smartcard_dm.trust.transport import Transport
from smartcard_dm.trust.verifier import Verifier
from smartcard_dm.xmlsec import PrivateSigningKey
from tests.materials import NOW

FOLDER = Path(__file__).parents[2] / "fixtures"
PAGE = (FOLDER / "README.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| \[[^\]]+\]\(([^)]+)\) \| .* \| (hand|generated) \|$", PAGE, re.MULTILINE))


def test_the_generator_makes_the_same_octets(tmp_path: Path) -> None:
    made = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in generate(tmp_path)}
    assert sorted(made) == sorted(name for name, maker in ROWS.items() if maker == "generated")
    assert [name for name, octets in made.items() if (FOLDER / name).read_bytes() != octets] == []


def test_every_file_is_listed() -> None:
    files = (path for path in FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    found = {path.relative_to(FOLDER).as_posix() for path in files} - {"README.md"}
    assert found == set(ROWS)


@pytest.mark.parametrize(
    ("server_id", "key", "rule"),
    [
        ("com.example.dms", "dms-rsa", None),
        ("com.example.backup", "backup-ec", None),
        ("com.example.dms", "stranger-rsa", Rule.SIGNATURE_VALUE),
    ],
)
def test_the_card_judges_the_keys_as_the_page_says(server_id: str, key: str, rule: Rule | None) -> None:
    with open_card(f"profile:{FOLDER / 'cards/usim.yaml'}") as card:
        verifier = Verifier(read_credentials(card), policy=Policy.default())
    signer = PrivateSigningKey.from_pem((FOLDER / "keys" / f"{key}.pem").read_bytes())
    message = issue((FOLDER / "messages/commands.xml").read_bytes(), parse_server_id(server_id), signer)
    if rule is None:
        assert str(verifier.verify(message, transport=Transport.local(), at=NOW).server_id) == server_id
        return
    with pytest.raises(VerificationError) as caught:
        verifier.verify(message, transport=Transport.local(), at=NOW)
    assert caught.value.rule is rule
