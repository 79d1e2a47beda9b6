"""Other tools find our error with the options that we name, on models whose parameters nearly cancel."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cabinetry
import numpy as np
import pyhf
import pytest
import torch
from pyhf.cli import cli

from rs3l_gnn.fits import FitConfig, Likelihood, Templates, build_templates, pyhf_workspace, value_of
from rs3l_gnn.fits.likelihood.minimise import numpy_backend
from rs3l_gnn.fits.likelihood.other_tools import other_tools
from rs3l_gnn.fits.writers.pyhf import write_workspace

Model = Callable[..., Templates]


@pytest.fixture
def model(write_run: Callable[..., Path], make_config: Callable[..., FitConfig]) -> Model:
    """A background that shower, hadronisation and simulation move together, by more than its statistical error."""

    def make(*, luminosity: float, n: int, seed: int, bounds: tuple[float, float] | None = None) -> Templates:
        path = write_run(n=n, bins=80, seed=seed, shifts={"score_rs3l": 0.15})
        return build_templates(
            make_config(
                path,
                luminosity={"value": luminosity, "uncertainty": 0.016},
                rebin={"signal_efficiency": [0.9, 0.7, 0.5, 0.3], "efficiency_tolerance": 0.05},
                problems={"negative_bins": "clip", "empty_bins": "merge", "empty_samples": "drop"},
                poi_bounds=bounds,
            )
        ).templates

    return make


def errors_elsewhere(templates: Templates, **options: Any) -> Any:
    with numpy_backend():
        pyhf_model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(templates))
        return cabinetry.fit.fit(pyhf_model, data, **options)


@pytest.mark.parametrize(("n", "seed"), [(4000, 1), (400, 2)])
def test_cabinetry_with_its_defaults_and_with_strategy_2(model: Model, n: int, seed: int) -> None:
    templates = model(luminosity=138.0, n=n, seed=seed)
    likelihood = Likelihood(templates)
    best = likelihood.fit()
    assert templates.channels[0].data.max() > 15_000
    tools = other_tools(likelihood, best)
    assert tools.record()["cabinetry.fit.fit"] == {}
    assert tools.condition > 100
    error = value_of(best, "mu")[1]
    for options in ({}, {"strategy": 2}):
        theirs = errors_elsewhere(templates, **options)
        value, spread = value_of(theirs, "mu")
        assert value == pytest.approx(1.0, abs=0.03 * error), options
        assert spread == pytest.approx(error, rel=0.03), options
        # Not only the signal strength.
        np.testing.assert_allclose(theirs.uncertainty, best.uncertainty, rtol=0.05)


@pytest.fixture
def _default_type_of_torch() -> Iterator[None]:
    """pyhf's backend of torch makes every new tensor of the process double, for good."""
    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("_default_type_of_torch")
@pytest.mark.filterwarnings("ignore:Creating a tensor from a list of numpy.ndarrays:UserWarning")  # pyhf does
@pytest.mark.parametrize("backend", ["numpy", "pytorch"])
def test_backends_and_optimisers_of_pyhf(model: Model, backend: str) -> None:
    # pytorch's derivatives are automatic, as jax's are; scipy is pyhf's default optimiser and knows no errors.
    templates = model(luminosity=138.0, n=4000, seed=1)
    error = value_of(Likelihood(templates).fit(), "mu")[1]
    with numpy_backend():
        pyhf.set_backend(backend, pyhf.optimize.scipy_optimizer(), precision="64b")
        pyhf_model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(templates))
        theirs = cabinetry.fit.fit(pyhf_model, data)
        plain = pyhf.tensorlib.tolist(pyhf.infer.mle.fit(pyhf.tensorlib.astensor(data), pyhf_model))
    assert value_of(theirs, "mu")[1] == pytest.approx(error, rel=0.03)
    assert plain[pyhf_model.config.poi_index] == pytest.approx(1.0, abs=0.03 * error)


def test_a_start_at_the_minimum_is_what_spoils_the_defaults(model: Model) -> None:
    # The same models from nominal: the reason for the starts in the workspace.
    wrong = []
    for n, seed in ((4000, 1), (400, 1), (400, 2)):
        templates = model(luminosity=500.0, n=n, seed=seed)
        error = value_of(Likelihood(templates).fit(), "mu")[1]
        with numpy_backend():
            pyhf_model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(templates))
            nominal = list(cabinetry.model_utils.asimov_parameters(pyhf_model))
            theirs = cabinetry.fit.fit(pyhf_model, data, init_pars=nominal)
        wrong.append(abs(value_of(theirs, "mu")[1] / error - 1))
    assert max(wrong) > 0.1


def test_where_rounding_wins_the_named_option_helps(model: Model) -> None:
    templates = model(luminosity=3000.0, n=4000, seed=1)
    likelihood = Likelihood(templates)
    best = likelihood.fit(minos=True)
    tools = other_tools(likelihood, best)
    options = tools.record()["cabinetry.fit.fit"]
    assert options == {"minos": ["mu"]}
    theirs = errors_elsewhere(templates, **options)
    assert theirs.minos_uncertainty["mu"] == pytest.approx(best.minos_uncertainty["mu"], rel=0.02)


def test_rounding_is_that_of_the_sum(model: Model) -> None:
    # The scatter of pyhf's -2 ln L around ours, at points where both are a parabola.
    likelihood = Likelihood(model(luminosity=3000.0, n=4000, seed=1))
    best = likelihood.fit()
    rng = np.random.default_rng(1)
    with numpy_backend():
        objective = likelihood.objective()
        points = best.bestfit + 1e-3 * best.uncertainty * rng.normal(size=(100, len(best.bestfit)))
        plain = [float(-2 * likelihood.model.logpdf(point, likelihood.data)[0]) for point in points]
        exact = [objective.value(point) for point in points]
    scatter = float(np.std(np.subtract(plain, exact)))
    rounding = other_tools(likelihood, best).rounding
    assert rounding / 10 < scatter < rounding


def test_pyhf_cls_without_a_warning(
    tmp_path: Path, rich: Templates, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write_workspace(tmp_path / "workspace.json", rich)
    options = other_tools(Likelihood(rich), Likelihood(rich).fit()).record()["pyhf cls"]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="jsonschema.RefResolver", category=DeprecationWarning)
        caplog.clear()
        cli.main(["cls", str(tmp_path / "workspace.json"), *options], standalone_mode=False)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    found = json.loads(capsys.readouterr().out)
    # q-tilde by Minuit, with its range given by hand: where the fitted signal is positive they are one.
    with numpy_backend():
        pyhf_model, data = cabinetry.model_utils.model_and_data(pyhf_workspace(rich))
        bounds = pyhf_model.config.suggested_bounds()
        bounds[pyhf_model.config.poi_index] = (0.0, rich.poi_bounds[1])
        pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer())
        wanted = pyhf.infer.hypotest(1.0, data, pyhf_model, par_bounds=bounds, return_expected_set=True)
    assert found["CLs_obs"] == pytest.approx(float(wanted[0]), rel=0.02)
    np.testing.assert_allclose(found["CLs_exp"], np.asarray(wanted[1]), rtol=0.02)


def test_combine_gets_the_range(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    assert other_tools(likelihood, likelihood.fit()).record()["combine"] == ["--rMin", "-5", "--rMax", "7"]
