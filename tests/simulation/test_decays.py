"""Decays in flight: Pythia's in its own events, and ours of events of other generators, against the decay law."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.simulation import DetectorConfig, HardEvents
from rs3l_gnn.simulation.decays import InFlightDecays
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import Particles, stable_particles
from rs3l_gnn.simulation.settings import COMMON, CP5, decay_settings
from rs3l_gnn.simulation.shower import Shower

SETTINGS = (*COMMON, *CP5, *decay_settings(DetectorConfig()))
STABLE = (130, 211, 321, 13, 2112)
CTAU = {310: 26.84, 3122: 78.9}  # mm, PDG
MASS = {310: 0.4976, 3122: 1.1157}


def _gun(identity: int, n: int, pt: float) -> Particles:
    """One particle along x in each event."""
    zeros = np.zeros(n)
    return Particles(
        event=np.arange(n),
        pdgid=np.full(n, identity, dtype=np.int32),
        charge=np.zeros(n, dtype=np.int8),
        px=np.full(n, pt),
        py=zeros,
        pz=zeros,
        energy=np.full(n, np.hypot(pt, MASS[identity])),
        vx=zeros,
        vy=zeros,
        vz=zeros,
        collision=zeros.astype(np.int64),
        n_events=n,
    )


def _sum(particles: Particles, n: int) -> NDArray[np.float64]:
    return np.array(
        [np.bincount(particles.event, getattr(particles, name), minlength=n) for name in ("px", "py", "pz", "energy")]
    )


@pytest.mark.parametrize(("identity", "pt"), [(310, 5.0), (310, 40.0), (3122, 20.0)])
def test_the_decay_law(identity: int, pt: float) -> None:
    """Probability 1 - exp(-r m / (pT c tau)) to decay before r, at three radii and at the tracker's end."""
    n = 3000
    after = InFlightDecays(SETTINGS).run(_gun(identity, n, pt), range(1, n + 1))
    whole = after.pdgid == identity
    radius = np.full(n, np.inf)
    # pi0 are decayed too, at nearly the same place; what starts first shows where the mother ended.
    np.minimum.at(radius, after.event[~whole], np.hypot(after.vx, after.vy)[~whole])
    for limit in (30.0, 200.0, 800.0, 1250.0):
        expected = 1 - np.exp(-limit * MASS[identity] / (pt * CTAU[identity]))
        assert np.mean(radius < limit) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n) + 1e-3)
    assert np.isinf(radius).sum() == whole.sum()


def test_products_keep_the_momentum_and_the_place() -> None:
    n = 200
    mothers = _gun(310, n, 5.0)
    after = InFlightDecays(SETTINGS).run(mothers, range(1, n + 1))
    # A few per mille decay to a neutrino, which is not there.
    lost = np.abs(_sum(after, n) - _sum(mothers, n)).max(axis=0) > 1e-6
    assert lost.sum() <= 3
    assert after.vy == pytest.approx(np.zeros(len(after)), abs=1e-3)  # along the mother; pi0 fly nanometres
    assert (np.diff(after.event) >= 0).all()
    charged = after.charge != 0
    assert set(np.abs(after.pdgid[charged]).tolist()) <= {211, 11, 13}
    positive = np.where(np.abs(after.pdgid) == 211, 1, -1) * np.sign(after.pdgid)
    assert (after.charge[charged] == positive[charged]).all()
    assert 0.5 < np.mean(np.bincount(after.event[charged], minlength=n) > 0) < 0.85  # 69 % to two charged pions


def test_an_event_depends_on_its_seed_alone() -> None:
    decays, mothers = InFlightDecays(SETTINGS), _gun(3122, 8, 5.0)
    together = decays.run(mothers, range(11, 19))
    alone = decays.run(mothers.where(mothers.event == 5), range(11, 19))
    mine = together.where(together.event == 5)
    for name in ("pdgid", "px", "vx"):
        assert np.array_equal(getattr(mine, name), getattr(alone, name))


def test_what_is_stable_stays() -> None:
    gun = _gun(310, 1, 5.0)
    for identity in STABLE:
        one = Particles(**{**vars(gun), "pdgid": np.array([identity], dtype=np.int32)})
        assert InFlightDecays(SETTINGS).run(one, [1]) is one
    assert InFlightDecays((*COMMON, *CP5)).run(gun, [1]) is gun  # the paper's setting


def test_pythia_decays_within_the_tracker_alone(hard_events: HardEvents) -> None:
    """Whole records: long-lived particles have decayed at places inside, others have not."""
    some = hard_events.part(0, 12)
    batch = Shower(hard_events.beams, SETTINGS).run(some, range(1, 13))
    paper = Shower(hard_events.beams, (*COMMON, *CP5)).run(some, range(1, 13))
    identity, status = np.abs(ak.to_numpy(ak.flatten(batch.prt.id))), ak.to_numpy(ak.flatten(batch.prt.status))
    final = status > 0
    assert not np.isin(identity[(identity < 10000) & ~final], STABLE).any()
    v0 = identity == 310
    assert (v0 & ~final).sum() > 2 * (v0 & final).sum() > 0
    early = np.abs(ak.to_numpy(ak.flatten(paper.prt.id))) == 310
    assert (ak.to_numpy(ak.flatten(paper.prt.status))[early] > 0).all()
    table = ParticleTable(Shower(hard_events.beams, SETTINGS).pythia.particleData)
    radii = {}
    for name, events in (("paper", paper), ("v0", batch)):
        particles = stable_particles(events, table, abs_eta_max=3.4)
        radii[name] = np.hypot(particles.vx, particles.vy)
    assert radii["v0"].max() < 1250
    assert np.abs(particles.vz).max() < 2900
    assert (radii["v0"] > 10).sum() > 2 * (radii["paper"] > 10).sum()  # there, b hadrons alone fly that far
