"""Branches and expressions of jets: scores that an experiment has stored travel into the file of views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, MissingBranchError, parse_config
from rs3l_gnn.data import PairConfig, pair, read_views

from .conftest import CmsFile, rows_of


def _config(fileset: Path, **scores: str) -> PairConfig:
    document = {"events": {"filesets": [str(fileset)], "scores": scores, "jets": {"match": "delta_r"}}}
    return parse_config(PairConfig, document, where="test")


def _with_scores(events: dict[str, Any], seed: int) -> dict[str, Any]:
    rng, jets = np.random.default_rng(seed), events["FatJet"]
    counts = ak.num(jets.pt)
    for name in ("Xbb", "QCD"):
        values = ak.unflatten(rng.uniform(size=int(ak.sum(counts))).astype(np.float32), counts)
        jets = ak.with_field(jets, values, name)
    return {**events, "FatJet": jets}


def test_scores_of_both_views(pfnano: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    """By direction, event by event: eta and phi of the copy are those of the original."""
    nominal, other = _with_scores(pfnano.events, 1), _with_scores(pfnano.smeared(), 2)
    fileset = two_views([nominal], [rows_of(other, range(9, -1, -1))])
    expressions = {"xbb": "FatJet_Xbb", "ratio": "jet.Xbb / (jet.Xbb + FatJet.QCD)", "nJets": "count(FatJet.pt > 0)"}
    pair(_config(fileset, **expressions), tmp_path / "views.h5")
    views = read_views(tmp_path / "views.h5")
    assert views.score_names == ("xbb", "ratio", "nJets")
    assert views.scores is not None
    assert views.n_events > 15
    for jet in range(views.n_jets):
        events = nominal if views.vartype[jet] == -1 else other
        (row,) = np.flatnonzero(np.asarray(events["event"]) == views.event[jet])
        jets = events["FatJet"][int(row)]
        place = int(ak.argmin(abs(jets.eta - views.eta[jet]) + abs(jets.phi - views.phi[jet])))
        xbb, qcd = float(jets.Xbb[place]), float(jets.QCD[place])
        assert views.scores[jet] == pytest.approx([xbb, xbb / (xbb + qcd), len(jets)], rel=1e-5)


def test_branches_that_one_view_lacks(pfnano: CmsFile, two_views: Callable[..., Path], tmp_path: Path) -> None:
    fileset = two_views([_with_scores(pfnano.events, 1)], [pfnano.smeared()])
    with pytest.raises(MissingBranchError, match=r"other_0.root lacks the branch FatJet_Xbb, needed for the scores"):
        pair(_config(fileset, xbb="FatJet_Xbb"), tmp_path / "views.h5")
    with pytest.raises(ConfigError, match="scores.x has a value for each object of GenPart, where one for each jet"):
        pair(_config(fileset, x="GenPart.pt"), tmp_path / "views.h5")
    with pytest.raises(ConfigError, match="cannot be read"):
        _config(fileset, x="GenPart.pt >")
    assert not (tmp_path / "views.h5").exists()
