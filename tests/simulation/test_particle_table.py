from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import SimulationError
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE, Beams, HardEvents, LheProcess
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import stable_particles
from rs3l_gnn.simulation.settings import COMMON, CP5, configure
from rs3l_gnn.simulation.shower import Shower

# PDG identity: charge, whether a detector sees it, the kind as which it does.
KINDS = {
    211: (1, True, 211),
    -11: (1, True, -11),
    13: (-1, True, 13),
    22: (0, True, 22),
    130: (0, True, 130),
    2112: (0, True, 2112),
    3312: (-1, True, 3312),
    1000010020: (1, True, 1000010020),  # a deuteron
    1000020040: (2, True, 1000020040),  # helium
    12: (0, False, 12),
    -14: (0, False, -14),
    18: (0, False, 18),  # a fourth neutrino
    52: (0, False, 52),  # dark matter
    1000022: (0, False, 1000022),  # lightest neutralino
    1000039: (0, False, 1000039),  # gravitino
    9900012: (0, False, 9900012),  # heavy neutrino
    23: (0, False, 23),  # a Z that was kept
    1000015: (-1, True, 13),  # a stau looks like a muon
    -1000024: (-1, True, 13),  # so does a chargino
    1009213: (1, True, 1009213),  # an R-hadron is a hadron
    1009113: (0, True, 1009113),
}


def test_kinds() -> None:
    table = ParticleTable(configure(()).particleData)
    identities = np.array([*KINDS, *KINDS])
    kinds = table.kinds(identities)
    found = zip(kinds.charge.tolist(), kinds.visible.tolist(), kinds.seen_as.tolist(), strict=True)
    assert list(found) == [*KINDS.values(), *KINDS.values()]


def test_an_unknown_stable_particle_is_refused_by_its_number() -> None:
    data = configure(()).particleData
    table = ParticleTable(data)
    with pytest.raises(SimulationError, match=r"identity 9999, which Pythia does not know.*'invisible'"):
        table.kinds(np.array([22, 9999]))
    seen = ParticleTable(data, [9999, 130]).kinds(np.array([22, 9999, -9999, 130])).visible
    assert seen.tolist() == [True] + [False] * 3


def test_a_neutralino_is_no_jet() -> None:
    """What is visible of u ubar -> chi chi g balances the neutralinos: nothing of them is left in it."""
    event = np.zeros(5, dtype=PARTICLE_TYPE)
    rows = [
        (2, -1, 0, 0, 501, 0, 0, 0, 900, 900, 0),
        (-2, -1, 0, 0, 0, 502, 0, 0, -900, 900, 0),
        (1000022, 1, 1, 2, 0, 0, 500, 0, 100, np.sqrt(500**2 + 100**2 + 100**2), 100),
        (1000022, 1, 1, 2, 0, 0, 100, 0, 0, np.sqrt(100**2 + 100**2), 100),
        (21, 1, 1, 2, 501, 502, -600, 0, 0, 600, 0),
    ]
    for line, row in zip(event, rows, strict=True):
        line["spin"] = 9
        for name, value in zip(event.dtype.names or (), row, strict=False):
            line[name] = value
    out = event[2:]
    energy, pz = out["e"].sum(), out["pz"].sum()
    event["e"][:2] = (energy + pz) / 2, (energy - pz) / 2
    event["pz"][:2] = (energy + pz) / 2, -(energy - pz) / 2
    ones = np.ones(1)
    hard = HardEvents(
        beams=Beams(2212, 2212, 6500.0, 6500.0),
        processes=(LheProcess(1, 1.0, 0.0, 1.0),),
        strategy=3,
        particles=event,
        offsets=np.array([0, 5]),
        process=np.ones(1, dtype=np.int32),
        weight=ones,
        scale=600 * ones,
        alpha_qed=ones / 128,
        alpha_qcd=ones * 0.1,
        weight_names=(),
        further_weights=np.zeros((1, 0)),
    )
    slha = "BLOCK MASS\n 1000022 100.0\n"
    shower = Shower(hard.beams, (*COMMON, *CP5, "PartonLevel:MPI=off"), slha)
    batch = shower.run(hard, [5])
    records = batch.prt[0]
    dark = records[(records.status > 0) & (np.abs(records.id) == 1000022)]
    assert len(dark) == 2
    table = ParticleTable(shower.pythia.particleData)
    seen = stable_particles(batch, table, abs_eta_max=12.0)
    assert 1000022 not in seen.pdgid
    missing = np.hypot(seen.px.sum(), seen.py.sum())
    # Neutrinos of heavy hadrons and what flies along the beam are the rest.
    assert missing == pytest.approx(np.hypot(sum(dark.p.px), sum(dark.p.py)), rel=0.1)
