"""Event weights: the generator's, shower weights with their direction, and corrections from correctionlib."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, MissingBranchError
from rs3l_gnn.data import event_weights as stored_weights
from rs3l_gnn.data.event_format import find_branch
from rs3l_gnn.data.event_tables import entry_columns
from rs3l_gnn.processors.corrections import evaluator
from rs3l_gnn.processors.running.metadata import flag, is_simulation
from rs3l_gnn.processors.systematics_config import SystematicsConfig, WeightCorrection

__all__ = [
    "ShowerWeight",
    "branch",
    "correction_branches",
    "event_weights",
    "generator_weight",
    "shower_weight_order",
    "shower_weights",
    "weight_names",
]

_FACTOR = re.compile(r"(?P<source>[if]sr):muRfac=(?P<factor>[0-9.eE+-]+)")
# The sets of scales of CMS, as in the names of re-simulated variations: fsrRed, fsrDef, fsrCon.
_SETS: dict[str, float] = {"Red": 2**0.5, "Def": 2.0, "Con": 4.0}
_SKIPPED = ("nominal", "baseline", "-")
_NAMED = re.compile(r"(?P<source>[if]sr)_?(?P<direction>up|down)", re.IGNORECASE)


@dataclass(frozen=True)
class ShowerWeight:
    """One entry of PSWeight.

    Attributes:
        name: entry on the variation axis, such as ``psISRUp``; ``psISRRedUp`` and ``psISRConUp`` for factors of sqrt(2)
            and 4.
        index: place in PSWeight.
        parameter: what was varied.
        factor: its value relative to nominal, None where the file gives a direction only.
        scale_set: Red, Def or Con by the factor; Def for any other and for a direction.
    """

    name: str
    index: int
    parameter: str
    factor: float | None
    scale_set: str

    def record(self) -> dict[str, Any]:
        """What the output stores."""
        return {
            "kind": "weight",
            "axis_name": self.name,
            "branch": "PSWeight",
            "index": self.index,
            "parameter": self.parameter,
            "factor": self.factor,
        }


def shower_weights(order: Sequence[str], *, where: str) -> tuple[ShowerWeight, ...]:
    """Give the entries of PSWeight their names.

    Up is a larger renormalisation scale, as everywhere in this project, so a factor above 1 is Up. Sources disagree on
    this; nothing is ever taken from the position alone.

    Args:
        order: meaning of each entry: ``isr:muRfac=2.0`` or ``isrUp`` (``fsr`` likewise); ``nominal`` and ``-`` are
            skipped, and what varies both at once.
        where: names the file or key in messages.

    Raises:
        ConfigError: an entry that cannot be read, or two entries with the same meaning.
    """
    found: dict[str, ShowerWeight] = {}
    for index, text in enumerate(order):
        if text.lower() in _SKIPPED or _varies_both(text):
            continue
        by_factor, by_name = _FACTOR.fullmatch(text), _NAMED.fullmatch(text)
        if by_factor:
            factor = float(by_factor["factor"])
            if not (factor > 0 and factor != 1):
                raise ConfigError(f"PSWeight entry {index} in {where} varies nothing", got=repr(text))
            source, direction, value = by_factor["source"], "Up" if factor > 1 else "Down", factor
        elif by_name:
            source, direction, value = by_name["source"].lower(), by_name["direction"].capitalize(), None
        else:
            raise ConfigError(
                f"PSWeight entry {index} in {where} is unknown",
                got=repr(text),
                allowed="isr:muRfac=2, fsrDown, nominal",
            )
        scale_set = _scale_set(value)
        name = f"ps{source.upper()}{'' if scale_set == 'Def' else scale_set}{direction}"
        if name in found:
            raise ConfigError(f"PSWeight entries {found[name].index} and {index} in {where} are both {name}")
        found[name] = ShowerWeight(name, index, f"{source}:muRfac", value, scale_set)
    return tuple(found.values())


def _varies_both(text: str) -> bool:
    """True for both scales at once, which is neither ``psISR`` nor ``psFSR`` nor independent of them."""
    return len({found["source"] for found in map(_FACTOR.fullmatch, text.split()) if found}) == len(text.split()) == 2


def _scale_set(factor: float | None) -> str:
    """The set whose factor, or its inverse, agrees within 1 % (files say 1.414 for the square root of 2)."""
    away = 2.0 if factor is None else max(factor, 1 / factor)
    return next((name for name, value in _SETS.items() if abs(away / value - 1) < 0.01), "Def")


def weight_names(config: SystematicsConfig, metadata: Mapping[str, Any], dataset: str) -> dict[str, dict[str, Any]]:
    """Weight variations of a nominal data set: name on the axis -> record for the output."""
    if not is_simulation(metadata):
        return {}
    records = {weight.name: weight.record() for weight in _shower_weights_of(config, metadata, dataset)}
    for correction in config.weights:
        if correction.up is not None:
            for direction in ("Up", "Down"):
                name = correction.name + direction
                records[name] = {"kind": "weight", "axis_name": name, "correction": correction.correction}
                if correction.group is not None:
                    records[name]["group"] = correction.group
    return records


def generator_weight(events: ak.Array, metadata: Mapping[str, Any]) -> NDArray[np.float64]:
    """The generator's weight of each event, 1 where there is none, and for data, whatever the file holds [n_events]."""
    if not is_simulation(metadata):
        return np.ones(len(events))
    stored = stored_weights(events)
    return np.ones(len(events)) if stored is None else stored


def event_weights(
    events: ak.Array, config: SystematicsConfig, metadata: Mapping[str, Any], dataset: str, *, variations: bool
) -> dict[str, NDArray[np.float64]]:
    """Weights of each event, nominal first, by name on the variation axis [n_events] each.

    Args:
        events: the selected events.
        config: which weights to use.
        metadata: of the data set.
        dataset: its name, for messages.
        variations: False for a data set that is a variation itself.

    Raises:
        MissingBranchError: a branch that a weight needs is absent.
        InvalidDataError: PSWeight has another number of entries than its order says.
    """
    nominal = generator_weight(events, metadata)
    if not is_simulation(metadata):
        return {"nominal": nominal}
    factors = [(_correction(events, correction, correction.nominal), correction) for correction in config.weights]
    for factor, _ in factors:
        nominal = nominal * factor
    weights = {"nominal": nominal}
    if not variations:
        return weights
    for position, (_, correction) in enumerate(factors):
        if correction.up is None or correction.down is None:
            continue
        # Multiplied anew rather than divided out: a nominal factor may be 0.
        others = generator_weight(events, metadata)
        for other, (factor, _) in enumerate(factors):
            if other != position:
                others = others * factor
        weights[correction.name + "Up"] = others * _correction(events, correction, correction.up)
        weights[correction.name + "Down"] = others * _correction(events, correction, correction.down)
    entries = _shower_weights_of(config, metadata, dataset)
    if entries:
        columns = _ps_columns(events, shower_weight_order(config, metadata), dataset)
        weights |= {entry.name: nominal * columns[:, entry.index] for entry in entries}
    return weights


def shower_weight_order(config: SystematicsConfig, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Meaning of each entry of PSWeight: from the configuration, else from the files; empty where they are not used."""
    if not config.ps_weights or not flag(metadata, "shower_weights", default=True):
        return ()
    return config.ps_order if config.ps_order is not None else tuple(metadata.get("psweight_names") or ())


def correction_branches(corrections: Iterable[WeightCorrection]) -> set[str]:
    """Branches that corrections read."""
    return {argument.branch for correction in corrections for argument in correction.inputs if argument.branch}


def _shower_weights_of(
    config: SystematicsConfig, metadata: Mapping[str, Any], dataset: str
) -> tuple[ShowerWeight, ...]:
    where = "systematics.ps_order" if config.ps_order is not None else f"data set {dataset!r}"
    every = shower_weights(shower_weight_order(config, metadata), where=where)
    wanted = tuple(weight for weight in every if weight.scale_set in config.ps_sets)
    if every and not wanted:
        raise ConfigError(
            f"PSWeight in {where} has none of the sets in systematics.ps_sets",
            got=", ".join(config.ps_sets),
            allowed=sorted({weight.scale_set for weight in every}),
            hint="name one of them, or set systematics.ps_weights to false",
        )
    return wanted


def _ps_columns(events: ak.Array, order: Sequence[str], dataset: str) -> NDArray[np.float64]:
    if "PSWeight" not in events.fields:
        raise MissingBranchError(
            f"data set {dataset!r} lacks PSWeight",
            hint="say shower_weights: false in its metadata, or systematics.ps_weights: false for all data sets",
        )
    columns = entry_columns(
        events["PSWeight"],
        len(order),
        complaint=f"PSWeight of data set {dataset!r} has another length than its order ({', '.join(order)})",
        hint="mend systematics.ps_order, or say shower_weights: false in the metadata of the data set",
    )
    return columns.astype(np.float64)


def _correction(events: ak.Array, correction: WeightCorrection, direction: str) -> NDArray[np.float64]:
    arguments: list[Any] = []
    for argument in correction.inputs:
        if argument.branch is not None:
            arguments.append(branch(events, argument.branch))
        elif isinstance(argument.value, str):
            arguments.append(argument.value.replace("{direction}", direction))
        else:
            arguments.append(argument.value)
    if len(events) == 0:
        return np.ones(0)
    values = evaluator(Path(correction.file), correction.correction).evaluate(*arguments)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), (len(events),))


def branch(events: ak.Array, name: str) -> NDArray[np.float64]:
    """A branch with one number for each event, by its name in the file; coffea turns counters into lengths of lists.

    Raises:
        MissingBranchError: it is absent.
    """
    if name not in events.fields and name.startswith("n") and name[1:] in events.fields:
        return np.asarray(ak.num(events[name[1:]], axis=1), dtype=np.float64)
    return np.asarray(find_branch(events, name), dtype=np.float64)
