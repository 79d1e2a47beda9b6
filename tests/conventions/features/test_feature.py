"""What features see of candidates and their jets."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.conventions import Candidates, JetAxes, JetCandidates


def test_jets_are_spread_over_their_candidates() -> None:
    p = Candidates(
        pt=np.array([1.0, 2.0, 3.0]),
        eta=np.array([0.5, 0.5, 1.0]),
        phi=np.array([3.1, -3.1, 0.0]),
        energy=np.array([2.0, 4.0, 6.0]),
        charge=np.array([0, -1, 1]),
        pdgid=np.array([22, 11, -211]),
        d0=np.zeros(3),
        dz=np.zeros(3),
        more={"hits": np.array([1, 2, 3])},
    )
    jets = JetAxes(np.array([10.0, 99.0, 20.0]), np.zeros(3), np.array([3.1, 0.0, 0.0]), np.array([30.0, 99.0, 40.0]))
    seen = JetCandidates(p, jets, np.array([2, 0, 1]))
    assert len(seen) == 3
    assert seen.jet_pt.tolist() == [10, 10, 20]
    assert seen.jet_energy.tolist() == [30, 30, 40]
    assert seen.deta.tolist() == [0.5, 0.5, 1.0]
    assert np.allclose(seen.dphi, [0, 2 * np.pi - 6.2, 0])
    assert seen.charged.tolist() == [False, True, True]
    assert seen.photon.tolist() == [True, False, False]
    assert seen.electron.tolist() == [False, True, False]
    assert seen.muon.tolist() == [False, False, False]
    assert seen.more("hits").dtype == np.float64
