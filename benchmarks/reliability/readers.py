"""How the verbs read their files, in process: each gives what it found, so that two files can be compared."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["READERS"]


def _described(path: Path) -> Any:
    """``rs3l inspect``."""
    from rs3l_gnn.workflows.inspection import describe, render

    found = describe(path)
    render(found)
    return {key: value for key, value in found.items() if key not in ("file", "bytes", "sha256")}


def _both(path: Path, read: Callable[[Path], Any]) -> Any:
    """A verb's own reader, and ``rs3l inspect``; a file that one of them refuses still goes to the other."""
    from rs3l_gnn.conventions import Rs3lError

    try:
        described = _described(path)
    except Rs3lError:
        described = None
    return read(path), described


def _lhe(path: Path) -> Any:
    from rs3l_gnn.simulation.lhe import read_lhe

    return _both(path, read_lhe)


@lru_cache(maxsize=1)
def _table() -> Any:
    from rs3l_gnn.simulation.particle_table import ParticleTable
    from rs3l_gnn.simulation.settings import configure

    pythia = configure(())
    pythia.init()
    return ParticleTable(pythia.particleData)


def _hepmc(path: Path) -> Any:
    """``simulate`` with the events of another generator, up to the file that its chunks read."""
    from rs3l_gnn.benchmarks.reliability.seeds import LHE
    from rs3l_gnn.simulation.hepmc import split_hepmc
    from rs3l_gnn.simulation.lhe import read_lhe

    (path.parent / "hard.lhe").write_text(LHE, encoding="utf-8")
    found = split_hepmc(
        path,
        read_lhe(path.parent / "hard.lhe"),
        _table(),
        first_number=None,
        chunk_size=2,
        directory=path.parent,
        name="herwig",
        longest_lifetime=1000.0,
    )
    return found, _described(path)


def _simulated(path: Path) -> Any:
    """``pair``, and what ``analyze`` asks of a file before it opens a chunk."""
    from rs3l_gnn.data.simulated import SimulatedFile

    def read(path: Path) -> Any:
        file = SimulatedFile.open(path)
        return file.sample, file.variation, file.labels, file.domain("pfnano"), file.read(file.event)

    return _both(path, read)


def _views(path: Path) -> Any:
    from rs3l_gnn.data import read_views

    return _both(path, read_views)


def _published(path: Path) -> Any:
    from rs3l_gnn.data.published import PublishedFile

    def read(path: Path) -> Any:
        with PublishedFile(path) as file:
            return file.read()

    return _both(path, read)


def _tagger(path: Path) -> Any:
    from rs3l_gnn.models.checkpoints import load_encoder

    def read(path: Path) -> Any:
        encoder = load_encoder(path)
        return encoder.embed(np.zeros((3, len(encoder.config.features)), np.float32), np.array([0, 1, 3]))

    return _both(path, read)


def _checkpoint(path: Path) -> Any:
    """``pretrain`` that goes on."""
    from rs3l_gnn.training.sealed import read_state

    return read_state(path)


def _exported(path: Path) -> Any:
    """``analyze`` and ``evaluate`` with a network of another program, beside which its ``export.json`` lies."""
    from rs3l_gnn.models.exported import ExportedNetwork
    from rs3l_gnn.models.exported.tagger import ExportedTagger

    def read(path: Path) -> Any:
        kind: Any = "onnx" if path.suffix == ".onnx" else "torchscript"
        tagger = ExportedTagger(ExportedNetwork(kind=kind, file=path), threads=1)
        return tagger.score(np.zeros((3, len(tagger.inputs)), np.float32), np.array([0, 1, 3]), np.zeros((2, 2)))

    return _both(path, read)


def _coffea(path: Path) -> Any:
    """It is never opened: ``fit`` refuses it, and ``inspect`` says what it is."""
    from rs3l_gnn.conventions import Rs3lError

    try:
        _histograms(path)
    except Rs3lError:
        return _described(path)
    raise RuntimeError(f"{path} was read")


def _fileset(path: Path) -> Any:
    from rs3l_gnn.processors.running.fileset import read_filesets

    def read(path: Path) -> Any:
        from rs3l_gnn.processors.running.metadata import is_simulation

        datasets = read_filesets([path])
        return [(name, one.files, one.plan, is_simulation(one.metadata)) for name, one in datasets.items()]

    return _both(path, read)


def _histograms(path: Path) -> Any:
    """``fit``: histograms with their covariances."""
    from rs3l_gnn.fits.histograms.plain import Wanted
    from rs3l_gnn.fits.histograms.runs import read_runs

    def read(path: Path) -> Any:
        name = "score_tagger"
        datasets = frozenset({"qcd", "hbb"})
        run = read_runs([path], [name], wanted=Wanted(datasets=datasets))
        return run.histograms[name]

    return _both(path, read)


def _replicas(path: Path) -> Any:
    from rs3l_gnn.conventions import file_digest
    from rs3l_gnn.fits.histograms.event_replicas import EventReplicas, ReplicaFile

    return EventReplicas.read([ReplicaFile(path, file_digest(path))], ["score_tagger"], flow="move")


def _chunk(path: Path) -> Any:
    """``analyze --resume``: a chunk that cannot be read is processed again."""
    from rs3l_gnn.running.stored_results import unpack

    try:
        return unpack(path.read_bytes(), modules=["rs3l_gnn.processors.tagging"])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # as in rs3l_gnn.running.checkpoints
        return None


def _config(path: Path) -> Any:
    from rs3l_gnn.conventions import load_config
    from rs3l_gnn.training import PretrainConfig

    return _both(path, lambda path: load_config(PretrainConfig, path))


def _corrections(path: Path) -> Any:
    from rs3l_gnn.processors import corrections

    corrections._open.cache_clear()
    return corrections.evaluator(path, "sf").evaluate(600.0)


def _certified(path: Path) -> Any:
    from rs3l_gnn.processors.certified import certified_events

    class Events:
        fields = ("run", "luminosityBlock")

        def __getitem__(self, name: str) -> Any:
            return np.array([273158, 273302, 1]) if name == "run" else np.array([7, 460, 1])

    certified_events.__globals__["_mask"].cache_clear()
    return certified_events(Events(), path)


def _history(path: Path) -> Any:
    from rs3l_gnn.evaluation.figures.losses import read_history

    return _both(path, read_history)


READERS: dict[str, Callable[[Path], Any]] = {
    "events.lhe": _lhe,
    "events.hepmc": _hepmc,
    "corrections.json": _corrections,
    "simulated.root": _simulated,
    "histograms.root": _histograms,
    "histograms.json": _histograms,
    "views.h5": _views,
    "published.h5": _published,
    "tagger": _tagger,
    "checkpoint": _checkpoint,
    "exported": _exported,
    "coffea": _coffea,
    "fileset": _fileset,
    "replicas.npz": _replicas,
    "result.chunk": _chunk,
    "config.yaml": _config,
    "certified.json": _certified,
    "history.csv": _history,
    "described": _described,
}
