"""Decays from the record of another generator: against Pythia's own hard events, from which they were taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyhepmc
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import HardEvents, get_process
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.recorded_decays import take_decays
from rs3l_gnn.simulation.settings import COMMON, configure

Momentum = tuple[float, float, float, float]
Recoil = Callable[[NDArray[np.void]], Callable[[Momentum], Momentum]]


@pytest.fixture(scope="module")
def table() -> ParticleTable:
    return ParticleTable(configure((*COMMON, "23:mayDecay=on")).particleData)


def _events(process: str, n: int) -> HardEvents:
    return generate_hard_events(get_process(process), n, sample="a", seed=5, pt_hat_min=400.0, energy=13000.0)


def _undecayed(hard: HardEvents) -> HardEvents:
    """The events as they are before any resonance decays."""
    parts = []
    for index in range(len(hard)):
        rows = hard.event(index)
        first = np.array([row["status"] == -1 or rows["status"][row["mother1"] - 1] == -1 for row in rows])
        rows = rows[first].copy()
        rows["status"][rows["status"] == 2] = 1
        parts.append(rows)
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in parts])])
    return replace(hard, particles=np.concatenate(parts), offsets=offsets)


def _same(_: NDArray[np.void]) -> Callable[[Momentum], Momentum]:
    return lambda momentum: momentum


def _faster(row: NDArray[np.void]) -> Callable[[Momentum], Momentum]:
    """A particle and its products after a recoil along its way, with 0.3 c."""
    direction = np.array([row["px"], row["py"], row["pz"]])
    direction /= np.linalg.norm(direction)
    gamma = 1 / np.sqrt(1 - 0.3**2)

    def moved(momentum: Momentum) -> Momentum:
        p, e = np.array(momentum[:3]), momentum[3]
        along = direction @ p
        px, py, pz = (p + direction * (gamma * (along + 0.3 * e) - along)).tolist()
        return px, py, pz, float(gamma * (e + 0.3 * along))

    return moved


def _of(row: NDArray[np.void]) -> Momentum:
    return float(row["px"]), float(row["py"]), float(row["pz"]), float(row["e"])


def _write(
    path: Path,
    hard: HardEvents,
    recoil: Recoil,
    skipped: int = -1,
) -> None:
    """The whole hard events as a record: each outgoing particle of the production goes through one copy of itself."""
    with pyhepmc.open(path, "w", format="HepMC3") as stream:
        for number in range(len(hard)):
            if number == skipped:
                continue
            event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
            event.event_number = number
            rows = hard.event(number)
            made: list[Any] = []
            for row in rows:
                particle = pyhepmc.GenParticle(_of(row), int(row["id"]), 3)
                made.append(particle)
            production = pyhepmc.GenVertex()
            for row, particle in zip(rows, made, strict=True):
                if row["status"] == -1:
                    production.add_particle_in(particle)
            for place, (row, particle) in enumerate(zip(rows, made, strict=True)):
                if row["status"] == -1 or rows["status"][row["mother1"] - 1] != -1:
                    continue
                moved = recoil(row)
                if recoil is _same:
                    production.add_particle_out(particle)
                    last = particle
                else:  # the record has it as it is after the recoil alone
                    momentum = _of(row)
                    first = pyhepmc.GenParticle(moved(momentum), int(row["id"]), 3)
                    last = pyhepmc.GenParticle(moved(momentum), int(row["id"]), 3)
                    production.add_particle_out(first)
                    copy = pyhepmc.GenVertex()
                    copy.add_particle_in(first)
                    copy.add_particle_out(last)
                    event.add_vertex(copy)
                _add_decay(event, rows, place, last, moved)
            event.add_vertex(production)
            stream.write(event)


def _add_decay(
    event: Any, rows: NDArray[np.void], place: int, mother: Any, moved: Callable[[Momentum], Momentum]
) -> None:
    products = np.flatnonzero((rows["mother1"] == place + 1) & (rows["status"] != -1))
    if not len(products):
        return
    vertex = pyhepmc.GenVertex()
    vertex.add_particle_in(mother)
    event.add_vertex(vertex)
    for product in products.tolist():
        momentum = moved(_of(rows[product]))
        particle = pyhepmc.GenParticle(momentum, int(rows["id"][product]), 3)
        vertex.add_particle_out(particle)
        _add_decay(event, rows, product, particle, moved)


def _family(rows: NDArray[np.void]) -> list[tuple[Any, ...]]:
    """Identity, status, mother's identity, momentum to 10 MeV, and whose colour each particle shares."""
    found = []
    for row in rows:
        mother = rows[row["mother1"] - 1]["id"] if row["status"] != -1 else 0
        partners = sorted(
            int(other["id"])
            for other in rows
            for ends in ((row["col1"], (other["col1"], other["col2"])), (row["col2"], (other["col1"], other["col2"])))
            if ends[0] and ends[0] in ends[1] and other is not row
        )
        momentum = [round(float(row[name]), 2) + 0.0 for name in ("px", "py", "pz", "e", "m")]
        found.append((int(row["id"]), int(row["status"]), int(mother), *momentum, tuple(partners)))
    return sorted(found)


@pytest.mark.parametrize("recoil", [_same, _faster])
@pytest.mark.parametrize("process", ["hbb", "tt"])
def test_the_decays_are_those_that_pythia_made(
    process: str,
    recoil: Recoil,
    table: ParticleTable,
    tmp_path: Path,
) -> None:
    hard = _events(process, 6)
    bare = _undecayed(hard)
    assert (bare.particles["status"] != 2).all()
    _write(tmp_path / "other.hepmc", hard, recoil)
    found, decays = take_decays(bare, tmp_path / "other.hepmc", table, first_number=0)
    assert decays.resonances == ({23: 6, 25: 6} if process == "hbb" else {-6: 6, 6: 6})
    assert decays.missing == 0
    for index in range(6):
        assert _family(found.event(index)) == _family(hard.event(index))


def test_a_resonance_that_stays_and_an_event_that_is_not_there(table: ParticleTable, tmp_path: Path) -> None:
    hard = _events("hbb", 5)
    particles = hard.particles.copy()
    stable = np.ones(len(particles), np.bool_)
    for index in range(5):  # the Z of the record stands for its neutrinos
        rows = particles[hard.offsets[index] : hard.offsets[index + 1]]
        (z,) = np.flatnonzero(rows["id"] == 23)
        stable[hard.offsets[index] : hard.offsets[index + 1]] = rows["mother1"] != z + 1
        assert np.flatnonzero(rows["mother1"] == z + 1).min() > np.flatnonzero(rows["id"] == 25)[0]
    kept = [particles[a:b][stable[a:b]] for a, b in zip(hard.offsets[:-1], hard.offsets[1:], strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in kept])])
    record = replace(hard, particles=np.concatenate(kept), offsets=offsets)
    _write(tmp_path / "other.hepmc", record, _same, skipped=2)
    found, decays = take_decays(_undecayed(hard), tmp_path / "other.hepmc", table, first_number=0)
    assert (decays.resonances, decays.kept, decays.missing) == ({25: 4}, (23,), 1)
    np.testing.assert_array_equal(found.event(2), _undecayed(hard).event(2))
    for index in (0, 1, 3, 4):
        rows = found.event(index)
        assert rows["status"][rows["id"] == 23].tolist() == [1]
        assert sorted(rows["id"][rows["mother1"] == np.flatnonzero(rows["id"] == 25)[0] + 1].tolist()) == [-5, 5]


def test_what_cannot_be_told_is_refused(table: ParticleTable, tmp_path: Path) -> None:
    hard = _events("hbb", 2)
    _write(tmp_path / "other.hepmc", hard, _same)
    other = hard.particles.copy()
    other["id"][other["id"] == 25] = 24
    with pytest.raises(InputFileError, match=r"event 0 does not have the 24 \(W\+\) of its hard event"):
        take_decays(_undecayed(replace(hard, particles=other)), tmp_path / "other.hepmc", table, first_number=0)
