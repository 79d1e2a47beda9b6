"""Scan of learning rates: the steepest fall of a known curve, and rates that rise as they should."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, find_learning_rate
from rs3l_gnn.training.rate_finder import steepest

# The bar of Lightning's finder.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tqdm.*")


def test_the_steepest_fall_of_a_known_curve() -> None:
    """A step in log(rate), smooth, with noise: falls fastest in its middle at 3e-3, and rises at the end."""
    rates = np.geomspace(1e-6, 1, 200)
    rng = np.random.default_rng(2)
    losses = 2 - np.tanh(np.log(rates / 3e-3)) + rng.normal(0, 0.02, 200) + (rates / 0.5) ** 4
    found = steepest(rates, losses)
    assert found is not None
    assert np.log(found / 3e-3) == pytest.approx(0, abs=0.5)
    broken = np.where(rates > 0.05, np.nan, losses)
    assert steepest(rates, broken) == pytest.approx(found)
    assert steepest(rates, np.arange(200.0)) is None
    assert steepest(rates[:5], losses[:5]) is None


def test_rates_rise_by_a_factor_and_parts_keep_their_ratio(
    finetune_config: Callable[..., FinetuneConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[float]] = []
    step = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, closure: Callable[[], float] | None = None) -> Any:
        seen.append([group["lr"] for group in self.param_groups])
        return step(self, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    scan = find_learning_rate(finetune_config(encoder_rate=0.25), smallest=1e-5, largest=1e-1, steps=41)
    assert len(scan.rates) >= 40
    assert scan.rates[0] == pytest.approx(1e-5)
    ratios = scan.rates[2:] / scan.rates[1:-1]
    assert ratios == pytest.approx(np.full(len(ratios), 10 ** (4 / 40)), rel=0.05)
    assert np.isfinite(scan.losses).all()
    for head, encoder in seen:
        assert encoder == pytest.approx(0.25 * head)


def test_a_scan_of_a_pretraining(pretrain_config: Callable[..., PretrainConfig]) -> None:
    scan = find_learning_rate(pretrain_config(), steps=30)
    assert len(scan.rates) == len(scan.losses) > 20
    assert (np.diff(scan.rates) > 0).all()
    again = find_learning_rate(pretrain_config(), steps=30)
    np.testing.assert_array_equal(scan.losses, again.losses)


def test_useless_scans_are_refused(pretrain_config: Callable[..., PretrainConfig]) -> None:
    with pytest.raises(ConfigError, match="0 < smallest < largest and 30 steps"):
        find_learning_rate(pretrain_config(), smallest=1.0, largest=0.1)


def test_a_finished_tagger_has_no_rate() -> None:
    config = FinetuneConfig.model_validate({"views": ["v.h5"], "tagger": "default-hbb", "robustness": 0.5})
    with pytest.raises(ConfigError, match="it has no learning rate; got tagger default-hbb"):
        find_learning_rate(config)
