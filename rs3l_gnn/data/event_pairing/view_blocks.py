"""Nominal jets with their particles and those of their partners, as views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.data.event_pairing.input_files import EventFiles
from rs3l_gnn.data.event_pairing.jet_table import JET_NUMBERS
from rs3l_gnn.data.event_pairing.matched_views import MatchedViews
from rs3l_gnn.data.event_pairing.particle_store import ParticleStore
from rs3l_gnn.data.event_pairing.particles import JetParticles
from rs3l_gnn.data.event_pairing.view_index import ViewIndex
from rs3l_gnn.data.views import Views, group_views

__all__ = ["view_block"]


def view_block(
    particles: JetParticles, matched: MatchedViews, stores: Sequence[ParticleStore], files: EventFiles
) -> Views:
    """Views of some nominal jets.

    Args:
        particles: of these jets.
        matched: says which partners they have.
        stores: particles of these, of one view after another.
        files: says what the samples, variations and labels are called.
    """
    jets = particles.jets
    parts, groups = [(particles.features, particles.offsets)], [np.arange(len(jets))]
    columns, scores = [_columns(matched, matched.nominal, jets, files)], [_scores(matched.nominal, jets)]
    for store, (index, _, partners) in zip(stores, matched.others, strict=True):
        partner = partners.jet[jets]
        found = partner[partner >= 0]
        parts.append(store.get(found))
        groups.append(np.flatnonzero(partner >= 0))
        columns.append(_columns(matched, index, found, files))
        scores.append(_scores(index, found))
    return group_views(
        parts,
        np.concatenate(groups),
        {name: np.concatenate([part[name] for part in columns]) for name in columns[0]},
        samples=files.names,
        variations=files.variations,
        labels=files.labels,
        feature_names=files.features,
        score_names=files.scores,
        scores=np.concatenate(scores) if files.scores else None,
        shower_weight_names=files.shower_weights,
        shower_weights=_shower_weights(matched, jets, sum(map(len, groups)), files),
    )


def _columns(
    matched: MatchedViews, index: ViewIndex, jets: NDArray[np.int64], files: EventFiles
) -> dict[str, NDArray[Any]]:
    rows = index.jets.row[jets]
    return {
        "event": index.events.number[rows],
        "weight": index.events.weight[rows],
        "sample": np.full(len(jets), files.names.index(matched.sample.name)),
        "vartype": np.full(len(jets), index.view.variation.vartype),
        "jettype": index.jets.jettype[jets],
        **{name: index.jets.numbers[name][jets] for name in JET_NUMBERS},
    }


def _scores(index: ViewIndex, jets: NDArray[np.int64]) -> NDArray[np.float32]:
    scores = index.jets.scores
    return np.zeros((len(jets), 0), np.float32) if scores is None else scores[jets]


def _shower_weights(
    matched: MatchedViews, jets: NDArray[np.int64], n_views: int, files: EventFiles
) -> NDArray[np.float32] | None:
    """Of nominal jets and, behind them, their partners, which have none [n_views, n_weights]."""
    if not files.shower_weights:
        return None
    table = np.full((n_views, len(files.shower_weights)), np.nan, np.float32)
    if matched.nominal.jets.shower_weights is not None:
        columns = [files.shower_weights.index(name) for name in matched.plan.shower_weights]
        table[: len(jets), columns] = matched.nominal.jets.shower_weights[jets]
    return table
