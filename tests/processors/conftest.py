"""Short names for running an analysis."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def slim_nano(slim_data: Path) -> Path:
    """Some branches of a NanoAOD v15 file of CMS."""
    return slim_data / "cms" / "nano_tt_v15.root"
