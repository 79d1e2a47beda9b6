"""Hard events made ready for their showers: read or generated, given colours, decayed, and written to one file."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import VARIATIONS, InputFileError, Stage, event_rng, pythia_seed, write_json
from rs3l_gnn.simulation.colour_flow import assign_colours
from rs3l_gnn.simulation.config import SampleConfig, SimulationConfig
from rs3l_gnn.simulation.cross_section import XSECUP, CrossSection
from rs3l_gnn.simulation.enhancements import enhancement_settings
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.lhe import read_lhe
from rs3l_gnn.simulation.lhe_writer import write_lhe
from rs3l_gnn.simulation.merging import MergingPlan, plan_merging
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.recorded_decays import take_decays
from rs3l_gnn.simulation.resonances import decay_once, undecayed
from rs3l_gnn.simulation.sample_settings import check_settings, check_variation
from rs3l_gnn.simulation.settings import COMMON, CP5, decay_settings
from rs3l_gnn.simulation.shower import Shower
from rs3l_gnn.simulation.unrecorded import restore_resonances

__all__ = ["HARD_FILE", "Prepared", "prepare_hard_events"]

HARD_FILE = "hard.lhe.gz"
_NOTES = "hard_events.json"
_log = logging.getLogger("rs3l_gnn")


@dataclass(frozen=True)
class Prepared:
    """Hard events of a sample as all views see them.

    Attributes:
        hard: read back from the file, so that the showers see exactly what it says.
        settings: the sample's Pythia settings, and those that its particles need.
        table: what a detector makes of particles; with the sample's invisible ones.
        excluded: events that no view may use, by number, with the reason.
        notes: what was done to the events, for the metadata; empty if nothing.
        merging: how events of several jet multiplicities are merged.
    """

    hard: HardEvents
    settings: tuple[str, ...]
    table: ParticleTable
    excluded: dict[int, str]
    notes: dict[str, Any]
    merging: MergingPlan


def prepare_hard_events(config: SimulationConfig, name: str, directory: Path) -> Prepared:
    """Make ``hard.lhe.gz`` of a sample, or take the one that an interrupted run left.

    Args:
        config: the whole simulation.
        name: of the sample.
        directory: of the sample.

    Raises:
        InputFileError: the LHE file cannot be used.
        ConfigError: settings that Pythia knows but that cannot act.
        SimulationError: Pythia refuses settings.
    """
    sample = config.samples[name]
    path, notes_path = directory / HARD_FILE, directory / "chunks" / _NOTES
    if not (path.exists() and notes_path.exists()):
        hard = _source(config, name)
        _merging(config, name, hard)
        hard = _with_cross_section(sample, name, hard)
        hard, notes = _completed(config, name, hard)
        write_lhe(path, hard, generator="rs3l_gnn", force=True)
        write_json(notes_path, notes, force=True)
    hard = read_lhe(path)
    notes = json.loads(notes_path.read_text(encoding="utf-8"))
    probe, settings = _probe(sample, hard)
    table = ParticleTable(probe.pythia.particleData, sample.invisible)
    excluded: dict[int, str] = {}
    left = undecayed(hard, table)
    if left.any() and sample.decays == "recorded":
        kept = notes["recorded_decays"]["kept"]
        settings += tuple(f"{abs(kind)}:mayDecay=off" for kind in kept)
        lost = left & ~np.isin(hard.particles["id"], kept)
        excluded = dict.fromkeys(_events_of(hard, lost), "the other generator has no such event")
    elif left.any() and sample.decays == "keep":
        settings += tuple(f"{kind}:mayDecay=off" for kind in _kinds(hard, left))
    elif left.any() and sample.decays == "once":
        excluded = dict.fromkeys(_events_of(hard, left), "Pythia cannot decay its resonances")
    settings += enhancement_settings(sample.enhance)
    merging = _merging(config, name, hard)
    if sample.merging is not None and sample.merging.scheme == "none" and merging.found != "none":
        _log.warning("%s: showered as they are, though the file says: %s", name, merging.found)
    elif merging.settings:
        _log.info("%s: %s: the showers have %s", name, merging.found, ", ".join(merging.settings))
    return Prepared(hard, settings, table, excluded, notes, merging)


def _merging(config: SimulationConfig, name: str, hard: HardEvents) -> MergingPlan:
    sample = config.samples[name]
    if sample.lhe is None:
        return MergingPlan("none", "none", ())
    return plan_merging(hard, sample.merging, config.variations_of(name), where=f"{sample.lhe} (samples.{name})")


def _source(config: SimulationConfig, name: str) -> HardEvents:
    sample = config.samples[name]
    if sample.lhe is not None:
        hard = read_lhe(sample.lhe, limit=sample.events, scalup=sample.scalup, further_weights=sample.further_weights)
        if sample.events is not None and len(hard) < sample.events:
            raise InputFileError(
                f"{sample.lhe} holds {len(hard)} events",
                got=f"samples.{name}.events = {sample.events}",
                hint="ask for fewer, or leave the number out to take the whole file",
            )
        return hard
    from rs3l_gnn.simulation.generate import generate_hard_events

    return generate_hard_events(
        sample.hard_process(name),
        sample.events or 0,
        sample=name,
        seed=config.seed,
        pt_hat_min=config.pt_hat_min(name),
        energy=config.energy,
    )


def _with_cross_section(sample: SampleConfig, name: str, hard: HardEvents) -> HardEvents:
    """The events with a cross-section that a later run over a part of them has too."""
    source, key = str(sample.lhe or f"sample {name}"), f"samples.{name}.xsec"
    if sample.xsec is not None:
        hard = replace(hard, stated_xsec=CrossSection(sample.xsec, None, key))
    hard.check_storable(source)
    xsec = hard.cross_section(where=source, key=key)
    return hard if xsec.source == XSECUP else replace(hard, stated_xsec=xsec)


def _completed(config: SimulationConfig, name: str, hard: HardEvents) -> tuple[HardEvents, dict[str, Any]]:
    """The events with colours and decays, and what was added."""
    sample = config.samples[name]
    probe, _ = _probe(sample, hard)
    table = ParticleTable(probe.pythia.particleData, sample.invisible)
    notes: dict[str, Any] = {}
    _refuse_unknown(sample, name, hard, table)
    if sample.resonances:
        data = probe.pythia.particleData
        hard, restored = restore_resonances(hard, sample.resonances, data, where=f"{sample.lhe} (samples.{name})")
        notes["resonances"] = _by_text(restored)
        _log.info("%s: resonances put back into %d events: %s", name, len(hard), _told(restored, table))
    if sample.decays == "recorded":
        hard, notes["recorded_decays"] = _with_recorded_decays(sample, name, hard, table)
    left = undecayed(hard, table)
    _refuse_undecayed(sample, name, hard, left, table)
    added = {f"variations.{one.name}.settings": one for one in config.selected if one.name not in VARIATIONS}
    changes = {f"samples.{name}.settings": sample.settings} | {key: one.settings for key, one in added.items()}
    for key, settings in changes.items():
        # What is decayed once for all views is decayed before any of them differs.
        open_kinds = ("once", "each") if key.startswith("samples.") else ("each",)
        check_settings(
            settings,
            probe.pythia.particleData,
            decaying=_kinds(hard, left) if sample.decays in open_kinds else (),
            where=key,
        )
    for variation in added.values():
        check_variation(variation, (*COMMON, *CP5, *decay_settings(config.detector), *sample.settings))
    hard, colours = assign_colours(
        hard, table.colour, lambda number: event_rng(config.seed, name, number, -1, Stage.COLOUR)
    )
    if colours.unique or colours.drawn:
        notes["colour_flow"] = asdict(colours)
        _log.info(
            "%s: events without a colour flow: %d have a single one at leading colour, for %d one of several was drawn",
            name,
            colours.unique,
            colours.drawn,
        )
    if left.any() and sample.decays == "once":
        seeds = [pythia_seed(config.seed, name, number, -1, Stage.DECAY) for number in range(len(hard))]
        hard, decays = decay_once(hard, probe, seeds.__getitem__)
        notes["decays"] = {
            "resonances": _by_text(decays.resonances),
            "open_fraction": decays.open_fraction,
        }
        _log.info(
            "%s: decayed once for all views: %s; the cross-section is scaled by the open fraction %.4g",
            name,
            _told(decays.resonances, table),
            decays.open_fraction,
        )
    return hard, notes


def _probe(sample: SampleConfig, hard: HardEvents) -> tuple[Shower, tuple[str, ...]]:
    """A Pythia that stops after the hard process, and the sample's settings with those for particles new to it."""

    def start(settings: tuple[str, ...]) -> Shower:
        return Shower(hard.beams, (*COMMON, *CP5, *settings, "PartonLevel:all=off"), hard.slha)

    probe = start(sample.settings)
    new = tuple(
        f"{kind}:new = invisible_{kind} invisible_bar_{kind} 1 0 0 0."
        for kind in sample.invisible
        if not probe.pythia.particleData.isParticle(kind)
    )
    settings = (*sample.settings, *new)
    return (start(settings) if new else probe), settings


def _with_recorded_decays(
    sample: SampleConfig, name: str, hard: HardEvents, table: ParticleTable
) -> tuple[HardEvents, dict[str, Any]]:
    (file,) = sample.hepmc.values()
    hard, decays = take_decays(hard, file.path, table, first_number=file.stated_first_number)
    if not decays.resonances:
        raise InputFileError(
            f"{file.path}: nothing that {sample.lhe} leaves undecayed decays there",
            hint=f"if both keep their resonances stable, set samples.{name}.decays to 'keep'",
        )
    _log.info("%s: decayed as %s recorded it: %s", name, file.path, _told(decays.resonances, table))
    return hard, {
        "resonances": _by_text(decays.resonances),
        "kept": list(decays.kept),
        "missing": decays.missing,
    }


def _by_text(counts: Mapping[int, int]) -> dict[str, int]:
    """Numbers of particles by identity, as JSON has them."""
    return {str(identity): count for identity, count in counts.items()}


def _told(counts: Mapping[int, int], table: ParticleTable) -> str:
    """Numbers of particles by identity, for the log."""
    return ", ".join(f"{count} of {table.name(identity)}" for identity, count in counts.items())


def _events_of(hard: HardEvents, selected: Any) -> list[int]:
    """Numbers of the events with a selected particle."""
    return [int(one) for one in np.unique(np.searchsorted(hard.offsets, np.flatnonzero(selected), side="right") - 1)]


def _kinds(hard: HardEvents, selected: Any) -> tuple[int, ...]:
    return tuple(int(kind) for kind in np.unique(np.abs(hard.particles["id"][selected])))


def _refuse_unknown(sample: SampleConfig, name: str, hard: HardEvents, table: ParticleTable) -> None:
    for kind in np.unique(hard.particles["id"]).tolist():
        if not table.known(kind):
            event = int(np.searchsorted(hard.offsets, np.argmax(hard.particles["id"] == kind), side="right")) - 1
            raise InputFileError(
                f"{sample.lhe}: event {event} has a particle of identity {kind}, which Pythia does not know",
                allowed="particles of Pythia's data, of the file's <slha> header, or of the settings",
                hint=f"define it (samples.{name}.settings: '{abs(kind)}:new = ...'), or, if it is stable and a "
                f"detector does not see it, add {abs(kind)} to samples.{name}.invisible",
            )
    for kind in np.unique(hard.particles["id"][hard.particles["status"] == 1]).tolist():
        if not table.resonance(kind) and table.heavy_charged(kind):
            _log.warning(
                "%s: stable charged particles %s leave tracks as muons do, or showers as hadrons if they are R-hadrons",
                name,
                table.name(kind),
            )


def _refuse_undecayed(sample: SampleConfig, name: str, hard: HardEvents, left: Any, table: ParticleTable) -> None:
    if not left.any():
        return
    kinds = _kinds(hard, left)
    found = ", ".join(table.name(kind) for kind in kinds)
    first = int(np.searchsorted(hard.offsets, np.argmax(left), side="right")) - 1
    what = f"{sample.lhe}: event {first}, and maybe others, leave resonances undecayed: {found}"
    if sample.decays == "refuse":
        raise InputFileError(what, hint=f"let their generator decay them, or set samples.{name}.decays to 'once'")
    if sample.decays == "once" and sample.hepmc:
        raise InputFileError(
            f"{what}; decayed here, they would be other hard events than those of {', '.join(sample.hepmc)}",
            hint=f"set samples.{name}.decays to 'recorded' if the HepMC file has the decays, to 'keep' if the other "
            f"generator kept them stable too, or let it shower {HARD_FILE} of a run without it, where they are decayed",
        )
    if sample.decays in {"keep", "recorded"}:
        for kind in kinds:
            if table.colour(kind) != 0 or table.kinds(np.array([kind])).charge[0] != 0:
                raise InputFileError(
                    f"{what}; {table.name(kind)} has colour or charge and cannot be kept as a stable particle",
                    allowed="neutral resonances without colour, such as a Z that stands for neutrinos",
                    hint=f"set samples.{name}.decays to 'once'",
                )
