"""From the two sides of a variation to a checked shift of one template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config_blocks import ProblemsConfig, PruneConfig
from rs3l_gnn.fits.gathering import ChannelView, FineYields
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.smoothing import smooth_shift
from rs3l_gnn.fits.sources import Source
from rs3l_gnn.fits.templates import SampleTemplates, Shift

__all__ = ["ShiftBuilder", "compatibility", "shift_record"]


@dataclass(frozen=True)
class _SideYields:
    values: NDArray[np.float64]
    error: NDArray[np.float64]


def compatibility(
    nominal: NDArray[np.float64], varied: NDArray[np.float64], error: NDArray[np.float64]
) -> tuple[float, int, float]:
    """Test whether two templates agree within the statistical error of their difference.

    Returns:
        chi^2 over the bins with an error, their number, and the p-value (1 without such bins).
    """
    from scipy.stats import chi2

    known = error > 0
    value = float((((varied - nominal)[known] / error[known]) ** 2).sum())
    n = int(known.sum())
    return value, n, float(chi2.sf(value, n)) if n else 1.0


@dataclass(frozen=True)
class ShiftBuilder:
    """Makes the shifts of one sample in one channel."""

    view: ChannelView
    sample: SampleTemplates
    fine: FineYields
    problems: ProblemsConfig
    prune: PruneConfig
    report: Report
    fill: NDArray[np.float64]
    """Events added to the sample in bins where nothing at all is expected [n_bins]."""

    def build(self, source: Source, up: FineYields | None, down: FineYields | None) -> Shift | None:
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
        sides = self._both(source, self._grouped(up), self._grouped(down), where)
        checked = [self._checked(side, word, where) for side, word in zip(sides, ("up", "down"), strict=True)]
        if checked[0] is None or checked[1] is None:
            return None
        smooth = [self._smoothed(side, source, where) for side in (checked[0], checked[1])]
        shift = Shift(name, smooth[0].values, smooth[1].values, smooth[0].error, smooth[1].error)
        self._flag(shift, where)
        return self._pruned(self._effect(shift, source), checked[0].error, checked[1].error, where)

    def _grouped(self, fine: FineYields | None) -> _SideYields | None:
        if fine is None:
            return None
        variance = fine.difference_variance(self.fine, self.view.grouping)
        return _SideYields(self.view.grouping.add(fine.values) + self.fill, np.sqrt(variance))

    def _both(
        self, source: Source, up: _SideYields | None, down: _SideYields | None, where: str
    ) -> tuple[_SideYields, _SideYields]:
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
            other = _SideYields(2 * self.sample.values - given.values, given.error)
            self.report.add("one_sided", "symmetrized", where, "the other side is the mirror image about nominal")
        else:
            other = _SideYields(self.sample.values.copy(), np.zeros_like(given.error))
            self.report.add("one_sided", "kept", where, "the other side is nominal")
        return (given, other) if up is not None else (other, given)

    def _checked(self, side: _SideYields, word: str, where: str) -> _SideYields | None:
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

    def _smoothed(self, side: _SideYields, source: Source, where: str) -> _SideYields:
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

    def _pruned(
        self, shift: Shift, up_error: NDArray[np.float64], down_error: NDArray[np.float64], where: str
    ) -> Shift | None:
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
        if self.prune.significance > 0:
            sigma = self._significance(shift, up_error, down_error)
            if sigma < self.prune.significance:
                detail = f"differs from nominal by {sigma:.2f} standard deviations of its statistical error"
                self.report.add("pruning", "pruned", where, detail)
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

    def _significance(self, shift: Shift, up_error: NDArray[np.float64], down_error: NDArray[np.float64]) -> float:
        from scipy.stats import norm

        best = 1.0
        for values, error in ((shift.up, up_error), (shift.down, down_error)):
            p_value = compatibility(self.sample.values, values, error)[2]
            best = min(best, p_value)
        return float(norm.isf(best / 2)) if best > 0 else float("inf")


def shift_record(sample: SampleTemplates, shift: Shift) -> dict[str, Any]:
    """Rate factors, and how far each side differs from nominal, for the report."""
    rates = sample.rate(shift)
    record: dict[str, Any] = {"rate_up": rates[0], "rate_down": rates[1]}
    for side, values, error in (("up", shift.up, shift.up_error), ("down", shift.down, shift.down_error)):
        if error is not None:
            chi2, n, p_value = compatibility(sample.values, values, error)
            record[f"{side}_chi2"], record[f"{side}_bins"], record[f"{side}_p_value"] = chi2, n, p_value
    return record
