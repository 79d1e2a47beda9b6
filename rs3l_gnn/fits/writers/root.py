"""Templates as ROOT histograms, one directory a channel; Combine and cabinetry read the same file."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates.model import ChannelTemplates, Templates

__all__ = ["DATA", "write_shapes"]

DATA = "data_obs"
"""Combine's name for the data."""


def write_shapes(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write ``<channel>/<sample>``, ``<channel>/<sample>_<nuisance>Up`` and ``Down``, and ``<channel>/data_obs``.

    Histograms are TH1D with the channel's edges and, as errors, the statistical errors of the simulation.
    """
    import uproot

    from rs3l_gnn.fits.writers.stamps import Stamp

    # In memory first: uproot returns to the head of the file after every histogram.
    content_of_file = BytesIO()
    with uproot.recreate(content_of_file, compression=None) as file:
        for channel in templates.channels:
            content = list(_content(channel))
            # Room for the whole list of keys, which would otherwise be moved again and again as it grows.
            room = sum(80 + 2 * len(name) for name, _, _ in content)
            folder = file.mkdir(channel.name, initial_directory_bytes=room)
            stamp = Stamp(channel.edges)
            folder.update((name, stamp(name, values, variances)) for name, values, variances in content)
        finished = content_of_file.getvalue()
    with atomic_file(path, force=force) as partial:
        partial.write_bytes(finished)


def _content(
    channel: ChannelTemplates,
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    yield DATA, channel.data, channel.data
    for sample in channel.samples:
        # Combine's autoMCStats takes every error it finds, so a sample without statistical nuisances has none.
        variances = sample.variances if sample.mc_stat else np.zeros_like(sample.variances)
        yield sample.name, sample.values, variances
        for shift in sample.shifts:
            yield f"{sample.name}_{shift.nuisance}Up", shift.up, variances
            yield f"{sample.name}_{shift.nuisance}Down", shift.down, variances
