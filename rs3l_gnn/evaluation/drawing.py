"""Pictures of an evaluation: losses, ROC, score shapes with their variations, Wasserstein distances."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import COLOURS, InputFileError
from rs3l_gnn.evaluation.config import ClassConfig, EvaluateConfig
from rs3l_gnn.evaluation.metrics import compared_variations
from rs3l_gnn.evaluation.roc import roc_curve
from rs3l_gnn.evaluation.scoring import ScoredViews

__all__ = ["draw_all"]

_SCORE_BINS = 25
_SMALLEST_DENOMINATOR = 5


def draw_all(config: EvaluateConfig, scored: ScoredViews, metrics: Mapping[str, Any], folder: Path) -> list[str]:
    """Draw every picture as PNG into a folder.

    Returns:
        Names of the files.

    Raises:
        InputFileError: a history cannot be read.
    """
    import matplotlib as mpl
    import mplhep
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    with mpl.rc_context({**mplhep.style.CMS, "figure.figsize": (9, 8), "font.size": 20, "legend.fontsize": 16}):

        def save(figure: Figure, name: str) -> None:
            figure.savefig(folder / f"{name}.png", dpi=100, bbox_inches="tight")
            saved.append(f"{name}.png")

        if config.histories:
            save(_losses(config.histories), "loss")
        save(_roc(config, scored, metrics), "roc")
        for tagger in scored.scores:
            save(_scores(config, scored, tagger), f"score_{tagger}")
        for which in config.classes:
            if any(metrics["robustness"][tagger][which.name] for tagger in scored.scores):
                save(_distances(metrics, which, list(scored.scores)), f"wasserstein_{which.name}")
    return saved


def _losses(histories: Mapping[str, Path]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5 * len(histories) + 2))
    panels = np.atleast_1d(figure.subplots(len(histories), 1))
    for axes, (name, path) in zip(panels, histories.items(), strict=True):
        columns = _read_history(path)
        axes.plot(columns["epoch"], columns["loss"], color=COLOURS[0], marker="o", markersize=4, label="training")
        axes.plot(columns["epoch"], columns["val_loss"], color=COLOURS[2], linestyle="--", label="validation")
        axes.set_ylabel("Loss")
        axes.legend(title=name)
    panels[-1].set_xlabel("Epoch")
    return figure


def _read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in ("epoch", "loss", "val_loss")}
    except OSError as error:
        raise InputFileError(f"cannot read the history {path}: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise InputFileError(f"{path} is not the history of a training", got=repr(error)) from error


def _roc(config: EvaluateConfig, scored: ScoredViews, metrics: Mapping[str, Any]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    lowest = 1.0
    for colour, (tagger, score) in zip(COLOURS, scored.scores.items(), strict=False):
        signal, background = (
            score[scored.nominal[scored.in_class(which)]] for which in (config.signal, config.background)
        )
        roc = roc_curve(signal, background)
        shown = roc.background > 0
        lowest = min(lowest, float(roc.background[shown].min()))
        # Normal errors of a binomial rate; a band below one jet would only show the end of the sample.
        error = np.sqrt(roc.background * (1 - roc.background) / len(background))
        numbers = metrics["tagging"][tagger]
        label = f"{tagger}  (AUC {numbers['auc']:.3f} $\\pm$ {numbers['auc_error']:.3f})"
        style = "--" if tagger == "n2" else "-"
        axes.plot(roc.signal[shown], roc.background[shown], color=colour, linestyle=style, label=label)
        axes.fill_between(
            roc.signal[shown],
            np.maximum(roc.background - error, 1e-9)[shown],
            (roc.background + error)[shown],
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
    axes.set_yscale("log")
    axes.set_ylim(lowest / 2, 1.2)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"Signal efficiency ({config.signal.name})")
    axes.set_ylabel(f"Background efficiency ({config.background.name})")
    axes.legend(loc="best")
    return figure


def _scores(config: EvaluateConfig, scored: ScoredViews, tagger: str) -> Any:
    """Score of each class in every view, above the ratios to nominal, one column a class."""
    from matplotlib.figure import Figure

    score = scored.scores[tagger]
    figure = Figure(figsize=(8 * len(config.classes), 9))
    panels = figure.subplots(
        2, len(config.classes), sharex=True, squeeze=False, gridspec_kw={"height_ratios": [2, 1], "hspace": 0.06}
    )
    for (top, bottom), which in zip(panels.T, config.classes, strict=True):
        _draw_class(config, scored, which, score, top=top, bottom=bottom)
        bottom.set_xlabel(f"Score ({tagger})")
    panels[0, 0].set_ylabel("Fraction of jets")
    panels[1, 0].set_ylabel("Ratio to nominal")
    return figure


def _draw_class(
    config: EvaluateConfig,
    scored: ScoredViews,
    which: ClassConfig,
    score: NDArray[np.float64],
    *,
    top: Any,
    bottom: Any,
) -> None:
    """Each variation against nominal in the same events, with the error of the nominal fraction as a band."""
    edges = np.linspace(0.0, 1.0, _SCORE_BINS + 1)
    jets = scored.nominal[scored.in_class(which)]
    counts, _ = np.histogram(score[jets], edges)
    total = max(len(jets), 1)
    top.stairs(counts / total, edges, color="black", linewidth=2, label="nominal")
    relative = np.divide(np.sqrt(counts), counts, out=np.full(len(counts), np.nan), where=counts > 0)
    bottom.stairs(1 + relative, edges, baseline=1 - relative, fill=True, color="black", alpha=0.15, linewidth=0)
    top.stairs(
        counts / total * (1 + np.nan_to_num(relative)),  # an empty bin has no band
        edges,
        baseline=counts / total * (1 - np.nan_to_num(relative)),
        fill=True,
        color="black",
        alpha=0.15,
        linewidth=0,
    )
    for colour, variation in zip(COLOURS, compared_variations(config, scored), strict=False):
        nominal, varied = scored.pairs(which, variation.vartype)
        if len(nominal) == 0:
            continue
        below, _ = np.histogram(score[nominal], edges)
        above, _ = np.histogram(score[varied], edges)
        # The ratio of the same events; of fewer than a handful it would only show noise.
        ratio = np.divide(above, below, out=np.full(len(above), np.nan), where=below >= _SMALLEST_DENOMINATOR)
        top.stairs(above / len(varied), edges, color=colour, linewidth=1.5, label=variation.name)
        bottom.stairs(ratio, edges, color=colour, linewidth=1.5)
    top.set_yscale("log")
    top.legend(title=which.name, ncols=2, loc="upper center")
    low, high = top.get_ylim()
    top.set_ylim(low, high * 8)  # room for the legend
    bottom.axhline(1.0, color="black", linewidth=1)
    bottom.set_ylim(0.4, 1.6)
    bottom.set_xlim(0, 1)


def _distances(metrics: Mapping[str, Any], which: ClassConfig, taggers: Sequence[str]) -> Any:
    from matplotlib.figure import Figure

    variations = list(metrics["robustness"][taggers[0]][which.name])
    figure = Figure(figsize=(1.6 + 2.2 * len(variations), 7))
    axes = figure.subplots()
    width = 0.8 / len(taggers)
    for number, tagger in enumerate(taggers):
        shifts = [metrics["robustness"][tagger][which.name][variation] for variation in variations]
        axes.bar(
            np.arange(len(variations)) - 0.4 + width * (number + 0.5),
            [shift["wasserstein"] for shift in shifts],
            width,
            yerr=[shift["wasserstein_error"] for shift in shifts],
            color=COLOURS[number % len(COLOURS)],
            error_kw={"capsize": 3, "elinewidth": 1.5},
            label=tagger,
        )
    axes.set_xticks(np.arange(len(variations)), variations)
    axes.minorticks_off()
    axes.set_ylabel("Wasserstein distance of the score")
    axes.legend(title=which.name)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    return figure
