"""Momenta and masses of jets: corrections of every simulated data set, and their variations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import numpy as np
import pytest
import uproot
from boost_histogram.serialization import from_uhi
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import ConfigError, MissingBranchError, event_hash
from rs3l_gnn.processors import AnalysisConfig, JetSchema, analyze
from rs3l_gnn.processors.momenta import momentum_views
from rs3l_gnn.processors.selection import nominal_view
from rs3l_gnn.processors.shifts import shift_records
from rs3l_gnn.processors.systematics_config import MassCorrection, MomentumShifts, SystematicsConfig

PREFIX = "Summer22_22Sep2023"
EXAMPLE = Path(__file__).parents[2] / "configs" / "analyze" / "example_corrections.json"


def _events(path: Path) -> Any:
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="virtual").events()


def _momenta(slim_data: Path, **more: Any) -> MomentumShifts:
    options = {
        "file": slim_data / "cms" / "jet_jerc_Summer22_V3.json.gz",
        "scale": {"jesTotal": f"{PREFIX}_V3_MC_Total_AK4PFPuppi"},
        "resolution": f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi",
        "resolution_factor": f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi",
        "other_radius": True,  # the file holds AK4 jets only
    }
    return MomentumShifts.model_validate(options | more)


def test_scale_and_resolution_of_the_real_file(slim_data: Path) -> None:
    correctionlib = pytest.importorskip("correctionlib")
    events = _events(slim_data / "cms" / "nano_tt_v15.root")
    view = nominal_view(events.FatJet)
    config = SystematicsConfig(momenta=_momenta(slim_data, gen_jets=None))
    views = {each.variation: each for each in momentum_views(events, view, config, {}, variations=True)}
    assert list(views) == ["nominal", "jesTotalUp", "jesTotalDown", "jerUp", "jerDown"]
    assert set(views) == {"nominal", *shift_records(config, {})}
    corrections = correctionlib.CorrectionSet.from_file(str(config.momenta.file))  # type: ignore[union-attr]  # set above
    smeared = views["nominal"]
    assert np.std(smeared.pt / view.pt) > 0.01
    for place in range(len(view.pt)):
        unc = corrections[f"{PREFIX}_V3_MC_Total_AK4PFPuppi"].evaluate(smeared.eta[place], smeared.pt[place])
        assert views["jesTotalUp"].pt[place] == pytest.approx(smeared.pt[place] * (1 + unc))
        assert views["jesTotalDown"].pt[place] == pytest.approx(smeared.pt[place] * (1 - unc))
    rho = np.repeat(np.asarray(events.Rho.fixedGridRhoFastjetAll), view.counts)
    spread = {}
    for side, systematic in (("nominal", "nom"), ("jerUp", "up"), ("jerDown", "down")):
        width = []
        for place in range(len(view.pt)):
            r = corrections[f"{PREFIX}_JRV1_MC_PtResolution_AK4PFPuppi"].evaluate(
                view.eta[place], view.pt[place], rho[place]
            )
            s = corrections[f"{PREFIX}_JRV1_MC_ScaleFactor_AK4PFPuppi"].evaluate(
                view.eta[place], view.pt[place], systematic
            )
            width.append(r * np.sqrt(max(s * s - 1, 0)))
        spread[side] = np.full(len(width), np.nan)
        wide = np.array(width) > 1e-6
        spread[side][wide] = (views[side].pt / view.pt - 1)[wide] / np.array(width)[wide]
        assert np.array_equal(views[side].pt[~wide], view.pt[~wide])
    pulls = spread["nominal"][np.isfinite(spread["nominal"])]
    assert len(pulls) > 20
    assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls))
    assert 0.6 < pulls.std() < 1.4
    assert all(np.array_equal(each.mass, view.mass) for each in views.values())
    # One random number a jet: the three differ by their widths alone.
    both = np.isfinite(spread["jerUp"]) & np.isfinite(spread["nominal"])
    np.testing.assert_allclose(spread["jerUp"][both], spread["nominal"][both], atol=1e-6)


def test_smearing_does_not_depend_on_the_chunk(slim_data: Path) -> None:
    pytest.importorskip("correctionlib")
    events = _events(slim_data / "cms" / "nano_tt_v15.root")
    config = SystematicsConfig(momenta=_momenta(slim_data))
    whole = momentum_views(events, nominal_view(events.FatJet), config, {}, variations=True)[0].pt
    parts = [
        momentum_views(part, nominal_view(part.FatJet), config, {}, variations=True)[0].pt
        for part in (events[:77], events[77:])
    ]
    assert np.array_equal(np.concatenate(parts), whole)
    assert momentum_views(events[:0], nominal_view(events[:0].FatJet), config, {}, variations=True)[0].pt.shape == (0,)
    data = momentum_views(events, nominal_view(events.FatJet), config, {"isMC": "False"}, variations=True)
    assert [view.variation for view in data] == ["nominal"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rho": "Rho_none"}, MissingBranchError, "lack the branch Rho_none"),
        ({"scale": {"jes": f"{PREFIX}_V3_MC_Totl_AK4PFPuppi"}}, ConfigError, "Totl_AK4PFPuppi'; allowed: .*Total_AK4"),
        ({"scale": {"jes": f"{PREFIX}_V3_MC_L1FastJet_AK4PFPuppi"}}, MissingBranchError, "needs JetA, Rho"),
    ],
)
def test_wrong_corrections_are_named(
    change: dict[str, Any], error: type[Exception], message: str, slim_data: Path
) -> None:
    pytest.importorskip("correctionlib")
    events = _events(slim_data / "cms" / "nano_tt_v15.root")
    config = SystematicsConfig(momenta=_momenta(slim_data, **change))
    with pytest.raises(error, match=message):
        momentum_views(events, nominal_view(events.FatJet), config, {}, variations=True)


def _normal(stream: str, event: int, number: int) -> float:
    """The random number of one jet, written out."""
    key = np.array([event * 4096 + number], dtype=np.uint64)
    first, second = (event_hash(f"{stream}-{name}", key)[0] for name in ("radius", "angle"))
    return float(np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second))


def _write_correction(path: Path, *, width: float, factor: float) -> dict[str, Any]:
    """A resolution and its factor in a file of correctionlib, the same for all jets."""
    schema = pytest.importorskip("correctionlib.schemav2")
    real = [{"name": name, "type": "real"} for name in ("JetEta", "JetPt", "Rho")]
    sides = [{"key": key, "value": factor + shift} for key, shift in (("nom", 0.0), ("up", 0.1), ("down", -0.1))]
    contents = {
        "resolution": (real, {"nodetype": "formula", "expression": f"{width}", "parser": "TFormula", "variables": []}),
        "factor": (
            [*real[:2], {"name": "systematic", "type": "string"}],
            {"nodetype": "category", "input": "systematic", "content": sides},
        ),
    }
    corrections = [
        schema.Correction.model_validate(
            {"name": name, "version": 1, "inputs": inputs, "output": {"name": "out", "type": "real"}, "data": data}
        )
        for name, (inputs, data) in contents.items()
    ]
    document = schema.CorrectionSet(schema_version=2, corrections=corrections)
    path.write_text(document.model_dump_json(exclude_unset=True))
    return {"file": str(path), "resolution": "resolution", "resolution_factor": "factor", "rho": 0.0}


def _fileset(folder: Path, files: dict[str, str], n_events: int) -> Path:
    common = {"process": "qcd", "sample": "qcd", "xsec": 1.0, "sumw": float(n_events)}
    document = {
        f"qcd_{variation}": {
            "files": {name: "Events"},
            "metadata": {
                **common,
                "variation": variation,
                "resimulated_of": None if variation == "nominal" else "qcd_nominal",
            },
        }
        for variation, name in files.items()
    }
    path = folder / "fileset.json"
    path.write_text(json.dumps(document))
    return path


def _analysed(fileset: Path, output: Path, **more: Any) -> dict[str, Any]:
    analyze(AnalysisConfig.model_validate({"filesets": [fileset], **more}), output)
    document: dict[str, Any] = json.loads((output / "histograms.json").read_text())
    return document


def _contents(document: dict[str, Any], name: str, variation: str) -> Any:
    histogram: Any = hist.Hist(from_uhi(document["histograms"][name]))
    return histogram[{"dataset": "qcd", "channel": "signal", "variation": variation}].view(flow=True)


def test_the_same_file_as_nominal_and_as_resimulation(toy_sample: Any, tmp_path: Path) -> None:
    """With every correction on, the two have the same contents to the last bit."""
    toy_sample("qcd", n_events=80).write(tmp_path / "a.root")
    momenta = _write_correction(tmp_path / "jer.json", width=0.1, factor=1.4)
    momenta["mass"] = {
        "scale": {"nominal": 0.98, "up": 1.0, "down": 0.96},
        "resolution": 0.1,
        "resolution_factor": {"nominal": 1.1, "up": 1.2},
    }
    weights = [
        {
            "name": "multiplicity",
            "file": str(EXAMPLE),
            "correction": "multiplicity",
            "inputs": [{"branch": "nPFCands"}, {"value": "up"}],  # a nominal factor that is not 1
        }
    ]
    document = _analysed(
        _fileset(tmp_path, {"nominal": "a.root", "seed": "a.root"}, 80),
        tmp_path / "out",
        systematics={"momenta": momenta, "weights": weights, "ps_weights": False},
        jet={"pt_min": 500},
    )
    names = {"nominal", "seed", "jerUp", "jerDown", "jmsUp", "jmsDown", "jmrUp"}
    assert set(document["variations"]) == names
    assert document["variations"]["jmrUp"]["two_sided"] is False
    for name in document["histograms"]:
        nominal, seed = _contents(document, name, "nominal"), _contents(document, name, "seed")
        assert nominal.value.sum() > 0.2
        assert nominal.tobytes() == seed.tobytes()
    # Jets that fall below the cut are other ones than those that rise above it.
    with uproot.open(tmp_path / "a.root") as file:
        raw = int(ak.sum(ak.any(file["Events/FatJet_pt"].array() > 500, axis=1)))
    assert _contents(document, "pt", "seed").value.sum() != pytest.approx(raw / 80)


def test_seed_closes_with_the_resolution_on(toy_sample: Any, tmp_path: Path) -> None:
    """A resolution that moves the rate by ten of its errors moves that of ``seed`` alike: a loop over both files."""
    n, width, factor, cut = 400, 0.1, 1.5, 520.0
    smear = width * np.sqrt(factor**2 - 1)
    passed: dict[str, set[int]] = {}
    raw: dict[str, set[int]] = {}
    for variation in ("nominal", "seed"):
        toy_sample("qcd", n_events=n, run_seed=5).write(tmp_path / f"{variation}.root", variation)
        with uproot.open(tmp_path / f"{variation}.root") as file:
            events = file["Events"].arrays(["event", "FatJet_pt", "FatJet_eta"]).to_list()
        raw[variation], passed[variation] = set(), set()
        for event in events:
            for place, (pt, eta) in enumerate(zip(event["FatJet_pt"], event["FatJet_eta"], strict=True)):
                shifted = pt * max(1 + smear * _normal("jer", event["event"], place), 0.01)
                if abs(eta) < 2.5:
                    raw[variation] |= {event["event"]} if pt > cut else set()
                    passed[variation] |= {event["event"]} if shifted > cut else set()
    document = _analysed(
        _fileset(tmp_path, {name: f"{name}.root" for name in passed}, n),
        tmp_path / "out",
        systematics={"momenta": _write_correction(tmp_path / "jer.json", width=width, factor=factor)},
        jet={"pt_min": cut},
    )
    for variation, numbers in passed.items():
        assert _contents(document, "pt", variation).value.sum() == pytest.approx(len(numbers) / n)
    change = len(passed["seed"]) - len(passed["nominal"])
    error = np.sqrt(len(passed["seed"] ^ passed["nominal"]))  # events that pass in one of the two only
    assert abs(change) < 2 * error
    # What the data set would have moved by without its correction.
    assert abs(len(raw["seed"]) - len(passed["nominal"])) > 3 * np.sqrt(len(raw["seed"] ^ raw["nominal"]))


def test_jets_that_swap_places_keep_their_random_numbers() -> None:
    """Two showers of one event: the matched jet is the hardest in one and the second in the other."""

    def events(pt: list[list[float]], anchor: list[list[bool]] | None) -> Any:
        fields: dict[str, Any] = {"pt": pt, "eta": ak.zeros_like(pt), "msoftdrop": ak.full_like(pt, 80.0)}
        if anchor is not None:
            fields["anchor"] = anchor
        jets = ak.zip(fields)
        none = ak.Array([[{"pt": 1.0}][:0]] * len(pt))
        return ak.zip({"event": [7, 8], "FatJet": jets, "PFCands": none, "FatJetPFCands": none}, depth_limit=1)

    config = SystematicsConfig(
        momenta=MomentumShifts(
            mass=MassCorrection.model_validate({"resolution": 0.1, "resolution_factor": {"nominal": 1.5}})
        )
    )

    def factors(pt: list[list[float]], anchor: list[list[bool]] | None) -> list[float]:
        chunk = events(pt, anchor)
        (view,) = momentum_views(chunk, nominal_view(chunk.FatJet), config, {}, variations=False)
        return list(view.mass / 80)

    width = 0.1 * np.sqrt(1.5**2 - 1)
    expected = [1 + width * _normal("jmr", event, place) for event in (7, 8) for place in range(2)]
    pt = [[510.0, 500.0], [600.0, 490.0]]
    assert factors(pt, None) == pytest.approx(expected)
    assert factors(pt, [[True, False], [False, False]]) == pytest.approx(expected)
    swapped = [expected[1], expected[0], *expected[2:]]
    assert factors(pt, [[False, True], [False, False]]) == pytest.approx(swapped)


def test_the_mass_has_a_scale_and_a_resolution_of_its_own(slim_data: Path) -> None:
    events = _events(slim_data / "cms" / "nano_tt_v15.root")
    view = nominal_view(events.FatJet)
    mass = {
        "scale": {"nominal": 1.01, "up": 1.03, "down": 0.99},
        "resolution": 0.08,
        "resolution_factor": {"nominal": 1.1, "up": 1.3, "down": 1.0},
    }
    config = SystematicsConfig(momenta=MomentumShifts(mass=MassCorrection.model_validate(mass)))
    views = {each.variation: each for each in momentum_views(events, view, config, {}, variations=True)}
    assert list(views) == ["nominal", "jmsUp", "jmsDown", "jmrUp", "jmrDown"]
    assert set(shift_records(config, {})) | {"nominal"} == set(views)
    assert all(np.array_equal(each.pt, view.pt) for each in views.values())
    number = np.array(
        [
            _normal("jmr", int(event), place)
            for event, n in zip(events.event, view.counts, strict=True)
            for place in range(n)
        ]
    )
    sides = {"nominal": (1.01, 1.1), "jmsUp": (1.03, 1.1), "jmsDown": (0.99, 1.1)}
    sides |= {"jmrUp": (1.01, 1.3), "jmrDown": (1.01, 1.0)}
    for name, (scale, factor) in sides.items():
        expected = view.mass * scale * (1 + 0.08 * np.sqrt(factor**2 - 1) * number)
        np.testing.assert_allclose(views[name].mass, expected)
    data = momentum_views(events, view, config, {"isMC": False}, variations=True)
    assert len(data) == 1
    assert data[0] is view
