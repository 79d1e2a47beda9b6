"""``default`` in a job: one network for all of its files, decided before the first event."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from rs3l_gnn.cli import app
from rs3l_gnn.cli import tag as _tag  # noqa: F401  # registers the verb
from rs3l_gnn.conventions import FEATURE_SETS, ConfigError, JetDomain
from rs3l_gnn.inference import JetTagger
from rs3l_gnn.models import stored
from rs3l_gnn.processors import AnalysisConfig, ProcessorConfig, TaggingProcessor, analyze, tag_files
from rs3l_gnn.processors.chosen_taggers import lacking_in_any


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_tagger: Callable[..., Path]) -> None:
    """Only one tagger of each set."""
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(make_tagger(seed=1), folder / "default-all.safetensors")
    shutil.copy(make_tagger(seed=2, features=FEATURE_SETS["nano"]), folder / "default-nano.safetensors")
    monkeypatch.setattr(stored, "_WEIGHTS", folder)


@pytest.mark.usefixtures("shipped")
def test_a_job_takes_what_all_of_its_files_can_feed(slim_data: Path, tmp_path: Path) -> None:
    cms = {name: {str(slim_data / "cms" / f"{name}.root"): "Events"} for name in ("pfnano", "nano_tt_v15")}
    for names, chosen in ((("pfnano",), "default-all"), (("nano_tt_v15",), "default-nano"), (cms, "default-nano")):
        folder = tmp_path / "-".join(names)
        fileset = {name: {"files": cms[name], "metadata": {"xsec": 1.0}} for name in names}
        (tmp_path / "fileset.json").write_text(json.dumps(fileset))
        document = {"filesets": [tmp_path / "fileset.json"], "taggers": {"mine": "default"}, "jet": {"pt_min": 200}}
        report = analyze(AnalysisConfig.model_validate(document), folder)
        assert report["jets"] > 5
        assert yaml.safe_load((folder / "config.yaml").read_text())["taggers"] == {"mine": chosen}
        models = json.loads((folder / "histograms.json").read_text())["models"]
        assert [JetTagger(chosen).digest in str(models), len(models)] == [True, 1]
        if "pfnano" in names:  # the other alone is that of the command below
            output = tmp_path / f"{folder.name}.parquet"
            made = tag_files([path for name in names for path in cms[name]], JetTagger("default"), output)
            assert made["tagger"]["name"] == chosen


@pytest.mark.usefixtures("shipped")
def test_the_command_says_which(slim_data: Path, tmp_path: Path) -> None:
    file = str(slim_data / "cms" / "nano_tt_v15.root")
    arguments = ["tag", file, "--tagger", "default", "--device", "cpu", "--output", str(tmp_path / "scores.parquet")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "that default-nano was trained on" in result.output


@pytest.mark.usefixtures("shipped")
def test_a_processor_of_ones_own_needs_a_name() -> None:
    with pytest.raises(ConfigError, match="default stands for several taggers until it sees jets.*name one of them"):
        TaggingProcessor(ProcessorConfig(taggers={"mine": "default"}))


def test_what_one_of_several_files_lacks() -> None:
    domains = [JetDomain(), JetDomain(missing_features=("tanh_d0",)), JetDomain(missing_features=("from_pv", "x"))]
    assert lacking_in_any(domains, ("from_pv", "charge", "tanh_d0")) == ("from_pv", "tanh_d0")
