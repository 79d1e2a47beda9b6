"""The jets whose pass rates are the two sides of a response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import NOMINAL, InvalidDataError
from rs3l_gnn.evaluation.config import ClassConfig
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.responses.results import Estimator

__all__ = ["Side", "scored_trainings", "sides_of"]


@dataclass(frozen=True)
class Side:
    """Jets of one side.

    Attributes:
        meter: whose events they are.
        event: index of the hard event of each [n].
        jet: index of the view; None for the nominal views [n].
        weights: generator weights, times shower weights where these make the side [n].
        draws: multiplicities of the events [n_replicas, n].
    """

    meter: Meter
    event: NDArray[np.int64]
    jet: NDArray[np.int64] | None
    weights: NDArray[np.float64]
    draws: NDArray[np.uint8]

    @property
    def place(self) -> NDArray[np.int64]:
        """Index of the view among all views [n]."""
        return self.meter.scored.nominal[self.event] if self.jet is None else self.jet

    def scores(self, weights: str) -> NDArray[np.float64] | None:
        """Scores of a training [n]; None if it was not scored in these views."""
        found = self.meter.scored.scores[weights]
        if self.jet is None:
            return found.nominal[self.event]
        return None if found.views is None else found.views[self.jet]

    def passed(self, cuts: Sequence[tuple[str, float]]) -> NDArray[np.bool_]:
        """Which jets pass, for each training and threshold [n, n_cuts].

        Raises:
            InvalidDataError: a training was not scored in these views.
        """
        columns = []
        for weights, cut in cuts:
            scores = self.scores(weights)
            if scores is None:
                raise InvalidDataError(f"{weights} was not scored in the variations")
            columns.append(scores >= cut)
        return np.stack(columns, axis=1)


def scored_trainings(meter: Meter, sides: Sequence[Side]) -> list[str]:
    """Trainings of the taggers that were scored in the views of all sides, each once."""
    names = dict.fromkeys(weights for trainings in meter.config.trainings.values() for weights in trainings)
    return [weights for weights in names if all(side.scores(weights) is not None for side in sides)]


def sides_of(meter: Meter, which: ClassConfig, estimator: Estimator) -> tuple[Side, Side] | None:
    """Both sides of an estimator for the events of a class that have both; None without any such event.

    The sides of an estimator that is not paired have each the events of their own.

    Args:
        meter: the test events.
        which: class of jets, by the label of the nominal view.
        estimator: which sides.
    """
    if not estimator.paired:
        sides = _nominal(meter.others[estimator.up], which), _nominal(meter, which)
        return None if min(len(side.event) for side in sides) == 0 else sides
    made = _by_weights if estimator.kind == "weights" else _by_views
    return made(meter, which, estimator)


def _nominal(meter: Meter, which: ClassConfig) -> Side:
    """All nominal views of a class."""
    event = np.flatnonzero(meter.scored.in_class(which))
    return Side(meter, event, None, meter.scored.nominal_weights[event], meter.draws(which, event))


def _by_views(meter: Meter, which: ClassConfig, estimator: Estimator) -> tuple[Side, Side] | None:
    jets = [_views(meter, which, name) for name in (estimator.up, estimator.down)]
    both = (jets[0] >= 0) & (jets[1] >= 0)
    event = np.flatnonzero(both)
    if len(event) == 0:
        return None
    draws = meter.draws(which, event)
    up, down = (
        Side(
            meter,
            event,
            None if name == NOMINAL.name else of_events[event],
            meter.scored.weights[of_events[event]],
            draws,
        )
        for name, of_events in zip((estimator.up, estimator.down), jets, strict=True)
    )
    return up, down


def _views(meter: Meter, which: ClassConfig, name: str) -> NDArray[np.int64]:
    """Jet of a variation in each event of a class, -1 where there is none [n_events]."""
    scored = meter.scored
    found = np.full(scored.views.n_events, -1)
    if name == NOMINAL.name:
        mine = scored.in_class(which)
        found[mine] = scored.nominal[mine]
    else:
        event, jet = scored.pairs(which, scored.views.vartype_of(name))
        found[event] = jet
    return found


def _by_weights(meter: Meter, which: ClassConfig, estimator: Estimator) -> tuple[Side, Side] | None:
    scored = meter.scored
    table, names = scored.views.shower_weights, scored.views.shower_weight_names
    if table is None:
        return None
    columns = [names.index(name) for name in (estimator.up, estimator.down)]
    relative = table[scored.nominal][:, columns].astype(np.float64)
    event = np.flatnonzero(scored.in_class(which) & np.isfinite(relative).all(axis=1))
    if len(event) == 0:
        return None
    draws, own = meter.draws(which, event), scored.nominal_weights[event]
    up, down = (Side(meter, event, None, own * relative[event, column], draws) for column in (0, 1))
    return up, down
