"""The published files train as they are, with the bits of their conversion to views."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import ConfigError, TrainingError
from rs3l_gnn.data import Views, convert_published, read_views
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain


@pytest.fixture(scope="module")
def pairs(toy_views: Path) -> Views:
    """Nominal and one variation of each event."""
    views = read_views(toy_views)
    return views.select_jets(np.isin(views.vartype, [-1, 1]))


def jet_columns(views: Views) -> dict[str, np.ndarray]:
    energy = np.hypot(views.pt * np.cosh(views.eta), views.mass)
    columns = (views.pt, views.eta, views.phi, energy, views.msoftdrop, views.n2b1)
    return dict(zip(("pt", "eta", "phi", "e", "msd", "n2"), columns, strict=True))


@pytest.fixture(scope="module")
def published_hdf5(pairs: Views, tmp_path_factory: pytest.TempPathFactory) -> Path:
    padded = np.zeros((pairs.n_jets, 100, 15), np.float32)
    counts = np.diff(pairs.offsets)
    padded[np.arange(100) < counts[:, None]] = pairs.features
    path = tmp_path_factory.mktemp("published") / "public.h5"
    with h5py.File(path, "w") as file:
        file["features"], file["jet_features"] = padded, np.stack(list(jet_columns(pairs).values()), axis=1)
        file["jettype"], file["vartype"] = pairs.jettype, pairs.vartype
    return path


@pytest.fixture(scope="module")
def published_root(pairs: Views, tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = np.diff(pairs.offsets)
    names = ("pt", "relpt", "eta", "phi", "e", "rele", "charge", "d0", "dz", "dr")
    tree = {f"pfcand_{name}": ak.unflatten(pairs.features[:, column], counts) for column, name in enumerate(names)}
    ids = np.select([pairs.features[:, 10 + i] == 1 for i in range(5)], [22, -13, 11, 211, 0])
    tree["pfcand_pdgid"] = ak.unflatten(ids.astype(np.int32), counts)
    tree |= {f"jet_{name}": values for name, values in jet_columns(pairs).items()}
    tree |= {"jettype": pairs.jettype.astype(np.int32), "vartype": pairs.vartype.astype(np.int32)}
    path = tmp_path_factory.mktemp("published") / "public.root"
    with uproot.recreate(path) as file:
        types = {name: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for name, v in tree.items()}
        file.mktree("events", types)
        file["events"].extend(tree)
    return path


@pytest.mark.parametrize("buffer_events", [None, 20])
def test_pretraining_on_published_pairs(
    published_hdf5: Path, pretrain_config: Callable[..., PretrainConfig], tmp_path: Path, buffer_events: int | None
) -> None:
    convert_published([published_hdf5], tmp_path / "views.h5", sample="public")
    direct, converted = (
        pretrain(pretrain_config(views=path, variations={"fsrRenHi": 1.0}, buffer_events=buffer_events), tmp_path / out)
        for path, out in ((published_hdf5, "direct"), (tmp_path / "views.h5", "converted"))
    )
    assert direct.checkpoint.with_name("history.csv").read_text() == (
        converted.checkpoint.with_name("history.csv").read_text()
    )


def test_finetuning_on_published_root_files(
    published_root: Path, finetune_config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    convert_published([published_root], tmp_path / "views.h5", sample="public")
    direct, converted = (
        finetune(finetune_config(views=path, buffer_events=32), tmp_path / out)
        for path, out in ((published_root, "direct"), (tmp_path / "views.h5", "converted"))
    )
    assert [row["loss"] for row in direct.history] == [row["loss"] for row in converted.history]


def test_root_files_do_not_say_which_jets_are_pairs(
    published_root: Path, pretrain_config: Callable[..., PretrainConfig], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="0 usable events do not fill one batch of 16.* lack views"):
        pretrain(pretrain_config(views=published_root), tmp_path / "out")
    with pytest.raises(ConfigError, match="no view is of sample 'qcd'; allowed: public"):
        pretrain(pretrain_config(views=published_root, samples=("qcd",)), tmp_path / "out")
