"""The one function that computes features, for simulation, training and the coffea processors alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.errors import InvalidDataError
from rs3l_gnn.conventions.features.catalogue import find_feature
from rs3l_gnn.conventions.features.feature import Candidates, JetAxes, JetCandidates
from rs3l_gnn.conventions.features.paper import FEATURE_NAMES
from rs3l_gnn.conventions.jagged import offsets_of, parents_of, ranges

__all__ = ["MAX_CANDIDATES", "candidate_features", "check_offsets", "hardest_candidates"]

MAX_CANDIDATES = 100
"""Candidates kept for each jet, the hardest by pT (design of the published data set)."""


def check_offsets(offsets: NDArray[np.integer], n_particles: int) -> NDArray[np.int64]:
    """Return ``offsets`` as int64 after checking that they cut ``n_particles`` particles into jets.

    Raises:
        InvalidDataError: not one-dimensional, not starting at 0, decreasing (the jet is named), or a wrong end.
    """
    offsets = np.asarray(offsets)
    if offsets.ndim != 1 or len(offsets) == 0 or not np.issubdtype(offsets.dtype, np.integer):
        raise InvalidDataError("offsets must be integers of shape [n_jets + 1]", got=f"{offsets.dtype} {offsets.shape}")
    steps = np.diff(offsets.astype(np.int64))
    if (steps < 0).any():
        jet = int(np.argmax(steps < 0))
        raise InvalidDataError(f"offsets decrease at jet {jet}", got=f"{offsets[jet]} -> {offsets[jet + 1]}")
    if offsets[0] != 0 or offsets[-1] != n_particles:
        raise InvalidDataError(
            f"offsets must run from 0 to the number of particles {n_particles}",
            got=f"{offsets[0]} .. {offsets[-1]}",
        )
    return offsets.astype(np.int64, copy=False)


def hardest_candidates(
    pt: NDArray[np.floating], offsets: NDArray[np.int64], maximum: int = MAX_CANDIDATES
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order the candidates of each jet by falling pT and keep at most ``maximum``.

    Args:
        pt: transverse momenta [n_particles].
        offsets: first candidate of each jet [n_jets + 1].

    Returns:
        Indices into the candidates [n_kept], and the new offsets [n_jets + 1]. Ties keep their order.
    """
    pt, counts = np.asarray(pt), np.diff(offsets)
    kept = np.minimum(counts, maximum)
    hardest = ranges(offsets[:-1], kept)
    if _is_falling(pt, offsets):  # as most files have them; the same order at a small part of the time
        return hardest, offsets_of(kept)
    return _order_of_falling(pt, offsets)[hardest], offsets_of(kept)


def _order_of_falling(pt: NDArray[np.floating], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the candidates by falling pT, jet after jet; equal pT keep their order."""
    from rs3l_gnn.conventions.features.sorting import LONGEST, order_of_falling

    counts = np.diff(offsets)
    if counts.max(initial=0) <= LONGEST:
        return order_of_falling(np.ascontiguousarray(pt), np.asarray(offsets, dtype=np.int64))
    return np.lexsort((-pt, parents_of(counts))).astype(np.int64)  # stable, too


def _is_falling(pt: NDArray[np.floating], offsets: NDArray[np.int64]) -> bool:
    """True if no candidate is harder than the one before it in its jet; False where one is not a number."""
    if len(pt) < 2:
        return not np.isnan(pt).any()
    falling = pt[1:] <= pt[:-1]
    falling[offsets[(offsets > 0) & (offsets < len(pt))] - 1] = True
    return bool(falling.all()) and not np.isnan(pt).any()


def candidate_features(
    candidates: Candidates,
    jets: JetAxes,
    offsets: NDArray[np.integer],
    features: Sequence[str] = FEATURE_NAMES,
) -> NDArray[np.float32]:
    """Compute features of every candidate, by default the 15 of the paper.

    Args:
        candidates: all candidates, arrays [n_particles].
        jets: the axes the features refer to, arrays [n_jets].
        offsets: first candidate of each jet [n_jets + 1].
        features: their names.

    Returns:
        Features [n_particles, n_features] in the order of ``features``.

    Raises:
        ConfigError: an unknown feature.
        InvalidDataError: a candidate or a jet with pT or energy that is not positive, or a value that is not finite,
            or a feature of another package that does not give one value for each candidate.
    """
    offsets = check_offsets(offsets, len(candidates.pt))
    counts = np.diff(offsets)
    for name in ("pt", "energy"):
        _require_positive(f"candidate {name}", getattr(candidates, name))
        _require_positive(f"jet {name}", np.where(counts > 0, getattr(jets, name), 1.0))
    seen = JetCandidates(candidates, jets, counts)
    out = np.empty((len(seen), len(features)), np.float32)
    for column, name in enumerate(features):
        values = np.asarray(find_feature(name).compute(seen))
        if values.shape != (len(seen),):
            raise InvalidDataError(
                f"the feature {name!r} must give one value for each candidate", got=values.shape, allowed=(len(seen),)
            )
        out[:, column] = values
    if not np.isfinite(out).all():
        particle, column = (int(i) for i in np.argwhere(~np.isfinite(out))[0])
        jet = int(np.searchsorted(offsets, particle, side="right")) - 1
        raise InvalidDataError(
            f"{features[column]!r} of candidate {particle - int(offsets[jet])} in jet {jet} is not finite",
            got=out[particle, column],
        )
    return out


def _require_positive(what: str, values: NDArray[np.floating]) -> None:
    wrong = ~(np.asarray(values) > 0)  # negated, so that NaN is caught too
    if wrong.any():
        index = int(np.argmax(wrong))
        raise InvalidDataError(f"{what} must be > 0 (entry {index}, {int(wrong.sum())} in all)", got=values[index])
