"""Inputs of jets from events, from plain arrays, and from nested candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import BaseSchema, NanoEventsFactory
from numpy.testing import assert_array_equal

from rs3l_gnn.conventions import IMPACT_FEATURES, InvalidDataError, MissingBranchError
from rs3l_gnn.inference import event_inputs, jet_inputs
from rs3l_gnn.processors import JetSchema

FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")


def _plain(path: Path) -> tuple[ak.Array, ak.Array, ak.Array]:
    with uproot.open(path) as file:
        arrays = file["Events"].arrays()
    jets = ak.zip({name: arrays[f"FatJet_{name}"] for name in ("pt", "eta", "phi", "mass")})
    candidates = ak.zip({name: arrays[f"PFCands_{name}"] for name in FIELDS})
    links = ak.zip({"jetIdx": arrays["FatJetPFCands_jetIdx"], "pFCandsIdx": arrays["FatJetPFCands_pFCandsIdx"]})
    return jets, candidates, links


def _events(path: Path, log: list[Any] | None = None) -> Any:
    return NanoEventsFactory.from_root(
        {str(path): "Events"}, schemaclass=JetSchema, mode="virtual", access_log=log
    ).events()


def test_events_plain_arrays_and_nested_candidates_agree(toy_directory: Path) -> None:
    path = toy_directory / "hbb" / "nominal_0000.root"
    jets, candidates, links = _plain(path)
    plain = jet_inputs(jets, candidates, links)
    virtual = event_inputs(_events(path))
    # Every toy event has at most one jet, which owns all candidates.
    nested = jet_inputs(jets, ak.Array([[event] if len(event) else [] for event in candidates.to_list()]))
    assert plain.n_jets == ak.sum(ak.num(jets)) > 50
    for other in (virtual, nested):
        assert_array_equal(plain.features, other.features)
        assert_array_equal(plain.offsets, other.offsets)
        assert_array_equal(plain.counts, other.counts)


@pytest.mark.parametrize("mode", ["eager", "virtual"])
def test_branches_that_a_schema_leaves_as_they_are(toy_directory: Path, mode: str) -> None:
    """Our own files have a branch by itself among the marks of their format."""
    path = toy_directory / "hbb" / "nominal_0000.root"
    apart = NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=BaseSchema, mode=mode).events()
    assert "FatJet" not in apart.fields
    assert "hardHash" in apart.fields
    found, expected = event_inputs(apart), event_inputs(_events(path))
    assert_array_equal(found.features, expected.features)
    assert_array_equal(found.offsets, expected.offsets)
    assert ak.to_list(found.counts) == ak.to_list(expected.counts)


def test_results_are_jagged_like_the_jets(toy_directory: Path) -> None:
    jets, candidates, links = _plain(toy_directory / "qcd" / "nominal_0000.root")
    inputs = jet_inputs(jets, candidates, links)
    back = inputs.jagged(np.asarray(ak.flatten(jets.pt)))
    assert back.to_list() == jets.pt.to_list()
    selected = jets.pt > 500
    some = jet_inputs(jets, candidates, links, selected=selected)
    assert (
        some.jagged(np.arange(some.n_jets)).to_list()
        == ak.unflatten(np.arange(ak.sum(selected)), ak.sum(selected, axis=1)).to_list()
    )
    assert 0 < some.n_jets < inputs.n_jets


def test_only_what_is_needed_is_read(toy_directory: Path) -> None:
    log: list[Any] = []
    event_inputs(_events(toy_directory / "qcd" / "nominal_0000.root", log))
    assert {access.branch for access in log} == {
        "nFatJet",
        "nPFCands",
        "nFatJetPFCands",
        *(f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass")),
        *(f"PFCands_{name}" for name in FIELDS),
        "FatJetPFCands_jetIdx",
        "FatJetPFCands_pFCandsIdx",
    }


@pytest.mark.parametrize(("file", "jets", "missing"), [("pfnano", 24, ()), ("nano_tt_v15", None, IMPACT_FEATURES)])
def test_real_files(shared_data: Path, file: str, jets: int | None, missing: tuple[str, ...]) -> None:
    events = _events(shared_data / "cms" / f"{file}.root")
    inputs = event_inputs(events)
    assert inputs.n_jets == ak.sum(ak.num(events.FatJet.pt)) == (jets or inputs.n_jets) > 0
    assert inputs.missing == missing
    assert len(inputs.features) > 10 * inputs.n_jets
    assert np.isfinite(inputs.features).all()


def test_no_events_and_no_jets(toy_directory: Path) -> None:
    jets, candidates, links = _plain(toy_directory / "qcd" / "nominal_0000.root")
    for cut in (jets.pt[:0] > 0, jets.pt > 1e9):
        n = len(cut)
        inputs = jet_inputs(jets[:n], candidates[:n], links[:n], selected=cut)
        assert inputs.features.shape == (0, 15)
        assert inputs.features.dtype == np.dtype(np.float32)
        assert inputs.offsets.tolist() == [0]
        assert inputs.counts.tolist() == [0] * n


def test_mistakes_are_named(toy_directory: Path) -> None:
    jets, candidates, links = _plain(toy_directory / "qcd" / "nominal_0000.root")
    with pytest.raises(MissingBranchError, match="must be nested in the jets"):
        jet_inputs(jets, candidates)
    with pytest.raises(MissingBranchError, match="the links lack pFCandsIdx or candIdx; got jetIdx"):
        jet_inputs(jets, candidates, links[["jetIdx"]])
    with pytest.raises(MissingBranchError, match="the candidates lack charge"):
        jet_inputs(jets, candidates[[name for name in FIELDS if name != "charge"]], links)
    wrong = ak.zip({"jetIdx": links.jetIdx + 5, "candIdx": links.pFCandsIdx})
    with pytest.raises(InvalidDataError, match="points to jet 5"):
        jet_inputs(jets, candidates, wrong)
