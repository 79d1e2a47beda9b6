"""Views of toy events, paired once for all tests of this room."""

from pathlib import Path

import pytest

from rs3l_gnn.data import PairConfig, PairReport, Views, pair, read_views


@pytest.fixture(scope="session")
def paired(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PairReport]:
    """File of views and the report of its making."""
    path = tmp_path_factory.mktemp("views") / "views.h5"
    return path, pair(PairConfig(directories=(toy_directory,)), path)


@pytest.fixture(scope="session")
def views(paired: tuple[Path, PairReport]) -> Views:
    """Views of 60 qcd and 60 hbb toy events in four variations."""
    return read_views(paired[0])
