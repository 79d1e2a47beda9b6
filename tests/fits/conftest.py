"""Small histogram files as ``rs3l analyze`` writes them, with views that share their hard events, and known models."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from numpy.typing import NDArray
from uhi.io.json import default

from rs3l_gnn.conventions import VARIATIONS
from rs3l_gnn.fits import (
    ChannelTemplates,
    FitConfig,
    FreeRate,
    Nuisance,
    RateEffect,
    SampleTemplates,
    Shift,
    Templates,
    fit_or_compare,
)

DATASETS = {"hbb": 0.004, "qcd": 0.2, "wqq": 0.02}
"""Cross-sections in pb."""
AXIS_NAMES = ("nominal", "seed", "fsrUp", "fsrDown", "hadronisationUp")
RECORDS: dict[str, dict[str, Any]] = {
    **{variation.axis_name: variation.record() for variation in VARIATIONS.values()},
    **{f"jes{side}": {"kind": "momentum", "axis_name": f"jes{side}", "two_sided": True} for side in ("Up", "Down")},
}


def _events(dataset: str, n: int, shift: float, seed: int) -> dict[str, NDArray[np.float64]]:
    # Scores of the same hard events in every view; the shower moves them by ``shift``.
    rng = np.random.default_rng([seed, sorted(DATASETS).index(dataset)])
    centre = {"hbb": 1.4, "qcd": -1.2, "wqq": -0.2}[dataset]
    hard = rng.normal(centre, 1.0, n)
    moves = {
        "nominal": 0.0,
        "seed": 0.0,
        "fsrUp": shift,
        "fsrDown": -shift,
        "hadronisationUp": 1.5 * shift,
        "vinciaUp": 2.0 * shift,
        "jesUp": 0.5 * shift,
        "jesDown": -0.5 * shift,
    }
    return {name: 1 / (1 + np.exp(-(hard + move + rng.normal(0, 0.15, n)))) for name, move in moves.items()}


def _histograms(
    shift: float, *, n: int, bins: int, seed: int, variations: Sequence[str], parts: dict[str, float]
) -> tuple[Any, Any]:
    axes = [
        hist.axis.StrCategory(list(DATASETS), name="dataset"),
        hist.axis.StrCategory(["sr", "cr"], name="channel"),
        hist.axis.StrCategory(list(variations), name="variation"),
    ]
    score = hist.axis.Regular(bins, 0, 1, name="score")
    histogram = hist.Hist(*axes, score, storage=hist.storage.Weight())
    varied_score = hist.axis.Regular(bins, 0, 1, name="score_varied")
    paired = hist.Hist(*axes, score, varied_score, storage=hist.storage.Double())
    for dataset, cross_section in DATASETS.items():
        views = _events(dataset, n, shift, seed)
        weight = cross_section / n
        channel = np.where(np.arange(n) % 4 == 0, "cr", "sr")
        for name in variations:
            # A variation may exist for the first events only; it is normalised by its own.
            part = parts.get(name, 1.0)
            for place in ("sr", "cr"):
                here = (channel == place) & (np.arange(n) < part * n)
                histogram.fill(dataset, place, name, views[name][here], weight=weight / part)
                paired.fill(dataset, place, name, views["nominal"][here], views[name][here], weight=weight**2 / part)
    return histogram, paired


def _document(histograms: dict[str, Any], paired: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any]:
    first = next(iter(histograms.values()))
    content: dict[str, Any] = {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": histograms,
        "datasets": {name: {"process": name, "sample": name, "xsec": xsec} for name, xsec in DATASETS.items()},
        "variations": {name: RECORDS[name] for name in first.axes["variation"] if name in RECORDS},
        "models": {"rs3l": ["a" * 64]},
        "provenance": {},
    }
    if paired is not None:
        content["paired"] = paired
    return content | changes


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write ``histograms.json``.

    ``shifts`` gives the size of the shower's effect for each histogram, ``parts`` the fraction of the events for which
    a variation exists; ``edit`` may change the histograms before they are written; further keywords replace keys of the
    document.
    """

    def write(
        *,
        name: str = "histograms.json",
        n: int = 4000,
        bins: int = 40,
        seed: int = 1,
        variations: Sequence[str] = AXIS_NAMES,
        shifts: dict[str, float] | None = None,
        parts: dict[str, float] | None = None,
        with_paired: bool = True,
        edit: Callable[[dict[str, Any]], None] | None = None,
        **changes: Any,
    ) -> Path:
        made = {
            histogram: _histograms(shift, n=n, bins=bins, seed=seed, variations=variations, parts=parts or {})
            for histogram, shift in (shifts or {"score_rs3l": 0.05}).items()
        }
        histograms = {tagger: histogram for tagger, (histogram, _) in made.items()}
        if edit is not None:
            edit(histograms)
        pairs = {tagger: paired for tagger, (_, paired) in made.items()} if with_paired else None
        path = tmp_path / name
        path.write_text(json.dumps(_document(histograms, pairs, changes), default=default))
        return path

    return write


@pytest.fixture
def make_config() -> Callable[..., FitConfig]:
    """A ``fit:`` block for the runs above; keywords replace its keys."""

    def make(path: Path, **changes: Any) -> FitConfig:
        block: dict[str, Any] = {
            "inputs": str(path),
            "histogram": "score_rs3l",
            "samples": {"hbb": {"signal": True}, "qcd": {}, "wqq": {"uncertainty": 0.1}},
            "channels": ["sr"],
            "rebin": {"edges": [0, 0.25, 0.5, 0.75, 1.0]},
            "luminosity": {"value": 138.0, "uncertainty": 0.016},
            "one_sided": "symmetrize",
            "plots": False,
        }
        return FitConfig.model_validate({"fit": block | changes})

    return make


@pytest.fixture
def written() -> Callable[..., dict[str, Any]]:
    """Fit or compare into a folder, and read ``fit.json`` or ``comparison.json`` there."""

    def run(config: FitConfig, output: Path, *, force: bool = False) -> dict[str, Any]:
        fit_or_compare(config, output, force=force)
        name = "fit.json" if config.comparison is None else "comparison.json"
        document: dict[str, Any] = json.loads((output / name).read_text())
        return document

    return run


@pytest.fixture
def one_bin() -> Callable[..., Templates]:
    """One bin, one rate nuisance on the background: everything about it is known on paper."""

    def make(*, signal: float = 50.0, background: float = 1000.0, effect: float = 0.05) -> Templates:
        sig = SampleTemplates("sig", np.array([signal]), np.zeros(1), mc_stat=False)
        rate = RateEffect("norm", 1 + effect, 1 / (1 + effect))
        bkg = SampleTemplates("bkg", np.array([background]), np.zeros(1), rates=(rate,), mc_stat=False)
        channel = ChannelTemplates("sr", np.array([0.0, 1.0]), (sig, bkg), np.array([signal + background]))
        nuisance = Nuisance("norm", "normalisation", "rate")
        return Templates((channel,), ("sig",), (nuisance,), poi_bounds=(-19.0, 21.0))

    return make


@pytest.fixture
def rich() -> Templates:
    """Two channels, three samples, shapes, rates, a free normalisation: every kind of effect that writers know."""
    n_bins = 4
    edges = np.linspace(0, 1, n_bins + 1)
    ramp = np.linspace(-1, 1, n_bins)

    def sample(name: str, level: float, slope: float, *, size: float) -> SampleTemplates:
        values = level * (1 + slope * ramp)
        shifts = (
            Shift("fsr", values * (1 + size * ramp + 0.02), values * (1 - size * ramp - 0.03)),
            Shift("hadronisation", values * 1.1, values * 0.95),
        )
        return SampleTemplates(name, values, 0.01 * values, shifts, (RateEffect("lumi", 1.016, 1 / 1.016),))

    def channel(name: str, factor: float) -> ChannelTemplates:
        signal = sample("hbb", 20 * factor, 0.8, size=0.05)
        qcd = sample("qcd", 400, -0.6, size=0.1)
        rate = RateEffect("norm_wqq", 1.1, 1 / 1.1)
        wqq = SampleTemplates("wqq", np.full(n_bins, 30.0), np.full(n_bins, 2.0), rates=(rate,))
        samples = (qcd, signal, wqq) if name == "sr" else (qcd, signal)
        total = np.sum([content.values for content in samples], axis=0)
        return ChannelTemplates(name, edges, samples, np.round(total))

    nuisances = (
        Nuisance("fsr", "shower", "fsr"),
        Nuisance("hadronisation", "shower", "hadronisation"),
        Nuisance("lumi", "luminosity", "rate"),
        Nuisance("norm_wqq", "normalisation", "rate"),
    )
    return Templates(
        (channel("sr", 1.0), channel("cr", 0.1)),
        ("hbb",),
        nuisances,
        (FreeRate("norm_qcd", "qcd", (0.0, 5.0)),),
        poi_bounds=(-5.0, 7.0),
    )
