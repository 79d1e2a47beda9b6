from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import rs3l_gnn.cli.fit  # noqa: F401 - registers the verb
from rs3l_gnn.cli.app import app
from rs3l_gnn.conventions import ConfigError, FitError, UnknownVariationError, load_config
from rs3l_gnn.fits import FitConfig, compare_taggers

Written = Callable[..., dict[str, Any]]
WriteRun = Callable[..., Path]
MakeConfig = Callable[..., FitConfig]

QUICK = {"ranking": False, "scan": False, "limit": False, "significance": False}
SHIFTS = {"score_rs3l": 0.03, "score_supervised": 0.25}
TAGGERS = {"rs3l": "score_rs3l", "supervised": "score_supervised"}


@pytest.fixture
def block(write_run: WriteRun) -> Callable[..., dict[str, Any]]:
    """A fit of two taggers, one of which the shower moves more; keywords replace its keys."""

    def make(*, parts: dict[str, float] | None = None, **changes: Any) -> dict[str, Any]:
        names = ("nominal", "seed", "fsrUp", "fsrDown", "hadronisationUp", "vinciaUp")
        path = write_run(n=8000, bins=40, shifts=SHIFTS, variations=names, parts=parts)
        return {
            "inputs": str(path),
            "samples": {"hbb": {"signal": True}, "qcd": {"uncertainty": 0.02}},
            "channels": ["sr"],
            "rebin": {"signal_efficiency": [0.5], "efficiency_tolerance": 0.05},
            "exclude": ["vincia"],
            "one_sided": "symmetrize",
            "problems": {"negative_bins": "clip"},
            "inference": QUICK,
            "plots": False,
        } | changes

    return make


def test_a_tagger_that_moves_less_has_the_smaller_shower_error(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path
) -> None:
    path = write_run(n=20000, bins=60, shifts=SHIFTS)
    config = make_config(
        path,
        samples={"hbb": {"signal": True}, "qcd": {"uncertainty": 0.02}},
        rebin={"signal_efficiency": [0.5], "efficiency_tolerance": 0.05},
        inference=QUICK,
        problems={"negative_bins": "clip"},
        comparison={"taggers": TAGGERS, "pseudo_data": ["hadronisationUp", "seed"], "replicas": 20},
    )
    found = compare_taggers(config, tmp_path / "out").taggers
    rs3l, supervised = found["rs3l"], found["supervised"]
    assert supervised.mu_error_shower > 1.5 * rs3l.mu_error_shower
    squares = rs3l.mu_error_statistical**2 + rs3l.mu_error_shower**2 + rs3l.mu_error_other**2
    assert squares == pytest.approx(rs3l.mu_error**2)
    # Nominal scores are alike, so are the bins and the signal that they keep.
    assert rs3l.signal_efficiency["sr"][1] == pytest.approx(0.5, abs=0.03)
    assert supervised.signal_efficiency["sr"] == pytest.approx(rs3l.signal_efficiency["sr"], abs=0.03)
    assert supervised.background_efficiency["sr"][1] == pytest.approx(rs3l.background_efficiency["sr"][1], rel=0.2)
    assert abs(supervised.bias["hadronisationUp"]) > 2 * abs(rs3l.bias["hadronisationUp"])
    # The seed view differs by chance alone.
    for result in found.values():
        error = result.bias_error["seed"]
        assert error is not None
        assert abs(result.bias["seed"]) < 4 * error
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert document["taggers"]["rs3l"]["mu_error_shower"] == rs3l.mu_error_shower
    # The difference of the shower errors is larger than its error: smaller means something.
    difference = document["differences"]["rs3l - supervised"]["mu_error_shower"]
    assert difference["value"] == pytest.approx(rs3l.mu_error_shower - supervised.mu_error_shower)
    assert difference["value"] < -2 * difference["error"] < 0
    assert (tmp_path / "out" / "supervised" / "hadronisationUp" / "fit.json").exists()
    # An analysis that does not know the alternative has no nuisance for it, one that varies it by hand has.
    known = json.loads((tmp_path / "out" / "rs3l" / "hadronisationUp" / "fit.json").read_text())
    assert "hadronisation" not in known["parameters"]
    assert "hadronisation" in json.loads((tmp_path / "out" / "rs3l" / "seed" / "fit.json").read_text())["parameters"]


def test_pseudo_data_from_a_shower_that_a_part_of_the_events_has(
    block: Callable[..., dict[str, Any]], tmp_path: Path, written: Written
) -> None:
    comparison = {"taggers": ["supervised"], "pseudo_data": ["altHad", "vincia"]}
    results = {}
    for part in (1.0, 0.25):
        config = FitConfig.model_validate(block(parts={"vinciaUp": part}, comparison=comparison))
        results[part] = written(config, tmp_path / str(part))["taggers"]["supervised"]
    whole, quarter = results[1.0], results[0.25]
    # The registry's name of the other hadronisation means its entry on the axis; nothing of it depends on the part.
    assert whole["bias"]["altHad"] == quarter["bias"]["altHad"] != 0
    errors = {part: result["bias_error"]["vincia"] for part, result in results.items()}
    # A quarter of the events: twice the error of the shower's own events, and most of what cancelled is not shared.
    assert 2 * errors[1.0] < errors[0.25] < 20 * errors[1.0]
    # Normalised by its own events, it has the same bias within that error.
    assert abs(whole["bias"]["vincia"] - quarter["bias"]["vincia"]) < 4 * errors[0.25]
    assert abs(whole["bias"]["vincia"]) > 4 * errors[1.0]


def test_command_line_writes_numbers_table_and_pictures(block: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    comparison = {"taggers": ["supervised", "rs3l"], "pseudo_data": ["altHad", "seed"], "replicas": 4}
    (tmp_path / "fit.yaml").write_text(yaml.safe_dump({"fit": block(plots=True), "comparison": comparison}))
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["fit", str(tmp_path / "fit.yaml"), "--output", str(out), "--quiet"])
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {
        "comparison.json",
        "comparison.md",
        "config.yaml",
        "plots",
        "rs3l",
        "supervised",
    }
    document = json.loads((out / "comparison.json").read_text())
    assert document["plots"] == [
        f"plots/comparison_{name}.{suffix}" for name in ("errors", "bias", "templates_sr") for suffix in ("png", "pdf")
    ]
    assert all((out / name).stat().st_size > 5000 for name in document["plots"])
    assert list(document["taggers"]) == ["supervised", "rs3l"]
    assert document["taggers"]["rs3l"]["replicas"]["n"] == 4
    assert "| supervised |" in (out / "comparison.md").read_text()
    # The saved configuration gives the same comparison, that of a single fit the single fit.
    again = load_config(FitConfig, out / "config.yaml")
    assert again.comparison is not None
    assert again.comparison.taggers == {"supervised": "score_supervised", "rs3l": "score_rs3l"}
    single = load_config(FitConfig, out / "rs3l" / "altHad" / "config.yaml")
    assert single.comparison is None
    assert (single.histogram, single.data.variation) == ("score_rs3l", "hadronisationUp")
    refused = CliRunner().invoke(app, ["fit", str(tmp_path / "fit.yaml"), "--output", str(out)])
    assert refused.exit_code == 2
    assert "exists already" in refused.output


def test_trainings_of_one_recipe_are_one_row(
    block: Callable[..., dict[str, Any]], tmp_path: Path, written: Written
) -> None:
    comparison = {"taggers": TAGGERS, "trainings": {"net": ["rs3l", "supervised"]}, "replicas": 3}
    document = written(FitConfig.model_validate(block(comparison=comparison, plots=True)), tmp_path / "out")
    single = document["trainings"]["net"]
    assert list(document["taggers"]) == ["net"]
    assert document["taggers"]["net"]["mu_error_shower"] == pytest.approx(
        (single["rs3l"]["mu_error_shower"] + single["supervised"]["mu_error_shower"]) / 2
    )
    wrong: list[dict[str, list[str]]] = [
        {"net": ["rs3l", "absent"]},
        {"a": ["rs3l"], "b": ["rs3l"]},
        {"supervised": ["rs3l"]},
        {"a": []},
    ]
    for trainings in wrong:
        with pytest.raises(ValueError, match="trainings"):
            FitConfig.model_validate(block(comparison=comparison | {"trainings": trainings}))


def test_same_seed_gives_the_same_numbers(
    block: Callable[..., dict[str, Any]], tmp_path: Path, written: Written
) -> None:
    comparison = {"taggers": ["rs3l"], "replicas": 3}
    config = FitConfig.model_validate(block(comparison=comparison))
    found = [written(config, tmp_path / name) for name in "ab"]
    assert found[0]["taggers"] == found[1]["taggers"]
    assert found[0]["taggers"]["rs3l"]["replicas"]["deviation"]["mu_error"] > 0


def test_what_cannot_be_compared(block: Callable[..., dict[str, Any]], tmp_path: Path, written: Written) -> None:
    comparison = {"taggers": ["rs3l"], "pseudo_data": ["herwig"]}
    config = FitConfig.model_validate(block(rebin={"min_entries": 10}, comparison=comparison))
    with pytest.raises(ConfigError, match="same bins in signal efficiency"):
        written(config, tmp_path / "out")
    with pytest.raises(UnknownVariationError, match="pseudo_data names herwig; allowed: fsrDown, fsrUp"):
        written(FitConfig.model_validate(block(comparison=comparison)), tmp_path / "out")
    with pytest.raises(FitError, match="no histogram 'score_n2'"):
        written(FitConfig.model_validate(block(comparison={"taggers": ["n2"]})), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_histograms_of_another_pattern(block: Callable[..., dict[str, Any]]) -> None:
    comparison = {"taggers": ["a", "b"], "histogram": "h_{tagger}_v2"}
    config = FitConfig.model_validate(block(comparison=comparison))
    assert config.comparison is not None
    assert config.comparison.taggers == {"a": "h_a_v2", "b": "h_b_v2"}
    with pytest.raises(ValueError, match="must hold {tagger}"):
        FitConfig.model_validate(block(comparison=comparison | {"histogram": "score"}))
    assert np.isfinite(config.comparison.replicas)
