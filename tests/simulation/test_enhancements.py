from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.simulation import SampleConfig, SimulationConfig, simulate
from rs3l_gnn.simulation.enhancements import SPLITTINGS, enhancement_settings, without_enhancements
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.processes import get_process
from rs3l_gnn.simulation.settings import COMMON, CP5, shower_weight_settings
from rs3l_gnn.simulation.shower import Shower

NOMINAL = (*COMMON, *CP5, "HadronLevel:all=off", "PartonLevel:MPI=off")
N_EVENTS = 400


def _beauty(batch: ak.Array) -> NDArray[np.bool_]:
    """Events with a b quark that a final-state branching made [n_events]."""
    return np.asarray(ak.any((abs(batch.prt.id) == 5) & (abs(batch.prt.status) == 51), axis=1))


def test_weights_undo_what_is_made_more_often() -> None:
    """g g -> g g: ten times the splittings to b, and the same share by weight as in the shower as it is."""
    hard = generate_hard_events(get_process("dijetgg"), N_EVENTS, sample="gg", seed=5, pt_hat_min=400.0, energy=13000.0)
    seeds = range(1, N_EVENTS + 1)
    plain = Shower(hard.beams, NOMINAL)
    usual = _beauty(plain.run(hard, seeds))
    assert (plain.factors == 1).all()
    enhanced = Shower(hard.beams, (*NOMINAL, *enhancement_settings({"fsr:G2BB": 10.0})))
    found = _beauty(enhanced.run(hard, seeds))
    factors = enhanced.factors
    assert found.mean() > 3 * usual.mean()
    for values, expected in ((factors, np.ones(N_EVENTS)), (factors * found, usual)):
        error = np.hypot(values.std(), expected.std()) / np.sqrt(N_EVENTS)
        assert values.mean() == pytest.approx(expected.mean(), abs=4 * error)
    # An event has the weight that Pythia says after making it alone.
    for index in (0, 7):
        assert enhanced.next_event(hard.part(index, index + 1), seeds[index])
        assert enhanced.pythia.infoPython().weight() == factors[index]


def test_shower_weights_are_relative_to_the_enhanced_event() -> None:
    hard = generate_hard_events(get_process("dijetgg"), 60, sample="gg", seed=5, pt_hat_min=400.0, energy=13000.0)
    both = Shower(hard.beams, (*NOMINAL, *enhancement_settings({"fsr:G2BB": 5.0}), *shower_weight_settings("pythia")))
    batch = both.run(hard, range(1, 61))
    rows = ak.to_numpy(batch.info.weights)
    names = [name.lower() for name in both.pythia.infoPython().weightNameVector()]
    assert np.ptp(both.factors) > 0
    assert np.array_equal(both.factors, rows[:, 0])
    assert np.array_equal(both.weights(batch)[:, 1], rows[:, names.index("fsrup")] / rows[:, 0])


def test_another_shower_does_not_know_of_them() -> None:
    hard = generate_hard_events(get_process("dijetgg"), 5, sample="gg", seed=5, pt_hat_min=400.0, energy=13000.0)
    vincia = Shower(hard.beams, (*NOMINAL, "PartonShowers:model=2", *enhancement_settings({"fsr:G2BB": 10.0})))
    vincia.run(hard, range(1, 6))
    assert (vincia.factors == 1).all()


def test_views_carry_their_own_weights(tmp_path: Path) -> None:
    config = SimulationConfig(
        samples={"gg": SampleConfig(process="dijetgg", events=30, enhance={"fsr:G2BB": 10.0})},
        variations=("nominal", "seed"),
        shower_weights="none",
        workers=1,
        seed=2,
    )
    summary = simulate(config, tmp_path / "out").samples["gg"]
    weights = {}
    for name in ("nominal", "seed"):
        with uproot.open(tmp_path / "out" / "gg" / f"{name}_0000.root") as file:
            weights[name] = file["Events"]["genWeight"].array(library="np")
        assert summary.merged_sumw[name] == pytest.approx(weights[name].sum(), rel=1e-6)
    assert len(set(weights["nominal"])) > 10
    assert not np.array_equal(weights["nominal"], weights["seed"])


def test_steps_after_the_shower_do_without() -> None:
    settings = (*NOMINAL, *enhancement_settings({"fsr:G2BB": 4.0, "fsr:G2CC": 2.0}))
    assert "EnhancedSplittings:List={fsr:G2BB=4.0,fsr:G2CC=2.0}" in settings
    assert without_enhancements(settings) == NOMINAL
    assert enhancement_settings({}) == ()


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        ({"fsr:G2bb": 4}, "splittings are isr:G2GG"),
        ({"fsr:G2BB": 0.5}, "greater than or equal to 1"),
        ({"fsr:G2BB": float("nan")}, "finite number"),
    ],
)
def test_what_cannot_be_enhanced(factors: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SampleConfig(process="dijet", events=1, enhance=factors)


def test_not_with_merging() -> None:
    with pytest.raises(ConfigError, match="does not go with 'merging'"):
        SampleConfig(lhe=Path("a.lhe"), merging="mlm", enhance={"fsr:G2BB": 4})


def test_all_names_are_known_to_pythia() -> None:
    """Pythia ignores a name that it does not know, so that the list must be its own."""
    from rs3l_gnn.simulation.settings import configure

    default = configure(()).settings.wvec("EnhancedSplittings:List")
    assert {entry.partition("=")[0] for entry in default} <= set(SPLITTINGS)
