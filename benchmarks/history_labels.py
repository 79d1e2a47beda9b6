"""How often labels from the history of the generator are other ones than those of ``rs3l simulate``, on the same jets.

Hard events of built-in processes are showered and seen by the detector as in a simulation, whose labels come from the
hard event alone. What NanoAOD would hold of Pythia's record, ``GenPart`` and the ghost hadrons in each jet, is written
to a file, from which the labels are read as ``rs3l pair`` reads them: by partons alone, and by ghost hadrons, too.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, JetType, Stage, event_rng, pythia_seed
from rs3l_gnn.conventions.jagged import parents_of, starts_of
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.file_index import FileIndex
from rs3l_gnn.data.event_pairing.labels import HistoryLabels, JetLabels, StoredLabels
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.simulation import SampleConfig, SimulationConfig, get_process
from rs3l_gnn.simulation.anchors import hard_anchors
from rs3l_gnn.simulation.chunks import Chunk, shower_of
from rs3l_gnn.simulation.detector import FlowCandidates, detect
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.jets import Clustering, Jets
from rs3l_gnn.simulation.labels import label_jets
from rs3l_gnn.simulation.particles import stable_particles

__all__ = ["measure_history_labels", "table"]

_EVENTS = {"qcd": 6000, "hbb": 3000, "wqq": 3000, "tt": 2000}
_TASK = 100  # hard events
_GHOST = 1e-18
"""Factor on the momenta of hadrons that are clustered as ghosts, as CMS has it."""
_RESONANCES = (6, 23, 24, 25)
_HARD_PROCESS = 1 << 7
_CANDIDATES = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
"""Fields of the candidates, of which labels need none."""
_log = logging.getLogger("rs3l_gnn")

Counts = Counter[tuple[int, int, int]]


def measure_history_labels(*, events: Mapping[str, int] = _EVENTS, seed: int = 1) -> dict[str, Any]:
    """Label the same jets three times, and log the table.

    Args:
        events: hard events of each built-in process.
        seed: of hard events, showers and detector.

    Returns:
        ``samples``: for each process and each label of ``rs3l simulate`` in it the number of ``jets``, the shares that
        have another label by the history of ``partons`` and with ``ghosts``, and the ``most`` frequent other labels
        of each with their shares.
    """
    samples = {}
    for process, number in events.items():
        counts: Counts = Counter()
        config = SimulationConfig(
            samples={process: SampleConfig(process=process, events=number)},
            variations=("nominal",),
            shower_weights="none",
        )
        with tempfile.TemporaryDirectory() as folder:
            for path in _write_files(process, config, seed, Path(folder)):
                counts += _compared(path, config.jets.radius)
                path.unlink()
        samples[process] = _rows(counts)
    numbers = {"samples": samples, "events": dict(events)}
    for line in table(numbers):
        _log.info(line)
    return numbers


def table(numbers: dict[str, Any]) -> list[str]:
    """The numbers of :func:`measure_history_labels` as lines for a reader."""
    lines = [f"{'process':<9}{'simulated':<12}{'jets':>7}{'partons':>10}{'ghosts':>10}   most frequent others"]
    for process, rows in numbers["samples"].items():
        for label, row in rows.items():
            others = "; ".join(
                f"{what}: " + ", ".join(f"{name} {share:.1%}" for name, share in row["most"][what].items())
                for what in ("partons", "ghosts")
                if row["most"][what]
            )
            shares = f"{row['partons']:>10.1%}{row['ghosts']:>10.1%}"
            lines.append(f"{process:<9}{label:<12}{row['jets']:>7}{shares}   {others}")
    return lines


def _rows(counts: Counts) -> dict[str, Any]:
    rows = {}
    for label in sorted({simulated for simulated, *_ in counts}):
        mine = {key[1:]: n for key, n in counts.items() if key[0] == label}
        jets = sum(mine.values())
        shares, most = {}, {}
        for place, what in enumerate(("partons", "ghosts")):
            others: Counter[int] = Counter()
            for found, n in mine.items():
                others[found[place]] += n
            del others[label]
            shares[what] = sum(others.values()) / jets
            most[what] = {JetType(one).name: n / jets for one, n in others.most_common(3)}
        rows[JetType(label).name] = {"jets": jets, **shares, "most": most}
    return rows


def _compared(path: Path, radius: float) -> Counts:
    file = EventFile.look(str(path), "Events", "pfnano")
    plain = replace(file, names={name: one for name, one in file.names.items() if "Hadrons" not in name})
    columns = [
        _labels(file, StoredLabels()),
        _labels(plain, HistoryLabels(radius)),
        _labels(file, HistoryLabels(radius)),
    ]
    return Counter(zip(*(column.tolist() for column in columns), strict=True))


def _labels(file: EventFile, labels: JetLabels) -> NDArray[np.int16]:
    plan = ReadPlan(EventPairConfig(event_key=("event",)), None, False, False, labels, None, {})
    index = FileIndex.read(file, plan, nominal=True)
    return np.zeros(0, np.int16) if index is None else index.jets.jettype


def _write_files(process: str, config: SimulationConfig, seed: int, folder: Path) -> Iterator[Path]:
    hard = generate_hard_events(
        get_process(process),
        config.samples[process].events or 0,
        sample=process,
        seed=seed,
        pt_hat_min=0.9 * config.jets.pt_min,
        energy=config.energy,
    )
    for first in range(0, len(hard), _TASK):
        path = folder / f"{first}.root"
        part = hard.part(first, min(first + _TASK, len(hard)))
        if _write_file(path, Chunk(process, 0, first, part, (NOMINAL,), (), config, {}, folder), seed):
            yield path


def _write_file(path: Path, chunk: Chunk, seed: int) -> bool:
    """Jets with the labels of the simulation and their ghost hadrons, and generator particles; False without a jet."""
    process, hard, config = chunk.sample, chunk.hard, chunk.config
    shower = shower_of(chunk, NOMINAL)
    batch = shower.run(hard, [pythia_seed(seed, process, n, NOMINAL.vartype, Stage.SHOWER) for n in chunk.numbers])
    draws = [event_rng(seed, process, n, NOMINAL.vartype, Stage.DETECTOR) for n in chunk.numbers]
    particles = stable_particles(batch, shower.table, abs_eta_max=config.detector.abs_eta_max)
    candidates = detect(particles, config.detector, draws)
    record = _Record(batch)
    jets, n_b, n_c = _cluster_with_ghosts(candidates, record, config)
    if not len(jets):
        return False
    jettype, _ = label_jets(jets, hard_anchors(hard, config.jets.radius), config.jets)
    kinematics = {"pt": jets.pt, "eta": jets.eta, "phi": jets.phi, "mass": jets.mass}
    fat_jets: dict[str, NDArray[Any]] = {name: values.astype(np.float32) for name, values in kinematics.items()}
    fat_jets |= {"jettype": jettype, "nBHadrons": n_b, "nCHadrons": n_c}
    per_event = np.bincount(jets.event, minlength=len(hard))
    nothing = ak.Array([[]] * len(hard))
    tree = {
        **{name: np.ones(len(hard), np.uint32) for name in ("run", "luminosityBlock")},
        "event": np.array(chunk.numbers, np.uint64),
        "FatJet": ak.zip({name: ak.unflatten(values, per_event) for name, values in fat_jets.items()}),
        "GenPart": record.gen_part(),
        "PFCands": ak.zip({name: ak.values_astype(nothing, np.float32) for name in _CANDIDATES}),
        "FatJetPFCands": ak.zip({name: ak.values_astype(nothing, np.int32) for name in ("jetIdx", "pFCandsIdx")}),
    }
    types = {name: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for name, v in tree.items()}
    with uproot.recreate(path) as file:
        file.mktree("Events", types)
        file["Events"].extend(tree)
    return True


def _cluster_with_ghosts(
    candidates: FlowCandidates, record: _Record, config: SimulationConfig
) -> tuple[Jets, NDArray[np.int32], NDArray[np.int32]]:
    """Jets, which ghosts do not change, and the b and c hadrons in each [n_jets]."""
    ghosts, is_b = record.ghosts()
    columns = {}
    for field in fields(candidates):
        mine = getattr(candidates, field.name)
        columns[field.name] = np.concatenate([mine, ghosts.get(field.name, np.zeros(len(is_b))).astype(mine.dtype)])
    order = np.argsort(columns["event"], kind="stable")
    jets = Clustering(FlowCandidates(**columns).where(order), len(record.counts), config.jets).jets()
    inside = order[jets.candidates] - len(candidates)
    jet, ghost = parents_of(np.diff(jets.offsets))[inside >= 0], inside[inside >= 0]
    counts = [np.bincount(jet[is_b[ghost] == kind], minlength=len(jets)) for kind in (True, False)]
    return jets, counts[0].astype(np.int32), counts[1].astype(np.int32)


class _Record:
    """Pythia's record of some events, flat.

    Args:
        batch: events, None for those that were rejected [n_events].
    """

    def __init__(self, batch: ak.Array) -> None:
        counts = ak.to_numpy(ak.fill_none(ak.num(batch.prt.id), 0))
        rows = ak.flatten(ak.drop_none(batch.prt))
        self.counts, self.event = counts, parents_of(counts)
        self.pdgid, self.status = ak.to_numpy(rows.id).astype(np.int64), ak.to_numpy(rows.status)
        mother = ak.to_numpy(rows.mother1).astype(np.int64)
        self.mother = np.where(mother > 0, mother + starts_of(counts)[self.event], -1)
        px, py, pz = (ak.to_numpy(rows.p[name]) for name in ("px", "py", "pz"))
        self.pt, self.phi = np.hypot(px, py), np.arctan2(py, px)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.eta = np.where(self.pt > 1e-9, np.arcsinh(pz / self.pt), np.sign(pz) * 1e5)
        self.mass = ak.to_numpy(rows.m)

    def ghosts(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
        """The last b and c hadrons of each chain with momenta of nothing, and which of them are b hadrons [n]."""
        b, c = (_has_quark(self.pdgid, kind) for kind in (5, 4))
        c &= ~b
        last = np.zeros(len(b), dtype=bool)
        for kind in (b, c):
            above = self.mother[kind & (self.mother >= 0)]
            mine = kind.copy()
            mine[above] = False
            last |= mine
        names = ("event", "eta", "phi")
        return {"pt": self.pt[last] * _GHOST, **{name: getattr(self, name)[last] for name in names}}, b[last]

    def gen_part(self) -> ak.Array:
        """What NanoAOD keeps of it for histories: the hard process with its decays, and copies of heavy particles."""
        hard = (np.abs(self.status) > 20) & (np.abs(self.status) < 30)
        heavy = np.isin(np.abs(self.pdgid), _RESONANCES)
        kept = hard | heavy
        # The nearest particle above that is kept.
        mother = self.mother.copy()
        while (lost := (mother >= 0) & ~kept[mother]).any():
            mother[lost] = self.mother[mother[lost]]
        per_event = np.bincount(self.event[kept], minlength=len(self.counts))
        place = np.cumsum(kept) - 1
        first = starts_of(per_event)[self.event[kept]]
        columns = {
            "pdgId": self.pdgid[kept].astype(np.int32),
            "genPartIdxMother": np.where(mother[kept] >= 0, place[mother[kept]] - first, -1).astype(np.int16),
            "statusFlags": np.where(hard[kept], _HARD_PROCESS, 0).astype(np.uint16),
            **{name: getattr(self, name)[kept].astype(np.float32) for name in ("pt", "eta", "phi", "mass")},
        }
        return ak.zip({name: ak.unflatten(values, per_event) for name, values in columns.items()})


def _has_quark(pdgid: NDArray[np.int64], quark: int) -> NDArray[np.bool_]:
    """True for hadrons with a quark of this kind, by the digits of their numbers [n]."""
    kind = np.abs(pdgid)
    hadron = (kind > 100) & (kind < 1_000_000)
    return np.asarray(hadron & (((kind // 100) % 10 == quark) | ((kind // 1000) % 10 == quark)))
