from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    Candidates,
    InvalidDataError,
    JetAxes,
    candidate_features,
    check_offsets,
    hardest_candidates,
)


def one_jet(**changes: object) -> Candidates:
    """A muon, a photon across the seam in phi, a neutral hadron and a charged hadron."""
    candidates = Candidates(
        pt=np.array([10.0, 20.0, 5.0, 1.0]),
        eta=np.array([0.5, 0.4, 0.6, 0.5]),
        phi=np.array([3.1, -3.1, 3.0, 3.1]),
        energy=np.array([11.0, 22.0, 6.0, 1.2]),
        charge=np.array([-1, 0, 0, 1]),
        pdgid=np.array([13, 22, 130, 211]),
        d0=np.array([0.5, 9.0, 9.0, -2.0]),
        dz=np.array([-0.25, 9.0, 9.0, 4.0]),
    )
    return dataclasses.replace(candidates, **changes)  # type: ignore[arg-type] # the test decides what to break


JET = JetAxes(pt=np.array([500.0]), eta=np.array([0.5]), phi=np.array([3.1]), energy=np.array([600.0]))
OFFSETS = np.array([0, 4])


def column(features: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    return features[:, FEATURE_NAMES.index(name)]


def test_hand_numbers() -> None:
    out = candidate_features(one_jet(), JET, OFFSETS)
    assert out.dtype == np.float32
    assert out.shape == (4, 15)
    assert column(out, "log_pt") == pytest.approx(np.log([10, 20, 5, 1]))
    assert column(out, "log_pt_rel") == pytest.approx(np.log(np.array([10, 20, 5, 1]) / 500), abs=1e-6)
    assert column(out, "deta") == pytest.approx([0, -0.1, 0.1, 0], abs=1e-6)
    assert column(out, "dphi") == pytest.approx([0, 2 * np.pi - 6.2, -0.1, 0], abs=1e-6)
    assert column(out, "log_e_rel") == pytest.approx(np.log(np.array([11, 22, 6, 1.2]) / 600), abs=1e-6)
    assert column(out, "charge").tolist() == [-1, 0, 0, 1]
    assert column(out, "delta_r") == pytest.approx([0, np.hypot(0.1, 2 * np.pi - 6.2), np.hypot(0.1, 0.1), 0], abs=1e-6)


def test_neutral_candidates_have_no_impact_parameter() -> None:
    out = candidate_features(one_jet(), JET, OFFSETS)
    assert column(out, "tanh_d0") == pytest.approx([np.tanh(0.5), 0, 0, np.tanh(-2.0)], abs=1e-6)
    assert column(out, "tanh_dz") == pytest.approx([np.tanh(-0.25), 0, 0, np.tanh(4.0)], abs=1e-6)


def test_each_candidate_has_exactly_one_kind() -> None:
    kinds = ["is_photon", "is_muon", "is_electron", "is_charged_hadron", "is_neutral_hadron"]
    out = candidate_features(one_jet(), JET, OFFSETS)
    flags = np.stack([column(out, kind) for kind in kinds], axis=1)
    assert flags.tolist() == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("pdgid", "charge", "kind"),
    [(130, 0, "is_neutral_hadron"), (0, 0, "is_neutral_hadron"), (1, 0, "is_neutral_hadron"), (2, 0, "is_photon")],
)
def test_neutral_ids_of_other_files(pdgid: int, charge: int, kind: str) -> None:
    candidates = one_jet(pdgid=np.full(4, pdgid), charge=np.full(4, charge))
    assert column(candidate_features(candidates, JET, OFFSETS), kind).tolist() == [1, 1, 1, 1]


def test_muon_flag_comes_before_electron_flag() -> None:
    out = candidate_features(one_jet(pdgid=np.full(4, -11), charge=np.full(4, 1)), JET, OFFSETS)
    assert column(out, "is_electron").tolist() == [1, 1, 1, 1]
    assert FEATURE_NAMES.index("is_muon") + 1 == FEATURE_NAMES.index("is_electron")


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_a_log_of_nothing_is_refused(value: float) -> None:
    with pytest.raises(InvalidDataError, match=r"candidate pt must be > 0 \(entry 1, 1 in all\)"):
        candidate_features(one_jet(pt=np.array([10.0, value, 5.0, 1.0])), JET, OFFSETS)


def test_non_finite_values_name_candidate_jet_and_feature() -> None:
    with pytest.raises(InvalidDataError, match="'tanh_d0' of candidate 3 in jet 0"):
        candidate_features(one_jet(d0=np.array([0.5, 9.0, 9.0, np.nan])), JET, OFFSETS)


def test_no_jets_and_empty_jets() -> None:
    nothing = one_jet(
        **{f.name: getattr(one_jet(), f.name)[:0] for f in dataclasses.fields(Candidates) if f.name != "more"}
    )
    axes = JetAxes(pt=np.array([0.0]), eta=np.array([0.0]), phi=np.array([0.0]), energy=np.array([0.0]))
    assert candidate_features(nothing, axes, np.array([0, 0])).shape == (0, 15)


def test_hardest_candidates_sorts_and_cuts_each_jet() -> None:
    pt = np.array([1.0, 3.0, 2.0, 5.0, 5.0, 7.0])
    index, offsets = hardest_candidates(pt, np.array([0, 3, 3, 6]), maximum=2)
    assert index.tolist() == [1, 2, 5, 3]
    assert offsets.tolist() == [0, 2, 2, 4]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([0, 3, 2, 4], "decrease at jet 1; got 3 -> 2"),
        ([1, 4], "from 0 to the number of particles 4; got 1 .. 4"),
        ([0, 3], "got 0 .. 3"),
        ([], "shape"),
        ([0.0, 4.0], "integers"),
    ],
)
def test_bad_offsets(offsets: list[float], message: str) -> None:
    with pytest.raises(InvalidDataError, match=message):
        check_offsets(np.array(offsets, dtype=None if offsets else np.int64), 4)


@pytest.mark.parametrize("kind", ["any", "falling", "ties", "not a number"])
def test_hardest_candidates_against_a_loop(kind: str) -> None:
    rng = np.random.default_rng(5)
    counts = np.array([0, 3, 0, 1, 7, 2, 0])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    pt = rng.integers(1, 4, offsets[-1]).astype(np.float32) if kind == "ties" else rng.exponential(1.0, offsets[-1])
    jets = [slice(a, b) for a, b in itertools.pairwise(offsets)]
    if kind == "falling":
        for jet in jets:
            pt[jet] = np.sort(pt[jet])[::-1]
    if kind == "not a number":
        pt[offsets[4] + 6] = np.nan
    for maximum in (1, 4, 100):
        expected = [sorted(range(jet.start, jet.stop), key=lambda i: (np.isnan(pt[i]), -pt[i], i)) for jet in jets]
        index, cut = hardest_candidates(pt, offsets, maximum=maximum)
        assert index.tolist() == [i for jet in expected for i in jet[:maximum]]
        assert np.diff(cut).tolist() == [min(n, maximum) for n in counts]
