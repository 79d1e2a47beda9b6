"""From files to templates: what is normal, and every kind of bad template, by default and as configured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.conventions import FitError, UnknownVariationError
from rs3l_gnn.fits import FitConfig, Likelihood, SampleTemplates, Shift, build_templates, value_of

WriteRun = Callable[..., Path]
MakeConfig = Callable[..., FitConfig]
Edit = Callable[[dict[str, Any]], None]


def overwrite(variation: str, content: Any, *, dataset: str = "qcd", variance: Any = None) -> Edit:
    """Replace the signal region's contents of one template in the histogram file (40 bins and flow)."""

    def edit(histograms: dict[str, Any]) -> None:
        histogram = histograms["score_rs3l"]
        place = tuple(
            axis.index(name) for axis, name in zip(histogram.axes[:3], (dataset, "sr", variation), strict=True)
        )
        view = histogram.view(flow=True)
        before = view.value[place].copy()
        view.value[place] = content(before) if callable(content) else content
        if variance is not None:
            view.variance[place] = variance

    return edit


def sample_of(path: Path, make_config: MakeConfig, name: str = "qcd", **changes: Any) -> SampleTemplates:
    found = build_templates(make_config(path, **changes)).templates.channels[0].sample(name)
    assert found is not None
    return found


def shift_of(sample: SampleTemplates, name: str) -> Shift | None:
    return next((shift for shift in sample.shifts if shift.nuisance == name), None)


def test_normalisation_and_names(write_run: WriteRun, make_config: MakeConfig) -> None:
    built = build_templates(make_config(write_run()))
    channel = built.templates.channels[0]
    # Three quarters of the cross-sections of 0.004, 0.2 and 0.02 pb at 138/fb.
    totals = {sample.name: sample.values.sum() for sample in channel.samples}
    assert totals == pytest.approx({"hbb": 414.0, "qcd": 20700.0, "wqq": 2070.0})
    np.testing.assert_allclose(channel.data, sum(sample.values for sample in channel.samples))
    assert {n.name: n.group for n in built.templates.nuisances} == {
        "fsr": "shower",
        "hadronisation": "shower",
        "lumi": "luminosity",
        "norm_wqq": "normalisation",
    }
    assert "seed" not in {shift.nuisance for sample in channel.samples for shift in sample.shifts}


def test_scale_and_cross_section(write_run: WriteRun, make_config: MakeConfig) -> None:
    samples = {"hbb": {"signal": True}, "background": {"datasets": ["qcd", "wqq"], "scale": 2.0}}
    path = write_run()
    sample = sample_of(path, make_config, "background", samples=samples, cross_sections={"qcd": 0.1})
    assert sample.values.sum() == pytest.approx(2 * 138e3 * 0.75 * (0.1 + 0.02))
    with pytest.raises(FitError, match="cross_sections names datasets that the run does not have: zz"):
        build_templates(make_config(path, cross_sections={"zz": 1.0}))


def test_unknown_names(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run()
    with pytest.raises(FitError, match=r"samples\.zz: the run has no dataset zz; allowed: hbb, qcd, wqq"):
        build_templates(make_config(path, samples={"hbb": {"signal": True}, "zz": {}}))
    with pytest.raises(FitError, match="has no channel 'vr'"):
        build_templates(make_config(path, channels=["vr"]))
    with pytest.raises(UnknownVariationError, match="'isrUp' is not in the run"):
        build_templates(make_config(path, data={"kind": "variation", "variation": "isrUp"}))


def test_all_channels_by_default_and_binning_by_efficiency(write_run: WriteRun, make_config: MakeConfig) -> None:
    built = build_templates(
        make_config(write_run(bins=400, with_paired=False), channels={}, rebin={"signal_efficiency": [0.9, 0.5]})
    )
    assert [channel.name for channel in built.templates.channels] == ["sr", "cr"]
    for channel in built.templates.channels:
        efficiencies = built.efficiencies[channel.name]
        np.testing.assert_allclose(efficiencies, [1, 0.9, 0.5, 0], atol=0.01)
        signal = channel.sample("hbb")
        assert signal is not None
        above = np.cumsum(signal.values[::-1])[::-1] / signal.values.sum()
        np.testing.assert_allclose(above, efficiencies[:-1])


def test_paired_errors_are_smaller_and_right(write_run: WriteRun, make_config: MakeConfig) -> None:
    # The spread of the seed view about nominal over many runs is what its paired error claims.
    pulls, widths = [], []
    for seed in range(25):
        paired = build_templates(
            make_config(write_run(seed=seed, n=1500), data={"kind": "variation", "variation": "seed"})
        )
        channel = paired.templates.channels[0]
        nominal = np.sum([sample.values for sample in channel.samples], axis=0)
        covariance = paired.data_covariances["sr"]
        error = np.sqrt(np.diag(covariance))
        pulls += list((channel.data - nominal)[1:] / error[1:])
        independent = np.sqrt(2 * np.sum([sample.variances for sample in channel.samples], axis=0))
        widths.append(error[1:] / independent[1:])
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert np.mean(widths) < 0.6
    alone = build_templates(
        make_config(write_run(seed=24, n=1500, with_paired=False), data={"kind": "variation", "variation": "seed"})
    )
    assert not alone.paired
    assert (np.diag(alone.data_covariances["sr"]) > np.diag(covariance)).all()


def test_closure_of_the_seed_view(write_run: WriteRun, make_config: MakeConfig) -> None:
    closure = build_templates(make_config(write_run())).closure
    assert {test.sample for test in closure} == {"hbb", "qcd", "wqq"}
    assert all(test.test is not None and test.test.p_value > 1e-3 for test in closure)
    broken = write_run(edit=overwrite("seed", lambda values: values * 1.2))
    closure = build_templates(make_config(broken)).closure
    test = next(test.test for test in closure if test.sample == "qcd")
    assert test is not None
    assert test.p_value < 1e-6


def test_one_sided_handling(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run()
    with pytest.raises(FitError, match="hadronisationUp but no down side"):
        build_templates(make_config(path, one_sided="error"))
    mirrored = sample_of(path, make_config)
    shift = shift_of(mirrored, "hadronisation")
    assert shift is not None
    np.testing.assert_allclose(shift.up + shift.down, 2 * mirrored.values)
    flat = sample_of(path, make_config, one_sided="nominal")
    shift = shift_of(flat, "hadronisation")
    assert shift is not None
    np.testing.assert_array_equal(shift.down, flat.values)


def test_incomplete_and_mixed_runs(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run(complete=False)
    with pytest.raises(FitError, match="the run is not complete"):
        build_templates(make_config(path))
    report = build_templates(make_config(path, problems={"incomplete": "allow"})).report
    assert len(report.of("incomplete")) == 1
    with pytest.raises(FitError, match="'rs3l' was not the same model everywhere"):
        build_templates(make_config(write_run(models={"rs3l": ["a", "b"], "n2": ["c"]})))
    datasets = {"qcd": {"xsec": None, "normalised": False}}
    with pytest.raises(FitError, match=r"samples\.qcd: datasets are not normalised"):
        build_templates(make_config(write_run(datasets=datasets)))


def negative(values: Any) -> Any:
    values[25:28] = -values.sum() * 0.1
    return values


def nothing(values: Any) -> Any:
    return np.zeros_like(values)


def not_a_number(values: Any) -> Any:
    values[5] = np.nan
    return values


@pytest.mark.parametrize(
    ("edit", "problem", "message", "kind"),
    [
        (overwrite("nominal", negative), {"negative_bins": "clip"}, "sample qcd, bin 2: negative", "negative_bins"),
        (overwrite("fsrUp", negative), {"negative_bins": "clip"}, "nuisance fsr, up, bin 2: negative", "negative_bins"),
        (
            overwrite("nominal", nothing, variance=0.0),
            {"empty_samples": "drop"},
            "sample qcd is empty",
            "empty_samples",
        ),
        (
            overwrite("fsrUp", nothing, variance=1e-20),
            {"full_variation": "clip"},
            "nuisance fsr, up: the variation takes the whole yield",
            "full_variation",
        ),
        (
            overwrite("hadronisationUp", lambda values: 2.5 * values),
            {"negative_bins": "clip", "full_variation": "drop"},
            "nuisance hadronisation, down, bins 0, 1, 2, 3: negative",
            "full_variation",
        ),
        (
            overwrite("nominal", not_a_number),
            {"non_finite": "zero"},
            "dataset qcd, variation nominal, channel sr, bin 4 of the histogram: yields are not finite",
            "non_finite",
        ),
        (
            overwrite("fsrDown", not_a_number),
            {"non_finite": "zero"},
            "dataset qcd, variation fsrDown, channel sr, bin 4 of the histogram: yields are not finite",
            "non_finite",
        ),
    ],
)
def test_bad_templates_are_named_or_handled(
    write_run: WriteRun,
    make_config: MakeConfig,
    *,
    edit: Edit,
    problem: dict[str, str],
    message: str,
    kind: str,
) -> None:
    path = write_run(edit=edit, with_paired=False)
    with pytest.raises(FitError, match=message):
        build_templates(make_config(path))
    built = build_templates(make_config(path, problems=problem))
    assert built.report.of(kind)
    # What is left can be fitted.
    assert np.isfinite(value_of(Likelihood(built.templates).fit(), "mu")).all()


def test_dropping_a_full_variation_leaves_it_out(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run(edit=overwrite("fsrUp", nothing, variance=1e-20), with_paired=False)
    assert shift_of(sample_of(path, make_config, problems={"full_variation": "drop"}), "fsr") is None
    clipped = sample_of(path, make_config, problems={"full_variation": "clip", "clip_factor": 0.2})
    shift = shift_of(clipped, "fsr")
    assert shift is not None
    np.testing.assert_allclose(shift.up, 0.2 * clipped.values)


def test_a_sample_without_a_variation(write_run: WriteRun, make_config: MakeConfig) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        for name in ("fsrUp", "fsrDown"):
            for channel in (0, 1):
                view = histograms["score_rs3l"].view(flow=True)
                place = (2, channel, histograms["score_rs3l"].axes[2].index(name))
                view.value[place] = view.variance[place] = 0.0

    path = write_run(edit=edit)
    with pytest.raises(FitError, match="sample wqq, nuisance fsr: the sample was not simulated with this variation"):
        build_templates(make_config(path))
    assert shift_of(sample_of(path, make_config, "wqq", problems={"missing_variation": "nominal"}), "fsr") is None
    chosen = {"fsr": {"samples": ["hbb", "qcd"]}}
    assert shift_of(sample_of(path, make_config, "wqq", systematics=chosen), "fsr") is None
    # As part of a larger sample it stays nominal.
    samples = {"hbb": {"signal": True}, "other": {"datasets": ["qcd", "wqq"]}}
    with pytest.raises(FitError, match="datasets were not simulated with a variation; got wqq without fsrUp"):
        build_templates(make_config(path, samples=samples))
    merged = sample_of(path, make_config, "other", samples=samples, problems={"missing_variation": "nominal"})
    qcd, wqq = (
        sample_of(path, make_config, name, problems={"missing_variation": "nominal"}) for name in ("qcd", "wqq")
    )
    both, alone = shift_of(merged, "fsr"), shift_of(qcd, "fsr")
    assert both is not None
    assert alone is not None
    np.testing.assert_allclose(both.up, alone.up + wqq.values)
    assert both.up_error is not None
    assert alone.up_error is not None
    np.testing.assert_allclose(both.up_error, alone.up_error, atol=1e-6)


def test_one_side_missing_for_one_sample(write_run: WriteRun, make_config: MakeConfig) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        view = histograms["score_rs3l"].view(flow=True)
        down = histograms["score_rs3l"].axes[2].index("fsrDown")
        view.value[1, :, down] = view.variance[1, :, down] = 0.0

    path = write_run(edit=edit)
    chosen = {"fsr": {"one_sided": "error"}}
    with pytest.raises(FitError, match="sample qcd, nuisance fsr: the down side is missing"):
        build_templates(make_config(path, systematics=chosen))
    shift = shift_of(sample_of(path, make_config), "fsr")
    assert shift is not None
    np.testing.assert_allclose(shift.up + shift.down, 2 * sample_of(path, make_config).values)


def test_empty_bins(write_run: WriteRun, make_config: MakeConfig) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        # The last quarter of the score axis is empty everywhere.
        view = histograms["score_rs3l"].view(flow=True)
        view.value[..., -11:] = view.variance[..., -11:] = 0.0

    path = write_run(edit=edit, with_paired=False)
    with pytest.raises(FitError, match="channel sr, bin 3: nothing is expected"):
        build_templates(make_config(path))
    merged = build_templates(make_config(path, problems={"empty_bins": "merge"})).templates.channels[0]
    assert merged.edges.tolist() == [0, 0.25, 0.5, 1.0]
    filled = build_templates(make_config(path, problems={"empty_bins": "fill", "empty_bin_value": 0.01}))
    qcd = filled.templates.channels[0].sample("qcd")
    assert qcd is not None
    assert (qcd.values[3], qcd.variances[3]) == pytest.approx((0.01, 0.0001))
    assert all(shift.up[3] == pytest.approx(0.01) for shift in qcd.shifts)
    assert len(filled.report.of("empty_bins")) == 1
    assert np.isfinite(value_of(Likelihood(filled.templates).fit(), "mu")).all()


def test_negative_bins_can_merge(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run(edit=overwrite("nominal", negative))
    channel = build_templates(make_config(path, problems={"negative_bins": "merge"})).templates.channels[0]
    assert channel.n_bins < 4
    assert all((sample.values >= 0).all() for sample in channel.samples)


def test_odd_names(write_run: WriteRun, make_config: MakeConfig) -> None:
    samples = {"hbb": {"signal": True}, "Z+jets": {"datasets": ["qcd"], "uncertainty": 0.1}}
    path = write_run()
    with pytest.raises(FitError, match=r"sample 'Z\+jets' holds characters"):
        build_templates(make_config(path, samples=samples))
    built = build_templates(make_config(path, samples=samples, problems={"names": "sanitize"}))
    assert built.templates.sample_names == ("hbb", "Z_jets")
    assert "norm_Z_jets" in {nuisance.name for nuisance in built.templates.nuisances}
    assert built.report.of("names")[0].detail == "written as 'Z_jets'"


def test_effects_pruning_and_smoothing(write_run: WriteRun, make_config: MakeConfig) -> None:
    path = write_run()
    whole = sample_of(path, make_config)
    shift = shift_of(whole, "fsr")
    assert shift is not None
    up, _ = whole.rate(shift)
    for effect, rate in (("norm", up), ("shape", 1.0)):
        sample = sample_of(path, make_config, systematics={"fsr": {"effect": effect}})
        found = shift_of(sample, "fsr")
        if effect == "norm" and found is not None:
            assert not sample.has_shape(found)
        elif found is not None:
            assert sample.rate(found)[0] == pytest.approx(rate)
    # The generator of these files moves scores but no event in or out: the rate is 1 and can be pruned.
    pruned = build_templates(make_config(path, prune={"norm": 0.001, "shape": 0.5}))
    assert any(finding.where.endswith("nuisance fsr") for finding in pruned.report.of("pruning"))
    significant = build_templates(make_config(path, prune={"significance": 20.0}))
    insignificant = {finding.where for finding in significant.report.of("pruning")}
    assert insignificant != set()
    smooth = build_templates(make_config(path, smooth="lowess"))
    assert smooth.report.of("smoothing")


def test_minimum_statistics_from_nominal(write_run: WriteRun, make_config: MakeConfig) -> None:
    built = build_templates(make_config(write_run(), rebin={"min_entries": 100}, problems={"negative_bins": "clip"}))
    channel = built.templates.channels[0]
    background = [sample for sample in channel.samples if sample.name != "hbb"]
    values = np.sum([sample.values for sample in background], axis=0)
    variances = np.sum([sample.variances for sample in background], axis=0)
    assert (values**2 / variances >= 100).all()
    assert 2 < channel.n_bins < 40


def test_correlation_between_samples_is_a_choice(write_run: WriteRun, make_config: MakeConfig) -> None:
    built = build_templates(make_config(write_run(), systematics={"fsr": {"correlate": "sample"}}))
    assert {n.name for n in built.templates.nuisances if n.source == "fsr"} == {"fsr_hbb", "fsr_qcd", "fsr_wqq"}
    assert built.templates.groups["shower"] == ("fsr_hbb", "hadronisation", "fsr_qcd", "fsr_wqq")
