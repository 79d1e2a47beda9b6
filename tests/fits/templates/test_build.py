from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, FitError, UnknownVariationError, parse_config
from rs3l_gnn.fits import (
    FitConfig,
    Likelihood,
    ReplicaSource,
    Templates,
    build_templates,
    combine_card,
    errors_of_errors,
    fit,
    value_of,
)
from rs3l_gnn.fits.templates.build import read_inputs

Block = Callable[..., FitConfig]

AXES = {
    "2022": ("nominal", "fsrUp", "fsrDown", "jesUp", "jesDown"),
    "2023": ("nominal", "fsrUp", "fsrDown", "jesUp", "jesDown"),
}


@pytest.fixture
def block(write_run: Callable[..., Path]) -> Block:
    """Two years of the same detector with calibrations of their own; keywords replace keys of the block."""

    def make(*, axes: dict[str, tuple[str, ...]] | None = None, **changes: Any) -> FitConfig:
        years = {
            year: {
                "inputs": str(write_run(name=f"{year}.json", seed=int(year), variations=names)),
                "luminosity": {"value": value, "uncertainty": 0.014, "name": "lumi_{year}"},
            }
            for (year, names), value in zip((axes or AXES).items(), (35.0, 28.0), strict=True)
        }
        values: dict[str, Any] = {
            "years": years,
            "histogram": "score_rs3l",
            "samples": {"hbb": {"signal": True}, "qcd": {"free": True}, "wqq": {"uncertainty": 0.1}},
            "channels": ["sr"],
            "rebin": {"edges": [0, 0.5, 0.75, 1.0]},
            "correlate": {"jes*": "year"},
            "nuisance_names": {"fsr": "ps_fsr", "jes": "CMS_scale_j"},
            "rates": {
                "CMS_lumi_all": {"value": 0.009, "group": "luminosity"},
                "CMS_trigger": {"value": 0.02, "correlate": "year", "samples": ["hbb"]},
                "CMS_HEM": {"value": 0.01, "years": ["2023"]},
            },
            "plots": False,
        }
        return parse_config(FitConfig, values | changes, where="fit.yaml")

    return make


def acting(templates: Templates, channel: str, sample: str) -> set[str]:
    found = next(entry for entry in templates.channels if entry.name == channel).sample(sample)
    assert found is not None
    return {shift.nuisance for shift in found.shifts} | {rate.nuisance for rate in found.rates}


def test_one_model_of_two_years(block: Block) -> None:
    templates = build_templates(block()).templates
    assert [channel.name for channel in templates.channels] == ["sr_2022", "sr_2023"]
    # Each year with its own luminosity: 0.004 pb x 3/4 of the events.
    totals = [channel.sample("hbb").values.sum() for channel in templates.channels]  # type: ignore[union-attr] # it is there
    assert totals == pytest.approx([35e3 * 0.003, 28e3 * 0.003])
    shared = {"ps_fsr", "CMS_lumi_all", "CMS_scale_j_{}", "lumi_{}", "CMS_trigger_{}"}
    for year, extra in (("2022", set()), ("2023", {"CMS_HEM"})):
        assert acting(templates, f"sr_{year}", "hbb") == {name.format(year) for name in shared} | extra
    names = [nuisance.name for nuisance in templates.nuisances]
    assert len(names) == len(set(names))
    assert set(templates.groups["detector"]) == {"CMS_scale_j_2022", "CMS_scale_j_2023"}
    # One free normalisation for both years.
    assert [rate.name for rate in templates.free_rates] == ["norm_qcd"]


def test_the_card_tells_years_apart(block: Block) -> None:
    lines = {line.split()[0]: line.split() for line in combine_card(build_templates(block()).templates).splitlines()}
    # Samples of sr_2022 come first: hbb, qcd, wqq, then those of sr_2023.
    assert lines["CMS_scale_j_2022"][1:] == ["shape", "1", "1", "1", "-", "-", "-"]
    assert lines["CMS_scale_j_2023"][1:] == ["shape", "-", "-", "-", "1", "1", "1"]
    assert lines["ps_fsr"][1:] == ["shape"] + ["1"] * 6


def test_two_years_know_more_than_one(block: Block, tmp_path: Path) -> None:
    quick = {"ranking": False, "scan": False, "limit": False, "significance": False}
    both = fit(block(inference=quick), tmp_path / "both")
    assert {channel.name for channel in both.built.templates.channels} == {"sr_2022", "sr_2023"}
    assert both.mu == pytest.approx(1.0, abs=1e-3)
    alone = block(inference=quick)
    single = alone.model_copy(
        update={
            "inputs": alone.years["2022"].inputs,
            "luminosity": alone.years["2022"].luminosity,
            "years": {},
            "correlate": {},
            "rates": {},
        }
    )
    single = single.model_copy(update={"luminosity": single.luminosity.model_copy(update={"name": "lumi"})})
    one = fit(single, tmp_path / "one")
    assert both.mu_errors["statistical"] == pytest.approx(
        one.mu_errors["statistical"] * np.sqrt(35 / (35 + 28)), rel=0.1
    )
    assert both.mu_error < one.mu_error


def test_correlation_decides_how_errors_add(block: Block) -> None:
    # Held by nothing but its prior, an effect common to both years is larger than two that average out.
    errors = {}
    for word in ("all", "year"):
        config = block(correlate={"jes": word}, exclude=["fsr"], rates={"eff": {"value": 0.3, "correlate": word}})
        errors[word] = value_of(Likelihood(build_templates(config).templates).fit(), "mu")[1]
    assert errors["year"] < 0.95 * errors["all"]


def test_a_source_of_one_year_acts_there_alone(block: Block) -> None:
    axes = {"2022": ("nominal", "fsrUp", "fsrDown"), "2023": AXES["2023"]}
    templates = build_templates(block(axes=axes)).templates
    assert "CMS_scale_j_2023" in acting(templates, "sr_2023", "qcd")
    assert not any("scale_j" in name for name in acting(templates, "sr_2022", "qcd"))
    chosen = {"jes": {"years": ["2022"]}, "fsr": {"years": ["2023"]}}
    templates = build_templates(block(systematics=chosen)).templates
    assert "CMS_scale_j_2022" in acting(templates, "sr_2022", "qcd")
    assert acting(templates, "sr_2023", "qcd") >= {"ps_fsr"}
    assert not acting(templates, "sr_2022", "qcd") & {"ps_fsr"}
    with pytest.raises(UnknownVariationError, match=r"systematics\.isr: the run has no variation 'isr'"):
        build_templates(block(systematics={"isr": {}}))


def test_places_in_names(block: Block) -> None:
    config = block(
        nuisance_names={"jes": "CMS_{year}_{source}_{sample}", "fsr": "ps"}, correlate={"fsr": ["sample", "channel"]}
    )
    names = acting(build_templates(config).templates, "sr_2022", "qcd")
    assert {"CMS_2022_jes_qcd", "ps_qcd_sr_2022"} <= names


def test_datasets_of_all_years_are_listed_together(block: Block) -> None:
    samples = {"hbb": {"signal": True}, "background": {"datasets": ["qcd", "wqq", "qcd_2016"]}}
    config = block(samples=samples, rates={})
    with pytest.raises(FitError, match="no dataset absent"):
        build_templates(block(samples={"hbb": {"signal": True}, "x": {"datasets": ["absent"]}}, rates={}))
    background = build_templates(config).templates.channels[0].sample("background")
    assert background is not None
    assert background.values.sum() == pytest.approx(35e3 * 0.75 * 0.22)


def test_replicas_of_several_years(block: Block) -> None:
    config = block()
    runs = read_inputs(config, ["score_rs3l"])
    built = build_templates(config, runs)
    assert set(built.groupings) == {"sr_2022", "sr_2023"}
    spread = errors_of_errors(config, ReplicaSource(runs, 4, 1), built.groupings)
    assert 0 < spread.deviation["mu_error"] < spread.mean["mu_error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"years": {}, "inputs": ["x.json"], "rates": {}}, "needs runs under years"),
        ({"inputs": ["x.json"]}, "either inputs or years must name at least one file"),
        ({"rates": {"x": {"value": 0.1, "years": ["1999"]}}}, "years that the fit does not have: 1999"),
        ({"nuisance_names": {"jes": "CMS_{era}"}}, "know source, sample, channel and year, not era"),
    ],
)
def test_contradictions_are_refused(block: Block, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        block(**change)


def test_different_groups_of_one_nuisance(block: Block) -> None:
    axes = {"2022": ("nominal", "fsrUp", "fsrDown"), "2023": ("nominal", "jesUp", "jesDown")}
    names = {"fsr": "same", "jes": "same"}
    with pytest.raises(FitError, match="'same' is not the same in all years"):
        build_templates(block(axes=axes, nuisance_names=names, correlate={}))
