"""Named features on events: what is asked for, and nothing else, reaches tables and networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    FEATURE_SETS,
    ConfigError,
    InvalidDataError,
    MissingBranchError,
)
from rs3l_gnn.data import get_format
from rs3l_gnn.data.event_tables import read_events
from rs3l_gnn.inference import JetTagger, event_inputs, jet_inputs, with_paper
from rs3l_gnn.processors import JetSchema

NANO = FEATURE_SETS["nano"]
MORE = ("puppi_weight", "asinh_d0_sig", *NANO)


def _records(path: Path, layout: str) -> ak.Array:
    """Jets, links and everything of the candidates."""
    form = get_format(layout)
    with uproot.open(path) as file:
        tree = file["Events"]
        branches = form.branches(["pt", "eta", "phi", "mass", "rawFactor"], candidates=True)
        return read_events(tree, form, [*branches, *form.further_fields(tree.keys()).values()])


@pytest.fixture(scope="module")
def pfnano(shared_data: Path) -> ak.Array:
    return _records(shared_data / "cms" / "pfnano.root", "pfnano")


@pytest.fixture(scope="module")
def nano15(shared_data: Path) -> ak.Array:
    return _records(shared_data / "cms" / "nano_tt_v15.root", "nanoaod15")


def test_columns_are_those_asked_for(pfnano: ak.Array, nano15: ak.Array) -> None:
    paper = event_inputs(pfnano)
    some = event_inputs(pfnano, features=["puppi_weight", "asinh_d0_sig", "nano"])
    assert some.names == MORE
    np.testing.assert_array_equal(
        some.features[:, 2:], paper.table(NANO[::-1])[:, [FEATURE_NAMES.index(n) for n in NANO]]
    )
    assert set(np.unique(some.features[:, 0])) & {0.0, 1.0}
    weights = np.asarray(ak.flatten(pfnano.PFCands.puppiWeight))
    assert np.isin(some.features[:, 0], weights).all()
    thirteen = event_inputs(nano15, features="nano")
    assert thirteen.names == NANO
    whole = event_inputs(nano15)
    np.testing.assert_array_equal(thirteen.features, whole.features[:, [FEATURE_NAMES.index(n) for n in NANO]])


def test_a_table_for_each_network(pfnano: ak.Array) -> None:
    inputs = event_inputs(pfnano, features=with_paper(["puppi_weight", "charge"]))
    assert inputs.names == (*FEATURE_NAMES, "puppi_weight")
    np.testing.assert_array_equal(inputs.table(("puppi_weight", "charge")), inputs.features[:, [15, 6]])
    np.testing.assert_array_equal(inputs.table(FEATURE_NAMES), inputs.features[:, :15])
    with pytest.raises(
        InvalidDataError, match="the inputs do not hold from_pv; got log_pt, .*features=tagger.features"
    ):
        inputs.table(("from_pv", "charge"))


def test_branches_are_read_for_features_that_need_them(shared_data: Path) -> None:
    file, read = {str(shared_data / "cms" / "pfnano.root"): "Events"}, []
    for features in (None, MORE):
        log: list[Any] = []
        opened = NanoEventsFactory.from_root(file, schemaclass=JetSchema, mode="virtual", access_log=log)
        event_inputs(opened.events(), features=features)
        read.append({access.branch for access in log})
    assert read[1] - read[0] == {"PFCands_puppiWeight", "PFCands_d0Err"}
    assert read[0] < read[1]


def test_requests_that_cannot_be_met(pfnano: ak.Array, nano15: ak.Array) -> None:
    with pytest.raises(MissingBranchError, match=r"the events \(NanoAOD v15.*cannot give tanh_d0, tanh_dz"):
        event_inputs(nano15, features="paper")
    with pytest.raises(
        MissingBranchError, match=r"the events \(PFNano\) cannot give from_pv: its candidates have no fromPV"
    ):
        event_inputs(pfnano, features=["nano", "from_pv"])
    with pytest.raises(ConfigError, match="unknown feature 'speed'"):
        event_inputs(pfnano, features="speed")
    with pytest.raises(ConfigError, match="charge twice"):
        event_inputs(pfnano, features=["nano", "charge"])


def test_a_tagger_with_features_of_its_own(
    pfnano: ak.Array, nano15: ak.Array, make_tagger: Callable[..., Path]
) -> None:
    tagger = JetTagger(make_tagger(features=MORE))
    assert tagger.features == MORE
    events = pfnano
    inputs = event_inputs(events, features=MORE)
    expected = tagger.model.score(inputs.features, inputs.offsets)
    fields = ("pt", "eta", "phi", "mass", "rawFactor")
    jets = ak.zip({name: events.FatJet[name] for name in fields})
    score = tagger(jets, events.PFCands, events.FatJetPFCands)
    np.testing.assert_array_equal(np.asarray(ak.flatten(score)), expected)
    np.testing.assert_array_equal(tagger.score(event_inputs(events, features=with_paper(MORE))), expected)
    without = events.PFCands[["pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz", "d0Err"]]
    with pytest.raises(MissingBranchError, match="the candidates lack puppiWeight"):
        tagger(jets, without, events.FatJetPFCands)
    with pytest.raises(InvalidDataError, match="do not hold puppi_weight, asinh_d0_sig"):
        tagger.score(event_inputs(events))
    other = nano15
    with pytest.raises(MissingBranchError, match="the candidates lack d0Err|puppiWeight"):
        tagger(other.FatJet, other.PFCand, other.FatJetPFCand)


def test_nested_candidates_bring_their_fields(pfnano: ak.Array, make_tagger: Callable[..., Path]) -> None:
    tagger = JetTagger(make_tagger(features=("charge", "puppi_weight", "log_pt", "deta", "dphi")))
    events = pfnano[:2]
    candidates, links = events.PFCands.to_list(), events.FatJetPFCands.to_list()
    own = [
        [
            [candidates[event][link["pFCandsIdx"]] for link in links[event] if link["jetIdx"] == jet]
            for jet in range(len(events.FatJet[event]))
        ]
        for event in range(2)
    ]
    jets = ak.zip({name: events.FatJet[name] for name in ("pt", "eta", "phi", "mass", "rawFactor")})
    nested = tagger(jets, ak.Array(own))
    linked = tagger(jets, events.PFCands, events.FatJetPFCands)
    assert nested.to_list() == linked.to_list()
    columns = jet_inputs(jets, ak.Array(own), features=("puppi_weight",)).features
    weights = {np.float32(row["puppiWeight"]) for event in own for jet in event for row in jet}
    assert set(columns[:, 0]) <= weights
