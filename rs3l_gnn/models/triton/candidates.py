"""What a network on a server takes: candidates and jets as numbers, padded. No torch import."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, IMPACT_FEATURES

__all__ = ["CANDIDATE_FIELDS", "JET_FIELDS", "PARAMETER", "candidates_of", "padded_candidates", "sent_features"]

CANDIDATE_FIELDS = ("pt", "eta", "phi", "energy", "charge", "pdgId", "d0", "dz")
"""Of each candidate, in the order of the input: GeV, rad, units of e, PDG number, mm (anything without a track)."""
JET_FIELDS = ("pt", "eta", "phi", "energy")
"""Of each jet as it was measured, before corrections: GeV, rad."""

PARAMETER = "rs3l"
"""Entry of ``parameters`` in ``config.pbtxt`` with a JSON text: kind, classes, features, domain, digest."""

_FAR = 12.0  # mm; tanh of it is 1 in single precision
_FLAGS = ("is_photon", "is_muon", "is_electron", "is_charged_hadron", "is_neutral_hadron")
_PDG = (22, 13, 11, 211, 130)


def sent_features(taken: Sequence[str], held: Sequence[str]) -> tuple[str, ...]:
    """Features that a request is made of: the paper's 15, without impact parameters where nobody has or wants them.

    Args:
        taken: inputs of the network.
        held: features of the jets.
    """
    return tuple(name for name in FEATURE_NAMES if name not in IMPACT_FEATURES or name in held or name in taken)


def candidates_of(
    features: NDArray[np.floating], offsets: NDArray[np.integer], names: Sequence[str] = FEATURE_NAMES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Candidates and jets that have these features: directions relative to the jet, whose axis is at eta = phi = 0.

    Args:
        features: of each particle [n_particles, C].
        offsets: first particle of each jet [n_jets + 1].
        names: of the C features, as :func:`sent_features` gives them.

    Returns:
        candidates [n_particles, 8] and jets [n_jets, 4]; pT and energy of a jet without candidates are 1.
    """
    columns = dict.fromkeys(IMPACT_FEATURES, np.zeros(len(features)))
    columns |= dict(zip(names, np.asarray(features, dtype=np.float64).T, strict=True))
    flags = np.stack([columns[name] for name in _FLAGS], axis=1)
    with np.errstate(divide="ignore"):  # tanh of anything far is 1
        lengths = [np.clip(np.arctanh(columns[name]), -_FAR, _FAR) for name in IMPACT_FEATURES]
    pt, energy = np.exp(columns["log_pt"]), np.exp(columns["log_e"])
    pdg = np.array(_PDG)[np.argmax(flags, axis=1)]
    rows = [pt, columns["deta"], columns["dphi"], energy, columns["charge"], pdg, *lengths]
    jets = np.zeros((len(offsets) - 1, len(JET_FIELDS)), np.float32)
    jets[:, [0, 3]] = 1.0
    filled = np.diff(offsets) > 0
    first = np.asarray(offsets)[:-1][filled]
    jets[filled, 0] = np.exp(columns["log_pt"] - columns["log_pt_rel"])[first]
    jets[filled, 3] = np.exp(columns["log_e"] - columns["log_e_rel"])[first]
    return np.stack(rows, axis=1).astype(np.float32), jets


def padded_candidates(
    candidates: NDArray[np.float32], offsets: NDArray[np.integer], multiple: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Lay ragged candidates out as a request holds them.

    Args:
        candidates: of all jets [n_particles, 8].
        offsets: first candidate of each jet [n_jets + 1].
        multiple: the length is one of it, so that few lengths occur, and a server batches requests of one length.

    Returns:
        candidates [n_jets, n, 8] with zeros in padding, and True for real ones [n_jets, n].
    """
    counts = np.diff(offsets)
    n = max(-(-int(counts.max(initial=0)) // multiple), 1) * multiple
    valid = np.arange(n)[None, :] < counts[:, None]
    padded = np.zeros((len(counts), n, candidates.shape[1]), np.float32)
    padded[valid] = candidates
    return padded, valid
