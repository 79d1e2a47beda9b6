"""A PocketCoffea configuration around the workflow of this folder: the score in a histogram and in a column.

In a configuration of one's own: ``cfg = configuration(defaults.get_default_parameters(), ["datasets.json"])``.
"""

from pocket_coffea.lib.columns_manager import ColOut
from pocket_coffea.lib.cut_functions import get_nObj_min
from pocket_coffea.lib.hist_manager import Axis, HistConf
from pocket_coffea.lib.weights.common import common_weights
from pocket_coffea.parameters.cuts import passthrough
from pocket_coffea.utils.configurator import Configurator
from pocket_coffea_workflow import TaggedJets


def configuration(parameters, datasets):
    """The Configurator.

    Args:
        parameters: of the analysis, ``pocket_coffea.parameters.defaults.get_default_parameters()``.
        datasets: JSON files of data sets.
    """
    score = Axis(coll="FatJetGood", field="rs3l_score", bins=20, start=0, stop=1, label="RS3L score")
    return Configurator(
        parameters=parameters,
        datasets={"jsons": datasets},
        workflow=TaggedJets,
        skim=[],
        preselections=[get_nObj_min(1, coll="FatJetGood")],
        categories={"baseline": [passthrough]},
        weights_classes=common_weights,
        weights={"common": {"inclusive": ["genWeight"], "bycategory": {}}, "bysample": {}},
        variations={"weights": {"common": {"inclusive": [], "bycategory": {}}, "bysample": {}}},
        calibrators=[],
        variables={"score": HistConf([score])},
        columns={"common": {"inclusive": [ColOut("FatJetGood", ["rs3l_score"])]}},
    )
