"""Covariances of nominal templates with those of weights and shifts on the same events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory
from coffea.processor import accumulate
from coffea.util import load
from uhi.io import from_sparse

from rs3l_gnn.processors import AnalysisConfig, JetSchema, ProcessorConfig, TaggingProcessor, analyze
from rs3l_gnn.processors.running.covariances import Covariances, each_covariance
from rs3l_gnn.processors.running.exact import Variable

XSEC = 3.0
CORRECTIONS = Path(__file__).parents[3] / "configs" / "analyze" / "example_corrections.json"
CONFIG: dict[str, Any] = {
    "pt": {"bins": 40, "start": 440, "stop": 840},
    "score": {"bins": 4, "start": 0, "stop": 1},
    "channels": [{"name": "all"}, {"name": "soft", "cuts": {"pt": [None, 520]}}],
    "systematics": {
        "momenta": {"file": str(CORRECTIONS), "scale": {"jes": "jet_scale"}, "gen_jets": None, "rho": 0.0},
        "candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.02}],
    },
}


def _by_loop(path: Path, edges: np.ndarray, column: str) -> dict[tuple[str, str], np.ndarray]:
    """Sum of w_nominal w_varied over the events of two bins, with underflow and overflow, event by event."""
    with uproot.open(path) as file:
        events = file["Events"].arrays(["FatJet_pt", "FatJet_n2b1", "PSWeight"], library="np")
    n = len(edges) + 1
    found = {(c, v): np.zeros((n, n)) for c in ("all", "soft") for v in ("psISRUp", "psISRDown", "jesUp", "jesDown")}
    for jets, n2, weights in zip(events["FatJet_pt"], events["FatJet_n2b1"], events["PSWeight"], strict=True):
        if len(jets) == 0 or not jets[0] > 450:
            continue
        pt = float(jets[0])
        size = 0.01 if pt < 600 else 0.012 if pt < 1000 else 0.015  # what example_corrections.json says
        varied = {"psISRUp": (pt, weights[0]), "psISRDown": (pt, weights[1])}
        varied |= {"jesUp": (pt * (1 + size), 1.0), "jesDown": (pt * (1 - size), 1.0)}
        for name, (other, weight) in varied.items():
            if not other > 450:
                continue
            here, there = (pt, other) if column == "pt" else (1 - n2[0] / 0.5,) * 2
            cell = np.searchsorted(edges, here, side="right"), np.searchsorted(edges, there, side="right")
            found["all", name][cell] += float(weight)
            if pt < 520 and other < 520:
                found["soft", name][cell] += float(weight)
    return found


@pytest.fixture(scope="module")
def output(toy_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("correctionlib")
    folder = tmp_path_factory.mktemp("covariances")
    file = toy_directory / "qcd" / "nominal_0000.root"
    fileset = {"qcd": {"files": {str(file): "Events"}, "metadata": {"sample": "qcd", "xsec": XSEC}}}
    (folder / "fileset.json").write_text(json.dumps(fileset))
    analyze(
        AnalysisConfig.model_validate({"filesets": folder / "fileset.json", "run": {"chunksize": 7}, **CONFIG}),
        folder / "out",
    )
    return folder / "out"


def test_sums_of_products_agree_with_a_loop(output: Path, toy_directory: Path) -> None:
    document = json.loads((output / "histograms.json").read_text())
    assert set(document["paired"]) == {"score_n2", "mass", "pt"}
    moved = 0
    for name, edges in (("pt", np.linspace(440, 840, 41)), ("score_n2", np.linspace(0, 1, 5))):
        joint: Any = hist.Hist(from_sparse(document["paired"][name]))
        expected = _by_loop(toy_directory / "qcd" / "nominal_0000.root", edges, name)
        for (channel, variation), table in expected.items():
            one = joint[{"dataset": "qcd", "channel": channel, "variation": variation}].view(flow=True)
            np.testing.assert_allclose(one, table * (XSEC / 60) ** 2, rtol=1e-6)
            moved += int((table - np.diag(np.diag(table)) > 0).sum())
    assert moved > 20  # jets that cross an edge of pT


def test_a_weight_that_varies_within_a_bin_has_less_than_the_geometric_mean(output: Path) -> None:
    document = json.loads((output / "histograms.json").read_text())
    whole: Any = hist.Hist(document["histograms"]["score_n2"])
    joint: Any = hist.Hist(from_sparse(document["paired"]["score_n2"]))
    here = {"dataset": "qcd", "channel": "all"}
    nominal, varied = (whole[{**here, "variation": name}] for name in ("nominal", "psISRUp"))
    covariance = np.diag(joint[{**here, "variation": "psISRUp"}].values())
    bound = np.sqrt(nominal.variances() * varied.variances())
    filled = nominal.values() > 5 * XSEC / 60
    assert (covariance[filled] < bound[filled] * (1 - 1e-4)).all()
    # What the difference really fluctuates by: the sum of (v - w)^2.
    difference = nominal.variances() + varied.variances() - 2 * covariance
    wrong = nominal.variances() + varied.variances() - 2 * bound
    assert (difference[filled] > 1.5 * wrong[filled]).all()


def test_all_files_hold_the_same(output: Path) -> None:
    document = json.loads((output / "histograms.json").read_text())["paired"]
    stored = load(str(output / "output.coffea"))["paired"]
    with uproot.open(output / "histograms.root") as file:
        for name, entry in stored.items():
            assert np.array_equal(entry["storage"]["values"], document[name]["storage"]["values"])
            for (dataset, channel, variation), one in each_covariance(entry):
                written = file[f"covariance/{name}/{channel}/{dataset}/{variation}"]
                assert np.array_equal(written.values(flow=True), one.values(flow=True))
        assert file["covariance/score_n2/all/qcd/psISRUp"].classname == "TH1D"
        assert file["covariance/pt/all/qcd/jesUp"].classname == "TH2D"


def test_chunks_in_any_order_give_the_same_bits(toy_directory: Path, tagger_path: Path) -> None:
    pytest.importorskip("correctionlib")
    config = ProcessorConfig.model_validate({**CONFIG, "taggers": {"n2": "n2", "net": str(tagger_path)}})
    events = NanoEventsFactory.from_root(
        {str(toy_directory / "qcd" / "nominal_0000.root"): "Events"},
        schemaclass=JetSchema,
        mode="virtual",
        metadata={"dataset": "qcd", "xsec": 1.0, "psweight_names": ["isrUp", "isrDown"]},
    ).events()
    mine = TaggingProcessor(config)
    whole = mine.process(events)["qcd"]["histograms"]
    parts = [mine.process(events[start:stop]) for start, stop in ((40, 60), (0, 13), (13, 40))]
    merged = accumulate(parts)["qcd"]["histograms"]
    for name, histogram in whole.items():
        assert histogram.joint.keys() == merged[name].joint.keys()
        assert {variation for _, variation in histogram.joint} == {
            f"{source}{side}" for source in ("psISR", "jes", "ces") for side in ("Up", "Down")
        }
        for place, cells in histogram.joint.items():
            assert merged[name].joint[place] == cells
            assert np.array_equal(merged[name].joint[place].values(), cells.values())


def test_it_predicts_the_spread_of_the_difference() -> None:
    """Toys: the variance of a weighted template less nominal over many samples is what one sample predicts."""
    rng = np.random.default_rng(4)
    differences, predicted, claimed = [], [], []
    for _ in range(500):
        n = rng.poisson(300)
        score, factor = rng.random(n), np.exp(rng.normal(0, 0.2, n))
        bins = (score > 0.5).astype(int)
        sums = [np.bincount(bins, weights=w, minlength=2) for w in (np.ones(n), factor, factor**2)]
        differences.append(sums[1] - sums[0])
        predicted.append(sums[0] + sums[2] - 2 * sums[1])
        claimed.append(sums[0] + sums[2] - 2 * np.sqrt(sums[0] * sums[2]))
    measured = np.var(differences, axis=0)
    np.testing.assert_allclose(np.mean(predicted, axis=0), measured, rtol=0.2)
    assert (np.mean(claimed, axis=0) < 0.2 * measured).all()  # the geometric mean of the variances is no covariance


def test_data_sets_of_one_entry_add_up() -> None:
    joint = Covariances(["sr"], Variable("x", "x", 2, 0.0, 1.0))
    assert joint.document() is None
    joint.add("qcd", "sr", "aUp", np.array([5, 10]), np.array([1.0, 2.0]))  # (1, 1) and (2, 2) of four bins with flow
    joint.add("qcd", "sr", "aUp", np.array([10, 6]), np.array([3.0, 0.0]))
    joint.add("hbb", "sr", "aUp", np.array([6]), np.array([4.0]))
    document = joint.document()
    assert document is not None
    dense: Any = hist.Hist(from_sparse(document))
    assert dense[{"dataset": "qcd", "channel": "sr", "variation": "aUp"}].values().tolist() == [[1, 0], [0, 5]]
    assert dense[{"dataset": "hbb", "channel": "sr", "variation": "aUp"}].values().tolist() == [[0, 4], [0, 0]]
    shapes = {place: one.ndim for place, one in each_covariance(document)}
    assert shapes == {("hbb", "sr", "aUp"): 2, ("qcd", "sr", "aUp"): 1}
