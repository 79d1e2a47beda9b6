"""Shower weights of event files: by name into the file of views, and from there to responses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError, Rs3lError, parse_config
from rs3l_gnn.conventions.scales import NANOAOD_WEIGHTS
from rs3l_gnn.data import PairConfig, pair, read_views
from rs3l_gnn.data.event_pairing.shower_weights import read_shower_weights

from .conftest import CmsFile, Events

TITLE = (
    "PS weights (w_var / w_nominal);   "
    "[0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2[2] is ISR=0.5 FSR=1; [3] is ISR=1 FSR=0.5;"
)

LABELS = {"B": "jet.hadronFlavour == 5", "Q": "jet.pt > 0"}


def config_of(fileset: Path, weights: Any = "auto", **events: Any) -> PairConfig:
    document = {"filesets": [str(fileset)], "jets": {"match": "delta_r"}, "shower_weights": weights, **events}
    return parse_config(PairConfig, {"events": document}, where="test")


@pytest.fixture(scope="module")
def stored(slim_data: Path) -> NDArray[np.float64]:
    """PSWeight of each event of the NanoAOD file [200, 4]."""
    tree = uproot.open(slim_data / "cms" / "nano_tt_v15.root")["Events"]
    return np.asarray(tree["PSWeight"].array(), dtype=np.float64)


@pytest.fixture
def weighted(nano15: CmsFile, stored: NDArray[np.float64]) -> Events:
    """Nominal events with their shower weights."""
    return {**nano15.events, "PSWeight": ak.from_regular(stored.astype(np.float32))}


def test_half_the_scale_is_more_shower(stored: NDArray[np.float64], slim_data: Path) -> None:
    """The order itself: half the scale is a larger coupling, its weights rise with the particles, and spread more."""
    jets = uproot.open(slim_data / "cms" / "nano_tt_v15.root")["Events"]["FatJet_nConstituents"].array()
    particles = np.asarray(ak.sum(jets, axis=1))
    up, down = (np.corrcoef(np.log(stored[:, place]), particles)[0, 1] for place in (0, 2))
    assert NANOAOD_WEIGHTS[0] == "isr:muRfac=2.0"
    assert up < 0 < down
    assert stored[:, 3].std() > 2 * stored[:, 1].std()


def test_each_branch_by_its_name(weighted: Events) -> None:
    events = ak.zip({**weighted, "up": np.arange(200.0)}, depth_limit=1)
    names = ("fsr:muRfac=2.0", "me:muRfac=2.0", "isr:muRfac=0.5")
    branches = {"PSWeight": (None, names[0], names[2], None), "up": ("me:muRfac=2.0",)}
    found = read_shower_weights(events, branches, (*names, "other"), where="f.root")
    for row in (0, 17, 199):
        entries = weighted["PSWeight"][row].to_list()
        assert found[row, :3].tolist() == [entries[1], row, entries[2]]
    assert np.isnan(found[:, 3]).all()
    with pytest.raises(InvalidDataError, match=r"f\.root: PSWeight has another number of entries .*got 4; allowed: 1"):
        read_shower_weights(events, {"PSWeight": names[:1]}, names, where="f.root")
    broken = ak.zip({"w": [[1.0, np.inf]]}, depth_limit=1)
    with pytest.raises(InvalidDataError, match=r"f\.root: w holds inf"):
        read_shower_weights(broken, {"w": names[:2]}, names, where="f.root")
    assert read_shower_weights(broken, {"w": (names[0], None)}, names, where="f.root")[0, 0] == 1


def test_responses_of_an_experiments_file(
    nano15: CmsFile, weighted: Events, two_views: Callable[..., Path], tmp_path: Path
) -> None:
    """The response of a stored score in rs3l evaluate, and what a penalty is given, against a loop over the events."""
    evaluation, training = (pytest.importorskip(f"rs3l_gnn.{room}") for room in ("evaluation", "training"))
    fileset = two_views([weighted], [nano15.smeared()])
    options = {"scores": {"mass": "FatJet.mass / 400"}, "labels": {"source": "expressions", "expressions": LABELS}}
    pair(config_of(fileset, {"PSWeight": "nanoaod"}, **options), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    assert views.shower_weight_names == NANOAOD_WEIGHTS
    assert views.shower_weights is not None
    assert np.isnan(views.shower_weights[~views.is_nominal()]).all()

    jets = [
        (float(np.float32(jet.mass / 400)), int(jet.hadronFlavour) == 5, [float(w) for w in ps], float(generator))
        for event_jets, ps, generator in zip(
            weighted["FatJet"], weighted["PSWeight"], weighted["genWeight"], strict=True
        )
        for jet in event_jets
    ]
    ranked = sorted((score for score, is_b, _, _ in jets if is_b), reverse=True)
    cut = ranked[math.ceil(0.5 * len(ranked)) - 1]
    rates = {}
    for place in (1, 3):
        passing = sum(g * ps[place] for score, is_b, ps, g in jets if not is_b and score >= cut)
        rates[place] = passing / sum(g * ps[place] for _, is_b, ps, g in jets if not is_b)
    response = (math.log(rates[1]) - math.log(rates[3])) / math.log(2**2 / 0.5**2)

    document = {
        "views": [str(tmp_path / "v.h5")],
        "taggers": {"mass": {"kind": "stored"}},
        "signal": {"name": "b", "jettypes": ["B"]},
        "background": {"name": "rest", "jettypes": ["Q"]},
        "splits": {"train": 0.0, "validation": 0.0, "test": 1.0},
        "efficiencies": [0.5],
        "bootstrap": 50,
    }
    assert len({generator for *_, generator in jets}) == 1  # so that a count of jets makes the working point
    evaluation.evaluate(parse_config(evaluation.EvaluateConfig, document, where="test"), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "metrics.json").read_text())["responses"]["mass"]["rest"]
    assert found["fsr x2 by weights"]["50"]["response"] == pytest.approx(response, rel=1e-5)

    settings = {
        "views": [str(tmp_path / "v.h5")],
        "targets": {"signal": ["B"], "background": ["Q"]},
        "batch_events": 60,
        "architecture": {"width": 8, "layers": 1, "k": 4, "hidden": [8], "dim": 4, "features": "nano"},
        "robustness": 1.0,
        "penalties": [{"name": "response", "by": "shower_weights", "scales": ["fsr x2"], "start": 0.0, "full": 0.1}],
        "trainer": {"epochs": 1, "keep": "last", "patience": None},
    }
    training.finetune(parse_config(training.FinetuneConfig, settings, where="test"), tmp_path / "tagger")
    assert "val_response" in (tmp_path / "tagger" / "history.csv").read_text().splitlines()[0]


def test_the_title_of_the_branch_is_enough(
    nano15: CmsFile, weighted: Events, two_views: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NanoAOD documents it; without a title nothing is guessed."""
    fileset = two_views([weighted], [nano15.smeared()])
    pair(config_of(fileset), tmp_path / "none.h5")
    assert read_views(tmp_path / "none.h5").shower_weight_names == ()
    # uproot writes no titles of branches.
    monkeypatch.setattr(uproot.behaviors.TBranch.TBranch, "title", property(lambda _: TITLE))
    pair(config_of(fileset), tmp_path / "v.h5")
    views = read_views(tmp_path / "v.h5")
    assert views.shower_weight_names == NANOAOD_WEIGHTS
    assert views.shower_weights is not None
    rows = {int(number): row for row, number in enumerate(weighted["event"])}
    for jet in np.flatnonzero(views.is_nominal()):
        assert views.shower_weights[jet].tolist() == weighted["PSWeight"][rows[int(views.event[jet])]].to_list()
    pair(config_of(fileset, "none"), tmp_path / "left_out.h5")
    assert read_views(tmp_path / "left_out.h5").shower_weight_names == ()


def test_what_is_absent_or_unclear_is_refused(
    nano15: CmsFile, weighted: Events, two_views: Callable[..., Path], tmp_path: Path
) -> None:
    fileset = two_views([weighted], [nano15.smeared()])

    def refused(match: str, weights: Any) -> None:
        with pytest.raises(Rs3lError, match=match):
            pair(config_of(fileset, weights), tmp_path / "v.h5")
        assert not (tmp_path / "v.h5").exists()

    refused(
        r"nominal_0\.root lacks fsr_up, fsr_down, needed for the shower weights",
        {"fsr_up": "fsr x2", "fsr_down": "fsr x0.5"},
    )
    refused("PSWeight has another number of entries than names", {"PSWeight": ["fsr x2", "fsr x0.5"]})
    refused("names a scale and its factor.* got 'fsrUp'", {"PSWeight": ["fsrUp", "-"]})
    refused("fsr:muRfac=2.0 comes twice", {"PSWeight": ["fsr x2", "fsr:muRfac=2"]})
    refused("names no weight", {"PSWeight": ["-", "-"]})
