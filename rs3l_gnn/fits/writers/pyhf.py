"""Templates as a pyhf workspace (HistFactory JSON, schema 1.0.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

__all__ = ["MEASUREMENT", "pyhf_workspace", "write_workspace"]

MEASUREMENT = "signal_strength"
_START = 0.03
"""Where minimisers start, in statistical errors of the simulation away from nominal; see ``_starts``."""


def pyhf_workspace(templates: Templates) -> dict[str, Any]:
    """Write the model as a workspace.

    A variation is split into a rate (``normsys``) and a shape at the nominal total (``histosys``) of the same name,
    because a rate hidden in a ``histosys`` interpolates linearly and becomes wrong, even negative, beyond +-1 sigma.
    A single bin and a flat change have a rate alone. Statistical errors of the simulation are ``staterror``, absolute.

    Factors of single bins start 3 % of their width beside 1, so that Minuit finds the right errors by its defaults.

    Returns:
        A document that ``pyhf.Workspace`` validates.
    """
    free = {rate.sample: rate for rate in templates.free_rates}
    channels = []
    for channel in templates.channels:
        samples = []
        for sample in channel.samples:
            modifiers = _modifiers(channel, sample)
            if sample.name in templates.signal:
                modifiers.append({"name": templates.poi, "type": "normfactor", "data": None})
            if sample.name in free:
                modifiers.append({"name": free[sample.name].name, "type": "normfactor", "data": None})
            samples.append({"name": sample.name, "data": sample.values.tolist(), "modifiers": modifiers})
        channels.append({"name": channel.name, "samples": samples})
    return {
        "channels": channels,
        "observations": [{"name": channel.name, "data": channel.data.tolist()} for channel in templates.channels],
        "measurements": [{"name": MEASUREMENT, "config": {"poi": templates.poi, "parameters": _parameters(templates)}}],
        "version": "1.0.0",
    }


def write_workspace(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write the workspace to a JSON file."""
    # Compact: a large model has millions of numbers.
    text = json.dumps(pyhf_workspace(templates), allow_nan=False)
    with atomic_file(path, force=force) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _parameters(templates: Templates) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [{"name": templates.poi, "inits": [1.0], "bounds": [list(templates.poi_bounds)]}]
    parameters += [{"name": rate.name, "inits": [1.0], "bounds": [list(rate.bounds)]} for rate in templates.free_rates]
    return parameters + [
        {"name": _staterror(channel), "inits": _starts(channel).tolist()}
        for channel in templates.channels
        if any(sample.mc_stat for sample in channel.samples)
    ]


def _starts(channel: ChannelTemplates) -> NDArray[np.float64]:
    # On Asimov data, a minimiser that starts at nominal starts at the minimum and never moves. Minuit then takes second
    # derivatives with the steps of its first gradient, 1e-4 standard deviations, over which -2 ln L of 20,000 events in
    # a bin changes by its last digits, and finds errors that are wrong by tens of percent. Once it has moved, its steps
    # are wide enough.
    parts = [sample for sample in channel.samples if sample.mc_stat]
    total = np.sum([sample.values for sample in parts], axis=0)
    error = np.sqrt(np.sum([sample.variances for sample in parts], axis=0))
    width = np.divide(error, total, out=np.zeros_like(error), where=total > 0)
    return np.asarray(1 + _START * np.minimum(width, 1) * np.where(np.arange(channel.n_bins) % 2, 1, -1))


def _staterror(channel: ChannelTemplates) -> str:
    return f"staterror_{channel.name}"


def _modifiers(channel: ChannelTemplates, sample: SampleTemplates) -> list[dict[str, Any]]:
    modifiers: list[dict[str, Any]] = []
    if sample.mc_stat:
        errors = (sample.variances**0.5).tolist()
        modifiers.append({"name": _staterror(channel), "type": "staterror", "data": errors})
    modifiers += [
        {"name": rate.nuisance, "type": "normsys", "data": {"hi": rate.up, "lo": rate.down}} for rate in sample.rates
    ]
    for shift in sample.shifts:
        up, down = sample.rate(shift)
        modifiers.append({"name": shift.nuisance, "type": "normsys", "data": {"hi": up, "lo": down}})
        if sample.has_shape(shift):
            up_shape, down_shape = sample.shape(shift)
            shape = {"hi_data": up_shape.tolist(), "lo_data": down_shape.tolist()}
            modifiers.append({"name": shift.nuisance, "type": "histosys", "data": shape})
    return modifiers
