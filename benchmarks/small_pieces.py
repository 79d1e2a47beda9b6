"""What small pieces cost: an analysis in small chunks, and one of small files, against one of whole files."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from time import process_time

from rs3l_gnn.processors import AnalysisConfig, analyze

__all__ = ["rates_in_pieces"]


def rates_in_pieces(
    whole: Sequence[Path], small: Sequence[Path], tagger: Path, folder: Path, *, size: int, rounds: int = 3
) -> dict[str, float]:
    """Measure ``rs3l analyze`` in this process, by processor time, looks into the files and outputs included.

    Args:
        whole: files to take as one chunk each, and in chunks of ``size`` events.
        small: files of about ``size`` events.
        tagger: the network.
        folder: for the outputs.
        size: events of a small chunk.
        rounds: turns of the three; the ratios are medians over them.

    Returns:
        ``large_chunks_events_per_second``, and ``small_chunks_over_large`` and ``small_files_over_large``, the rates
        over that one.
    """
    runs = {"large": (whole, 10**6), "small_chunks": (whole, size), "small_files": (small, 10**6)}
    configs = {
        name: _config(files, tagger, folder / f"{name}.json", chunksize) for name, (files, chunksize) in runs.items()
    }
    analyze(configs["large"], folder / "first")  # compiles what is compiled at first use
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, config in configs.items():
            start = process_time()
            report = analyze(config, folder / f"{name}-{number}")
            rates[name].append(report["events"] / (process_time() - start))

    def over_large(name: str) -> float:
        return statistics.median(a / b for a, b in zip(rates[name], rates["large"], strict=True))

    return {
        "large_chunks_events_per_second": statistics.median(rates["large"]),
        "small_chunks_over_large": over_large("small_chunks"),
        "small_files_over_large": over_large("small_files"),
    }


def _config(files: Sequence[Path], tagger: Path, fileset: Path, chunksize: int) -> AnalysisConfig:
    fileset.write_text(json.dumps({"toys": {"files": {str(path): "Events" for path in files}}}), encoding="utf-8")
    document = {"filesets": [fileset], "taggers": {"rs3l": str(tagger)}, "paired": False}
    return AnalysisConfig.model_validate({**document, "run": {"executor": "iterative", "chunksize": chunksize}})
