"""Scores of the jets of event files as one table, without a configuration and without a fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    ConfigError,
    InputFileError,
    InvalidDataError,
    JetDomain,
    atomic_file,
    progress,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.conventions.expansion import bound_baskets
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.conventions.jagged import local_index, parents_of
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.data import FORMATS, EventTables, event_numbers
from rs3l_gnn.inference import FoldNetworks, FoldTagger, JetTagger, LastEmbeddings, table_inputs, with_paper
from rs3l_gnn.processors.chosen_taggers import lacking_in_any
from rs3l_gnn.processors.config import AnyTagger, ProcessorConfig
from rs3l_gnn.processors.files import FileInfo, FileToOpen, look_at_files
from rs3l_gnn.processors.running.chunking import events_that_fit
from rs3l_gnn.processors.schema import JetSchema
from rs3l_gnn.processors.skims import KEYS

__all__ = ["tag_files"]

bound_baskets()

_TREE = "Scores"
_TIMEOUT = 60  # seconds, of remote files
_KEY_TYPES: dict[str, type[np.generic]] = {"run": np.uint32, "luminosityBlock": np.uint32, "event": np.uint64}


@holds_output
def tag_files(
    files: Sequence[Path | str],
    tagger: JetTagger | FoldTagger,
    output: Path | str,
    *,
    sample: str | None = None,
    tree: str | None = None,
    embeddings: bool = False,
    pt_min: float = 0.0,
    force: bool = False,
) -> dict[str, Any]:
    """Score every jet of event files.

    The table has one row a jet, in the order of files and events: run, luminosityBlock and event where the files have
    them, ``file`` (its place in ``files``), ``entry`` (of the tree), ``jet`` (place in the event), pt, eta and
    msoftdrop (GeV) as stored, ``in_training_range``, and ``score``, or ``score_<class>`` for several classes. What was
    run on what stands in a JSON file beside it.

    Args:
        files: ROOT files of any known format; local or URLs.
        tagger: the network, or those of folds: each jet has the score of the network that left its event out.
        output: ``.parquet``, or ``.root`` with a tree ``Scores``.
        sample: that the events belong to, by the name that the trainings knew it by; networks of folds need it, since
            it decides with the numbers of the events which fold these are in.
        tree: its name in the files; found if None.
        embeddings: add the embedding of each jet as ``embedding`` [dim]; networks of folds have none in common.
        pt_min: GeV; softer jets have no row.
        force: replace an output that is there.

    Returns:
        ``files``, ``events``, ``jets``, ``jets_outside_training_range``, ``tagger``, ``remarks``.

    Raises:
        ConfigError: the output is neither Parquet nor ROOT; or networks of folds without a sample, or with embeddings.
        OutputError: it is there already, or cannot be written.
        InputFileError: a file cannot be read.
        InvalidDataError: the network needs what the files lack.
    """
    output = Path(output)
    if output.suffix not in (".parquet", ".root"):
        raise ConfigError("the output must be a Parquet or ROOT file", got=output.name, allowed="*.parquet, *.root")
    if isinstance(tagger, FoldTagger):
        if sample is None:
            raise ConfigError("networks of folds need the sample of the events", hint="name it as in their training")
        if embeddings:
            raise ConfigError("networks of folds have no embedding in common", hint="take one of them")
    beside = output.with_name(output.name + ".json")
    for path in (output, beside):
        refuse_existing(path, force=force)
    remarks: set[str] = set()
    infos = _look(files, tagger, tree, remarks)
    report: dict[str, Any] = {
        "files": [info.path for info in infos],
        "events": sum(info.events for info in infos),
        "jets": 0,
        "jets_outside_training_range": 0,
        "tagger": {
            "name": tagger.name_or_path,
            "digest": tagger.digest,
            "classes": list(tagger.classes),
            "precision": tagger.precision,
        },
        "remarks": sorted(remarks),
    }
    if sample is not None:
        report["sample"] = sample

    def counted() -> Iterator[dict[str, NDArray[Any]]]:
        with progress("tag", report["events"], "events") as bar:
            for number, info in enumerate(infos):
                for start, stop in _chunks(info):
                    columns = _columns(info, start, stop, tagger, sample=sample, embeddings=embeddings, pt_min=pt_min)
                    rows = len(columns["jet"])
                    report["jets"] += rows
                    report["jets_outside_training_range"] += int((~columns["in_training_range"]).sum())
                    yield {"file": np.full(rows, number, dtype=np.int32), **columns}
                    bar.advance(stop - start)

    with atomic_file(output, force=force) as partial:
        (_write_parquet if output.suffix == ".parquet" else _write_root)(partial, counted())
        record = {**provenance(), "inputs": {info.path: info.content_id for info in infos}}
        write_json(beside, {**report, "provenance": record}, force=force)
    return report


def _look(
    files: Sequence[Path | str], tagger: JetTagger | FoldTagger, tree: str | None, remarks: set[str]
) -> list[FileInfo]:
    """A first look at every file; the first that cannot be used ends it."""
    if not files:
        raise ConfigError("no files to tag")

    domains: dict[str, JetDomain] = {}

    def compare(domain: JetDomain, path: str) -> None:
        domains[path] = domain
        if isinstance(tagger, FoldTagger) or tagger.is_chosen:
            remarks.update(tagger.require(domain, where=path))

    model: AnyTagger
    if isinstance(tagger, FoldTagger):
        model = FoldNetworks(kind="folds", files=tagger.files)
    else:
        model = tagger.exported or tagger.name_or_path
    config = ProcessorConfig(taggers={"score": model}, puppi=tagger.puppi)
    wanted = [FileToOpen("files", str(file), tree or _tree_of(str(file)), simulation=False) for file in files]
    good, bad = look_at_files(wanted, config, compare=compare, features=with_paper(tagger.features), timeout=_TIMEOUT)
    if bad:
        raise bad[0].error
    if isinstance(tagger, JetTagger) and not tagger.is_chosen:  # one for all files, whichever was looked at first
        tagger.choose(partial(lacking_in_any, domains.values()), where=" and ".join(info.path for info in good))
        for info in good:
            remarks.update(tagger.require(domains[info.path], where=info.path))
    return good


def _tree_of(path: str) -> str:
    """The tree of a file that a known format has its events in; ``Events`` where the file cannot say."""
    known = dict.fromkeys(form.tree for form in FORMATS.parts.values())
    require_file(path)
    try:
        with uproot.open({path: None}, timeout=_TIMEOUT) as opened:
            found = opened.keys(cycle=False, recursive=False)
    except (OSError, ValueError) as error:
        raise InputFileError(f"cannot read {path}: {' '.join(str(error).split())[:300]}") from error
    return next((name for name in known if name in found), "Events")


def _chunks(info: FileInfo) -> Iterator[tuple[int, int]]:
    step = events_that_fit(info)
    for start in range(0, max(info.events, 1), step):
        yield start, min(start + step, info.events)


def _columns(
    info: FileInfo,
    start: int,
    stop: int,
    tagger: JetTagger | FoldTagger,
    *,
    sample: str | None,
    embeddings: bool,
    pt_min: float,
) -> dict[str, NDArray[Any]]:
    """One row a jet above ``pt_min`` of some events of a file."""
    from coffea.nanoevents import NanoEventsFactory

    events = NanoEventsFactory.from_root(
        {info.path: info.tree}, schemaclass=JetSchema, mode="virtual", entry_start=start, entry_stop=stop
    ).events()
    jets = EventTables(events, candidates=False).jets
    counts = np.asarray(ak.num(jets["pt"], axis=1), dtype=np.int64)
    wanted = np.asarray(ak.flatten(jets["pt"], axis=1) >= pt_min)
    event = parents_of(counts)[wanted]
    keys = {name: np.asarray(events[name]).astype(_KEY_TYPES[name]) for name in KEYS[:3] if name in events.fields}
    numbers = event_numbers(events)
    if "event" not in keys and numbers is not None:
        keys["event"] = numbers
    kinematics = [name for name in ("pt", "eta", "msoftdrop") if name in jets.fields]
    fields = {name: np.asarray(ak.flatten(jets[name], axis=1), dtype=np.float32)[wanted] for name in kinematics}
    tables = EventTables(events, puppi=tagger.puppi, features=with_paper(tagger.features))
    inputs = table_inputs(tables, selected=ak.unflatten(wanted, counts))
    shared = LastEmbeddings()
    if isinstance(tagger, JetTagger):
        scores = tagger.combined(tagger.class_scores(inputs, shared=shared))
    elif numbers is None:
        raise InvalidDataError(f"{info.path} has no numbers of events to find their folds by")
    else:
        scores = tagger.score(inputs, sample or "", numbers[event])
    names = ["score"] if scores.ndim == 1 else [f"score_{name}" for name in tagger.classes]
    return {
        **{name: values[event] for name, values in keys.items()},
        "entry": event + start,
        "jet": local_index(counts)[wanted].astype(np.int32),
        **fields,
        "in_training_range": np.asarray(tagger.in_range(fields["pt"])),
        **dict(zip(names, np.ascontiguousarray(scores.reshape(len(event), len(names)).T), strict=True)),
        **(
            {"embedding": tagger.embeddings(inputs, shared=shared)}
            if embeddings and isinstance(tagger, JetTagger)
            else {}
        ),
    }


def _write_parquet(path: Path, blocks: Iterator[dict[str, NDArray[Any]]]) -> None:
    rows = (ak.zip({name: ak.from_numpy(values) for name, values in block.items()}, depth_limit=1) for block in blocks)
    ak.to_parquet_row_groups(rows, str(path))


def _write_root(path: Path, blocks: Iterator[dict[str, NDArray[Any]]]) -> None:
    with uproot.recreate(path) as file:
        for block in blocks:
            if _TREE not in file:
                file.mktree(_TREE, {name: np.dtype((values.dtype, values.shape[1:])) for name, values in block.items()})
            if len(block["jet"]):
                file[_TREE].extend(block)
