"""What a simulation looks like: jets of each view, compared event by event, as figures and tables."""

from rs3l_gnn.simulation.validation.comparison import MeanShift, YieldRatio, mean_shift, yield_ratio
from rs3l_gnn.simulation.validation.jets import VARIABLES, AnchorJets, Variable, read_anchor_jets
from rs3l_gnn.simulation.validation.run import PlotReport, plot_simulation

__all__ = [
    "VARIABLES",
    "AnchorJets",
    "MeanShift",
    "PlotReport",
    "Variable",
    "YieldRatio",
    "mean_shift",
    "plot_simulation",
    "read_anchor_jets",
    "yield_ratio",
]
