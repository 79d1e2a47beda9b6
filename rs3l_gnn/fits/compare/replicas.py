"""Replicas of a simulation: its histograms as other events would have filled them, for errors of what they give.

A run of the processor with a bootstrap has them, event by event: they are the same events for every tagger, so that
what two taggers give in one replica can be subtracted. For other runs they are drawn here from the histograms, which do
not tell which events two taggers share.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, FitError, progress
from rs3l_gnn.fits.config.blocks import ProblemsConfig
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.histograms.cells import RunHistogram
from rs3l_gnn.fits.histograms.event_replicas import EventReplicas
from rs3l_gnn.fits.histograms.runs import Run
from rs3l_gnn.fits.likelihood.asimov import asimov_fit
from rs3l_gnn.fits.likelihood.bias import response
from rs3l_gnn.fits.likelihood.likelihood import Likelihood, errors_by_group, value_of
from rs3l_gnn.fits.templates.build import build_templates
from rs3l_gnn.fits.templates.period import Built, needed_histograms
from rs3l_gnn.fits.yields import Grouping, Relation, Yields

__all__ = ["ReplicaSource", "Series", "Spread", "error_parts", "errors_of_errors", "moves_of_bias", "replica"]

_log = logging.getLogger(__name__)
Series = tuple[float | None, ...]
"""A number in each replica, None where the replica gives no usable templates."""


@dataclass(frozen=True)
class Spread:
    """Parts of the error of the signal strength over replicas: means and standard deviations, by part.

    A variation's own statistical error looks like an effect. A replica has that noise twice, the run once: means above
    the run's numbers tell how much of these is noise. ``paired`` if replica i is that of the same events for every
    tagger; ``values`` then are the parts in each.
    """

    mean: dict[str, float]
    deviation: dict[str, float]
    n: int
    failed: int
    paired: bool = False
    values: dict[str, Series] = field(default_factory=dict)


@dataclass(frozen=True)
class ReplicaSource:
    """Replicas of several runs.

    Attributes:
        runs: what was read, by year.
        n: how many.
        seed: of those that are drawn.
        events: by year, the replicas that the runs made event by event; None to draw them.
    """

    runs: Mapping[str, Run]
    n: int
    seed: int = 1
    events: Mapping[str, EventReplicas] | None = None

    def __call__(self, number: int, names: Sequence[str]) -> dict[str, Run]:
        """Replica ``number`` of every run, with the named histograms."""
        if self.events is None:
            rng = np.random.default_rng([self.seed, number])
            return {year: replica(run, rng) for year, run in self.runs.items()}
        drawn = {}
        for place, (year, run) in enumerate(self.runs.items()):
            # Data sets of two years may have the same names and event numbers, and are different events.
            turned = (number + place) % self.n
            data = frozenset(name for name, about in run.datasets.items() if about.get("isMC") is False)
            own = {name: self.events[year].replica(run.histograms[name], turned, data=data) for name in names}
            drawn[year] = replace(run, histograms=own)
        return drawn


def replica(run: Run, rng: np.random.Generator) -> Run:
    r"""Draw the histograms anew, as a Poisson bootstrap of the hard events would.

    Hard events in nominal bin :math:`i` number Poisson(:math:`k_i`), with the effective entries
    :math:`k_i = N_i^2 / \sigma_i^2`. Each of them goes to bin :math:`j` of a variation with the probability that the
    joint weights tell, or is not in it; events that only the variation has are Poisson. The covariance of nominal and
    each variation is thus that of the run. Two variations share what they share with nominal, and nothing more; their
    correlation is a little too small, hence errors of what compares them a little too large. Where joint weights are
    missing, a variation is drawn independently of nominal.

    Args:
        run: the histograms.
        rng: source of randomness.
    """
    return replace(run, histograms={name: _redrawn(histogram, rng) for name, histogram in run.histograms.items()})


@dataclass(frozen=True)
class _Counts:
    """Effective entries of a template [n_bins], and what one entry weighs."""

    entries: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, cell: Yields) -> _Counts:
        if cell.variances is None:
            raise FitError("histograms without variances have no replicas", hint="set comparison.replicas to 0")
        filled = (cell.variances > 0) & (cell.values != 0)
        safe = np.where(filled, cell.variances, 1.0)
        values = np.where(filled, cell.values, 1.0)
        return cls(np.where(filled, values**2 / safe, 0.0), np.where(filled, safe / values, 0.0))

    def cell(self, drawn: NDArray[np.float64], joint: NDArray[np.float64] | None = None) -> Yields:
        relation: Relation = "independent" if joint is None else "known"
        return Yields(self.weights * drawn, self.weights**2 * drawn, joint, relation)


def _redrawn(histogram: RunHistogram, rng: np.random.Generator) -> RunHistogram:
    cells: dict[tuple[str, str, str], Yields] = {}
    for dataset, channel in dict.fromkeys((key[0], key[1]) for key in histogram.cells):
        here = {key[2]: cell for key, cell in histogram.cells.items() if key[:2] == (dataset, channel)}
        for variation, cell in _together(here, rng).items():
            cells[dataset, channel, variation] = cell
    return replace(histogram, cells=cells)


def _together(cells: Mapping[str, Yields], rng: np.random.Generator) -> dict[str, Yields]:
    drawn: dict[str, Yields] = {}
    nominal = cells.get(NOMINAL.name)
    counts = None if nominal is None else _Counts.of(nominal)
    number = rng.poisson(np.zeros(0) if counts is None else counts.entries)
    if counts is not None:
        drawn[NOMINAL.name] = counts.cell(number.astype(np.float64))
    for variation, cell in cells.items():
        if variation == NOMINAL.name:
            continue
        own = _Counts.of(cell)
        if counts is None or cell.covariance is None:
            drawn[variation] = own.cell(rng.poisson(own.entries).astype(np.float64))
        else:
            drawn[variation] = _moved(counts, number, own, cell.covariance, rng)
    return drawn


def _moved(
    nominal: _Counts, number: NDArray[np.int64], own: _Counts, covariance: NDArray[np.float64], rng: np.random.Generator
) -> Yields:
    joint = np.diag(covariance) if covariance.ndim == 1 else covariance
    weights = np.outer(nominal.weights, own.weights)
    shared = np.maximum(np.divide(joint, weights, out=np.zeros_like(joint), where=weights != 0), 0.0)
    # Weights that differ within a bin can make more shared entries than there are entries.
    shared *= _at_most_one(nominal.entries, shared.sum(axis=1))[:, None]
    shared *= _at_most_one(own.entries, shared.sum(axis=0))
    chance = np.divide(shared, nominal.entries[:, None], out=np.zeros_like(shared), where=nominal.entries[:, None] > 0)
    lost = np.maximum(1 - chance.sum(axis=1), 0.0)
    full = np.concatenate([chance, lost[:, None]], axis=1)
    moved = rng.multinomial(number, full / full.sum(axis=1, keepdims=True))[:, :-1].astype(np.float64)
    alone = rng.poisson(np.maximum(own.entries - shared.sum(axis=0), 0.0))
    kept = weights * moved
    return own.cell(moved.sum(axis=0) + alone, np.diag(kept).copy() if covariance.ndim == 1 else kept)


def _at_most_one(limit: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.minimum(np.divide(limit, found, out=np.ones_like(limit), where=found > 0), 1.0)


def error_parts(total: float, groups: Mapping[str, float]) -> dict[str, float]:
    """Split an error into statistical, shower and the rest, which add up in squares.

    Args:
        total: the error.
        groups: its parts by :func:`rs3l_gnn.fits.errors_by_group`.
    """
    statistical, shower = groups["statistical"], groups.get("shower", 0.0)
    other = max(total**2 - statistical**2 - shower**2, 0.0) ** 0.5
    return {
        "mu_error": total,
        "mu_error_statistical": statistical,
        "mu_error_shower": shower,
        "mu_error_other": other,
    }


def errors_of_errors(config: FitConfig, source: ReplicaSource, groupings: Mapping[str, Grouping]) -> Spread:
    """Parts of the error of the signal strength for replicas of the simulation, in the same bins, on Asimov data.

    Args:
        config: the fit.
        source: the replicas.
        groupings: the bins.

    Raises:
        FitError: fewer than two replicas give usable templates.
    """
    rows: list[dict[str, float] | None] = []
    for built in _each(config, source, groupings):
        try:
            likelihood = None if built is None else Likelihood(built.templates, checked=False)
            best = None if likelihood is None else asimov_fit(likelihood)
        except FitError as error:
            _log.debug("replica %d: %s", len(rows), error)
            likelihood = best = None
        if built is None or likelihood is None or best is None:
            rows.append(None)
        else:
            rows.append(error_parts(value_of(best, likelihood.poi)[1], errors_by_group(built.templates, best)))
    good = [row for row in rows if row is not None]
    if len(good) < 2:
        raise FitError("the replicas give no usable templates", got=f"{len(good)} of {source.n}", hint="use wider bins")
    parts = {name: np.array([row[name] for row in good]) for name in good[0]}
    paired = source.events is not None
    series = {name: tuple(None if row is None else row[name] for row in rows) for name in parts} if paired else {}
    return Spread(
        mean={name: float(content.mean()) for name, content in parts.items()},
        deviation={name: float(content.std(ddof=1)) for name, content in parts.items()},
        n=len(good),
        failed=source.n - len(good),
        paired=paired,
        values=series,
    )


def moves_of_bias(config: FitConfig, source: ReplicaSource, groupings: Mapping[str, Grouping]) -> Series:
    """How far each replica moves the bias of a fit to pseudo-data from another simulation.

    To first order, as :func:`rs3l_gnn.fits.likelihood.bias.bias_error` takes it: the derivative of the signal strength
    by the counts, times the change of the difference between pseudo-data and nominal expectation.

    Args:
        config: the fit, with the variation as data.
        source: the replicas.
        groupings: the bins.
    """
    built = build_templates(config, source.runs, groupings=groupings)
    likelihood = Likelihood(built.templates)
    slopes, where = response(likelihood, likelihood.fit(minos=False)), likelihood.channel_slices()
    # Nuisances do not enter the expectation.
    bare = config.model_copy(update={"systematics": {}, "exclude": ("*",)})

    def bias(built: Built) -> float:
        return sum(float(slopes[where[name]] @ content) for name, content in _excess(built).items())

    usual = bias(built)
    return tuple(None if made is None else bias(made) - usual for made in _each(bare, source, groupings))


def _excess(built: Built) -> dict[str, NDArray[np.float64]]:
    """Data less expectation by channel [n_bins]."""
    return {
        channel.name: channel.data - np.sum([sample.values for sample in channel.samples], axis=0)
        for channel in built.templates.channels
    }


def _each(config: FitConfig, source: ReplicaSource, groupings: Mapping[str, Grouping]) -> Iterator[Built | None]:
    """Templates of each replica in the same bins, None where they are not usable."""
    problems = ProblemsConfig(
        incomplete="allow",
        negative_bins="clip",
        empty_bins="fill",
        empty_samples="drop",
        missing_variation="nominal",
        full_variation="clip",
        names=config.problems.names,
    )
    config = config.model_copy(update={"problems": problems})
    names = needed_histograms(config)
    with progress("replicas", source.n, "replicas") as bar:
        for number in range(source.n):
            drawn = source(number, names)
            try:
                built = build_templates(config, drawn, groupings=groupings)
            except FitError as error:
                _log.debug("replica %d: %s", number, error)
                yield None
            else:
                yield built
            bar.advance()
