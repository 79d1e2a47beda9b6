"""The files of an analysis: coffea, UHI JSON, ROOT."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import uproot

from rs3l_gnn.processors.running.covariances import each_covariance

__all__ = ["histogram_document", "write_root"]


def histogram_document(summary: Mapping[str, Any], *, complete: bool, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON document that a fit reads.

    Args:
        summary: from :func:`rs3l_gnn.processors.summarise`.
        complete: False if any file, chunk or event is missing; a fit refuses such a document.
        provenance: versions, seeds and hashes.
    """
    document = {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": complete,
        "histograms": {name: _uhi(histogram) for name, histogram in summary["histograms"].items()},
        "datasets": summary["datasets"],
        "variations": summary["variations"],
        "models": summary["models"],
        "paired": dict(summary["paired"]),
        "provenance": dict(provenance),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, default=_plain, allow_nan=False))
    return plain


def write_root(path: Path, histograms: Mapping[str, Any], covariances: Mapping[str, dict[str, Any]]) -> None:
    """Write one-dimensional histograms as ``<histogram>/<channel>/<dataset>/<variation>``; empty ones are left out.

    Covariances of nominal and varied templates are ``covariance/<histogram>/<channel>/<dataset>/<variation>``: one
    axis where no event changes its bin, else two, the nominal bin first.
    """
    with uproot.recreate(path) as file:
        for name, histogram in histograms.items():
            datasets, channels, variations = (list(histogram.axes[axis]) for axis in range(3))
            for channel in channels:
                for dataset in datasets:
                    for variation in variations:
                        one = histogram[{"dataset": dataset, "channel": channel, "variation": variation}]
                        if np.any(one.view(flow=True).variance):
                            file[f"{name}/{channel}/{dataset}/{variation}"] = one
        for name, document in covariances.items():
            for (dataset, channel, variation), one in each_covariance(document):
                file[f"covariance/{name}/{channel}/{dataset}/{variation}"] = one


def _uhi(histogram: Any) -> dict[str, Any]:
    from boost_histogram.serialization import to_uhi

    document: dict[str, Any] = to_uhi(histogram)
    return document


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
