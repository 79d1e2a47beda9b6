"""How long a fresh process needs until its first score: the light part, torch's module and ONNX Runtime, in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["WAYS", "measure_start", "start_of"]

_JETS = 2000
_COMMON = """
import json, os, sys, time
began = time.perf_counter(), time.process_time()
{imports}
imported = time.perf_counter()
import numpy as np
rng = np.random.default_rng(0)
offsets = np.concatenate([[0], np.cumsum(rng.integers(10, 60, {jets}))])
features = rng.normal(size=(offsets[-1], 15)).astype(np.float32)
ready = time.perf_counter()
{load}
first = score(features[: offsets[1]], offsets[:2])
scored, scored_cpu = time.perf_counter(), time.process_time()
helped = os.times()
score(features, offsets)
best = float("inf")
for _ in range(3):
    started = time.process_time()
    score(features, offsets)
    best = min(best, time.process_time() - started)
status = open("/proc/self/status").read() if sys.platform == "linux" else "VmHWM: 0"
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({{
    "import_seconds": imported - began[0],
    "first_score_seconds": scored - began[0] - (ready - imported),
    "first_score_cpu_seconds": scored_cpu - began[1] + helped.children_user + helped.children_system,
    "jets_per_cpu_second": {jets} / best,
    "peak_mb": peak,
    "score": float(first[0]),
}}))
"""
_LIGHT = """
tagger = load_tagger("default-hbb")
score = lambda x, o: tagger.score(x, o, threads=1)
"""
_TORCH = "torch.set_num_threads(1)" + _LIGHT
_ONNX = """
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
def score(x, o):
    out = []
    for i in range(0, len(o) - 1, 32):
        cuts = o[i : i + 33]
        counts = np.diff(cuts)
        valid = np.arange(counts.max())[None] < counts[:, None]
        padded = np.zeros((*valid.shape, 15), np.float32)
        padded[valid] = x[cuts[0] : cuts[-1]]
        out.append(session.run(None, {"features": padded, "valid": valid})[0])
    return np.concatenate(out)
"""
WAYS = {
    "light": ("from rs3l_gnn.inference import load_tagger", _LIGHT),
    "torch": ("import torch; from rs3l_gnn.models import load_tagger", _TORCH),
    "onnx": ("import onnxruntime", _ONNX),
}
"""Imports, and what makes ``score(features, offsets)``."""


def measure_start() -> dict[str, Any]:
    """Start, rate and memory of each way, each in a process of its own with its kernels cached, after one to fill it.

    Returns:
        For each of ``light``, ``torch`` and ``onnx``, and for ``never compiled``, ``light`` with an empty cache
        for the kernels: import_seconds, first_score_seconds (import included) and
        the same in CPU seconds of all processes, jets_per_cpu_second on one thread, peak_mb, and the first score.
    """
    from rs3l_gnn.models.export import export

    with tempfile.TemporaryDirectory() as folder:
        export("default-hbb", Path(folder) / "exported", formats=["onnx"])
        model = str(Path(folder) / "exported" / "model.onnx")
        ways = {way: start_of(way, Path(sys.executable), model) for way in WAYS}
        return {**ways, "never compiled": start_of("light", Path(sys.executable), cache=Path(folder) / "empty")}


def start_of(
    way: str, python: Path, model: str = "", *, jets: int = _JETS, cache: Path | None = None
) -> dict[str, Any]:
    """One way in a fresh process of an interpreter: the second time, or the first one with a cache of its own.

    Args:
        way: of :data:`WAYS`.
        python: the interpreter.
        model: the file for ONNX Runtime.
        jets: for the rate.
        cache: an empty folder for the compiled kernels; None is where they always are.
    """
    imports, load = WAYS[way]
    program = _COMMON.format(imports=imports, load=load, jets=jets)
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    if cache is not None:
        variables["NUMBA_CACHE_DIR"] = str(cache)
    for _ in range(2 if cache is None else 1):
        done = subprocess.run(  # noqa: S603  # our own program
            [str(python), "-c", program, model], check=True, capture_output=True, text=True, env=variables
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
