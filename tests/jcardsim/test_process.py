"""The Java process: built, started, ended, and what is said when that fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.jcardsim.pairs import PROFILES
from vendor_pcsc.errors import ReaderError
from vendor_pcsc.virtual import VirtualCard, VirtualConnection, jcardsim
from vendor_pcsc.virtual.jcardsim import JCardSimCard, build

PROFILE = PROFILES["t1"]
ICCID = bytes.fromhex("00A4000C022FE2")


def state_of(pid: int) -> str:
    """Return the letter of a process's state, T when it is stopped; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0].replace("Z", "")
    except FileNotFoundError:
        return ""


def is_running(pid: int) -> bool:
    return state_of(pid) != ""


def wait_for(pid: int, state: str) -> None:
    deadline = time.monotonic() + 10
    while state_of(pid) != state:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pid_of(card: JCardSimCard) -> int:
    return card._host._process.pid


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the Maven project that was never built."""
    copy = tmp_path / "applet"
    shutil.copytree(jcardsim.APPLET, copy, ignore=shutil.ignore_patterns("target"))
    monkeypatch.setattr(jcardsim, "APPLET", copy)
    return copy


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_closing_ends_the_process_and_may_be_done_twice(jar: Path) -> None:
    with JCardSimCard(PROFILE, jar=jar) as card:
        pid = pid_of(card)
        assert is_running(pid)
        assert card.process(ICCID) == b"\x90\x00"
    card.close()
    assert not is_running(pid)
    with pytest.raises(ReaderError, match="the jCardSim card is closed"):
        card.process(ICCID)


def test_contents_counters_and_channels_over_resets_and_a_new_card(jar: Path) -> None:
    wrong, query = bytes.fromhex("00200001083030303030303030"), bytes.fromhex("00200001")
    with JCardSimCard(PROFILE, jar=jar) as card:
        assert card.process(wrong).hex() == "63c2"
        assert card.reset() == PROFILE.atr
        assert card.process(query).hex() == "63c2"
        card.renew()
        assert card.process(query).hex() == "63c3"


def test_it_stands_where_a_virtual_card_stands(jar: Path) -> None:
    with JCardSimCard(PROFILE, jar=jar) as card:
        connection, other = VirtualConnection(card), VirtualConnection(VirtualCard(PROFILE))
        assert (connection.atr, connection.name) == (other.atr, other.name)
        with connection.transaction():
            assert connection.transmit(ICCID) == other.transmit(ICCID)
    assert repr(card) == "JCardSimCard('small')"


def test_a_process_that_died_is_told_with_what_it_said(jar: Path) -> None:
    with JCardSimCard(PROFILE, jar=jar) as card:
        os.kill(pid_of(card), signal.SIGKILL)
        with pytest.raises(ReaderError, match=r"jCardSim ended \(status -9\): it said nothing"):
            card.process(ICCID)
        with pytest.raises(ReaderError, match="closed"):
            card.reset()


def test_a_process_that_hangs_is_ended_in_time(jar: Path) -> None:
    with JCardSimCard(PROFILE, jar=jar) as card:
        card._host._timeout = 0.3
        os.kill(pid_of(card), signal.SIGSTOP)
        wait_for(pid_of(card), "T")
        before = time.monotonic()
        with pytest.raises(ReaderError, match=r"did not answer in 0\.3 s and was ended"):
            card.process(ICCID)
        assert time.monotonic() - before < 4
        assert not is_running(pid_of(card))


def test_a_process_does_not_outlive_a_parent_that_was_killed(jar: Path) -> None:
    program = (
        "import os, sys, signal; from pathlib import Path; from tests.jcardsim.pairs import PROFILES;"
        "from vendor_pcsc.virtual.jcardsim import JCardSimCard;"
        "card = JCardSimCard(PROFILES['t1'], jar=Path(sys.argv[1]));"
        "print(card._host._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", program, jar], stdout=subprocess.PIPE, check=False, timeout=60)
    assert parent.returncode == -signal.SIGKILL
    wait_for(int(parent.stdout), "")


def test_what_is_no_jar_is_told_by_java(tmp_path: Path) -> None:
    (tmp_path / "card.jar").write_bytes(b"no jar")
    with pytest.raises(ReaderError, match=r"jCardSim ended \(status 1\): Error: Invalid or corrupt jarfile"):
        JCardSimCard(PROFILE, jar=tmp_path / "card.jar")


@pytest.mark.usefixtures("empty_path")
def test_without_java_the_package_is_named(jar: Path) -> None:
    with pytest.raises(ReaderError, match="java is not on PATH: install it, with apt install openjdk-17-jdk-headless"):
        JCardSimCard(PROFILE, jar=jar)


@pytest.mark.usefixtures("sources", "empty_path")
def test_without_maven_the_package_is_named() -> None:
    with pytest.raises(ReaderError, match="mvn is not on PATH: install it, with apt install maven"):
        build()


def test_a_jar_is_built_when_it_is_missing_or_older_than_a_source(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text('#!/bin/sh\necho "$@" >>builds\necho built >target/card.jar\n')
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}{os.pathsep}{os.environ['PATH']}")
    assert build() == build() == sources / "target" / "card.jar"
    assert (sources / "builds").read_text() == "-q -B package\n"
    later = time.time() + 60
    os.utime(sources / "pom.xml", (later, later))
    build()
    assert (sources / "builds").read_text() == "-q -B package\n" * 2


def test_a_build_that_fails_says_where(sources: Path) -> None:
    (sources / "src/main/java/org/smartcarddm/card/Broken.java").write_text("package org.smartcarddm.card; class {\n")
    with pytest.raises(ReaderError, match=r"the card applet was not built: \[ERROR\].*; run mvn package in"):
        build()


def test_a_build_that_takes_too_long_is_ended(sources: Path) -> None:
    assert sources.is_dir()
    with pytest.raises(ReaderError, match=r"the card applet was not built in 0\.05 s"):
        build(timeout=0.05)
