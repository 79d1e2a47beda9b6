"""From filesets to histograms: one call for the whole analysis."""

from __future__ import annotations

import json
import logging
import re
import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rs3l_gnn import conventions
from rs3l_gnn.conventions import (
    InputFileError,
    atomic_directory,
    dump_config,
    provenance,
    refuse_existing,
    write_json,
)
from rs3l_gnn.processors.checkpoints import ChunkCheckpoints, run_key
from rs3l_gnn.processors.config import AnalysisConfig, flag
from rs3l_gnn.processors.execution import Execution, open_executor
from rs3l_gnn.processors.files import FileFailure, FileInfo, look_at_files, require_same_order
from rs3l_gnn.processors.fileset import Dataset, read_filesets
from rs3l_gnn.processors.outputs import histogram_document, write_root
from rs3l_gnn.processors.skims import JetTable, write_skims
from rs3l_gnn.processors.summary import summarise
from rs3l_gnn.processors.tagging import TaggingProcessor

__all__ = ["analyze"]

_log = logging.getLogger(__name__)


def analyze(config: AnalysisConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Run the taggers over filesets and write histograms.

    Writes ``output.coffea``, ``histograms.json``, ``histograms.root``, ``report.json`` and ``config.yaml`` into the
    folder ``output``, all of them or none.

    Args:
        config: files, taggers, selection, systematics, executor.
        output: folder to write.
        force: replace the folder if it is there.

    Returns:
        The report: ``complete``, ``executor``, ``workers``, ``events``, ``jets``, ``jets_per_second``, ``chunks``,
        ``branches``, ``skipped_files``, ``failed_chunks``, times and the cutflow.

    Raises:
        OutputError: the folder exists, or cannot be written.
        ConfigError: filesets and configuration do not fit together.
        InputFileError: a file cannot be read or lacks branches, and ``run.skip_bad_files`` is off.
        CheckpointError: a tagger cannot be loaded.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    start = time.perf_counter()
    datasets = _limited(read_filesets(config.filesets, config.datasets), config.run.limit_files)
    processor = TaggingProcessor(config.processor(), on_error="collect")
    good, bad = _open_files(config, datasets, processor)
    orders = require_same_order(good)
    datasets = {
        name: replace(dataset, metadata={**dataset.metadata, "psweight_names": list(orders.get(name, ()))})
        for name, dataset in datasets.items()
    }
    items, n_left_out = _chunks(config, datasets, good)
    prepared = time.perf_counter()
    with open_executor(config.run, list(processor.taggers.values())) as execution:
        started = time.perf_counter()
        result = _run(config, processor, execution, items)
        seconds = time.perf_counter() - started
    failures = sorted(failure for part in result["out"].values() for failure in part.get("failures", ()))
    if failures and not config.run.skip_bad_files:
        _, where, kind, message = failures[0]
        more = f" ({len(failures) - 1} more chunks failed)" if len(failures) > 1 else ""
        raise getattr(conventions, kind, InputFileError)(f"{where}: {message}{more}")
    lost = sorted({_name(item) for item in items} - {_name(item) for item in result["processed"]})
    failed = [*({"chunk": where, "error": message} for _, where, _, message in failures)]
    failed += [{"chunk": where, "error": "the file could not be opened"} for where in lost]
    complete = not (bad or failed or n_left_out or config.run.limit_files)
    summary = summarise(config.processor(), result["out"], trust_metadata=complete)
    if not summary["datasets"]:
        raise InputFileError("no file could be processed", got=failed[0]["error"] if failed else "no chunks")
    jets = sum(int(part.get("scored_jets", 0)) for part in result["out"].values())
    report = {
        "complete": complete,
        "executor": config.run.executor,
        "workers": execution.workers,
        "events": sum(int(part.get("events", 0)) for part in result["out"].values()),
        "jets_in_files": sum(int(part.get("jets", 0)) for part in result["out"].values()),
        "jets": jets,
        "jets_per_second": jets / seconds,
        "jets_below_training_range": sum(
            int(part.get("jets_below_training_range", 0)) for part in result["out"].values()
        ),
        "chunks": len(items),
        "chunks_left_out": n_left_out,
        "files": len(good),
        "branches": sorted({column.rpartition("-")[0] for column in result["metrics"].get("columns", ())}),
        "bytes_read": int(result["metrics"].get("bytesread", 0)),
        "skipped_files": [{"file": failure.path, "error": str(failure.error)} for failure in bad],
        "failed_chunks": failed,
        "seconds": {
            "preparation": prepared - start,
            "warm_up": execution.warm_up_seconds,
            "processing": seconds,
            "total": time.perf_counter() - start,
            "in_chunks": _seconds(result["out"]),
        },
        "cutflow": summary["cutflow"],
    }
    skims = {name: part["skim"] for name, part in sorted(result["out"].items()) if "skim" in part}
    _write(config, output, summary, report, skims=skims, inputs=[Path(info.path) for info in good], force=force)
    return report


def _limited(datasets: dict[str, Dataset], limit: int | None) -> dict[str, Dataset]:
    if limit is None:
        return datasets
    return {
        name: replace(dataset, files=dict(list(dataset.files.items())[:limit])) for name, dataset in datasets.items()
    }


def _open_files(
    config: AnalysisConfig, datasets: Mapping[str, Dataset], processor: TaggingProcessor
) -> tuple[list[FileInfo], list[FileFailure]]:
    def missing_features(missing: tuple[str, ...], path: str) -> None:
        for tagger in processor.taggers.values():
            tagger.require_features(missing, where=path)

    files = [
        (name, path, tree, flag(dataset.metadata, "isMC", default=True))
        for name, dataset in datasets.items()
        for path, tree in dataset.files.items()
    ]
    good, bad = look_at_files(files, config, missing_features=missing_features, timeout=config.run.xrootd_timeout)
    if bad and not config.run.skip_bad_files:
        more = f" ({len(bad) - 1} more files are not usable)" if len(bad) > 1 else ""
        raise type(bad[0].error)(f"{bad[0].error}{more}", hint="mend it, or set run.skip_bad_files to go on without")
    for failure in bad:
        _log.warning("skipped: %s", failure.error)
    if not good:
        raise InputFileError("none of the files can be used", got=str(bad[0].error))
    return good, bad


def _chunks(
    config: AnalysisConfig, datasets: Mapping[str, Dataset], files: Iterable[FileInfo]
) -> tuple[list[Any], int]:
    """Work items of coffea's Runner, and how many were left out by the limit."""
    from coffea.processor.executor import WorkItem

    of_dataset: dict[str, list[Any]] = {name: [] for name in datasets}
    size = config.run.chunksize
    for info in files:
        metadata = datasets[info.dataset].user_metadata()
        # A file without events is still a chunk, so that its data set has an entry of zeros.
        for start in range(0, max(info.events, 1), size):
            stop = min(start + size, info.events)
            of_dataset[info.dataset].append(
                WorkItem(info.dataset, info.path, info.tree, start, stop, info.uuid, metadata)
            )
    limit = config.run.limit_chunks
    kept = [item for items in of_dataset.values() for item in items[:limit]]
    return kept, sum(len(items) for items in of_dataset.values()) - len(kept)


def _run(config: AnalysisConfig, processor: TaggingProcessor, execution: Execution, items: list[Any]) -> dict[str, Any]:
    from coffea.processor import Runner

    from rs3l_gnn.processors.schema import JetSchema

    checkpointer = None
    if config.run.checkpoints is not None:
        digests = {name: tagger.digest or "" for name, tagger in processor.taggers.items()}
        checkpointer = ChunkCheckpoints(
            config.run.checkpoints, run_key(config.processor(), digests), resume=config.run.resume
        )
    runner = Runner(
        executor=execution.executor,
        schema=JetSchema,
        chunksize=config.run.chunksize,
        savemetrics=True,
        skipbadfiles=(OSError,) if config.run.skip_bad_files else False,
        xrootdtimeout=config.run.xrootd_timeout,
        checkpointer=checkpointer,
    )
    with warnings.catch_warnings():
        # Both are in the report.
        warnings.filterwarnings("ignore", "Skipping bad file|Performed attempt", UserWarning)
        try:
            result: dict[str, Any] = runner.run(items, processor)
        except Exception as error:
            # Coffea wraps every error of a chunk in a bare Exception; a file that vanished is the user's to mend.
            match = re.match(r"Failed to open file: .*?filename='(.*?)'.*The error was: (.*)", str(error), re.DOTALL)
            if match is None:
                raise
            raise InputFileError(f"cannot open {match[1]}: {match[2]}") from error
    return result


def _name(item: Any) -> str:
    return f"{item.filename}, events {item.entrystart} to {item.entrystop}"


def _seconds(out: Mapping[str, Any]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in out.values():
        for step, seconds in part.get("seconds", {}).items():
            total[step] = total.get(step, 0.0) + seconds
    return total


def _write(
    config: AnalysisConfig,
    output: Path,
    summary: Mapping[str, Any],
    report: Mapping[str, Any],
    *,
    skims: Mapping[str, JetTable],
    inputs: list[Path],
    force: bool,
) -> None:
    from coffea.util import save

    local = [path for path in inputs if path.is_file()]
    record = provenance(config=config, inputs=local)
    document = histogram_document(summary, complete=bool(report["complete"]), provenance=record)
    with atomic_directory(output, force=force) as folder:
        save({**summary, "report": report, "provenance": record}, str(folder / "output.coffea"))
        # Compact: the covariances are large tables of mostly zeros, and nobody reads them by eye.
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
        (folder / "histograms.json").write_text(text + "\n", encoding="utf-8")
        write_root(folder / "histograms.root", summary["histograms"])
        write_json(folder / "report.json", report)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
        if skims:
            write_skims(folder / "skims", skims)
        if config.plots:
            from rs3l_gnn.processors.plots import plot_histograms

            plot_histograms(summary, folder / "plots")
