"""Histogram files that a fit must refuse, each with one thing wrong, and a good one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from uhi.io.json import default

_XSEC = {"hbb": 0.001, "qcd": 0.1}
_VARIATIONS = ("nominal", "fsrRenHiUp", "fsrRenHiDown", "jesUp")


def _histogram(
    *,
    bins: int = 4,
    storage: Any = None,
    variations: tuple[str, ...] = _VARIATIONS,
    channels: tuple[str, ...] = ("sr", "cr"),
    axes: tuple[str, ...] = ("dataset", "channel", "variation"),
) -> Any:
    """Both processes in both channels, in pb: 100 effective entries in each bin."""
    entries = {"dataset": ("hbb", "qcd"), "channel": channels, "variation": variations}
    histogram = hist.Hist(
        *(hist.axis.StrCategory(entries[name], name=name) for name in axes),
        hist.axis.Regular(bins, 0, 1, name="score"),
        storage=storage or hist.storage.Weight(),
    )
    view: Any = histogram.view(flow=False)
    if isinstance(histogram.storage_type(), hist.storage.Weight):
        view.value, view.variance = 1e-2, 1e-6
        if axes[:1] == ("dataset",):
            view.value[0], view.variance[0] = 1e-4 * np.arange(1, bins + 1), 1e-10
            if variations == _VARIATIONS:
                view.value *= np.array((1.0, 1.1, 0.9, 1.05))[None, None, :, None]
    elif isinstance(histogram.storage_type(), hist.storage.Double):
        view[...] = 1e-2
    return histogram


def _document(histogram: Any | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": {"score": histogram if histogram is not None else _histogram()},
        "datasets": {name: {"process": name, "sample": name, "xsec": xsec} for name, xsec in _XSEC.items()},
        "models": {"rs3l": ["a" * 64]},
        "provenance": {},
        **changes,
    }


def _changed(change: Callable[[Any], object], **more: Any) -> dict[str, Any]:
    """The good document after a change of its values or variances, with flow bins."""
    histogram = _histogram(**more)
    change(histogram.view(flow=False))
    return _document(histogram)


def _set(view: Any, place: Any, value: float, *, what: str = "value") -> None:
    getattr(view, what)[place] = value


def _overflown() -> dict[str, Any]:
    histogram = _histogram()
    histogram[0, 0, 0, hist.overflow] = np.array((1e-3, 1e-8), dtype=histogram.view().dtype)
    return _document(histogram)


def _unnamed() -> dict[str, Any]:
    """Something was filled into a channel that the axis does not have."""
    histogram = _histogram()
    histogram.fill("hbb", "elsewhere", "nominal", 0.5, weight=1.0)
    return _document(histogram)


def _documents() -> dict[str, Any]:
    raw = {"process": "qcd", "sample": "qcd", "xsec": None, "normalised": False}
    datasets = {"hbb": {"process": "hbb", "sample": "hbb", "xsec": 0.001}}
    means = hist.Hist(
        *(hist.axis.StrCategory([one], name=name) for name, one in (("dataset", "hbb"), ("channel", "sr"))),
        hist.axis.StrCategory(["nominal"], name="variation"),
        hist.axis.Regular(4, 0, 1, name="score"),
        storage=hist.storage.Mean(),
    )
    return {
        "good": _document(),
        "other_bins": _document(_histogram(bins=5), datasets={"wqq": {"process": "wqq", "sample": "wqq"}}),
        "incomplete": _document(complete=False),
        "raw": _document(datasets=datasets | {"qcd": raw}),
        "without_qcd": _document(datasets=datasets),
        "nan": _changed(lambda view: _set(view, (0, 0, 0, 1), np.nan)),
        "infinite": _changed(lambda view: _set(view, (1, 0, 1, 1), np.inf)),
        "nan_error": _changed(lambda view: _set(view, (0, 0, 0, 1), np.nan, what="variance")),
        "negative_error": _changed(lambda view: _set(view, (0, 0, 0, 1), -1e-8, what="variance")),
        "negative": _changed(lambda view: _set(view, (0, 0, 0, 1), -1e-4)),
        "negative_up": _changed(lambda view: _set(view, (0, 0, 1, 1), -1e-4)),
        "empty_bin": _changed(lambda view: _set(view, (slice(None), 0, slice(None), 1), 0.0)),
        "empty_sample": _changed(lambda view: _set(view, (1, 0), 0.0)),
        "empty_signal": _changed(lambda view: _set(view, (0, 0), 0.0)),
        "whole": _changed(lambda view: _set(view, (0, 0, 1), 0.0)),
        "huge": _changed(lambda view: _set(view, (0, 0, 0, 1), 1e30)),
        "overflown": _overflown(),
        "unnamed": _unnamed(),
        "no_errors": _document(_histogram(storage=hist.storage.Double())),
        "means": _document(means),
        "no_dataset_axis": _document(_histogram(axes=("channel", "variation"))),
        "no_nominal": _document(_histogram(variations=("fsrRenHiUp", "fsrRenHiDown"))),
        "twice": _document(_histogram(variations=("nominal", "jesUp", "jesDown", "jes_up"))),
        "two_models": _document(histograms={"score_a": _histogram()}, models={"a": ["a" * 64, "b" * 64]}),
        "two_nominals": _document(_histogram(variations=("nominal", "central"))),
        "spaced": _document(_histogram(channels=("s r", "cr"))),
        "no_histograms": _document(histograms={}),
        "text_histogram": _document(histograms={"score": "text"}),
        "text_xsec": _document(datasets=datasets | {"qcd": {"process": "qcd", "sample": "qcd", "xsec": "much"}}),
        "far_replicas": _document(replicas={"file": "../replicas.npz", "digest": "a" * 64}),
        "gone_replicas": _document(replicas={"file": "replicas.npz", "digest": "a" * 64}),
        "other_replicas": _document(replicas={"file": "other.npz", "digest": "a" * 64}),
        "far_version": _document(version=99),
    }


@pytest.fixture(scope="session")
def histogram_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for each of them, and ``fit.yaml``, which fits the good one."""
    folder = tmp_path_factory.mktemp("fits")
    for name, document in _documents().items():
        (folder / f"{name}.json").write_text(json.dumps(document, default=default))
    (folder / "other.npz").write_bytes(b"not an archive")
    config = {
        "inputs": "good.json",
        "histogram": "score",
        "samples": {"hbb": {"signal": True}, "qcd": {}},
        "luminosity": {"value": 100.0},
        "one_sided": "symmetrize",
        "inference": dict.fromkeys(("ranking", "scan", "limit", "significance", "goodness_of_fit"), False),
        "plots": False,
    }
    (folder / "fit.yaml").write_text(json.dumps(config))  # which is YAML
    return folder
