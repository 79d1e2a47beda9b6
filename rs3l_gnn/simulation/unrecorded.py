"""Resonances that a hard event went through and that its LHE file leaves out, as Sherpa does: put back.

Sherpa writes ``5 -5 23`` for ZH with H to bb. Without the H a shower takes the quarks for partons of the production,
and no label finds the H. Which products belong to which resonance the user says. Products of an event are taken for it
where their mass is within 15 widths of its own, the bound under which MadGraph writes resonances (``bwcutoff``,
arXiv:1405.0301).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, SPIN_UNKNOWN, HardEvents

__all__ = ["restore_resonances"]

_WIDTHS = 15
_SMALLEST_WINDOW = 1.0  # GeV: beyond it lie 0.13 % of Higgs bosons with a width of 4 MeV
_MOMENTUM = ("px", "py", "pz", "e")


def restore_resonances(
    hard: HardEvents, decays: Mapping[int, Sequence[int]], data: Any, *, where: str
) -> tuple[HardEvents, dict[int, int]]:
    """Put resonances back between the incoming partons and their products.

    Args:
        hard: the hard events; they are not changed.
        decays: PDG identities of the products by that of the resonance, one after the other: a W before the top that
            it comes from. An event may hold several of a kind.
        data: Pythia's particle data: masses, widths and colours.
        where: the file, for messages.

    Returns:
        The events, and how many resonances of each identity were put back. Events without products of that mass stay.

    Raises:
        InputFileError: no event of the file has them.
    """
    parts = [hard.event(index) for index in range(len(hard))]
    count: dict[int, int] = {}
    for identity, products in decays.items():
        nearest, count[identity] = np.inf, 0
        for index, rows in enumerate(parts):
            while True:
                distance, places = _nearest(rows, identity, products, data)
                nearest = min(nearest, distance)
                if distance > _window(data, identity):
                    break
                rows = parts[index] = _with_resonance(rows, identity, places)  # noqa: PLW2901  # until none is left
                count[identity] += 1
        if not count[identity]:
            raise InputFileError(
                f"{where}: no event has products {list(products)} of a resonance {identity} that the file leaves out",
                got=f"masses at least {nearest:.4g} GeV from {data.m0(identity):.6g} GeV"
                if np.isfinite(nearest)
                else "no such particles straight from the incoming ones",
                allowed=f"within {_window(data, identity):.3g} GeV, {_WIDTHS} widths",
                hint=f"if its mass is another one, set {abs(identity)}:m0 in the sample's settings; else leave it out",
            )
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in parts])]).astype(np.int64)
    return replace(hard, particles=np.concatenate(parts), offsets=offsets), count


def _window(data: Any, identity: int) -> float:
    return max(_WIDTHS * float(data.mWidth(identity)), _SMALLEST_WINDOW)


def _nearest(
    rows: NDArray[np.void], identity: int, products: Sequence[int], data: Any
) -> tuple[float, tuple[int, ...]]:
    """Distance of the products' mass to the resonance's, GeV, and their places; infinite where there are none."""
    mothers = rows["mother1"] - 1
    produced = (rows["status"] > 0) & ((mothers < 0) | (rows["status"][mothers] == -1))
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    for places in product(*(np.flatnonzero(produced & (rows["id"] == one)).tolist() for one in products)):
        chosen = rows[list(places)]
        if len(set(places)) == len(places) and (data.colType(identity) or not any(_open_colours(chosen))):
            best = min(best, (abs(_mass(chosen) - data.m0(identity)), places))
    return best


def _mass(rows: NDArray[np.void]) -> float:
    px, py, pz, e = (rows[name].sum() for name in _MOMENTUM)
    return float(np.sqrt(max(e**2 - px**2 - py**2 - pz**2, 0.0)))


def _open_colours(rows: NDArray[np.void]) -> tuple[int, int]:
    """Colour and anticolour that no other of the rows takes up; 0 for none."""
    colours, anticolours = set(rows["col1"].tolist()) - {0}, set(rows["col2"].tolist()) - {0}
    return max(colours - anticolours, default=0), max(anticolours - colours, default=0)


def _with_resonance(rows: NDArray[np.void], identity: int, places: tuple[int, ...]) -> NDArray[np.void]:
    """The rows with the resonance before the first of its products."""
    at, chosen = min(places), rows[list(places)]
    resonance = np.zeros(1, PARTICLE_TYPE)
    for name in _MOMENTUM:
        resonance[name] = chosen[name].sum()
    resonance["id"], resonance["status"], resonance["m"], resonance["spin"] = identity, 2, _mass(chosen), SPIN_UNKNOWN
    resonance["mother1"], resonance["mother2"] = rows["mother1"][at], rows["mother2"][at]
    resonance["col1"], resonance["col2"] = _open_colours(chosen)
    moved = rows.copy()
    for name in ("mother1", "mother2"):
        moved[name] += moved[name] > at  # mothers count from 1
        moved[name][list(places)] = at + 1
    return np.concatenate([moved[:at], resonance, moved[at:]])
