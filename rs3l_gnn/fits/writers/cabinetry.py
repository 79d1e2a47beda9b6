"""Templates as a cabinetry configuration that reads the same ROOT file as Combine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.fits.templates.model import Templates
from rs3l_gnn.fits.writers.pyhf import MEASUREMENT
from rs3l_gnn.fits.writers.root import DATA

__all__ = ["cabinetry_config", "write_cabinetry"]

_Kind = tuple[float, float] | None
"""Factors up and down of a pure rate, None for a shape."""
_Effects = dict[_Kind, dict[str, list[str]]]
"""Samples by channel, for each kind of effect of a nuisance."""


def cabinetry_config(
    templates: Templates, *, shapes: str = "shapes.root", folder: str = "histograms"
) -> dict[str, Any]:
    """Write the model for cabinetry.

    Args:
        templates: the model.
        shapes: path of the ROOT file as cabinetry will open it.
        folder: where cabinetry keeps its copies of the templates.

    Returns:
        A document that cabinetry's schema accepts. ``cabinetry.templates.collect``, ``postprocess`` and
        ``workspace.build`` make the workspace of :func:`rs3l_gnn.fits.pyhf_workspace` from it.
    """
    names = [channel.name for channel in templates.channels]
    samples: list[dict[str, Any]] = [{"Name": "data", "SamplePath": DATA, "Data": True}]
    for name in templates.sample_names:
        where = tuple(channel.name for channel in templates.channels if channel.sample(name))
        entry: dict[str, Any] = {"Name": name, "SamplePath": name}
        if len(where) < len(names):
            entry["Regions"] = list(where)
        if not any(sample.mc_stat for channel in templates.channels if (sample := channel.sample(name))):
            entry["DisableStaterror"] = True
        samples.append(entry)
    factors = [
        {
            "Name": templates.poi,
            "Samples": list(templates.signal),
            "Nominal": 1.0,
            "Bounds": list(templates.poi_bounds),
        }
    ]
    factors += [
        {"Name": rate.name, "Samples": [rate.sample], "Nominal": 1.0, "Bounds": list(rate.bounds)}
        for rate in templates.free_rates
    ]
    return {
        "General": {
            "Measurement": MEASUREMENT,
            "POI": templates.poi,
            "InputPath": f"{shapes}:{{RegionPath}}/{{SamplePath}}{{VariationPath}}",
            "HistogramFolder": folder,
            "VariationPath": "",
        },
        "Regions": [{"Name": name, "RegionPath": name} for name in names],
        "Samples": samples,
        "NormFactors": factors,
        "Systematics": [
            entry for nuisance, acting in _effects(templates).items() for entry in _systematic(nuisance, acting)
        ],
    }


def write_cabinetry(path: Path, templates: Templates, *, force: bool = False) -> None:
    """Write the configuration to a YAML file that lies beside ``shapes.root``."""
    text = yaml.safe_dump(cabinetry_config(templates), sort_keys=False)
    with atomic_file(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def _effects(templates: Templates) -> dict[str, _Effects]:
    found: dict[str, _Effects] = {nuisance.name: {} for nuisance in templates.nuisances}

    def note(nuisance: str, kind: _Kind, channel: str, sample: str) -> None:
        found[nuisance].setdefault(kind, {}).setdefault(channel, []).append(sample)

    for channel in templates.channels:
        for sample in channel.samples:
            for shift in sample.shifts:
                note(shift.nuisance, None if sample.has_shape(shift) else sample.rate(shift), channel.name, sample.name)
            for rate in sample.rates:
                note(rate.nuisance, (rate.up, rate.down), channel.name, sample.name)
    return found


def _systematic(nuisance: str, acting: _Effects) -> list[dict[str, Any]]:
    # A cabinetry entry acts on a product of regions and samples, so one nuisance may need several entries.
    entries: list[dict[str, Any]] = []
    for kind, where in acting.items():
        by_samples: dict[tuple[str, ...], list[str]] = {}
        for channel_name, sample_names in where.items():
            by_samples.setdefault(tuple(sample_names), []).append(channel_name)
        for sample_names_together, regions in by_samples.items():
            entries.append(_entry(nuisance, kind, regions, list(sample_names_together)))
    for number, entry in enumerate(entries[1:], start=2):
        entry["Name"] = f"{nuisance}_part{number}"
        entry["ModifierName"] = nuisance
    return entries


def _entry(nuisance: str, rates: _Kind, regions: list[str], samples: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"Name": nuisance}
    if rates is not None:
        up, down = rates
        entry |= {"Type": "Normalization", "Up": {"Normalization": up - 1}, "Down": {"Normalization": down - 1}}
    else:
        entry |= {
            "Type": "NormPlusShape",
            "Up": {"VariationPath": f"_{nuisance}Up"},
            "Down": {"VariationPath": f"_{nuisance}Down"},
        }
    return entry | {"Regions": regions, "Samples": samples}
