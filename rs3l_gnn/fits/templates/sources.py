"""Which systematic sources a run offers, and how the configuration wants each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from rs3l_gnn.conventions import NOMINAL, VARIATIONS, FitError, UnknownVariationError
from rs3l_gnn.conventions.variation import side_of_name
from rs3l_gnn.fits.config.blocks import Correlate, OneSided, Smoothing, SystematicConfig
from rs3l_gnn.fits.config.fit import FitConfig
from rs3l_gnn.fits.templates.names import nuisance_name

__all__ = ["Source", "entry_on_axis", "find_sources", "group_of", "sides_on_axis"]

_SHOWER_STAGES = frozenset({"shower", "hadronisation", "generator"})
_OBJECTS = frozenset({"momentum", "candidates", "jets"})


@dataclass(frozen=True)
class Source:
    """One systematic source of the fit.

    Attributes:
        key: name on the variation axis, without Up or Down.
        name: name of the nuisance, with places for sample, channel and year in braces.
        correlate: one nuisance for each of these.
        up, down: entries on the variation axis, None where the run has no such side.
    """

    key: str
    name: str
    correlate: Correlate
    group: str
    up: str | None
    down: str | None
    one_sided: OneSided
    smooth: Smoothing
    config: SystematicConfig

    def acts_on(self, channel: str, sample: str) -> bool:
        """Whether the configuration lets it act there."""
        samples, channels = self.config.samples, self.config.channels
        return (samples is None or sample in samples) and (channels is None or channel in channels)

    def nuisance(self, channel: str, sample: str, year: str = "") -> str:
        """Name of the parameter that acts there."""
        places = {"source": self.key, "sample": sample, "channel": channel, "year": year}
        return nuisance_name(self.name, self.correlate, places)


def sides_on_axis(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Sort the entries of a variation axis into sources and sides; nominal and seed are no sources.

    ``fsrUp``, ``fsr_up`` and ``fsrup`` are all read as the upper side of ``fsr``; a name without a side is the only
    side of its own source.

    >>> sides_on_axis(["nominal", "seed", "fsrUp", "fsrDown", "jes_up", "mpiOff"])
    {'fsr': {'up': 'fsrUp', 'down': 'fsrDown'}, 'jes': {'up': 'jes_up'}, 'mpiOff': {'up': 'mpiOff'}}

    Raises:
        FitError: a source has one side twice.
    """
    found: dict[str, dict[str, str]] = {}
    for name in names:
        if name in (NOMINAL.name, "seed"):
            continue
        source, side = _side(name)
        if side in found.setdefault(source, {}):
            raise FitError(f"variation {source!r} has its {side} side twice: {found[source][side]} and {name}")
        found[source][side] = name
    return found


def _side(name: str) -> tuple[str, str]:
    said = side_of_name(name)
    if said is not None:
        return said[0], said[1].lower()
    # Histograms of other tools have such names, too.
    bare = next((side for side in ("up", "down") if name.endswith(side) and name != side), None)
    return (name, "up") if bare is None else (name.removesuffix(bare), bare)


def entry_on_axis(name: str, axis: Collection[str], records: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Entry of the variation axis that a configuration means: its name there, or that of the variation itself.

    Args:
        name: in the configuration.
        axis: entries of the variation axis.
        records: what the run says about each of them.

    >>> entry_on_axis("herwig", ["nominal", "herwigUp"], {})
    'herwigUp'
    """
    if name in axis:
        return name
    registered = VARIATIONS[name].axis_name if name in VARIATIONS else None
    own = (entry for entry, record in records.items() if record.get("name") == name)
    return next((entry for entry in (registered, *own) if entry in axis), None)


def group_of(source: str, records: Iterable[Mapping[str, Any]], groups: Mapping[str, Iterable[str]]) -> str:
    """Group of a source: from the configuration, else from what the run says about the variation, never from its name.

    A group that the run declares; else re-simulated showers and generator weights on the shower are ``shower``, jet and
    candidate calibrations are ``detector``, and everything else is ``other``.
    """
    for group, patterns in groups.items():
        if any(fnmatchcase(source, pattern) for pattern in patterns):
            return group
    records = list(records)
    declared = [str(record["group"]) for record in records if record.get("group")]
    if declared:
        return declared[0]
    if any(
        record.get("stage") in _SHOWER_STAGES or record.get("kind") == "shower" or record.get("branch") == "PSWeight"
        for record in records
    ):
        return "shower"
    detector = any(record.get("kind") in _OBJECTS or record.get("stage") == "detector" for record in records)
    return "detector" if detector else "other"


def find_sources(
    config: FitConfig,
    axis: Iterable[str],
    records: Mapping[str, Mapping[str, Any]],
    *,
    year: str = "",
    elsewhere: Collection[str] = (),
) -> tuple[Source, ...]:
    """Decide which sources enter the fit.

    Args:
        config: the fit.
        axis: entries of the variation axis.
        records: what the run says about each of them.
        year: period of the run, empty where there is only one.
        elsewhere: entries on the axis of other periods.

    Raises:
        UnknownVariationError: the configuration names a source that the run does not have.
        FitError: nominal is missing, or a side is and nothing says what to do about it.
    """
    axis = list(axis)
    if NOMINAL.name not in axis:
        raise FitError(
            "the variation axis has no entry nominal",
            got=", ".join(axis),
            hint="give its name there as reading.nominal",
        )
    offered = sides_on_axis(axis)
    known = set(offered) | set(sides_on_axis(elsewhere))
    for name, entry in config.systematics.items():
        if (entry.source or name) not in known:
            raise UnknownVariationError(
                f"systematics.{name}: the run has no variation {entry.source or name!r}", allowed=sorted(known)
            )
    # A pattern may match nothing; a plain name must be there, or it is misspelt.
    grouped = [source for sources in config.groups.values() for source in sources]
    sections = {name: getattr(config, name) for name in ("exclude", "correlate", "nuisance_names")} | {
        "groups": grouped
    }
    for section, named in sections.items():
        unknown = sorted(name for name in named if name not in known and not set("*?[") & set(name))
        if unknown:
            raise UnknownVariationError(
                f"{section} names sources that the run does not have: {', '.join(unknown)}", allowed=sorted(known)
            )
    wanted = dict(config.systematics)
    if config.auto_systematics:
        taken = {entry.source or name for name, entry in wanted.items()}
        taken |= {key for key in offered if any(fnmatchcase(key, pattern) for pattern in config.exclude)}
        wanted |= {key: SystematicConfig() for key in offered if key not in taken}
    return tuple(
        _source(name, entry, offered, config, records)
        for name, entry in wanted.items()
        if (entry.source or name) in offered and (entry.years is None or year in entry.years)
    )


def _source(
    name: str,
    entry: SystematicConfig,
    offered: Mapping[str, Mapping[str, str]],
    config: FitConfig,
    records: Mapping[str, Mapping[str, Any]],
) -> Source:
    key = entry.source or name
    sides = offered[key]
    one_sided = entry.one_sided or config.one_sided
    about = [records[side] for side in sides.values() if side in records]
    if len(sides) == 1 and one_sided == "error":
        present, other = next(iter(sides.values())), "down" if "up" in sides else "up"
        declared = any(record.get("two_sided", True) for record in about)
        reason = "although it is two-sided" if declared and about else "because it compares two models"
        raise FitError(
            f"source {key!r} has {present} but no {other} side, {reason if about else 'as far as the run tells'}",
            hint=f"set systematics.{name}.one_sided to symmetrize or nominal, or exclude it",
        )
    correlate = entry.correlate
    if correlate is None:
        correlate = _first(key, config.correlate) or ()
    return Source(
        key=key,
        name=entry.name or _first(key, config.nuisance_names) or name,
        correlate=correlate,
        group=entry.group or group_of(key, about, config.groups),
        up=sides.get("up"),
        down=sides.get("down"),
        one_sided=one_sided,
        smooth=entry.smooth or config.smooth,
        config=entry,
    )


def _first(source: str, patterns: Mapping[str, Any]) -> Any:
    return next((value for pattern, value in patterns.items() if fnmatchcase(source, pattern)), None)
