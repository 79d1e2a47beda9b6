"""From the two sides of a variation to a checked shift of one template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.blocks import ProblemsConfig, PruneConfig
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.compatibility import Compatibility, ShiftRecord, combined_p_value, difference_test
from rs3l_gnn.fits.templates.model import SampleTemplates, Shift
from rs3l_gnn.fits.templates.processes import ChannelView
from rs3l_gnn.fits.templates.smoothing import smooth_shift
from rs3l_gnn.fits.templates.sources import Source
from rs3l_gnn.fits.yields import Yields, least_known

__all__ = ["ShiftBuilder"]


@dataclass(frozen=True)
class _Side:
    values: NDArray[np.float64]
    error: NDArray[np.float64] | None


@dataclass(frozen=True)
class ShiftBuilder:
    """Makes the shifts of one sample in one channel."""

    view: ChannelView
    sample: SampleTemplates
    nominal: Yields
    problems: ProblemsConfig
    prune: PruneConfig
    report: Report
    fill: NDArray[np.float64]
    """Events added to the sample in bins where nothing at all is expected [n_bins]."""

    def build(self, source: Source, up: Yields | None, down: Yields | None) -> tuple[Shift, ShiftRecord] | None:
        """Combine the sides of a source, or None where it has no effect worth keeping.

        Raises:
            FitError: a missing side, a negative bin or a variation without yield that the configuration does not
                allow.
        """
        name = source.nuisance(self.view.name, self.sample.name, self.view.year)
        where = place(channel=self.view.name, sample=self.sample.name, nuisance=name)
        if up is None and down is None:
            if self.problems.missing_variation == "error":
                raise FitError(
                    f"{where}: the sample was not simulated with this variation",
                    hint=f"simulate it, name the samples that have it in systematics.{source.name}.samples, "
                    "or set missing_variation: nominal",
                )
            self.report.add("missing_variation", "dropped", where, "not simulated, taken as without effect")
            return None
        sides = self._both(source, self._side(up), self._side(down), where)
        checked = [self._checked(side, word, where) for side, word in zip(sides, ("up", "down"), strict=True)]
        if checked[0] is None or checked[1] is None:
            return None
        smooth = [self._smoothed(side, source, where) for side in (checked[0], checked[1])]
        shift = Shift(name, smooth[0].values, smooth[1].values, smooth[0].error, smooth[1].error)
        self._flag(shift, where)
        measured = {side: yields for side, yields in (("up", up), ("down", down)) if yields is not None}
        tests = self._tested(source, measured, where)
        p_value = combined_p_value(tests.values())
        kept = self._pruned(self._effect(shift, source), p_value, where)
        if kept is None:
            return None
        relation = least_known(yields.relation for yields in measured.values())
        rates = self.sample.rate(kept)
        return kept, ShiftRecord(self.view.name, self.sample.name, name, *rates, tests, p_value, relation)

    def _tested(self, source: Source, measured: Mapping[str, Yields], where: str) -> dict[str, Compatibility | None]:
        """Whether the simulated sides differ from nominal; a mirror image would say the same once more.

        The yields are those of the simulation: what is clipped or smoothed has other errors.
        """
        tests = {}
        for side, yields in measured.items():
            try:
                tests[side] = difference_test(yields, self.nominal, effect=source.config.effect)
            except FitError as error:
                raise FitError(f"{where}, {side}: {error}") from error
        return tests

    def _side(self, yields: Yields | None) -> _Side | None:
        if yields is None:
            return None
        difference = yields.less(self.nominal)
        return _Side(yields.values + self.fill, None if difference is None else difference.error)

    def _both(self, source: Source, up: _Side | None, down: _Side | None, where: str) -> tuple[_Side, _Side]:
        if up is not None and down is not None:
            return up, down
        given = up if up is not None else down
        if given is None or source.one_sided == "error":
            missing = "down" if down is None else "up"
            raise FitError(
                f"{where}: the {missing} side is missing",
                hint=f"simulate it, or set systematics.{source.name}.one_sided",
            )
        if source.one_sided == "symmetrize":
            other = _Side(2 * self.sample.values - given.values, given.error)
            self.report.add("one_sided", "symmetrized", where, "the other side is the mirror image about nominal")
        else:
            other = _Side(self.sample.values.copy(), np.zeros(len(given.values)))
            self.report.add("one_sided", "kept", where, "the other side is nominal")
        return (given, other) if up is not None else (other, given)

    def _checked(self, side: _Side, word: str, where: str) -> _Side | None:
        values = side.values
        negative = np.flatnonzero(values < 0)
        if len(negative):
            here = f"{where}, {word}, {place(bins=negative)}"
            if self.problems.negative_bins != "clip":
                raise FitError(
                    f"{here}: negative", got=values[negative], hint="set negative_bins: clip, or widen the bins"
                )
            self.report.add("negative_bins", "clipped", here, f"{values[negative].sum():g} events set to zero")
            values = np.maximum(values, 0.0)
        if not values.sum() > 0:
            here = f"{where}, {word}"
            if self.problems.full_variation == "error":
                raise FitError(
                    f"{here}: the variation takes the whole yield away", hint="set full_variation to clip or drop"
                )
            if self.problems.full_variation == "drop":
                self.report.add("full_variation", "dropped", where, f"the {word} side has no yield")
                return None
            self.report.add("full_variation", "clipped", here, f"rate factor set to {self.problems.clip_factor:g}")
            values = self.sample.values * self.problems.clip_factor
        return replace(side, values=values)

    def _smoothed(self, side: _Side, source: Source, where: str) -> _Side:
        values = smooth_shift(self.sample.values, side.values, side.error, source.smooth)
        if values is not side.values:
            change = np.abs(values - side.values).max()
            self.report.add(
                "smoothing", "smoothed", where, f"{source.smooth}, largest change {change:g} events in a bin"
            )
        return replace(side, values=values)

    def _effect(self, shift: Shift, source: Source) -> Shift:
        if source.config.effect == "norm":
            up, down = self.sample.rate(shift)
            return replace(shift, up=self.sample.values * up, down=self.sample.values * down)
        if source.config.effect == "shape":
            up_shape, down_shape = self.sample.shape(shift)
            return replace(shift, up=up_shape, down=down_shape)
        return shift

    def _flag(self, shift: Shift, where: str) -> None:
        nominal = self.sample.values
        filled = nominal > 0
        up, down = shift.up[filled] - nominal[filled], shift.down[filled] - nominal[filled]
        large = np.maximum(np.abs(up), np.abs(down)) > nominal[filled]
        if large.any():
            bins = np.flatnonzero(filled)[large]
            self.report.add("large_variation", "kept", f"{where}, {place(bins=bins)}", "more than 100 % of nominal")
        same = up * down > 0
        if same.any():
            bins = np.flatnonzero(filled)[same]
            self.report.add(
                "same_side", "kept", f"{where}, {place(bins=bins)}", "up and down lie on one side of nominal"
            )

    def _pruned(self, shift: Shift, p_value: float | None, where: str) -> Shift | None:
        nominal = self.sample.values
        if np.array_equal(shift.up, nominal) and np.array_equal(shift.down, nominal):
            self.report.add("no_effect", "dropped", where, "equal to nominal")
            return None
        rates = self.sample.rate(shift)
        rate_effect = max(abs(rate - 1) for rate in rates)
        shapes = self.sample.shape(shift)
        filled = nominal > 0
        shape_effect = max(float(np.abs(shape[filled] / nominal[filled] - 1).max()) for shape in shapes)
        small_rate, small_shape = rate_effect < self.prune.norm, shape_effect < self.prune.shape
        if self.prune.significance > 0 and self._insignificant(p_value, where):
            return None
        if small_rate and (small_shape or not self.sample.has_shape(shift)):
            self.report.add("pruning", "pruned", where, f"rate {rate_effect:.2g}, shape {shape_effect:.2g}")
            return None
        if small_rate:
            self.report.add("pruning", "pruned", f"{where}, rate", f"{rate_effect:.2g}")
            return replace(shift, up=shapes[0], down=shapes[1])
        if small_shape and self.sample.has_shape(shift):
            self.report.add("pruning", "pruned", f"{where}, shape", f"{shape_effect:.2g}")
            return replace(shift, up=nominal * rates[0], down=nominal * rates[1])
        return shift

    def _insignificant(self, p_value: float | None, where: str) -> bool:
        from scipy.stats import norm

        if p_value is None:
            detail = "significance unknown: the run does not tell the covariance with nominal"
            self.report.add("pruning", "kept", where, detail)
            return False
        sigma = float(norm.isf(p_value / 2)) if p_value > 0 else float("inf")
        if sigma >= self.prune.significance:
            return False
        detail = f"differs from nominal by {sigma:.2f} standard deviations of its statistical error"
        self.report.add("pruning", "pruned", where, detail)
        return True
