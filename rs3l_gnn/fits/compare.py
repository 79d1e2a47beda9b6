"""Fit several taggers alike and put their signal strengths side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import ConfigError, atomic_directory, dump_config, provenance, refuse_existing, write_json
from rs3l_gnn.fits.config import DataConfig, FitConfig, InferenceConfig
from rs3l_gnn.fits.reading import Run, read_runs
from rs3l_gnn.fits.run import fit

__all__ = ["TaggerResult", "compare_taggers"]

_BEST_FIT_ALONE = InferenceConfig(ranking=False, scan=False, limit=False, significance=False)


@dataclass(frozen=True)
class TaggerResult:
    """Signal strength with one tagger.

    Attributes:
        mu, mu_error, mu_error_shower, mu_error_statistical: of the Asimov fit; the shower's part of the error.
        edges, signal_efficiency: by channel, the binning and the fraction of the signal above each edge.
        bias, bias_error: of the fit to pseudo-data from each wanted variation, nominal templates; the error is the
            statistical one of the simulation, None where the run does not tell.
    """

    histogram: str
    mu: float
    mu_error: float
    mu_error_shower: float
    mu_error_statistical: float
    edges: dict[str, list[float]]
    signal_efficiency: dict[str, list[float]]
    bias: dict[str, float]
    bias_error: dict[str, float | None]


def compare_taggers(
    config: FitConfig,
    histograms: Mapping[str, str],
    output: Path | str,
    *,
    pseudo_data: Sequence[str] = (),
    pseudo_data_without: bool = True,
    force: bool = False,
) -> dict[str, TaggerResult]:
    """Fit every tagger's histogram with the same model and the same signal efficiencies.

    Args:
        config: the fit; its ``histogram`` and ``data`` are replaced. Its binning must be by ``signal_efficiency``, so
            that the taggers keep the same signal, or by ``edges`` common to all.
        histograms: tagger -> histogram, for example ``{"n2": "score_n2", "rs3l": "score_rs3l"}``.
        output: directory with one fit for each tagger (``<tagger>/asimov``, ``<tagger>/<variation>``) and
            ``comparison.json``; plots and inference beside the best fit only for Asimov data.
        pseudo_data: entries of the variation axis that stand in for the data, for example ``hadronisationUp``.
        pseudo_data_without: leave the source of the pseudo-data out of that fit's nuisances: the bias that an
            analysis suffers which does not know about it.
        force: replace an existing directory.

    Raises:
        ConfigError: no common way to bin.
        OutputError, FitError and others: as in :func:`rs3l_gnn.fits.fit`.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    rebins = [config.rebin, *(channel.rebin for channel in config.channels.values() if channel.rebin is not None)]
    if any(rebin.signal_efficiency is None and rebin.edges is None for rebin in rebins):
        raise ConfigError(
            "a comparison needs the same bins in signal efficiency for all taggers", hint="set rebin.signal_efficiency"
        )
    results: dict[str, TaggerResult] = {}
    others = [channel.histogram for channel in config.channels.values() if channel.histogram is not None]
    run = read_runs(config.inputs, list(dict.fromkeys([*histograms.values(), *others])), flow=config.problems.flow)
    with atomic_directory(output, force=force) as partial:
        for tagger, histogram in histograms.items():
            results[tagger] = _compare_one(
                config.model_copy(update={"histogram": histogram}),
                partial / tagger,
                run,
                pseudo_data,
                without=pseudo_data_without,
            )
        document: dict[str, Any] = {
            "format": "rs3l-fit-comparison",
            "version": 1,
            "taggers": {tagger: asdict(result) for tagger, result in results.items()},
            "provenance": provenance(config=config, inputs=[str(path) for path in config.inputs]),
        }
        write_json(partial / "comparison.json", document)
        (partial / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return results


def _compare_one(
    config: FitConfig, output: Path, run: Run, pseudo_data: Sequence[str], *, without: bool
) -> TaggerResult:
    asimov = fit(config.model_copy(update={"data": DataConfig()}), output / "asimov", run=run)
    bias: dict[str, float] = {}
    errors: dict[str, float | None] = {}
    for variation in pseudo_data:
        data = DataConfig(kind="variation", variation=variation)
        changed = config.model_copy(update={"data": data, "inference": _BEST_FIT_ALONE, "plots": False})
        if without:
            changed = _without_source(changed, variation)
        found = fit(changed, output / variation, run=run)
        bias[variation] = found["bias"]
        errors[variation] = found.get("bias_error")
    return TaggerResult(
        histogram=config.histogram,
        mu=asimov["mu"],
        mu_error=asimov["mu_error"],
        mu_error_shower=asimov["mu_error_shower"],
        mu_error_statistical=asimov["mu_errors"]["statistical"],
        edges={channel: content["edges"] for channel, content in asimov["channels"].items()},
        signal_efficiency=asimov["signal_efficiency"],
        bias=bias,
        bias_error=errors,
    )


def _without_source(config: FitConfig, variation: str) -> FitConfig:
    from rs3l_gnn.fits.sources import sides_on_axis

    for source in sides_on_axis([variation]):
        kept = {name: entry for name, entry in config.systematics.items() if (entry.source or name) != source}
        excluded = tuple(dict.fromkeys([*config.exclude, source]))
        return config.model_copy(update={"systematics": kept, "exclude": excluded})
    return config
