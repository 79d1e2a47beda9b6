from __future__ import annotations

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, SimulationError, parse_config
from rs3l_gnn.simulation import PROCESSES, HardEvents, SampleConfig, get_process
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.processes import PythiaProcessConfig
from rs3l_gnn.simulation.settings import CP5


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


@pytest.mark.parametrize(
    ("name", "products"),
    [
        ("hgg", [21, 21]),
        ("htautau", [15, 15]),
        ("gammajet", None),
        ("dijetgg", [21, 21]),
        ("dijetcc", [4, 4]),
        ("dijetbb", [5, 5]),
        ("ttlnuqq", None),
        ("hwwlnuqq", None),
    ],
)
def test_what_comes_out(name: str, products: list[int] | None) -> None:
    events = _generate(name, 4)
    for index in range(4):
        rows = events.event(index)
        outgoing = np.abs(rows["id"][rows["status"] == 1]).tolist()
        leptons = [one for one in outgoing if one in (11, 13, 15)]
        quarks = [one for one in outgoing if one <= 5]
        if products is not None:
            assert [one for one in outgoing if one not in (12, 14, 16)] == products
        elif name == "gammajet":
            assert outgoing.count(22) == 1
            assert len(outgoing) == 2
        else:
            assert len(leptons) == 1
            assert len(quarks) == {"ttlnuqq": 4, "hwwlnuqq": 2}[name]


def test_a_process_of_ones_own_is_that_of_bare_pythia() -> None:
    """The cross-section is Pythia's for the same settings, and the events have its products."""
    import pythia8mc

    config = PythiaProcessConfig(pythia=("WeakSingleBoson:ffbar2gmZ=on", "23:onMode=off", "23:onIfAny=13"))
    events = generate_hard_events(config.hard_process("dy"), 200, sample="dy", seed=1, pt_hat_min=20.0, energy=13000.0)
    assert {abs(one) for one in events.particles["id"][events.particles["status"] == 1]} == {13}
    bare = pythia8mc.Pythia("", False)
    for setting in (*CP5, *config.pythia, "Beams:eCM=13000", "PartonLevel:all=off", "Print:quiet=on"):
        assert bare.readString(setting)
    assert bare.init()
    for _ in range(2000):
        bare.next()
    sigma = bare.infoPython().sigmaGen() * 1e9
    assert events.xsec == pytest.approx(sigma, rel=0.15)  # 200 events


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["Top:gg2ttbarr=on"], "Pythia refuses the setting 'Top:gg2ttbarr=on'; got .*Top:gg2ttbarr"),
        (["23:onMode=off"], "Pythia does not start: .*no process switched on"),
    ],
)
def test_pythias_own_words(settings: list[str], message: str) -> None:
    process = PythiaProcessConfig(pythia=tuple(settings)).hard_process("own")
    with pytest.raises(SimulationError, match=message):
        generate_hard_events(process, 1, sample="own", seed=1, pt_hat_min=100.0, energy=13000.0)


def test_settings_of_other_places_are_refused() -> None:
    for setting, reason in {"Beams:eCM=7000": "energy", "phasespace:pthatmin=3": "pt_hat_min"}.items():
        with pytest.raises(ConfigError, match=rf"is no part of a hard process: .*{reason}"):
            parse_config(PythiaProcessConfig, {"pythia": [setting]}, where="test")
    with pytest.raises(ConfigError, match="has its hard events already"):
        parse_config(SampleConfig, {"lhe": "a.lhe", "process": {"pythia": ["Top:all=on"]}}, where="test")


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
    with pytest.raises(ConfigError, match="unknown process 'hxx'; allowed: qcd, hbb, wqq"):
        get_process("hxx")
