"""From filesets to histograms: one call for the whole analysis."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import (
    ConfigError,
    InputFileError,
    JetDomain,
    atomic_directory,
    dump_config,
    file_digest,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.conventions.inputs import file_states, require_unchanged
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.data.event_tables import LAYOUT_KEY
from rs3l_gnn.processors.certified import read_certified
from rs3l_gnn.processors.chosen_taggers import choose_taggers
from rs3l_gnn.processors.config import AnalysisConfig
from rs3l_gnn.processors.files import (
    FileFailure,
    FileInfo,
    FileToOpen,
    look_at_files,
)
from rs3l_gnn.processors.hooks import load_object, module_file
from rs3l_gnn.processors.running.bootstrap import Replicas, write_replicas
from rs3l_gnn.processors.running.checkpoints import ChunkCheckpoints, run_key
from rs3l_gnn.processors.running.chunking import work_items
from rs3l_gnn.processors.running.execution import ChunkWork, add_up, warm_up
from rs3l_gnn.processors.running.fileset import Dataset, read_filesets
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.running.outputs import histogram_document, write_root
from rs3l_gnn.processors.running.shower_orders import find_orders
from rs3l_gnn.processors.running.stored_tables import StoredTables, scratch_folder
from rs3l_gnn.processors.running.summary import summarise
from rs3l_gnn.processors.running.totals import failures, seconds_in_chunks, seen_events, totals
from rs3l_gnn.processors.seen_events import refuse_seen_files
from rs3l_gnn.processors.skims import JetBlocks, write_skims
from rs3l_gnn.processors.tagging import TaggingProcessor
from rs3l_gnn.running.checkpoints import ChunkFolder

__all__ = ["analyze"]

_log = logging.getLogger(__name__)


@holds_output
def analyze(config: AnalysisConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Run the taggers over filesets and write histograms.

    Writes ``output.coffea``, ``histograms.json``, ``histograms.root``, ``report.json`` and ``config.yaml`` into the
    folder ``output``, all of them or none; with ``bootstrap.replicas`` also ``replicas.npz``.

    Args:
        config: files, taggers, selection, systematics, executor.
        output: folder to write.
        force: replace the folder if it is there.

    Returns:
        The report: ``complete``, ``executor``, ``workers``, ``events``, ``jets``, ``jets_per_second``, ``chunks``,
        ``chunks_from_checkpoints``, ``branches``, ``bytes_read``, ``remarks`` (on jets of another kind than a tagger
        was trained on), ``skipped_files``, ``failed_chunks``, ``without_shower_weights``,
        ``unknown_shower_weights``, times and the cutflow. Of a run that was resumed, the rates and the times are of
        that run alone, except for ``seconds.in_chunks``; every other number is what one run would have given.

    Raises:
        OutputError: the folder exists, or cannot be written.
        ConfigError: filesets and configuration do not fit together.
        InputFileError: a file cannot be read or lacks branches, and ``run.skip_bad_files`` is off.
        CheckpointError: a tagger cannot be loaded.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    start = time.perf_counter()
    if config.certified is not None:
        read_certified(config.certified)  # refused here and not by the first chunk of data
    filesets = read_filesets(config.filesets, config.datasets, exclude=config.exclude, sample_names=config.sample_names)
    datasets = _limited(filesets, config.run.limit_files)
    config = choose_taggers(config, _files(datasets))
    processor = _processor(config)
    before = file_states(file for dataset in datasets.values() for file in dataset.files)
    good, bad, remarks = _open_files(config, datasets, processor)
    refuse_seen_files(processor.taggers, processor.config, datasets, good)
    orders = find_orders(config.systematics, datasets, good)
    datasets = orders.datasets
    items, n_left_out = work_items(config, datasets, good)
    prepared = time.perf_counter()
    with scratch_folder(output) as folder:
        stored = StoredTables(folder, items, skip_bad_files=config.run.skip_bad_files)
        warm = partial(warm_up, list(processor.taggers.values()))
        with config.run.executor.open(warm, retries=config.run.retries) as workers:
            started = time.perf_counter()
            run = config.run
            work = ChunkWork.of(
                processor,
                retries=run.retries,
                timeout=run.xrootd_timeout,
                checkpoints=_checkpoints(config, processor),
            )
            result = add_up(workers, items, work, stored)
            seconds = time.perf_counter() - started
        for name, pairs in stored.pairs.items():
            result["out"][name]["pairs"] = pairs
        failed = failures(result["out"])
        complete = not (bad or failed or n_left_out or config.run.limit_files)
        summary = summarise(config.processor, result["out"], trust_metadata=complete)
        if not summary["datasets"]:
            raise InputFileError("no file could be processed", got=failed[0]["error"] if failed else "no chunks")
        report = {
            "complete": complete,
            "executor": config.run.executor.name,
            "workers": workers.number,
            **totals(result, seconds),
            "chunks": len(items),
            "chunks_left_out": n_left_out,
            "files": len(good),
            "without_shower_weights": orders.without,
            "unknown_shower_weights": orders.unknown,
            "branches": sorted(result["metrics"].get("branches", ())),
            "remarks": remarks,
            **({"seen_in_training": seen} if (seen := seen_events(result["out"])) else {}),
            "skipped_files": [{"file": failure.path, "error": str(failure.error)} for failure in bad],
            "failed_chunks": failed,
            "seconds": {
                "preparation": prepared - start,
                "warm_up": workers.warm_up_seconds,
                "processing": seconds,
                "total": time.perf_counter() - start,
                "in_chunks": seconds_in_chunks(result["out"]),
            },
            "cutflow": summary["cutflow"],
        }
        if report["jets_below_training_range"] and processor.taggers:
            _log.warning(
                "%d analysed jets lie below the %g GeV that the networks were trained on",
                report["jets_below_training_range"],
                processor.config.jet.training_pt_min,
            )
        several = sum(int(part.get("jets_in_several_channels", 0)) for part in result["out"].values())
        if several:
            report["jets_in_several_channels"] = several
            _log.warning("%d jets count in several channels; a fit takes channels as independent", several)
        replicas = summary.pop("replicas", None)
        require_unchanged({info.path: before[info.path] for info in good if info.path in before})
        _write(
            config,
            output,
            summary,
            report,
            replicas=replicas,
            skims=stored.jets,
            inputs={info.path: info.content_id for info in good},
            force=force,
        )
    return report


def _processor(config: AnalysisConfig) -> TaggingProcessor:
    """The processor of the configuration; results are collected, to be normalised here."""
    kind: Any = TaggingProcessor
    if config.processor_class is not None:
        kind = load_object(config.processor_class, where="processor_class")
        if not (isinstance(kind, type) and issubclass(kind, TaggingProcessor)):
            raise ConfigError("processor_class must be a subclass of TaggingProcessor", got=config.processor_class)
    processor: TaggingProcessor = kind(config.processor, on_error="collect")
    return processor


def _digests(config: AnalysisConfig, processor: TaggingProcessor) -> dict[str, str]:
    """Content hashes of all that decides what a chunk gives, beside the configuration and our own code."""
    digests = {name: tagger.digest or "" for name, tagger in processor.taggers.items()}
    if config.certified is not None:
        digests["certified blocks"] = file_digest(config.certified)
    for own in (type(processor), *processor.functions.values()):
        file = module_file(sys.modules[own.__module__])
        if file is not None:
            digests[f"code of {own.__module__}"] = file_digest(file)
    return digests


def _limited(datasets: dict[str, Dataset], limit: int | None) -> dict[str, Dataset]:
    if limit is None:
        return datasets
    return {
        name: replace(dataset, files=dict(list(dataset.files.items())[:limit])) for name, dataset in datasets.items()
    }


def _open_files(
    config: AnalysisConfig, datasets: Mapping[str, Dataset], processor: TaggingProcessor
) -> tuple[list[FileInfo], list[FileFailure], list[str]]:
    remarks: set[str] = set()

    def compare(domain: JetDomain, path: str) -> None:
        for tagger in processor.taggers.values():
            remarks.update(tagger.require(domain, where=path))

    good, bad = look_at_files(
        _files(datasets), config, compare=compare, features=processor.features, timeout=config.run.xrootd_timeout
    )
    if bad and not config.run.skip_bad_files:
        more = f" ({len(bad) - 1} more files are not usable)" if len(bad) > 1 else ""
        raise type(bad[0].error)(f"{bad[0].error}{more}", hint="mend it, or set run.skip_bad_files to go on without")
    for failure in bad:
        _log.warning("skipped: %s", failure.error)
    if not good:
        raise InputFileError("none of the files can be used", got=str(bad[0].error))
    return good, bad, sorted(remarks)


def _files(datasets: Mapping[str, Dataset]) -> list[FileToOpen]:
    return [
        FileToOpen(name, path, tree, is_simulation(dataset.metadata), dataset.metadata.get(LAYOUT_KEY))
        for name, dataset in datasets.items()
        for path, tree in dataset.files.items()
    ]


def _checkpoints(config: AnalysisConfig, processor: TaggingProcessor) -> ChunkCheckpoints | None:
    if config.run.checkpoints is None:
        return None
    key = run_key(config.processor, _digests(config, processor))
    folder = ChunkFolder(config.run.checkpoints.resolve(), key, config.run.resume)
    return ChunkCheckpoints(folder, modules=[type(processor).__module__])


def _write(
    config: AnalysisConfig,
    output: Path,
    summary: Mapping[str, Any],
    report: Mapping[str, Any],
    *,
    replicas: Replicas | None,
    skims: Mapping[str, JetBlocks],
    inputs: Mapping[str, str],
    force: bool,
) -> None:
    from coffea.util import save

    record = {**provenance(config=config), "inputs": inputs}
    if "seen_in_training" in report:
        record["seen_in_training"] = report["seen_in_training"]
    document = histogram_document(summary, complete=bool(report["complete"]), provenance=record)
    with atomic_directory(output, force=force) as folder:
        save({**summary, "report": report, "provenance": record}, str(folder / "output.coffea"))
        if replicas is not None:
            write_replicas(folder / "replicas.npz", replicas)
            # The content hash ties the two files together.
            document["replicas"] = {"file": "replicas.npz", "digest": file_digest(folder / "replicas.npz")}
        # Compact: nobody reads large tables by eye.
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        (folder / "histograms.json").write_text(text + "\n", encoding="utf-8")
        write_root(folder / "histograms.root", summary["histograms"], summary["paired"])
        write_json(folder / "report.json", report)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
        if skims:
            write_skims(folder / "skims", skims)
        if config.plots:
            from rs3l_gnn.processors.plots import plot_histograms

            plot_histograms(summary, folder / "plots")
