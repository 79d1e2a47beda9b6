"""Branches as records, and the tables of a chunk of events, compared with what uproot reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot

from rs3l_gnn.conventions import ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.data import get_format
from rs3l_gnn.data.event_tables import EventTables, as_records, entry_columns, event_numbers, event_weights, read_events


@pytest.fixture(scope="module")
def tree(toy_sample: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    path: Path = toy_sample("qcd", n_events=12).write(tmp_path_factory.mktemp("tables") / "a.root")
    return uproot.open(f"{path}:Events")


def _read(tree: Any, **entries: int) -> ak.Array:
    form = get_format("simulated")
    jets = ("pt", "eta", "phi", "mass", "jettype", "anchor")
    names = [*form.branches(jets, candidates=True, puppi=True), "genWeight", "hardHash"]
    return read_events(tree, form, names, **entries)


def test_collections_hold_their_branches(tree: Any) -> None:
    events = _read(tree, entry_start=2, entry_stop=9)
    assert len(events) == 7
    for collection, field in (("FatJet", "pt"), ("PFCands", "d0"), ("FatJetPFCands", "jetIdx")):
        assert events[collection][field].to_list() == tree[f"{collection}_{field}"].array().to_list()[2:9]
    assert events["event"].to_list() == list(range(2, 9))


def test_names_of_branches_are_split_once() -> None:
    arrays = ak.Array({"Jet/Jet.PT": [[1.0], []], "Jet/Jet.Eta": [[0.5], []], "Event/Event.Number": [[7], [8]]})
    delphes = as_records(arrays, get_format("delphes"))
    assert delphes["Jet"].to_list() == [[{"PT": 1.0, "Eta": 0.5}], []]
    assert delphes["Event"].to_list() == [[{"Number": 7}], [{"Number": 8}]]
    nano = as_records(ak.Array({"FatJet_tau2_raw": [[0.1], [0.2, 0.3]], "run": [1, 1]}), get_format("nanoaod"))
    assert nano["FatJet"]["tau2_raw"].to_list() == [[0.1], [0.2, 0.3]]
    assert nano["run"].to_list() == [1, 1]


def test_tables_of_events(tree: Any) -> None:
    events = _read(tree)
    tables = EventTables(events)
    assert tables.form.name == "simulated"
    assert tables.jets["pt"].to_list() == tree["FatJet_pt"].array().to_list()
    assert tables.candidates["pdgId"].to_list() == tree["PFCands_pdgId"].array().to_list()
    assert tables.links["candIdx"].to_list() == tree["FatJetPFCands_pFCandsIdx"].array().to_list()
    assert tables.stored_features is None
    assert tables.domain.radius is None  # jets of a simulation of one's own have any radius
    plain = events[[name for name in events.fields if name not in ("hardHash", "FatJet")]]
    plain = ak.with_field(plain, events["FatJet"][["pt", "eta", "phi", "mass"]], "FatJet")
    assert EventTables(plain).form.name == "pfnano"
    assert EventTables(plain).domain.radius == 0.8
    numbers, weights = event_numbers(events), event_weights(events)
    assert numbers is not None
    assert weights is not None
    assert (numbers.tolist(), weights.tolist()) == (list(range(12)), [1.0] * 12)
    assert event_numbers(ak.Array({"run": [1]})) is None
    assert event_weights(ak.Array({"run": [1]})) is None


def test_puppi_weights_scale_the_candidates(tree: Any) -> None:
    events = _read(tree)
    halved = ak.with_field(events["PFCands"], ak.full_like(events["PFCands"]["pt"], 0.5), "puppiWeight")
    events = ak.with_field(events, halved, "PFCands")
    weighted = EventTables(events, puppi=True).candidates["pt"]
    assert ak.flatten(weighted).to_list() == [pt / 2 for pt in ak.flatten(tree["PFCands_pt"].array()).to_list()]


def test_the_metadata_of_events_choose_the_format(tree: Any) -> None:
    named = ak.with_parameter(_read(tree), "metadata", {"layout": "pfnano"})
    assert EventTables(named).form.name == "pfnano"
    assert EventTables(named, "simulated").form.name == "simulated"
    with pytest.raises(ConfigError, match="nothing"):
        EventTables(ak.with_parameter(_read(tree), "metadata", {"layout": "nothing"}))
    with pytest.raises(MissingBranchError, match="the events hold no jets with candidates"):
        EventTables(ak.Array({"run": [1]}))


def test_lists_of_one_length_are_columns_and_others_are_refused() -> None:
    assert entry_columns(ak.Array([[1, 2], [3, 4], [5, 6]]), 2, complaint="", hint="")[:, 1].tolist() == [2, 4, 6]
    with pytest.raises(InvalidDataError, match=r"PSWeight is odd.*got 3; allowed: 2.*mend it"):
        entry_columns(ak.Array([[1, 2], [3, 4, 5]]), 2, complaint="PSWeight is odd", hint="mend it")
