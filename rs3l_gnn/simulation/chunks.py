"""One task of a simulation: a range of hard events, in all variations."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, Stage, Variation, event_rng, pythia_seed
from rs3l_gnn.simulation.anchors import Anchor, hard_anchors
from rs3l_gnn.simulation.chunk_result import ChunkResult
from rs3l_gnn.simulation.config import SimulationConfig
from rs3l_gnn.simulation.decay_labels import DecayTable
from rs3l_gnn.simulation.decays import InFlightDecays
from rs3l_gnn.simulation.detector import detect
from rs3l_gnn.simulation.enhancements import without_enhancements
from rs3l_gnn.simulation.hard_events import Beams, HardEvents
from rs3l_gnn.simulation.hepmc import load_events
from rs3l_gnn.simulation.jets import Clustering
from rs3l_gnn.simulation.labels import label_jets
from rs3l_gnn.simulation.lost_jets import why_without_jet
from rs3l_gnn.simulation.merged_rate import MergedRate
from rs3l_gnn.simulation.output import LabelledJets, write_events
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import Particles, stable_particles
from rs3l_gnn.simulation.pileup import add_pileup, minimum_bias
from rs3l_gnn.simulation.resimulation import Hadronisation, shower_partons
from rs3l_gnn.simulation.settings import COMMON, CP5, SHOWER_WEIGHTS, decay_settings, shower_weight_settings
from rs3l_gnn.simulation.shower import Shower
from rs3l_gnn.simulation.weight_sums import WeightSums

__all__ = ["Chunk", "ViewParticles", "run_chunk", "shower_of", "simulate_view"]


@dataclass(frozen=True)
class Chunk:
    """A range of hard events of a sample.

    Attributes:
        number: of the chunk within its sample.
        first: number of its first hard event in the LHE file.
        hard: its hard events.
        variations: what to simulate, nominal first if it is among them.
        metadata: of the sample, the same for every file.
        directory: where the files go.
        stored: variations whose particles another generator made.
        merging: Pythia settings that merge its hard events.
        invisible: PDG identities of further invisible particles.
        excluded: hard events that no view may use, by number, with the reason.
    """

    sample: str
    number: int
    first: int
    hard: HardEvents
    variations: tuple[Variation, ...]
    settings: tuple[str, ...]
    config: SimulationConfig
    metadata: dict[str, Any]
    directory: Path
    stored: tuple[str, ...] = ()
    merging: tuple[str, ...] = ()
    invisible: tuple[int, ...] = ()
    excluded: dict[int, str] = field(default_factory=dict)

    @property
    def numbers(self) -> range:
        """Numbers of the hard events in the LHE file."""
        return range(self.first, self.first + len(self.hard))

    def path(self, variation: Variation) -> Path:
        """File of one variation."""
        return self.directory / f"{variation.name}_{self.number:04d}.root"


def run_chunk(chunk: Chunk) -> ChunkResult:
    """Simulate all variations of a chunk and write a file for each.

    Raises:
        SimulationError: Pythia refuses the settings.
        OutputError: a file cannot be written.
    """
    n_events = len(chunk.hard)
    first = chunk.variations[0].name
    anchors = hard_anchors(chunk.hard, chunk.config.jets.radius, DecayTable(chunk.config.labels))
    views: dict[str, LabelledJets] = {}
    factors: dict[str, NDArray[np.float64]] = {}
    seconds: dict[str, float] = {}
    rejected = {number - chunk.first: chunk.excluded[number] for number in chunk.numbers if number in chunk.excluded}
    shared = ViewParticles(chunk)
    lost: dict[int, str] = {}
    for variation in chunk.variations:
        start = time.perf_counter()
        views[variation.name], reasons, without = simulate_view(chunk, variation, anchors, shared)
        lost = lost or without
        rejected = {**reasons, **rejected}  # the first reason of an event stays
        factors[variation.name] = shared.factors
        seconds[variation.name] = time.perf_counter() - start
    event = np.array(chunk.numbers, dtype=np.int64)
    good = np.ones(n_events, dtype=np.bool_)
    good[list(rejected)] = False
    failed = [int(number) for number in event[~good]]
    sumw = float(chunk.hard.weight[good].sum())
    kept = {name: good & (values != 0) for name, values in factors.items()}
    merged = {name: MergedRate.of(chunk.hard.weight[good], values[good]) for name, values in factors.items()}
    for variation in chunk.variations:
        write_events(
            chunk.path(variation),
            views[variation.name],
            event=event,
            hard=chunk.hard.weighted(factors[variation.name]),
            kept=kept[variation.name],
            metadata={
                **chunk.metadata,
                "variation": variation.record(),
                "detector": chunk.config.detector_of(variation).model_dump(mode="json"),
                "n_hard_events": n_events,
                "n_failed": len(failed),
                "n_vetoed": int((good & ~kept[variation.name]).sum()),
                "sumw": merged[variation.name].sumwf,
                "settings": list(_settings(chunk, variation)),
                "psweight_names": _weight_names(views[variation.name]),
            },
        )
    return ChunkResult(
        sample=chunk.sample,
        number=chunk.number,
        n_events=n_events,
        failed=failed,
        reasons=[rejected[number - chunk.first] for number in failed],
        sumw=sumw,
        merged=merged,
        vetoed={name: int((good & ~mask).sum()) for name, mask in kept.items()},
        matched=_count_matched(views, good),
        seconds=seconds,
        jets={name: int(good[view.jets.event].sum()) for name, view in views.items()},
        without_jet=dict(Counter(reason for event, reason in lost.items() if kept[first][event])),
        shower_weights={
            name: WeightSums.of(column)
            for variation, view in views.items()
            if view.shower_weights is not None
            for name, column in zip(_weight_names(view), view.shower_weights[kept[variation]].T, strict=True)
        },
    )


def simulate_view(
    chunk: Chunk, variation: Variation, anchors: list[Anchor | None], shared: ViewParticles
) -> tuple[LabelledJets, dict[int, str], dict[int, str]]:
    """Shower, detector and jets of one variation.

    Args:
        chunk: the hard events.
        variation: what to simulate.
        anchors: of the hard events.
        shared: what the views of the chunk have in common.

    Returns:
        The view, why events were rejected, and, of the first variation alone, why events have no anchor jet, by
        their place in the chunk.
    """
    config, detector = chunk.config, chunk.config.detector_of(variation)
    n_events = len(chunk.hard)
    particles, rejected, shower_weights = shared.particles(variation)
    pileup = detector.pileup
    if pileup.mean > 0:
        energy = chunk.hard.beams.energy_a + chunk.hard.beams.energy_b
        decays = decay_settings(detector)
        pool = minimum_bias(pileup.pool, config.seed, energy, detector.abs_eta_max, decays)
        draws = [
            event_rng(config.seed, chunk.sample, number, variation.vartype, Stage.PILEUP) for number in chunk.numbers
        ]
        particles = add_pileup(particles, pool, pileup, draws)
    generators = [
        event_rng(config.seed, chunk.sample, number, variation.vartype, Stage.DETECTOR) for number in chunk.numbers
    ]
    candidates = detect(particles, detector, generators)
    clustering = Clustering(candidates, n_events, config.jets)
    jets = clustering.jets()
    jettype, is_anchor = label_jets(jets, anchors, config.jets)
    lost = {}
    if variation == chunk.variations[0]:
        lost = why_without_jet(clustering, jets, is_anchor, anchors, config.jets)
    view = LabelledJets(
        jets=replace(jets, candidates=np.arange(len(jets.candidates))),
        jettype=jettype,
        is_anchor=is_anchor,
        candidates=candidates.where(jets.candidates),
        shower_weights=shower_weights,
    )
    return view, rejected, lost


class ViewParticles:
    """Gives the particles of each variation of a chunk, and keeps what all of them share.

    Attributes:
        factors: what merging multiplies the weights of the last variation's events with, 0 for a vetoed one [n_events].
    """

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._partons: list[Any] | None = None
        self._parton_factors = np.ones(len(chunk.hard))
        self._nominal: tuple[ak.Array, NDArray[np.float64] | None, NDArray[np.float64]] | None = None
        self.factors = np.ones(len(chunk.hard))
        beams, start = chunk.hard.beams, chunk.config.start
        level = ("HadronLevel:all=off",) * (start == "shower")
        self.shower = _shower(beams, (*_settings(chunk, NOMINAL), *level), chunk.hard.slha)
        self.table = ParticleTable(self.shower.pythia.particleData, chunk.invisible)

    def particles(self, variation: Variation) -> tuple[Particles, dict[int, str], NDArray[np.float64] | None]:
        """Particles of one variation, why events were rejected (by place), and the shower weights of nominal."""
        reach = self._chunk.config.detector_of(variation).abs_eta_max
        if variation.name in self._chunk.stored:
            stored = self._chunk.directory / "chunks" / f"{variation.name}_{self._chunk.number:04d}.npz"
            decays = _decays(_settings(self._chunk, variation))
            seeds = self._seeds(variation, Stage.HADRONISATION)
            particles, present = load_events(
                stored,
                len(self._chunk.hard),
                self.table,
                abs_eta_max=reach,
                decay=lambda particles: decays.run(particles, seeds),
            )
            self.factors = np.ones(len(present))
            absent = dict.fromkeys(np.flatnonzero(~present).tolist(), f"not in the file of {variation.name}")
            return particles, absent, None
        batch, weights = self._batch(variation)
        missing = np.flatnonzero(ak.to_numpy(ak.is_none(batch)) & (self.factors != 0)).tolist()
        rejected = {index: self._why(index, variation) for index in missing}
        return stable_particles(batch, self.table, abs_eta_max=reach), rejected, weights

    def _why(self, index: int, variation: Variation) -> str:
        """The shower's own reason for a rejected event, which is showered once more for it."""
        start = self._chunk.config.start
        source = NOMINAL if variation.shares == "particles" else variation
        if start == "shower" and self._partons is not None and self._partons[index] is not None:
            return "Pythia cannot hadronise its partons"
        shower, source = (shower_of(self._chunk, source), source) if start == "hard" else (self.shower, NOMINAL)
        return shower.why(self._chunk.hard.part(index, index + 1), self._seeds(source, Stage.SHOWER)[index])

    def _batch(self, variation: Variation) -> tuple[ak.Array, NDArray[np.float64] | None]:
        """Events of a variation, and their shower weights; those of nominal are kept where other views share them."""
        start = self._chunk.config.start
        if start != "particles" and variation.shares != "particles" and variation != NOMINAL:
            return self._made(variation)
        if self._nominal is None:
            batch, weights = self._made(NOMINAL)
            self._nominal = batch, weights, self.factors
        batch, weights, self.factors = self._nominal
        if start != "particles" and not any(one.shares == "particles" for one in self._chunk.variations):
            self._nominal = None
        return batch, weights if variation == NOMINAL else None

    def _made(self, variation: Variation) -> tuple[ak.Array, NDArray[np.float64] | None]:
        hard, start = self._chunk.hard, self._chunk.config.start
        if start == "hard":
            shower = shower_of(self._chunk, variation)
            batch = shower.run(hard, self._seeds(variation, Stage.SHOWER), final=True)
            self.factors = shower.factors
            return batch, shower.weights(batch) if _weighted(self._chunk, variation) else None
        if start == "shower":
            if self._partons is None:
                self._partons = shower_partons(self.shower, hard, self._seeds(NOMINAL, Stage.SHOWER))
                self._parton_factors = self.shower.factors
            self.factors = self._parton_factors
            # The partons are merged already.
            hadronisation = _hadronisation(_settings(replace(self._chunk, merging=()), variation), hard.slha)
            return hadronisation.run(self._partons, self._seeds(variation, Stage.HADRONISATION)), None
        batch = self.shower.run(hard, self._seeds(NOMINAL, Stage.SHOWER), final=True)
        self.factors = self.shower.factors
        return batch, None

    def _seeds(self, variation: Variation, stage: Stage) -> list[int]:
        chunk = self._chunk
        return [
            pythia_seed(chunk.config.seed, chunk.sample, number, variation.vartype, stage) for number in chunk.numbers
        ]


def shower_of(chunk: Chunk, variation: Variation) -> Shower:
    """The shower of a variation; a process keeps it between chunks."""
    return _shower(chunk.hard.beams, _settings(chunk, variation), chunk.hard.slha)


def _settings(chunk: Chunk, variation: Variation) -> tuple[str, ...]:
    kind = chunk.config.shower_weights
    weights = shower_weight_settings(kind) if kind != "none" and _weighted(chunk, variation) else ()
    return (
        *COMMON,
        *CP5,
        *decay_settings(chunk.config.detector_of(variation)),
        *chunk.merging,
        *chunk.settings,
        *variation.settings,
        *weights,
    )


def _weighted(chunk: Chunk, variation: Variation) -> bool:
    """Whether a view has shower weights; those of CKKW-L would lack the showers that its own weights stand for."""
    wanted = variation == NOMINAL and chunk.config.shower_weights != "none" and chunk.config.start == "hard"
    return wanted and not any(setting.startswith("Merging:") for setting in chunk.merging)


@lru_cache(maxsize=48)
def _hadronisation(settings: tuple[str, ...], slha: str) -> Hadronisation:
    return Hadronisation(without_enhancements(settings), slha)


@lru_cache(maxsize=4)
def _decays(settings: tuple[str, ...]) -> InFlightDecays:
    return InFlightDecays(without_enhancements(settings))


@lru_cache(maxsize=48)
def _shower(beams: Beams, settings: tuple[str, ...], slha: str) -> Shower:
    """Starting Pythia costs as much as tens of events, so a worker keeps its instances (7 MB each)."""
    return Shower(beams, settings, slha)


def _weight_names(view: LabelledJets) -> list[str]:
    # All, or the first ones.
    return [] if view.shower_weights is None else list(SHOWER_WEIGHTS.values())[: view.shower_weights.shape[1]]


def _count_matched(views: dict[str, LabelledJets], good: NDArray[np.bool_]) -> dict[str, int]:
    found = {}
    for name, view in views.items():
        matched = np.zeros(len(good), dtype=np.bool_)
        matched[view.jets.event[view.is_anchor]] = True
        found[name] = matched & good
    counts = {name: int(matched.sum()) for name, matched in found.items()}
    counts["all"] = int(np.logical_and.reduce(list(found.values())).sum())
    # Without nominal, which is in another output then, the best that can be said is "in at least one".
    nominal = found.pop(NOMINAL.name, good)
    counts["any"] = int((nominal & np.logical_or.reduce(list(found.values()))).sum()) if found else 0
    return counts
