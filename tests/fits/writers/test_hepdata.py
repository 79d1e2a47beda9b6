"""HEPData's own validator reads the submission, and its numbers are those of the templates, sign by sign."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rs3l_gnn.fits import FitConfig, FitResult, fit, pyhf_workspace

Submission = tuple[FitResult, Path]


@pytest.fixture
def submitted(write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path) -> Submission:
    config = make_config(write_run(), hepdata=True, inference={"ranking": False, "scan": False, "minos": True})
    return fit(config, tmp_path / "out"), tmp_path / "out" / "hepdata"


def table(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text())
    return found


def column(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    (found,) = [entry for entry in content["dependent_variables"] if entry["header"]["name"] == name]
    values: list[dict[str, Any]] = found["values"]
    return values


def errors_of(row: dict[str, Any]) -> dict[str, Any]:
    return {error["label"]: error.get("asymerror", error.get("symerror")) for error in row.get("errors", [])}


# The validator uses what jsonschema gave up, and leaves the submission open.
@pytest.mark.filterwarnings("ignore:jsonschema.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_validator_of_hepdata_accepts_it(submitted: Submission) -> None:
    from hepdata_validator.full_submission_validator import (  # type: ignore[import-untyped]  # ships no types
        FullSubmissionValidator,
    )

    _, folder = submitted
    validator = FullSubmissionValidator()
    assert validator.validate(directory=str(folder)), validator.get_messages()
    del validator
    gc.collect()  # here, where its warnings are known
    documents = list(yaml.safe_load_all((folder / "submission.yaml").read_text()))
    assert {document["data_file"] for document in documents[1:]} == {
        f"{name}.yaml"
        for name in ("templates_sr", "parameters", "correlation", "result", "errors", "limit", "significance")
    }
    assert documents[0]["additional_resources"][0]["type"] == "HistFactory"


def test_templates_and_signed_errors(submitted: Submission) -> None:
    result, folder = submitted
    content, (channel,) = table(folder, "templates_sr"), result.built.templates.channels
    (axis,) = content["independent_variables"]
    assert [[bin_["low"], bin_["high"]] for bin_ in axis["values"]] == [[0, 0.25], [0.25, 0.5], [0.5, 0.75], [0.75, 1]]
    assert [row["value"] for row in column(content, "Asimov data")] == channel.data.tolist()
    signs = set()
    for sample in channel.samples:
        rows = column(content, sample.name)
        for number in range(4):
            errors = errors_of(rows[number])
            assert rows[number]["value"] == sample.values[number]
            assert errors.pop("statistical") == pytest.approx(sample.variances[number] ** 0.5, rel=1e-12)
            for shift in sample.shifts:
                error = errors.pop(shift.nuisance)
                assert rows[number]["value"] + error["plus"] == pytest.approx(shift.up[number], rel=1e-12)
                assert rows[number]["value"] + error["minus"] == pytest.approx(shift.down[number], rel=1e-12)
                signs.add((error["plus"] > 0, error["minus"] > 0))
            for rate in sample.rates:
                error = errors.pop(rate.nuisance)
                assert error["plus"] == pytest.approx(sample.values[number] * (rate.up - 1), rel=1e-12)
                assert error["minus"] == pytest.approx(sample.values[number] * (rate.down - 1), rel=1e-12)
            assert not errors
    # The shower empties some bins when it goes up and fills others: both signs were looked at.
    assert {(True, False), (False, True)} <= signs


def test_after_the_fit(submitted: Submission) -> None:
    # Asimov data: what is expected after the fit is the data, and the fit knows it better than Poisson does.
    result, folder = submitted
    rows = column(table(folder, "templates_sr"), "all samples after the fit")
    data = result.built.templates.channels[0].data
    for row, count in zip(rows, data, strict=True):
        assert row["value"] == pytest.approx(count, rel=1e-3)
        assert 0 < errors_of(row)["fit"] < 1.05 * count**0.5


def test_parameters_and_correlations(submitted: Submission) -> None:
    result, folder = submitted
    content = table(folder, "parameters")
    names = [row["value"] for row in content["independent_variables"][0]["values"]]
    assert names == list(result.best.labels)
    for name, row, pull in zip(names, column(content, "fitted value"), column(content, "pull"), strict=True):
        position = result.best.labels.index(name)
        assert row["value"] == result.best.bestfit[position]
        if name == "mu":
            down, up = result.best.minos_uncertainty["mu"]
            assert errors_of(row)["fit"] == {"minus": down, "plus": up}
            assert down < 0 < up
            assert pull["value"] == "-"
        else:
            assert errors_of(row)["fit"] == result.best.uncertainty[position]
    correlation = table(folder, "correlation")
    first, second = ([row["value"] for row in axis["values"]] for axis in correlation["independent_variables"])
    for one, other, row in zip(first, second, column(correlation, "correlation"), strict=True):
        wanted = result.best.corr_mat[result.best.labels.index(one), result.best.labels.index(other)]
        assert row["value"] == wanted
    assert len(first) == len(names) ** 2


def test_results(submitted: Submission) -> None:
    result, folder = submitted
    (row,) = column(table(folder, "result"), "mu")
    errors = errors_of(row)
    assert row["value"] == result.mu
    assert np.hypot(errors["statistical"], errors["systematic"]) == pytest.approx(result.mu_error)
    parts = table(folder, "errors")
    groups = [entry["value"] for entry in parts["independent_variables"][0]["values"]]
    values = [entry["value"] for entry in column(parts, "error of mu")]
    assert dict(zip(groups, values, strict=True)) == {"total": result.mu_error} | result.mu_errors
    limits = [entry["value"] for entry in column(table(folder, "limit"), "upper limit on mu")]
    assert result.inference.limit is not None
    assert limits == [result.inference.limit.observed_limit, *result.inference.limit.expected_limit]
    assert result.inference.significance is not None
    (observed, _) = column(table(folder, "significance"), "significance")
    assert observed["value"] == result.inference.significance.observed_significance


def test_the_workspace_goes_with_it(submitted: Submission) -> None:
    result, folder = submitted
    assert json.loads((folder / "workspace.json").read_text()) == pyhf_workspace(result.built.templates)
