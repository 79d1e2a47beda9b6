"""Pictures of templates and of results."""

from pathlib import Path

from rs3l_gnn.conventions.plotting import draw_into
from rs3l_gnn.fits.likelihood.likelihood import Likelihood
from rs3l_gnn.fits.plots.results import draw_results
from rs3l_gnn.fits.plots.templates import draw_templates
from rs3l_gnn.fits.result import FitResult

__all__ = ["draw_fit"]


def draw_fit(folder: Path, result: FitResult, likelihood: Likelihood) -> list[str]:
    """Draw templates and results of a fit into a folder; the files with the folder's name before theirs."""
    with draw_into(folder, result.config.plot_style, result.config.plot_formats) as figures:
        draw_templates(figures, result.built.templates, likelihood, result.best)
        draw_results(figures, result)
    return [f"{folder.name}/{name}" for name in figures.files]
