"""What stands in for the data: the expectation, a variation of it, a toy, or observed events."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError, UnknownVariationError
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.model import SampleTemplates
from rs3l_gnn.fits.templates.processes import ChannelView, ProcessReader

__all__ = ["PseudoData", "make_data"]


@dataclass(frozen=True)
class PseudoData:
    """Data of one channel [n_bins].

    ``covariance`` is that of the difference to the nominal expectation [n_bins, n_bins], where the data come from
    another simulation and the run tells it; None otherwise.
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64] | None = None


def make_data(
    config: FitConfig,
    reader: ProcessReader,
    view: ChannelView,
    kept: Mapping[str, SampleTemplates],
    *,
    names: Callable[[str, str], str],
    report: Report,
) -> PseudoData:
    """Data of one channel in its final bins.

    Samples that were left out of the model are left out of the data, too.

    Raises:
        UnknownVariationError: the run does not have the variation.
        FitError: a sample was not simulated with it, and nothing says that it may stay nominal.
    """
    data = config.data
    if data.kind == "observed":
        return PseudoData(view.grouping.add(reader.observed(view.histogram, view.source, data.datasets or ())))
    axis = (NOMINAL.name, *view.histogram.variations)
    variation = None if data.variation is None else reader.entry(data.variation, axis)
    if data.variation is not None and variation is None:
        raise UnknownVariationError(
            f"data.variation {data.variation!r} is not in the run", allowed=view.histogram.variations
        )
    n = view.grouping.n_bins
    total = np.zeros(n)
    covariance: NDArray[np.float64] | None = np.zeros((n, n))
    for sample, yields in view.nominal.items():
        template = kept.get(names(sample, "sample"))
        if template is None:
            continue
        strength = data.mu if config.samples[sample].signal else 1.0
        content = template.values
        varied = None
        if variation is not None and (data.samples is None or sample in data.samples):
            varied = reader.in_bins_of(view, sample, variation)
            if varied is None:
                _without(config, report, place(channel=view.name, sample=template.name), variation)
        if varied is not None:
            content, difference = np.maximum(varied.values, 0.0), varied.less(yields)
            if varied.relation == "unknown" or difference is None:
                covariance = None
                where = place(channel=view.name, sample=template.name)
                report.add("bias_error", "dropped", where, "the run does not tell the covariance with nominal")
            elif covariance is not None:
                covariance = covariance + strength**2 * difference.covariance
        total += strength * content
    total = np.maximum(total, 0.0)
    if data.kind == "toy":
        # The channel's name enters the seed, so that a channel's toy does not depend on which others are fitted.
        total = np.random.default_rng([data.seed, zlib.crc32(view.name.encode())]).poisson(total).astype(np.float64)
    return PseudoData(total, covariance if data.kind == "variation" else None)


def _without(config: FitConfig, report: Report, where: str, variation: str) -> None:
    if config.problems.missing_variation == "error":
        raise FitError(
            f"{where}: the sample was not simulated with {variation}, which makes the pseudo-data",
            hint="name the samples that have it in data.samples, or set missing_variation: nominal",
        )
    report.add("missing_variation", "kept", where, f"pseudo-data without {variation} stay nominal")
