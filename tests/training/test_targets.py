"""Targets and weights of jets."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rs3l_gnn.conventions import ConfigError, JetType, TrainingError, own_label
from rs3l_gnn.training import TargetConfig
from rs3l_gnn.training.targets import class_weights, flat_weights, jet_targets


def test_targets_by_jet_type() -> None:
    types = np.array([JetType.H_BB, JetType.Q, JetType.GG, JetType.W_QQ, JetType.UNMATCHED])
    assert jet_targets(types, TargetConfig()).tolist() == [1, 0, 0, -1, -1]
    three = TargetConfig(classes={"w": ("W_QQ",), "h": ("H_BB",), "qcd": ("Q", "GG")})
    assert jet_targets(types, three).tolist() == [1, 2, 2, 0, -1]


def test_own_labels_and_coarse_ones() -> None:
    own = own_label("A_GG")
    types = np.array([JetType.W_QQ, JetType.W_CS, own.number, JetType.Q])
    both = TargetConfig(signal=("W_QQ", "A_GG"), background=("Q",))
    assert jet_targets(types, both, [own]).tolist() == [1, 1, 1, 0]
    with pytest.raises(ConfigError, match="class 'signal': unknown jet type 'A_GG'"):
        jet_targets(types, both)
    with pytest.raises(ConfigError, match="the classes 'background' and 'signal' have jets in common"):
        jet_targets(types, TargetConfig(signal=("W_CS",), background=("W_QQ",)))


def test_classes_weigh_the_same() -> None:
    target = np.array([0] * 6 + [1] * 2 + [-1] * 5)
    weights = class_weights(target, 2)
    assert weights.tolist() == pytest.approx([8 / 12, 2.0])
    assert weights[target[target >= 0]].mean() == pytest.approx(1.0)
    with pytest.raises(TrainingError, match=r"class 1 has no jet to train on; got \[6, 0\]"):
        class_weights(np.array([0] * 6), 2)


def test_flat_in_a_variable_and_unchanged_in_sum() -> None:
    rng = np.random.default_rng(1)
    pt = 450 + rng.exponential(100, size=4000)
    target = rng.integers(-1, 2, size=4000)
    edges = (450.0, 500.0, 600.0, 800.0)
    weights = flat_weights(target, {"pt": pt}, {"pt": edges})
    for number in (0, 1):
        mine = target == number
        sums, _ = np.histogram(np.minimum(pt[mine], 799), edges, weights=weights[mine])
        np.testing.assert_allclose(sums, mine.sum() / 3)
    assert (weights[target == -1] == 1).all()


def test_flat_in_two_variables() -> None:
    pt = np.array([1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    mass = np.array([1.0, 1.0, 3.0, 1.0, 3.0, 3.0])
    edges = {"pt": (0, 2, 4), "mass": (0, 2, 4)}
    weights = flat_weights(np.zeros(6, np.int64), {"pt": pt, "mass": mass}, edges)
    np.testing.assert_allclose(weights, [0.75, 0.75, 1.5, 1.5, 0.75, 0.75])


def test_edges_must_rise() -> None:
    with pytest.raises(ConfigError, match="edges of 'pt' must rise"):
        flat_weights(np.zeros(1, np.int64), {"pt": np.ones(1)}, {"pt": (3.0, 2.0)})


def test_weighted_classes_and_flat_bins_have_equal_sums() -> None:
    rng = np.random.default_rng(3)
    target, weights = rng.integers(-1, 3, 500), rng.lognormal(0, 1, 500)
    per_class = class_weights(target, 3, weights)
    mine = target >= 0
    total = (weights * per_class[target])[mine].sum()
    for number in range(3):
        assert (weights * per_class[target])[target == number].sum() == pytest.approx(total / 3)
    assert total == pytest.approx(weights[mine].sum())
    pt = rng.exponential(100, 500) + 450
    flat = flat_weights(target, {"pt": pt}, {"pt": (450, 500, 600, 2000)}, weights)
    for number in range(3):
        sums = [
            (weights * flat)[(target == number) & (pt >= low) & (pt < high)].sum()
            for low, high in ((0, 500), (500, 600), (600, 1e9))
        ]
        assert sums == pytest.approx([weights[target == number].sum() / 3] * 3)
    with pytest.raises(TrainingError, match="class 1 have no weight"):
        class_weights(target, 3, np.where(target == 1, 0.0, weights))


def test_flat_classes_cannot_be_told_apart_by_what_they_are_flat_in() -> None:
    """Masses and momenta of other spectra in two classes, with weights as of enriched samples."""
    rng = np.random.default_rng(8)
    n = 40_000
    target = rng.integers(0, 2, n)
    mass = np.where(target == 1, rng.normal(125, 40, n), rng.exponential(60, n))
    mass = np.clip(mass, 0, 250)
    pt = 450 + np.where(target == 1, rng.exponential(200, n), rng.exponential(100, n))
    weights = np.where(rng.random(n) < 0.5, 0.1, 1.0)
    edges = {"mass": tuple(range(0, 260, 10)), "pt": (450, 500, 550, 600, 700, 1000)}
    flat = weights * flat_weights(target, {"mass": mass, "pt": pt}, edges, weights)
    for variable in (mass, pt):
        assert roc_auc_score(target, variable, sample_weight=weights) > 0.6
        assert roc_auc_score(target, variable, sample_weight=flat) == pytest.approx(0.5, abs=0.03)
