"""Hard events of other generators, scored by the same taggers."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from rs3l_gnn.conventions import SplitFractions
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.measure import Responses
from rs3l_gnn.evaluation.scoring import ScoredViews, find_test_events, score_test_events

__all__ = ["check_responses", "score_others"]


def check_responses(meter: Meter) -> None:
    """Raise now what measuring the responses would raise later, after all the scoring.

    Args:
        meter: the test events, not scored yet.

    Raises:
        UnknownVariationError: a generator of the configuration does not occur.
        ConfigError: an unpaired one has the name of a variation.
        InputFileError: its views cannot be read.
    """
    if meter.config.responses is not None:
        _ = Responses(meter, meter.task(None, None), meter.config.responses).estimators
        _each(meter.config, find_test_events)


def score_others(config: EvaluateConfig) -> dict[str, Meter]:
    """The events of each unpaired generator with the scores of every training of the taggers.

    All of them are used: no training has seen another generator's events. Their replicas have nothing in common with
    those of the evaluation's events.
    """
    return _each(config, score_test_events)


def _each(config: EvaluateConfig, find: Callable[[EvaluateConfig], ScoredViews]) -> dict[str, Meter]:
    meters: dict[str, Meter] = {}
    if config.responses is None:
        return meters
    for name, paths in config.responses.unpaired.items():
        own = config.model_copy(
            update={
                "views": paths,
                "variations": (),
                "curves": {},
                "tables": {},
                "encoders": {},
                "responses": config.responses.model_copy(update={"unpaired": {}, "generators": ()}),
                "splits": SplitFractions(train=0, validation=0, test=1),
                "side": "test",
                "seed": config.seed + zlib.crc32(name.encode()),
                "weights": config.weights.model_copy(update={"samples": None}),
            }
        )
        meters[name] = Meter(own, find(own))
    return meters
