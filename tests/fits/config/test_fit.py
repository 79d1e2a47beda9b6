from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, config_digest, load_config, parse_config
from rs3l_gnn.fits import FitConfig
from rs3l_gnn.fits.config.blocks import RateConfig

BLOCK: dict[str, Any] = {"inputs": "histograms.json", "histogram": "score_rs3l", "samples": {"hbb": {"signal": True}}}


def test_block_alone_and_under_its_key_are_the_same() -> None:
    assert FitConfig.model_validate(BLOCK) == FitConfig.model_validate({"fit": BLOCK})


def test_overrides_beside_the_block_keep_their_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "fit.yaml"
    path.write_text(
        "fit:\n  inputs: a.json\n  histogram: score_rs3l\n  samples: {hbb: {signal: true}}\n"
        "  luminosity: {value: 10.0, uncertainty: 0.02}\n"
    )
    for override in ("luminosity.value=20.0", "fit.luminosity.value=20.0"):
        luminosity = load_config(FitConfig, path, [override]).luminosity
        assert (luminosity.value, luminosity.uncertainty) == (20.0, 0.02)


def test_short_forms() -> None:
    config = FitConfig.model_validate(BLOCK | {"channels": ["sr", "cr"], "data": "asimov"})
    assert list(config.channels) == ["sr", "cr"]
    assert config.inputs == (Path("histograms.json"),)
    assert config.data.kind == "asimov"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": {"hbb": {}}}, "no sample is marked as signal"),
        ({"systematics": {"seed": {}}}, "never a nuisance"),
        ({"systematics": {"other": {"source": "seed"}}}, "never a nuisance"),
        ({"systematics": {"fsr": {"name": "seed"}}}, "never a nuisance"),
        ({"systematics": {"fsr": {"samples": ["qcd"]}}}, "samples that the fit does not have: qcd"),
        ({"channels": ["sr"], "rates": {"x": {"value": 0.1, "channels": ["cr"]}}}, "channels that the fit"),
        ({"rebin": {"edges": [0, 1], "signal_efficiency": [0.5]}}, "either edges or signal_efficiency"),
        ({"rebin": {"edges": [0, 1, 0.5]}}, "increasing"),
        ({"rebin": {"signal_efficiency": [0.0]}}, "lie in"),
        ({"data": {"kind": "variation"}}, "goes with the name of a variation"),
        ({"data": "observed"}, "goes with datasets"),
        ({"samples": {"hbb": {"signal": True, "free": True}}}, "parameter of interest"),
        ({"samples": {"hbb": {"signal": True}, "qcd": {"free": True, "uncertainty": 0.1}}}, "not both"),
        ({"poi_bounds": [1, 1]}, "must enclose 1"),
        ({"inputs": []}, "at least one file"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(FitConfig, BLOCK | change, where="fit.yaml")


def test_unknown_keys_are_refused_with_a_guess() -> None:
    with pytest.raises(ConfigError, match="did you mean 'luminosity'"):
        parse_config(FitConfig, BLOCK | {"luminositi": {}}, where="fit.yaml")


def test_rate_factors() -> None:
    assert RateConfig(value=0.25).factors == (0.8, 1.25)
    assert RateConfig(value=(0.9, 1.2)).factors == (0.9, 1.2)
    with pytest.raises(ConfigError, match="positive"):
        RateConfig(value=(0.0, 1.2))


def test_digest_of_equal_settings_is_equal(make_config: Callable[..., FitConfig]) -> None:
    one, other = make_config(Path("x.json")), make_config(Path("x.json"), poi="mu")
    assert config_digest(one) == config_digest(other)
    assert config_digest(one) != config_digest(make_config(Path("x.json"), poi="mu_zh"))
