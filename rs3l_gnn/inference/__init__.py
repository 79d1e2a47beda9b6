"""Trained networks on the jets of event files: light enough for a worker, and independent of any training code."""

from rs3l_gnn.inference.inputs import JetInputs, event_inputs, jet_inputs
from rs3l_gnn.inference.shipped import ShippedNetwork, shipped_networks
from rs3l_gnn.inference.tagger import JetTagger
from rs3l_gnn.models import Discriminant, ExportedNetwork, require_one_score, shipped_names

__all__ = [
    "Discriminant",
    "ExportedNetwork",
    "JetInputs",
    "JetTagger",
    "ShippedNetwork",
    "event_inputs",
    "jet_inputs",
    "require_one_score",
    "shipped_names",
    "shipped_networks",
]
