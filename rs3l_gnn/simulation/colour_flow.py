"""Colour flow for hard events that were written without one, as Sherpa writes them.

At leading colour the colour of a hard process flows along planar lines: each starts at a quark (outgoing, or an
incoming antiquark), may pass gluons, and ends at an antiquark. With n quark lines and g gluons there are (g + n - 1)!
such flows for each way to pair the flavours: the colour of two quark lines that exchange a gluon is swapped, so that
with n lines it goes round all of them, which (n - 1)! orders do, and the gluons stand in any order on the n lines.
Without quarks the gluons form a ring, in (g - 1)! orders. The production and each decay of a resonance have a flow of
their own, so that the products of a colour singlet form a singlet.

Quark lines are those of equal flavours, else those that stay nearest to their generation. Where lines change their
charge and no other particle takes it, a W was exchanged, and the colour stays on its line. Other exchanges of colour
singlets between quarks (Z, photon, a real W beside) cannot be told from gluons.

Where there are several flows, one is drawn. A flow weighs what the squared amplitudes of maximal helicity violation
give it at leading colour, which differ between flows by the product of 1 / (p_i p_j) over colour neighbours alone
(Parke and Taylor, Phys. Rev. Lett. 56 (1986) 2459; Mangano and Parke, Phys. Rept. 200 (1991) 301). Quark lines that
exchange a gluon weigh 1 / (p p') of each line, that is 1 / t^2 for two, which chooses between identical quarks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation.hard_events import HardEvents

__all__ = ["ColourCount", "assign_colours", "planar_flows", "without_colours"]

_FIRST_LABEL = 501
_MOST_LISTED = 7  # 5,040 flows; with more gluons and quark lines than these a flow is drawn without weights

Flow = tuple[tuple[int, ...], ...]
"""Lines of particles, each from a quark end over gluons to an antiquark end; or one ring, which ends where it began."""


@dataclass(frozen=True)
class ColourCount:
    """Events that had no colour flow: with a single planar flow, and with one drawn among several."""

    unique: int = 0
    drawn: int = 0


@dataclass(frozen=True)
class _Leg:
    """A coloured particle of a vertex; ``incoming`` covers the mother of a decay."""

    row: int
    incoming: bool
    flavour: int
    momentum: tuple[float, float, float, float]


def without_colours(hard: HardEvents, colour: Callable[[int], int]) -> NDArray[np.bool_]:
    """Events with coloured particles of which none has a colour index [n_events].

    Args:
        hard: the hard events.
        colour: colour type of a PDG identity as in Pythia: 1 triplet, -1 antitriplet, 2 octet, 0 singlet.
    """
    rows = hard.particles
    kinds, places = np.unique(rows["id"], return_inverse=True)
    coloured = np.array([colour(int(kind)) != 0 for kind in kinds])[places]
    labelled = (rows["col1"] != 0) | (rows["col2"] != 0)
    starts = hard.offsets[:-1]
    return np.logical_or.reduceat(coloured, starts) & ~np.logical_or.reduceat(labelled, starts)


def assign_colours(
    hard: HardEvents, colour: Callable[[int], int], generators: Callable[[int], np.random.Generator]
) -> tuple[HardEvents, ColourCount]:
    """Give a planar colour flow to each event that has none.

    Args:
        hard: the hard events; they are not changed.
        colour: colour type of a PDG identity.
        generators: gives the random generator of an event by its number, for the choice among several flows.

    Returns:
        The events, and how many of them got a flow.

    Raises:
        InputFileError: an event whose colours cannot flow: sextets, or quarks and antiquarks that do not pair up.
    """
    missing = np.flatnonzero(without_colours(hard, colour))
    if len(missing) == 0:
        return hard, ColourCount()
    particles = hard.particles.copy()
    unique = 0
    for index in missing:
        rows = particles[hard.offsets[index] : hard.offsets[index + 1]]
        try:
            unique += _colour_event(rows, colour, generators(int(index)))
        except ValueError as error:
            raise InputFileError(
                f"event {index} has no colour flow, and none can be given to it: {error}",
                hint="take a generator that writes colours",
            ) from error
    return replace(hard, particles=particles), ColourCount(unique, len(missing) - unique)


def planar_flows(
    quarks: Sequence[int],
    antiquarks: Sequence[int],
    gluons: Sequence[int],
    flavour: Callable[[int], int],
    product: Callable[[int, int], float],
) -> dict[Flow, float]:
    """All planar flows with their weights.

    Args:
        quarks: where lines start: outgoing quarks and incoming antiquarks.
        antiquarks: where lines end, as many.
        gluons: outgoing and incoming ones.
        flavour: of a quark or antiquark, without sign.
        product: |p_i p_j| in GeV^2 of two of them.
    """
    if not quarks:
        first, *others = gluons
        rings = ((first, *order, first) for order in permutations(others))
        return {(ring,): 1 / _chain(ring, product) for ring in rings}
    flows: dict[Flow, float] = {}
    for partners in _quark_lines(quarks, antiquarks, flavour):
        lines = [(flavour(q), flavour(a)) for q, a in zip(quarks, partners, strict=True)]
        gluon_exchange = not _exchanges_w(lines)
        line_weight = 1.0
        if len(quarks) > 1 and gluon_exchange:
            line_weight = float(np.prod([1 / product(*pair) for pair in zip(quarks, partners, strict=True)]))
        for ends in _round_trips(partners) if gluon_exchange else [partners]:
            for filling in _fillings(gluons, len(quarks)):
                flow = tuple((q, *inner, end) for q, inner, end in zip(quarks, filling, ends, strict=True))
                weight = line_weight
                for line in flow:
                    weight *= product(line[0], line[-1]) / _chain(line, product)
                flows[flow] = flows.get(flow, 0.0) + weight
    return flows


def _chain(line: Sequence[int], product: Callable[[int, int], float]) -> float:
    return float(np.prod([product(one, other) for one, other in pairwise(line)]))


def _quark_lines(
    quarks: Sequence[int], antiquarks: Sequence[int], flavour: Callable[[int], int]
) -> list[tuple[int, ...]]:
    """Partner of each quark on its quark line, in all ways that are equally good."""

    def misfit(pairing: tuple[int, ...]) -> tuple[int, int]:
        lines = [(flavour(q), flavour(a)) for q, a in zip(quarks, pairing, strict=True)]
        changes = sum(one != other for one, other in lines)
        return changes, sum(abs((one + 1) // 2 - (other + 1) // 2) for one, other in lines)

    pairings = list(permutations(antiquarks))
    best = min(misfit(pairing) for pairing in pairings)
    return [pairing for pairing in pairings if misfit(pairing) == best]


def _exchanges_w(lines: Sequence[tuple[int, int]]) -> bool:
    """Whether quark lines change their charges among themselves: up-type flavours are even."""
    changes = [one % 2 - other % 2 for one, other in lines]
    return any(changes) and sum(changes) == 0


def _round_trips(partners: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Where the colour of each quark ends: it goes round all quark lines before it comes back."""
    n = len(partners)
    trips = []
    for order in permutations(range(1, n)):
        cycle = (0, *order)
        ends = [0] * n
        for place in range(n):
            ends[cycle[place]] = partners[cycle[(place + 1) % n]]
        trips.append(tuple(ends))
    return trips


def _fillings(gluons: Sequence[int], n_lines: int) -> list[tuple[tuple[int, ...], ...]]:
    """Gluons in each order on each number of lines."""
    n = len(gluons)
    cuts = [
        tuple(bar - place for place, bar in enumerate(bars))
        for bars in combinations(range(n + n_lines - 1), n_lines - 1)
    ]
    return [
        tuple(order[start:stop] for start, stop in zip((0, *cut), (*cut, n), strict=True))
        for order in permutations(gluons)
        for cut in cuts
    ]


def _colour_event(rows: NDArray[np.void], colour: Callable[[int], int], rng: np.random.Generator) -> bool:
    """Write colours into the rows of an event; whether its flow was unique."""
    label = _FIRST_LABEL
    unique = True
    for legs in _vertices(rows, colour):
        flow, alone = _draw(legs, colour, rng)
        unique &= alone
        for one, other in (link for line in flow for link in pairwise(line)):
            # All legs as if outgoing: the colour of an incoming particle stands where the anticolour does.
            start = ("col2" if legs[one].incoming else "col1", legs[one].row)
            end = ("col1" if legs[other].incoming else "col2", legs[other].row)
            # The mother of a decay has its indices from where it was made.
            known = rows[start[0]][start[1]] or rows[end[0]][end[1]]
            for name, row in (start, end):
                rows[name][row] = known or label
            label += not known
    return unique


def _vertices(rows: NDArray[np.void], colour: Callable[[int], int]) -> list[list[_Leg]]:
    """Coloured legs of the production and then of each decay, mothers before their daughters."""
    status, mother = rows["status"], rows["mother1"] - 1
    resonances = [int(row) for row in np.flatnonzero(status == 2)]
    made_of = {
        row: int(mother[row]) if int(mother[row]) in resonances else -1
        for row in (int(row) for row in np.flatnonzero((status == 1) | (status == 2)))
    }
    vertices = []
    pending: list[int] = [-1]
    while pending:
        vertex = pending.pop(0)
        coming = np.flatnonzero(status == -1) if vertex < 0 else np.array([vertex])
        going = [row for row, origin in made_of.items() if origin == vertex]
        pending += [row for row in going if row in resonances]
        if going:
            legs = [_leg(rows, int(row), incoming=True) for row in coming]
            legs += [_leg(rows, row, incoming=False) for row in going]
            vertices.append([leg for leg in legs if colour(leg.flavour) != 0])
    return [legs for legs in vertices if legs]


def _leg(rows: NDArray[np.void], row: int, *, incoming: bool) -> _Leg:
    px, py, pz, energy = (float(rows[name][row]) for name in ("px", "py", "pz", "e"))
    return _Leg(row, incoming, int(rows["id"][row]), (px, py, pz, energy))


def _draw(legs: Sequence[_Leg], colour: Callable[[int], int], rng: np.random.Generator) -> tuple[Flow, bool]:
    """One of the flows of a vertex, and whether it is the only one."""
    kinds = [colour(leg.flavour) * (-1 if leg.incoming and abs(colour(leg.flavour)) == 1 else 1) for leg in legs]
    quarks, antiquarks, gluons = ([i for i, kind in enumerate(kinds) if kind == wanted] for wanted in (1, -1, 2))
    names = ", ".join(str(leg.flavour) for leg in legs)
    if any(kind not in (1, -1, 2) for kind in kinds):
        raise ValueError(f"it has colour sextets ({names})")
    if len(quarks) != len(antiquarks) or (not quarks and len(gluons) == 1):
        raise ValueError(f"its colours do not pair up ({names})")
    n = len(quarks) + len(gluons)
    if n > _MOST_LISTED + 1:
        return _any_flow(quarks, antiquarks, gluons, rng), False

    def product(one: int, other: int) -> float:
        p, q = legs[one].momentum, legs[other].momentum
        return max(abs(p[3] * q[3] - p[0] * q[0] - p[1] * q[1] - p[2] * q[2]), 1e-9)

    flows = planar_flows(quarks, antiquarks, gluons, lambda leg: abs(legs[leg].flavour) % 1_000_000, product)
    weights = np.array(list(flows.values()))
    choice = int(np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random())) if len(flows) > 1 else 0
    return list(flows)[min(choice, len(flows) - 1)], len(flows) == 1


def _any_flow(
    quarks: Sequence[int], antiquarks: Sequence[int], gluons: Sequence[int], rng: np.random.Generator
) -> Flow:
    """One of very many flows, all alike."""
    order = tuple(int(gluon) for gluon in rng.permutation(gluons))
    if not quarks:
        return ((*order, order[0]),)
    trips = _round_trips(tuple(antiquarks))
    ends = trips[int(rng.integers(len(trips)))]
    bars = sorted(int(bar) for bar in rng.choice(len(order) + len(quarks) - 1, len(quarks) - 1, replace=False))
    cut = [bar - place for place, bar in enumerate(bars)]
    inner = [order[start:stop] for start, stop in zip((0, *cut), (*cut, len(order)), strict=True)]
    return tuple((q, *line, end) for q, line, end in zip(quarks, inner, ends, strict=True))
