from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import stable_particles
from rs3l_gnn.simulation.settings import configure


@pytest.fixture(scope="module")
def table() -> ParticleTable:
    return ParticleTable(configure(()).particleData)


def _particle(identity: int, status: int, pz: float, vertex: dict[str, float] | None = None) -> dict[str, object]:
    return {
        "id": identity,
        "status": status,
        "p": {"px": 3.0, "py": 4.0, "pz": pz, "e": float(np.sqrt(25 + pz**2))},
        "vProd": vertex,
    }


@pytest.fixture
def batch() -> ak.Array:
    vertex = {"px": 1.0, "py": 2.0, "pz": 3.0, "e": 0.0}
    return ak.Array(
        [
            {"prt": [_particle(211, 83, 0.0, vertex), _particle(5, -23, 1.0), _particle(12, 91, 1.0)]},
            None,
            {"prt": []},
            {"prt": [_particle(-211, 83, 5.0), _particle(22, 91, 5 * np.sinh(3.5)), _particle(22, 91, -50.0)]},
        ]
    )


def test_only_stable_visible_particles_in_reach(batch: ak.Array, table: ParticleTable) -> None:
    particles = stable_particles(batch, table, abs_eta_max=3.4)
    assert particles.event.tolist() == [0, 3, 3]
    assert particles.pdgid.tolist() == [211, -211, 22]
    assert particles.charge.tolist() == [1, -1, 0]
    assert particles.n_events == 4
    assert particles.vx.tolist() == [1.0, 0.0, 0.0]
    assert particles.pt == pytest.approx([5.0, 5.0, 5.0])
    assert particles.eta == pytest.approx([0.0, np.arcsinh(1.0), -np.arcsinh(10.0)])
    assert particles.phi == pytest.approx([np.arctan2(4, 3)] * 3)


def test_selection_keeps_order_and_length(batch: ak.Array, table: ParticleTable) -> None:
    particles = stable_particles(batch, table, abs_eta_max=3.4)
    some = particles.where(np.array([True, False, True]))
    assert some.pdgid.tolist() == [211, 22]
    assert some.n_events == 4
    assert len(some.where(np.zeros(2, dtype=bool))) == 0
