"""OpenSC reads the same card through pcscd: the same objects, identifiers, certificate and octets."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from smartcard_dm.card.session import CardSession
from smartcard_dm.credentials import read_credentials
from tests.oracles.opensc import Counting, opaque_usim, opensc
from vendor_pcsc.readers import connect

if TYPE_CHECKING:
    from pathlib import Path

    from vendor_pcsc.virtual.lab import PcscLab


@pytest.fixture
def inserted(lab: PcscLab) -> tuple[PcscLab, str, Counting]:
    card = Counting(opaque_usim())
    return lab, lab.put(card), card


def test_opensc_sees_the_atr_of_the_profile(inserted: tuple[PcscLab, str, Counting], tmp_path: Path) -> None:
    lab, _, _ = inserted
    shown = opensc(lab, tmp_path, "opensc-tool", "-a").stdout.decode().strip().replace(":", "").upper()
    assert shown == "3B9F96811FC78031E073FE2113444D4C4142303031C9"


def test_opensc_lists_the_objects_we_list(inserted: tuple[PcscLab, str, Counting], tmp_path: Path) -> None:
    lab, reader, _ = inserted
    dump = opensc(lab, tmp_path, "pkcs15-tool", "--dump").stdout.decode()
    with CardSession(connect(reader)) as card:
        application = card.provisioning
        (data,) = application.data_objects
        (certificate,) = application.trusted_certificates
        (pin,) = application.auth_objects
        info = application.token_info
    assert re.findall(r"applicationOID: +(\S+)", dump) == [data.object.oid]
    assert re.findall(r"Data object '(.*)'", dump) == [data.object.label] == ["DM bootstrap"]
    assert re.findall(r"X\.509 Certificate \[(.*)\]", dump) == [certificate.object.label]
    paths = [path.upper() for path in re.findall(r"Path *:? +:? *(\S+)", dump)]
    assert paths == [f"3F00{place.replace('/', '')}" for place in (certificate.place, data.place)]
    assert re.findall(r"PIN \[(.*)\]", dump) == [pin.object.label]
    assert f"[{info.label}]" in dump
    assert f"Last update    : {info.last_update}" in dump


def test_opensc_reads_the_octets_we_read(inserted: tuple[PcscLab, str, Counting], tmp_path: Path) -> None:
    lab, reader, _ = inserted
    output = tmp_path / "object"
    opensc(lab, tmp_path, "pkcs15-tool", "-R", "2.23.43.7.1", "--raw", "-o", str(output))
    pem = opensc(lab, tmp_path, "pkcs15-tool", "--read-certificate", "01").stdout
    with CardSession(connect(reader)) as card:
        credentials = read_credentials(card)
        (data,) = card.provisioning.data_objects
        assert card.provisioning.read_value(data.object.value) == output.read_bytes()
    (anchor,) = credentials.anchors
    assert x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER) == anchor.der


def test_ours_costs_fewer_commands(inserted: tuple[PcscLab, str, Counting], tmp_path: Path) -> None:
    lab, reader, card = inserted
    output = tmp_path / "object"
    opensc(lab, tmp_path, "pkcs15-tool", "-R", "2.23.43.7.1", "--raw", "-o", str(output))
    theirs = len(card.commands)
    card.commands.clear()
    with CardSession(connect(reader)) as session:
        (data,) = session.provisioning.data_objects
        session.provisioning.read_value(data.object.value)
        cold = session.apdu_count
        session.provisioning.read_value(data.object.value)
        assert session.apdu_count == cold
    assert len(card.commands) == cold + 1, "the channel that was opened is closed"
    blocks = -(-len(output.read_bytes()) // 256)
    assert cold + 1 == 6 + blocks + 2 + 2, "and two for a channel, two for the ICCID"
    assert cold + 1 < theirs


def test_a_program_of_opensc_that_fails_fails_the_test(lab: PcscLab, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        opensc(lab, tmp_path, "pkcs15-tool", "--dump")
