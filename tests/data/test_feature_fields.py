"""Which features the formats can give, and what happens to requests for others; values against loops over branches."""

from __future__ import annotations

import math
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, ConfigError, MissingBranchError, known_features
from rs3l_gnn.data import EventTables, FlatTreeConfig, get_format, jet_features
from rs3l_gnn.data.event_tables import as_records, read_events
from rs3l_gnn.data.feature_fields import further_fields, lacking_features, require_features

TRACKS = ("asinh_d0_sig", "asinh_dz_sig")


def _without(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in known_features() if name not in names)


@pytest.mark.parametrize(
    ("file", "layout", "lacking"),
    [
        ("cms/pfnano.root", "pfnano", ("from_pv",)),  # one of 2018
        ("cms/nano_tt_v15.root", "nanoaod15", _without(FEATURE_SETS["nano"])),
        ("delphes/delphes342.root", "delphes", _without((*FEATURE_NAMES, *TRACKS))),
    ],
)
def test_what_real_files_can_give(shared_data: Path, file: str, layout: str, lacking: tuple[str, ...]) -> None:
    form = get_format(layout)
    with uproot.open(shared_data / file) as opened:
        names = [name.rpartition("/")[2] for name in opened[form.tree].keys()]  # noqa: SIM118 - of uproot
    fields = form.further_fields(names)
    assert set(fields.values()) <= set(names)
    assert lacking_features(form, list(known_features()), fields) == lacking
    require_features(form, [name for name in known_features() if name not in lacking], fields, where=file)
    with pytest.raises(MissingBranchError, match=rf"{file} \(.*\) cannot give {lacking[0]}.*: its candidates have no "):
        require_features(form, ["charge", *lacking], fields, where=file)


def test_requests_that_nobody_could_meet() -> None:
    form = get_format("pfnano")
    with pytest.raises(ConfigError, match="unknown feature 'speed'"):
        require_features(form, ["speed"], (), where="f.root")
    with pytest.raises(ConfigError, match="named once each.*charge twice"):
        require_features(form, ["charge", "charge"], (), where="f.root")
    stored = get_format("published")
    assert lacking_features(stored, [*FEATURE_NAMES, "puppi_weight"], ("puppiWeight",)) == ("puppi_weight",)
    assert further_fields(["tanh_d0", *TRACKS, "puppi_weight"]) == ("d0Err", "dzErr", "puppiWeight")
    # Impact parameters that a format does not read are no help.
    assert lacking_features(get_format("nanoaod15"), TRACKS, ("d0", "dz", "d0Err", "dzErr")) == TRACKS


def test_features_of_a_real_file_by_a_loop(shared_data: Path) -> None:
    """Every jet of PFNano: candidates by its links, hardest first; cm and bits as CMS writes them."""
    form = get_format("pfnano")
    wanted = ("puppi_weight", "asinh_d0_sig", "track_quality", "lost_inner_hits", "pv_association", "log_pt")
    with uproot.open(shared_data / "cms" / "pfnano.root") as file:
        tree = file["Events"]
        branches = form.branches(["pt", "eta", "phi", "mass"], candidates=True)
        fields = form.further_fields(tree.keys())
        events = read_events(tree, form, [*branches, *(fields[field] for field in further_fields(wanted))])
    tables = EventTables(events, form, features=wanted)
    features, offsets = jet_features(tables.jets, tables.candidates, tables.links, form, features=wanted)
    assert features.shape[1] == len(wanted)
    jet = 0
    for event in events.to_list():
        for place in range(len(event["FatJet"])):
            links = [link["pFCandsIdx"] for link in event["FatJetPFCands"] if link["jetIdx"] == place]
            rows = sorted((event["PFCands"][index] for index in links), key=lambda row: -row["pt"])[:100]
            mine = features[offsets[jet] : offsets[jet + 1]]
            assert len(mine) == len(rows) > 10
            for row, got in zip(rows, mine, strict=True):
                tracked = row["charge"] != 0 and row["d0Err"] > 0
                expected = [
                    row["puppiWeight"],
                    math.asinh(row["d0"] / row["d0Err"]) if tracked else 0,
                    {5: 3, 1: 1, 0: 0}[row["trkQuality"]] if row["charge"] else 0,
                    row["lostInnerHits"] if row["charge"] else 0,
                    row["pvAssocQuality"] / 7,
                    math.log(row["pt"]),
                ]
                assert got.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)
            jet += 1
    assert jet == len(offsets) - 1 == 24


def test_delphes_gives_the_errors_of_tracks(shared_data: Path) -> None:
    form = get_format("delphes")
    with uproot.open(shared_data / "delphes" / "delphes342.root") as file:
        tree = file["Delphes"]
        names = [name.rpartition("/")[2] for name in tree.keys()]  # noqa: SIM118 - of uproot
        more = [form.further_fields(names)[field] for field in ("d0Err", "dzErr")]
        wanted = [*form.branches([], candidates=True), *form.more_branches(names), *more]
        wanted += [f"FatJet.{field}" for field in ("PT", "Eta", "Phi", "Mass")]
        arrays = tree.arrays(filter_branch=lambda branch: branch.name in wanted)
        d0, error = (tree[f"EFlowTrack/EFlowTrack.{name}"].array() for name in ("D0", "ErrorD0"))
    records = as_records(arrays, form)
    tables = EventTables(records, form, features=TRACKS)
    for event, candidates in enumerate(tables.candidates):
        n_tracks = len(d0[event])
        assert candidates["d0Err"][:n_tracks].to_list() == error[event].to_list()
        assert set(candidates["d0Err"][n_tracks:].to_list()) <= {0.0}
    features, _ = jet_features(tables.jets, tables.candidates, tables.links, form, features=TRACKS)
    assert not features.any()  # this detector measures without errors, so nothing is significant
    tracks = ak.with_field(records["EFlowTrack"], ak.full_like(d0, 0.25), "ErrorD0")
    tables = EventTables(ak.with_field(records, tracks, "EFlowTrack"), form, features=TRACKS)
    features, _ = jet_features(tables.jets, tables.candidates, tables.links, form, features=TRACKS)
    found = np.sort(0.25 * np.sinh(features[features[:, 0] != 0, 0]))
    every = np.sort(np.asarray(ak.flatten(d0)))
    assert len(found) > 20
    assert np.abs(every[np.searchsorted(every, found - 1e-4)] - found).max() < 2e-4
    assert not features[:, 1].any()


def test_a_map_of_branches_names_what_features_need() -> None:
    config = {"jets": {name: f"j_{name}" for name in ("pt", "eta", "phi", "mass")}, "radius": 0.8}
    candidates = {name: f"c_{name}" for name in ("pt", "eta", "phi", "pdgId", "charge", "fromPV", "d0Err", "d0", "dz")}
    form = FlatTreeConfig.model_validate({**config, "candidates": candidates, "mm_per_unit": 10.0}).format()
    columns = {branch: [[1.0, 2.0]] for branch in candidates.values()}
    columns |= {"c_fromPV": [[3.0, 1.0]], "c_d0Err": [[0.5, 0.0]], "c_d0": [[1.0, 1.0]], "c_pdgId": [[211, 211]]}
    jets = {"j_pt": [500.0], "j_eta": [1.5], "j_phi": [1.5], "j_mass": [50.0]}
    events = ak.zip({**jets, **columns}, depth_limit=1)
    assert form.further_fields(events.fields) == {"fromPV": "c_fromPV", "d0Err": "c_d0Err"}
    assert "c_fromPV" not in form.branches([], candidates=True)  # read where it is asked for
    tables = EventTables(events, form, features=["from_pv", "asinh_d0_sig", "charge"])
    features, _ = jet_features(
        tables.jets, tables.candidates, tables.links, form, features=["from_pv", "asinh_d0_sig", "charge"]
    )
    assert features.tolist() == [[pytest.approx(1 / 3), 0, 2], [1, pytest.approx(math.asinh(2)), 1]]
    with pytest.raises(ValueError, match="candidates have no speed, allowed: .*fromPV"):
        FlatTreeConfig.model_validate({**config, "candidates": {**candidates, "speed": "c_v"}})
