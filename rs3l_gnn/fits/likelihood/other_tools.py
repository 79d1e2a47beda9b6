"""Which options other tools need to find the error that is found here, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rs3l_gnn.fits.likelihood.likelihood import Likelihood

if TYPE_CHECKING:
    from cabinetry.fit.results_containers import FitResults

__all__ = ["OtherTools", "other_tools"]

_MOST_ROUNDING = 5e-6
"""Product of rounding and condition up to which second derivatives in pyhf are good to a few percent (measured on toy
models of 4,000 to 430,000 events in a bin, docs/fits.md)."""


@dataclass(frozen=True)
class OtherTools:
    """What limits a fit of the same model elsewhere.

    Attributes:
        poi: the signal strength.
        poi_bounds: its range.
        rounding: size of the last digits of -2 ln L as pyhf adds it up, :math:`2\\epsilon\\sum_i n_i \\ln n_i`.
        condition: condition number of the correlation matrix: how much a relative error of a second derivative may grow
            in the error of a parameter.
    """

    poi: str
    poi_bounds: tuple[float, float]
    rounding: float
    condition: float

    @property
    def hesse_is_lost(self) -> bool:
        """Whether symmetric errors from second derivatives of pyhf's likelihood are lost to rounding."""
        return self.rounding * self.condition > _MOST_ROUNDING

    def record(self) -> dict[str, Any]:
        """For JSON: options by tool, and the two numbers that decide."""
        low, high = self.poi_bounds
        return {
            "rounding": self.rounding,
            "condition": self.condition,
            "cabinetry.fit.fit": {"minos": [self.poi]} if self.hesse_is_lost else {},
            # q-tilde is defined for a signal strength bounded at zero, q for one that may be negative, as here.
            "pyhf cls": ["--test-stat", "q"],
            "combine": ["--rMin", f"{low:.6g}", "--rMax", f"{high:.6g}"],
        }


def other_tools(likelihood: Likelihood, best: FitResults) -> OtherTools:
    """Look at the likelihood around its minimum with the eyes of a tool that adds it up as it stands."""
    counts = likelihood.counts[likelihood.counts > 0]
    information = likelihood.objective().information(best.bestfit)
    free = np.flatnonzero(best.uncertainty > 0)
    scale = np.sqrt(np.diag(information)[free])
    # Symmetric and positive: its eigenvalues say what singular values would, which take ten times as long.
    values = np.linalg.eigvalsh(information[np.ix_(free, free)] / np.outer(scale, scale))
    return OtherTools(
        poi=likelihood.poi,
        poi_bounds=likelihood.templates.poi_bounds,
        rounding=float(2 * np.finfo(np.float64).eps * (counts * np.abs(np.log(counts))).sum()),
        condition=float(np.abs(values).max() / np.abs(values).min()) if len(free) else 1.0,
    )
