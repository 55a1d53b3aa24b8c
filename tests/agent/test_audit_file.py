"""The audit as a file that somebody moves, deletes or fills while the agent writes to it."""

from __future__ import annotations

import json
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from smartcard_dm.agent.release import AuditFile, Caller, Release
from smartcard_dm.dm import ServerId
from tests.agent.moved import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def release(request_id: str) -> Release:
    return Release("secret-released", ServerId("com.example.dms"), "CLCRED", Caller(request_id), 1, None)


def requests(path: Path) -> list[str]:
    return [json.loads(line)["request_id"] for line in path.read_text("utf-8").splitlines()]


@contextmanager
def full_at(octets: int) -> Iterator[None]:
    """Let files of this process grow to a size and no further: a write beyond it is cut, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_was_moved_or_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    with AuditFile(path) as audit:
        audit.record(NOW, release("a"))
        path.rename(tmp_path / "audit.1")
        audit.record(NOW, release("b"))
        audit.record(NOW, release("c"))
        path.unlink()
        audit.record(NOW, release("d"))
    assert requests(tmp_path / "audit.1") == ["a"]
    assert requests(path) == ["d"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_name_that_became_a_link_or_cannot_be_made_records_nothing(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    folder.mkdir()
    path = folder / "audit"
    with AuditFile(path) as audit:
        path.unlink()
        path.symlink_to(elsewhere)
        with pytest.raises(OSError, match="symbolic links"):
            audit.record(NOW, release("a"))
        assert not elsewhere.exists()
        path.unlink()
        folder.rename(tmp_path / "gone")
        with pytest.raises(OSError, match="No such file"):
            audit.record(NOW, release("b"))
        (tmp_path / "gone").rename(folder)
        audit.record(NOW, release("c"))
    assert requests(path) == ["c"]


def test_a_line_that_a_full_disk_cut_costs_no_other_one(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    with AuditFile(path) as audit:
        audit.record(NOW, release("a"))
        with full_at(path.stat().st_size + 20):
            for name in ("b", "c"):
                with pytest.raises(OSError, match=r"No space left|File too large"):
                    audit.record(NOW, release(name))
        audit.record(NOW, release("d"))
    first, cut, last = path.read_text("utf-8").splitlines()
    assert len(cut) == 20
    assert [json.loads(line)["request_id"] for line in (first, last)] == ["a", "d"]
