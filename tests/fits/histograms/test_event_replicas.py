"""Replicas event by event: the same events for every tagger, so that differences have paired errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from numpy.typing import NDArray
from uhi.io.json import default

from rs3l_gnn.conventions import VARIATIONS, FitError, InputFileError
from rs3l_gnn.fits import FitConfig, ReplicaSource, errors_of_errors
from rs3l_gnn.fits.histograms.cells import RunHistogram
from rs3l_gnn.fits.histograms.event_replicas import EventReplicas, ReplicaFile
from rs3l_gnn.fits.templates.build import build_templates, read_inputs, read_replicas
from rs3l_gnn.fits.yields import Yields

Written = Callable[..., dict[str, Any]]

XSEC = {"hbb": 0.004, "qcd": 0.2}
LUMINOSITY = 138.0
EDGES = np.linspace(0, 1, 21)
CUTS = [0.0, 0.5, 1.0]
VIEWS = ("nominal", "hadronisationUp")
Scores = dict[str, dict[str, dict[str, NDArray[np.float64]]]]
"""Tagger -> data set -> view -> scores of the same events."""


def toy_scores(n: int, *, common: float) -> Scores:
    """Two taggers whose scores share ``common`` of their variance at equal hard events."""
    rng = np.random.default_rng(8)
    scores: Scores = {"one": {}, "two": {}}
    for dataset, centre in (("hbb", 1.2), ("qcd", -1.0)):
        shared = rng.normal(0, common**0.5, n)
        for tagger in scores:
            own = centre + shared + rng.normal(0, (1 - common) ** 0.5, n)
            moved = own + 0.03 + rng.normal(0, 0.2, n)
            views = zip(VIEWS, (own, moved), strict=True)
            scores[tagger][dataset] = {name: 1 / (1 + np.exp(-content)) for name, content in views}
    return scores


def write(folder: Path, scores: Scores, *, n_replicas: int, seed: int = 5) -> Path:
    """A run as documented in docs/processors.md, with NumPy's own Poisson counts."""
    histograms: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    cells: dict[str, list[tuple[str, str, str]]] = {}
    for tagger, datasets in scores.items():
        name = f"score_{tagger}"
        histogram = hist.Hist(
            hist.axis.StrCategory(list(datasets), name="dataset"),
            hist.axis.StrCategory(["sr"], name="channel"),
            hist.axis.StrCategory(list(VIEWS), name="variation"),
            hist.axis.Variable(EDGES, name="score"),
            storage=hist.storage.Weight(),
        )
        rows, cells[name] = [], []
        for number, (dataset, views) in enumerate(datasets.items()):
            n = len(views["nominal"])
            counts = np.random.default_rng([seed, number]).poisson(1.0, (n_replicas, n))
            for view, values in views.items():
                histogram.fill(dataset, "sr", view, values, weight=XSEC[dataset] / n)
                content = [np.histogram(values, EDGES, weights=row * XSEC[dataset] / n)[0] for row in counts]
                rows.append(np.pad(content, ((0, 0), (1, 1))))
                cells[name].append((dataset, "sr", view))
        histograms[name], arrays[name] = histogram, np.array(rows)
    header = {"format": "rs3l-replicas", "version": 1, "replicas": n_replicas, "seed": seed}
    folder.mkdir()
    header |= {"axes": ["cell", "replica", "bin"], "cells": cells}
    np.savez(folder / "replicas.npz", header=np.array(json.dumps(header)), **arrays)
    digest = hashlib.sha256((folder / "replicas.npz").read_bytes()).hexdigest()
    document = {
        "format": "rs3l-histograms",
        "version": 1,
        "complete": True,
        "histograms": histograms,
        "datasets": {name: {"process": name, "sample": name, "xsec": xsec} for name, xsec in XSEC.items()},
        "variations": {name: entry.record() for name, entry in _on_axis().items()},
        "models": {},
        "provenance": {},
        "replicas": {"file": "replicas.npz", "digest": digest},
    }
    (folder / "histograms.json").write_text(json.dumps(document, default=default))
    return folder / "histograms.json"


def _on_axis() -> dict[str, Any]:
    return {entry.axis_name: entry for entry in VARIATIONS.values() if entry.axis_name in VIEWS}


def config_of(path: Path, **comparison: Any) -> FitConfig:
    wanted = {"taggers": ["one", "two"], "pseudo_data": ["hadronisationUp"], "replicas": 150} | comparison
    return FitConfig.model_validate(
        {
            "inputs": str(path),
            "samples": {"hbb": {"signal": True, "mc_stat": False}, "qcd": {"mc_stat": False}},
            "channels": ["sr"],
            "rebin": {"edges": CUTS},
            "luminosity": {"value": LUMINOSITY},
            "one_sided": "symmetrize",
            "exclude": ["hadronisation"],
            "inference": {"ranking": False, "scan": False, "limit": False, "significance": False},
            "plots": False,
            "comparison": wanted,
        }
    )


def influences(scores: Scores) -> dict[str, dict[str, NDArray[np.float64]]]:
    """What each event adds to the statistical error of mu and to the bias, to first order, by tagger [n_events].

    The error is 1/sqrt(I) with Fisher's information I = sum of s_i^2 / n_i over bins; d mu / d n_i is s_i / (I n_i).
    """
    found = {}
    for tagger, datasets in scores.items():
        place = {d: {v: np.digitize(x, CUTS[1:-1]) for v, x in views.items()} for d, views in datasets.items()}
        weight = {d: 1000 * LUMINOSITY * XSEC[d] / len(views["nominal"]) for d, views in datasets.items()}
        count = {d: {v: np.bincount(p, minlength=2) * weight[d] for v, p in place[d].items()} for d in place}
        s, total = count["hbb"]["nominal"], count["hbb"]["nominal"] + count["qcd"]["nominal"]
        information = (s**2 / total).sum()
        of_background = 0.5 * information**-1.5 * s**2 / total**2
        of_signal = of_background - information**-1.5 * s / total
        data = count["hbb"]["hadronisationUp"] + count["qcd"]["hadronisationUp"]
        mu = 1.0  # of two bins and one parameter; Newton's steps find the best fit
        for _ in range(20):
            level = mu * s + count["qcd"]["nominal"]
            mu += (s * (data / level - 1)).sum() / (data * s**2 / level**2).sum()
        level = mu * s + count["qcd"]["nominal"]
        slope = s / level / (data * s**2 / level**2).sum()
        part, bias = [], []
        for dataset, by_bin in (("hbb", of_signal), ("qcd", of_background)):
            nominal, varied = place[dataset]["nominal"], place[dataset]["hadronisationUp"]
            part.append(weight[dataset] * by_bin[nominal])
            bias.append(weight[dataset] * (slope[varied] - slope[nominal]))
        found[tagger] = {"mu_error_statistical": np.concatenate(part), "bias": np.concatenate(bias) * np.sign(mu - 1)}
    return found


def root_sum(values: NDArray[np.float64]) -> float:
    return float(np.sqrt((values**2).sum()))


def test_error_of_a_difference_is_that_of_a_loop_over_events(tmp_path: Path, written: Written) -> None:
    scores = toy_scores(3000, common=0.85)
    document = written(config_of(write(tmp_path / "run", scores, n_replicas=100)), tmp_path / "fit")
    assert document["paired_differences"] is True
    expected = influences(scores)
    own_error = 4 / np.sqrt(2 * 100)  # four times that of a standard deviation of 100
    for key, word in (("mu_error_statistical", "mu_error_statistical"), ("bias", "size of bias hadronisationUp")):
        one, two = expected["one"][key], expected["two"][key]
        found = document["differences"]["one - two"][word]
        assert found["error"] == pytest.approx(root_sum(one - two), rel=own_error)
        if key == "mu_error_statistical":
            squares = np.hypot(root_sum(one), root_sum(two))
            assert found["error_in_squares"] == pytest.approx(squares, rel=own_error)
            ratio = found["error_in_squares"] / found["error"]
            assert ratio == pytest.approx(squares / root_sum(one - two), rel=own_error)
            assert ratio > 1.5
    values = document["taggers"]["one"]["replicas"]
    assert (values["n"], values["failed"], values["paired"]) == (100, 0, True)
    assert "values" not in values
    assert "paired" in (tmp_path / "fit" / "comparison.md").read_text().splitlines()[-1]


def test_a_tagger_does_not_differ_from_itself(tmp_path: Path, written: Written) -> None:
    scores = toy_scores(500, common=0.5)
    path = write(tmp_path / "run", scores | {"two": scores["one"]}, n_replicas=5)
    document = written(config_of(path, replicas=200), tmp_path / "fit")
    entries = document["differences"]["one - two"]
    assert all((entry["value"], entry["error"]) == (0.0, 0.0) for entry in entries.values())
    assert entries["mu_error_statistical"]["error_in_squares"] > 0
    # The run has five.
    assert document["taggers"]["one"]["replicas"]["n"] == 5


def test_trainings_are_paired_too(tmp_path: Path, written: Written) -> None:
    scores = toy_scores(500, common=0.9)
    path = write(tmp_path / "run", scores | {"three": scores["one"]}, n_replicas=6)
    changes = {"taggers": ["one", "two", "three"], "trainings": {"net": ["one", "two"]}}
    document = written(config_of(path, **changes), tmp_path / "fit")
    config = config_of(path)
    runs = read_inputs(config, ["score_one", "score_two"])
    source = ReplicaSource(runs, 6, events=read_replicas(config, runs))
    spreads = {}
    for tagger in ("one", "two"):
        own = config.model_copy(update={"histogram": f"score_{tagger}"})
        spreads[tagger] = errors_of_errors(own, source, build_templates(own, runs).groupings)
    one, two = (np.array(spreads[tagger].values["mu_error"], dtype=np.float64) for tagger in ("one", "two"))
    trained = document["taggers"]["net"]["trainings"]["mu_error"] / 2**0.5
    found = document["differences"]["net - three"]["mu_error"]["error"]
    assert found == pytest.approx(np.hypot(((one + two) / 2 - one).std(ddof=1), trained))
    mean = document["taggers"]["net"]["replicas"]["deviation"]["mu_error"]
    assert mean == pytest.approx(np.hypot(((one + two) / 2).std(ddof=1), trained))


def test_without_replicas_in_the_run_they_are_drawn_and_not_paired(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, written: Written
) -> None:
    path = write(tmp_path / "run", toy_scores(500, common=0.5), n_replicas=3)
    document = json.loads(path.read_text())
    del document["replicas"]
    path.write_text(json.dumps(document))
    caplog.set_level("WARNING", logger="rs3l_gnn")
    found = written(config_of(path, replicas=3), tmp_path / "fit")
    assert found["paired_differences"] is False
    errors = [found["taggers"][tagger]["replicas"]["deviation"]["mu_error"] for tagger in ("one", "two")]
    assert found["differences"]["one - two"]["mu_error"]["error"] == pytest.approx(np.hypot(*errors))
    assert "upper bounds" in caplog.text
    assert "upper bounds" in (tmp_path / "fit" / "comparison.md").read_text()


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    path = write(tmp_path / "run", toy_scores(100, common=0.5), n_replicas=3)
    config = config_of(path)
    runs = read_inputs(config, ["score_one"])
    replicas = path.with_name("replicas.npz")
    content = replicas.read_bytes()
    replicas.write_bytes(content + b"x")
    with pytest.raises(InputFileError, match="not the one of the histograms"):
        read_replicas(config, runs)
    replicas.unlink()
    with pytest.raises(InputFileError, match="does not exist"):
        read_replicas(config, runs)
    np.savez(replicas, header=np.array(json.dumps({"format": "rs3l-replicas", "version": 2})))
    (file,) = runs[""].replica_files
    file = replace(file, digest=hashlib.sha256(replicas.read_bytes()).hexdigest())
    with pytest.raises(InputFileError, match="another format; got rs3l-replicas, version 2"):
        EventReplicas.read([file], ["score_one"], flow="move")
    replicas.write_bytes(b"no archive")
    file = replace(file, digest=hashlib.sha256(b"no archive").hexdigest())
    with pytest.raises(InputFileError, match="does not hold replicas"):
        EventReplicas.read([file], ["score_one"], flow="move")


def test_variances_and_covariances_follow_the_contents() -> None:
    nominal = Yields(np.array([4.0, 9.0, 0.5]), np.array([0.4, 0.9, 3.0]))
    varied = Yields(np.array([2.0, 3.0, 1.0]), np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.2, 0.0]), "known")
    observed = Yields(np.array([5.0, 6.0, 7.0]), np.array([5.0, 6.0, 7.0]))
    cells = {("qcd", "sr", "nominal"): nominal, ("qcd", "sr", "fsrUp"): varied, ("data", "sr", "nominal"): observed}
    histogram = RunHistogram("h", np.arange(4.0), ("sr",), ("nominal", "fsrUp"), cells)
    contents = {
        ("qcd", "sr", "nominal"): np.array([[8.0, 9.0, -1.0]]),
        ("qcd", "sr", "fsrUp"): np.array([[1.0, 12.0, 1.0]]),
    }
    replicas = EventReplicas(1, {"h": contents})
    found = replicas.replica(histogram, 0, data=frozenset({"data"})).cells
    # One weight of 0.1 for all: 80 events with a variance of 0.8. Weights of both signs (half an event): as it was.
    assert found["qcd", "sr", "nominal"].variances == pytest.approx([0.8, 0.9, 3.0])
    assert found["qcd", "sr", "nominal"].values.tolist() == [8.0, 9.0, -1.0]
    assert found["qcd", "sr", "fsrUp"].covariance == pytest.approx([0.1 * (2 * 0.5) ** 0.5, 0.2 * 2, 0.0])
    assert found["data", "sr", "nominal"] is observed
    with pytest.raises(FitError, match="lack cells of the histogram 'h'; got data/sr/nominal"):
        replicas.replica(histogram, 0, data=frozenset())


def test_years_with_the_same_event_numbers_stay_independent(
    tmp_path: Path, make_config: Callable[..., FitConfig]
) -> None:
    path = write(tmp_path / "run", toy_scores(100, common=0.5), n_replicas=4)
    (run,) = read_inputs(make_config(path, samples={"hbb": {"signal": True}, "qcd": {}}), ["score_one"]).values()
    events = EventReplicas.read(run.replica_files, ["score_one"], flow="move")
    source = ReplicaSource({"a": run, "b": run}, 4, events={"a": events, "b": events})
    key = ("qcd", "sr", "nominal")
    for number in range(4):
        drawn = source(number, ["score_one"])
        rows = {year: one.histograms["score_one"].cells[key].values for year, one in drawn.items()}
        np.testing.assert_array_equal(rows["a"], events.contents["score_one"][key][number])
        np.testing.assert_array_equal(rows["b"], events.contents["score_one"][key][(number + 1) % 4])


@pytest.mark.parametrize("record", [{}, {"file": "../a", "digest": "a"}, {"file": "/a", "digest": "a"}, {"file": 1}])
def test_replicas_stand_beside_their_histograms(record: dict[str, object], tmp_path: Path) -> None:
    """A name from a file never becomes a path elsewhere."""
    with pytest.raises(InputFileError, match="'replicas' must name a file beside it"):
        ReplicaFile.of(record, tmp_path / "histograms.json")
