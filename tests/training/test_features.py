"""Trainings on files of views with other features than the paper's 15."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, InvalidDataError
from rs3l_gnn.data import PairConfig, pair, read_views, write_views
from rs3l_gnn.models import inspect_checkpoint, load_encoder, load_tagger
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain

NANO = FEATURE_SETS["nano"]
_SMALL = {"width": 8, "layers": 1, "k": 4, "hidden": (8,), "dim": 4}
_ONE = {"epochs": 1, "threads": 1}


@pytest.fixture(scope="module")
def other_views(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 13 of NanoAOD in another order, and PUPPI weights between them."""
    path = tmp_path_factory.mktemp("other") / "views.h5"
    pair(PairConfig(directories=(toy_directory,), features=(*NANO[5:], "puppi_weight", *NANO[:5])), path)
    return path


def _pretrain(views: Path, output: Path, features: Any) -> Path:
    document = {"views": views, "encoder": {**_SMALL, "features": features}, "batch_events": 20, "trainer": _ONE}
    return Path(pretrain(PretrainConfig.model_validate(document), output).checkpoint)


def test_what_else_the_views_hold_changes_no_bit(toy_views: Path, other_views: Path, tmp_path: Path) -> None:
    """Pre-training, and tuning of the encoder, of a head alone, and with a teacher, from both files."""
    digests = []
    for name, views in (("paper", toy_views), ("other", other_views)):
        encoder = _pretrain(views, tmp_path / f"{name}-encoder", "nano")
        assert load_encoder(encoder).config.features == NANO
        found = [load_encoder(encoder).digest]
        teacher: dict[str, Any] = {}
        for mode in ("floating", "fixed"):
            document = {"views": views, "encoder": str(encoder), "mode": mode, "batch_events": 20, "trainer": _ONE}
            config = FinetuneConfig.model_validate({**document, **teacher})
            checkpoint = finetune(config, tmp_path / f"{name}-{mode}").checkpoint
            found.append(load_tagger(checkpoint).digest)
            teacher = {"distillation": {"teachers": [str(checkpoint)]}}
        digests.append(found)
    assert digests[0] == digests[1]


def test_a_checkpoint_says_what_it_was_trained_on(other_views: Path, tmp_path: Path) -> None:
    names = ("puppi_weight", "log_pt", "deta", "dphi")
    document = inspect_checkpoint(_pretrain(other_views, tmp_path / "encoder", ["puppi_weight", *names[1:]]))
    assert [(row["name"], row["unit"]) for row in document["features"][:2]] == [
        ("puppi_weight", "1"),
        ("log_pt", "log(pT/GeV)"),
    ]
    assert document["config"]["encoder"]["features"] == list(names)
    assert document["domain"]["radius"] == 0.8
    assert document["domain"]["formats"] == ["pfnano"]
    assert document["domain"]["pt_min"] <= 450 < document["domain"]["pt_max"]


def test_columns_reach_the_network_by_name(toy_views: Path, tmp_path: Path) -> None:
    """A constant in place of every other column leaves a training of one feature as it is."""
    views = read_views(toy_views)
    digests = set()
    for number, order in enumerate((FEATURE_NAMES, FEATURE_NAMES[::-1])):
        columns = [FEATURE_NAMES.index(name) for name in order]
        features = np.where(np.array(order) == "delta_r", views.features[:, columns], float(number)).astype(np.float32)
        path = tmp_path / f"{number}.h5"
        write_views(path, type(views)(**{**vars(views), "features": features, "feature_names": order}))
        digests.add(load_encoder(_pretrain(path, tmp_path / str(number), ["delta_r"])).digest)
    assert len(digests) == 1


@pytest.mark.parametrize("features", ["paper", ["nano", "from_pv"]])
def test_what_the_views_do_not_hold_ends_before_the_work(other_views: Path, tmp_path: Path, features: Any) -> None:
    with pytest.raises(InvalidDataError, match="the encoder takes .*, which the views do not hold; got .*pair again"):
        _pretrain(other_views, tmp_path / "encoder", features)
    assert not (tmp_path / "encoder").exists()
