"""Each number of the detector by its own path, from files and options, and detectors by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError, load_config, parse_config
from rs3l_gnn.simulation import DetectorConfig, SimulationConfig

YAML = """
samples: {a: {process: qcd, events: 1}}
detector:
  ecal: {position: 0.3}
  hcal: {regions: {1: {stochastic: 0.9}}}
  tracker: {d0_constant: 0.02}
"""


def test_every_number_by_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    config = load_config(
        SimulationConfig,
        tmp_path / "a.yaml",
        [
            "detector.tracker.regions[0].efficiency=0.9",
            "detector.hcal.regions[1].constant=0.05",
            "detector.tracker.displaced_efficiency[2][1]=0.7",
            "detector.calorimeter_face.radius=1300",
        ],
    ).detector
    default = DetectorConfig()
    assert [region.efficiency for region in config.tracker.regions] == [0.9, 0.93, 0.88]
    assert config.tracker.regions[1:] == default.tracker.regions[1:]
    assert (config.hcal.regions[1].stochastic, config.hcal.regions[1].constant) == (0.9, 0.05)
    assert config.hcal.regions[::2] == default.hcal.regions[::2]
    assert (config.ecal.position, config.ecal.regions) == (0.3, default.ecal.regions)
    assert (config.tracker.d0_constant, config.tracker.dz_constant) == (0.02, default.tracker.dz_constant)
    assert config.tracker.displaced_efficiency[2] == (100, 0.7)
    assert config.calorimeter_face is not None
    assert (config.calorimeter_face.radius, config.calorimeter_face.half_length) == (1300, 3154)
    assert config.pileup == default.pileup


def test_entries_of_a_list_that_the_file_gives_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML + "  abs_eta_max: 2.5\n" + "variations: [seed, fsrRenLo]\n")
    config = load_config(SimulationConfig, tmp_path / "a.yaml", ["variations[1]=fsrRenHi"])
    assert config.variations == ("nominal", "seed", "fsrRenHi")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "detector.tracker.regions[3].efficiency=0.9",
            r"regions\[3\] is not there; allowed: regions\[0\] to regions\[2\]",
        ),
        ("detector.tracker.regions[0].eficiency=0.9", r"unknown key .*eficiency.*did you mean 'efficiency'"),
        ("detector.ecal.position[0]=1", "position"),
        ("detector.ecal.position.x=1", "position' is a value, not a section"),
        ("detector.tracker.regions[x].efficiency=1", r"'regions\[x\]' is not a key"),
        ("detector.tracker.regions[0].efficiency=2", "efficiency: Input should be less than or equal to 1, got 2"),
        ("detector.preset=cdf", "no detector is called 'cdf'; there are cms, atlas, ideal, paper"),
    ],
)
def test_paths_that_lead_nowhere(override: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    with pytest.raises(ConfigError, match=message):
        load_config(SimulationConfig, tmp_path / "a.yaml", [override])


def test_a_preset_with_other_numbers() -> None:
    cms = parse_config(DetectorConfig, {"preset": "cms"}, where="x")
    assert cms.model_copy(update={"preset": None}) == DetectorConfig()
    atlas = parse_config(
        DetectorConfig, {"preset": "atlas", "tracker": {"regions": {1: {"efficiency": 0.5}}}}, where="x"
    )
    assert [region.efficiency for region in atlas.tracker.regions] == [0.92, 0.5, 0.82]
    assert atlas.tracker.regions[0].muon_efficiency == 0.99
    assert [ring.abs_eta_max for ring in atlas.hcal.regions] == [1.7, 3.2, 4.9]
    assert parse_config(DetectorConfig, atlas.model_dump(mode="json"), where="again") == atlas
