"""Scores in NanoEvents' dask mode: what is not needed is not read, and the network runs on the workers."""

from rs3l_gnn.inference import JetTagger
from rs3l_gnn.inference.lazy import lazy_scores


def scores_of(events, tagger="default-hbb"):
    """Scores of the jets of dask NanoEvents, float32 [event][jet], computed when asked for."""
    return lazy_scores(JetTagger(tagger), events)
