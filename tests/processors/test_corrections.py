"""Files of correctionlib that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError, InputFileError
from rs3l_gnn.processors.corrections import evaluator

pytest.importorskip("correctionlib")


def test_a_real_correction_is_evaluated(shared_data: Path) -> None:
    path = shared_data / "cms" / "jet_jerc_Summer22_V3.json.gz"
    total = evaluator(path, "Summer22_22Sep2023_V3_MC_Total_AK4PFPuppi")
    assert 0 < total.evaluate(0.5, 100.0) < 0.05
    assert evaluator(path, "Summer22_22Sep2023_V3_MC_L1L2L3Res_AK4PFPuppi").evaluate(0.5, 0.5, 100.0, 20.0) > 0.5
    with pytest.raises(ConfigError, match="no correction 'nothing'"):
        evaluator(path, "nothing")


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="does not exist"):
        evaluator(tmp_path / "none.json", "x")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputFileError, match=r"bad\.json is not a file of correctionlib"):
        evaluator(tmp_path / "bad.json", "x")
