"""LHE events to jets: hard events, showers for each variation, detector response, jets and labels, ROOT files."""

from rs3l_gnn.simulation.config import JetConfig, SampleConfig, SimulationConfig
from rs3l_gnn.simulation.detector_config import DetectorConfig
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.hepmc_config import HepmcConfig
from rs3l_gnn.simulation.lhe import inspect_lhe, read_lhe
from rs3l_gnn.simulation.lhe_writer import write_lhe
from rs3l_gnn.simulation.processes import PROCESSES, get_process
from rs3l_gnn.simulation.simulate import simulate
from rs3l_gnn.simulation.summary import SampleSummary, SimulationSummary

__all__ = [
    "PROCESSES",
    "DetectorConfig",
    "HardEvents",
    "HepmcConfig",
    "JetConfig",
    "SampleConfig",
    "SampleSummary",
    "SimulationConfig",
    "SimulationSummary",
    "get_process",
    "inspect_lhe",
    "read_lhe",
    "simulate",
    "write_lhe",
]
