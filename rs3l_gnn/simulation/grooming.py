"""Soft drop and N2 of many jets by compiled loops.

FastJet does both, event by event through Python objects or for arrays with a history of each jet; either takes twenty
times as long, and the tests compare with both.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.compiling import compile_loop

__all__ = ["energy_correlation", "soft_drop"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ALONG_THE_BEAM = 1e5  # rapidity of what has no transverse momentum and no mass, beyond all others


@compile_loop
def _place(nodes: Floats, one: int) -> None:
    """Fill in pT, rapidity and azimuth in [0, 2 pi) of a node from its momentum; see :func:`_tree`."""
    px, py, pz, energy = nodes[one, 0], nodes[one, 1], nodes[one, 2], nodes[one, 3]
    square = px * px + py * py
    forward = energy + abs(pz)
    if square == 0 and energy == abs(pz):
        rapidity = -_ALONG_THE_BEAM - abs(pz)
    else:
        # Rounding cannot make the mass negative here, nor spoil the rapidity where E and |pz| nearly agree.
        rapidity = 0.5 * math.log((square + max(_square_of_mass(nodes, one), 0.0)) / (forward * forward))
    phi = math.atan2(py, px)
    nodes[one, 4] = math.sqrt(square)
    nodes[one, 5] = -rapidity if pz > 0 else rapidity
    nodes[one, 6] = phi + 2 * math.pi if phi < 0 else phi


@compile_loop
def _square_of_mass(nodes: Floats, one: int) -> float:
    square = nodes[one, 0] * nodes[one, 0] + nodes[one, 1] * nodes[one, 1]
    return float((nodes[one, 3] + nodes[one, 2]) * (nodes[one, 3] - nodes[one, 2]) - square)


@compile_loop
def _apart(nodes: Floats, one: int, other: int) -> float:
    """Square of the distance of two nodes in rapidity and azimuth."""
    turn = abs(nodes[one, 6] - nodes[other, 6])
    turn = min(turn, 2 * math.pi - turn)
    along = nodes[one, 5] - nodes[other, 5]
    return float(turn * turn + along * along)


@compile_loop
def _look_around(nodes: Floats, active: Integers, least: Floats, n: int, place: int) -> None:
    """Set the nearest neighbour of an active node, by its place, and the square of its distance; see :func:`_tree`."""
    active[place, 1], least[place] = -1, math.inf
    for other in range(n):
        if other != place:
            distance = _apart(nodes, active[place, 0], active[other, 0])
            if distance < least[place]:
                active[place, 1], least[place] = other, distance


@compile_loop
def _tree(momenta: Floats, first: int, n: int) -> tuple[Floats, Integers]:
    """Cambridge/Aachen tree of all particles of a jet: the nearest two are joined until one is left.

    Args:
        momenta: px, py, pz, E of the particles of all jets, GeV [n_constituents, 4].
        first, n: the first particle of this jet, and their number.

    Returns:
        Nodes, the particles first and then what is joined, one after another: px, py, pz, E, pT, rapidity and azimuth
        [2 n - 1, 7]; and the two parts of each, -1 for a particle [2 n - 1, 2].
    """
    nodes, parts = np.empty((2 * n - 1, 7)), np.full((2 * n - 1, 2), -1)
    # Of what is not joined yet: the node and the place of its nearest neighbour; and the square of their distance.
    active, least = np.empty((n, 2), np.int64), np.empty(n)
    for one in range(n):
        for column in range(4):
            nodes[one, column] = momenta[first + one, column]
        _place(nodes, one)
        active[one, 0] = one
    for one in range(n):
        _look_around(nodes, active, least, n, one)
    for new in range(n, 2 * n - 1):
        place = 0
        for one in range(n):
            if least[one] < least[place]:
                place = one
        place, gone = min(place, active[place, 1]), max(place, active[place, 1])
        parts[new, 0], parts[new, 1] = active[place, 0], active[gone, 0]
        for column in range(4):
            nodes[new, column] = nodes[parts[new, 0], column] + nodes[parts[new, 1], column]
        _place(nodes, new)
        # The new node takes the first place, and the last active one the other.
        n -= 1
        active[place, 0], active[gone, 0], active[gone, 1], least[gone] = new, active[n, 0], active[n, 1], least[n]
        for one in range(n):
            if one == place:
                continue
            if active[one, 1] == place or active[one, 1] == gone:
                _look_around(nodes, active, least, n, one)
                continue
            if active[one, 1] == n:
                active[one, 1] = gone
            distance = _apart(nodes, active[one, 0], new)
            if distance < least[one]:
                active[one, 1], least[one] = place, distance
        _look_around(nodes, active, least, n, place)
    return nodes, parts


@compile_loop
def soft_drop(
    momenta: Floats, offsets: Integers, zcut: float, beta: float, radius: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Undo the Cambridge/Aachen clustering until min(pT1, pT2) / (pT1 + pT2) > zcut (R12 / R0)^beta.

    1 and 2 are the two branches, of which the harder one is followed (arXiv:1402.2657).

    Args:
        momenta: px, py, pz, E of the constituents in GeV, jet after jet [n_constituents, 4]; each jet has at least one.
        offsets: first constituent of each jet, and the end [n_jets + 1].
        zcut, beta, radius: of the condition; ``radius`` is R0.

    Returns:
        Masses of what is left in GeV, 0 where rounding makes the square negative [n_jets], and which constituents
        are left [n_constituents].
    """
    masses, left = np.empty(len(offsets) - 1), np.zeros(len(momenta), np.bool_)
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        nodes, parts = _tree(momenta, first, n)
        node = 2 * n - 2
        while node >= n:
            one, other = parts[node, 0], parts[node, 1]
            pt, other_pt = nodes[one, 4], nodes[other, 4]
            least = zcut * (math.sqrt(_apart(nodes, one, other)) / radius) ** beta
            if min(pt, other_pt) > least * (pt + other_pt):
                break
            node = one if pt >= other_pt else other
        masses[jet] = math.sqrt(max(_square_of_mass(nodes, node), 0.0))
        inside = np.zeros(2 * n - 1, np.bool_)
        inside[node] = True
        for one in range(node, n - 1, -1):  # what is joined comes after its parts
            if inside[one]:
                inside[parts[one, 0]] = inside[parts[one, 1]] = True
        for one in range(n):
            left[first + one] = inside[one]
    return masses, left


@compile_loop
def energy_correlation(momenta: Floats, offsets: Integers) -> Floats:
    """N2 = 2e3 / (1e2)^2 with beta = 1 of each jet, 0 for fewer than three particles [n_jets].

    1e2 = sum_{i<j} z_i z_j R_ij and 2e3 = sum_{i<j<k} z_i z_j z_k min(R_ij R_ik, R_ij R_jk, R_ik R_jk) with
    z_i = pT_i / sum pT (arXiv:1609.07483, eq. 4.6).

    Args:
        momenta: px, py, pz, E of the constituents in GeV, jet after jet [n_constituents, 4].
        offsets: first constituent of each jet, and the end [n_jets + 1].
    """
    values = np.zeros(len(offsets) - 1)
    for jet in range(len(offsets) - 1):
        first, n = offsets[jet], offsets[jet + 1] - offsets[jet]
        nodes, distance = np.empty((n, 7)), np.empty((n, n))
        total = two = three = 0.0
        for i in range(n):
            for column in range(4):
                nodes[i, column] = momenta[first + i, column]
            _place(nodes, i)
            total += nodes[i, 4]
            for j in range(i):
                distance[i, j] = math.sqrt(_apart(nodes, i, j))
                two += nodes[i, 4] * nodes[j, 4] * distance[i, j]
                for k in range(j):
                    one, other = distance[i, k], distance[j, k]
                    smallest = min(distance[i, j] * min(one, other), one * other)
                    three += nodes[i, 4] * nodes[j, 4] * nodes[k, 4] * smallest
        if n > 2 and two > 0:
            values[jet] = three * total / (two * two)
    return values
