"""Trained networks on the jets of event files: light enough for a worker, and independent of any training code."""

from rs3l_gnn.inference.inputs import JetInputs, event_inputs, jet_inputs, layout_of
from rs3l_gnn.inference.tagger import JetTagger

__all__ = ["JetInputs", "JetTagger", "event_inputs", "jet_inputs", "layout_of"]
