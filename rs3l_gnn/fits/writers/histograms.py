"""Templates as ``hist`` histograms, in files that need nothing of this package: UHI JSON, UHI zip, and coffea."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, atomic_file
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

if TYPE_CHECKING:
    import hist

__all__ = ["TEMPLATE_FORMATS", "template_histograms", "write_templates"]


def template_histograms(templates: Templates) -> dict[str, hist.Hist[Any]]:
    """Histograms by name: ``<channel>`` with the axes process, variation and variable, and ``data/<channel>``.

    Entries of the axis ``variation`` are ``nominal`` and ``<nuisance>Up`` and ``Down`` of every nuisance that acts in
    the channel, rates included. A sample on which one does not act has its nominal content there, so that sums over
    samples are right in every variation. Contents are expected events, variances those of the simulation (zero where
    the model has none), and Poisson's for the data.
    """
    import hist

    made: dict[str, hist.Hist[Any]] = {}
    for channel in templates.channels:
        names = _nuisances(channel)
        variations = [NOMINAL.name, *(f"{name}{side}" for name in names for side in ("Up", "Down"))]
        variable = hist.axis.Variable(channel.edges, name=templates.variable, flow=False)
        found: hist.Hist[Any] = hist.Hist(
            hist.axis.StrCategory([sample.name for sample in channel.samples], name="process", overflow=False),
            hist.axis.StrCategory(variations, name="variation", overflow=False),
            variable,
            storage=hist.storage.Weight(),
        )
        values = np.asarray(
            [[sample.values, *(side for name in names for side in _sides(sample, name))] for sample in channel.samples]
        )
        variances = np.asarray([np.where(sample.mc_stat, sample.variances, 0.0) for sample in channel.samples])
        found[...] = np.stack([values, np.broadcast_to(variances[:, None, :], values.shape)], axis=-1)
        made[channel.name] = found
        data: hist.Hist[Any] = hist.Hist(variable, storage=hist.storage.Weight())
        data[...] = np.stack([channel.data, channel.data], axis=-1)
        made[f"data/{channel.name}"] = data
    return made


def write_templates(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write :func:`template_histograms` in the format that the ending names: ``json``, ``zip`` or ``coffea``."""
    write = TEMPLATE_FORMATS[path.suffix.removeprefix(".")]
    with atomic_file(path, force=force) as partial:
        write(partial, template_histograms(templates))


def _write_json(path: Path, histograms: Mapping[str, Any]) -> None:
    from uhi.io.json import default

    path.write_text(json.dumps(histograms, default=default, allow_nan=False) + "\n", encoding="utf-8")


def _write_zip(path: Path, histograms: Mapping[str, Any]) -> None:
    import uhi.io.zip

    with zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, histogram in histograms.items():
            uhi.io.zip.write(archive, name, histogram)


def _write_coffea(path: Path, histograms: Mapping[str, Any]) -> None:
    from coffea.util import save

    save(dict(histograms), str(path))


TEMPLATE_FORMATS: dict[str, Callable[[Path, Mapping[str, Any]], None]] = {
    "json": _write_json,
    "zip": _write_zip,
    "coffea": _write_coffea,
}
"""Ending of the file -> what writes it."""


def _nuisances(channel: ChannelTemplates) -> list[str]:
    acting = [shift.nuisance for sample in channel.samples for shift in sample.shifts]
    acting += [rate.nuisance for sample in channel.samples for rate in sample.rates]
    return list(dict.fromkeys(acting))


def _sides(sample: SampleTemplates, nuisance: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Content at +1 and -1 standard deviation."""
    for shift in sample.shifts:
        if shift.nuisance == nuisance:
            return shift.up, shift.down
    for rate in sample.rates:
        if rate.nuisance == nuisance:
            return sample.values * rate.up, sample.values * rate.down
    return sample.values, sample.values
