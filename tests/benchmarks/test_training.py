"""The benchmark of trainings: what it reports, on jets it makes itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.benchmarks.rates import table as rates
from rs3l_gnn.benchmarks.training import large_file, run_training_benchmark, write_views_of_made_up_jets
from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.data import read_views

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")


def test_views_repeat_but_their_events_do_not(tmp_path: Path) -> None:
    write_views_of_made_up_jets(tmp_path / "views.h5", 10_050)
    views = read_views(tmp_path / "views.h5")
    assert (views.n_events, views.n_jets) == (10_050, 20_100)
    assert len(np.unique(views.event)) == 10_050
    assert (views.vartype[::2] == -1).all()
    assert (views.vartype[1::2] == 0).all()
    assert 30 < np.diff(views.offsets).mean() < 40
    np.testing.assert_array_equal(views.take(np.arange(100))[0], views.take(20_000 + np.arange(100))[0])


def test_report() -> None:
    report = run_training_benchmark(events=400, rounds=1, threads=1, large_events=0)
    assert report["large_file"] is None
    assert report["threads"] == 1
    assert report["bare_fraction_of_floor"] > 0
    for what in ("pretrain", "finetune"):
        numbers = report[what]
        assert numbers["fraction_of_bare"] == pytest.approx(numbers["jets_per_second"] / report["bare_jets_per_second"])
        assert 0 < numbers["fraction_with_validation"] < numbers["fraction_of_bare"]
    assert len(rates({"training": report}).splitlines()) == 2 + 2
    with pytest.raises(ConfigError, match="needs 400 events"):
        run_training_benchmark(events=100)


@pytest.mark.slow
def test_a_small_large_file(tmp_path: Path) -> None:
    report = large_file(3000, folder=tmp_path, buffer_events=500)
    assert report["views"] == 6000
    assert (tmp_path / "large.h5").stat().st_size == pytest.approx(1e9 * report["file_gb"])
    for what in ("pretrain", "finetune"):
        numbers = report[what]
        assert 0 < numbers["first_step_seconds"] < numbers["seconds"]
        assert 50 < max(numbers["memory_mb"]) <= numbers["peak_memory_mb"] < 2000
