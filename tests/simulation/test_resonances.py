from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, parse_config
from rs3l_gnn.simulation import HardEvents, SimulationConfig, get_process, read_lhe, simulate, write_lhe
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.resonances import decay_once, undecayed
from rs3l_gnn.simulation.settings import COMMON, CP5
from rs3l_gnn.simulation.shower import Shower

pylhe = pytest.importorskip("pylhe", reason="an independent reader of LHE files")

WBJ = "pylhe-testfile-madgraph-2.0.0-wbj.lhe"


def _stop(hard: HardEvents, *settings: str) -> Shower:
    return Shower(hard.beams, (*COMMON, *CP5, *settings, "PartonLevel:all=off"), hard.slha)


def _stable(hard: HardEvents) -> HardEvents:
    """The same events cut back to what the hard process made, resonances undecayed."""
    keep = [hard.event(index)[:4] for index in range(len(hard))]
    particles = np.concatenate(keep)
    particles["status"][particles["status"] == 2] = 1
    return replace(hard, particles=particles, offsets=4 * np.arange(len(hard) + 1))


@pytest.fixture(scope="module")
def tops() -> HardEvents:
    return _stable(generate_hard_events(get_process("tt"), 500, sample="tt", seed=1, pt_hat_min=300.0, energy=13000.0))


def _run(directory: Path, lhe: Path, *, seed: int = 1, chunk_size: int = 200, **sample: Any) -> Any:
    document = {
        "samples": {"x": {"lhe": str(lhe), **sample}},
        "variations": ["seed"],
        "jets": {"pt_min": 20.0},
        "workers": 1,
        "seed": seed,
        "chunk_size": chunk_size,
        "shower_weights": False,
    }
    return simulate(parse_config(SimulationConfig, document, where="test"), directory).samples["x"]


def test_all_views_share_the_decays_of_an_undecayed_w(shared_data: Path, tmp_path: Path) -> None:
    summary = _run(tmp_path / "out", shared_data / "lhe" / WBJ)
    assert summary.failed_events == []
    events = list(pylhe.LHEFile.fromfile(str(tmp_path / "out" / "x" / "hard.lhe.gz")).events)
    assert len(events) == 59
    products = []
    for event in events:
        bosons = [i + 1 for i, particle in enumerate(event.particles) if abs(particle.id) == 24]
        assert [event.particles[i - 1].status for i in bosons] == [2]
        mine = [particle for particle in event.particles if particle.mother1 == bosons[0]]
        assert len(mine) == 2
        boson = event.particles[bosons[0] - 1]
        for name in ("px", "py", "pz", "e"):
            assert sum(getattr(p, name) for p in mine) == pytest.approx(getattr(boson, name), abs=1e-4)
        products.append([int(particle.id) for particle in mine])
    hadronic = sum(abs(pair[0]) < 6 for pair in products)
    assert abs(hadronic - 59 * 0.675) < 4 * np.sqrt(59 * 0.675 * 0.325)  # PDG 2022: 67.4 % to quarks

    # Whatever the seed of the view, its hard process holds these products: 59 of 59 (13 of 59 when each view decayed).
    hard = read_lhe(tmp_path / "out" / "x" / "hard.lhe.gz")
    shower = _stop(hard)
    for first_seed in (1, 1000):
        for index, pair in enumerate(products):
            assert shower.next_event(hard.part(index, index + 1), first_seed + index)
            record = shower.pythia.process
            found = [record[i].id() for i in range(record.size()) if abs(record[record[i].mother1()].id()) == 24]
            assert sorted(found) == sorted(pair)


def test_decays_depend_on_the_event_alone(shared_data: Path, tmp_path: Path) -> None:
    whole = read_lhe(shared_data / "lhe" / WBJ)
    part = tmp_path / "part.lhe"
    write_lhe(part, whole.part(0, 7), generator="test")
    files = []
    for name, lhe, seed, events in (("a", part, 1, None), ("b", shared_data / "lhe" / WBJ, 1, 7), ("c", part, 2, None)):
        _run(tmp_path / name, lhe, seed=seed, chunk_size=3 if events else 200, **({"events": events} if events else {}))
        files.append(read_lhe(tmp_path / name / "x" / "hard.lhe.gz").particles["id"].tolist())
    assert files[0] == files[1] != files[2]


def test_closed_channels_scale_the_cross_section(tops: HardEvents) -> None:
    """W to e, mu alone: the branching fraction is summed from Pythia's table of channels."""
    shower = _stop(tops, "24:onMode=off", "24:onIfAny=11 13")
    entry = shower.pythia.particleData.particleDataEntryPtr(24)
    channels = [entry.channel(number) for number in range(entry.sizeChannels())]
    products = [{abs(channel.product(place)) for place in (0, 1)} for channel in channels]
    leptons = sum(c.bRatio() for c, pair in zip(channels, products, strict=True) if pair & {11, 13})
    leptons /= sum(channel.bRatio() for channel in channels)
    assert leptons == pytest.approx(0.2166, abs=0.002)  # PDG 2022: 10.71 % and 10.63 %, and Pythia's for the rest
    found, count = decay_once(tops.part(0, 40), shower, lambda number: number + 1)
    assert count.resonances == {-6: 40, 6: 40}
    assert count.open_fraction == pytest.approx(leptons**2, rel=1e-6)
    assert found.xsec == pytest.approx(tops.xsec * leptons**2, rel=1e-6)
    assert found.weight == pytest.approx(1.0)
    outgoing = found.particles["id"][found.particles["status"] == 1]
    assert sorted(set(np.abs(outgoing).tolist())) == [5, 11, 12, 13, 14]
    weighted = replace(tops.part(0, 3), strategy=-4)
    assert decay_once(weighted, shower, lambda number: number + 1)[0].weight == pytest.approx(leptons**2)


def test_different_open_fractions_become_weights(shared_data: Path) -> None:
    """W+ to e, mu and W- to quarks in one sample: weights follow the two fractions, their sum stays."""
    plus = read_lhe(shared_data / "lhe" / WBJ, limit=10)
    particles = plus.particles.copy()
    second = np.repeat(np.arange(10) % 2 == 1, np.diff(plus.offsets))
    quark = (np.abs(particles["id"]) <= 6) & second
    particles["id"][quark] *= -1
    particles["col1"][quark], particles["col2"][quark] = particles["col2"][quark], particles["col1"][quark].copy()
    particles["id"][(particles["id"] == 24) & second] = -24
    shower = _stop(plus, "24:onMode=off", "24:onPosIfAny=11 13", "24:onNegIfAny=1 2 3 4 5")
    mixed = replace(plus, particles=particles, weight=np.ones(10), strategy=3)
    found, count = decay_once(mixed, shower, lambda number: number + 1)
    fractions = [shower.pythia.particleData.resOpenFrac(identity) for identity in (24, -24)]
    assert count.resonances == {-24: 5, 24: 5}
    assert count.open_fraction == pytest.approx(np.mean(fractions))
    assert found.weight[0] / found.weight[1] == pytest.approx(fractions[0] / fractions[1])
    assert found.weight.sum() == pytest.approx(10.0)
    assert found.xsec == pytest.approx(plus.xsec * np.mean(fractions))


def _boosted(momentum: NDArray[np.float64], frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """A four-momentum (E, x, y, z) in the rest frame of another."""
    beta = frame[1:] / frame[0]
    gamma = 1 / np.sqrt(1 - beta @ beta)
    along = beta @ momentum[1:]
    space = momentum[1:] + beta * ((gamma - 1) * along / (beta @ beta) - gamma * momentum[0])
    return np.concatenate([[gamma * (momentum[0] - along)], space])


def test_tops_decay_to_the_end_with_their_correlations(tops: HardEvents) -> None:
    """t -> b W -> b f f: F0 = 0.69, F- = 0.31 (arXiv:1005.2625), so that the mean of cos theta* is -F-/2."""
    shower = _stop(tops, "24:onMode=off", "24:onIfAny=11 13")
    found, _ = decay_once(tops, shower, lambda number: number + 1)
    assert undecayed(found, ParticleTable(shower.pythia.particleData)).sum() == 0
    cosines = []
    for index in range(len(found)):
        rows = found.event(index)
        vectors = np.stack([rows[name] for name in ("e", "px", "py", "pz")], axis=1)
        for top in np.flatnonzero(np.abs(rows["id"]) == 6):
            children = np.flatnonzero(rows["mother1"] == top + 1)
            assert sorted(np.abs(rows["id"][children])) == [5, 24]
            assert vectors[children].sum(axis=0) == pytest.approx(vectors[top], rel=1e-5, abs=1e-3)
            boson, bottom = children[np.argsort(-np.abs(rows["id"][children]))]
            leptons = np.flatnonzero(rows["mother1"] == boson + 1)
            charged = leptons[np.isin(np.abs(rows["id"][leptons]), (11, 13))][0]
            one, other = (_boosted(vectors[row], vectors[boson])[1:] for row in (charged, bottom))
            cosines.append(-(one @ other) / np.linalg.norm(one) / np.linalg.norm(other))
    assert len(cosines) == 1000
    assert np.mean(cosines) == pytest.approx(-0.155, abs=4 * np.std(cosines) / np.sqrt(1000))


CHARGED_HIGGS = "DECAY 6 1.5\n 1.0 2 5 37\nBLOCK MASS\n 37 {mass}\nDECAY 37 0.1\n 0.25 2 -11 12\n 0.75 2 -13 14\n"


def test_decay_tables_of_the_file(tops: HardEvents) -> None:
    """A top of this SLHA block goes to b and a charged Higgs boson alone, and that to leptons as the block says."""
    hard = replace(tops.part(0, 80), slha=CHARGED_HIGGS.format(mass=60.0))
    found, count = decay_once(hard, _stop(hard), lambda number: number + 1)
    assert count.open_fraction == pytest.approx(1.0)
    ids = np.abs(found.particles["id"])
    assert (ids == 37).sum() == 160
    assert (ids == 24).sum() == 0
    assert (ids == 13).sum() == pytest.approx(120, abs=4 * np.sqrt(160 * 0.25 * 0.75))


def test_an_event_that_cannot_be_decayed_leaves_all_views(tops: HardEvents, tmp_path: Path) -> None:
    """A top of 103 GeV cannot go to a b and a boson of 100 GeV."""
    assert tops.event(5)["m"][3] == pytest.approx(103.2, abs=0.1)
    lhe = tmp_path / "tops.lhe"
    write_lhe(lhe, replace(tops.part(2, 7), slha=CHARGED_HIGGS.format(mass=100.0)), generator="test")
    summary = _run(tmp_path / "out", lhe)
    assert summary.failed_events == [3]
    assert summary.rejected == {"Pythia cannot decay its resonances": 1}


def test_refused_each_and_kept(shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lhe = shared_data / "lhe" / WBJ
    with pytest.raises(InputFileError, match=r"event 0, and maybe others, leave resonances undecayed: 24 \(W\+\)"):
        _run(tmp_path / "refused", lhe, decays="refuse")
    with pytest.raises(InputFileError, match=r"24 \(W\+\) has colour or charge and cannot be kept"):
        _run(tmp_path / "kept", lhe, decays="keep")
    assert not (tmp_path / "kept").exists()
    assert _run(tmp_path / "each", lhe, decays="each", events=3).failed_events == []
    assert (read_lhe(tmp_path / "each" / "x" / "hard.lhe.gz").particles["id"] == 24).sum() >= 3
    with caplog.at_level(logging.INFO, logger="rs3l_gnn"):
        _run(tmp_path / "once", lhe, events=3, settings=["24:onMode=off", "24:onIfAny=1 2 3 4 5"])
    assert "x: decayed once for all views: 3 of 24 (W+); the cross-section is scaled by" in caplog.text


def test_a_kept_z_is_stable_and_invisible_in_all_views(shared_data: Path, tmp_path: Path) -> None:
    """Sherpa's events with a stable Z: in Pythia's view it stays a Z too, and no jet is made of it."""
    hard = read_lhe(shared_data / "sherpa" / "sherpa-3.0.3-Zj.lhe.gz", limit=6)
    lhe = tmp_path / "zj.lhe"
    write_lhe(lhe, hard, generator="test")
    summary = _run(tmp_path / "out", lhe, decays="keep")
    assert summary.failed_events == []
    kept = read_lhe(tmp_path / "out" / "x" / "hard.lhe.gz")
    assert kept.particles["id"].tolist() == hard.particles["id"].tolist()
    shower = Shower(kept.beams, (*COMMON, *CP5, "23:mayDecay=off", "PartonLevel:MPI=off"))
    batch = shower.run(kept, range(1, 7))
    for particles in batch.prt:
        final = particles[particles.status > 0]
        assert ak.sum(abs(final.id) == 23) == 1


def test_other_generators_need_the_same_decays(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")
    sherpa = shared_data / "sherpa"
    document = {
        "samples": {
            "zj": {
                "lhe": str(sherpa / "sherpa-3.0.3-Zj.lhe.gz"),
                "hepmc": {"herwig": {"path": str(sherpa / "sherpa-3.0.3-Zj.hepmc.gz"), "first_number": 0}},
            }
        },
        "variations": ["herwig"],
        "workers": 1,
    }
    config = parse_config(SimulationConfig, document, where="test")
    with pytest.raises(InputFileError, match=r"undecayed: 23 \(Z0\); decayed here, they would be other hard events"):
        simulate(config, tmp_path / "out")
