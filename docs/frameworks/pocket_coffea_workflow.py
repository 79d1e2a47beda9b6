"""A PocketCoffea workflow whose jets carry a score: name it as ``workflow`` in the Configurator."""

import awkward as ak
from pocket_coffea.workflows.base import BaseProcessorABC

from rs3l_gnn.inference import JetTagger, event_inputs


class TaggedJets(BaseProcessorABC):
    """Gives FatJet a field ``rs3l_score`` before any cut."""

    tagger = JetTagger("default-hbb")

    def apply_object_preselection(self, variation):  # noqa: ARG002  # asked for by name
        """Scores first: the links to candidates count in the whole collection."""
        jets = event_inputs(self.events)
        self.events["FatJet"] = ak.with_field(self.events.FatJet, jets.jagged(self.tagger.score(jets)), "rs3l_score")
        self.events["FatJetGood"] = self.events.FatJet[self.events.FatJet.pt > 450]

    def count_objects(self, variation):  # noqa: ARG002  # as above
        """As the base class asks."""
        self.events["nFatJetGood"] = ak.num(self.events.FatJetGood)
