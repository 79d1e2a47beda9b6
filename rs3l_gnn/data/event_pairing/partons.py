"""Fingerprints of hard partons: whether two events are the same hard event, in files that round their momenta."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.data.event_pairing.generated import Generated, generated_branches, read_generated

__all__ = ["Fingerprint", "agree", "parton_branches", "parton_source", "read_fingerprint"]

_LHE = tuple(f"LHEPart_{name}" for name in ("pdgId", "pt", "eta", "phi"))
_HASH = "hardHash"
_LARGEST_ETA = 8.0


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of the hard partons of events.

    Attributes:
        kinds: a number made of the PDG numbers, whatever their order; of ``hardHash``, all there is [n_events].
        sums: of pT, pT cos 2phi, pT sin 2phi and pT eta over the partons (GeV), which are equal whatever their order
            and, unlike the sum of the momenta, differ between events that balance [n_events, 4].
    """

    kinds: NDArray[np.uint64]
    sums: NDArray[np.float32]


def parton_branches(source: str, names: Collection[str]) -> list[str] | None:
    """Branches of one source of hard partons, None if a file with branches ``names`` lacks it."""
    if source == "GenPart":
        return generated_branches(names)
    needed = [_HASH] if source == _HASH else list(_LHE)
    return needed if set(needed) <= set(names) else None


def parton_source(wanted: str, files: Sequence[Collection[str]]) -> str | None:
    """The source that all files have; None if there is none, or none is wanted.

    Args:
        wanted: as in the configuration.
        files: names of the branches of each file.
    """
    for source in (_HASH, "LHEPart", "GenPart") if wanted == "auto" else (wanted,):
        if source != "none" and all(parton_branches(source, names) is not None for names in files):
            return source
    return None


def read_fingerprint(source: str, events: ak.Array, generated: Callable[[], Generated] | None = None) -> Fingerprint:
    """Fingerprints of a chunk of events that has the branches of the source.

    Args:
        source: of the hard partons.
        events: the chunk.
        generated: gives its generator particles where they are read anyway.
    """
    if source == _HASH:
        kinds = np.asarray(events[_HASH]).astype(np.uint64)
        return Fingerprint(kinds, np.zeros((len(kinds), 4), np.float32))
    if source == "LHEPart":
        counts = np.asarray(ak.num(events["LHEPart"]["pt"], axis=1), dtype=np.int64)
        flat = [np.asarray(ak.flatten(events["LHEPart"][name.partition("_")[2]], axis=1)) for name in _LHE]
        used, event = flat[1] > 0, parents_of(counts)  # incoming partons have no pT
        return _sums(event[used], len(counts), flat[0][used], [values[used].astype(np.float64) for values in flat[1:]])
    particles = read_generated(events) if generated is None else generated()
    used = particles.hard & (particles.pt > 0)
    momenta = [values[used] for values in (particles.pt, particles.eta, particles.phi)]
    return _sums(particles.event[used], len(particles.offsets) - 1, particles.pdgid[used], momenta)


def agree(one: Fingerprint, other: Fingerprint, tolerance: float) -> NDArray[np.bool_]:
    """True where two fingerprints are of one hard event [n_events]."""
    scale = np.maximum(np.abs(one.sums[:, 0]), np.abs(other.sums[:, 0]))
    near = (np.abs(one.sums - other.sums) <= tolerance * scale[:, np.newaxis]).all(axis=1)
    return np.asarray((one.kinds == other.kinds) & near)


def _sums(
    event: NDArray[np.int64], n_events: int, pdgid: NDArray[np.integer], momenta: Sequence[NDArray[np.float64]]
) -> Fingerprint:
    pt, eta, phi = momenta
    terms = (pt, pt * np.cos(2 * phi), pt * np.sin(2 * phi), pt * np.clip(eta, -_LARGEST_ETA, _LARGEST_ETA))
    sums = np.stack([np.bincount(event, weights=term, minlength=n_events) for term in terms], axis=1)
    kinds = np.zeros(n_events, dtype=np.uint64)
    # A sum of well mixed words (the finaliser of splitmix64) does not depend on the order.
    word = pdgid.astype(np.int64).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    np.add.at(kinds, event, word ^ (word >> np.uint64(31)))
    return Fingerprint(kinds, sums.astype(np.float32))
