"""Views of toy events, paired once for all tests of this room."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import pytest
import uproot

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


@pytest.fixture
def misplaced(tmp_path: Path) -> Callable[..., Path]:
    """A file with four lists in a branch, where the second, third or fourth (``row``) begins at another ``place``."""

    def write(name: str, row: int, place: int) -> Path:
        path = tmp_path / "a.root"
        with uproot.recreate(path, compression=None) as file:
            file.mktree("Events", {name: "var * float64"})
            file["Events"].extend({name: ak.Array([[1.0, 2.0], [3.0], [], [4.0, 5.0, 6.0]])})
        with uproot.open({str(path): None}) as file:
            branch = file["Events"][name]
            basket = branch.basket(0)
            # Behind the key and the numbers: how many there are, then a place of each list, counted from the key on.
            begin = int(branch.member("fBasketSeek")[0]) + basket.member("fLast") + 4 + 4 * row
            key = basket.member("fKeylen")
        content = bytearray(path.read_bytes())
        assert int.from_bytes(content[begin : begin + 4], "big") == key + 8 * [0, 2, 3, 3][row]
        content[begin : begin + 4] = (key + place).to_bytes(4, "big", signed=True)
        path.write_bytes(content)
        return path

    return write
