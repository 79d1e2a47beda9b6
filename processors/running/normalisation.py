"""What the weights of each data set are multiplied by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from rs3l_gnn.conventions import ConfigError, InvalidDataError
from rs3l_gnn.processors.generated import generated_sumw
from rs3l_gnn.processors.running.fileset import Plan, require_joint
from rs3l_gnn.processors.running.metadata import is_simulation

__all__ = ["Normalisation", "normalisations"]

_SAME_SUMW = 1e-4  # relative; people write a sum of weights with some digits


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of one data set.

    Attributes:
        scale: factor on its weights.
        sumw: sum of the generator weights of all its events before any skim and split.
        source: where ``sumw`` is from: the metadata, the tree Runs of its files, or the events that were read.
        share: of the generator weights on the wanted side of the split, over all data sets that fill the same entry.
    """

    scale: float
    sumw: float
    source: Literal["metadata", "runs", "counted"]
    share: float


def normalisations(
    parts: Mapping[str, Any],
    plans: Mapping[str, Plan],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    is_split: bool,
    trust_metadata: bool,
) -> dict[str, Normalisation]:
    """Factors that make weights to cross-sections in pb.

    Data sets of one sample and variation (a sample and its extension) share one normalisation, the cross-section over
    the sum of all their weights. A split keeps a share of the weights, which is measured and not taken from the
    configuration. Data keep weight 1. Simulation without a cross-section is only corrected for the share.

    Args:
        parts: data set -> added-up results of :meth:`TaggingProcessor.process`.
        plans: of the data sets.
        metadata: of the data sets.
        is_split: True if simulation was kept on one side of the split only.
        trust_metadata: False after a run over a part of the files, for which the metadata's sum is not right.

    Raises:
        ConfigError: data sets that fill one entry disagree, or the metadata contradict the files.
        InvalidDataError: the weights add up to nothing.
    """
    require_joint(metadata, plans)
    groups: dict[tuple[str, str], list[str]] = {}
    for name, plan in plans.items():
        groups.setdefault((plan.entry, plan.variation), []).append(name)
    out: dict[str, Normalisation] = {}
    for members in groups.values():
        sums = {name: _sumw(name, parts[name], metadata[name], trust_metadata=trust_metadata) for name in members}
        first = metadata[members[0]]
        share = _share(members, parts) if is_split and is_simulation(first) else 1.0
        scale = _scale(members, first, parts, sum(sumw for sumw, _ in sums.values()), share)
        out |= {name: Normalisation(scale, *sums[name], share) for name in members}
    return out


def _scale(
    members: list[str], metadata: Mapping[str, Any], parts: Mapping[str, Any], sumw: float, share: float
) -> float:
    if not is_simulation(metadata):
        return 1.0
    if share == 0 or not any(parts[name]["events"] for name in members):
        return 0.0  # no event was kept
    if metadata.get("xsec") is None:
        return 1.0 / share
    if not (np.isfinite(sumw) and sumw != 0):
        named = ", ".join(map(repr, members))
        raise InvalidDataError(f"the weights of data set {named} add up to nothing usable", got=sumw)
    return float(metadata["xsec"]) / sumw / share


def _share(members: list[str], parts: Mapping[str, Any]) -> float:
    """Share of the generator weights on the wanted side; 0 without an event there."""
    if not any(parts[name]["cutflow"]["events"]["split"] for name in members):
        return 0.0
    total, kept = np.sum([parts[name]["sumw"].values() for name in members], axis=0)
    share = float(np.divide(kept, total, out=np.full((), np.nan), where=total != 0))
    if not share > 0:
        named = ", ".join(map(repr, members))
        raise InvalidDataError(
            f"the weights of data set {named} on the wanted side of the split cannot be scaled up to all", got=share
        )
    return share


def _sumw(
    name: str, part: Mapping[str, Any], metadata: Mapping[str, Any], *, trust_metadata: bool
) -> tuple[float, Literal["metadata", "runs", "counted"]]:
    counted = float(part["sumw"].values()[0])
    if not is_simulation(metadata):
        return counted, "counted"
    runs = generated_sumw(part["generated"], part["events_of_file"])
    stated = metadata.get("sumw") if trust_metadata else None
    if runs is not None:
        if stated is not None and abs(float(stated) - runs) > _SAME_SUMW * abs(runs):
            raise ConfigError(
                f"the metadata of data set {name!r} contradict the trees Runs of its files about the sum of weights",
                got=f"sumw {stated}",
                allowed=runs,
                hint="leave sumw out, or list all files that it is the sum of",
            )
        return runs, "runs"
    return (counted, "counted") if stated is None else (float(stated), "metadata")
