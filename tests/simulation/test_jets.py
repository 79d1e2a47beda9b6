from __future__ import annotations

import dataclasses
from itertools import combinations

import awkward as ak
import fastjet
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, delta_r, parse_config
from rs3l_gnn.simulation import JetConfig
from rs3l_gnn.simulation.detector import FlowCandidates
from rs3l_gnn.simulation.jets import Clustering, groom


def candidates_of(rows: list[tuple[int, float, float, float]]) -> FlowCandidates:
    """Rows of event, pt, eta, phi; massless."""
    event, pt, eta, phi = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    n = len(rows)
    return FlowCandidates(
        event=event.astype(np.int64),
        pt=pt,
        eta=eta,
        phi=phi,
        mass=np.zeros(n),
        charge=np.zeros(n, dtype=np.int32),
        pdgid=np.full(n, 22, dtype=np.int32),
        d0=np.full(n, np.nan),
        dz=np.full(n, np.nan),
    )


def _momenta(pt: NDArray[np.float64], eta: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)])


def n2_by_definition(pt: NDArray[np.float64], eta: NDArray[np.float64], phi: NDArray[np.float64]) -> float:
    """N2 with beta = 1 by loops over pairs and triplets (arXiv:1609.07483)."""
    z = pt / pt.sum()
    distance = {(i, j): float(delta_r(eta[i], phi[i], eta[j], phi[j])) for i, j in combinations(range(len(pt)), 2)}
    two = sum(z[i] * z[j] * distance[i, j] for i, j in distance)
    three = 0.0
    for i, j, k in combinations(range(len(pt)), 3):
        angles = sorted([distance[i, j], distance[i, k], distance[j, k]])
        three += z[i] * z[j] * z[k] * angles[0] * angles[1]
    return float(three / two**2)


def test_jets_cuts_and_order() -> None:
    rows = [
        (0, 500.0, 0.0, 0.0),
        (0, 40.0, 0.3, 0.3),  # within 0.8 of the first
        (0, 700.0, 1.0, 2.0),
        (1, 440.0, 0.0, 0.0),  # below the cut
        (2, 900.0, 2.7, 0.0),  # too far forward
        (3, 300.0, 0.0, 3.1),
        (3, 300.0, 0.0, -3.1),  # the seam in phi
    ]
    jets = Clustering(candidates_of(rows), 5, JetConfig()).jets()
    assert jets.event.tolist() == [0, 0, 3]
    assert jets.pt == pytest.approx([700.0, 538.343, 599.48], rel=1e-4)
    assert [sorted(jets.candidates[a:b].tolist()) for a, b in zip(jets.offsets, jets.offsets[1:], strict=False)] == [
        [2],
        [0, 1],
        [5, 6],
    ]
    assert abs(jets.phi[2]) == pytest.approx(np.pi, abs=1e-6)
    assert jets.mass[2] == pytest.approx(np.sqrt(2 * 300**2 * (1 - np.cos(6.2))), rel=1e-6)
    assert jets.n2b1.tolist() == [0.0, 0.0, 0.0]


def test_soft_drop_removes_the_soft_branch() -> None:
    config = JetConfig()
    pt, eta, phi = np.array([300.0, 200.0, 10.0]), np.array([0.0, 0.3, -0.6]), np.array([0.0, 0.1, 0.2])
    mass, _ = groom(_momenta(pt, eta, phi), np.array([0, 3]), config)
    hard = _momenta(pt[:2], eta[:2], phi[:2]).sum(axis=1)
    assert mass[0] == pytest.approx(np.sqrt(hard[3] ** 2 - (hard[:3] ** 2).sum()), rel=1e-6)
    # Nothing passes: one particle is left, without mass.
    mass, n2 = groom(_momenta(pt[[0, 2]], eta[[0, 2]], phi[[0, 2]]), np.array([0, 2]), config)
    assert mass[0] == pytest.approx(0.0, abs=1e-3)
    assert n2[0] == 0


@pytest.mark.parametrize("n", [3, 4, 9, 25])
def test_n2_is_its_definition(n: int) -> None:
    rng = np.random.default_rng(n)
    pt, eta, phi = rng.uniform(5, 50, n), rng.uniform(-0.4, 0.4, n), rng.uniform(-0.4, 0.4, n)
    # Without a cut soft drop keeps every particle, so the definition sees the same ones.
    _, n2 = groom(_momenta(pt, eta, phi), np.array([0, n]), JetConfig(zcut=0.0))
    assert n2[0] == pytest.approx(n2_by_definition(pt, eta, phi), rel=1e-5)


def test_two_prongs_have_a_small_n2() -> None:
    rng = np.random.default_rng(2)
    n = 40
    spread = rng.normal(0, 0.02, (2, n))
    side = np.where(np.arange(n) % 2 == 0, 0.25, -0.25)
    pt = rng.exponential(10, n) + 1
    wide = rng.normal(0, 0.25, (2, n))
    both = np.concatenate([_momenta(pt, side + spread[0], spread[1]), _momenta(pt, wide[0], wide[1])], axis=1)
    _, n2 = groom(both, np.array([0, n, 2 * n]), JetConfig())
    assert n2[0] < 0.15
    assert n2[1] > 0.25


def test_nocandidates_of() -> None:
    empty = candidates_of([(0, 1.0, 0.0, 0.0)]).where(np.zeros(1, dtype=bool))
    jets = Clustering(empty, 3, JetConfig()).jets()
    assert len(jets) == 0
    assert jets.offsets.tolist() == [0]


def test_a_range_of_pt() -> None:
    rows = [(0, pt, 0.0, phi) for pt, phi in ((300.0, 0.0), (500.0, 2.0), (700.0, 4.0))]
    jets = Clustering(candidates_of(rows), 1, JetConfig(pt_min=400.0, pt_max=600.0)).jets()
    assert jets.pt.tolist() == pytest.approx([500.0])
    found = Clustering(candidates_of(rows), 1, JetConfig()).axes(pt_min=5.0)
    assert sorted(found.pt.tolist()) == pytest.approx([300, 500, 700])


def test_charged_jets_point_at_the_charged_candidates() -> None:
    candidates = candidates_of([(0, 500.0, 0.0, 0.0), (0, 480.0, 0.0, 0.1), (1, 470.0, 0.0, 0.0), (1, 100.0, 0.1, 0.0)])
    candidates = dataclasses.replace(candidates, charge=np.array([0, 1, -1, 0], dtype=np.int32))
    jets = Clustering(candidates, 2, JetConfig(charged=True)).jets()
    assert jets.pt.tolist() == pytest.approx([480.0, 470.0])
    assert jets.candidates.tolist() == [1, 2]


@pytest.mark.parametrize(("radius", "matching"), [(0.4, 0.25), (0.8, 0.5), (1.0, 0.625), (1.2, 0.75)])
def test_the_matching_radius_follows(radius: float, matching: float) -> None:
    assert JetConfig(radius=radius).matching_radius == pytest.approx(matching)
    assert JetConfig(radius=radius, match_radius=0.3).matching_radius == 0.3


def test_a_range_without_jets_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pt_max \(400 GeV\) must lie above pt_min \(450 GeV\)"):
        parse_config(JetConfig, {"pt_max": 400}, where="test")


@pytest.mark.parametrize(("zcut", "beta"), [(0.1, 0.0), (0.05, 1.0), (0.2, -0.5)])
def test_soft_drop_is_that_of_the_contributed_code(zcut: float, beta: float) -> None:
    """FastJet's own form for arrays, on jets of 1 to 60 particles."""
    rng = np.random.default_rng(3)
    counts = np.array([1, 2, 3, 7, 20, 60, 33])
    n, offsets = counts.sum(), np.concatenate([[0], np.cumsum(counts)])
    momenta = _momenta(rng.exponential(10, n) + 1, rng.normal(0, 0.3, n), rng.normal(0, 0.3, n))
    masses, _ = groom(momenta, offsets, JetConfig(zcut=zcut, beta=beta, radius=1.0))
    columns = dict(zip(("px", "py", "pz", "E"), momenta, strict=True))
    events = ak.unflatten(ak.zip(columns, with_name="Momentum4D"), counts)
    tree = fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0))
    expected = tree.exclusive_jets_softdrop_grooming(njets=1, beta=beta, symmetry_cut=zcut, R0=1.0)
    np.testing.assert_array_equal(masses, np.maximum(ak.to_numpy(expected.msoftdrop), 0.0))
