"""All figures of an evaluation, in the order of the report."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.conventions.plotting import draw_into
from rs3l_gnn.evaluation.config import BASELINE
from rs3l_gnn.evaluation.figures.curves import draw_curve, draw_curve_areas, draw_curve_distances, draw_table
from rs3l_gnn.evaluation.figures.gallery import Gallery
from rs3l_gnn.evaluation.figures.latent import draw_corner, draw_cosines
from rs3l_gnn.evaluation.figures.losses import draw_losses
from rs3l_gnn.evaluation.figures.performance import draw_rejections, draw_roc
from rs3l_gnn.evaluation.figures.profiles import draw_profiles, profiled
from rs3l_gnn.evaluation.figures.responses import SCALES, draw_responses, shown_estimators
from rs3l_gnn.evaluation.figures.robustness import draw_distances, draw_rate_changes
from rs3l_gnn.evaluation.figures.shapes import draw_scores
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.results import Metrics

__all__ = ["draw_all"]

_BANDS = "Bands and bars: 68 % of the replicas in which events and seeds vary; darker bands and dots: single trainings."


def draw_all(meter: Meter, metrics: Metrics, folder: Path) -> Gallery:
    """Draw every figure as PNG and PDF into a folder.

    Raises:
        InputFileError: a history cannot be read.
    """
    with draw_into(folder, meter.config.style) as figures:
        gallery = Gallery(figures)
        _headline(gallery, meter, metrics)
        _responses(gallery, meter, metrics)
        _curves_and_tables(gallery, meter, metrics)
        _latent(gallery, meter, metrics)
    return gallery


def _headline(gallery: Gallery, meter: Meter, metrics: Metrics) -> None:
    config = meter.config
    reference = config.reference_tagger
    if config.histories:
        gallery.hang(
            draw_losses(config.histories), "loss", section="Trainings", caption="Loss of the trainings, by epoch."
        )
    gallery.hang(
        draw_roc(meter, metrics),
        "roc",
        section="Performance",
        caption=f"ROC curves on the nominal test jets; below, ratios of 1/FPR to {reference}. {_BANDS}",
    )
    gallery.hang(
        draw_rejections(meter, metrics),
        "rejection",
        section="Performance",
        caption=f"Background rejection 1/FPR at fixed signal efficiencies; below, ratios to {reference}. {_BANDS}",
    )
    if not meter.variations:
        return
    for name in config.trainings:
        gallery.hang(
            draw_scores(meter, name),
            f"score_{name}",
            section="Robustness",
            caption=f"Score of {name} in the nominal simulation and in every variation, mean over the trainings; "
            "below, ratios to nominal in the same events. Grey: statistical error of nominal. The outermost bins hold "
            "the overflow.",
        )
    for which in config.classes:
        if not metrics.robustness[BASELINE][which.name]:
            continue
        gallery.hang(
            draw_distances(config, metrics, which),
            f"wasserstein_{which.name}",
            section="Robustness",
            caption=f"Wasserstein distance between the scores of nominal and varied views of {which.name} jets, on the "
            "scale of the score and on the scale that all taggers share. Black lines: what "
            "statistics alone makes, the mean distance if the two views of each event change places at random.",
        )
        gallery.hang(
            draw_rate_changes(config, metrics, which),
            f"rates_{which.name}",
            section="Robustness",
            caption=f"Relative change of the share of {which.name} jets that pass, at thresholds from nominal "
            f"{config.signal.name} jets.",
        )


def _responses(gallery: Gallery, meter: Meter, metrics: Metrics) -> None:
    results = metrics.responses
    for which in meter.config.classes if results.responses else ():
        if shown_estimators(results, which, SCALES):
            gallery.hang(
                draw_responses(meter.config, results, which),
                f"responses_{which.name}",
                section="Responses",
                caption=f"Response of the share of {which.name} jets that pass to the scales of the shower, by "
                "re-showering and by shower weights on the same jets; below, differences with errors of paired events. "
                "Open points: no error is known.",
            )
        if shown_estimators(results, which, ("generator",)):
            gallery.hang(
                draw_responses(meter.config, results, which, ("generator",)),
                f"generators_{which.name}",
                section="Responses",
                caption=f"The same share of {which.name} jets under another generator.",
            )
        for name in profiled(results, which):
            words = results.response_estimators[name].words
            gallery.hang(
                draw_profiles(meter.config, results, which, name),
                f"profile_{which.name}_{name}",
                section="Responses",
                caption=f"Which {which.name} jets make the response to {words}: in bins of each observable, what jets "
                "add that move between bins where more or fewer pass (above), and jets that pass otherwise in their "
                "bin (below). All points of a tagger in one column sum to its response. Open points: no error is "
                "known.",
            )


def _curves_and_tables(gallery: Gallery, meter: Meter, metrics: Metrics) -> None:
    for name, curve in meter.config.curves.items():
        numbers = metrics.curves[name]
        caption = f"{curve.caption} {_BANDS}".strip()
        if curve.extrapolate_to is not None:
            caption += " Dashed: extrapolation by a power law fitted to the points, with its 68 % band."
        gallery.hang(draw_curve(meter, curve, numbers), f"curve_{name}", section=f"Curve: {name}", caption=caption)
        gallery.hang(
            draw_curve_areas(curve, numbers),
            f"curve_{name}_auc",
            section=f"Curve: {name}",
            caption="The area above the ROC curve of the same trainings.",
        )
        if any(point.wasserstein for points in numbers.lines.values() for point in points):
            gallery.hang(
                draw_curve_distances(meter, curve, numbers),
                f"curve_{name}_wasserstein",
                section=f"Curve: {name}",
                caption="Wasserstein distance of the score, mean over all variations but seed.",
            )
    for name, table in meter.config.tables.items():
        gallery.hang(
            draw_table(metrics.tables[name]),
            f"table_{name}",
            section=f"Table: {name}",
            caption=f"1/FPR of every row with 68 % intervals; dots: single trainings; grey: {table.reference}.",
        )


def _latent(gallery: Gallery, meter: Meter, metrics: Metrics) -> None:
    for name, numbers in metrics.latent.items():
        gallery.hang(
            draw_corner(meter.config, meter.scored, name),
            f"latent_{name}",
            section="Latent space",
            caption=f"Directions of the embeddings of {name} (its first training): leading principal components with "
            "their share of the variance. Contours hold 50 and 90 % of a class.",
        )
        if numbers.jet_types:
            gallery.hang(
                draw_cosines(name, numbers),
                f"cosine_{name}",
                section="Latent space",
                caption=f"Mean cosine similarity between the embeddings of {name} of two jets, by jet type (number of "
                "jets in brackets).",
            )
