"""Parameters, groups and the fitted variable in words."""

from __future__ import annotations

import re

from rs3l_gnn.conventions.wording import readable_variation
from rs3l_gnn.fits.templates.model import Templates

__all__ = ["readable_group", "readable_parameter", "readable_variable"]

_GROUPS = {"mc_stat": "finite simulation", "normalisation": "normalisations", "systematic": "all systematic"}


def readable_group(name: str) -> str:
    """A group of nuisances.

    >>> readable_group("mc_stat"), readable_group("shower")
    ('finite simulation', 'shower')
    """
    return _GROUPS.get(name, name)


def readable_variable(histogram: str) -> str:
    """The variable of a histogram of scores; other names stay.

    >>> readable_variable("score_rs3l"), readable_variable("m_jj")
    ('score of rs3l', 'm_jj')
    """
    return re.sub(r"^score_", "score of ", histogram)


def readable_parameter(name: str, templates: Templates) -> str:
    """A parameter of a model; names that its author chose stay."""
    if name == templates.poi:
        return "signal strength"
    free = {rate.name: rate.sample for rate in templates.free_rates}
    if name in free:
        return f"rate of {free[name]}"
    bin_of = re.fullmatch(r"staterror_(\w+)\[(\d+)\]", name)
    if bin_of:
        return f"simulation, {bin_of[1]}, bin {int(bin_of[2]) + 1}"
    nuisance = next((n for n in templates.nuisances if n.name == name), None)
    if nuisance is None or nuisance.source == "rate":
        return {"lumi": "luminosity"}.get(name, re.sub(r"^norm_", "rate of ", name))
    if name == nuisance.source:
        return readable_variation(name)
    # One nuisance for each sample, channel or year has these behind its source.
    behind = name.removeprefix(f"{nuisance.source}_")
    return name if behind == name else f"{readable_variation(nuisance.source)}, {behind}"
