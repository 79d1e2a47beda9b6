"""A variation of a part of the hard events: its own normalisation, and pairs of the common events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import uproot
from boost_histogram.serialization import from_uhi
from uhi.io import from_sparse

from rs3l_gnn.conventions import n2_score
from rs3l_gnn.processors import AnalysisConfig, analyze

N_ALL, N_PART, XSEC = 90, 40, 3.0


def _leading(path: Path) -> dict[int, float]:
    """N2 score of the one jet of each event that has one in the acceptance."""
    with uproot.open(path) as file:
        events = file["Events"].arrays(["event", "FatJet_pt", "FatJet_eta", "FatJet_n2b1"])
    good = (events.FatJet_pt > 450) & (abs(events.FatJet_eta) < 2.5)
    scores = ak.firsts(events.FatJet_n2b1[good])
    return {int(e): float(n2_score(s)) for e, s in zip(events.event, scores.to_list(), strict=True) if s is not None}


def test_a_partial_variation(toy_sample: Any, tmp_path: Path) -> None:
    toy_sample("qcd", n_events=N_ALL).write(tmp_path / "nominal.root")
    toy_sample("qcd", n_events=N_PART).write(tmp_path / "seed.root", "seed")
    common = {"process": "qcd", "sample": "qcd", "xsec": XSEC}
    documents = {
        "base": {"q_nominal": {"files": {"nominal.root": "Events"}, "metadata": {**common, "sumw": float(N_ALL)}}},
        "more": {
            "q_seed": {
                "files": {"seed.root": "Events"},
                "metadata": {**common, "sumw": float(N_PART), "variation": "seed", "resimulated_of": "q_nominal"},
            }
        },
    }
    for name, document in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    config = AnalysisConfig.model_validate(
        {
            "filesets": [tmp_path / "more.json", tmp_path / "base.json"],
            "datasets": "q_*",
            "score": {"bins": 4, "start": 0, "stop": 1},
            "run": {"chunksize": 7},
        }
    )
    report = analyze(config, tmp_path / "out")
    assert report["complete"] is True
    document = json.loads((tmp_path / "out" / "histograms.json").read_text())
    nominal, varied = _leading(tmp_path / "nominal.root"), _leading(tmp_path / "seed.root")
    histogram: Any = hist.Hist(from_uhi(document["histograms"]["score_n2"]))
    edges = np.linspace(0, 1, 5)
    for name, scores, total in (("nominal", nominal, N_ALL), ("seed", varied, N_PART)):
        one = histogram[{"dataset": "qcd", "channel": "signal", "variation": name}]
        counts = np.histogram(list(scores.values()), edges)[0]
        np.testing.assert_allclose(one.values(), counts * XSEC / total)
        np.testing.assert_allclose(one.variances(), counts * (XSEC / total) ** 2)
    joint: Any = hist.Hist(from_sparse(document["paired"]["score_n2"]))
    both = sorted(set(nominal) & set(varied))
    assert 30 < len(both) < N_PART
    expected = np.histogram2d([nominal[e] for e in both], [varied[e] for e in both], [edges, edges])[0]
    mine = joint[{"dataset": "qcd", "channel": "signal", "variation": "seed"}].values()
    np.testing.assert_allclose(mine, expected * XSEC**2 / (N_ALL * N_PART))
