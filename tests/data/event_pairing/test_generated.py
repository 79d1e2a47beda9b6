"""Decays of heavy particles, compared with a walk from particle to particle in CMS files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.data.event_pairing.anchors import find_anchors
from rs3l_gnn.data.event_pairing.generated import RESONANCES, Generated, find_decays, read_generated

from .conftest import CmsFile


def _records(file: CmsFile) -> ak.Array:
    return ak.zip({"GenPart": file.events["GenPart"]}, depth_limit=1)


def _roots_by_walking(particles: Generated) -> dict[int, set[int]]:
    """Last copy of each outermost heavy particle -> light particles that it and the heavy ones below it decay to."""
    mother, pdgid = particles.mother.tolist(), particles.pdgid.tolist()
    children: dict[int, list[int]] = {}
    for child, above in enumerate(mother):
        children.setdefault(above, []).append(child)
    heavy = [abs(kind) in RESONANCES for kind in pdgid]

    def ancestors(i: int) -> list[int]:
        return [] if mother[i] < 0 else [mother[i], *ancestors(mother[i])]

    found: dict[int, set[int]] = {}
    for start in range(len(pdgid)):
        if not heavy[start] or any(heavy[i] for i in ancestors(start)):
            continue
        last = start
        while same := [i for i in children.get(last, []) if pdgid[i] == pdgid[last]]:
            last = same[0]
        below, waiting = set(), [start]
        while waiting:
            for child in children.get(waiting.pop(), []):
                waiting += [child] if heavy[child] else []
                below |= set() if heavy[child] else {child}
        # Photons, a quark and hadrons of the shower stand below some tops and W of the file, too.
        found[last] = {child for child in below if particles.hard[child]} or below
    return found


@pytest.mark.parametrize("file", ["nano15", "pfnano"])
def test_decays_are_those_of_a_walk(file: str, request: pytest.FixtureRequest) -> None:
    particles = read_generated(_records(request.getfixturevalue(file)))
    decays = find_decays(particles)
    expected = _roots_by_walking(particles)
    assert decays.root.tolist() == sorted(expected)
    for number, root in enumerate(decays.root.tolist()):
        mine = decays.product[decays.of_particle[decays.product] == number]
        assert set(mine.tolist()) == expected[root]
        assert decays.of_particle[root] == number


def test_every_top_of_a_file_decays_to_a_b_and_two_quarks(nano15: CmsFile) -> None:
    """Of CMS' 400 hadronic tops one has a quark of the fragmentation as daughter, which is no product of its decay."""
    particles = read_generated(_records(nano15))
    decays = find_decays(particles)
    products: dict[int, list[int]] = {}
    for product in decays.product.tolist():
        products.setdefault(int(decays.of_particle[product]), []).append(abs(int(particles.pdgid[product])))
    assert len(products) == 400
    assert all(len(kinds) == 3 and max(kinds) == 5 and 21 not in kinds for kinds in products.values())


def test_top_pairs_have_two_tops_and_the_gluons_beside_them(nano15: CmsFile) -> None:
    particles = read_generated(_records(nano15))
    anchors = find_anchors(particles, 1000)
    counts: Any = np.bincount(anchors.event - 1000, minlength=200)
    lhe = nano15.events["LHEPart"]
    for event in range(200):
        kinds = np.asarray(lhe[event].pdgId)[np.asarray(lhe[event].status) == 1]
        leptons = np.isin(np.abs(kinds), [11, 13, 15]).sum()
        # Six fermions from two tops, and what goes out beside them. A leptonic top leaves its b.
        beside = len(kinds) - 6
        assert counts[event] == 2 + beside
        assert leptons <= 2


def test_delphes_particles_are_read_like_those_of_nanoaod(shared_data: Path) -> None:
    tree = uproot.open(shared_data / "delphes" / "delphes342.root")["Delphes"]
    fields = ("PID", "PT", "Eta", "Phi", "M1", "Status")
    table = ak.zip({name: tree[f"Particle/Particle.{name}"].array() for name in fields})
    particles = read_generated(ak.zip({"Particle": table}, depth_limit=1))
    expected = _roots_by_walking(particles)
    decays = find_decays(particles)
    assert decays.root.tolist() == sorted(expected)
    # ttH events: a Higgs and two tops each.
    kinds = np.abs(particles.pdgid[decays.root]).reshape(10, 3)
    np.testing.assert_array_equal(np.sort(kinds, axis=1), np.tile([6, 6, 25], (10, 1)))
