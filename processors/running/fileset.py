"""Filesets: read, resolved, checked, and turned into a plan for every data set."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import NOMINAL, ConfigError
from rs3l_gnn.data.dataset_variation import variation_of, with_record
from rs3l_gnn.data.fileset import (
    matches_any,
    nominal_of,
    parse_dataset,
    read_document,
    renamed_samples,
    sample_name,
)
from rs3l_gnn.processors.running.metadata import is_simulation

__all__ = ["PLAN_KEY", "Dataset", "Plan", "plan_of", "read_filesets", "require_joint"]

_EXTENSION = re.compile(r"(?P<base>.+?)[_-]?ext\d*")
PLAN_KEY = "rs3l_plan"


@dataclass(frozen=True)
class Plan:
    """Where the events of a data set go.

    Attributes:
        entry: name on the dataset axis; a re-simulated data set fills the entry of the one it re-simulates.
        variation: name on the variation axis.
        sample: name that enters the split by event.
        paired: True if the events of this data set are matched with those of a variation.
    """

    entry: str
    variation: str
    sample: str
    paired: bool


@dataclass(frozen=True)
class Dataset:
    """One entry of a fileset: files (path or URL -> name of the tree), metadata and plan."""

    name: str
    files: dict[str, str]
    metadata: dict[str, Any]
    plan: Plan

    def user_metadata(self) -> dict[str, Any]:
        """Metadata that travel with each chunk to the processor."""
        return {**self.metadata, PLAN_KEY: asdict(self.plan)}


def plan_of(dataset: str, metadata: Mapping[str, Any]) -> Plan:
    """The plan stored in the metadata of a chunk, or the one its metadata imply for a data set on its own."""
    stored = metadata.get(PLAN_KEY)
    if stored is not None:
        return Plan(**stored)
    entry = sample_name(dataset, metadata)
    return Plan(entry, variation_of(dataset, metadata).axis_name, entry, paired=False)


def read_filesets(
    paths: Sequence[Path],
    patterns: Sequence[str] | None = None,
    *,
    exclude: Sequence[str] = (),
    sample_names: Mapping[str, str] | None = None,
) -> dict[str, Dataset]:
    """Read filesets and find out which data set is the variation of which.

    Args:
        paths: JSON or YAML files in coffea's format; file names in them are relative to them, may hold wildcards,
            and may be URLs.
        patterns: data sets to keep, all if None; ``*`` is a wildcard.
        exclude: data sets to leave out of those.
        sample_names: other names of samples, old -> new.

    Raises:
        InputFileError: a fileset is missing or not readable, a file in it does not exist, or a wildcard finds none.
        ConfigError: two data sets with the same name or the same variation, or an unknown parent; one variation with
            two meanings; a name for a sample that is not there.
    """
    raw: dict[str, tuple[Path, Any]] = {}
    for path in paths:
        for name, entry in read_document(Path(path)).items():
            if name in raw:
                raise ConfigError(f"data set {name!r} is in {raw[name][0]} and again in {path}")
            raw[name] = (Path(path), entry)
    kept = {
        name: entry
        for name, entry in raw.items()
        if (patterns is None or matches_any(name, patterns)) and not matches_any(name, exclude)
    }
    if not kept:
        wanted = ", ".join(patterns) if patterns is not None else "all"
        got = f"{wanted} without {', '.join(exclude)}" if exclude else wanted
        raise ConfigError("no data set is left", got=got, allowed=list(raw))
    parsed = {name: parse_dataset(name, path, entry) for name, (path, entry) in kept.items()}
    named = renamed_samples({name: meta for name, (_, meta) in parsed.items()}, sample_names or {})
    metadata = {name: with_record(name, named[name], files) for name, (files, _) in parsed.items()}
    plans = _plans(metadata, left_out=raw.keys() - kept.keys())
    require_joint(metadata, plans)
    _refuse_hidden_extensions(metadata)
    return {name: Dataset(name, files, metadata[name], plans[name]) for name, (files, _) in parsed.items()}


def require_joint(metadata: Mapping[str, Mapping[str, Any]], plans: Mapping[str, Plan]) -> None:
    """Data sets that fill the same entry must be parts of one sample, since they get one normalisation.

    Raises:
        ConfigError: one is data and another simulation, or their cross-sections differ.
    """
    first: dict[tuple[str, str], str] = {}
    for name, plan in plans.items():
        other = first.setdefault((plan.entry, plan.variation), name)
        both = [
            (is_simulation(metadata[one]), metadata[one].get("xsec") if is_simulation(metadata[one]) else None)
            for one in (other, name)
        ]
        if both[0] != both[1]:
            words = [f"{'simulation' if simulated else 'data'} with xsec {xsec}" for simulated, xsec in both]
            raise ConfigError(
                f"data sets {other!r} and {name!r} of the sample {plan.entry!r} cannot be normalised together",
                got=" and ".join(words),
                hint="give them samples of their own; a process may have many",
            )


def _refuse_hidden_extensions(metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """``tt`` and ``tt_ext1`` are one sample; normalised each on its own they would count twice."""
    found: dict[str, str] = {}
    for name, meta in metadata.items():
        if meta.get("sample") or meta.get("xsec") is None or not is_simulation(meta):
            continue
        extension = _EXTENSION.fullmatch(name)
        other = found.setdefault(extension["base"] if extension else name, name)
        if other != name:
            raise ConfigError(
                f"data sets {other!r} and {name!r} look like a sample and its extension",
                hint="give both the same sample in their metadata, to be normalised together, or different ones",
            )


def _require_one_meaning(metadata: Mapping[str, Mapping[str, Any]]) -> None:
    """One name at two places of the axis would be two nuisance parameters."""
    first: dict[str, tuple[str, str]] = {}
    for dataset, meta in metadata.items():
        variation = variation_of(dataset, meta)
        other, axis_name = first.setdefault(variation.name, (dataset, variation.axis_name))
        if axis_name != variation.axis_name:
            raise ConfigError(
                f"data sets {other!r} and {dataset!r} mean different things by the variation {variation.name!r}",
                got=f"{axis_name} and {variation.axis_name}",
                hint="give both the same variation_record in their metadata, or different names",
            )


def _plans(metadata: dict[str, dict[str, Any]], *, left_out: Collection[str]) -> dict[str, Plan]:
    parents = {name: nominal_of(name, meta, metadata, left_out) for name, meta in metadata.items()}
    _require_one_meaning(metadata)
    plans: dict[str, Plan] = {}
    filled: dict[tuple[str, str], str] = {}
    for name, meta in metadata.items():
        parent = parents[name]
        variation = variation_of(name, meta).axis_name
        if parent is not None and not is_simulation(meta):
            raise ConfigError(f"data set {name!r} re-simulates {parent!r} and says isMC: false")
        if parent is not None and variation == NOMINAL.name:
            raise ConfigError(f"data set {name!r} re-simulates {parent!r} and says variation nominal")
        if parent is None and variation != NOMINAL.name:
            raise ConfigError(
                f"data set {name!r} is a variation ({variation}) of nothing",
                hint="name the nominal data set in its metadata as resimulated_of",
            )
        top = parent or name
        sample = sample_name(top, metadata[top])
        # Two nominal data sets of one sample (two periods, say) share an entry; two copies of a variation do not.
        key = (top, variation)
        if key in filled:
            raise ConfigError(f"data sets {filled[key]!r} and {name!r} are both {variation} of {top!r}")
        filled[key] = name
        paired = parent is not None or name in parents.values()
        plans[name] = Plan(sample, variation, str(meta.get("sample") or sample), paired)
    return plans
