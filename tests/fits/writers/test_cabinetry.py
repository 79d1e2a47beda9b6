"""cabinetry reads the ROOT file and builds the workspace that we write."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cabinetry
import numpy as np
import pytest
import yaml

from rs3l_gnn.fits import Likelihood, Templates, cabinetry_config, pyhf_workspace
from rs3l_gnn.fits.likelihood.minimise import numpy_backend
from rs3l_gnn.fits.writers.cabinetry import write_cabinetry
from rs3l_gnn.fits.writers.root import write_shapes


def build(folder: Path, templates: Templates) -> dict[str, Any]:
    write_shapes(folder / "shapes.root", templates)
    config = cabinetry_config(templates, shapes=str(folder / "shapes.root"), folder=str(folder / "histograms"))
    cabinetry.configuration.validate(config)
    cabinetry.templates.collect(config)
    cabinetry.templates.postprocess(config)
    with numpy_backend():
        return dict(cabinetry.workspace.build(config))


@pytest.fixture
def built(tmp_path: Path, rich: Templates, caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    caplog.set_level(logging.ERROR)
    return build(tmp_path, rich)


def flat(workspace: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for channel in workspace["channels"]:
        for sample in channel["samples"]:
            found[channel["name"], sample["name"]] = sample["data"]
            for modifier in sample["modifiers"]:
                data = modifier["data"]
                for key, value in data.items() if isinstance(data, dict) else [("", data)]:
                    found[channel["name"], sample["name"], modifier["type"], modifier["name"], key] = value
    return found


def test_the_workspaces_are_the_same(built: dict[str, Any], rich: Templates) -> None:
    ours, theirs = flat(pyhf_workspace(rich)), flat(built)
    assert set(ours) == set(theirs)
    for key, value in ours.items():
        if value is None:
            assert theirs[key] is None
        else:
            np.testing.assert_allclose(theirs[key], value, rtol=1e-6, err_msg=str(key))
    assert built["observations"] == pyhf_workspace(rich)["observations"]
    (measurement,) = built["measurements"]
    (own,) = pyhf_workspace(rich)["measurements"]
    assert measurement["name"] == own["name"]
    assert measurement["config"]["poi"] == own["config"]["poi"]
    # cabinetry has no key for the start of a factor of a single bin.
    common = [entry for entry in own["config"]["parameters"] if not entry["name"].startswith("staterror_")]
    assert measurement["config"]["parameters"] == common


def test_yields_agree_at_every_standard_deviation(built: dict[str, Any], rich: Templates) -> None:
    ours = Likelihood(rich)
    with numpy_backend():
        model, _ = cabinetry.model_utils.model_and_data(built)
    for nuisance in (None, *(nuisance.name for nuisance in rich.nuisances)):
        for sign in (1.0, -1.0):
            parameters = ours.asimov_parameters()
            theirs = np.asarray(cabinetry.model_utils.asimov_parameters(model))
            if nuisance is not None:
                parameters[ours.model.config.par_names.index(nuisance)] = sign
                theirs[model.config.par_names.index(nuisance)] = sign
            with numpy_backend():
                expected = model.expected_data(theirs, include_auxdata=False)
            np.testing.assert_allclose(ours.expected(parameters), expected, rtol=1e-6)


def test_one_nuisance_in_several_entries(rich: Templates) -> None:
    # norm_wqq and lumi act on different samples in different regions; hadronisation is a rate everywhere.
    entries = cabinetry_config(rich)["Systematics"]
    by_name = {entry["Name"]: entry for entry in entries}
    assert by_name["hadronisation"]["Type"] == "Normalization"
    assert by_name["hadronisation"]["Up"]["Normalization"] == pytest.approx(0.1)
    assert by_name["hadronisation"]["Down"]["Normalization"] == pytest.approx(-0.05)
    assert by_name["fsr"]["Up"] == {"VariationPath": "_fsrUp"}
    assert by_name["norm_wqq"]["Regions"] == ["sr"]
    assert len({entry["Name"] for entry in entries}) == len(entries)


def test_file_is_yaml_that_cabinetry_loads(tmp_path: Path, rich: Templates) -> None:
    write_cabinetry(tmp_path / "cabinetry.yaml", rich)
    loaded = yaml.safe_load((tmp_path / "cabinetry.yaml").read_text())
    assert loaded == cabinetry_config(rich)
    assert cabinetry.configuration.validate(loaded)
