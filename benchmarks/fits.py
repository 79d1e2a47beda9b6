"""How long it takes to write a large statistical model, and how much memory.

Run it with ``python -m rs3l_gnn.benchmarks.fits``; the report is one JSON document.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.benchmarks.memory import peak_mb
from rs3l_gnn.fits import (
    WRITERS,
    ChannelTemplates,
    Nuisance,
    SampleTemplates,
    Shift,
    Templates,
)

__all__ = ["large_model", "measure_writers"]


def large_model(*, channels: int = 50, samples: int = 10, systematics: int = 100, bins: int = 10) -> Templates:
    """A model in which every nuisance changes the shape of every sample in every channel."""
    rng = np.random.default_rng(1)
    edges = np.linspace(0.0, 1.0, bins + 1)
    nuisances = tuple(Nuisance(f"syst{number}", f"group{number % 5}", f"syst{number}") for number in range(systematics))
    made = []
    for channel in range(channels):
        content = []
        for sample in range(samples):
            values = rng.uniform(50, 150, bins)
            shifts = tuple(
                Shift(nuisance.name, values * rng.uniform(0.95, 1.1, bins), values * rng.uniform(0.9, 1.05, bins))
                for nuisance in nuisances
            )
            content.append(SampleTemplates(f"process{sample}", values, values, shifts))
        total = np.sum([sample.values for sample in content], axis=0)
        made.append(ChannelTemplates(f"channel{channel}", edges, tuple(content), np.round(total)))
    return Templates(tuple(made), ("process0",), nuisances)


def measure_writers(*, channels: int = 50, samples: int = 10, systematics: int = 100, bins: int = 10) -> dict[str, Any]:
    """Write the large model in all formats.

    Returns:
        Seconds of each writer and together, seconds of the processor (these count on a busy machine), bytes
        written, and the process's peak memory in GB, templates included.
    """
    templates = large_model(channels=channels, samples=samples, systematics=systematics, bins=bins)
    seconds: dict[str, float] = {}
    size, processor = 0, time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for name, write in WRITERS.items():
            start = time.perf_counter()
            write(Path(folder) / name, templates)
            seconds[name] = time.perf_counter() - start
            size += (Path(folder) / name).stat().st_size
    return {
        "channels": channels,
        "samples": samples,
        "systematics": systematics,
        "bins": bins,
        "seconds": seconds,
        "seconds_total": sum(seconds.values()),
        "cpu_seconds_total": time.process_time() - processor,
        "bytes": size,
        "peak_memory_gb": peak_mb() * 2**20 / 1e9,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure_writers(), indent=2) + "\n")
