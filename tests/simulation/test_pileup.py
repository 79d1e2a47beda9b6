from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.simulation import DetectorConfig, SimulationConfig, simulate
from rs3l_gnn.simulation.detector import detect
from rs3l_gnn.simulation.detector_config import PileupConfig
from rs3l_gnn.simulation.particles import Particles
from rs3l_gnn.simulation.pileup import add_pileup, minimum_bias


@pytest.fixture(scope="module")
def pool() -> Particles:
    return minimum_bias(60, 1, 13000.0, 3.4)


def _empty(pool: Particles, n_events: int) -> Particles:
    none = pool.where(np.zeros(len(pool), dtype=bool))
    return Particles(**{**vars(none), "n_events": n_events})


def _rngs(n: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(n)]


def test_minimum_bias_has_the_density_of_data(pool: Particles) -> None:
    """5.5 charged hadrons a unit of eta in inelastic collisions (arXiv:1507.05915), more without diffraction."""
    central = (pool.charge != 0) & (np.abs(pool.eta) < 0.5)
    assert central.sum() / 60 == pytest.approx(6.5, rel=0.35)


def test_number_and_place_of_collisions(pool: Particles) -> None:
    n = 300
    over = add_pileup(_empty(pool, n), pool, PileupConfig(mean=6.0), _rngs(n))
    assert (np.diff(over.event) >= 0).all()
    found = {tuple(pair) for pair in np.stack([over.event, over.collision], axis=1).tolist()}
    seen = np.mean(np.bincount(pool.event, minlength=60) > 0)  # some collisions have nothing in reach
    assert len(found) / n == pytest.approx(6.0 * seen, abs=4 * np.sqrt(6 / n))
    assert np.std(over.vz) == pytest.approx(45.0, rel=0.1)
    # Turned about the beam, so that a collision of the pool never comes twice.
    assert np.abs(np.mean(np.exp(1j * over.phi))) < 0.05


def test_events_do_not_depend_on_their_neighbours(pool: Particles) -> None:
    config = PileupConfig(mean=4.0)
    both = add_pileup(_empty(pool, 2), pool, config, _rngs(2))
    alone = add_pileup(_empty(pool, 1), pool, config, _rngs(2)[1:])
    mine = both.where(both.event == 1)
    assert np.array_equal(mine.px, alone.px)
    assert np.array_equal(mine.collision, alone.collision)


def test_charged_candidates_of_far_collisions_are_removed(pool: Particles) -> None:
    n = 40
    over = add_pileup(_empty(pool, n), pool, PileupConfig(mean=10.0), _rngs(n))
    near = detect(over, DetectorConfig(pileup=PileupConfig(mean=10.0, vertex_distance=1e9)), _rngs(n))
    far = detect(over, DetectorConfig(pileup=PileupConfig(mean=10.0)), _rngs(n))
    assert (far.charge != 0).sum() < 0.1 * (near.charge != 0).sum()
    assert (far.charge == 0).sum() == (near.charge == 0).sum() > 0


def test_pileup_makes_jets_heavier(tmp_path: Path) -> None:
    pt = {}
    for mean in (0.0, 40.0):
        document = {
            "samples": {"hbb": {"process": "hbb", "events": 30, "pt_hat_min": 550}},
            "variations": [],
            "detector": {"pileup": {"mean": mean, "pool": 60}},
            "workers": 1,
            "shower_weights": False,
        }
        simulate(parse_config(SimulationConfig, document, where="test"), tmp_path / f"{mean:g}")
        tree = uproot.open(tmp_path / f"{mean:g}" / "hbb" / "nominal_0000.root")["Events"]
        jets = tree.arrays(["FatJet_pt", "FatJet_anchor", "nPFCands"])
        leading = {i: e.FatJet_pt[e.FatJet_anchor][0] for i, e in enumerate(jets) if any(e.FatJet_anchor)}
        pt[mean] = leading
    common = sorted(set(pt[0.0]) & set(pt[40.0]))
    assert len(common) > 10
    shift = np.array([pt[40.0][event] - pt[0.0][event] for event in common])
    # Neutral particles alone: about 0.2 GeV a collision and unit of area, in a jet of area 2.
    assert 2 < np.median(shift) < 40
