from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.fits import FitConfig, compare_taggers


def test_a_tagger_that_moves_less_has_the_smaller_shower_error(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path
) -> None:
    path = write_run(n=20000, bins=60, shifts={"score_rs3l": 0.03, "score_supervised": 0.25})
    config = make_config(
        path,
        samples={"hbb": {"signal": True}, "qcd": {"uncertainty": 0.02}},
        rebin={"signal_efficiency": [0.5]},
        inference={"ranking": False, "scan": False, "limit": False, "significance": False},
        problems={"negative_bins": "clip"},
    )
    taggers = {"rs3l": "score_rs3l", "supervised": "score_supervised"}
    found = compare_taggers(config, taggers, tmp_path / "out", pseudo_data=["hadronisationUp", "seed"])
    rs3l, supervised = found["rs3l"], found["supervised"]
    assert supervised.mu_error_shower > 1.5 * rs3l.mu_error_shower
    # Nominal scores are alike, so are the bins and the signal that they keep.
    assert rs3l.signal_efficiency["sr"][1] == pytest.approx(0.5, abs=0.03)
    assert supervised.signal_efficiency["sr"] == pytest.approx(rs3l.signal_efficiency["sr"], abs=0.03)
    assert abs(supervised.bias["hadronisationUp"]) > 2 * abs(rs3l.bias["hadronisationUp"])
    # The seed view differs by chance alone.
    for result in found.values():
        error = result.bias_error["seed"]
        assert error is not None
        assert abs(result.bias["seed"]) < 4 * error
    document = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert document["taggers"]["rs3l"]["mu_error_shower"] == rs3l.mu_error_shower
    assert (tmp_path / "out" / "supervised" / "hadronisationUp" / "fit.json").exists()
    # An analysis that does not know the alternative has no nuisance for it, one that varies it by hand has.
    known = json.loads((tmp_path / "out" / "rs3l" / "hadronisationUp" / "fit.json").read_text())
    assert "hadronisation" not in known["parameters"]
    assert "hadronisation" in json.loads((tmp_path / "out" / "rs3l" / "seed" / "fit.json").read_text())["parameters"]


def test_taggers_need_a_common_binning(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path
) -> None:
    config = make_config(write_run(), rebin={"min_entries": 10})
    with pytest.raises(ConfigError, match="same bins in signal efficiency"):
        compare_taggers(config, {"rs3l": "score_rs3l"}, tmp_path / "out")
