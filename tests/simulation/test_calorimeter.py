from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.simulation.calorimeter import Clusters, Deposits, measure_clusters
from rs3l_gnn.simulation.detector_config import CalorimeterConfig, CalorimeterRegion

PERFECT = CalorimeterConfig(
    regions=(
        CalorimeterRegion(abs_eta_max=1.5, cell=0.1, stochastic=0.0, noise=0.0, constant=1e-9),
        CalorimeterRegion(abs_eta_max=5.0, cell=0.2, stochastic=0.0, noise=0.0, constant=1e-9),
    ),
    position=0.0,
    significance=2.0,
)
REAL = CalorimeterConfig(
    regions=(CalorimeterRegion(abs_eta_max=5.0, cell=0.1, stochastic=1.0, noise=0.5, constant=0.1),),
    position=0.2,
    significance=2.0,
)


def _measure(
    eta: list[float],
    phi: list[float],
    energy: list[float],
    config: CalorimeterConfig = PERFECT,
    *,
    event: list[int] | None = None,
    tracks: list[float] | None = None,
) -> Clusters:
    n = len(eta)
    return measure_clusters(
        Deposits(
            event=np.array(event or [0] * n, dtype=np.int64),
            eta=np.array(eta),
            phi=np.array(phi),
            energy=np.array(energy),
            track_energy=np.array(tracks or [0.0] * n),
            normal=np.random.default_rng(1).normal(size=(n, 3)),
        ),
        config,
    )


def test_neighbours_in_a_cell_merge_at_their_centre() -> None:
    clusters = _measure([0.01, 0.05, 0.55], [0.06, 0.10, 0.02], [10.0, 30.0, 5.0])
    assert clusters.energy == pytest.approx([40.0, 5.0])
    assert clusters.eta == pytest.approx([0.04, 0.55])
    assert clusters.phi == pytest.approx([0.09, 0.02])


def test_events_and_rings_do_not_mix() -> None:
    assert _measure([0.01, 0.01], [0.0, 0.0], [1.0, 2.0], event=[0, 1]).event.tolist() == [0, 1]
    assert len(_measure([1.49, 1.51], [0.0, 0.0], [1.0, 2.0]).energy) == 2


def test_the_seam_in_phi() -> None:
    n_phi = round(2 * np.pi / 0.1)
    width = 2 * np.pi / n_phi
    clusters = _measure([0.0, 0.0], [-np.pi, -np.pi + width / 2], [1.0, 1.0])
    assert clusters.phi == pytest.approx([-np.pi + width / 4])
    assert (np.abs(_measure([0.0], [np.pi - 1e-9], [1.0], REAL).phi) <= np.pi).all()


def test_resolution() -> None:
    n, energy = 20000, 16.0
    clusters = _measure([0.0] * n, [0.0] * n, [energy] * n, REAL, event=list(range(n)))
    expected = np.sqrt(1.0 / energy + (0.5 / energy) ** 2 + 0.1**2)
    assert np.mean(clusters.energy) == pytest.approx(energy, rel=0.01)
    assert np.std(clusters.energy) / energy == pytest.approx(expected, rel=0.03)
    assert np.std(clusters.eta) == pytest.approx(0.2 * 0.1, rel=0.03)


def test_tracks_are_subtracted() -> None:
    # A charged hadron of 20 GeV and a neutral one of 10 GeV in the same cell, beside a charged one alone.
    clusters = _measure([0.01, 0.02, 0.55], [0.0, 0.01, 0.0], [20.0, 10.0, 20.0], tracks=[20.0, 0.0, 20.0])
    assert clusters.energy == pytest.approx([10.0])
    # The neutral one gives the direction.
    assert clusters.eta == pytest.approx([0.02])


def test_fluctuations_above_tracks_are_rare() -> None:
    n = 20000
    clusters = _measure([0.0] * n, [0.0] * n, [50.0] * n, REAL, event=list(range(n)), tracks=[50.0] * n)
    # Two sigma of a distribution with a tail to high energies: a few per cent.
    assert 0.01 < len(clusters.energy) / n < 0.05


def test_nothing_in_nothing_out() -> None:
    assert len(_measure([], [], []).energy) == 0
