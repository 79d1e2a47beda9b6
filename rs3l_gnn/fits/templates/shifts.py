"""From the two sides of a variation to a checked shift of one template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits.config.blocks import ProblemsConfig, PruneConfig
from rs3l_gnn.fits.report import Report, place
from rs3l_gnn.fits.templates.compatibility import corrected, difference_test
from rs3l_gnn.fits.templates.model import SampleTemplates, Shift
from rs3l_gnn.fits.templates.processes import ChannelView, FineYields, least_known
from rs3l_gnn.fits.templates.smoothing import smooth_shift
from rs3l_gnn.fits.templates.sources import Source

__all__ = ["BuiltShift", "ShiftBuilder"]


@dataclass(frozen=True)
class BuiltShift:
    """A shift, and for the report how its sides are related to nominal and whether they differ from it."""

    shift: Shift
    record: dict[str, Any]


@dataclass(frozen=True)
class _SideYields:
    values: NDArray[np.float64]
    error: NDArray[np.float64] | None


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

    def build(self, source: Source, up: FineYields | None, down: FineYields | None) -> BuiltShift | None:
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
        record = self._tested(source, up, down, where)
        kept = self._pruned(self._effect(shift, source), record["p_value"], where)
        if kept is None:
            return None
        rates = self.sample.rate(kept)
        return BuiltShift(kept, {"rate_up": rates[0], "rate_down": rates[1], **record})

    def _tested(self, source: Source, up: FineYields | None, down: FineYields | None, where: str) -> dict[str, Any]:
        """Whether the simulated sides differ from nominal; a mirror image would say the same once more.

        The yields are those of the simulation: what is clipped or smoothed has other errors.
        """
        record: dict[str, Any] = {}
        measured = {side: fine for side, fine in (("up", up), ("down", down)) if fine is not None}
        found = []
        for side, fine in measured.items():
            try:
                test = difference_test(fine, self.fine, self.view.grouping, effect=source.config.effect)
            except FitError as error:
                raise FitError(f"{where}, {side}: {error}") from error
            for key in ("chi2", "degrees", "p_value"):
                record[f"{side}_{key}"] = None if test is None else getattr(test, key)
            found.append(test)
        known = [test.p_value for test in found if test is not None]
        record["p_value"] = corrected(known) if len(known) == len(found) else None
        relation = least_known({fine.relation for fine in measured.values()})
        return record | {"relation": relation, "paired": relation == "known"}

    def _grouped(self, fine: FineYields | None) -> _SideYields | None:
        if fine is None:
            return None
        error = fine.difference_error(self.fine, self.view.grouping)
        return _SideYields(self.view.grouping.add(fine.values) + self.fill, error)

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
            other = _SideYields(self.sample.values.copy(), np.zeros(len(given.values)))
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
