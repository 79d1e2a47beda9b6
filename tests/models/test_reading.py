"""Jets read chunk by chunk."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import FEATURE_NAMES, InvalidDataError
from rs3l_gnn.models.reading import JetReader, chunks, first_not_finite

OFFSETS = np.array([0, 3, 3, 10, 12])
FEATURES = np.arange(12.0 * 15).reshape(12, 15)


@pytest.mark.parametrize("names", [FEATURE_NAMES, ("delta_r", "log_pt")])
def test_chunks_together_are_the_jets(names: tuple[str, ...]) -> None:
    reader = JetReader(FEATURES, OFFSETS, names, particles=8, jets=2)
    columns = [FEATURE_NAMES.index(name) for name in names]
    assert len(reader) == 3  # [3, 0], [7], [2]: with the last one the second would have 9 particles
    assert reader.longest == (7, 2)
    assert reader.n_jets == 4
    memory = np.full((7, len(names)), -1.0)
    jets, particles = [], []
    for chunk in range(len(reader)):
        where, cuts = reader.read(chunk, memory)
        jets += list(range(4))[where]
        assert np.diff(cuts).tolist() == np.diff(OFFSETS)[where].tolist()
        particles.append(memory[: cuts[-1]].copy())
    assert jets == [0, 1, 2, 3]
    assert np.array_equal(np.concatenate(particles), FEATURES[:, columns])


def test_a_bad_value_is_named_with_its_own_number() -> None:
    features = FEATURES.copy()
    features[11, 3] = 1e300  # too large for the network's single precision
    reader = JetReader(features, OFFSETS, ("dphi",), particles=100, jets=100)
    with pytest.raises(InvalidDataError, match=r"'dphi' of particle 1 in jet 3 is not finite; got 1e\+300"):
        reader.read(0, np.empty((12, 1), np.float32))


def test_first_not_finite() -> None:
    features = np.zeros((12, 2))
    assert first_not_finite(features, OFFSETS) is None
    features[5, 1], features[11, 0] = np.inf, np.nan
    assert first_not_finite(features, OFFSETS) == (2, 2, 1)
    # A sum that overflows is no reason to refuse good numbers.
    large = np.full((12, 1), 3e38, np.float32)
    JetReader(large, OFFSETS, ("dphi",), particles=100, jets=100).read(0, np.empty((12, 1), np.float32))


def test_chunks_cover_all_jets_in_bounded_runs() -> None:
    counts = np.random.default_rng(0).integers(0, 100, 500)
    counts[17] = 5000
    offsets = np.concatenate([[0], np.cumsum(counts)])
    runs = list(chunks(offsets, particles=400, jets=20))
    assert [run[0] for run in runs] == [0, *(run[1] for run in runs[:-1])]
    assert runs[-1][1] == 500
    for first, last in runs:
        assert 1 <= last - first <= 20
        assert offsets[last] - offsets[first] <= 400 or last == first + 1
    assert list(chunks(np.array([0]), particles=400, jets=20)) == []
