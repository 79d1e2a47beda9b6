"""A fit as a submission to HEPData: one table for the templates of each channel, and for parameters and results.

The layout is that of HEPData's schema 1.1.1, https://hepdata-submission.readthedocs.io. Errors are signed effects:
``plus`` is what the quantity changes by when the nuisance goes up by one standard deviation, ``minus`` when it goes
down, so that ``plus`` is negative where a larger nuisance means fewer events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from rs3l_gnn.conventions import atomic_directory
from rs3l_gnn.fits.templates.model import ChannelTemplates, SampleTemplates, Templates
from rs3l_gnn.fits.writers.pyhf import pyhf_workspace

if TYPE_CHECKING:
    from rs3l_gnn.fits.likelihood.likelihood import Likelihood
    from rs3l_gnn.fits.result import FitResult

__all__ = ["write_hepdata"]

_LONGEST_NAME = 64
_WORKSPACE = "workspace.json"


@dataclass(frozen=True)
class _Table:
    file: str
    name: str
    description: str
    independent: list[dict[str, Any]]
    dependent: list[dict[str, Any]]


def write_hepdata(folder: Path, result: FitResult, likelihood: Likelihood, *, force: bool = False) -> None:
    """Write ``submission.yaml``, one YAML file a table, and the workspace as a resource of the type ``HistFactory``.

    Args:
        folder: directory to make; it appears whole or not at all.
        result: the fit.
        likelihood: its likelihood, for what is expected after the fit.
        force: replace an existing directory.

    Raises:
        OutputError: the directory exists, or cannot be written.
    """
    templates = result.built.templates
    resource = {"location": _WORKSPACE, "description": "Statistical model for pyhf", "type": "HistFactory"}
    documents: list[dict[str, Any]] = [
        {"comment": f"Fit of {templates.variable} to {templates.data_label}.", "additional_resources": [resource]}
    ]
    with atomic_directory(folder, force=force) as partial:
        for number, table in enumerate(_tables(result, likelihood), start=1):
            documents.append(
                {
                    # Numbers keep names apart where they are cut.
                    "name": f"{number}. {table.name}"[:_LONGEST_NAME],
                    "description": table.description,
                    "keywords": [],
                    "data_file": table.file,
                }
            )
            content = {"independent_variables": table.independent, "dependent_variables": table.dependent}
            (partial / table.file).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        listing = yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True)
        (partial / "submission.yaml").write_text(listing, encoding="utf-8")
        workspace = json.dumps(pyhf_workspace(templates), allow_nan=False)
        (partial / _WORKSPACE).write_text(workspace + "\n", encoding="utf-8")


def _tables(result: FitResult, likelihood: Likelihood) -> Iterable[_Table]:
    templates = result.built.templates
    expected, bands = likelihood.expected(result.best.bestfit), likelihood.band(result.best)
    for channel in templates.channels:
        after = expected[likelihood.channel_slices()[channel.name]]
        yield _channel_table(templates, channel, after, bands[channel.name])
    yield _parameter_table(result)
    yield _correlation_table(result)
    yield _result_table(result)
    yield _error_table(result)
    if result.inference.limit is not None:
        yield _limit_table(result)
    if result.inference.significance is not None:
        yield _significance_table(result)


def _channel_table(
    templates: Templates, channel: ChannelTemplates, after: NDArray[np.float64], band: NDArray[np.float64]
) -> _Table:
    bins = [{"low": float(low), "high": float(high)} for low, high in pairwise(channel.edges)]
    dependent = [_dependent(templates.data_label, channel.data.tolist(), units="events")]
    dependent += [
        _dependent(sample.name, sample.values.tolist(), _sample_errors(sample), units="events")
        for sample in channel.samples
    ]
    errors = [[_symmetric("fit", float(error))] for error in band]
    dependent.append(_dependent("all samples after the fit", after.tolist(), errors, units="events"))
    return _Table(
        f"templates_{channel.name}.yaml",
        f"Events in {channel.name}",
        "Data, expected events of each sample before the fit with every uncertainty of the model, and of all samples "
        "after the fit. Errors are signed effects of a nuisance at +1 (plus) and -1 (minus) standard deviation; those "
        f"with one label are fully correlated between bins, samples and channels, except 'statistical'. The signal is "
        f"{', '.join(templates.signal)} at {templates.poi} = 1.",
        [{"header": {"name": templates.variable}, "values": bins}],
        dependent,
    )


def _sample_errors(sample: SampleTemplates) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = []
    for number, (value, variance) in enumerate(zip(sample.values, sample.variances, strict=True)):
        row = [_symmetric("statistical", float(np.sqrt(variance)))] if variance > 0 else []
        row += [
            _asymmetric(shift.nuisance, up=float(shift.up[number] - value), down=float(shift.down[number] - value))
            for shift in sample.shifts
        ]
        row += [
            _asymmetric(rate.nuisance, up=float(value * (rate.up - 1)), down=float(value * (rate.down - 1)))
            for rate in sample.rates
        ]
        rows.append(row)
    return rows


def _parameter_table(result: FitResult) -> _Table:
    labels = list(result.parameters)
    asymmetric = result.best.minos_uncertainty
    errors = [
        [_asymmetric("fit", up=asymmetric[label][1], down=asymmetric[label][0])]
        if label in asymmetric
        else [_symmetric("fit", parameter.error)]
        for label, parameter in result.parameters.items()
    ]
    parameters = result.parameters.values()
    return _Table(
        "parameters.yaml",
        "Fitted parameters",
        "Value and error of each parameter, its pull (fitted less nominal, in units of the prior width), and the part "
        "of the prior width that is left; '-' without a prior.",
        [_names("parameter", labels)],
        [
            _dependent("fitted value", [parameter.value for parameter in parameters], errors),
            _dependent("pull", [_or_dash(parameter.pull) for parameter in parameters]),
            _dependent("error over prior width", [_or_dash(parameter.constraint) for parameter in parameters]),
        ],
    )


def _correlation_table(result: FitResult) -> _Table:
    free = np.flatnonzero(result.best.uncertainty > 0)
    pairs = [(first, second) for first in free for second in free]
    labels = result.best.labels
    return _Table(
        "correlation.yaml",
        "Correlations",
        "Correlation coefficients of the fitted parameters.",
        [
            _names("first parameter", [labels[first] for first, _ in pairs]),
            _names("second parameter", [labels[second] for _, second in pairs]),
        ],
        [_dependent("correlation", [float(result.best.corr_mat[pair]) for pair in pairs])],
    )


def _result_table(result: FitResult) -> _Table:
    templates, parts = result.built.templates, result.mu_errors
    errors = [_symmetric(kind, parts[kind]) for kind in ("statistical", "systematic")]
    return _Table(
        "result.yaml",
        "Signal strength",
        "Fitted signal strength; the two errors add up in squares. 'statistical' holds every constrained parameter, "
        "'systematic' is the rest.",
        [_names("data", [templates.data_label])],
        [_dependent(templates.poi, [result.mu], [errors])],
    )


def _error_table(result: FitResult) -> _Table:
    poi = result.built.templates.poi
    parts = {"total": result.mu_error} | result.mu_errors
    return _Table(
        "errors.yaml",
        "Parts of the error",
        f"Error of {poi} by group of nuisances: root of the total variance less that with the group held. Groups are "
        "correlated and need not add up in squares.",
        [_names("group", list(parts))],
        [_dependent(f"error of {poi}", list(parts.values()))],
    )


def _limit_table(result: FitResult) -> _Table:
    found, poi = result.inference.limit, result.built.templates.poi
    assert found is not None  # noqa: S101  # for the type checker; the caller looks
    return _Table(
        "limit.yaml",
        "Upper limits",
        f"Upper limits on {poi} with CLs at {found.confidence_level:.0%} confidence level: observed, and expected "
        "without signal at the median and at 1 and 2 standard deviations.",
        [_names("limit", ["observed", *(f"expected, {deviation:+d} sigma" for deviation in range(-2, 3))])],
        [_dependent(f"upper limit on {poi}", [float(found.observed_limit), *found.expected_limit.tolist()])],
    )


def _significance_table(result: FitResult) -> _Table:
    found = result.inference.significance
    assert found is not None  # noqa: S101  # for the type checker; the caller looks
    return _Table(
        "significance.yaml",
        "Significance",
        "Discovery significance in standard deviations, and its p-value.",
        [_names("data", ["observed", "expected"])],
        [
            _dependent("significance", [found.observed_significance, found.expected_significance]),
            _dependent("p-value", [found.observed_p_value, found.expected_p_value]),
        ],
    )


def _names(header: str, values: Sequence[str]) -> dict[str, Any]:
    return {"header": {"name": header}, "values": [{"value": value} for value in values]}


def _dependent(
    name: str, values: Sequence[float | str], errors: Sequence[list[dict[str, Any]]] | None = None, *, units: str = ""
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [{"value": value} for value in values]
    for row, own in zip(rows, errors or [[]] * len(rows), strict=True):
        # HEPData refuses a value all of whose errors are zero.
        if any(_size(error) for error in own):
            row["errors"] = own
    return {"header": {"name": name} | ({"units": units} if units else {}), "values": rows}


def _size(error: dict[str, Any]) -> float:
    sides = error["asymerror"].values() if "asymerror" in error else [error["symerror"]]
    return float(max(abs(side) for side in sides))


def _symmetric(label: str, size: float) -> dict[str, Any]:
    return {"symerror": float(size), "label": label}


def _asymmetric(label: str, *, up: float, down: float) -> dict[str, Any]:
    return {"asymerror": {"minus": float(down), "plus": float(up)}, "label": label}


def _or_dash(value: float | None) -> float | str:
    return "-" if value is None else value
