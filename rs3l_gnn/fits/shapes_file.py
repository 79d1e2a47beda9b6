"""Templates as ROOT histograms, one directory a channel; Combine and cabinetry read the same file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates import ChannelTemplates, Templates

__all__ = ["DATA", "write_shapes"]

DATA = "data_obs"
"""Combine's name for the data."""


def write_shapes(path: Path, templates: Templates, *, force: bool = False) -> int:
    """Write ``<channel>/<sample>``, ``<channel>/<sample>_<nuisance>Up`` and ``Down``, and ``<channel>/data_obs``.

    Histograms are TH1D with the channel's edges and, as errors, the statistical errors of the simulation.

    Returns:
        Number of histograms.
    """
    import uproot

    written = 0
    with atomic_file(path, force=force) as partial, uproot.recreate(partial, compression=None) as file:
        for channel in templates.channels:
            content = list(_content(channel))
            # Room for the whole list of keys, which would otherwise be moved again and again as it grows.
            room = sum(80 + 2 * len(name) for name, _, _ in content)
            folder = file.mkdir(channel.name, initial_directory_bytes=room)
            axes = _axes(channel.edges)
            folder.update((name, _th1(name, values, variances, axes)) for name, values, variances in content)
            written += len(content)
    return written


def _content(
    channel: ChannelTemplates,
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    yield DATA, channel.data, channel.data
    for sample in channel.samples:
        # Combine's autoMCStats takes every error it finds, so a sample without statistical nuisances has none.
        variances = sample.variances if sample.mc_stat else np.zeros_like(sample.variances)
        yield sample.name, sample.values, variances
        for shift in sample.shifts:
            yield f"{sample.name}_{shift.nuisance}Up", shift.up, variances
            yield f"{sample.name}_{shift.nuisance}Down", shift.down, variances


def _axes(edges: NDArray[np.float64]) -> tuple[Any, Any]:
    from uproot.writing.identify import to_TAxis

    def axis(name: str, n: int, low: float, high: float, bins: NDArray[np.float64]) -> Any:
        return to_TAxis(fName=name, fTitle="", fNbins=n, fXmin=low, fXmax=high, fXbins=bins)

    wide = axis("xaxis", len(edges) - 1, float(edges[0]), float(edges[-1]), np.asarray(edges))
    return wide, axis("yaxis", 1, 0.0, 1.0, np.empty(0))


def _th1(name: str, values: NDArray[np.float64], variances: NDArray[np.float64], axes: tuple[Any, Any]) -> Any:
    from uproot.writing.identify import to_TH1x

    flow = np.zeros(len(values) + 2)
    flow[1:-1] = values
    errors = np.zeros(len(values) + 2)
    errors[1:-1] = variances
    # Sums over x would need events; ROOT recomputes them from the bins when they are asked for and zero.
    return to_TH1x(
        fName=name,
        fTitle="",
        data=flow,
        fEntries=float(len(values)),
        fTsumw=float(values.sum()),
        fTsumw2=float(variances.sum()),
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fSumw2=errors,
        fXaxis=axes[0],
        fYaxis=axes[1],
        fZaxis=axes[1],
    )
