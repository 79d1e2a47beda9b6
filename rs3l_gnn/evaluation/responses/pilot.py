"""The responses of a pilot, out of its ``metrics.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.conventions.inputs import require_file
from rs3l_gnn.evaluation.responses.plan import PilotPair, PilotResponse, response_error
from rs3l_gnn.evaluation.responses.results import Estimator, PairStatistics

__all__ = ["Pilot", "PilotRow"]

_VERSION = 3


@dataclass(frozen=True)
class PilotRow:
    """A response of a class at a working point: the pair of taggers, None where the pilot does not know its error."""

    which: str
    estimator: Estimator
    efficiency: str
    tagger: str
    error: float | None
    pair: PilotPair | None


class Pilot:
    """Numbers of an earlier evaluation.

    Args:
        path: its ``metrics.json``.

    Raises:
        InputFileError: missing, not of an evaluation, or without responses.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self._path = path
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputFileError(f"{path} does not exist", hint="set plan.pilot to a metrics.json") from error
        except (OSError, ValueError) as error:
            raise InputFileError(f"{path} cannot be read as JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format") != "rs3l-metrics":
            raise InputFileError(f"{path} is not the metrics.json of an evaluation")
        if document.get("version") != _VERSION:
            raise InputFileError(
                f"{path} is of version {document.get('version')}", allowed=_VERSION, hint="evaluate the pilot again"
            )
        if not document.get("responses"):
            raise InputFileError(
                f"{path} has no responses",
                hint="evaluate views with variations of a scale or with shower weights, and with responses: {}",
            )
        self._document: Mapping[str, Any] = document

    @property
    def taggers(self) -> list[str]:
        """Their names, the baseline first."""
        return list(self._document["responses"])

    def rows(self, reference: str) -> Iterator[PilotRow]:
        """Every response of every other tagger beside the reference's.

        Raises:
            InputFileError: the pilot lacks the reference, or its numbers are damaged.
        """
        if reference not in self.taggers:
            raise InputFileError(
                f"{self._path} has no tagger {reference!r}", allowed=", ".join(self.taggers), hint="set reference"
            )
        try:
            yield from self._rows(reference)
        except (AttributeError, KeyError, TypeError, ZeroDivisionError) as error:
            raise InputFileError(f"the responses in {self._path} are damaged: {error!r}") from error

    def _rows(self, reference: str) -> Iterator[PilotRow]:
        estimators = {name: Estimator(**one) for name, one in self._document["response_estimators"].items()}
        first = self._document["responses"][reference]
        for tagger, classes in self._document["responses"].items():
            if tagger in {reference, "n2"}:
                continue
            for which, responses in classes.items():
                for name, cells in responses.items():
                    for efficiency, cell in cells.items():
                        one = first[which].get(name, {}).get(efficiency)
                        two = self._comparison(reference, tagger)[which].get(name, {}).get(efficiency)
                        pair = _pair(one, cell, two, estimators[name])
                        error = None if one is None else one["response_error"]
                        yield PilotRow(which, estimators[name], efficiency, tagger, error, pair)

    def _comparison(self, reference: str, tagger: str) -> Mapping[str, Any]:
        comparisons = self._document["response_comparisons"]
        found: Mapping[str, Any] | None = comparisons.get(f"{tagger} - {reference}")
        return comparisons[f"{reference} - {tagger}"] if found is None else found


def _pair(one: Any, other: Any, comparison: Any, estimator: Estimator) -> PilotPair | None:
    responses = [_response(cell, estimator) for cell in (one, other)]
    if comparison is None or comparison["correlation"] is None or responses[0] is None or responses[1] is None:
        return None
    return PilotPair(responses[0], responses[1], comparison["correlation"])


def _response(cell: Any, estimator: Estimator) -> PilotResponse | None:
    if cell is None or cell["response"] is None or cell["response_error_events"] is None or "pairs" not in cell:
        return None
    pairs = PairStatistics(**cell["pairs"])
    single = response_error(pairs, estimator.logarithm)
    if not single:
        return None
    trainings = len(cell["response_trainings"])
    return PilotResponse(
        value=cell["response"],
        events=pairs.events,
        single=single,
        mean=cell["response_error_events"],
        spread=cell["response_spread"] if trainings > 1 else None,
        trainings=trainings,
    )
