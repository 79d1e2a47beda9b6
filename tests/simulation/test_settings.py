from __future__ import annotations

import pytest

from rs3l_gnn.conventions import VARIATIONS
from rs3l_gnn.simulation.settings import COMMON, CP5, SHOWER_WEIGHT_SETTINGS, configure


def test_the_tune_is_what_pythia_holds() -> None:
    settings = configure((*COMMON, *CP5)).settings
    assert settings.parm("MultipartonInteractions:pT0Ref") == 1.41
    assert settings.parm("TimeShower:alphaSvalue") == 0.118
    assert settings.mode("Tune:pp") == 14
    assert settings.parm("ParticleDecays:tau0Max") == 10


@pytest.mark.parametrize("name", list(VARIATIONS))
def test_pythia_knows_the_settings_of_every_variation(name: str) -> None:
    pythia = configure((*COMMON, *CP5, *VARIATIONS[name].settings, *SHOWER_WEIGHT_SETTINGS))
    variation = VARIATIONS[name]
    if variation.parameter is not None:
        assert pythia.settings.parm(variation.parameter) == variation.factor
