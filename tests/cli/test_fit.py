"""Every bad input of ``rs3l fit`` ends with one sentence that names it, exit status 2, and nothing written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner
from uhi.io.json import default

from rs3l_gnn.cli import app

import_module("rs3l_gnn.cli.fit")

INF, NAN = math.inf, math.nan
DATASETS, CHANNELS = ("hbb", "qcd"), ("sr", "cr")
VARIATIONS = ("nominal", "seed", "fsrUp", "fsrDown", "hadronisationUp")
Histogram = Any
Edit = Callable[[Histogram], Any]

BLOCK: dict[str, Any] = {
    "histogram": "score",
    "samples": {"hbb": {"signal": True}, "qcd": {}},
    "channels": ["sr"],
    "luminosity": {"value": 138.0, "uncertainty": 0.016},
    "one_sided": "symmetrize",
    "plots": False,
    "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
}


def histogram() -> Histogram:
    """Known contents in four bins: 100 events of signal and 10,000 of background at 138/fb."""
    made: Histogram = hist.Hist(
        hist.axis.StrCategory(DATASETS, name="dataset"),
        hist.axis.StrCategory(CHANNELS, name="channel"),
        hist.axis.StrCategory(VARIATIONS, name="variation"),
        hist.axis.Regular(4, 0, 1, name="score"),
        storage=hist.storage.Weight(),
    )
    shapes = {"hbb": np.array([10.0, 20.0, 30.0, 40.0]), "qcd": np.array([6000.0, 2500.0, 1000.0, 500.0])}
    ramp = np.array([-1.0, -0.3, 0.3, 1.0])
    slopes = {"nominal": 0.0, "seed": 0.0, "fsrUp": 0.05, "fsrDown": -0.05, "hadronisationUp": 0.03}
    for i, dataset in enumerate(DATASETS):
        for k, variation in enumerate(VARIATIONS):
            values = shapes[dataset] * (1 + slopes[variation] * ramp) / 138_000
            made.view(flow=False)["value"][i, :, k] = values
            made.view(flow=False)["variance"][i, :, k] = values / 138_000 / 10
    return made


def document(content: Any) -> dict[str, Any]:
    return {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": {"score": content},
        "datasets": {"hbb": {"xsec": 0.001}, "qcd": {"xsec": 0.1}},
        "variations": {},
        "models": {},
    }


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., str]:
    """Run ``rs3l fit``, which must end with one message; gives the message."""

    def run(content: Any, block: dict[str, Any]) -> str:
        text = content if isinstance(content, str) else json.dumps(content, default=default)
        (tmp_path / "h.json").write_text(text)
        (tmp_path / "fit.yaml").write_text(yaml.safe_dump({"inputs": str(tmp_path / "h.json")} | BLOCK | block))
        result = CliRunner().invoke(
            app, ["fit", str(tmp_path / "fit.yaml"), "--output", str(tmp_path / "out"), "--quiet"]
        )
        assert result.exit_code == 2, (result.output, result.exception)
        assert result.stdout == ""
        assert {path.name for path in tmp_path.iterdir()} == {"h.json", "fit.yaml"}
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("rs3l fit: ")]
        return line.removeprefix("rs3l fit: ").replace(f"{tmp_path}/", "")

    return run


@pytest.fixture
def good(tmp_path: Path) -> list[str]:
    """Arguments of a fit that works."""
    (tmp_path / "h.json").write_text(json.dumps(document(histogram()), default=default))
    block = BLOCK | {"inputs": str(tmp_path / "h.json"), "inference": {"ranking": False, "scan": False, "minos": True}}
    (tmp_path / "fit.yaml").write_text(yaml.safe_dump(block))
    return ["fit", str(tmp_path / "fit.yaml"), "--output", str(tmp_path / "out"), "--quiet"]


def test_the_good_one_ends_with_its_result(good: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, good)
    assert result.exit_code == 0, result.stderr
    fitted = json.loads((tmp_path / "out" / "fit.json").read_text())
    assert sum(fitted["channels"]["sr"]["samples"]["hbb"]) == pytest.approx(100)
    assert sum(fitted["channels"]["sr"]["data"]) == pytest.approx(10_100)
    rows = dict(line.strip().split("  ", 1) for line in result.stdout.splitlines()[:-1])
    rows = {name: text.strip() for name, text in rows.items()}
    value, error = rows["mu"].removesuffix("  (Asimov data)").split(" ± ")
    assert float(value) == pytest.approx(1.0, abs=0.01)
    assert float(error) == pytest.approx(fitted["mu_error"], rel=0.05)
    up, down = rows["MINOS"].split()
    assert float(up) == pytest.approx(fitted["mu_error_up"], rel=0.01)
    assert float(down) == pytest.approx(fitted["mu_error_down"], rel=0.01)
    for part, size in fitted["mu_errors"].items():
        assert float(rows[part]) == pytest.approx(size, rel=0.01, abs=1e-5)
    assert rows["significance"].startswith(f"{fitted['significance']['observed']:.1f} σ")
    assert result.stdout.splitlines()[-1] == f"wrote {tmp_path / 'out'}"


def test_json_for_machines(good: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*good, "--json"])
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    fitted = json.loads((tmp_path / "out" / "fit.json").read_text())
    assert printed["output"] == str(tmp_path / "out")
    for key in ("mu", "mu_error", "mu_error_up", "mu_error_down", "mu_errors", "limit", "significance", "bias"):
        assert printed[key] == fitted[key]
    assert "correlation" not in printed


FINITE = "Input should be a finite number"
ABOVE_0 = "Input should be greater than 0"
SIGNAL = {"signal": True}


def at(section: str, **keys: Any) -> dict[str, Any]:
    return {section: keys}


BAD_CONFIGURATIONS: list[tuple[dict[str, Any], str]] = [
    (at("luminosity", value=INF), f"luminosity.value: {FINITE}, got inf"),
    (at("luminosity", value=NAN), f"luminosity.value: {FINITE}, got nan"),
    (at("luminosity", value=-1.0), f"luminosity.value: {ABOVE_0}, got -1.0"),
    (at("luminosity", uncertainty=NAN), f"luminosity.uncertainty: {FINITE}, got nan"),
    (at("luminosity", uncertainty=1.0), "luminosity.uncertainty: Input should be less than 1, got 1.0"),
    ({"poi_bounds": [-INF, 5.0]}, f"poi_bounds.0: {FINITE}, got -inf"),
    ({"poi_bounds": [2.0, 5.0]}, "poi_bounds must enclose 1, the signal strength of the nominal model"),
    ({"poi_bounds": [5.0, 2.0]}, "poi_bounds must enclose 1, the signal strength of the nominal model"),
    (at("data", mu=NAN), f"data.mu: {FINITE}, got nan"),
    (at("data", mu=1e30, kind="toy"), "data.mu: Input should be less than or equal to 1000000, got 1e+30"),
    (at("data", kind="observed", datasets=[]), "data.datasets: Tuple should have at least 1 item"),
    (
        at("data", kind="variation", variation="fsrUp", samples=["x"]),
        "data.samples names samples that the fit does not",
    ),
    (at("samples", hbb=SIGNAL | {"scale": INF}, qcd={}), f"samples.hbb.scale: {FINITE}, got inf"),
    (at("samples", hbb=SIGNAL | {"scale": 0.0}, qcd={}), f"samples.hbb.scale: {ABOVE_0}, got 0.0"),
    (at("samples", hbb=SIGNAL | {"scale": 1e300}, qcd={}), "samples.hbb.scale: Input should be less than or equal to"),
    (at("samples", hbb=SIGNAL, qcd={"free": True, "bounds": [0.0, INF]}), f"samples.qcd.bounds.1: {FINITE}, got inf"),
    (at("samples", hbb=SIGNAL, qcd={"free": True, "bounds": [-1.0, 2.0]}), "must enclose 1 and not be negative"),
    (at("samples", hbb=SIGNAL, qcd={"uncertainty": NAN}), f"samples.qcd.uncertainty: {FINITE}, got nan"),
    (at("samples", hbb=SIGNAL, qcd={"datasets": []}), "samples.qcd.datasets: Tuple should have at least 1 item"),
    (
        at("samples", hbb=SIGNAL, qcd={"datasets": ["qcd", "qcd"]}),
        "datasets are named twice and would count twice: qcd",
    ),
    (
        at("samples", hbb=SIGNAL, all={"datasets": ["hbb", "qcd"]}),
        "dataset hbb would count twice, in the samples all and hbb",
    ),
    (at("samples", hbb={}, qcd={}), "no sample is marked as signal: true"),
    (at("rebin", edges=[0.0, NAN, 1.0]), f"rebin.edges.1: {FINITE}, got nan"),
    (at("rebin", edges=[0.0, 0.5, 0.5]), "edges must be at least two increasing numbers"),
    (at("rebin", edges=[0.5]), "edges must be at least two increasing numbers"),
    (at("rebin", signal_efficiency=[]), "rebin.signal_efficiency: Tuple should have at least 1 item"),
    (at("rebin", signal_efficiency=[0.5, 0.5]), "signal_efficiency names a value twice"),
    (at("rebin", signal_efficiency=[1.5]), "every signal_efficiency must lie in (0, 1]"),
    (at("rebin", min_entries=INF), f"rebin.min_entries: {FINITE}, got inf"),
    (at("rebin", max_relative_error=0.0), f"rebin.max_relative_error: {ABOVE_0}, got 0.0"),
    (at("cross_sections", qcd=NAN), f"cross_sections.qcd: {FINITE}, got nan"),
    (at("cross_sections", qcd=-0.2), f"cross_sections.qcd: {ABOVE_0}, got -0.2"),
    (at("rates", norm={"value": INF}), FINITE),
    (at("rates", norm={"value": 1.5}), "a relative size lies between 0 and 1"),
    (at("rates", norm={"value": [0.0, 1.1]}), "factors must be positive"),
    (at("prune", norm=INF), f"prune.norm: {FINITE}, got inf"),
    (at("problems", empty_bin_value=INF), f"problems.empty_bin_value: {FINITE}, got inf"),
    (at("problems", clip_factor=1.0), "problems.clip_factor: Input should be less than 1, got 1.0"),
    ({"mc_stat_threshold": INF}, f"mc_stat_threshold: {FINITE}, got inf"),
    (at("inference", confidence_level=1.0), "inference.confidence_level: Input should be less than 1, got 1.0"),
    (at("inference", scan_points=2), "inference.scan_points: Input should be greater than or equal to 3, got 2"),
]


@pytest.mark.parametrize(("block", "sentence"), BAD_CONFIGURATIONS)
def test_bad_numbers(refuse: Callable[..., str], block: dict[str, Any], sentence: str) -> None:
    # Refused before any file is opened: this one is none.
    message = refuse("", block)
    assert message.startswith("fit.yaml: ")
    assert sentence in message


BAD_NAMES: list[tuple[dict[str, Any], str]] = [
    ({"histogram": "mass"}, "h.json has no histogram 'mass'; allowed: score"),
    ({"channels": ["vr"]}, "channels.vr: histogram 'score' has no channel 'vr'; allowed: sr, cr"),
    (at("samples", hbb=SIGNAL, top={}), "samples.top: the run has no dataset top; allowed: hbb, qcd"),
    (at("data", kind="observed", datasets=["run2"]), "data.datasets: there is no dataset run2; allowed: hbb, qcd"),
    (at("data", kind="variation", variation="isrUp"), "data.variation 'isrUp' is not in the run; allowed: nominal,"),
    (at("data", mu=50.0), "data.mu 50 lies outside the range of the signal strength; allowed: "),
    (at("systematics", isr={}), "systematics.isr: the run has no variation 'isr'; allowed: fsr, hadronisation"),
    ({"exclude": ["isr"]}, "exclude names sources that the run does not have: isr; allowed: fsr, hadronisation"),
    (at("correlate", isr="sample"), "correlate names sources that the run does not have: isr; allowed: fsr,"),
    (at("nuisance_names", isr="x"), "nuisance_names names sources that the run does not have: isr; allowed: fsr,"),
    (
        {"one_sided": "error"},
        "source 'hadronisation' has hadronisationUp but no down side, as far as the run tells; set",
    ),
    (
        at("rebin", edges=[0.0, 0.3, 1.0]),
        "channel sr: 0.3 is not an edge of the histogram; allowed: near it 0, 0.25, 0.5",
    ),
    (at("rebin", min_entries=1e9), "channel sr does not reach the wanted statistics even as one bin; got 100000.0"),
    (at("cross_sections", top=0.2), "cross_sections names datasets that the run does not have: top"),
    ({"poi": "r"}, "parameter 'r' has a reserved name; choose another name"),
    (at("reading", axes={"dataset": "process"}), "does not have the expected axes; got dataset, channel, variation,"),
]


@pytest.mark.parametrize(("block", "sentence"), BAD_NAMES)
def test_names_that_the_run_does_not_have(refuse: Callable[..., str], block: dict[str, Any], sentence: str) -> None:
    assert sentence in refuse(document(histogram()), block)


def put(field: str, value: float, *places: int | slice) -> Edit:
    def edit(content: Histogram) -> None:
        content.view(flow=False)[field][places] = value

    return edit


def empty(*places: int | slice) -> Edit:
    def edit(content: Histogram) -> None:
        content.view(flow=False)["value"][places] = content.view(flow=False)["variance"][places] = 0.0

    return edit


def other_storage(storage: Any) -> Edit:
    return lambda content: hist.Hist(*content.axes, storage=storage)


ALL = slice(None)
BAD_HISTOGRAMS: list[tuple[str, Edit, str]] = [
    (
        "NaN",
        put("value", NAN, 1, 0, 0, 2),
        "qcd, variation nominal, channel sr, bin 2 of the histogram: yields are not",
    ),
    ("infinity", put("value", INF, 1, 0, 2, 2), "dataset qcd, variation fsrUp, channel sr, bin 2 of the histogram"),
    ("NaN variance", put("variance", NAN, 1, 0, 0, 2), "channel sr, bin 2 of the histogram: yields are not finite"),
    ("all NaN", put("value", NAN, 1, 0, 0), "channel sr, bins 0, 1, 2, 3 of the histogram: yields are not finite"),
    (
        "negative",
        put("value", -0.01, 1, 0, 0, 3),
        "channel sr, sample qcd, bin 3: negative; got [-1380.]; set negative_",
    ),
    ("negative variance", put("variance", -1e-6, 1, 0, 0, 3), "channel sr, sample qcd, variances, bin 3: negative"),
    ("negative side", put("value", -0.01, 1, 0, 2, 3), "channel sr, sample qcd, nuisance fsr, up, bin 3: negative"),
    ("too much", put("value", 1e200, 1, 0, 0, 3), "bin 3 of the histogram: more than 1e+15 events, which are too many"),
    ("empty sample", empty(1, 0), "channel sr, sample qcd is empty; remove it, or set empty_samples: drop"),
    ("empty signal", empty(0), "channel sr, sample hbb is empty; remove it, or set empty_samples: drop"),
    ("all empty", empty(ALL), "channel sr, sample hbb is empty; remove it, or set empty_samples: drop"),
    (
        "empty bin",
        empty(ALL, 0, ALL, 1),
        "channel sr, bin 1: nothing is expected; widen the bins, or set empty_bins to",
    ),
    ("no nominal", empty(1, ALL, 0), "channel sr, sample qcd is empty; remove it, or set empty_samples: drop"),
    ("no variation", empty(1, ALL, slice(2, 4)), "sample qcd, nuisance fsr: the sample was not simulated with this"),
    (
        "no axis of numbers",
        lambda h: h.project("dataset", "channel", "variation"),
        "does not have the expected axes; got",
    ),
    (
        "no data sets",
        lambda h: h["qcd", ...],
        "does not have the expected axes; got channel, variation, score; allowed:",
    ),
    ("two variables", lambda h: hist.Hist(*h.axes, hist.axis.Regular(2, 0, 1, name="mass")), "the expected axes"),
    ("no channels", lambda h: h.project("dataset", "variation", "score"), "has no channel 'sr'; allowed: signal"),
    ("no variances", other_storage(hist.storage.Mean()), "h.json: histogram 'score' holds means and not counts; fill"),
    ("never filled", other_storage(hist.storage.Weight()), "channel sr, sample hbb is empty; remove it"),
    ("a number", lambda _: 3.0, "h.json: histogram 'score' cannot be read: "),
    ("nothing", lambda _: None, "h.json: histogram 'score' cannot be read: "),
]


@pytest.mark.parametrize(
    ("edit", "sentence"), [case[1:] for case in BAD_HISTOGRAMS], ids=[c[0] for c in BAD_HISTOGRAMS]
)
def test_bad_histograms(refuse: Callable[..., str], edit: Edit, sentence: str) -> None:
    content = histogram()
    changed = edit(content)
    made = document(content if changed is None and sentence[:6] != "h.json" else changed)
    assert sentence in refuse(made, {})


BAD_FILES: list[tuple[str, str]] = [
    ("", "h.json is not JSON: Expecting value"),
    ("{", "h.json is not JSON: "),
    ("[]", "h.json does not hold histograms of this package; allowed: format rs3l-histograms, or UHI histograms"),
    ("null", "h.json does not hold histograms of this package"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_FILES)
def test_bad_files(refuse: Callable[..., str], text: str, sentence: str) -> None:
    assert refuse(text, {}).startswith(sentence)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"complete": False}, "h.json: the run is not complete, some chunks failed"),
        ({"version": 2}, "h.json has an unknown version; got 2; allowed: 1"),
        ({"models": {"score": ["a", "b"]}}, "tagger 'score' was not the same model everywhere; got a, b"),
        ({"datasets": {"qcd": 3}}, "h.json: datasets.qcd: Input should be a valid dictionary"),
        ({"variations": 3}, "h.json: variations: Input should be a valid dictionary"),
    ],
)
def test_bad_documents(refuse: Callable[..., str], changes: dict[str, Any], sentence: str) -> None:
    assert refuse(deepcopy(document(histogram())) | changes, {}).startswith(sentence)
