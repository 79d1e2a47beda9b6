from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyhf
import pytest
import uproot
import yaml

from rs3l_gnn.conventions import FitError, InputFileError, OutputError, load_config
from rs3l_gnn.fits import FitConfig, Likelihood, fit_or_compare
from rs3l_gnn.fits.likelihood import inference

Written = Callable[..., dict[str, Any]]
WriteRun = Callable[..., Path]
MakeConfig = Callable[..., FitConfig]

FILES = {
    "fit.json",
    "workspace.json",
    "shapes.root",
    "card.txt",
    "cabinetry.yaml",
    "templates.json",
    "config.yaml",
    "provenance.json",
}
QUICK = {"ranking": False, "scan": False, "limit": False, "significance": False}


def test_everything_is_written_and_read_back(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    backend = mpl.get_backend()
    config = make_config(
        write_run(),
        plots=True,
        inference={"minos": True, "toys": 3},
        rebin={"signal_efficiency": [0.8, 0.5], "efficiency_tolerance": 0.05},
    )
    document = written(config, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | {"plots"}
    assert json.loads((tmp_path / "out" / "fit.json").read_text()) == document
    assert document["mu"] == pytest.approx(1.0, abs=1e-3)
    assert 0 < document["mu_error_shower"] < document["mu_error"]
    assert -document["mu_error_down"] == pytest.approx(document["mu_error"], rel=0.2)
    parts = document["mu_errors"]
    assert parts["statistical"] ** 2 + parts["systematic"] ** 2 == pytest.approx(document["mu_error"] ** 2)
    assert document["goodness_of_fit"] == pytest.approx(1.0, abs=1e-3)
    assert document["bias"] == pytest.approx(0.0, abs=1e-3)
    assert document["limit"]["expected"] == sorted(document["limit"]["expected"])
    assert document["significance"]["observed"] == pytest.approx(document["significance"]["expected"], rel=1e-2)
    assert document["toys"]["toys"] == 3
    assert {impact["name"] for impact in document["ranking"]} >= {"fsr", "hadronisation", "lumi", "norm_wqq"}
    assert document["parameters"]["fsr"]["pull"] == pytest.approx(0.0, abs=1e-2)
    for name in document["plots"]:
        assert (tmp_path / "out" / name).stat().st_size > 5000
    assert "plots/variation_sr_hadronisation.png" in document["plots"]
    # The configuration that lies beside it gives the same fit.
    again = load_config(FitConfig, tmp_path / "out" / "config.yaml")
    assert again == config
    assert yaml.safe_load((tmp_path / "out" / "cabinetry.yaml").read_text())["General"]["POI"] == "mu"
    assert mpl.get_backend() == backend


def test_same_inputs_give_the_same_bytes(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    config = make_config(write_run(), inference=QUICK)
    for name in ("one", "two"):
        written(config, tmp_path / name)
    for name in FILES - {"shapes.root"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with uproot.open(tmp_path / "one" / "shapes.root") as one, uproot.open(tmp_path / "two" / "shapes.root") as two:
        assert one.keys() == two.keys()


def test_refuses_to_overwrite_before_any_work(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    config = make_config(write_run(), inference=QUICK)
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        written(config, tmp_path / "out")
    written(config, tmp_path / "out", force=True)
    assert (tmp_path / "out" / "fit.json").exists()


def test_a_failed_fit_leaves_nothing_behind(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    path = write_run(complete=False)
    with pytest.raises(FitError):
        written(make_config(path), tmp_path / "out")
    assert [entry for entry in tmp_path.iterdir() if entry != path] == []


def test_pseudo_data_from_a_variation(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    path = write_run(n=8000)
    data = {"kind": "variation", "variation": "fsrUp"}
    config = make_config(path, data=data, inference=QUICK, exclude=["hadronisation"])
    known = written(config, tmp_path / "known")
    # The model knows this variation: the nuisance goes towards +1, held back by its prior, and the signal stays.
    assert 0.6 < known["parameters"]["fsr"]["value"] < 1.0
    assert abs(known["bias"]) < 0.3 * known["mu_error"]
    unknown = written(config.model_copy(update={"exclude": ("hadronisation", "fsr")}), tmp_path / "unknown")
    assert abs(unknown["bias"]) > 3 * abs(known["bias"])
    assert unknown["bias_error"] > 0
    assert set(unknown["groups"]) == {"luminosity", "normalisation"}
    assert unknown["mu_error_shower"] == 0.0


def test_toy_data(write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written) -> None:
    path = write_run()
    found = [
        written(make_config(path, data={"kind": "toy", "mu": 2.0, "seed": seed}, inference=QUICK), tmp_path / name)
        for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    ]
    assert found[0]["channels"] == found[1]["channels"]
    assert found[0]["mu"] != found[2]["mu"]
    assert abs(found[0]["bias"]) < 4 * found[0]["mu_error"]


def test_what_fails_beside_the_best_fit_is_told(
    write_run: WriteRun,
    make_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    written: Written,
) -> None:
    def fail(*arguments: Any, **keywords: Any) -> None:
        raise FitError("no crossing")

    monkeypatch.setattr(inference, "limit", fail)
    document = written(make_config(write_run(), inference=QUICK | {"limit": True}), tmp_path / "out")
    assert document["limit"] is None
    (finding,) = [finding for finding in document["report"] if finding["kind"] == "inference"]
    assert finding["detail"] == "no crossing"


def test_backend_of_pyhf_is_left_alone(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written
) -> None:
    before = pyhf.get_backend()
    written(make_config(write_run(), inference=QUICK), tmp_path / "out")
    assert pyhf.get_backend() == before


def test_observed_data(write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, written: Written) -> None:
    # Simulated events in place of data: counts are taken as they are, without the luminosity.
    data = {"kind": "observed", "datasets": ["hbb", "qcd"]}
    document = written(
        make_config(write_run(), data=data, luminosity={"value": 1e-3}, inference=QUICK), tmp_path / "out"
    )
    assert np.sum(document["channels"]["sr"]["data"]) == pytest.approx(0.75 * (0.004 + 0.2))
    assert "bias" not in document


def test_histograms_that_change_during_the_fit(
    write_run: WriteRun, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_run()
    real = Likelihood.fit

    def change(self: Likelihood, **options: Any) -> Any:
        path.write_bytes(path.read_bytes() + b" ")
        return real(self, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Likelihood, "fit", change)
        with pytest.raises(InputFileError, match=r"histograms\.json changed while it was read"):
            fit_or_compare(make_config(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
