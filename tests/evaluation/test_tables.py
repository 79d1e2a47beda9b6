"""Tables of synthetic taggers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.tables import measure_table

N = 3000


@pytest.fixture(scope="module")
def meter(make_meter: Callable[..., Meter]) -> Meter:
    events = np.random.default_rng(1).normal(0, 1, 2 * N)
    is_signal = np.arange(2 * N) < N

    def made(mu: float, shift: float) -> Any:
        nominal = events + mu * is_signal
        return np.stack([nominal, nominal + shift, nominal + 3 * shift], axis=1).ravel()

    trainings = {
        **{f"base{seed}": made(mu, 0.1) for seed, mu in enumerate((1.0, 1.05, 0.95))},
        **{f"better{seed}": made(mu, 0.05) for seed, mu in enumerate((1.5, 1.45, 1.55))},
    }
    rows = {
        "base": list(trainings)[:3],
        "better": list(trainings)[3:],
        "single": "better0",
        "same": list(trainings)[:3],
    }
    document = {"bootstrap": 80, "tables": {"t": {"rows": rows, "reference": "base", "variations": True}}}
    return make_meter(document, trainings, n_signal=N, n_background=N, variations=("seed", "fsrRenHi"))


@pytest.fixture(scope="module")
def numbers(meter: Meter) -> dict[str, Any]:
    return measure_table(meter, meter.config.tables["t"]).document()


def test_rows(numbers: dict[str, Any]) -> None:
    base = numbers["rows"]["base"]
    assert base["n_trainings"] == 3
    assert base["sources"] == ["base0", "base1", "base2"]
    assert base["auc"] == pytest.approx(norm.cdf(1 / np.sqrt(2)), abs=0.02)
    assert base["auc"] == pytest.approx(np.mean(base["auc_trainings"]))
    assert base["auc_spread"] == pytest.approx(np.std(base["auc_trainings"], ddof=1))
    # 0.05 in mu moves the area by 0.05 / sqrt(2) times the density.
    assert base["auc_spread"] == pytest.approx(0.05 / np.sqrt(2) * norm.pdf(1 / np.sqrt(2)), rel=0.1)
    assert set(base["rejection"]) == {"50", "80"}
    assert base["rejection"]["50"]["background_efficiency"] == pytest.approx(norm.sf(1.0), abs=0.02)
    assert base["rejection"]["80"]["background_efficiency"] == pytest.approx(norm.sf(1.0 - norm.ppf(0.8)), abs=0.03)
    assert numbers["rows"]["single"]["auc_error_trainings"] is None


def test_distances_leave_seed_out(numbers: dict[str, Any]) -> None:
    # seed moves by the shift, fsrRenHi by three times as much.
    for which in ("qcd", "higgs"):
        assert numbers["rows"]["base"]["wasserstein"][which]["wasserstein"] == pytest.approx(0.3)
        change = numbers["differences"]["better"]["wasserstein"][which]
        assert change["difference"] == pytest.approx(-0.15)
        assert change["ratio"] == pytest.approx(0.5)


def test_differences(numbers: dict[str, Any]) -> None:
    assert list(numbers["differences"]) == ["better", "single", "same"]
    better = numbers["differences"]["better"]
    rows = numbers["rows"]
    assert better["auc"]["difference"] == pytest.approx(rows["better"]["auc"] - rows["base"]["auc"])
    # All trainings see the same noise, so that the events matter little.
    assert better["auc"]["error_events"] < 0.5 * rows["base"]["auc_error_events"]
    assert better["auc"]["significance"] > 3
    gain = better["rejection"]["50"]
    fpr = [rows[label]["rejection"]["50"]["background_efficiency"] for label in ("base", "better")]
    assert gain["ratio"] == pytest.approx(fpr[0] / fpr[1])
    assert gain["interval"][0] < gain["ratio"] < gain["interval"][1]
    assert gain["significance"] > 3


def test_a_row_differs_from_itself_by_nothing(numbers: dict[str, Any]) -> None:
    same = numbers["differences"]["same"]
    assert (same["auc"]["difference"], same["auc"]["error"], same["auc"]["significance"]) == (0, 0, None)
    assert same["rejection"]["50"]["interval"] == [1, 1]
