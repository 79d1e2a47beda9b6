from __future__ import annotations

from dataclasses import replace

import pytest

from rs3l_gnn.fits import Nuisance, Templates
from rs3l_gnn.fits.plots.wording import readable_parameter


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mu", "signal strength"),
        ("norm_qcd", "rate of qcd"),
        ("norm_wqq", "rate of wqq"),
        ("lumi", "luminosity"),
        ("fsr", "FSR scale"),
        ("fsr_wqq", "FSR scale, wqq"),
        ("CMS_scale_j_2022", "CMS_scale_j_2022"),
        ("staterror_sr[2]", "simulation, sr, bin 3"),
    ],
)
def test_names(rich: Templates, name: str, words: str) -> None:
    more = (Nuisance("fsr_wqq", "shower", "fsr"), Nuisance("CMS_scale_j_2022", "detector", "jes"))
    assert readable_parameter(name, replace(rich, nuisances=rich.nuisances + more)) == words
