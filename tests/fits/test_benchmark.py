from __future__ import annotations

from rs3l_gnn.benchmarks.fits import large_model, measure_writers
from rs3l_gnn.benchmarks.rates import table as rates


def test_report_of_a_small_model() -> None:
    report = measure_writers(channels=2, samples=3, systematics=4, bins=5)
    assert set(report["seconds"]) == {"workspace.json", "shapes.root", "cabinetry.yaml", "card.txt"}
    assert report["seconds_total"] == sum(report["seconds"].values())
    assert report["bytes"] > 10_000
    assert report["peak_memory_gb"] > 0
    assert len(rates({"fits": report}).splitlines()) == 2 + 1


def test_every_nuisance_acts_everywhere() -> None:
    templates = large_model(channels=2, samples=3, systematics=4, bins=5)
    samples = [sample for channel in templates.channels for sample in channel.samples]
    assert len(samples) == 6
    assert all(len(sample.shifts) == 4 and all(map(sample.has_shape, sample.shifts)) for sample in samples)
