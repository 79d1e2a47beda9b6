from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, SimulationError
from rs3l_gnn.simulation import PROCESSES, HardEvents, get_process
from rs3l_gnn.simulation.generate import generate_hard_events


def _generate(name: str, n: int, seed: int = 1, pt_hat_min: float = 400.0) -> HardEvents:
    return generate_hard_events(get_process(name), n, sample=name, seed=seed, pt_hat_min=pt_hat_min, energy=13000.0)


@pytest.mark.parametrize("name", list(PROCESSES))
def test_every_process_gives_whole_events(name: str) -> None:
    events = _generate(name, 5)
    assert len(events) == 5
    assert events.xsec > 0
    assert (events.scale > 100).all()
    for index in range(5):
        rows = events.event(index)
        assert (rows["status"][:2] == -1).all()
        assert set(rows["status"]) <= {-1, 1, 2}
        for name_ in ("px", "py", "pz", "e"):
            balance = rows[name_][rows["status"] == 1].sum() - rows[name_][rows["status"] == -1].sum()
            assert abs(balance) < 1e-6 * rows["e"].max()
        # Each colour line has two ends: what comes in with a colour is what goes out with it, or an anticolour.
        coming, going = rows[rows["status"] == -1], rows[rows["status"] == 1]
        ends = [*coming["col1"], *going["col2"]], [*coming["col2"], *going["col1"]]
        assert sorted(c for c in ends[0] if c) == sorted(c for c in ends[1] if c)


def test_resonances_are_mothers_of_their_products() -> None:
    rows = _generate("hbb", 1).event(0)
    higgs = int(np.flatnonzero(rows["id"] == 25)[0])
    assert rows["status"][higgs] == 2
    assert rows["m"][higgs] == pytest.approx(125.0, abs=1.0)
    bottoms = rows[np.abs(rows["id"]) == 5]
    assert (bottoms["mother1"] == higgs + 1).all()
    assert bottoms["px"].sum() == pytest.approx(rows["px"][higgs])


def test_a_z_pair_has_one_invisible_z() -> None:
    events = _generate("zqq", 20)
    for index in range(20):
        outgoing = np.abs(events.event(index)["id"][events.event(index)["status"] == 1])
        assert sorted(outgoing > 6) == [False, False, True, True]


def test_the_seed_decides_the_events() -> None:
    one, same, other = _generate("qcd", 3), _generate("qcd", 3), _generate("qcd", 3, seed=2)
    assert np.array_equal(one.particles, same.particles)
    assert not np.array_equal(one.particles["px"], other.particles["px"])
    # The events of a longer run begin with those of a shorter one.
    assert np.array_equal(_generate("qcd", 5).part(0, 3).particles, one.particles)


def test_the_cut_is_kept() -> None:
    events = _generate("qcd", 30, pt_hat_min=600.0)
    partons = events.particles[(events.particles["status"] == 1) & (np.abs(events.particles["id"]) < 10)]
    assert (np.hypot(partons["px"], partons["py"]) > 599).all()


def test_an_impossible_cut_is_an_error() -> None:
    with pytest.raises(SimulationError, match="pt_hat_min 7000"):
        _generate("qcd", 1, pt_hat_min=7000.0)


def test_an_unknown_process_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown process 'hgg'; allowed: qcd, hbb, wqq"):
        get_process("hgg")
