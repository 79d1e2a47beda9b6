"""The encoder against the published weights' reference embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rs3l_gnn.models import load_encoder


def test_published_weights_reproduce_the_reference(shared_data: Path) -> None:
    published = shared_data / "published"
    reference = np.load(published / "mar20_run0_reference.npz")
    encoder = load_encoder(published / "mar20_run0.pt")
    z = encoder.embed(reference["features"], reference["offsets"]).astype(np.float64)
    expected = reference["embedding"]
    cosine = (z * expected).sum(axis=1) / np.linalg.norm(z, axis=1) / np.linalg.norm(expected, axis=1)
    assert z.shape == (240, 8)
    assert (1 - cosine).max() < 1e-6
    assert sum(p.numel() for p in encoder.parameters()) == 128_904
