"""Templates as a pyhf workspace (HistFactory JSON, schema 1.0.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates

__all__ = ["pyhf_workspace", "write_workspace"]

MEASUREMENT = "signal_strength"


def pyhf_workspace(templates: Templates) -> dict[str, Any]:
    """Write the model as a workspace.

    A variation is split into a rate (``normsys``) and a shape at the nominal total (``histosys``) of the same name,
    because a rate hidden in a ``histosys`` interpolates linearly and becomes wrong, even negative, beyond +-1 sigma.
    A single bin and a flat change have a rate alone. Statistical errors of the simulation are ``staterror``, absolute.

    Returns:
        A document that ``pyhf.Workspace`` validates.
    """
    free = {rate.sample: rate for rate in templates.free_rates}
    parameters: list[dict[str, Any]] = [{"name": templates.poi, "inits": [1.0], "bounds": [list(templates.poi_bounds)]}]
    parameters += [{"name": rate.name, "inits": [1.0], "bounds": [list(rate.bounds)]} for rate in templates.free_rates]
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
        "measurements": [{"name": MEASUREMENT, "config": {"poi": templates.poi, "parameters": parameters}}],
        "version": "1.0.0",
    }


def write_workspace(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write the workspace to a JSON file."""
    # Compact: a large model has millions of numbers.
    text = json.dumps(pyhf_workspace(templates), allow_nan=False)
    with atomic_file(path, force=force) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def _modifiers(channel: ChannelTemplates, sample: SampleTemplates) -> list[dict[str, Any]]:
    modifiers: list[dict[str, Any]] = []
    if sample.mc_stat:
        errors = (sample.variances**0.5).tolist()
        modifiers.append({"name": f"staterror_{channel.name}", "type": "staterror", "data": errors})
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
