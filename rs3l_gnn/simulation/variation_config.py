"""Variations of the user's own, as a configuration holds them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from rs3l_gnn.conventions import BaseConfig, ConfigError, Variation, get_variation, known_variations, own_variation
from rs3l_gnn.conventions.tunes import PDF_SETS
from rs3l_gnn.conventions.variation import Direction
from rs3l_gnn.simulation.hepmc_config import HepmcConfig

__all__ = ["VariationConfig", "as_variations"]

_LHAPDF = ("LHAPDF5:", "LHAPDF6:")
_IN_THE_SHOWER = ("v0_decays", "tracker_volume")
"""Numbers of the detector that decide what the shower's particles decay to."""


class VariationConfig(BaseConfig):
    """What one variation changes, and how it enters a fit."""

    name: str = Field(description="letters, digits and _; number and random streams follow from it")
    description: str = Field(default="", description="for people; the settings where nothing is said")
    settings: tuple[str, ...] = Field(default=(), description="Pythia settings that differ from nominal")
    pdf: str | None = Field(
        default=None,
        description="parton densities of showers and underlying event: LHAPDF6:name, or of those within Pythia: "
        + ", ".join(PDF_SETS),
    )
    detector: dict[str, Any] = Field(
        default={}, description="what differs from 'detector': a part of it, down to regions: {0: {efficiency: 0.9}}"
    )
    combine: tuple[str, ...] = Field(default=(), description="other variations whose changes this one has as well")
    source: str | None = Field(default=None, description="name of the nuisance; None: by the name's end Up or Down")
    direction: Direction | None = Field(default=None, description="side of the source, Up or Down")
    partner: str | None = Field(default=None, description="the variation on the other side of the source")
    one_sided: bool = Field(default=False, description="there is no other side, as in a comparison of two models")
    stage: Literal["shower", "hadronisation", "detector"] | None = Field(
        default=None, description="first stage that differs, checked against what is changed; None: by that"
    )
    shares: Literal["particles"] | None = Field(
        default=None,
        description="particles: the view has the particles of the nominal view; None: so where only the detector "
        "differs, else what 'start' says",
    )

    def resolved(self, others: Mapping[str, VariationConfig], *, within: tuple[str, ...] = ()) -> Variation:
        """The variation.

        Args:
            others: all variations of the configuration that are not in the registry, by name.
            within: combinations that this one is part of.

        Raises:
            ConfigError: nothing is changed, parts of a combination contradict each other, or it is open how the
                variation enters a fit.
        """
        where = f"variations.{self.name}"
        settings, detector = list(self.settings), dict(_leaves(self.detector))
        if self.pdf is not None:
            settings.append(f"PDF:pSet={_pdf(self.pdf, where)}")
        for name in self.combine:
            part = self._part(name, others, (*within, self.name))
            settings += [setting for setting in part.settings if setting not in settings]
            for change in part.detector:
                path, _, text = change.partition("=")
                if detector.setdefault(path, json.loads(text)) != json.loads(text):
                    raise ConfigError(f"{where}: parts of the combination set {path} to different values")
        _refuse_contradictions(settings, where)
        if not settings and not detector:
            raise ConfigError(f"{where} changes nothing", hint="give it settings, pdf, detector or combine")
        alone = not settings and not any(path.startswith(_IN_THE_SHOWER) for path in detector)
        if self.shares == "particles" and not alone:
            raise ConfigError(
                f"{where}: shares: particles goes with changes of the detector behind the particles alone",
                got=", ".join(settings or [path for path in detector if path.startswith(_IN_THE_SHOWER)]),
            )
        made = own_variation(
            self.name,
            settings=settings,
            detector=[f"{path}={json.dumps(value)}" for path, value in detector.items()],
            source=self.source,
            direction=self.direction,
            one_sided=self.one_sided,
            description=self.description,
            shares="particles" if alone else None,
        )
        if self.stage not in (None, made.stage):
            raise ConfigError(f"{where}: what it changes acts in the stage {made.stage}", got=f"stage: {self.stage}")
        return made

    def _part(self, name: str, others: Mapping[str, VariationConfig], within: tuple[str, ...]) -> Variation:
        if name in within:
            raise ConfigError(f"variations.{name}: a combination contains itself", got=" > ".join((*within, name)))
        if name in others:
            return others[name].resolved(others, within=within)
        known = known_variations()
        if name not in known:
            raise ConfigError(
                f"variations.{self.name}.combine names {name!r}, which is not known", allowed=[*others, *known]
            )
        return known[name]


def as_variations(
    names: tuple[str | VariationConfig, ...], generators: Mapping[str, HepmcConfig]
) -> tuple[Variation, ...]:
    """Variations that a configuration asks for, in its order.

    Args:
        names: names of the registry, of packages or of other generators, and variations of the user's own.
        generators: files of other generators by the name of their views.

    Raises:
        UnknownVariationError: an unknown name.
        ConfigError: a variation of the user's own that cannot be used; see :meth:`VariationConfig.resolved`.
    """
    own = {entry.name: entry for entry in names if not isinstance(entry, str)}
    found = []
    for entry in names:
        if isinstance(entry, str):
            if entry in generators and entry not in known_variations():
                found.append(
                    own_variation(
                        entry,
                        one_sided=True,
                        description=generators[entry].description,
                        source=generators[entry].source,
                        generator=True,
                    )
                )
            else:
                found.append(get_variation(entry, where="'variations'"))
            continue
        if entry.name in known_variations():
            raise ConfigError(
                f"variations.{entry.name}: a variation of the registry has this name", hint="give it another name"
            )
        found.append(entry.resolved(own))
    for entry in own.values():
        _refuse_lone(entry, {variation.name: variation for variation in found})
    return tuple(found)


def _refuse_lone(entry: VariationConfig, found: Mapping[str, Variation]) -> None:
    """A partner must be there and stand on the other side of the same source."""
    if entry.partner is None:
        return
    where, variation = f"variations.{entry.name}.partner", found[entry.name]
    other = found.get(entry.partner) or known_variations().get(entry.partner)
    if other is None:
        raise ConfigError(
            f"{where} names {entry.partner!r}, which is not among the variations",
            hint="define it too; leave 'partner' out where it is in another output",
        )
    if not variation.two_sided or (other.source, {variation.direction, other.direction}) != (
        variation.source,
        {"Up", "Down"},
    ):
        raise ConfigError(
            f"{where}: the two are not the sides Up and Down of one source",
            got=f"{variation.axis_name} and {other.axis_name}",
        )


def _pdf(name: str, where: str) -> str:
    if name in PDF_SETS:
        return str(PDF_SETS[name])
    if name.startswith(_LHAPDF):
        return name
    raise ConfigError(
        f"{where}.pdf: Pythia has no parton densities of the name {name!r}", allowed=[*PDF_SETS, "LHAPDF6:name"]
    )


def _refuse_contradictions(settings: list[str], where: str) -> None:
    values: dict[str, str] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        key = name.removesuffix(" FORCE").strip().lower()
        if values.setdefault(key, value.strip()) != value.strip():
            raise ConfigError(f"{where} sets {name.strip()} to two values", got=f"{values[key]} and {value.strip()}")


def _leaves(block: Mapping[Any, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted paths and values of a nested mapping; whole numbers are places in a list."""
    for key, value in block.items():
        # JSON has no whole numbers as keys.
        place = f"{path}[{key}]" if str(key).isdigit() else f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            yield from _leaves(value, place)
        else:
            yield place, value
