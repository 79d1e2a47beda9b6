"""Outputs of a study that were made from what an earlier step gave before it was repeated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from rs3l_gnn.workflows.steps import Step, needs_of

__all__ = ["dependents", "is_outdated", "mark_outdated", "mark_repeated"]


def dependents(steps: Sequence[Step], repeated: Collection[str]) -> list[Step]:
    """Steps that read the output of a repeated one, or of a step that does.

    Args:
        steps: all steps of the study.
        repeated: keys of those that are repeated.
    """
    needs, found = needs_of(steps), set(repeated)
    while more := {step.key for step in steps if step.key not in found and needs[step.key] & found}:
        found |= more
    return [step for step in steps if step.key in found and step.key not in repeated]


def is_outdated(step: Step, folder: Path) -> bool:
    """Whether the step's output is older than what it reads."""
    return _mark(step, folder).exists()


def mark_outdated(step: Step, folder: Path) -> None:
    """Remember it, beside the output, until :func:`mark_repeated`."""
    if (folder / step.output).exists():
        _mark(step, folder).touch()


def mark_repeated(step: Step, folder: Path) -> None:
    """Forget it: the step has read its inputs anew."""
    _mark(step, folder).unlink(missing_ok=True)


def _mark(step: Step, folder: Path) -> Path:
    output = folder / step.output
    return output.with_name(f"{output.name}.outdated")
