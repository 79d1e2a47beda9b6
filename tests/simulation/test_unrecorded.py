"""Resonances put back: against Pythia's own record of the same events, from which they were taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, jettype_numbers, parse_config
from rs3l_gnn.simulation import HardEvents, SimulationConfig, get_process, simulate
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.lhe_writer import write_lhe
from rs3l_gnn.simulation.settings import COMMON, configure
from rs3l_gnn.simulation.unrecorded import restore_resonances


@pytest.fixture(scope="module")
def data() -> Any:
    return configure(COMMON).particleData


@pytest.fixture(scope="module")
def higgs() -> HardEvents:
    """ZH with H to bb and Z to neutrinos, as Pythia records it."""
    return generate_hard_events(get_process("hbb"), 20, sample="hbb", seed=5, pt_hat_min=400.0, energy=13000.0)


def _without(hard: HardEvents, identity: int) -> HardEvents:
    """The events as a generator writes that leaves a resonance out."""
    parts: list[NDArray[np.void]] = []
    for index in range(len(hard)):
        rows = hard.event(index).copy()
        (at,) = np.flatnonzero(rows["id"] == identity)
        products = rows["mother1"] == at + 1
        for name in ("mother1", "mother2"):
            rows[name][products] = rows[name][at]
            rows[name] -= rows[name] > at + 1
        parts.append(np.delete(rows, at))
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in parts])])
    return replace(hard, particles=np.concatenate(parts), offsets=offsets)


def _family(rows: NDArray[np.void]) -> set[tuple[Any, ...]]:
    """Each particle with its mothers, wherever the rows stand; a decay may name its mother once or twice."""
    momenta = np.stack([rows[name] for name in ("px", "py", "pz", "e", "m")], axis=1).round(3) + 0.0
    lines = [(int(row["id"]), int(row["status"]), *each) for row, each in zip(rows, momenta.tolist(), strict=True)]
    found = set()
    for line, row in zip(lines, rows, strict=True):
        mothers = sorted({int(row[name]) for name in ("mother1", "mother2")} - {0})
        found.add((line, tuple(lines[mother - 1] for mother in mothers), int(row["col1"]), int(row["col2"])))
    return found


def test_a_higgs_boson_that_was_left_out_is_back_as_pythia_recorded_it(higgs: HardEvents, data: Any) -> None:
    taken = _without(higgs, 25)
    assert 25 not in taken.particles["id"]
    found, count = restore_resonances(taken, {25: (5, -5)}, data, where="test")
    assert count == {25: 20}
    assert 25 not in taken.particles["id"]  # the given events are as they were
    for index in range(20):
        assert _family(found.event(index)) == _family(higgs.event(index))


def test_a_chain_is_put_back_from_its_end(data: Any) -> None:
    hard = generate_hard_events(get_process("tt"), 1, sample="tt", seed=5, pt_hat_min=400.0, energy=13000.0)
    recorded = hard.event(0)
    decays: dict[int, tuple[int, ...]] = {}
    for w in (24, -24):
        (at,) = np.flatnonzero(recorded["id"] == w)
        decays[w] = tuple(recorded["id"][recorded["mother1"] == at + 1].tolist())
    bare = hard
    for identity in (6, -6, 24, -24):
        bare = _without(bare, identity)
    found, count = restore_resonances(bare, {**decays, 6: (24, 5), -6: (-24, -5)}, data, where="test")
    assert count == {24: 1, -24: 1, 6: 1, -6: 1}
    assert _family(found.event(0)) == _family(recorded)


def test_products_of_another_mass_or_of_another_colour_flow_stay_as_they_are(higgs: HardEvents, data: Any) -> None:
    taken = _without(higgs, 25)
    particles = taken.particles.copy()
    for index in range(10):  # the quarks of the first ten events have a gluon's colours
        rows = particles[taken.offsets[index] : taken.offsets[index + 1]]
        rows["col2"][rows["id"] == -5] += 7
    for index in range(10, 15):  # and in five more a fifth more energy
        rows = particles[taken.offsets[index] : taken.offsets[index + 1]]
        rows["e"][rows["id"] == 5] *= 1.2
    changed = replace(taken, particles=particles)
    found, count = restore_resonances(changed, {25: (5, -5)}, data, where="test")
    assert count == {25: 5}
    assert [25 in found.event(index)["id"] for index in range(20)] == [False] * 15 + [True] * 5
    np.testing.assert_array_equal(found.event(3), changed.event(3))


@pytest.mark.parametrize(
    ("decays", "message"),
    [
        ({25: (4, -4)}, "no such particles straight from the incoming ones"),
        ({24: (5, -5)}, r"masses at least 44\.5\d* GeV from 80\.3"),
    ],
)
def test_a_file_without_any_is_refused(higgs: HardEvents, data: Any, decays: Any, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        restore_resonances(_without(higgs, 25), decays, data, where="zh.lhe")


def test_jets_of_a_file_without_the_resonance_are_those_of_the_file_with_it(higgs: HardEvents, tmp_path: Path) -> None:
    bare = _without(higgs, 25).part(0, 8)
    bare.particles["col1"] = bare.particles["col2"] = 0  # as Sherpa writes it
    write_lhe(tmp_path / "with.lhe", higgs.part(0, 8), generator="test")
    write_lhe(tmp_path / "without.lhe", bare, generator="test")
    jets, notes = {}, {}
    for name, more in (("with", {}), ("without", {"resonances": {25: [5, -5]}})):
        sample = {"lhe": str(tmp_path / f"{name}.lhe"), "process": "hbb", **more}
        document = {"samples": {"zh": sample}, "variations": ["nominal"], "jets": {"pt_min": 300}, "workers": 1}
        out = simulate(parse_config(SimulationConfig, document, where="test"), tmp_path / name).output
        with uproot.open(out / "zh" / "nominal_0000.root") as file:
            events = file["Events"]
            kinds = {kind for event in events["FatJet_jettype"].array().tolist() for kind in event}
            assert kinds & set(jettype_numbers(["H_BB"]))
            jets[name] = events["FatJet_pt"].array().tolist()
            notes[name] = json.loads(str(file["rs3l_metadata"]))
    assert notes["without"]["resonances"] == {"25": 8}
    assert "resonances" not in notes["with"]
    # Rounded momenta of the H, and the order of the rows, are all that may differ.
    assert [len(event) for event in jets["without"]] == [len(event) for event in jets["with"]]
