"""What holds for all tests: no deadline for property tests, and one private PC/SC service for those that need it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from tests.tokens.lab import TokenLab
from vendor_pcsc.virtual.lab import PcscLab

if TYPE_CHECKING:
    from collections.abc import Iterator

READERS: Final = 4

# No timing is a property of this project.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def session_lab() -> Iterator[PcscLab]:
    """Give the one pcscd of this run; a process can talk to one only."""
    with PcscLab(READERS) as started:
        yield started


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenLab]:
    """Give the one SoftHSM of this run, with a token that has one key of each kind."""
    yield TokenLab(tmp_path_factory.mktemp("softhsm"))
    del os.environ["SOFTHSM2_CONF"], os.environ["REAL_MODULE"]


@pytest.fixture
def lab(session_lab: PcscLab) -> Iterator[PcscLab]:
    """Give the service, and take the cards out afterwards; the last reader is for cards that stay."""
    yield session_lab
    for slot in range(READERS - 1):
        session_lab.remove(slot)
