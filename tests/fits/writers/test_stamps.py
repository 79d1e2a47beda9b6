from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.fits.writers.stamps import Stamp, histogram_model


@pytest.mark.parametrize("edges", [[0.0, 1.0], [0.0, 0.5, 1.0], [0.0, 0.1, 0.4, 0.9, 1.0]])
def test_bytes_are_those_of_uproot(edges: list[float]) -> None:
    rng = np.random.default_rng(1)
    stamp = Stamp(np.array(edges))
    for name in ("qcd", "hbb_fsrUp", "hbb_fsrDown", "qcd", "x" * 80):
        values, variances = rng.uniform(0, 100, len(edges) - 1), rng.uniform(0, 10, len(edges) - 1)
        wanted = histogram_model(name, np.array(edges), values, variances).serialize(name=name)
        assert stamp(name, values, variances).serialize(name=name) == wanted


def test_contents_that_are_zero_or_alike() -> None:
    edges = np.linspace(0, 1, 4)
    for values in (np.zeros(3), np.ones(3)):
        wanted = histogram_model("qcd", edges, values, values).serialize(name="qcd")
        assert Stamp(edges)("qcd", values, values).serialize() == wanted
