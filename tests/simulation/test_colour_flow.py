from __future__ import annotations

from dataclasses import replace
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.simulation import PROCESSES, HardEvents, get_process, read_lhe
from rs3l_gnn.simulation.colour_flow import assign_colours, planar_flows, without_colours
from rs3l_gnn.simulation.generate import generate_hard_events
from rs3l_gnn.simulation.hard_events import PARTICLE_TYPE
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.settings import COMMON, CP5, configure
from rs3l_gnn.simulation.shower import Shower


def _colour(identity: int) -> int:
    """Colour types of quarks, gluons and squarks by hand."""
    kind = abs(identity) % 1_000_000
    return 2 if identity == 21 else (1 if identity > 0 else -1) if 1 <= kind <= 6 else 0


def _stripped(hard: HardEvents) -> HardEvents:
    particles = hard.particles.copy()
    particles["col1"] = particles["col2"] = 0
    return replace(hard, particles=particles)


def _given(hard: HardEvents) -> tuple[HardEvents, int, int]:
    found, count = assign_colours(hard, _colour, np.random.default_rng)
    return found, count.unique, count.drawn


def _assert_conserved(rows: NDArray[np.void]) -> None:
    """Each vertex: a colour that comes in goes out, or is met by an anticolour; every particle has its ends."""
    for row in rows:
        ends = {1: (True, False), -1: (False, True), 2: (True, True), 0: (False, False)}[_colour(int(row["id"]))]
        assert (row["col1"] != 0, row["col2"] != 0) == ends
        assert row["col1"] == 0 or row["col1"] != row["col2"]
    mothers = [None, *[i for i in range(len(rows)) if rows["status"][i] == 2]]
    for mother in mothers:
        coming = [i for i in range(len(rows)) if (rows["status"][i] == -1 if mother is None else i == mother)]
        going = [
            i
            for i in range(len(rows))
            if rows["status"][i] != -1
            and (rows["mother1"][i] - 1 == mother if mother is not None else rows["mother1"][i] - 1 not in mothers)
        ]
        plus = [*rows["col1"][coming], *rows["col2"][going]]
        minus = [*rows["col2"][coming], *rows["col1"][going]]
        assert sorted(label for label in plus if label) == sorted(label for label in minus if label)
        labels = [label for label in plus if label]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize("name", list(PROCESSES))
def test_built_in_processes_get_colours_that_pythia_takes(name: str) -> None:
    n = 12
    hard = generate_hard_events(get_process(name), n, sample=name, seed=3, pt_hat_min=400.0, energy=13000.0)
    found, unique, drawn = _given(_stripped(hard))
    assert unique + drawn == n
    assert drawn == 0 or name.startswith(("dijet", "tt"))  # four coloured partons, of which several flows are planar
    for index in range(n):
        _assert_conserved(found.event(index))
    shower = Shower(found.beams, (*COMMON, *CP5, "PartonLevel:all=off"))
    assert all(shower.next_event(found.part(index, index + 1), 1 + index) for index in range(n))
    if drawn == 0:  # the same flow as Pythia's, under other names
        for index in range(n):
            assert _partners(found.event(index)) == _partners(hard.event(index))
    assert without_colours(hard, _colour).sum() == 0
    same, *none = _given(hard)
    assert same is hard
    assert none == [0, 0]


def _partners(rows: NDArray[np.void]) -> set[tuple[int, ...]]:
    """Groups of (particle, end) that share an index."""
    labels: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        for place, label in enumerate((row["col1"], row["col2"])):
            if label:
                labels.setdefault(int(label), []).append(2 * index + place)
    return {tuple(sorted(group)) for group in labels.values()}


def test_files_of_other_generators_without_their_colours(shared_data: Path) -> None:
    """Colours taken away and given anew: all events conserve colour, and Pythia rejects none."""
    data = ParticleTable(configure(()).particleData)
    for path in sorted((shared_data / "lhe").iterdir()):
        if "pr180" in path.name:  # its particles are known with its <slha> block alone
            continue
        hard = read_lhe(path, limit=25, scalup="repair")
        found, count = assign_colours(_stripped(hard), data.colour, np.random.default_rng)
        assert count.unique + count.drawn == len(hard)
        shower = Shower(found.beams, (*COMMON, *CP5, "PartonLevel:all=off"))
        for index in range(len(hard)):
            _assert_conserved(found.event(index))
            assert shower.next_event(found.part(index, index + 1), 1 + index), (path.name, index)


def test_sherpas_events(shared_data: Path) -> None:
    hard = read_lhe(shared_data / "sherpa" / "sherpa-3.0.3-Zj.lhe.gz")
    assert without_colours(hard, _colour).all()
    shower = Shower(hard.beams, (*COMMON, *CP5, "PartonLevel:all=off"))
    assert not any(shower.next_event(hard.part(index, index + 1), 1 + index) for index in range(len(hard)))
    found, unique, drawn = _given(hard)
    assert (unique, drawn) == (80, 0)  # q qbar -> Z g and q g -> Z q have one flow each
    assert all(shower.next_event(found.part(index, index + 1), 1 + index) for index in range(len(hard)))


@pytest.mark.parametrize("n_gluons", [2, 3, 4, 5])
def test_number_of_rings(n_gluons: int) -> None:
    flows = planar_flows([], [], range(n_gluons), lambda _: 21, lambda i, j: 1.0 + i + j)
    assert len(flows) == factorial(n_gluons - 1)


@pytest.mark.parametrize(("n_lines", "n_gluons"), [(1, 0), (1, 1), (1, 3), (2, 0), (2, 1), (2, 2), (3, 0), (3, 1)])
def test_number_of_flows(n_lines: int, n_gluons: int) -> None:
    """Different flavours on each line: the colours go round all of them, with the gluons anywhere."""
    quarks, antiquarks = range(n_lines), range(10, 10 + n_lines)
    gluons = range(20, 20 + n_gluons)
    flows = planar_flows(quarks, antiquarks, gluons, lambda leg: leg % 10 + 1, lambda i, j: 1.0 + i + j)
    assert len(flows) == factorial(n_gluons + n_lines - 1)
    for flow in flows:
        assert sorted(leg for line in flow for leg in line) == sorted([*quarks, *antiquarks, *gluons])
        if n_lines > 1:
            assert all(line[0] != line[-1] - 10 for line in flow)


def _two_to_two(cosine: float) -> dict[tuple[int, int], float]:
    """Products of four massless momenta: 0 and 1 come in, 2 and 3 go out, s = 4."""
    s, t, u = 4.0, -2 * (1 - cosine), -2 * (1 + cosine)
    pairs = {(0, 1): s, (2, 3): s, (0, 2): -t, (1, 3): -t, (0, 3): -u, (1, 2): -u}
    return {**pairs, **{(j, i): value for (i, j), value in pairs.items()}}


@pytest.mark.parametrize("cosine", [-0.8, 0.0, 0.3, 0.95])
def test_gluon_scattering_has_pythias_weights(cosine: float) -> None:
    """g g -> g g as in Pythia's Sigma2gg2gg: the three colour topologies, each in two directions."""
    product = _two_to_two(cosine)
    flows = planar_flows([], [], [0, 1, 2, 3], lambda _: 21, lambda i, j: product[i, j])
    s, t, u = 4.0, -2 * (1 - cosine), -2 * (1 + cosine)

    def sigma(x: float, y: float) -> float:
        return (x / y) ** 2 + 2 * x / y + 3 + 2 * y / x + (y / x) ** 2

    # Which momenta are not neighbours tells the topology: opposite 0 stands 1 (t and u), 2 (s and u) or 3 (s and t).
    found = {1: 0.0, 2: 0.0, 3: 0.0}
    for (ring,), weight in flows.items():
        found[ring[2]] += weight
    expected = {1: sigma(t, u), 2: sigma(s, u), 3: sigma(s, t)}
    ratio = {key: found[key] / sum(found.values()) for key in found}
    assert ratio == pytest.approx({key: value / sum(expected.values()) for key, value in expected.items()}, rel=1e-9)


def test_annihilation_to_gluons_has_the_weights_of_leading_colour() -> None:
    """q qbar -> g g: u / t and t / u of Combridge, Kripfganz and Ranft, so that the ratio of the flows is (u / t)^2."""
    product = _two_to_two(0.5)
    # As if outgoing, the incoming antiquark 1 is the quark end, the incoming quark 0 the antiquark end.
    flows = planar_flows([1], [0], [2, 3], lambda _: 1, lambda i, j: product[i, j])
    t, u = product[0, 2], product[0, 3]
    assert flows[(1, 3, 2, 0),] / flows[(1, 2, 3, 0),] == pytest.approx((u / t) ** 2)


def test_the_choice_follows_the_weights() -> None:
    event = np.zeros(4, dtype=PARTICLE_TYPE)
    event["id"], event["status"], event["mother1"] = 21, [-1, -1, 1, 1], [0, 0, 1, 1]
    cosine = 0.8
    sine = np.sqrt(1 - cosine**2)
    event["e"], event["px"], event["pz"] = 1, [0, 0, sine, -sine], [1, -1, cosine, -cosine]
    n = 4000
    hard = _of(event, n)
    found, unique, drawn = _given(hard)
    assert (unique, drawn) == (0, n)
    # Opposite gluons share no index.
    opposite = [
        next(i for i in (1, 2, 3) if not {*rows[["col1", "col2"]][0]} & {*rows[["col1", "col2"]][i]})
        for rows in (found.event(index) for index in range(n))
    ]
    s, t, u = 4.0, -2 * (1 - cosine), -2 * (1 + cosine)
    weights = np.array([1 / (t * u) ** 2, 1 / (s * u) ** 2, 1 / (s * t) ** 2])
    share = np.bincount(opposite, minlength=4)[1:] / n
    assert share == pytest.approx(weights / weights.sum(), abs=4 * np.sqrt(0.25 / n))


def _of(event: NDArray[np.void], n: int) -> HardEvents:
    base = generate_hard_events(get_process("dijet"), 1, sample="x", seed=1, pt_hat_min=400.0, energy=13000.0)
    columns: dict[str, Any] = {
        name: np.repeat(getattr(base, name), n, axis=0)
        for name in ("process", "weight", "scale", "alpha_qed", "alpha_qcd", "further_weights")
    }
    offsets = len(event) * np.arange(n + 1)
    return replace(base, particles=np.tile(event, n), offsets=offsets, **columns)


def _event(*rows: tuple[int, int, int]) -> NDArray[np.void]:
    """Rows of id, status, mother; momenta are made up, since unique flows do not ask for them."""
    event = np.zeros(len(rows), dtype=PARTICLE_TYPE)
    for place, (line, row) in enumerate(zip(event, rows, strict=True)):
        line["id"], line["status"], line["mother1"] = row
        line["e"] = 10 + place
    return event


def test_single_top_and_decays_by_a_virtual_w_keep_colour_on_their_lines() -> None:
    single_top = _event((2, -1, 0), (5, -1, 0), (1, 1, 1), (6, 2, 1), (5, 1, 4), (4, 1, 4), (-3, 1, 4))
    found, unique, drawn = _given(_of(single_top, 1))
    assert (unique, drawn) == (1, 0)
    rows = found.event(0)
    _assert_conserved(rows)
    assert rows["col1"][0] == rows["col1"][2]  # u -> d
    assert rows["col1"][1] == rows["col1"][3] == rows["col1"][4]  # b -> t -> b
    assert rows["col1"][5] == rows["col2"][6]  # c sbar


def test_quarks_of_different_flavour_swap_their_colours() -> None:
    rows = _given(_of(_event((2, -1, 0), (1, -1, 0), (2, 1, 1), (1, 1, 1)), 1))[0].event(0)
    assert rows["col1"].tolist()[0] == rows["col1"][3] != rows["col1"][2] == rows["col1"][1]


def test_colours_that_cannot_flow_are_refused() -> None:
    with pytest.raises(InputFileError, match=r"event 0 has no colour flow.*do not pair up \(2, 1, -1000003\)"):
        _given(_of(_event((2, -1, 0), (1, -1, 0), (-1000003, 1, 1)), 1))


def test_very_many_gluons() -> None:
    event = _event((21, -1, 0), (21, -1, 0), *[(21, 1, 1)] * 7, (1, 1, 1), (-1, 1, 1), (2, 1, 1), (-2, 1, 1))
    found, _, drawn = _given(_of(event, 3))
    assert drawn == 3
    for index in range(3):
        _assert_conserved(found.event(index))
