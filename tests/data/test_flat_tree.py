"""Trees with one entry for each jet: momenta are those that their components were made from."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, parse_config
from rs3l_gnn.data import FlatTree, FlatTreeConfig
from rs3l_gnn.data.event_pairing.config import EventPairConfig

FLAGS = ("is_photon", "is_muon", "is_electron", "is_charged_hadron", "is_neutral_hadron")
JETS = {name: f"jet_{name}" for name in ("pt", "eta", "phi", "energy")}
CARTESIAN = {name: f"part_{name}" for name in ("px", "py", "pz", "energy", "charge", *FLAGS)}


def _format(**more: Any) -> FlatTree:
    document = {"jets": JETS, "candidates": CARTESIAN, **more}
    return parse_config(FlatTreeConfig, document, where="layout").format()


def _momenta(rng: np.random.Generator, n: int) -> dict[str, NDArray[np.float64]]:
    """Pt, eta, phi and mass, and the components that follow from them."""
    pt, eta, phi, mass = (
        rng.uniform(1, 500, n),
        rng.normal(0, 1, n),
        rng.uniform(-np.pi, np.pi, n),
        rng.uniform(1, 9, n),
    )
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    return {"pt": pt, "eta": eta, "phi": phi, "mass": mass, "px": px, "py": py, "pz": pz, "energy": energy}


def _events(seed: int = 3) -> tuple[ak.Array, dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Events of 3, 0 and 2 candidates of every kind, and the momenta of jets and candidates."""
    rng = np.random.default_rng(seed)
    jets, parts = _momenta(rng, 3), _momenta(rng, 5)
    columns = {f"jet_{name}": jets[name] for name in ("pt", "eta", "phi", "energy")}
    lists = {f"part_{name}": parts[name] for name in ("px", "py", "pz", "energy")}
    lists["part_charge"] = np.array([0, -1, 1, -1, 0])  # photon, muon, electron, hadron, hadron
    lists |= {f"part_{name}": np.arange(5) == place for place, name in enumerate(FLAGS)}
    records = {name: ak.unflatten(values, [3, 0, 2]) for name, values in lists.items()}
    events = ak.zip({**columns, **records, "number": [7, 8, 9], "w": [1.0, -1.0, 2.0]}, depth_limit=1)
    return events, jets, parts


def test_momenta_are_those_of_the_components() -> None:
    events, jets, parts = _events()
    form = _format()
    found = form.jets(events)
    assert ak.num(found["pt"]).to_list() == [1, 1, 1]
    for name in ("pt", "eta", "phi", "mass"):
        np.testing.assert_allclose(ak.flatten(found[name]).to_numpy(), jets[name], rtol=1e-6)
    assert found["msoftdrop"].to_list() == found["mass"].to_list()  # the mass stands in
    candidates = form.candidates(events)
    assert ak.num(candidates["pt"]).to_list() == [3, 0, 2]
    for name in ("pt", "eta", "phi", "mass"):
        own = ak.flatten(candidates[name]).to_numpy()
        np.testing.assert_allclose(own, parts[name], rtol=1e-6)


def test_flags_become_numbers_of_the_particle_data_group() -> None:
    """A negative muon is 13, a positron -11; a hadron has the sign of its charge."""
    candidates = _format().candidates(_events()[0])
    assert candidates["pdgId"].to_list() == [[22, 13, -11], [], [-211, 130]]


def test_candidates_without_mass_are_massless() -> None:
    fields = {name: branch for name, branch in CARTESIAN.items() if name != "energy"}
    candidates = _format(candidates=fields).candidates(_events()[0])
    assert set(ak.flatten(candidates["mass"]).to_list()) == {0.0}


def test_all_candidates_are_those_of_the_one_jet() -> None:
    events, form = _events()[0], _format()
    links = form.links(events, form.jets(events), form.candidates(events))
    assert links["jetIdx"].to_list() == [[0, 0, 0], [], [0, 0]]
    assert links["candIdx"].to_list() == [[0, 1, 2], [], [0, 1]]


def test_branches_are_those_of_the_map() -> None:
    form = _format(event="number", weight="w", radius=1.2)
    assert form.branches((), candidates=False) == [*JETS.values(), "number", "w"]
    assert form.branches((), candidates=True) == [*JETS.values(), *CARTESIAN.values(), "number", "w"]
    assert form.jet_branch("pt", ["jet_pt"]) == "jet_pt"
    assert form.jet_branch("pt", ["other"]) is None
    assert form.jet_branch("n2b1", ["jet_pt"]) is None
    assert (form.number_branch(["number"]), form.number_branch(["w"]), form.weight_branch(["w"])) == (
        "number",
        None,
        "w",
    )
    assert form.radius(()) == 1.2
    events = _events()[0]
    numbers, weights = form.numbers(events), form.weights(events)
    assert numbers is not None
    assert weights is not None
    assert (numbers.tolist(), weights.tolist()) == ([7, 8, 9], [1.0, -1.0, 2.0])
    assert _format().numbers(events) is None
    assert _format().weights(events) is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"jets": {"pt": "a", "eta": "b", "mass": "c"}}, "jets need pt, eta, phi or px, py, pz, got pt, eta, mass"),
        ({"jets": {"pt": "a", "eta": "b", "phi": "c"}}, "jets need mass or energy"),
        ({"candidates": {**CARTESIAN, "speed": "x"}}, "candidates have no speed, allowed: "),
        ({"candidates": {"px": "a", "py": "b", "pz": "c"}}, "candidates need pdgId, or all of is_photon"),
        ({"candidates": {k: v for k, v in CARTESIAN.items() if k != "charge"}}, "candidates need charge"),
        ({"candidates": {**CARTESIAN, "d0": "x"}}, "candidates need both of d0 and dz"),
    ],
)
def test_maps_that_are_not_whole(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _format(**more)


def test_a_map_may_stand_in_a_configuration() -> None:
    layout = {"jets": JETS, "candidates": CARTESIAN}
    assert EventPairConfig.model_validate({"layout": layout}).layout == layout
