"""Variations of the user's own, from a document as YAML gives it to the record that files store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from rs3l_gnn.conventions import VARIATIONS, ConfigError, UnknownVariationError, Variation, parse_config
from rs3l_gnn.conventions.tunes import PDF_SETS
from rs3l_gnn.simulation import SimulationConfig
from rs3l_gnn.simulation.settings import configure

UP = {"settings": ["TimeShower:alphaSvalue=0.124"], "source": "alphaS", "direction": "Up", "partner": "alphaS112"}
DOWN = {"settings": ["TimeShower:alphaSvalue=0.112"], "source": "alphaS", "direction": "Down"}
MPI = {"settings": ["PartonLevel:MPI=off"], "one_sided": True}
LOSS = {"detector": {"tracker": {"regions": {0: {"efficiency": 0.9}}, "reach_pt": 1}}, "one_sided": True}


def _config(variations: object, **options: object) -> SimulationConfig:
    document = {"samples": {"a": {"process": "qcd", "events": 1}}, "variations": variations, **options}
    return parse_config(SimulationConfig, document, where="test")


def _found(variations: object, **options: object) -> dict[str, Variation]:
    return {variation.name: variation for variation in _config(variations, **options).selected}


def test_own_ones_stand_beside_those_of_the_registry() -> None:
    found = _found({"seed": None, "alphaS124": UP, "fsrRenLo": {}, "alphaS112": DOWN, "mpiOff": MPI})
    assert list(found) == ["nominal", "seed", "alphaS124", "fsrRenLo", "alphaS112", "mpiOff"]
    assert found["seed"] == VARIATIONS["seed"]
    assert [found[name].axis_name for name in ("alphaS124", "alphaS112", "mpiOff")] == [
        "alphaSUp", "alphaSDown", "mpiOffUp",
    ]  # fmt: skip
    as_list = _found(["seed", {"name": "mpiOff", **MPI}])
    assert as_list["mpiOff"] == found["mpiOff"]


def test_the_resolved_document_gives_the_same_again() -> None:
    config = _config({"seed": None, "alphaS124": UP, "alphaS112": DOWN, "loss": LOSS})
    again = parse_config(SimulationConfig, config.model_dump(mode="json"), where="again")
    assert again.selected == config.selected


def test_another_detector_sees_the_particles_of_nominal() -> None:
    config = _config({"loss": LOSS})
    loss = config.selected[1]
    assert (loss.stage, loss.shares) == ("detector", "particles")
    assert loss.detector == ("tracker.regions[0].efficiency=0.9", "tracker.reach_pt=1")
    changed = config.detector_of(loss)
    assert [region.efficiency for region in changed.tracker.regions] == [0.9, 0.93, 0.88]
    assert (changed.tracker.reach_pt, config.detector.tracker.reach_pt) == (1.0, 0.75)
    assert changed.ecal == config.detector.ecal
    # What decays in the tracker is settled in the shower, which the view then has for itself.
    assert _found({"v0": {"detector": {"v0_decays": False}, "one_sided": True}})["v0"].shares is None


def test_a_combination_has_the_changes_of_its_parts() -> None:
    both = {"combine": ["mpiOff", "lundAUp", "loss"], "one_sided": True, "settings": ["StringPT:sigma=0.4"]}
    found = _found({"mpiOff": MPI, "loss": LOSS, "both": both})["both"]
    assert found.settings == ("StringPT:sigma=0.4", "PartonLevel:MPI=off", "StringZ:aLund=0.816")
    assert found.detector == ("tracker.regions[0].efficiency=0.9", "tracker.reach_pt=1")
    assert (found.stage, found.shares) == ("shower", None)


def test_parton_densities_by_name() -> None:
    """The numbers are those of Pythia's own manual, which also says alpha_s of each set."""
    assert _found({"p": {"pdf": "cteq6l1", "one_sided": True}})["p"].settings == ("PDF:pSet=8",)
    external = _found({"p": {"pdf": "LHAPDF6:CT18NLO/0", "one_sided": True}})["p"]
    assert external.settings == ("PDF:pSet=LHAPDF6:CT18NLO/0",)
    manual = Path(configure(()).word("xmlPath")) / "PDFSelection.xml"
    if not manual.exists():
        pytest.skip("Pythia came without its manual")
    block = manual.read_text().partition('<word name="PDF:pSet"')[2]
    sets = dict(re.findall(r'<option value="(\d+)">(.*?)</option>', block.partition("</word>")[0], re.DOTALL))
    for name, number in PDF_SETS.items():
        text = "".join(ET.fromstring(f"<a>{sets[str(number)]}</a>").itertext()).lower()  # noqa: S314  # Pythia's own file
        family = re.match(r"[a-z]+", name.lower())
        assert family is not None
        assert family[0][:4] in text.replace(" ", ""), name
        coupling = re.search(r"_as_(0\d{3})", name)
        assert coupling is None or f"0.{coupling[1][1:]}" in text, name


@pytest.mark.parametrize(
    ("variations", "message"),
    [
        ({"seed": {"settings": ["a:b=1"], "one_sided": True}}, "variations.seed: a variation of the registry has this"),
        ({"x": {"one_sided": True}}, "variations.x changes nothing"),
        ({"x": {"settings": ["a:b=1"]}}, "'x' does not say how it enters a fit"),
        ({"x": {"setings": ["a:b=1"]}}, "unknown key .*setings"),
        ({"alphaS124": UP}, "variations.alphaS124.partner names 'alphaS112', which is not among the variations"),
        ({"alphaS124": UP, "alphaS112": {**DOWN, "source": "x"}}, "not the sides Up and Down of one source"),
        ({"x": {"pdf": "NNPDF99", "one_sided": True}}, "no parton densities of the name 'NNPDF99'; allowed: GRV94L"),
        ({"x": {"combine": ["y"], "one_sided": True}}, "variations.x.combine names 'y', which is not known"),
        ({"x": {"combine": ["x"], "one_sided": True}}, "a combination contains itself; got x > x"),
        ({"x": {"combine": ["fsrDefUp", "fsrDefDown"], "one_sided": True}}, "sets TimeShower:renormMultFac to two val"),
        ({"x": {**LOSS, "stage": "shower"}}, "what it changes acts in the stage detector; got stage: shower"),
        ({"x": {**MPI, "shares": "particles"}}, "goes with changes of the detector .* alone; got PartonLevel:MPI=off"),
        ({"x": {"detector": {"traker": {"reach_pt": 1}}, "one_sided": True}}, "variations.x.detector: unknown key"),
        ({"x": {"detector": {"tracker": {"regions": {3: {"efficiency": 1}}}}, "one_sided": True}}, "has 3 entries"),
        (
            {"x": {"detector": {"tracker": {"regions": {0: {"efficiency": 2}}}}, "one_sided": True}},
            "less than or equal",
        ),
    ],
)
def test_mistakes(variations: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _config(variations)


@pytest.mark.parametrize("variations", [{"fsr_dn": None}, ["fsr_dn"]])
def test_unknown_names(variations: object) -> None:
    with pytest.raises(UnknownVariationError, match="unknown variation 'fsr_dn' in 'variations'"):
        _config(variations)


def test_what_acts_before_the_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="'mpiOff' changes PartonLevel:MPI=off, which acts before what"):
        _config({"mpiOff": MPI}, start="shower")
    softer = {"settings": ["StringZ:aLund=0.9", "HadronLevel:BoseEinstein=on"], "one_sided": True}
    assert _found({"softer": softer, "loss": LOSS}, start="shower")["softer"].stage == "hadronisation"
    assert "loss" in _found({"loss": LOSS}, start="particles")
