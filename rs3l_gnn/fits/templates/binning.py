"""Binning of a channel: by edges, by signal efficiency, by minimum statistics; always from nominal templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.blocks import RebinConfig
from rs3l_gnn.fits.yields import Grouping, Yields

__all__ = ["BinningInput", "derive_grouping"]

_ROUNDING = 1e-9


@dataclass(frozen=True)
class BinningInput:
    """Nominal templates of a channel in fine bins.

    Attributes:
        edges: fine edges [n + 1].
        signal: its yields [n].
        background: with variances.
        non_negative: templates none of whose bins may be negative [k, n]; empty without that wish.
        positive: templates none of whose bins may be empty [k, n]; empty without that wish.
    """

    edges: NDArray[np.float64]
    signal: NDArray[np.float64]
    background: Yields
    non_negative: NDArray[np.float64]
    positive: NDArray[np.float64]


def derive_grouping(content: BinningInput, rebin: RebinConfig, *, channel: str) -> Grouping:
    """Find the binning of one channel.

    Edges or signal efficiencies come first; minimum statistics then merge neighbours, from the signal-like end down,
    because the last bins carry the sensitivity and have the fewest events.

    Raises:
        FitError: an edge is none of the histogram's, no edge has a wanted signal efficiency, there is no signal, or the
            whole channel has too few entries.
    """
    if rebin.edges is not None:
        cuts = _by_edges(content.edges, rebin.edges, channel)
    elif rebin.signal_efficiency is not None:
        cuts = _by_efficiency(content.signal, rebin, channel)
    else:
        cuts = np.arange(len(content.edges))
    needs_merging = rebin.min_entries or rebin.max_relative_error or len(content.non_negative) or len(content.positive)
    return Grouping(_by_statistics(content, cuts, rebin, channel) if needs_merging else cuts)


def _by_edges(fine: NDArray[np.float64], wanted: Sequence[float], channel: str) -> NDArray[np.int64]:
    cuts = []
    tolerance = 1e-6 * float(np.diff(fine).min())
    for edge in wanted:
        nearest = int(np.argmin(np.abs(fine - edge)))
        if abs(fine[nearest] - edge) > tolerance:
            around = fine[max(nearest - 1, 0) : nearest + 2]
            raise FitError(
                f"channel {channel}: {edge:g} is not an edge of the histogram",
                allowed="near it " + ", ".join(f"{value:g}" for value in around),
            )
        cuts.append(nearest)
    return np.asarray(cuts)


def _by_efficiency(signal: NDArray[np.float64], rebin: RebinConfig, channel: str) -> NDArray[np.int64]:
    total = signal.sum()
    if not total > 0:
        raise FitError(f"channel {channel} has no signal, so no edges by signal efficiency", hint="give edges instead")
    above = np.append(np.cumsum(signal[::-1])[::-1], 0.0) / total
    cuts = {len(signal)} | ({0} if rebin.keep_rest else set())
    for efficiency in rebin.signal_efficiency or ():
        # Never the upper end: a working point keeps at least one bin.
        nearest = int(np.argmin(np.abs(above[:-1] - efficiency)))
        where = f"channel {channel}: the histogram's bins are too wide for a signal efficiency of {efficiency:g}"
        # What lies inside a bin is not known, so that nothing can be interpolated.
        if abs(above[nearest] - efficiency) > rebin.efficiency_tolerance + _ROUNDING:
            around = sorted({nearest, max(nearest - 1, 0), min(nearest + 1, len(signal) - 1)})
            raise FitError(
                where,
                got=f"{above[nearest]:.3f} at the nearest edge",
                allowed=f"within {rebin.efficiency_tolerance:g} of {', '.join(f'{above[n]:.3f}' for n in around)}",
                hint="fill the score with more bins or with logit spacing (in the analysis, score: {bins: 400, "
                "spacing: logit}), ask for one of these, or set rebin.efficiency_tolerance",
            )
        if nearest in cuts and nearest != 0:
            raise FitError(
                where,
                got=f"the nearest edge gives {above[nearest]:.3f} and is taken by another efficiency",
                hint="fill the histogram with finer bins or ask for fewer efficiencies",
            )
        cuts.add(nearest)
    return np.asarray(sorted(cuts))


def _by_statistics(
    content: BinningInput, cuts: NDArray[np.int64], rebin: RebinConfig, channel: str
) -> NDArray[np.int64]:
    merged = [int(cuts[-1])]
    for cut in cuts[-2::-1]:
        if _sufficient(content, slice(int(cut), merged[-1]), rebin):
            merged.append(int(cut))
    if len(merged) == 1:
        inside = slice(int(cuts[0]), int(cuts[-1]))
        entries = _effective_entries(content, inside)
        raise FitError(
            f"channel {channel} does not reach the wanted statistics even as one bin",
            got=f"{entries:.1f} effective background entries, {content.background.values[inside].sum():g} expected",
            hint="simulate more events or lower min_entries",
        )
    # What is left at the lower end is too small for a bin of its own.
    merged[-1] = int(cuts[0])
    while len(merged) > 2 and not _sufficient(content, slice(merged[-1], merged[-2]), rebin):
        del merged[-2]
    return np.asarray(merged[::-1])


def _sufficient(content: BinningInput, part: slice, rebin: RebinConfig) -> bool:
    entries = _effective_entries(content, part)
    if rebin.min_entries is not None and not entries >= rebin.min_entries:
        return False
    # The relative error of a weighted sum is one over the root of its effective entries.
    if rebin.max_relative_error is not None and not entries * rebin.max_relative_error**2 >= 1:
        return False
    non_negative = content.non_negative[..., part].sum(axis=-1)
    positive = content.positive[..., part].sum(axis=-1)
    return bool((non_negative >= 0).all() and (positive > 0).all())


def _effective_entries(content: BinningInput, part: slice) -> float:
    background = content.background
    variance = 0.0 if background.variances is None else background.variances[part].sum()
    return float(max(background.values[part].sum(), 0.0) ** 2 / variance) if variance > 0 else 0.0
