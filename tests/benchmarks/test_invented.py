from __future__ import annotations

import numpy as np

from rs3l_gnn.benchmarks.invented import invented_candidates


def test_neutral_particles_have_no_track_and_no_mass() -> None:
    charge, candidates = invented_candidates(np.random.default_rng(1), (50, 20))
    assert set(np.unique(charge)) == {-1, 0, 1}
    assert all(values.shape == (50, 20) for values in candidates.values())
    assert (candidates["pt"] > 1).all()
    for name, absent in (("mass", 0.0), ("d0", -1.0), ("dz", -1.0)):
        assert ((candidates[name] == absent) == (charge == 0)).all()
