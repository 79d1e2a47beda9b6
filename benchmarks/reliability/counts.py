"""Tries, survived and lost: of damaged files, by kind, and of faults, by verb and fault."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rs3l_gnn.benchmarks.reliability.faults import FAULTS, Reference, lost
from rs3l_gnn.benchmarks.reliability.fuzz import fuzz, shares
from rs3l_gnn.benchmarks.reliability.jobs import VERBS, make_jobs
from rs3l_gnn.benchmarks.reliability.kinds import KINDS

__all__ = ["count_damaged", "count_faults"]


def count_damaged(total: int = 2_000, *, only: Sequence[str] = tuple(KINDS)) -> dict[str, Any]:
    """Damaged files of each kind: ``tries``, ``read``, ``refused``, ``escaped``, and a line for each that escaped.

    Args:
        total: of all kinds.
        only: these kinds, each with its share of the total.
    """
    counts = {name: count for name, count in shares(total).items() if name in only}
    result, kinds = fuzz(counts), {}
    for name in counts:
        read, refused = result.read[name], result.refused[name]
        escaped = sum(one.kind == name for one in result.escaped)
        kinds[name] = {"tries": read + refused + escaped, "read": read, "refused": refused, "escaped": escaped}
    return {"kinds": kinds, "lines": list(result.lines())}


def count_faults(
    verbs: Sequence[str] = VERBS, faults: Sequence[str] = tuple(FAULTS), *, tries: int = 1
) -> dict[str, Any]:
    """Runs that were disturbed and run again: by verb and fault ``tries`` and ``lost``, with what was lost."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "jobs").mkdir()
        jobs = make_jobs(root / "jobs", simulation="simulate" in verbs)
        for verb in verbs:
            undisturbed = root / f"{verb}-undisturbed"
            undisturbed.mkdir()
            reference = Reference.make(jobs[verb], undisturbed)
            for fault in (name for name in faults if FAULTS[name].concerns(verb)):
                problems = []
                for seed in range(tries):
                    folder = root / f"{verb}-{fault.replace(' ', '-')}-{seed}"
                    folder.mkdir()
                    problems += lost(FAULTS[fault], jobs[verb], reference, folder, seed)[:1]
                found.setdefault(verb, {})[fault] = {"tries": tries, "lost": len(problems), "lines": problems}
    return found
