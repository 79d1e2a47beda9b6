from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import ConfigError, InputFileError, parse_config
from rs3l_gnn.simulation import HardEvents, SimulationConfig, simulate, write_lhe
from rs3l_gnn.simulation.hepmc import FoundEvents, load_events, split_hepmc
from rs3l_gnn.simulation.hepmc_file import find_first_number, generator_of, read_events
from rs3l_gnn.simulation.particle_table import ParticleTable
from rs3l_gnn.simulation.particles import Particles, stable_particles
from rs3l_gnn.simulation.settings import COMMON, CP5, configure
from rs3l_gnn.simulation.shower import Shower

pyhepmc = pytest.importorskip("pyhepmc", reason="the extra 'hepmc' is not installed")

N = 8
TABLE = ParticleTable(configure(()).particleData)


def _split(path: Path, hard: HardEvents, directory: Path, *, first: int | None = 1) -> FoundEvents:
    return split_hepmc(
        path,
        hard,
        TABLE,
        first_number=first,
        chunk_size=5,
        directory=directory,
        name="herwig",
        longest_lifetime=10.0,
    )


@pytest.fixture(scope="module")
def shower(hard_events: HardEvents) -> Shower:
    return Shower(hard_events.beams, (*COMMON, *CP5))


@pytest.fixture(scope="module")
def batch(shower: Shower, hard_events: HardEvents) -> ak.Array:
    return shower.run(hard_events.part(0, N), range(1, N + 1))


def _gen_event(number: int, particles: Any, *, mother: int = 511) -> Any:
    """One of Pythia's events as HepMC: beams, hard particles, and stable particles at the places where they arise.

    Of what arises away from the beam, ``mother`` is said to have decayed there.
    """
    event = pyhepmc.GenEvent(pyhepmc.Units.GEV, pyhepmc.Units.MM)
    event.event_number = number
    start = pyhepmc.GenVertex((0.0, 0.0, 0.0, 0.0))
    for sign in (1, -1):
        start.add_particle_in(pyhepmc.GenParticle((0.0, 0.0, sign * 6500.0, 6500.0), 2212, 4))
    places: dict[tuple[float, ...], Any] = {}
    for row in particles.to_list():
        momentum = tuple(row["p"][name] for name in ("px", "py", "pz", "e"))
        if row["status"] in (-22, -23):
            start.add_particle_out(pyhepmc.GenParticle(momentum, row["id"], 2))
        if row["status"] <= 0:
            continue
        place = tuple((row["vProd"] or {}).get(name, 0.0) for name in ("px", "py", "pz", "e"))
        if place not in places:
            decaying = pyhepmc.GenParticle((0.0, 0.0, 0.0, 1.0), mother, 2)
            start.add_particle_out(decaying)
            places[place] = pyhepmc.GenVertex(place)
            places[place].add_particle_in(decaying)
        places[place].add_particle_out(pyhepmc.GenParticle(momentum, row["id"], 1))
    for vertex in (start, *places.values()):
        event.add_vertex(vertex)
    return event


@pytest.fixture(scope="module")
def hepmc_file(batch: ak.Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events 0 to 7 without event 3, numbered from 1 as Herwig does."""
    path = tmp_path_factory.mktemp("hepmc") / "herwig.hepmc"
    with pyhepmc.open(path, "w") as stream:
        for index in range(N):
            if index != 3:
                stream.write(_gen_event(index + 1, batch[index].prt))
    return path


def _as_they_are(particles: Particles) -> Particles:
    return particles


def _sorted(particles: Particles, event: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    mine = particles.where(particles.event == event)
    table = np.stack([mine.px, mine.py, mine.pz, mine.energy, mine.vx, mine.vy, mine.vz, mine.pdgid], axis=1)
    return table[np.lexsort(table.T)]


def test_particles_are_those_of_the_file(
    hepmc_file: Path, batch: ak.Array, hard_events: HardEvents, tmp_path: Path
) -> None:
    _split(hepmc_file, hard_events.part(0, N), tmp_path)
    expected = stable_particles(batch, TABLE, abs_eta_max=3.4)
    for chunk, first, n_events in ((0, 0, 5), (1, 5, 3)):
        found, accepted = load_events(
            tmp_path / f"herwig_{chunk:04d}.npz", n_events, TABLE, abs_eta_max=3.4, decay=_as_they_are
        )
        assert accepted.tolist() == [first + index != 3 for index in range(n_events)]
        for index in range(n_events):
            if accepted[index]:
                assert _sorted(found, index) == pytest.approx(_sorted(expected, first + index), rel=1e-6, abs=1e-6)


def test_a_view_of_another_generator(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    lhe = tmp_path / "hard.lhe"
    write_lhe(lhe, hard_events.part(0, N), generator="test")
    config = parse_config(
        SimulationConfig,
        {
            "samples": {"zh": {"lhe": str(lhe), "hepmc": {"herwig": {"path": str(hepmc_file)}}}},
            "variations": ["herwig"],
            "workers": 1,
            "chunk_size": 5,
            "shower_weights": False,
        },
        where="test",
    )
    summary = simulate(config, tmp_path / "out").samples["zh"]
    assert summary.failed_events == [3]
    assert summary.matched["herwig"] >= 1
    assert sorted(path.name for path in (tmp_path / "out" / "zh").glob("herwig*")) == [
        "herwig_0000.root",
        "herwig_0001.root",
    ]


@pytest.mark.parametrize(
    ("first", "message"), [(0, "event number 8 fits no hard event"), (3, "event number 1 fits no")]
)
def test_wrong_numbers(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path, first: int, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        _split(hepmc_file, hard_events.part(0, N), tmp_path, first=first)


def test_the_numbering_is_found(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    """The file counts from 1 and lacks event 3; of an LHE file without the first two, the first has number 3."""
    found = _split(hepmc_file, hard_events.part(0, N), tmp_path, first=None)
    assert (found.first_number, found.events) == (1, N - 1)
    assert (found.energy, found.length) == (1.0, 1.0)
    assert find_first_number(hepmc_file, hard_events.part(2, N)) == 3
    with pytest.raises(InputFileError, match="was not made from this LHE file, or its event numbers"):
        find_first_number(hepmc_file, hard_events.part(10, 20))


def test_mev_and_centimetres(batch: ak.Array, hard_events: HardEvents, tmp_path: Path) -> None:
    """The same event in other units gives the same particles."""
    stored = []
    for name, units in (("a", None), ("b", (pyhepmc.Units.MEV, pyhepmc.Units.CM))):
        event = _gen_event(7, batch[0].prt)
        if units is not None:
            event.set_units(*units)
        with pyhepmc.open(tmp_path / f"{name}.hepmc", "w") as stream:
            stream.write(event)
        found = _split(tmp_path / f"{name}.hepmc", hard_events.part(0, 1), tmp_path / name, first=None)
        assert found.first_number == 7
        with np.load(tmp_path / name / "herwig_0000.npz") as file:
            stored.append({key: file[key] for key in ("px", "energy", "vx", "vz")})
    assert (found.energy, found.length) == (1e-3, 10.0)
    for key, values in stored[0].items():
        np.testing.assert_allclose(stored[1][key], values, rtol=1e-6, atol=1e-9)


def test_events_of_another_lhe_file(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="was not made from this LHE file"):
        _split(hepmc_file, hard_events.part(10, 20), tmp_path)


def test_damaged_files(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    hard = hard_events.part(0, N)
    packed = tmp_path / "cut.hepmc.gz"
    packed.write_bytes(gzip.compress(hepmc_file.read_bytes())[:-5000])
    text = tmp_path / "text.hepmc"
    text.write_text("these are not the events\n")
    cut = tmp_path / "cut.hepmc"
    cut.write_bytes(hepmc_file.read_bytes()[:-5000])
    cases = {packed: "not a whole", cut: "not a whole", text: "not a whole", tmp_path / "absent.hepmc": "no such file"}
    for path, message in cases.items():
        with pytest.raises(InputFileError, match=message):
            _split(path, hard, tmp_path)


@pytest.mark.parametrize(
    ("mother", "taken_up_to"), [(511, 10.0), (-310, 1000.0), (3122, 1000.0), (321, None), (130, None)]
)
def test_decays_that_the_other_views_lack(
    batch: ak.Array, hard_events: HardEvents, tmp_path: Path, mother: int, taken_up_to: float | None
) -> None:
    """A file without the lifetime limit of the other views is refused, not mixed with them."""
    path = tmp_path / "late.hepmc"
    with pyhepmc.open(path, "w") as stream:
        stream.write(_gen_event(1, batch[0].prt, mother=mother))
    hard = hard_events.part(0, N)
    for limit in (10.0, 1000.0):
        directory = tmp_path / f"{limit:g}"
        arguments: dict[str, Any] = {"first_number": 1, "chunk_size": N, "directory": directory, "name": "herwig"}
        if taken_up_to is not None and limit >= taken_up_to:
            split_hepmc(path, hard, TABLE, longest_lifetime=limit, **arguments)
            assert (directory / "herwig_0000.npz").exists()
        else:
            with pytest.raises(InputFileError, match=rf"in event 1 a particle {mother} with a c tau of .* has decayed"):
                split_hepmc(path, hard, TABLE, longest_lifetime=limit, **arguments)


def test_whole_particles_of_the_file_decay_with_the_detector(
    hepmc_file: Path, hard_events: HardEvents, tmp_path: Path
) -> None:
    """The file is cut at 10 mm: its K0S have daughters with v0_decays, and none with the paper's detector."""
    lhe = tmp_path / "hard.lhe"
    write_lhe(lhe, hard_events.part(0, N), generator="test")
    far = {}
    for preset in (None, "paper"):
        document = {
            "samples": {"zh": {"lhe": str(lhe), "hepmc": {"herwig": {"path": str(hepmc_file)}}}},
            "variations": ["herwig"],
            "nominal": False,
            "workers": 1,
            "shower_weights": False,
            "jets": {"pt_min": 20.0},
            "detector": {"preset": preset, "tracker": {"displaced_efficiency": []}},
        }
        output = simulate(parse_config(SimulationConfig, document, where="test"), tmp_path / str(preset)).output
        with uproot.open(output / "zh" / "herwig_0000.root") as file:
            d0 = ak.flatten(file["Events"]["PFCands_d0"].array())
        far[preset] = int(ak.sum((d0 != -1) & (abs(d0) > 0.5)))  # cm
    assert far[None] >= far["paper"] + 5


def test_several_generators_each_with_its_name_and_source() -> None:
    files = {"herwig": {"path": "a"}, "sherpa": {"path": "b", "source": "cluster", "description": "Sherpa 3"}}
    document = {
        "samples": {"a": {"lhe": "a.lhe", "hepmc": files}, "b": {"process": "qcd", "events": 1}},
        "variations": ["seed"],
    }
    config = parse_config(SimulationConfig, document, where="test")
    assert [one.name for one in config.variations_of("a")] == ["nominal", "seed", "herwig", "sherpa"]
    assert [one.name for one in config.variations_of("b")] == ["nominal", "seed"]
    sherpa = config.selected[-1]
    assert (sherpa.axis_name, sherpa.stage, sherpa.two_sided) == ("clusterUp", "generator", False)
    assert sherpa.description == "Sherpa 3"
    for name, message in {
        "fsrRenHi": "a view that Pythia makes has this name",
        "herwig": "source of this view is",
    }.items():
        document["samples"]["a"]["hepmc"] = {name: {"path": "a", "source": "x"}}  # type: ignore[index] # a document
        with pytest.raises(ConfigError, match=message):
            parse_config(SimulationConfig, document, where="test")


def test_herwig_needs_its_file() -> None:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "variations": ["herwig"]}
    with pytest.raises(ConfigError, match=r"needs events of that generator, in samples.a.hepmc.herwig"):
        parse_config(SimulationConfig, document, where="test")


def test_a_garbled_event_is_refused(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    lines = hepmc_file.read_text().splitlines(keepends=True)
    middle = next(number for number in range(len(lines) // 2, len(lines)) if lines[number].startswith("P "))
    garbled = tmp_path / "garbled.hepmc"
    garbled.write_text("".join([*lines[:middle], "P one two three\n", *lines[middle + 1 :]]))
    gap = tmp_path / "gap.hepmc"
    gap.write_text("".join([*lines[:middle], *lines[middle + 400 :]]))
    packed = bytearray(gzip.compress(hepmc_file.read_bytes()))
    packed[len(packed) // 2] ^= 0xFF
    flipped = tmp_path / "flipped.hepmc.gz"
    flipped.write_bytes(packed)
    messages = {garbled: "event 4, from 1, has a broken line: P one two three", gap: "of [67] events", flipped: ""}
    for path, message in messages.items():
        with pytest.raises(InputFileError, match=rf"{path.name} is not a whole HepMC file: {message}"):
            _split(path, hard_events.part(0, N), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_stable_particles_that_no_detector_sees(batch: ak.Array, hard_events: HardEvents, tmp_path: Path) -> None:
    """A neutralino is invisible here as in Pythia's events; an unknown number is refused, or named as invisible."""
    hard = hard_events.part(0, 1)
    stored = {}
    for identity, invisible in ((None, ()), (1000022, ()), (9990001, ()), (9990001, (9990001,))):
        event = _gen_event(1, batch[0].prt)
        if identity is not None:
            event.vertices[0].add_particle_out(pyhepmc.GenParticle((300.0, 0.0, 0.0, 400.0), identity, 1))
        path, directory = tmp_path / "dark.hepmc", tmp_path / f"{identity}_{len(invisible)}"
        with pyhepmc.open(path, "w") as stream:
            stream.write(event)
        table = ParticleTable(configure(()).particleData, invisible)
        arguments: dict[str, Any] = {"first_number": 1, "chunk_size": 1, "directory": directory, "name": "herwig"}
        if identity == 9990001 and not invisible:
            with pytest.raises(InputFileError, match=r"dark.hepmc, event 1: a stable particle has the identity 99"):
                split_hepmc(path, hard, table, longest_lifetime=10.0, **arguments)
            continue
        split_hepmc(path, hard, table, longest_lifetime=10.0, **arguments)
        with np.load(directory / "herwig_0000.npz") as file:
            stored[identity] = sorted(file["px"].tolist())
    assert stored[1000022] == stored[9990001] == stored[None]
    assert len(stored[None]) > 50


@pytest.mark.parametrize(("tool", "name"), [(b"Sherpa\\|3.0.1\\|a tool", "Sherpa 3.0.1"), (b"Sh\xe9rpa\\|3\\|", "")])
def test_a_generator_is_named_where_its_name_is_text(tmp_path: Path, tool: bytes, name: str) -> None:
    head, end = b"HepMC::Version 3.02.05\nHepMC::Asciiv3-START_EVENT_LISTING\n", b"HepMC::Asciiv3-END_EVENT_LISTING\n"
    event = b"E 7 0 1\nU GEV MM\nW 1.0\nP 1 0 22 0 0 5 5 0 1\n"
    (tmp_path / "a.hepmc").write_bytes(head + b"W Weight\nT " + tool + b"\n" + event + end)
    ((number, found),) = read_events(tmp_path / "a.hepmc")
    assert (number, generator_of(found)) == (7, name)


def test_an_identity_without_antiparticle(hepmc_file: Path, hard_events: HardEvents, tmp_path: Path) -> None:
    lines = hepmc_file.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.startswith("P ") and line.split()[3] == "22")
    words = lines[place].split(" ")
    words[3] = "-2147483648"
    lines[place] = " ".join(words)
    path = tmp_path / "events.hepmc"
    path.write_text("".join(lines))
    with pytest.raises(InputFileError, match="event 1 has a particle -2147483648, which PDG numbers none"):
        _split(path, hard_events.part(0, N), tmp_path)
