"""Networks of weaver-core as the benchmark of peers makes them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from rs3l_gnn.benchmarks.encoder import make_jets
from rs3l_gnn.benchmarks.weaver_networks import NETWORKS, export_network, make_network
from rs3l_gnn.conventions import FEATURE_NAMES, MissingDependencyError
from rs3l_gnn.models.onnx_graph import onnx_session
from rs3l_gnn.models.padded import padded_batch

needs_weaver = pytest.mark.usefixtures("weaver")


@pytest.fixture(scope="module")
def weaver() -> None:
    # Neither in the environment of the tests nor of its names: an import that is not declared for them.
    pytest.importorskip("weaver", reason="weaver-core is not installed: pip install -c constraints.txt -e '.[peers]'")


def test_without_weaver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name=name.partition(".")[0])

    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"rs3l_gnn\[peers\]"):
        make_network(NETWORKS["ParT"], exported=True)


def test_momenta_are_those_of_massless_particles_in_the_direction_of_the_features() -> None:
    features, offsets = make_jets(4)
    padded, valid = padded_batch(features, offsets)
    arrays = NETWORKS["ParT"].arrays(padded, valid)
    assert list(arrays) == ["x", "v", "mask"]
    for jet, (first, last) in enumerate(itertools.pairwise(offsets)):
        for i, particle in enumerate(features[first:last]):
            px, py, pz, energy = arrays["v"][jet, :, i].astype(np.float64)
            assert energy == pytest.approx(np.sqrt(px**2 + py**2 + pz**2), rel=1e-5)
            assert np.log(np.hypot(px, py)) == pytest.approx(particle[FEATURE_NAMES.index("log_pt")], abs=1e-5)
            assert np.arcsinh(pz / np.hypot(px, py)) == pytest.approx(particle[FEATURE_NAMES.index("deta")], abs=1e-5)
            assert list(arrays["x"][jet, :, i]) == list(particle)
        assert arrays["mask"][jet, 0].sum() == last - first


def _block(n_in: int, n_out: int) -> int:
    """Numbers of an EdgeConv block of three layers without biases, each with BatchNorm, and of its shortcut."""
    return 2 * n_in * n_out + 2 * n_out * n_out + 3 * 2 * n_out + n_in * n_out + 2 * n_out


@needs_weaver
@pytest.mark.parametrize(
    ("name", "widths", "dense", "fused"),
    [
        ("ParticleNet", (64, 128, 256), 256, None),
        ("ParticleNet of our size", (64, 128), 256, 128),
        ("ParticleNet-Lite", (32, 64), 128, None),
    ],
)
def test_sizes_are_those_of_the_publication(name: str, widths: tuple[int, ...], dense: int, fused: int | None) -> None:
    blocks = sum(_block(a, b) for a, b in itertools.pairwise((15, *widths)))
    fusion = 0 if fused is None else sum(widths) * fused + 2 * fused
    head = (fused or widths[-1]) * dense + dense + 2 * dense + 2
    network = make_network(NETWORKS[name], exported=True)
    assert sum(p.numel() for p in network.parameters()) == 2 * 15 + blocks + fusion + head


@needs_weaver
@pytest.mark.parametrize("name", NETWORKS)
def test_an_export_gives_the_scores_of_torch_whatever_the_padding(name: str, tmp_path: Path) -> None:
    spec = NETWORKS[name]
    network = make_network(spec, exported=True)
    export_network(spec, network, tmp_path / "peer.onnx")
    session = onnx_session(tmp_path / "peer.onnx")
    features, offsets = make_jets(6)
    more = max(0, spec.neighbours + 1 - int(np.diff(offsets).max()))
    found = []
    for width in (more, more + 9):
        padded, valid = padded_batch(features, offsets)
        padded, valid = np.pad(padded, ((0, 0), (0, width), (0, 0))), np.pad(valid, ((0, 0), (0, width)))
        arrays = spec.arrays(padded, valid)
        scores = session.run(None, {one.name: arrays[one.name] for one in session.get_inputs()})[0]
        with torch.no_grad():
            np.testing.assert_allclose(scores, network(*map(torch.from_numpy, arrays.values())).numpy(), atol=1e-5)
        np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)
        found.append(scores)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
