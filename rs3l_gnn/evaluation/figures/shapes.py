"""Score of each class in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from rs3l_gnn.conventions import COLOURS
from rs3l_gnn.conventions.plotting import make_room, ratio_limits, ratio_panels
from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.evaluation.config import BASELINE, ClassConfig
from rs3l_gnn.evaluation.meter import Meter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_scores", "score_edges"]

_BINS = 25
_SMALLEST_DENOMINATOR = 5
_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999)


def score_edges(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Edges of the bins, and whether they are even in log(s / (1 - s)) rather than in the score.

    Trained taggers crowd near 0 and 1, where even bins would show nothing. The outermost bins hold 0.5 % at most.

    Args:
        scores: of all jets [n].
    """
    crowded = ((scores < 0.04) | (scores > 0.96)).mean() > 0.5
    if not crowded:
        return np.linspace(0.0, 1.0, _BINS + 1), False
    low, high = np.quantile(scores, [0.005, 0.995]).clip(1e-6, 1 - 1e-6)
    return expit(np.linspace(logit(low), logit(high), _BINS + 1)), True


def draw_scores(meter: Meter, name: str) -> Figure:
    """Score of each class in every view, above the ratios to nominal, one column a class, mean over the trainings."""
    config, scored = meter.config, meter.scored
    trainings = config.trainings[name]
    nominal = np.concatenate([meter.nominal(weights, which) for which in config.classes for weights in trainings])
    edges, stretched = score_edges(nominal)
    figure, panels = ratio_panels(len(config.classes), width=6, height=6.5)
    for (top, bottom), which in zip(panels.T, config.classes, strict=True):
        members = scored.in_class(which)
        if not members.any():
            continue
        _draw_class(meter, name, which, edges, top=top, bottom=bottom)
        if stretched:
            bottom.set_xscale("logit")
            inside = [tick for tick in _TICKS if edges[0] <= tick <= edges[-1]]
            if len(inside) > 7:
                inside = [tick for tick in inside if tick in _TICKS[::2] or tick == 0.5]
            bottom.set_xticks(inside, [f"{tick:g}" for tick in inside], fontsize="x-small")
        bottom.minorticks_off()
        bottom.set_xlim(edges[0], edges[-1])
        bottom.set_xlabel(f"Score ({name})")
    panels[0, 0].set_ylabel("Fraction of jets")
    panels[1, 0].set_ylabel("Ratio to nominal", fontsize="small", loc="center")
    return figure


def _draw_class(
    meter: Meter, name: str, which: ClassConfig, edges: NDArray[np.float64], *, top: Axes, bottom: Axes
) -> None:
    """Each variation against nominal in the same events, with the error of the nominal fraction as a band."""
    trainings = meter.config.trainings[name]
    scored = meter.scored

    def sums(values: list[NDArray[np.float64]], of_jets: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = [np.histogram(value.clip(edges[0], edges[-1]), edges, weights=of_jets)[0] for value in values]
        return np.asarray(np.mean(inside, axis=0))

    members, of_nominal = scored.in_class(which), meter.weights(which)
    total = of_nominal.sum()
    scores = [scored.scores[weights].nominal[members] for weights in trainings]
    reference, squares = sums(scores, of_nominal), sums(scores, of_nominal**2)
    relative = np.divide(np.sqrt(squares), reference, out=np.full(len(reference), np.nan), where=reference > 0)
    top.stairs(reference / total, edges, color="black", linewidth=1.5, label="nominal")
    full = np.nan_to_num(relative)  # an empty bin has no band
    for axes, centre, width in ((top, reference / total, full), (bottom, np.ones(len(reference)), full)):
        axes.stairs(
            centre * (1 + width),
            edges,
            baseline=centre * (1 - width),
            fill=True,
            color="black",
            alpha=0.15,
            linewidth=0,
        )
    ratios: list[NDArray[np.float64]] = []
    for number, variation in enumerate(meter.variations):
        if not meter.has_views(trainings, which, variation):
            continue
        event, varied = scored.pairs(which, variation.vartype)
        pairs = [(scored.scores[weights].nominal[event], scored.scores[weights].views) for weights in trainings]
        of_event, of_varied = scored.nominal_weights[event], scored.weights[varied]
        below = sums([left for left, _ in pairs], of_event) / of_event.sum()
        effective = sums([left for left, _ in pairs], of_event) ** 2
        filled = sums([left for left, _ in pairs], of_event**2)
        above = sums([right[varied] for _, right in pairs if right is not None], of_varied) / of_varied.sum()
        # The ratio of the same events; of fewer than a handful it would only show noise.
        enough = (effective >= _SMALLEST_DENOMINATOR * filled) & (below > 0)
        quotient = np.divide(above, below, out=np.full(len(above), np.nan), where=enough)
        colour = COLOURS[number % len(COLOURS)]
        top.stairs(above, edges, color=colour, label=readable_variation(variation.name))
        bottom.stairs(quotient, edges, color=colour)
        ratios.append(quotient)
    top.set_yscale("log")
    make_room(top)
    top.legend(title=f"{which.name}, {'N2' if name == BASELINE else name}", ncols=2, loc="upper center")
    bottom.axhline(1.0, color="black", linewidth=0.8)
    bottom.set_ylim(*ratio_limits(np.concatenate([*ratios, 1 + relative]), most=0.6))
