"""Covariances of nominal and varied templates: what a run kept is used, what it did not keep is unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from uhi.io import to_sparse
from uhi.io.json import default

from rs3l_gnn.conventions import FitError, InputFileError
from rs3l_gnn.fits import FitConfig, build_templates
from rs3l_gnn.fits.histograms.plain import Wanted
from rs3l_gnn.fits.histograms.runs import read_runs

NAMES = ("nominal", "psISRUp", "psISRDown")
RECORDS = {name: {"kind": "weight", "axis_name": name} for name in NAMES[1:]}
CROSS_SECTIONS = {"qcd": 2.0, "hbb": 0.3}


def sample(rng: np.random.Generator, n: int) -> dict[str, dict[str, Any]]:
    """Weighted events of both data sets: score, and a weight for each entry of the variation axis."""
    found = {}
    for name, xsec in CROSS_SECTIONS.items():
        events = int(rng.poisson(n))
        score = rng.beta(2, 3, events) if name == "qcd" else rng.beta(3, 2, events)
        weight = rng.choice([1.0, 0.5], events) * xsec / n
        up = np.exp(rng.normal(0.01, 0.1, events))
        found[name] = {"score": score, "weights": dict(zip(NAMES, (weight, weight * up, weight / up), strict=True))}
    return found


def histograms(events: dict[str, dict[str, Any]]) -> tuple[Any, Any]:
    axes: list[Any] = [
        hist.axis.StrCategory(list(CROSS_SECTIONS), name="dataset"),
        hist.axis.StrCategory(["sr"], name="channel"),
        hist.axis.StrCategory(NAMES, name="variation"),
        hist.axis.Regular(8, 0, 1, name="score"),
    ]
    whole = hist.Hist(*axes, storage=hist.storage.Weight())
    joint = hist.Hist(*axes, hist.axis.Regular(8, 0, 1, name="score_varied"), storage=hist.storage.Double())
    for name, content in events.items():
        score, nominal = content["score"], content["weights"]["nominal"]
        for variation, weight in content["weights"].items():
            whole.fill(name, "sr", variation, score, weight=weight)
            if variation != "nominal":
                joint.fill(name, "sr", variation, score, score, weight=nominal * weight)
    return whole, joint


def write(path: Path, whole: Any, joint: Any | None, **changes: Any) -> Path:
    document: dict[str, Any] = {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": {"score": whole},
        "datasets": {name: {"xsec": xsec} for name, xsec in CROSS_SECTIONS.items()},
        "variations": RECORDS,
        "models": {},
    }
    if joint is not None:
        document["paired"] = {"score": joint}
    path.write_text(json.dumps(document | changes, default=default))
    return path


def config(path: Path, **changes: Any) -> FitConfig:
    block: dict[str, Any] = {
        "inputs": str(path),
        "histogram": "score",
        "samples": {"all": {"signal": True, "datasets": ["qcd", "hbb"]}},
        "rebin": {"edges": [0, 0.25, 0.5, 1.0]},
        "luminosity": {"value": 2.0},
        "plots": False,
    }
    return FitConfig.model_validate(block | changes)


@pytest.fixture(scope="module")
def events() -> dict[str, dict[str, Any]]:
    return sample(np.random.default_rng(5), 3000)


def by_loop(events: dict[str, dict[str, Any]], names: tuple[str, ...], factor: float) -> np.ndarray:
    """Sum of (v - w)^2 in the three bins, event by event: the variance of the difference of two sums of weights."""
    total = np.zeros(3)
    for name in names:
        weights = events[name]["weights"]
        for score, w, v in zip(events[name]["score"], weights["nominal"], weights["psISRUp"], strict=True):
            total[0 if score < 0.25 else 1 if score < 0.5 else 2] += (factor * (v - w)) ** 2
    return total


def test_errors_survive_scaling_grouping_and_sums(tmp_path: Path, events: dict[str, dict[str, Any]]) -> None:
    whole, joint = histograms(events)
    path = write(tmp_path / "h.json", whole, to_sparse(joint._to_uhi_()))
    built = build_templates(config(path))
    for members, scale in ((("hbb",), 3.0), (("qcd", "hbb"), 1.0)):
        own = build_templates(config(path, samples={"s": {"signal": True, "datasets": members, "scale": scale}}))
        assert own.paired
        shift = own.templates.channels[0].samples[0].shifts[0]
        assert shift.up_error is not None
        factor = 2000.0 * scale
        np.testing.assert_allclose(shift.up_error, np.sqrt(by_loop(events, members, factor)), rtol=1e-9)
    # Dense as older runs wrote it, and one axis where nothing moves: the same.
    for other in (joint, joint[:, :, :, :, sum].project("dataset", "channel", "variation", "score")):
        again = build_templates(config(write(tmp_path / "other.json", whole, other)))
        assert again.shifts == built.shifts


def test_toys_have_the_spread_that_is_claimed(tmp_path: Path) -> None:
    """Pseudo-samples: p-values of a weight whose mean is 1 % off are flat where that 1 % is taken out."""
    rng = np.random.default_rng(6)
    differences, errors = [], []
    for _ in range(60):
        whole, joint = histograms(sample(rng, 400))
        built = build_templates(config(write(tmp_path / "h.json", whole, joint)))
        made = built.templates.channels[0].sample("all")
        assert made is not None
        shift = made.shifts[0]
        assert shift.up_error is not None
        differences.append(shift.up - made.values)
        errors.append(shift.up_error)
    spread = np.std(differences, axis=0)
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.3)


def test_runs_that_kept_no_products_have_no_significance(tmp_path: Path, events: dict[str, dict[str, Any]]) -> None:
    whole, _ = histograms(events)
    built = build_templates(config(write(tmp_path / "h.json", whole, None)))
    assert not built.paired
    assert {(shift.relation, shift.p_value, shift.tests["up"]) for shift in built.shifts} == {("unknown", None, None)}
    made = built.templates.channels[0].sample("all")
    assert made is not None
    assert made.shifts[0].up_error is not None
    assert (made.shifts[0].up_error ** 2 >= by_loop(events, ("qcd", "hbb"), 2000.0)).all()  # an upper bound
    pseudo = build_templates(config(tmp_path / "h.json", data={"kind": "variation", "variation": "psISRUp"}))
    assert pseudo.data_covariances == {}
    assert pseudo.report.of("bias_error")


def test_files_of_root_and_plain_json_hold_them_too(tmp_path: Path, events: dict[str, dict[str, Any]]) -> None:
    whole, joint = histograms(events)
    expected = read_runs([write(tmp_path / "h.json", whole, joint)], ["score"]).histograms["score"].cells
    with uproot.recreate(tmp_path / "h.root") as file:
        for name in CROSS_SECTIONS:
            for variation in NAMES:
                here = {"dataset": name, "channel": "sr", "variation": variation}
                file[f"score/sr/{name}/{variation}"] = whole[here]
                if variation != "nominal":
                    file[f"covariance/score/sr/{name}/{variation}"] = joint[here]
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps({"score": whole, "covariance/score": joint}, default=default))
    for path in (tmp_path / "h.root", plain):
        run = read_runs([path], ["score"], wanted=Wanted(frozenset(CROSS_SECTIONS)))
        assert run.paired
        found = run.histograms["score"].cells
        for key in (("qcd", "sr", "psISRUp"), ("hbb", "sr", "psISRDown")):
            assert found[key].relation == "known"
            covariance, other = found[key].covariance, expected[key].covariance
            assert covariance is not None
            assert other is not None
            np.testing.assert_allclose(covariance, other)


def test_what_does_not_belong_together_is_refused(tmp_path: Path, events: dict[str, dict[str, Any]]) -> None:
    whole, joint = histograms(events)
    with pytest.raises(FitError, match=r"qcd, sr, psISRUp: the covariance with nominal is larger than the variances"):
        read_runs([write(tmp_path / "h.json", whole, joint * 1.2)], ["score"])
    with pytest.raises(FitError, match="has another binning; got 4 bins; allowed: 8"):
        read_runs([write(tmp_path / "h.json", whole, joint[:, :, :, :: hist.rebin(2), :])], ["score"])
    with pytest.raises(InputFileError, match="'paired score' cannot be read"):
        read_runs([write(tmp_path / "h.json", whole, {"axes": [], "storage": {}})], ["score"])


@pytest.mark.parametrize("index", ["99", "-1", "row"])
def test_entries_outside_the_axes_are_refused(tmp_path: Path, events: dict[str, dict[str, Any]], index: str) -> None:
    whole, joint = histograms(events)
    document = json.loads(json.dumps(to_sparse(joint._to_uhi_()), default=default))
    if index == "row":
        document["storage"]["index"] = document["storage"]["index"][:4]
    else:
        document["storage"]["index"][3][0] = int(index)
    with pytest.raises(InputFileError, match="'paired score' has entries that its axes do not have"):
        read_runs([write(tmp_path / "h.json", whole, document)], ["score"])


def test_an_index_beyond_64_bits_is_refused(tmp_path: Path, events: dict[str, dict[str, Any]]) -> None:
    whole, joint = histograms(events)
    document = json.loads(json.dumps(to_sparse(joint._to_uhi_()), default=default))
    document["storage"]["index"][3][0] = 10**30
    with pytest.raises(InputFileError, match="'paired score' cannot be read: Python int too large"):
        read_runs([write(tmp_path / "h.json", whole, document)], ["score"])


@pytest.mark.parametrize("kind", ["json", "root"])
def test_no_variances_are_enough_without_statistical_nuisances(tmp_path: Path, kind: str) -> None:
    whole, _ = histograms(sample(np.random.default_rng(7), 500))
    bare = hist.Hist(*whole.axes, storage=hist.storage.Double())
    bare.view(flow=True)[...] = whole.values(flow=True)
    path = tmp_path / f"h.{kind}"
    if kind == "json":
        path.write_text(json.dumps({"score": bare}, default=default))
    else:
        with uproot.recreate(path) as file:
            for name in CROSS_SECTIONS:
                for variation in NAMES:
                    content: Any = bare[{"dataset": name, "channel": "sr", "variation": variation}]
                    file[f"score/sr/{name}/{variation}"] = content.values(), content.axes[0].edges
    samples: dict[str, Any] = {"hbb": {"signal": True, "mc_stat": False}, "qcd": {"mc_stat": False}}
    built = build_templates(config(path, samples=samples))
    qcd = built.templates.channels[0].sample("qcd")
    assert qcd is not None
    assert not qcd.mc_stat
    expected = whole[{"dataset": "qcd", "channel": "sr", "variation": "nominal"}].values() * 2000
    np.testing.assert_allclose(qcd.values, [expected[:2].sum(), expected[2:4].sum(), expected[4:].sum()])
    assert qcd.shifts[0].up_error is None
    assert {shift.p_value for shift in built.shifts} == {None}
    (finding,) = [finding for finding in built.report.of("no_variances") if "qcd" in finding.where]
    assert "no statistical error of the simulation" in finding.detail
    with pytest.raises(FitError, match=r"samples\.qcd\.mc_stat: false"):
        build_templates(config(path, samples=samples | {"qcd": {}}))
    with pytest.raises(FitError, match="which min_entries and max_relative_error need"):
        build_templates(config(path, samples=samples, rebin={"min_entries": 5}))
