"""Features beyond the paper's, against hand numbers and a loop over the tracks of a real file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import Candidates, InvalidDataError, JetAxes, candidate_features
from rs3l_gnn.conventions.features.tracks import FURTHER_FEATURES

AXIS = JetAxes(*(np.array([value]) for value in (500.0, 0.0, 0.0, 600.0)))
STORED: dict[str, list[float]] = {
    "charge": [1, -1, 1, 0],
    "d0": [0.3, -20.0, 0.0, 0.7],
    "dz": [-0.1, 0.4, 0.0, 0.7],
    "d0Err": [0.1, 0.5, -10.0, 0.2],  # -1 cm without track details
    "dzErr": [0.2, 0.0, -10.0, 0.2],
    "puppiWeight": [1.0, 0.25, 0.0, 0.5],
    "puppiWeightNoLep": [0.9, 0.2, 0.0, 0.4],
    "fromPV": [3, 1, 0, 3],
    "pvAssocQuality": [7, 4, 0, 1],
    "trkQuality": [5, 3, 0, 5],
    "lostInnerHits": [-1, 2, 0, -1],
    "trkChi2": [0.0, 3.0, -1.0, 2.0],
}
EXPECTED = {
    "asinh_d0_sig": [math.asinh(3), -math.asinh(40), 0, 0],
    "asinh_dz_sig": [-math.asinh(0.5), 0, 0, 0],
    "puppi_weight": [1, 0.25, 0, 0.5],
    "puppi_weight_no_lepton": [0.9, 0.2, 0, 0.4],
    "from_pv": [1, 1 / 3, 0, 1],
    "pv_association": [1, 4 / 7, 0, 1 / 7],
    "track_quality": [3, 2, 0, 0],
    "is_high_purity": [1, 0, 0, 0],
    "lost_inner_hits": [-1, 2, 0, 0],
    "log_track_chi2": [0, math.log(4), 0, 0],
}


def _candidates(stored: dict[str, Any]) -> Candidates:
    columns = {name: np.array(values) for name, values in stored.items()}
    ones = np.ones(len(columns["charge"]))
    plain = {name: columns.pop(name) for name in ("charge", "d0", "dz")}
    return Candidates(ones, 0 * ones, 0 * ones, ones, pdgid=0 * ones.astype(int) + 211, more=columns, **plain)


def test_hand_numbers() -> None:
    assert [feature.name for feature in FURTHER_FEATURES] == list(EXPECTED)
    out = candidate_features(_candidates(STORED), AXIS, np.array([0, 4]), tuple(EXPECTED))
    for column, (name, values) in enumerate(EXPECTED.items()):
        assert out[:, column] == pytest.approx(values, abs=1e-6), name


def test_a_feature_reads_what_it_says_it_needs_and_nothing_else() -> None:
    for feature in FURTHER_FEATURES:
        needed = {name: STORED[name] for name in ("charge", "d0", "dz", *feature.fields)}
        out = candidate_features(_candidates(needed), AXIS, np.array([0, 4]), (feature.name,))
        assert out[:, 0] == pytest.approx(EXPECTED[feature.name], abs=1e-6)
        assert feature.unit
        assert feature.formula


def test_a_value_that_is_not_finite_is_refused() -> None:
    broken = _candidates({**STORED, "puppiWeight": [1, math.inf, 0, 0]})
    with pytest.raises(InvalidDataError, match="'puppi_weight' of candidate 1 in jet 0 is not finite"):
        candidate_features(broken, AXIS, np.array([0, 4]), ("log_pt", "puppi_weight"))


def test_significances_of_a_real_file_by_a_loop(shared_data: Path) -> None:
    names = ("d0", "dz", "d0Err", "dzErr", "charge")
    with uproot.open(shared_data / "cms" / "pfnano.root") as file:
        rows = file["Events"].arrays([f"PFCands_{name}" for name in names], entry_stop=2).to_list()
    tracks = [dict(zip(names, values, strict=True)) for row in rows for values in zip(*row.values(), strict=True)]
    out = candidate_features(
        _candidates({name: [track[name] for track in tracks] for name in names}),
        AXIS,
        np.array([0, len(tracks)]),
        ("asinh_d0_sig", "asinh_dz_sig"),
    )
    with_track = 0
    for track, (d0, dz) in zip(tracks, out, strict=True):
        if track["charge"] == 0 or track["d0Err"] <= 0:
            assert (d0, dz) == (0, 0)
            continue
        with_track += 1
        assert math.sinh(d0) == pytest.approx(track["d0"] / track["d0Err"], rel=1e-5, abs=1e-6)
        assert math.sinh(dz) == pytest.approx(track["dz"] / track["dzErr"], rel=1e-5, abs=1e-6)
    assert 0 < with_track < len(tracks)
