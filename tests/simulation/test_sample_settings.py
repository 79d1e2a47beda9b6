from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.simulation.sample_settings import check_settings
from rs3l_gnn.simulation.settings import configure


@pytest.fixture(scope="module")
def data() -> Any:
    pythia = configure(("ProcessLevel:all=off", "HadronLevel:all=off"))
    pythia.init()
    return pythia.particleData


@pytest.mark.parametrize(
    ("settings", "decaying"),
    [
        (("TimeShower:pTmin=0.6", "511:onMode=off", "15:onMode=off", "9999:new = x xbar 1 0 0 5."), ()),
        (("24:onMode=off", "24:onIfAny=1 2 3 4 5"), (24,)),
        (("24:onMode = off",), (6,)),  # a top makes one
        (("24:0:bRatio=0.5", "23:mayDecay=off"), (25,)),  # so does an H, and a Z
        (("25:m0=126", "LesHouches:setQuarkMass=0"), ()),
    ],
)
def test_settings_that_can_act(data: Any, settings: tuple[str, ...], decaying: tuple[int, ...]) -> None:
    check_settings(settings, data, decaying=decaying, where="x")


@pytest.mark.parametrize(
    ("setting", "decaying"),
    [
        ("24:onMode=off", ()),
        ("24:0:bRatio=0.5", (23,)),
        ("-24:oneChannel=1 1 0 11 -12", ()),
        ("25:onIfAny=5", (6,)),
        ("6:onIfAny=24", (25,)),
        (" beams:ecm=8000", (6,)),
        ("Random:seed=4", ()),
        ("Top:gg2ttbar=on", ()),
        ("SigmaProcess:alphaSvalue=0.12", ()),
    ],
)
def test_settings_that_cannot(data: Any, setting: str, decaying: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"^samples.x.settings: '.*' cannot act: "):
        check_settings((setting,), data, decaying=decaying, where="samples.x.settings")
