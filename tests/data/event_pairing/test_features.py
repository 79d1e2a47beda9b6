"""Pairing with chosen features: on files of CMS against loops over their candidates, and on toys of our own format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, ConfigError, MissingBranchError, parse_config
from rs3l_gnn.data import PairConfig, pair, read_views

from .conftest import CmsFile

NANO = FEATURE_SETS["nano"]


def _config(fileset: Path, features: Any, **more: Any) -> PairConfig:
    events = {"filesets": [str(fileset)], "jets": {"match": "delta_r"}, **more}
    return parse_config(PairConfig, {"events": events, "features": features}, where="test")


@pytest.mark.parametrize("puppi", [False, True])
def test_a_file_holds_what_was_asked_for(
    pfnano: CmsFile, two_views: Callable[..., Path], tmp_path: Path, puppi: bool
) -> None:
    fileset = two_views([pfnano.events], [pfnano.smeared()])
    wanted = ["puppi_weight", "nano", "is_high_purity"]
    pair(_config(fileset, wanted, puppi=puppi), tmp_path / "a.h5")
    pair(_config(fileset, None, puppi=puppi), tmp_path / "b.h5")
    views, paper = read_views(tmp_path / "a.h5"), read_views(tmp_path / "b.h5")
    assert views.feature_names == ("puppi_weight", *NANO, "is_high_purity")
    assert paper.feature_names == FEATURE_NAMES
    assert views.event.tolist() == paper.event.tolist()
    columns = [FEATURE_NAMES.index(name) for name in NANO]
    np.testing.assert_array_equal(views.features[:, 1:14], paper.features[:, columns])
    row_of = {int(number): row for row, number in enumerate(pfnano.events["event"])}
    compared = 0
    for jet in np.flatnonzero(views.is_nominal()):
        candidates = pfnano.events["PFCands"][row_of[int(views.event[jet])]].to_list()
        for row in views.features[views.offsets[jet] : views.offsets[jet + 1]]:
            weight = row[0] if puppi else 1
            near = [c for c in candidates if abs(np.log(c["pt"] * weight) - row[1]) < 1e-6]
            assert row[0] in {np.float32(c["puppiWeight"]) for c in near}
            assert row[-1] in {float(c["charge"] != 0 and c["trkQuality"] == 5) for c in near}
            compared += 1
    assert compared > 500


def test_nanoaod_gives_the_13_and_nothing_more(nano15: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    fileset = two_views([nano15.events], [nano15.smeared()])
    pair(_config(fileset, "nano"), tmp_path / "a.h5")
    pair(_config(fileset, None), tmp_path / "b.h5")
    views, paper = read_views(tmp_path / "a.h5"), read_views(tmp_path / "b.h5")
    assert views.feature_names == NANO
    np.testing.assert_array_equal(views.features, paper.features[:, [FEATURE_NAMES.index(name) for name in NANO]])
    before = sorted(tmp_path.rglob("*"))
    for features, lacking in (
        ("paper", r"tanh_d0, tanh_dz: its candidates have no d0, dz"),
        (["nano", "puppi_weight"], "puppi_weight: its candidates have no puppiWeight; allowed: log_pt"),
    ):
        with pytest.raises(MissingBranchError, match=rf"nominal_0.root \(NanoAOD v15 .*\) cannot give {lacking}"):
            pair(_config(fileset, features), tmp_path / "c.h5")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("features", "message"), [(["speed"], "'speed'"), (["nano", "charge"], "charge twice")])
def test_what_cannot_be_asked_for(features: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _config(Path("f.json"), features)


def test_files_of_our_own(toy_directory: Path, tmp_path: Path) -> None:
    wanted = ("charge", "puppi_weight", "log_pt")
    pair(PairConfig(directories=(toy_directory,), features=wanted), tmp_path / "a.h5")
    pair(PairConfig(directories=(toy_directory,)), tmp_path / "b.h5")
    views, paper = read_views(tmp_path / "a.h5"), read_views(tmp_path / "b.h5")
    assert views.feature_names == wanted
    np.testing.assert_array_equal(views.features[:, [0, 2]], paper.features[:, [6, 0]])
    assert set(views.features[:, 1]) == {1.0}
    with pytest.raises(
        MissingBranchError, match=r"_0000\.root \(PFNano\) cannot give asinh_d0_sig: its candidates have no d0Err; al"
    ):
        pair(PairConfig(directories=(toy_directory,), features=("asinh_d0_sig",)), tmp_path / "c.h5")
    assert not (tmp_path / "c.h5").exists()
