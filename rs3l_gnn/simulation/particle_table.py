"""What a detector makes of a kind of particle, from Pythia's particle data and what was read into it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import SimulationError

__all__ = ["Kinds", "ParticleTable"]

_PHOTON, _ELECTRON, _MUON, _TAU = 22, 11, 13, 15
_NUCLEI = 1_000_000_000
_R_HADRONS = range(1_000_500, 1_100_000)  # gluinos, squarks with light partons; Pythia does not count them as hadrons


@dataclass(frozen=True)
class Kinds:
    """What a detector makes of particles; arrays [n_particles].

    Attributes:
        charge: in units of e.
        visible: whether a detector sees them.
        seen_as: identities by which the detector treats them, their own or that of a muon.
    """

    charge: NDArray[np.int8]
    visible: NDArray[np.bool_]
    seen_as: NDArray[np.int32]


class ParticleTable:
    """Charge, visibility and name of particles by their PDG identity.

    A particle is invisible if Pythia's data say so (``isVisible``), or if it has neither charge nor colour and is
    neither a photon nor a hadron: neutrinos, neutralinos, gravitinos, dark matter, and a Z, H or a new neutral boson
    that is left undecayed. A heavy charged particle that is no hadron (stau, chargino, a W left undecayed) leaves a
    track and little else, as a muon does; R-hadrons are hadrons.

    Args:
        data: Pythia's particle data, after its initialisation.
        invisible: further positive identities that are invisible, known to Pythia or not.
    """

    def __init__(self, data: Any, invisible: Collection[int] = ()) -> None:
        self._data = data
        self._invisible = frozenset(invisible)
        self._rows: dict[int, tuple[int, bool, int]] = {}

    def kinds(self, identities: NDArray[np.integer]) -> Kinds:
        """What a detector makes of particles of these identities [n].

        Raises:
            SimulationError: Pythia does not know an identity.
        """
        found = np.unique(identities)  # asked for the inverse too, NumPy takes a slower way of sorting
        places = np.searchsorted(found, identities)
        rows = np.array([self._row(int(one)) for one in found], dtype=np.int64).reshape(-1, 3)
        charge, visible, seen_as = rows.T
        return Kinds(
            charge=charge.astype(np.int8)[places],
            visible=visible.astype(np.bool_)[places],
            seen_as=seen_as.astype(np.int32)[places],
        )

    def name(self, identity: int) -> str:
        """Number and Pythia's name, for messages."""
        return f"{identity} ({self._data.name(identity)})" if self.known(identity) else str(identity)

    def known(self, identity: int) -> bool:
        """Whether Pythia knows a particle of this identity (an atomic nucleus always)."""
        return abs(identity) > _NUCLEI or bool(self._data.isParticle(identity))

    def resonance(self, identity: int) -> bool:
        """Whether it decays within the hard process (top, W, Z, H, new particles that live shortly)."""
        data = self._data
        return bool(data.isResonance(identity) and data.canDecay(identity) and data.mayDecay(identity))

    def colour(self, identity: int) -> int:
        """1 for a colour triplet, -1 for an antitriplet, 2 for an octet, 3 and -3 for sextets, 0 for a singlet."""
        return int(self._data.colType(identity))

    def heavy_charged(self, identity: int) -> bool:
        """Whether it is charged and none of the stable particles of the standard model: a stau, an R-hadron."""
        kind = abs(identity)
        ordinary = kind <= 16 or self._data.isHadron(identity) or kind > _NUCLEI
        return self._data.charge(identity) != 0 and not ordinary

    def _row(self, identity: int) -> tuple[int, bool, int]:
        if identity not in self._rows:
            self._rows[identity] = self._look_up(identity)
        return self._rows[identity]

    def _look_up(self, identity: int) -> tuple[int, bool, int]:
        data, kind = self._data, abs(identity)
        if kind in self._invisible:
            return 0, False, identity
        if kind > _NUCLEI:  # 10LZZZAAAI
            return (kind // 10_000 % 1000) * (1 if identity > 0 else -1), True, identity
        if not self.known(identity):
            raise SimulationError(
                f"a stable particle has the identity {identity}, which Pythia does not know",
                allowed="particles of Pythia's data, and those that the <slha> block or 'settings' define",
                hint="if a detector does not see it, add its number to the sample's 'invisible'",
            )
        charge = round(data.charge(identity))
        hadron, coloured = data.isHadron(identity) or kind in _R_HADRONS, data.colType(identity) != 0
        weak = charge == 0 and not coloured and not hadron and kind != _PHOTON
        heavy = charge != 0 and not coloured and not hadron and kind not in (_ELECTRON, _MUON, _TAU)
        seen_as = -_MUON * int(np.sign(charge)) if heavy else identity
        return charge, bool(data.isVisible(identity)) and not weak, seen_as
