"""The flat ROOT layout of the public data set: one entry a jet, features stored transformed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import PUBLISHED_JETS, InvalidDataError, JetDomain, mass_of
from rs3l_gnn.data.event_format import EventFormat, require_fields

__all__ = ["PUBLISHED", "PUBLISHED_BRANCHES", "published_features"]

_CANDIDATE = ("pt", "relpt", "eta", "phi", "e", "rele", "charge", "d0", "dz", "dr")
PUBLISHED_BRANCHES = tuple(f"pfcand_{name}" for name in (*_CANDIDATE, "pdgid"))
"""Candidate branches."""
_JETS = ("jet_pt", "jet_eta", "jet_e", "jet_msd", "jet_n2")


def published_features(arrays: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features as they are stored.

    Args:
        arrays: :data:`PUBLISHED_BRANCHES` by name, each [jet][candidate].

    Returns:
        Features [n_particles, 15] and candidates of each jet [n_jets].
    """
    counts = np.asarray(ak.num(arrays["pfcand_pt"]), dtype=np.int64)
    columns = [np.asarray(ak.flatten(arrays[f"pfcand_{name}"]), dtype=np.float64) for name in _CANDIDATE]
    kind = np.abs(np.asarray(ak.flatten(arrays["pfcand_pdgid"])))
    charged = columns[_CANDIDATE.index("charge")] != 0
    muon, electron, photon = (kind == 13) & charged, (kind == 11) & charged, (kind == 22) & ~charged
    flags = [photon, muon, electron, charged & ~muon & ~electron, ~charged & ~photon]
    return np.stack([*columns, *flags], axis=1).astype(np.float32), counts


@dataclass(frozen=True)
class _Published(EventFormat):
    def jets(self, events: ak.Array) -> ak.Array:
        """One jet an event, with msoftdrop and n2b1; phi, which is not stored, is 0."""
        pt, eta, energy = (np.asarray(events[f"jet_{name}"], dtype=np.float64) for name in ("pt", "eta", "e"))
        columns = {
            "pt": pt,
            "eta": eta,
            # The features hold differences, so nothing depends on it.
            "phi": np.zeros_like(pt),
            "mass": mass_of(energy, pt * np.cosh(eta)),
            "msoftdrop": np.asarray(events["jet_msd"], dtype=np.float64),
            "n2b1": np.asarray(events["jet_n2"], dtype=np.float64),
        }
        one = np.ones(len(pt), dtype=np.int64)
        return ak.zip({name: ak.unflatten(values, one) for name, values in columns.items()})

    def candidates(self, events: ak.Array) -> ak.Array:
        """Refused."""
        del events
        raise InvalidDataError(
            "the published flat layout holds features, not candidates, which nothing can be done to",
            hint="leave puppi off and systematics.candidates empty for such files",
        )

    def links(self, events: ak.Array, jets: ak.Array, candidates: ak.Array) -> ak.Array:
        """Refused."""
        del jets, candidates
        return self.candidates(events)

    def features(self, events: ak.Array) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """As they are stored."""
        require_fields("the events lack", events, PUBLISHED_BRANCHES)
        return published_features(events)

    def radius(self, names: Collection[str]) -> float | None:
        """That of the publication."""
        del names
        return PUBLISHED_JETS.radius

    def domain(self, radius: float | None) -> JetDomain:
        """That of the publication."""
        del radius
        return PUBLISHED_JETS

    def branches(self, jets: Sequence[str], *, candidates: bool, puppi: bool = False) -> list[str]:
        """All jet branches, whichever of them are asked for."""
        del jets, puppi
        return [*_JETS, *PUBLISHED_BRANCHES] if candidates else [*_JETS]


PUBLISHED = _Published(
    "published",
    title="RS3L data set (published flat layout)",
    marks=("pfcand_pt",),
    tree="events",
    separator="",
    holds_features=True,
)
"""Zenodo record 10633815."""
