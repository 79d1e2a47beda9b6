"""Candidates of files to features, against a loop and against real CMS files."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import FEATURE_NAMES, ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.data import FORMATS, TableFormat, get_format, jet_features

COLUMN = {name: index for index, name in enumerate(FEATURE_NAMES)}


def records(**fields: list[list[float]]) -> ak.Array:
    return ak.zip({name: ak.Array(values) for name, values in fields.items()})


def toy() -> tuple[ak.Array, ak.Array, ak.Array]:
    """Two events: jets of 2 and 1 candidates, then one jet of 0 and one of 1 (shared by nobody)."""
    jets = records(
        pt=[[500.0, 460.0], [700.0, 480.0]],
        eta=[[0.1, 1.0], [-1.0, 0.0]],
        phi=[[3.1, 0.0], [1.0, 2.0]],
        mass=[[90.0, 10.0], [125.0, 5.0]],
    )
    candidates = records(
        pt=[[1.0, 200.0, 40.0], [50.0, 3.0]],
        eta=[[0.2, 0.1, 1.0], [0.1, 0.3]],
        phi=[[-3.1, 3.0, 0.1], [2.1, 0.0]],
        mass=[[0.14, -0.002, 0.5], [0.14, 0.0]],
        charge=[[1, 0, 0], [-1, 1]],
        pdgId=[[211, 22, 130], [13, 211]],
        d0=[[0.02, -1.0, -1.0], [-1.0, 0.0]],
        dz=[[-1.0, -1.0, -1.0], [-1.0, 0.0]],
    )
    links = records(jetIdx=[[1, 0, 0, -1], [1]], candIdx=[[2, 0, 1, 0], [0]])
    return jets, candidates, links


def test_jets_get_their_own_candidates_hardest_first() -> None:
    features, offsets = jet_features(*toy())
    assert features.dtype == np.float32
    assert offsets.tolist() == [0, 2, 3, 3, 4]
    assert np.exp(features[:, COLUMN["log_pt"]]).tolist() == pytest.approx([200.0, 1.0, 40.0, 50.0], rel=1e-6)
    assert np.exp(features[:, COLUMN["log_pt_rel"]]).tolist() == pytest.approx(
        [200 / 500, 1 / 500, 40 / 460, 50 / 480], rel=1e-6
    )
    energy = [np.hypot(pt * np.cosh(eta), m) for pt, eta, m in ((200, 0.1, 0), (1, 0.2, 0.14), (40, 1, 0.5))]
    assert np.exp(features[:3, COLUMN["log_e"]]).tolist() == pytest.approx(energy, rel=1e-6)
    assert features[1, COLUMN["dphi"]] == pytest.approx(2 * np.pi - 6.2, abs=1e-5)  # over the seam


def test_lengths_become_mm_and_the_sentinel_zero_only_when_both_carry_it() -> None:
    features, _ = jet_features(*toy())
    assert features[1, COLUMN["tanh_d0"]] == pytest.approx(np.tanh(0.2))
    assert features[1, COLUMN["tanh_dz"]] == pytest.approx(-1.0)  # -1 cm is a length here: d0 is not the sentinel
    assert features[3, COLUMN["tanh_d0"]] == 0  # a muon without track details
    in_mm, _ = jet_features(*toy(), layout="pfnano_mm")
    assert in_mm[1, COLUMN["tanh_d0"]] == pytest.approx(np.tanh(0.02))


def test_selected_jets_are_those_of_the_whole_collection() -> None:
    jets, candidates, links = toy()
    everything, offsets = jet_features(jets, candidates, links)
    some, some_offsets = jet_features(jets, candidates, links, selected=ak.Array([[False, True], [True, True]]))
    assert some_offsets.tolist() == [0, 1, 1, 2]
    np.testing.assert_array_equal(some, everything[offsets[1] :])


def test_only_the_hardest_are_kept() -> None:
    features, offsets = jet_features(*toy(), maximum=1)
    assert offsets.tolist() == [0, 1, 2, 2, 3]
    assert np.exp(features[0, COLUMN["log_pt"]]) == pytest.approx(200.0)


def test_no_events_give_typed_empty_arrays() -> None:
    jets, candidates, links = (part[:0] for part in toy())
    features, offsets = jet_features(jets, candidates, links)
    assert features.shape == (0, 15)
    assert features.dtype == np.float32
    assert offsets.tolist() == [0]


@pytest.mark.parametrize(("field", "what"), [("jetIdx", "jet 7"), ("candIdx", "candidate 7")])
def test_a_link_outside_its_event_is_named(field: str, what: str) -> None:
    jets, candidates, links = toy()
    wrong = ak.with_field(links, ak.Array([[0, 7, 0, 0], [0]]), field)
    with pytest.raises(InvalidDataError, match=f"event 0 points to {what}"):
        jet_features(jets, candidates, wrong)


def test_missing_fields_and_layouts_are_named() -> None:
    jets, candidates, links = toy()
    with pytest.raises(MissingBranchError, match="candidates lack d0"):
        jet_features(jets, candidates[[f for f in ak.fields(candidates) if f != "d0"]], links)
    with pytest.raises(ConfigError, match="nanoaod15, pfnano"):
        get_format("panda")


def test_features_refer_to_the_jet_before_corrections() -> None:
    jets, candidates, links = toy()
    plain, _ = jet_features(jets, candidates, links)
    factor = ak.Array([[0.2, -0.1], [0.0, 0.5]])
    corrected = {"pt": jets.pt / (1 - factor), "mass": jets.mass / (1 - factor), "eta": jets.eta, "phi": jets.phi}
    features, _ = jet_features(ak.zip({**corrected, "rawFactor": factor}), candidates, links)
    np.testing.assert_allclose(features, plain, atol=1e-6)
    # Corrected anew: the stored factor says nothing about these momenta, the raw ones do.
    anew = {**corrected, "pt": jets.pt * 1.1, "rawFactor": factor, "pt_raw": jets.pt, "mass_raw": jets.mass}
    features, _ = jet_features(ak.zip(anew), candidates, links)
    np.testing.assert_array_equal(features, plain)


def file_records(path: Path, layout: str) -> tuple[Any, Any, Any]:
    form = FORMATS[layout]
    assert isinstance(form, TableFormat)
    with uproot.open(path) as file:
        tree = file["Events"]

        def read(prefix: str, names: dict[str, str]) -> ak.Array:
            arrays = tree.arrays([f"{prefix}_{name}" for name in names])
            return ak.zip({short: arrays[f"{prefix}_{name}"] for name, short in names.items()})

        jets = read(form.jet_table, {name: name for name in ("pt", "eta", "phi", "mass", "rawFactor")})
        candidates = read(form.candidate_table, {name: name for name in form.candidate_fields})
        links = read(form.link_table, {"jetIdx": "jetIdx", form.link_candidate: "candIdx"})
    return jets, candidates, links


@pytest.mark.parametrize(("name", "layout"), [("pfnano.root", "pfnano"), ("nano_tt_v15.root", "nanoaod15")])
def test_cms_files_against_a_loop(shared_data: Path, name: str, layout: str) -> None:
    jets, candidates, links = file_records(shared_data / "cms" / name, layout)
    features, offsets = jet_features(jets, candidates, links, layout)
    assert len(offsets) == ak.sum(ak.num(jets.pt)) + 1
    assert np.isfinite(features).all()
    jet, ratios = 0, []
    for event in np.flatnonzero(ak.num(jets.pt))[:10]:
        for index in range(len(jets[event])):
            mine = [link["candIdx"] for link in links[event].to_list() if link["jetIdx"] == index]
            pts = sorted((candidates[event].pt[i] for i in mine), reverse=True)[:100]
            assert offsets[jet + 1] - offsets[jet] == len(pts)
            got = np.exp(features[offsets[jet] : offsets[jet + 1], COLUMN["log_pt"]])
            np.testing.assert_allclose(got, pts, rtol=1e-5)
            if pts:
                # The jet that the features refer to is what its candidates add up to, not the corrected one.
                px, py = (
                    sum(candidates[event].pt[i] * turn(candidates[event].phi[i]) for i in mine)
                    for turn in (np.cos, np.sin)
                )
                first = features[offsets[jet]]
                referred = np.exp(first[COLUMN["log_pt"]] - first[COLUMN["log_pt_rel"]])
                assert referred == pytest.approx(np.hypot(px, py), rel=0.02)
                ratios.append(jets[event].pt[index] / referred)
            jet += 1
    assert np.median(ratios) > 1.07  # the corrections of these files are no small ones
    charge = features[:, COLUMN["charge"]]
    assert set(np.unique(charge)) == {-1.0, 0.0, 1.0}
    assert (np.abs(features[:, COLUMN["tanh_d0"]]).max() > 0) == (layout == "pfnano")
