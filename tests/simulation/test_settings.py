from __future__ import annotations

import pytest

from rs3l_gnn.conventions import VARIATIONS
from rs3l_gnn.simulation.settings import COMMON, CP5, SHOWER_WEIGHTS, configure, shower_weight_settings


def test_the_tune_is_what_pythia_holds() -> None:
    settings = configure((*COMMON, *CP5)).settings
    assert settings.parm("MultipartonInteractions:pT0Ref") == 1.41
    assert settings.parm("TimeShower:alphaSvalue") == 0.118
    assert settings.mode("Tune:pp") == 14
    assert settings.parm("ParticleDecays:tau0Max") == 10


@pytest.mark.parametrize("name", list(VARIATIONS))
def test_pythia_knows_the_settings_of_every_variation(name: str) -> None:
    pythia = configure((*COMMON, *CP5, *VARIATIONS[name].settings, *shower_weight_settings("cms")))
    variation = VARIATIONS[name]
    if variation.parameter is not None:
        assert pythia.settings.parm(variation.parameter) == variation.factor


def test_shower_weights_are_made_as_cms_makes_them() -> None:
    """Numbers of CMSSW's PythiaPSweightsSettings_cfi.py; the order of NanoAOD's PSWeight first."""
    settings = configure(shower_weight_settings("cms")).settings
    assert settings.flag("UncertaintyBands:MPIshowers")
    assert settings.flag("UncertaintyBands:muSoftCorr")
    numbers = {"overSampleFSR": 10.0, "overSampleISR": 10.0, "FSRpTmin2Fac": 20.0, "ISRpTmin2Fac": 1.0}
    assert {name: settings.parm(f"UncertaintyBands:{name}") for name in numbers} == numbers
    assert len(settings.wvec("UncertaintyBands:List")) == 12
    nano = ["isr:muRfac=2.0", "fsr:muRfac=2.0", "isr:muRfac=0.5", "fsr:muRfac=0.5"]
    assert list(SHOWER_WEIGHTS.values())[:4] == nano
    factors = {float(text.split("=")[1]) for text in SHOWER_WEIGHTS.values()}
    assert factors == {0.25, 0.5, 0.707, 1.414, 2.0, 4.0}
    assert [
        text.split()[1] for text in configure(shower_weight_settings("pythia")).settings.wvec("UncertaintyBands:List")
    ] == nano


@pytest.mark.parametrize("scale", [1.0, 5.0, 30.0, 500.0])
def test_vincia_matched_has_the_coupling_of_cp5(scale: float) -> None:
    """alpha_s of a gluon emission at a pT in GeV, by Pythia's own class from each shower's settings."""
    pythia8mc = pytest.importorskip("pythia8mc")

    def coupling(name: str) -> float:
        settings = configure((*COMMON, *CP5, *VARIATIONS[name].settings)).settings
        alpha = pythia8mc.AlphaStrong()
        if settings.mode("PartonShowers:model") == 1:
            order, cmw = settings.mode("TimeShower:alphaSorder"), settings.flag("TimeShower:alphaSuseCMW")
            alpha.init(settings.parm("TimeShower:alphaSvalue"), order, settings.mode("StandardModel:alphaSnfmax"), cmw)
            return float(alpha.alphaS(settings.parm("TimeShower:renormMultFac") * scale**2))
        order, cmw = settings.mode("Vincia:alphaSorder"), settings.flag("Vincia:useCMW")
        alpha.init(settings.parm("Vincia:alphaSvalue"), order, settings.mode("Vincia:alphaSnfmax"), cmw)
        frozen = settings.parm("Vincia:alphaSmuFreeze") ** 2
        return float(alpha.alphaS(settings.parm("Vincia:renormMultFacEmitF") * scale**2 + frozen))

    assert coupling("vinciaMatched") == pytest.approx(coupling("nominal"), rel=1e-6)
    assert coupling("vincia") > 1.05 * coupling("nominal")
    for name in ("EmitF", "SplitF", "EmitI", "SplitI", "ConvI"):
        settings = configure(VARIATIONS["vinciaMatched"].settings).settings
        assert settings.parm(f"Vincia:renormMultFac{name}") == 1
