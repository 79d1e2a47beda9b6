"""PUPPI weights: the features of weighted candidates, by hand, on nested candidates, and on a file of CMS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import InvalidDataError, MissingBranchError
from rs3l_gnn.data import EventTables
from rs3l_gnn.data.puppi import puppi_weighted
from rs3l_gnn.inference import JetTagger, event_inputs, jet_inputs
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze


def _jet(weights: list[float], **more: Any) -> tuple[ak.Array, ak.Array, ak.Array]:
    base = {"eta": 0.1, "phi": 0.2, "mass": 0.14, "charge": 1, "pdgId": 211, "d0": 0.01, "dz": 0.01, **more}
    rows = [{"pt": 100.0 - 10 * i, "puppiWeight": w, **base} for i, w in enumerate(weights)]
    jets = ak.Array([[{"pt": 500.0, "eta": 0.0, "phi": 0.0, "mass": 90.0}]])
    links = ak.Array([[{"jetIdx": 0, "candIdx": i} for i in range(len(rows))]])
    return jets, ak.Array([rows]), links


def test_momenta_are_scaled_and_the_others_leave() -> None:
    jets, candidates, links = _jet([0.5, 0.0, 1.0])
    weighted, kept = puppi_weighted(candidates, links)
    assert weighted.pt.to_list() == [[50.0, 0.0, 80.0]]
    assert weighted.mass.to_list() == [[0.07, 0.0, 0.14]]
    assert kept.jetIdx.to_list() == [[0, -1, 0]]
    inputs = jet_inputs(jets, candidates, links, puppi=True)
    assert np.exp(inputs.features[:, 0]) == pytest.approx([80.0, 50.0], rel=1e-6)
    nested = jet_inputs(jets, candidates[:, np.newaxis], puppi=True)
    assert np.array_equal(nested.features, inputs.features)
    assert len(jet_inputs(jets, candidates, links).features) == 3


def test_what_cannot_be_used_is_named() -> None:
    _, candidates, links = _jet([1.0, 1.0])
    with pytest.raises(MissingBranchError, match="the candidates lack puppiWeight; got pt"):
        puppi_weighted(candidates[["pt", "mass"]], links)
    for wrong in (-0.1, float("nan")):
        with pytest.raises(InvalidDataError, match="1 PUPPI weights are not usable"):
            puppi_weighted(_jet([1.0, wrong])[1], links)
    with pytest.raises(InvalidDataError, match="points to a candidate that does not exist"):
        puppi_weighted(candidates, ak.Array([[{"jetIdx": 0, "candIdx": 2}]]))
    empty, _ = puppi_weighted(candidates[:0], links[:0])
    assert len(empty) == 0


def test_weighted_candidates_add_up_to_the_jets_of_cms(slim_data: Path) -> None:
    """The jets are clustered from weighted candidates, so that these, and not the bare ones, have their momentum."""
    events: Any = NanoEventsFactory.from_root(
        {str(slim_data / "cms" / "pfnano.root"): "Events"}, schemaclass=JetSchema, mode="virtual"
    ).events()
    raw = np.asarray(ak.flatten(events.FatJet.pt * (1 - events.FatJet.rawFactor)))
    ratios = {}
    for puppi in (False, True):
        tables = EventTables(events, puppi=puppi)
        sums = []
        for event in range(len(events)):
            px, py = (tables.candidates.pt[event] * f(tables.candidates.phi[event]) for f in (np.cos, np.sin))
            links = tables.links[event]
            for jet in range(len(events.FatJet[event])):
                mine = links.candIdx[links.jetIdx == jet]
                sums.append(np.hypot(ak.sum(px[mine]), ak.sum(py[mine])))
        ratios[puppi] = np.array(sums) / raw
    # Stored numbers are rounded to about a thousandth.
    assert np.abs(ratios[True] - 1).max() < 0.004
    assert abs(ratios[True].mean() - 1) < 0.0005
    assert ratios[False].mean() > 1.002
    weighted, bare = (np.exp(event_inputs(events, puppi=puppi).features[:, 0]).sum() for puppi in (True, False))
    assert 0.9 < weighted / bare < 0.999


def test_an_analysis_with_weights(slim_data: Path, tagger_path: Path, tmp_path: Path) -> None:
    file = slim_data / "cms" / "pfnano.root"
    (tmp_path / "fileset.json").write_text(json.dumps({"cms": {"files": {str(file): "Events"}}}))
    document = {
        "filesets": tmp_path / "fileset.json",
        "taggers": {"mine": str(tagger_path)},
        "jet": {"pt_min": 170},
        "puppi": True,
        "systematics": {"candidates": [{"name": "ces", "kind": "energy_scale", "size": 0.01}]},
    }
    report = analyze(AnalysisConfig.model_validate(document), tmp_path / "out")
    assert "PFCands_puppiWeight" in report["branches"]
    assert report["jets"] > 5
    nano = slim_data / "cms" / "nano_tt_v15.root"
    (tmp_path / "fileset.json").write_text(json.dumps({"cms": {"files": {str(nano): "Events"}}}))
    without = JetTagger(tagger_path)
    assert without.puppi is False
    with pytest.raises(Exception, match=r"lacks PFCand_puppiWeight|needs tanh_d0"):
        analyze(AnalysisConfig.model_validate(document), tmp_path / "nano")
