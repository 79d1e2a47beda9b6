"""Templates as files for pyhf, cabinetry and Combine, and as histograms."""

from collections.abc import Callable, Sequence
from pathlib import Path

from rs3l_gnn.fits.templates.model import Templates
from rs3l_gnn.fits.writers.cabinetry import cabinetry_config, write_cabinetry
from rs3l_gnn.fits.writers.combine import combine_card, write_card
from rs3l_gnn.fits.writers.histograms import template_histograms, write_templates
from rs3l_gnn.fits.writers.pyhf import pyhf_workspace, write_workspace
from rs3l_gnn.fits.writers.root import write_shapes

__all__ = ["WRITERS", "cabinetry_config", "combine_card", "pyhf_workspace", "template_histograms", "write_model"]

WRITERS: dict[str, Callable[[Path, Templates], None]] = {
    "workspace.json": write_workspace,
    "shapes.root": write_shapes,
    "cabinetry.yaml": write_cabinetry,
    "card.txt": write_card,
}
"""File -> what writes it."""


def write_model(folder: Path, templates: Templates, *, template_formats: Sequence[str] = ("json",)) -> None:
    """Write the model in all formats into a folder that exists; the card and cabinetry's file name ``shapes.root``.

    Args:
        folder: where to.
        templates: the model.
        template_formats: endings of the files ``templates.<ending>`` with histograms.
    """
    for name, write in WRITERS.items():
        write(folder / name, templates)
    for ending in template_formats:
        write_templates(folder / f"templates.{ending}", templates)
