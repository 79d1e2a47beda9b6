from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import VARIATIONS, FitError, UnknownVariationError
from rs3l_gnn.fits import FitConfig
from rs3l_gnn.fits.config.blocks import SystematicConfig
from rs3l_gnn.fits.templates.sources import entry_on_axis, find_sources, group_of, sides_on_axis

AXIS = ["nominal", "seed", "fsrUp", "fsrDown", "hadronisationUp", "psISRUp", "psISRDown", "jesUp", "jesDown"]
RECORDS: dict[str, dict[str, Any]] = {
    **{variation.axis_name: variation.record() for variation in VARIATIONS.values()},
    **{f"psISR{side}": {"kind": "weight", "branch": "PSWeight"} for side in ("Up", "Down")},
    **{f"jes{side}": {"kind": "momentum", "two_sided": True} for side in ("Up", "Down")},
}


def config(make_config: Callable[..., FitConfig], **changes: Any) -> FitConfig:
    return make_config(Path("x.json"), **changes)


def test_all_sources_on_the_axis_by_default(make_config: Callable[..., FitConfig]) -> None:
    found = {source.name: source for source in find_sources(config(make_config), AXIS, RECORDS)}
    assert list(found) == ["fsr", "hadronisation", "psISR", "jes"]
    assert (found["fsr"].up, found["fsr"].down) == ("fsrUp", "fsrDown")
    assert found["hadronisation"].down is None
    groups = {name: source.group for name, source in found.items()}
    assert groups == {"fsr": "shower", "hadronisation": "shower", "psISR": "shower", "jes": "detector"}


def test_configuration_names_groups_and_excludes(make_config: Callable[..., FitConfig]) -> None:
    chosen = config(
        make_config,
        systematics={"ps_fsr": {"source": "fsr", "correlate": "sample", "samples": ["qcd"]}},
        exclude=["psISR"],
        groups={"calibration": ["je*"]},
    )
    found = {source.name: source for source in find_sources(chosen, AXIS, RECORDS)}
    assert set(found) == {"ps_fsr", "hadronisation", "jes"}
    assert found["jes"].group == "calibration"
    assert found["ps_fsr"].nuisance("sr", "qcd") == "ps_fsr_qcd"
    assert found["ps_fsr"].acts_on("sr", "qcd")
    assert not found["ps_fsr"].acts_on("sr", "hbb")


def test_only_what_is_named_without_auto(make_config: Callable[..., FitConfig]) -> None:
    chosen = config(make_config, auto_systematics=False, systematics={"fsr": {"correlate": "channel"}})
    (source,) = find_sources(chosen, AXIS, RECORDS)
    assert source.nuisance("sr", "qcd") == "fsr_sr"


def test_a_missing_side_needs_a_word(make_config: Callable[..., FitConfig]) -> None:
    with pytest.raises(FitError, match="hadronisationUp but no down side, because it compares two models"):
        find_sources(config(make_config, one_sided="error"), AXIS, RECORDS)
    with pytest.raises(FitError, match="fsrUp but no down side, although it is two-sided"):
        find_sources(config(make_config, one_sided="error"), ["nominal", "fsrUp"], RECORDS)
    with pytest.raises(FitError, match="jesDown but no up side, as far as the run tells"):
        find_sources(config(make_config, one_sided="error"), ["nominal", "jesDown"], {})
    (source,) = find_sources(config(make_config, one_sided="nominal"), ["nominal", "fsrUp"], RECORDS)
    assert source.one_sided == "nominal"


def test_unknown_names(make_config: Callable[..., FitConfig]) -> None:
    with pytest.raises(UnknownVariationError, match=r"systematics\.fsrs: the run has no variation 'fsrs'"):
        find_sources(config(make_config, systematics={"fsrs": {}}), AXIS, RECORDS)
    with pytest.raises(UnknownVariationError, match="exclude names sources that the run does not have: isr"):
        find_sources(config(make_config, exclude=["isr"]), AXIS, RECORDS)


def test_names_without_a_side() -> None:
    assert sides_on_axis(["nominal", "mpiOff", "Up"]) == {"mpiOff": {"up": "mpiOff"}, "Up": {"up": "Up"}}
    with pytest.raises(FitError, match="'mpiOff' has its up side twice: mpiOff and mpiOffUp"):
        sides_on_axis(["mpiOff", "mpiOffUp"])
    with pytest.raises(FitError, match="its up side twice"):
        sides_on_axis(["fsrUp", "fsr_up"])
    assert sides_on_axis(["seed", "nominal"]) == {}


def test_a_variation_is_found_by_its_name_or_its_place() -> None:
    axis = ["nominal", "fsrDown", "alphaSUp", "mpiOffUp"]
    records = {"alphaSUp": {"name": "alphaS120"}, "mpiOffUp": {"name": "mpiOff"}, "oldUp": {"name": "old"}}
    wanted = ("fsrRenHi", "alphaS120", "mpiOff", "mpiOffUp", "old", "alphaSDown")
    found = [entry_on_axis(name, axis, records) for name in wanted]
    assert found == ["fsrDown", "alphaSUp", "mpiOffUp", "mpiOffUp", None, None]


@pytest.mark.parametrize(
    ("source", "record", "group"),
    [
        ("anything", {"stage": "hadronisation"}, "shower"),
        ("anything", {"kind": "shower"}, "shower"),
        ("anything", {"kind": "weight", "branch": "PSWeight"}, "shower"),
        ("smearing", {"kind": "candidates"}, "detector"),
        ("fsrOfJets", {"kind": "momentum"}, "detector"),
        ("pileup", {"kind": "weight", "group": "detector"}, "detector"),
        # A name is no evidence.
        ("fsr", {}, "other"),
        ("jes", {}, "other"),
        ("pileup", {"kind": "weight"}, "other"),
    ],
)
def test_groups_from_metadata(source: str, record: dict[str, str], group: str) -> None:
    assert group_of(source, [record], {}) == group


def test_patterns_exclude_and_name_and_correlate(make_config: Callable[..., FitConfig]) -> None:
    chosen = config(
        make_config, exclude=["ps*", "absent*"], nuisance_names={"*": "CMS_{source}"}, correlate={"f*": ["sample"]}
    )
    found = {source.key: source for source in find_sources(chosen, AXIS, RECORDS)}
    assert set(found) == {"fsr", "hadronisation", "jes"}
    assert found["fsr"].nuisance("sr", "qcd") == "CMS_fsr_qcd"
    assert found["jes"].nuisance("sr", "qcd") == "CMS_jes"
    # What is said of one source goes before the patterns.
    own = chosen.model_copy(update={"systematics": {"fsr": SystematicConfig(name="ps_fsr", correlate=())}})
    assert find_sources(own, AXIS, RECORDS)[0].nuisance("sr", "qcd") == "ps_fsr"
