"""Jets of particle-flow candidates: anti-kT, soft drop, N2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import energy_of
from rs3l_gnn.conventions.jagged import offsets_of, parents_of
from rs3l_gnn.simulation.config import JetConfig
from rs3l_gnn.simulation.detector import FlowCandidates
from rs3l_gnn.simulation.native_output import caught_output

__all__ = ["JetAxes", "Jets", "cluster_jets", "find_axes", "groom"]


@dataclass(frozen=True)
class Jets:
    """Jets, sorted by event and falling pT; arrays [n_jets].

    Attributes:
        pt, mass, msoftdrop: GeV.
        n2b1: N2 of the soft-dropped jet with beta = 1; 0 for fewer than three particles left.
        candidates: indices of the constituents, jet after jet [n_links].
        offsets: first constituent of each jet [n_jets + 1].
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    msoftdrop: NDArray[np.float64]
    n2b1: NDArray[np.float64]
    candidates: NDArray[np.int64]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.event)


@dataclass(frozen=True)
class JetAxes:
    """Jets without anything inside, sorted by event; arrays [n_jets], pt in GeV."""

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]


def find_axes(candidates: FlowCandidates, n_events: int, config: JetConfig, *, pt_min: float) -> JetAxes:
    """Where all jets above ``pt_min`` are, whatever the selection says.

    Args:
        candidates: candidates sorted by event.
        n_events: events of the batch.
        config: radius, and whether the jets are those of charged candidates.
        pt_min: GeV.
    """
    _spend_banner()
    used = _clustered(candidates, config)
    starts = np.searchsorted(used.event, np.arange(n_events + 1))
    clustering = fastjet.ClusterSequence(_jagged(_momenta(used), starts), _definition(config))
    jets = clustering.inclusive_jets(pt_min)
    px, py, pz = (ak.to_numpy(ak.flatten(jets[name])).astype(np.float64) for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    return JetAxes(parents_of(ak.to_numpy(ak.num(jets.px))), pt, np.arcsinh(pz / pt), np.arctan2(py, px))


def _clustered(candidates: FlowCandidates, config: JetConfig) -> FlowCandidates:
    return candidates.where(candidates.charge != 0) if config.charged else candidates


def _definition(config: JetConfig) -> Any:
    return fastjet.JetDefinition(fastjet.antikt_algorithm, config.radius)


def cluster_jets(candidates: FlowCandidates, n_events: int, config: JetConfig) -> Jets:
    """Cluster the candidates of all events.

    Args:
        candidates: candidates sorted by event.
        n_events: events of the batch.
        config: radius, cuts and grooming.
    """
    _spend_banner()
    used = _clustered(candidates, config)
    momenta = _momenta(used)
    starts = np.searchsorted(used.event, np.arange(n_events + 1))
    events = _jagged(momenta, starts)
    clustering = fastjet.ClusterSequence(events, _definition(config))
    jets = clustering.inclusive_jets(config.pt_min)
    inside = clustering.constituent_index(config.pt_min)
    pt = np.hypot(jets.px, jets.py)
    eta = np.arcsinh(jets.pz / pt)
    order = ak.argsort(pt, ascending=False)
    pt, eta, jets, inside = pt[order], eta[order], jets[order], inside[order]
    kept = abs(eta) < config.abs_eta_max
    if config.pt_max is not None:
        kept = kept & (pt < config.pt_max)
    pt, eta, jets, inside = pt[kept], eta[kept], jets[kept], inside[kept] + starts[:-1]
    per_jet = ak.flatten(inside, axis=1)
    offsets = offsets_of(ak.to_numpy(ak.num(per_jet)))
    links = ak.to_numpy(ak.flatten(per_jet)).astype(np.int64)
    msoftdrop, n2b1 = groom(momenta[:, links], offsets, config)
    if config.charged:
        links = np.flatnonzero(candidates.charge != 0)[links]
    px, py, pz, energy = (ak.to_numpy(ak.flatten(jets[name])).astype(np.float64) for name in ("px", "py", "pz", "E"))
    return Jets(
        event=parents_of(ak.to_numpy(ak.num(pt))),
        pt=ak.to_numpy(ak.flatten(pt)).astype(np.float64),
        eta=ak.to_numpy(ak.flatten(eta)).astype(np.float64),
        phi=np.arctan2(py, px),
        mass=np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0)),
        msoftdrop=msoftdrop,
        n2b1=n2b1,
        candidates=links,
        offsets=offsets,
    )


def groom(
    momenta: NDArray[np.float64], offsets: NDArray[np.int64], config: JetConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Soft-drop mass, and N2 (beta = 1) of what soft drop leaves, as CMS defines them for wide jets.

    N2 = 2e3 / (1e2)^2 with 1e2 = sum_{i<j} z_i z_j R_ij and
    2e3 = sum_{i<j<k} z_i z_j z_k min(R_ij R_ik, R_ij R_jk, R_ik R_jk), z_i = pT_i / sum pT (arXiv:1609.07483, eq. 4.6).

    Args:
        momenta: px, py, pz, E of the constituents in GeV [4, n_constituents].
        offsets: first constituent of each jet [n_jets + 1].
        config: zcut, beta and R0 of soft drop (arXiv:1402.2657).

    Returns:
        Masses in GeV and N2, both [n_jets].
    """
    n_jets = len(offsets) - 1
    if n_jets == 0:
        return np.zeros(0), np.zeros(0)
    # All of a jet goes into one tree, so the radius is beyond any distance in it.
    everything = fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0)
    rows = momenta.T.tolist()
    groomed = [
        _soft_drop(rows[start:stop], everything, config)
        for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    counts = np.array([len(left) for _, left in groomed])
    places = np.concatenate([np.array(left) for _, left in groomed]) + np.repeat(offsets[:-1], counts)
    parts = _jagged(momenta[:, places], offsets_of(counts))
    n2 = np.zeros(n_jets)
    several = counts >= 3
    if several.any():
        tree = fastjet.ClusterSequence(ak.to_packed(parts[several]), everything)
        n2[several] = ak.to_numpy(tree.exclusive_jets_energy_correlator(njets=1, beta=1, npoint=2, func="nseries"))
    return np.maximum([mass for mass, _ in groomed], 0.0), n2


def _soft_drop(rows: list[list[float]], everything: Any, config: JetConfig) -> tuple[float, list[int]]:
    """Soft drop of one jet, event by event: the form for arrays takes four times as long for the same numbers.

    Args:
        rows: px, py, pz, E of its constituents in GeV.
        everything: Cambridge/Aachen with a radius beyond any distance in the jet.
        config: zcut, beta and R0.

    Returns:
        Mass in GeV, and the constituents that are left.
    """
    particles = [fastjet.PseudoJet(*row) for row in rows]
    for index, particle in enumerate(particles):
        particle.set_user_index(index)
    clustering = fastjet.ClusterSequence(particles, everything)
    jet = clustering.exclusive_jets(1)[0]
    one, other = fastjet.PseudoJet(), fastjet.PseudoJet()
    while jet.has_parents(one, other):
        pt, other_pt = one.pt(), other.pt()
        least = config.zcut * (one.delta_R(other) / config.radius) ** config.beta
        if min(pt, other_pt) > least * (pt + other_pt):
            break
        jet = fastjet.PseudoJet(one if pt >= other_pt else other)
    return jet.m(), [part.user_index() for part in jet.constituents()]


@lru_cache(maxsize=1)
def _spend_banner() -> None:
    """Let FastJet print its banner, once a process, where nobody reads it: it would stand between our own messages.

    What it asks for, to cite arXiv:1111.6097, is in the documentation.
    """
    with caught_output():
        one = _jagged(np.array([[1.0], [0.0], [0.0], [1.0]]), np.array([0, 1]))
        fastjet.ClusterSequence(one, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.8))


def _momenta(candidates: FlowCandidates) -> NDArray[np.float64]:
    """px, py, pz, E [4, n_candidates]."""
    pz = candidates.pt * np.sinh(candidates.eta)
    energy = energy_of(candidates.pt, candidates.eta, candidates.mass)
    return np.stack([candidates.pt * np.cos(candidates.phi), candidates.pt * np.sin(candidates.phi), pz, energy])


def _jagged(momenta: NDArray[np.float64], offsets: NDArray[np.int64]) -> ak.Array:
    contents = [ak.contents.NumpyArray(np.ascontiguousarray(row)) for row in momenta]
    record = ak.contents.RecordArray(contents, ["px", "py", "pz", "E"], parameters={"__record__": "Momentum4D"})
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets.astype(np.int64)), record))
