from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FitError
from rs3l_gnn.fits import ChannelTemplates, FitConfig, build_templates
from rs3l_gnn.fits.templates.period import Built

Build = Callable[..., Built]


@pytest.fixture
def build(write_run: Callable[..., Path], make_config: Callable[..., FitConfig]) -> Build:
    path = write_run()

    def make(**changes: Any) -> Built:
        return build_templates(make_config(path, **changes))

    return make


def parts(built: Built) -> tuple[ChannelTemplates, dict[str, Any]]:
    channel = built.templates.channels[0]
    return channel, {sample.name: sample.values for sample in channel.samples}


def test_asimov_with_a_signal_strength(build: Build) -> None:
    channel, values = parts(build(data={"kind": "asimov", "mu": 3.0}))
    np.testing.assert_allclose(channel.data, 3 * values["hbb"] + values["qcd"] + values["wqq"])
    assert build().data_covariances == {}


def test_variation_of_one_sample(build: Build) -> None:
    data = {"kind": "variation", "variation": "fsrUp", "samples": ["qcd"]}
    built = build(data=data)
    channel, values = parts(built)
    qcd = channel.sample("qcd")
    assert qcd is not None
    shift = next(shift for shift in qcd.shifts if shift.nuisance == "fsr")
    np.testing.assert_allclose(channel.data, values["hbb"] + shift.up + values["wqq"])
    assert shift.up_error is not None
    np.testing.assert_allclose(np.sqrt(np.diag(built.data_covariances["sr"])), shift.up_error)
    assert built.templates.data_label == "pseudo-data, fsrUp"


def test_nominal_as_a_variation_is_asimov(build: Build) -> None:
    built = build(data={"kind": "variation", "variation": "nominal"})
    channel, values = parts(built)
    np.testing.assert_allclose(channel.data, sum(values.values()))


def test_toys_are_integers_that_depend_on_the_seed(build: Build) -> None:
    first, again, other = (parts(build(data={"kind": "toy", "seed": seed}))[0].data for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, np.round(first))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    expected = parts(build())[0].data
    assert (np.abs(first - expected) < 5 * np.sqrt(expected)).all()


def test_dropped_samples_are_not_in_the_data(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig]
) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        view = histograms["score_rs3l"].view(flow=True)
        view.value[2, :, 0] = view.variance[2, :, 0] = 0.0

    config = make_config(write_run(edit=edit, with_paired=False), problems={"empty_samples": "drop"})
    channel, values = parts(build_templates(config))
    assert set(values) == {"hbb", "qcd"}
    np.testing.assert_allclose(channel.data, values["hbb"] + values["qcd"])


def test_samples_without_the_variation_are_named(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig]
) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        view = histograms["score_rs3l"].view(flow=True)
        view.value[2, :, 4] = view.variance[2, :, 4] = 0.0

    path = write_run(edit=edit)
    settings: dict[str, Any] = {"exclude": ["hadronisation"], "problems": {}}
    data: dict[str, Any] = {"kind": "variation", "variation": "hadronisationUp"}
    with pytest.raises(FitError, match="sample wqq: the sample was not simulated with hadronisationUp"):
        build_templates(make_config(path, data=data, **settings))
    kept = build_templates(make_config(path, data=data, **settings | {"problems": {"missing_variation": "nominal"}}))
    assert kept.report.of("missing_variation")[0].detail == "pseudo-data without hadronisationUp stay nominal"
    chosen = build_templates(make_config(path, data=data | {"samples": ["hbb", "qcd"]}, **settings))
    np.testing.assert_allclose(chosen.templates.channels[0].data, kept.templates.channels[0].data)
