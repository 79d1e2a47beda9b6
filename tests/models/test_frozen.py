"""Networks without torch against the same in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.models.frozen import HEAD_JETS, score_embeddings
from rs3l_gnn.models.kernels import DenseNetwork


@pytest.mark.parametrize("n_classes", [1, 3])
def test_scores_of_more_jets_than_a_head_sees_at_once(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(n_classes, 8)).astype(np.float32), rng.normal(size=n_classes).astype(np.float32)
    z = rng.normal(size=(HEAD_JETS + 3, 8)).astype(np.float32)
    p = score_embeddings(DenseNetwork([(weight, bias)], relu=True), z)
    logits = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float64) @ weight.T + bias
    odds = np.exp(logits)
    expected = odds[:, 0] / (1 + odds[:, 0]) if n_classes == 1 else odds / odds.sum(axis=1, keepdims=True)
    assert p.dtype == np.float32
    assert np.allclose(p, expected, rtol=0, atol=1e-6)
