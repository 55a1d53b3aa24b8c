"""A batch signed on a token: each process opens it; one that leaves ends the run, one that returns resumes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from smartcard_dm import wbxml
from smartcard_dm.limits import DEFAULT_LIMITS
from smartcard_dm.server.batch_messages import read_messages
from smartcard_dm.xmlsec import AlgorithmPolicy, TrustedKey
from smartcard_dm.xmlsec.signature_element import read_signature
from smartcard_dm.xmlsec.verify import verify_digest, verify_signature_value
from tests.cli.running import SERVER_ID, environment
from tests.server.batches import COMMANDS, targets_file
from tests.tokens.lab import TOKEN_PIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tokens.lab import TokenLab

_PROGRAM = (sys.executable, "-m", "smartcard_dm")


def batch(tokens: TokenLab, folder: Path, label: str, *more: str, token: str | None = None) -> list[str]:
    (folder / "commands.xml").write_bytes(COMMANDS)
    uri = tokens.text(label) if token is None else tokens.text(label, token=token)
    return [
        *_PROGRAM, "issue", str(folder / "commands.xml"), "--server-id", SERVER_ID, "--key", uri, "--pin-env", "PIN",
        "--batch", str(folder / "targets.csv"), "-o", str(folder / "out.db"), *more,
    ]  # fmt: skip


def environment_with_token(tokens: TokenLab) -> dict[str, str]:
    return {**environment(), "SOFTHSM2_CONF": str(tokens.folder / "softhsm2.conf"), "PIN": TOKEN_PIN}


def issued(place: Path) -> list[bytes]:
    return [found.octets for found in read_messages(place) if found.octets is not None]


@pytest.mark.parametrize("label", ["rsa-2048", "p-256"])
def test_two_processes_sign_on_one_token(tokens: TokenLab, tmp_path: Path, label: str) -> None:
    targets_file(tmp_path, 600)
    done = subprocess.run(
        batch(tokens, tmp_path, label, "--jobs", "2"),
        env=environment_with_token(tokens), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert TOKEN_PIN not in done.stdout
    messages = issued(tmp_path / "out.db")
    assert len(set(messages)) == 600
    public = tokens.public_key(label).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    trusted = TrustedKey.from_public_key(public, names=(), origin="the token")
    for message in messages:
        xml = wbxml.to_xml(message)
        start = xml.index(b"<Signature ")
        signature = read_signature(xml[start : -len(b"</SyncML>")], AlgorithmPolicy.default(), DEFAULT_LIMITS)
        assert verify_signature_value(signature, [trusted]) is trusted
        verify_digest(xml[:start] + b"</SyncML>", signature.signed_info)


def count(place: Path) -> int:
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])
    return 0


def test_a_token_that_leaves_ends_the_run_and_its_return_goes_on_with_it(tokens: TokenLab, tmp_path: Path) -> None:
    tokens.make_token("leaves")
    tokens.make_key("leaves", "signer", "rsa:2048", "01")
    targets_file(tmp_path, 3000)
    place = tmp_path / "out.db"
    command = batch(tokens, tmp_path, "signer", "--jobs", "1", token="leaves")
    with (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            command, env=environment_with_token(tokens), stdout=subprocess.DEVNULL, stderr=stderr
        )
        end = time.monotonic() + 60
        while count(place) < 300:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
        path = tokens.remove_token("leaves")
        code = process.wait(60)
    lines = (tmp_path / "stderr").read_text().splitlines()
    tokens.put_back(path)
    assert code == 4, lines
    assert len(lines) == 1
    assert "stopped signing, " in lines[0]
    assert lines[0].endswith("put it right and run this again to go on")
    before = issued(place)
    assert 300 <= len(before) < 3000
    again = subprocess.run(command, env=environment_with_token(tokens), capture_output=True, text=True, check=False)
    assert (again.returncode, again.stderr) == (0, "")
    after = issued(place)
    assert after[: len(before)] == before
    assert len(set(after)) == 3000
