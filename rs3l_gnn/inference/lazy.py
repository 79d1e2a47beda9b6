"""Scores of events that are not read yet: dask-awkward arrays, as NanoEvents have them in ``mode="dask"``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import awkward as ak
import numpy as np

from rs3l_gnn.conventions import MissingBranchError
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.data import EventFormat, format_of, get_format
from rs3l_gnn.data.event_format import KINEMATICS, collection_of, find_branch
from rs3l_gnn.inference.inputs import Layout, event_inputs, with_paper
from rs3l_gnn.inference.tagger import JetTagger

__all__ = ["lazy_scores"]

_NUMBERS = ("run", "luminosityBlock", "event")
_RAW_FIELDS = ("rawFactor", "pt_raw", "mass_raw")
"""Of jets, where :func:`rs3l_gnn.data.raw_jets` looks for what was corrected."""


def lazy_scores(tagger: JetTagger, events: Any, *, layout: Layout | None = None) -> Any:
    """Scores of all jets as a dask-awkward array float32 [event][jet], partition by partition.

    Args:
        tagger: with one score, or a discriminant that makes one.
        events: dask-awkward records as for :func:`rs3l_gnn.inference.event_inputs`.
        layout: the format, its name, or a map of branches; found by the names of the collections if None.

    Raises:
        MissingDependencyError: dask-awkward is not installed.
        MissingBranchError: no known format has its collections there.
    """
    with needs_extra("lazy_scores", "lazy"):
        import dask_awkward
    names = {*events.fields, *map(collection_of, events.fields)}  # of collections, or of branches left as they are
    form = format_of(names) if layout is None else get_format(layout)
    return dask_awkward.map_partitions(_Scores(tagger, form), events, label="rs3l-scores", meta=_nothing())


class _Scores:
    """Scores one partition; asked with an array of types alone, it says which branches it reads."""

    def __init__(self, tagger: JetTagger, form: EventFormat) -> None:
        self.tagger, self.form = tagger, form

    def __call__(self, events: ak.Array) -> ak.Array:
        if ak.backend(events) == "typetracer":
            fields = (*KINEMATICS, *_RAW_FIELDS)
            for branch in self.form.branches(fields, candidates=True, puppi=self.tagger.puppi):
                with suppress(MissingBranchError):  # a file need not have the raw ones; the scores miss any other
                    if branch not in _NUMBERS:
                        ak.typetracer.touch_data(find_branch(events, branch))
            return _nothing()
        inputs = event_inputs(
            events, layout=self.form, puppi=self.tagger.puppi, features=with_paper(self.tagger.features)
        )
        return inputs.jagged(self.tagger.score(inputs))


def _nothing() -> ak.Array:
    one = ak.Array(ak.to_layout([[0.0]]))
    return ak.Array(ak.values_astype(one, np.float32).layout.to_typetracer(forget_length=True))
