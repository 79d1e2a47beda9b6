"""What is taken from Pythia's record, against Pythia's own account of it, and what is counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from rs3l_gnn.benchmarks.history_labels import _Record, _rows, measure_history_labels, table
from rs3l_gnn.conventions import NOMINAL, JetType
from rs3l_gnn.simulation import SampleConfig, SimulationConfig, get_process
from rs3l_gnn.simulation.chunks import Chunk, shower_of
from rs3l_gnn.simulation.generate import generate_hard_events


def test_record_and_ghosts_are_those_of_pythia() -> None:
    n = 4
    config = SimulationConfig(samples={"tt": SampleConfig(process="tt", events=n)}, shower_weights="none")
    hard = generate_hard_events(get_process("tt"), n, sample="tt", seed=1, pt_hat_min=400.0, energy=config.energy)
    shower = shower_of(Chunk("tt", 0, 0, hard, (NOMINAL,), (), config, {}, Path()), NOMINAL)
    record = _Record(shower.run(hard, [5, 6, 7, 8]))
    ghosts, is_b = record.ghosts()
    particles = record.gen_part()
    for number in range(n):
        assert shower.next_event(hard.part(number, number + 1), 5 + number)
        event, data = shower.pythia.event, shower.pythia.particleData

        def heaviest(i: int, event: object = event, data: object = data) -> int:
            return abs(data.heaviestQuark(event[i].id())) if event[i].isHadron() else 0  # type: ignore[attr-defined, index]

        for quark, kind in ((5, True), (4, False)):
            last = [
                event[i].pT()
                for i in range(event.size())
                if heaviest(i) == quark and quark not in map(heaviest, event[i].daughterList())
            ]
            mine = ghosts["pt"][(ghosts["event"] == number) & (is_b == kind)] / 1e-18
            np.testing.assert_allclose(np.sort(mine), sorted(last), rtol=1e-9)
        rows = particles[number]
        tops = [i for i in range(event.size()) if event[i].idAbs() == 6 and event[i].iBotCopyId() == i]
        for top in tops:
            (b,) = [i for i in event[top].daughterList() if event[i].idAbs() == 5]
            (row,) = [i for i, pt in enumerate(rows.pt.to_list()) if abs(pt - event[b].pT()) < 1e-4 * pt]
            mother = rows.genPartIdxMother[row]
            assert rows.pdgId[row] == event[b].id()
            assert rows.pdgId[mother] == event[top].id()
            np.testing.assert_allclose(rows.eta[mother], event[top].eta(), rtol=1e-5)
        assert not np.any(np.isin(rows.pdgId[rows.genPartIdxMother >= 0], [22]))


def test_shares_of_a_small_table() -> None:
    q, c, gg, g_cc = JetType.Q, JetType.C, JetType.GG, JetType.G_CC
    rows = _rows(Counter({(q, q, q): 6, (q, q, c): 1, (q, gg, g_cc): 2, (q, gg, c): 1, (gg, gg, gg): 5}))
    assert rows["Q"] == {
        "jets": 10,
        "partons": 0.3,
        "ghosts": 0.4,
        "most": {"partons": {"GG": 0.3}, "ghosts": {"C": 0.2, "G_CC": 0.2}},
    }
    assert rows["GG"] == {"jets": 5, "partons": 0.0, "ghosts": 0.0, "most": {"partons": {}, "ghosts": {}}}


def test_a_process_is_measured() -> None:
    numbers = measure_history_labels(events={"hbb": 8})
    jets = sum(row["jets"] for row in numbers["samples"]["hbb"].values())
    assert 0 < jets <= 16
    assert len(table(numbers)) == 1 + len(numbers["samples"]["hbb"])
