"""A processor of your own with a tagger in it: coffea 0.7 and 2026, any executor, any schema."""

import awkward as ak
from coffea import processor

from rs3l_gnn.inference import JetTagger, event_inputs


class TagJets(processor.ProcessorABC):
    """Counts jets above a score."""

    def __init__(self, tagger="default-hbb"):
        self.tagger = JetTagger(tagger)  # a path and a hash: it pickles in a few bytes

    def process(self, events):
        """One chunk."""
        jets = event_inputs(events)
        score = jets.jagged(self.tagger.score(jets))  # float32 [event][jet]
        return {"jets": int(ak.sum(ak.num(score, axis=1))), "tagged": int(ak.sum(score > 0.5))}

    def postprocess(self, accumulator):
        """Nothing to do."""
        return accumulator
