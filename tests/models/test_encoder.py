"""The encoder: exact against the published weights' reference, and blind to how it is called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, KINEMATIC_FEATURES, ConfigError, InvalidDataError
from rs3l_gnn.models import Encoder, load_encoder
from rs3l_gnn.models.particle_encoder import ParticleEncoder

Jets = tuple[NDArray[np.float32], NDArray[np.int64]]
MakeEncoder = Callable[..., Encoder]
MakeJets = Callable[..., Jets]


def cosine_distance(z: NDArray[np.floating], expected: NDArray[np.floating]) -> NDArray[np.float64]:
    z, expected = z.astype(np.float64), expected.astype(np.float64)
    cosine = (z * expected).sum(axis=1) / np.linalg.norm(z, axis=1) / np.linalg.norm(expected, axis=1)
    return np.asarray(1 - cosine)


@pytest.fixture(scope="module")
def published(shared_data: Path) -> tuple[Encoder, dict[str, NDArray[np.generic]]]:
    folder = shared_data / "published"
    return load_encoder(folder / "mar20_run0.pt"), dict(np.load(folder / "mar20_run0_reference.npz"))


def test_published_weights_reproduce_the_reference(
    published: tuple[Encoder, dict[str, NDArray[np.generic]]],
) -> None:
    encoder, reference = published
    z = encoder.embed(reference["features"], reference["offsets"])
    assert z.dtype == np.float32
    assert z.shape == (240, 8)
    assert cosine_distance(z, reference["embedding"]).max() < 1e-6  # type: ignore[arg-type]  # floats in the file
    assert sum(p.numel() for p in encoder.parameters()) == 128_904


def test_forward_reproduces_the_reference(published: tuple[Encoder, dict[str, NDArray[np.generic]]]) -> None:
    encoder, reference = published
    x, offsets = torch.tensor(reference["features"]), torch.tensor(reference["offsets"])
    z = encoder(x, offsets).detach().numpy()
    assert cosine_distance(z, reference["embedding"]).max() < 1e-6  # type: ignore[arg-type]  # floats in the file


@pytest.mark.parametrize("backbone", ["edgeconv", "transformer"])
def test_blind_to_the_order_of_particles(backbone: str, make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder(backbone=backbone)
    features, offsets = make_jets()
    order = np.concatenate(
        [first + np.random.default_rng(first).permutation(last - first) for first, last in zip(offsets, offsets[1:])]  # noqa: B905, RUF007  # one shorter by design
    )
    z, mixed = encoder.embed(features, offsets), encoder.embed(features[order], offsets)
    assert np.abs(z - mixed).max() < 1e-6 * np.abs(z).max()


def test_blind_to_chunks_and_threads_to_the_last_bit(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    rng = np.random.default_rng(0)
    features, offsets = make_jets(tuple(rng.integers(0, 101, 80)))
    z = encoder.embed(features, offsets, threads=1)
    for threads in (2, 3, 7):
        assert np.array_equal(encoder.embed(features, offsets, threads=threads), z)
    for jets in (1, 3, 41):
        parts = [
            encoder.embed(
                features[offsets[i] : offsets[min(i + jets, 80)]], offsets[i : min(i + jets, 80) + 1] - offsets[i]
            )
            for i in range(0, 80, jets)
        ]
        assert np.array_equal(np.concatenate(parts), z)


def test_forward_and_gradients_blind_to_threads(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    features, offsets = make_jets(tuple(np.random.default_rng(1).integers(0, 60, 60)))
    x, cuts = torch.from_numpy(features), torch.from_numpy(offsets)
    results = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            z = encoder(x, cuts)
            results.append([z.detach(), *torch.autograd.grad(z.square().sum(), list(encoder.parameters()))])
    finally:
        torch.set_num_threads(before)
    for a, b in zip(*results, strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-5 * float(a.abs().max()))


@pytest.mark.parametrize("backbone", ["edgeconv", "transformer"])
def test_embed_equals_forward(backbone: str, make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder(backbone=backbone)
    features, offsets = make_jets()
    z = encoder(torch.from_numpy(features), torch.from_numpy(offsets))
    assert np.allclose(encoder.embed(features, offsets), z.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [{"width": 40, "layers": 2, "k": 5, "dim": 512, "hidden": ()}, {"layers": 0}])
def test_other_sizes_equal_layers_one_by_one(
    settings: dict[str, object], make_encoder: MakeEncoder, make_jets: MakeJets
) -> None:
    """Widths that the kernels pad, and the gradients through the padding."""
    encoder = make_encoder(**settings).double()
    assert isinstance(encoder, ParticleEncoder)
    features, offsets = make_jets()
    x, cuts = torch.from_numpy(features).double(), torch.from_numpy(offsets)
    z = encoder(x, cuts)
    expected = encoder.output(encoder.pooled_with_torch(x, cuts))
    assert torch.allclose(z, expected, rtol=0, atol=1e-12)
    parameters = list(encoder.parameters())
    for a, b in zip(
        torch.autograd.grad(z.sin().sum(), parameters),
        torch.autograd.grad(expected.sin().sum(), parameters),
        strict=True,
    ):
        assert torch.allclose(a, b, rtol=0, atol=1e-12 * max(1.0, float(b.abs().max())))


def test_input_gradient(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder(width=16, layers=2, k=3).double()
    features, offsets = make_jets((4, 0, 7))
    x = torch.from_numpy(features).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda y: encoder(y, torch.from_numpy(offsets)), (x,))


def test_kinematics_only_picks_its_columns_by_name(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder(features=KINEMATIC_FEATURES)
    features, offsets = make_jets()
    columns = [FEATURE_NAMES.index(name) for name in KINEMATIC_FEATURES]
    z = encoder.embed(features, offsets)
    assert np.array_equal(encoder.embed(features[:, columns], offsets), z)
    x = encoder(torch.from_numpy(features), torch.from_numpy(offsets)).detach().numpy()
    assert np.allclose(x, z, rtol=1e-5, atol=1e-6)


def test_features_beyond_the_papers_are_columns_of_its_own(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    """15 of its own, too, which are not taken for those of the paper."""
    names = (*FEATURE_SETS["nano"], "puppi_weight", "track_quality")
    encoder = make_encoder(features=names)
    features, offsets = make_jets()
    z = encoder.embed(features, offsets)
    turned = make_encoder(features=("puppi_weight", *names[:-2], "track_quality"))
    turned.load_state_dict(encoder.state_dict())
    assert np.array_equal(turned.embed(features, offsets), z)
    x = encoder(torch.from_numpy(features), torch.from_numpy(offsets)).detach().numpy()
    assert np.allclose(x, z, rtol=1e-5, atol=1e-6)
    with pytest.raises(InvalidDataError, match=r"got \(\d+, 14\); allowed: \[n_particles, 15\] .*track_quality"):
        encoder.embed(features[:, :14], offsets)
    broken = features.copy()
    broken[3, 13] = np.nan
    with pytest.raises(InvalidDataError, match="'puppi_weight' of particle"):
        encoder.embed(broken, offsets)


def test_arrays_of_any_kind(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    features, offsets = make_jets()
    z = encoder.embed(features, offsets)
    locked = features.copy()
    locked.setflags(write=False)
    for other in (
        locked,
        np.asfortranarray(features),
        features.astype(np.float64),
        np.repeat(features, 2, axis=0)[::2],
    ):
        before = other.copy()
        assert np.array_equal(encoder.embed(other, offsets), z)
        assert np.array_equal(other, before)
    assert np.array_equal(encoder.embed(features, offsets.astype(np.int32)), z)
    assert np.array_equal(encoder.embed(features.tolist(), offsets.tolist()), z)


def test_nothing_gives_nothing(make_encoder: MakeEncoder) -> None:
    encoder = make_encoder()
    assert isinstance(encoder, ParticleEncoder)
    none = encoder.embed(np.empty((0, 15), np.float32), np.array([0]))
    assert none.dtype == np.float32
    assert none.shape == (0, 8)
    empty = encoder.embed(np.empty((0, 15), np.float32), np.array([0, 0, 0]))
    with torch.no_grad():
        expected = encoder.output(torch.zeros(1, 128)).numpy()
    assert np.allclose(empty, expected.repeat(2, axis=0))
    z = encoder(torch.empty(0, 15), torch.tensor([0, 0]))
    z.sum().backward()
    assert torch.allclose(z, torch.from_numpy(expected))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(bad: float, make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    features, offsets = make_jets((30,) * 60)
    features[30 * 41 + 7, 4] = bad
    features[30 * 55, 0] = bad
    message = f"'{FEATURE_NAMES[4]}' of particle 7 in jet 41 is not finite"
    for threads in (1, 2):
        with pytest.raises(InvalidDataError, match=message):
            encoder.embed(features, offsets, threads=threads)
    with pytest.raises(InvalidDataError, match=message):
        encoder(torch.from_numpy(features), torch.from_numpy(offsets))


def test_wrong_batches_are_named(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder(features=KINEMATIC_FEATURES)
    features, offsets = make_jets((3, 4, 5))
    with pytest.raises(InvalidDataError, match=r"got \(12, 9\); allowed: \[n_particles, 7\]"):
        encoder.embed(features[:, :9], offsets)
    with pytest.raises(InvalidDataError, match="real numbers; got <U1"):
        encoder.embed(np.full((12, 15), "a"), offsets)
    with pytest.raises(InvalidDataError, match="decrease at jet 1"):
        encoder.embed(features, np.array([0, 5, 3, 12]))
    with pytest.raises(InvalidDataError, match=r"got 0 \.\. 11"):
        encoder.embed(features, np.array([0, 11]))
    with pytest.raises(InvalidDataError, match="decrease at jet 1"):
        encoder(torch.from_numpy(features), torch.tensor([0, 5, 3, 12]))
    with pytest.raises(InvalidDataError, match="int64"):
        encoder(torch.zeros(12, 15, dtype=torch.int64), torch.from_numpy(offsets))
    with pytest.raises(ConfigError, match="threads must be at least 1"):
        encoder.embed(features, offsets, threads=0)


def test_forward_does_not_edit_its_input(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    features, offsets = make_jets()
    x = torch.from_numpy(features.copy())
    encoder(x, torch.from_numpy(offsets)).sum().backward()
    assert torch.equal(x, torch.from_numpy(features))


def test_two_threads_at_once(make_encoder: MakeEncoder, make_jets: MakeJets) -> None:
    encoder = make_encoder()
    features, offsets = make_jets((40,) * 40)
    z = encoder.embed(features, offsets)
    results: list[bool] = []

    def call() -> None:
        results.extend(np.array_equal(encoder.embed(features, offsets, threads=2), z) for _ in range(5))

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert results == [True] * 15
