"""Files of correctionlib, opened once in each process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import ConfigError, InputFileError, MissingDependencyError
from rs3l_gnn.conventions.inputs import require_file

__all__ = ["evaluator"]


def evaluator(path: Path, name: str) -> Any:
    """One correction of a file.

    Raises:
        MissingDependencyError: correctionlib is not installed.
        InputFileError: the file cannot be read.
        ConfigError: there is no such correction; close names are listed.
    """
    corrections = _open(str(path))
    if name in corrections.compound:
        return corrections.compound[name]
    try:
        return corrections[name]
    except IndexError:
        import difflib

        known = [*corrections, *corrections.compound]
        raise ConfigError(
            f"{path.name} has no correction {name!r}", allowed=difflib.get_close_matches(name, known, n=5, cutoff=0.3)
        ) from None


@lru_cache(maxsize=16)
def _open(path: str) -> Any:
    try:
        import correctionlib
    except ImportError as error:
        raise MissingDependencyError(
            "corrections need correctionlib", hint="pip install 'rs3l_gnn[corrections]'"
        ) from error
    require_file(path, what="the corrections")
    if not Path(path).is_file():
        raise InputFileError(f"the corrections file {path} does not exist")
    try:
        return correctionlib.CorrectionSet.from_file(path)
    except (RuntimeError, OSError, ValueError) as error:
        raise InputFileError(f"{path} is not a file of correctionlib: {error}") from error
