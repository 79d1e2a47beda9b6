"""The 15 features of the paper keep their bits: against their formulas in one expression, as once written."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURES, Candidates, JetAxes, candidate_features, delta_phi


def _paper(p: Candidates, jet: JetAxes, counts: NDArray[np.int64]) -> NDArray[np.float32]:
    jet_pt, jet_eta, jet_phi, jet_e = (np.repeat(values, counts) for values in (jet.pt, jet.eta, jet.phi, jet.energy))
    charge, kind = p.charge.astype(np.float64), np.abs(p.pdgid)
    charged = charge != 0
    muon, electron = (kind == 13) & charged, (kind == 11) & charged
    photon = ((kind == 22) | (kind == 2)) & ~charged
    deta, dphi = p.eta - jet_eta, delta_phi(p.phi, jet_phi)
    columns = [
        np.log(p.pt),
        np.log(p.pt / jet_pt),
        deta,
        dphi,
        np.log(p.energy),
        np.log(p.energy / jet_e),
        charge,
        np.where(charged, np.tanh(p.d0), 0.0),
        np.where(charged, np.tanh(p.dz), 0.0),
        np.hypot(deta, dphi),
        photon,
        muon,
        electron,
        charged & ~muon & ~electron,
        ~charged & ~photon,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _compare(p: Candidates, jets: JetAxes, counts: NDArray[np.int64]) -> None:
    out = candidate_features(p, jets, np.concatenate([[0], np.cumsum(counts)]))
    assert out.flags.c_contiguous
    assert out.tobytes() == _paper(p, jets, counts).tobytes()


def test_invented_candidates_give_the_same_bytes() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 60, size=200)
    n = int(counts.sum())
    kind = rng.integers(0, 7, size=n)
    p = Candidates(
        pt=rng.exponential(20, n) + 0.1,
        eta=rng.normal(size=n),
        phi=rng.uniform(-np.pi, np.pi, n),
        energy=rng.exponential(40, n) + 0.1,
        charge=np.array([1, -1, 0, 0, -1, 1, 0])[kind],
        pdgid=np.array([211, -211, 22, 130, 11, -13, 2])[kind],
        d0=rng.standard_t(1, n),
        dz=rng.standard_t(1, n),
    )
    jets = JetAxes(*(rng.uniform(low, high, 200) for low, high in ((450, 900), (-2, 2), (-np.pi, np.pi), (500, 2000))))
    _compare(p, jets, counts)


def test_candidates_of_a_real_file_give_the_same_bytes(shared_data: Path) -> None:
    """All candidates of each event as if they were those of one jet."""
    with uproot.open(shared_data / "cms" / "pfnano.root") as file:
        table = file["Events"].arrays(filter_name="PFCands_*")
    counts = np.asarray(ak.num(table["PFCands_pt"]))
    flat = {name.removeprefix("PFCands_"): np.asarray(ak.flatten(table[name])) for name in table.fields}
    pt, eta, phi, d0, dz = (flat[name].astype(np.float64) for name in ("pt", "eta", "phi", "d0", "dz"))
    p = Candidates(pt, eta, phi, pt * np.cosh(eta), flat["charge"], flat["pdgId"], 10 * d0, 10 * dz)
    axes = np.full((4, len(counts)), [[500.0], [0.3], [3.1], [700.0]])
    _compare(p, JetAxes(*axes), counts)


def test_names_and_units_stay_as_files_and_checkpoints_hold_them() -> None:
    assert ",".join(FEATURE_NAMES) == (
        "log_pt,log_pt_rel,deta,dphi,log_e,log_e_rel,charge,tanh_d0,tanh_dz,delta_r,"
        "is_photon,is_muon,is_electron,is_charged_hadron,is_neutral_hadron"
    )
    assert [feature.unit for feature in FEATURES] == [
        *("log(pT/GeV)", "log(pT/pT_jet)", "1", "rad", "log(E/GeV)", "log(E/E_jet)", "e"),
        *("tanh(d0/mm)", "tanh(dz/mm)", "1", *["flag"] * 5),
    ]
    with pytest.raises(AttributeError):
        FEATURES[0].unit = "GeV"  # type: ignore[misc]  # that is what must not work
