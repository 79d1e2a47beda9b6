"""Templates as files for pyhf, cabinetry and Combine."""

from collections.abc import Callable
from pathlib import Path

from rs3l_gnn.fits.templates.model import Templates
from rs3l_gnn.fits.writers.cabinetry import cabinetry_config, write_cabinetry
from rs3l_gnn.fits.writers.combine import combine_card, write_card
from rs3l_gnn.fits.writers.pyhf import pyhf_workspace, write_workspace
from rs3l_gnn.fits.writers.root import write_shapes

__all__ = ["WRITERS", "cabinetry_config", "combine_card", "pyhf_workspace", "write_model"]

WRITERS: dict[str, Callable[[Path, Templates], None]] = {
    "workspace.json": write_workspace,
    "shapes.root": write_shapes,
    "cabinetry.yaml": write_cabinetry,
    "card.txt": write_card,
}
"""File -> what writes it."""


def write_model(folder: Path, templates: Templates) -> None:
    """Write the model in all formats into a folder that exists; the card and cabinetry's file name ``shapes.root``."""
    for name, write in WRITERS.items():
        write(folder / name, templates)
