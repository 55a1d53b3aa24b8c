"""Cards that a test may put into a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.cards import Cards

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards(tmp_path)
