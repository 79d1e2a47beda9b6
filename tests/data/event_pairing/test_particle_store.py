"""Particles that wait on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rs3l_gnn.conventions import FEATURE_NAMES
from rs3l_gnn.conventions.jagged import offsets_of
from rs3l_gnn.data.event_pairing.particle_store import ParticleStore, in_order
from rs3l_gnn.data.event_pairing.particles import JetParticles


def test_particles_come_back_in_any_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 6, 50)
    jets = [rng.normal(size=(count, len(FEATURE_NAMES))).astype(np.float32) for count in counts]
    with ParticleStore.open(60, len(FEATURE_NAMES), tmp_path) as store:
        for part in np.array_split(np.arange(50), 4):
            store.put(JetParticles(part + 5, np.concatenate([jets[i] for i in part]), offsets_of(counts[part])))
        wanted = rng.permutation(50)[:30]
        features, offsets = store.get(wanted + 5)
        np.testing.assert_array_equal(features, np.concatenate([jets[i] for i in wanted]))
        assert np.diff(offsets).tolist() == counts[wanted].tolist()
        none, cuts = store.get(np.array([0, 59]))  # never put
        assert none.shape == (0, len(FEATURE_NAMES))
        assert cuts.tolist() == [0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_jets_that_go_are_forgotten(tmp_path: Path) -> None:
    """Of jets with as many particles as their number says, each particle with that number."""
    with ParticleStore.open(5, 1, tmp_path) as store:
        for part in (np.array([0, 1]), np.array([3])):
            store.put(JetParticles(part, np.repeat(part, part)[:, None].astype(np.float32), offsets_of(part)))
        assert store.lacking(np.array([4, 3, 2, 1, 0])).tolist() == [4, 2]
        store.select(np.array([True, False, True, True, True]))
        assert store.lacking(np.array([0, 1, 2, 3])).tolist() == [1, 3]
        (block,) = store.blocks(np.array([2, 0]))
        assert block.jets.tolist() == [2, 0]
        assert (block.features.tolist(), block.offsets.tolist()) == ([[3], [3], [3]], [0, 3, 3])


def test_parts_come_back_in_the_order_of_their_jets(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    wanted = np.sort(rng.permutation(90)[:60])
    counts = rng.integers(0, 6, 60)
    jets = [rng.normal(size=(count, 3)).astype(np.float32) for count in counts]
    parts = [
        JetParticles(wanted[part], np.concatenate([jets[i] for i in part]), offsets_of(counts[part]))
        for part in np.array_split(np.arange(60), 7)
    ]
    for order in (range(7), reversed(range(7)), [3, 1, 0, 2, 6, 5, 4]):
        found = list(in_order((parts[i] for i in order), wanted, 3, tmp_path))
        assert [part.jets.tolist() for part in found] == [part.jets.tolist() for part in parts]
        np.testing.assert_array_equal(np.concatenate([part.features for part in found]), np.concatenate(jets))
        assert np.concatenate([np.diff(part.offsets) for part in found]).tolist() == counts.tolist()
    assert list(tmp_path.iterdir()) == []
