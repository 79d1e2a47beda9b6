"""Histograms of other tools: what a user of hist, uproot or ROOT has, without our metadata."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot
from uhi.io.json import default

from rs3l_gnn.conventions import FitError, InputFileError
from rs3l_gnn.fits import FitConfig, build_templates

Written = Callable[..., dict[str, Any]]

SAMPLES = {"hbb": {"signal": True}, "qcd": {}, "qcd_HT200": {}}
EDGES = np.linspace(0, 1, 5)


def contents(dataset: str, variation: str) -> tuple[np.ndarray, np.ndarray]:
    """Expected events and variances [4]."""
    level = {"hbb": 30.0, "qcd": 500.0, "qcd_HT200": 70.0}[dataset]
    slope = {"hbb": 0.6, "qcd": -0.7, "qcd_HT200": -0.5}[dataset]
    effect = 0.0 if variation == "nominal" else 0.1 if variation.lower().endswith("up") else -0.08
    values = level * (1 + slope * np.linspace(-1, 1, 4)) * (1 + effect * np.linspace(0, 1, 4))
    return values, 0.02 * values


def of_agc(variations: tuple[str, ...] = ("nominal", "jes_up", "jes_down")) -> hist.Hist[Any]:
    """The axes of the Analysis Grand Challenge: observable, region, process, variation."""
    histogram = hist.Hist(
        hist.axis.Regular(4, 0, 1, name="observable"),
        hist.axis.StrCategory(["4j2b"], name="region", growth=True),
        hist.axis.StrCategory(list(SAMPLES), name="process", growth=True),
        hist.axis.StrCategory(list(variations), name="variation", growth=True),
        storage=hist.storage.Weight(),
    )
    view = histogram.view()
    for i, dataset in enumerate(SAMPLES):
        for j, variation in enumerate(variations):
            view.value[:, 0, i, j], view.variance[:, 0, i, j] = contents(dataset, variation)
    return histogram


READING = {"axes": {"dataset": "process", "channel": "region"}, "unit": "events"}


def block(path: Path, **changes: Any) -> FitConfig:
    values = {
        "inputs": str(path),
        "histogram": "score",
        "samples": SAMPLES,
        "reading": READING,
        "channels": {"sr": {"source": "4j2b"}},
        "plots": False,
    }
    return FitConfig.model_validate(values | changes)


def write_json(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document, default=default))
    return path


def check(config: FitConfig) -> None:
    templates = build_templates(config).templates
    (channel,) = templates.channels
    assert channel.name == "sr"
    for dataset in SAMPLES:
        sample = channel.sample(dataset)
        assert sample is not None
        np.testing.assert_allclose(sample.values, contents(dataset, "nominal")[0])
        np.testing.assert_allclose(sample.variances, contents(dataset, "nominal")[1])
        (shift,) = sample.shifts
        assert shift.nuisance == "jes"
        np.testing.assert_allclose(shift.up, contents(dataset, "jesUp")[0])
        np.testing.assert_allclose(shift.down, contents(dataset, "jesDown")[0])
    # Nothing but its name speaks for the detector.
    assert templates.groups == {"other": ("jes",)}


def test_groups_of_foreign_nuisances_are_declared_not_guessed(tmp_path: Path) -> None:
    names = ("nominal", "CMS_fsr_up", "CMS_fsr_down", "fsr_up", "fsr_down")
    path = write_json(tmp_path / "one.json", of_agc(names))
    built = build_templates(block(path))
    assert built.templates.groups == {"other": ("CMS_fsr", "fsr")}
    assert [finding.where for finding in built.report.of("group")] == ["source CMS_fsr", "source fsr"]
    declared = build_templates(block(path, groups={"shower": ["CMS_*"]}, systematics={"fsr": {"group": "shower"}}))
    assert set(declared.templates.groups["shower"]) == {"CMS_fsr", "fsr"}
    assert declared.report.of("group") == ()


def test_one_plain_histogram_with_other_axes(tmp_path: Path) -> None:
    check(block(write_json(tmp_path / "one.json", of_agc())))


def test_plain_histograms_by_name(tmp_path: Path) -> None:
    path = write_json(tmp_path / "several.json", {"mass": of_agc(), "score": of_agc()})
    check(block(path))
    with pytest.raises(FitError, match="no histogram 'pt'; allowed: mass, score"):
        build_templates(block(path, histogram="pt"))


def test_a_whole_fit_of_a_plain_histogram(tmp_path: Path, written: Written) -> None:
    path = write_json(tmp_path / "one.json", of_agc())
    document = written(block(path, inference={"limit": False}), tmp_path / "out")
    assert document["mu"] == pytest.approx(1.0, abs=1e-3)
    assert not document["paired_errors"]
    (finding,) = [finding for finding in document["report"] if finding["kind"] == "plain_input"]
    assert "whether they are complete" in finding["detail"]


def test_yields_in_pb_take_the_luminosity(tmp_path: Path) -> None:
    path = write_json(tmp_path / "one.json", of_agc())
    reading = READING | {"unit": "pb"}
    channel = build_templates(block(path, reading=reading, luminosity={"value": 2.0})).templates.channels[0]
    np.testing.assert_allclose(channel.sample("qcd").values, 2000 * contents("qcd", "nominal")[0])  # type: ignore[union-attr] # it is there


def test_without_variation_and_channel_axes(tmp_path: Path) -> None:
    plain = of_agc()[:, 0, :, 0]
    path = write_json(tmp_path / "one.json", plain)
    templates = build_templates(block(path, channels={})).templates
    assert [channel.name for channel in templates.channels] == ["signal"]
    assert templates.nuisances == ()


def test_another_word_for_nominal(tmp_path: Path) -> None:
    histogram = of_agc()
    document = json.loads(json.dumps(histogram, default=default))
    for axis in document["axes"]:
        if axis["metadata"]["name"] == "variation":
            axis["categories"][0] = "central"
    path = write_json(tmp_path / "one.json", document)
    with pytest.raises(FitError, match=r"has no entry nominal; got central, .*reading\.nominal"):
        build_templates(block(path, one_sided="symmetrize"))
    check(block(path, reading=READING | {"nominal": "central"}))


def test_axes_that_are_not_named(tmp_path: Path) -> None:
    path = write_json(tmp_path / "one.json", of_agc())
    with pytest.raises(FitError, match=r"got observable, region, process, variation; allowed: dataset.*reading\.axes"):
        build_templates(block(path, reading={}))


@pytest.mark.parametrize(
    ("root", "nominal"),
    [
        ("{histogram}/{channel}/{dataset}/{variation}", None),
        ("{channel}/{dataset}_{variation}", "{channel}/{dataset}"),
        ("{dataset}__{histogram}__{channel}__{variation}", "{dataset}__{histogram}__{channel}"),
    ],
)
def test_root_files_of_any_pattern(tmp_path: Path, root: str, nominal: str | None) -> None:
    path = tmp_path / "shapes.root"
    with uproot.recreate(path) as file:
        for dataset in SAMPLES:
            for variation in ("nominal", "jesUp", "jesDown"):
                pattern = nominal if variation == "nominal" and nominal is not None else root
                key = pattern.format(histogram="score", channel="4j2b", dataset=dataset, variation=variation)
                one = hist.Hist(hist.axis.Regular(4, 0, 1, name="x"), storage=hist.storage.Weight())
                one.view().value, one.view().variance = contents(dataset, variation)
                file[key] = one
        file["unrelated/qcd"] = np.histogram([0.5], bins=3)
    check(block(path, reading={"root": root, "root_nominal": nominal, "unit": "events"}))


def test_two_histograms_of_one_place_are_refused(tmp_path: Path) -> None:
    """One of them would be taken, whichever comes last."""
    path = tmp_path / "shapes.root"
    with uproot.recreate(path) as file:
        for variation in ("nominal", "central"):
            one = hist.Hist(hist.axis.Regular(4, 0, 1, name="x"), storage=hist.storage.Weight())
            one.view().value, one.view().variance = contents("hbb", "nominal")
            file[f"score/4j2b/hbb/{variation}"] = one
    with pytest.raises(FitError, match="hbb/central: another .*; got hbb, 4j2b, nominal; let reading"):
        build_templates(block(path, reading={"nominal": "central", "unit": "events"}))


def test_our_own_root_file_gives_the_same_yields(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path
) -> None:
    from uhi.io.json import object_hook

    from rs3l_gnn.fits.histograms.plain import Wanted
    from rs3l_gnn.fits.histograms.runs import read_runs

    path = write_run(bins=8)
    document = json.loads(path.read_text(), object_hook=object_hook)
    histogram = hist.Hist(document["histograms"]["score_rs3l"])
    with uproot.recreate(tmp_path / "histograms.root") as file:
        for dataset in histogram.axes[0]:
            for variation in histogram.axes[2]:
                file[f"score_rs3l/sr/{dataset}/{variation}"] = histogram[
                    {"dataset": dataset, "channel": "sr", "variation": variation}
                ]
    whole = read_runs([path], ["score_rs3l"]).histograms["score_rs3l"]
    found = read_runs([tmp_path / "histograms.root"], ["score_rs3l"], wanted=Wanted(frozenset(["hbb", "qcd", "wqq"])))
    cells = found.histograms["score_rs3l"].cells
    assert set(cells) == {key for key in whole.cells if key[1] == "sr"}
    for key, cell in cells.items():
        np.testing.assert_allclose(cell.values, whole.cells[key].values)
        variances, expected = cell.variances, whole.cells[key].variances
        assert variances is not None
        assert expected is not None
        np.testing.assert_allclose(variances, expected)
    assert not found.paired


def test_root_files_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "shapes.root"
    with uproot.recreate(path) as file:
        file["4j2b/qcd"] = np.histogram([0.1, 0.2], bins=3, range=(0, 1))
    with pytest.raises(FitError, match="no histograms named like .*got 4j2b/qcd.*set reading.root"):
        build_templates(block(path))
    with uproot.recreate(path) as file:
        for name, bins in (("hbb", 3), ("qcd", 4)):
            file[f"score/4j2b/{name}/nominal"] = np.histogram([0.1, 0.2], bins=bins, range=(0, 1))
    with pytest.raises(FitError, match="another binning than the other histograms; got 4 bins; allowed: 3 bins"):
        build_templates(block(path))
    with uproot.recreate(path) as file:
        for name in SAMPLES:
            file[f"score/4j2b/{name}/nominal"] = (np.array([0.5, 1.5]), np.array([0.0, 0.5, 1.0]))
    with pytest.raises(FitError, match=r"hbb: histogram 'score' has no variances.*samples\.hbb\.mc_stat: false"):
        build_templates(block(path))
    (tmp_path / "cut.root").write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputFileError, match="cannot be read as a ROOT file"):
        build_templates(block(tmp_path / "cut.root"))


def test_patterns_are_checked() -> None:
    with pytest.raises(ValueError, match="names in ROOT files are made of"):
        block(Path("x.root"), reading={"root": "{channel}/{process}"})
