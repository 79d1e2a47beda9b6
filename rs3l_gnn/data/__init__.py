"""Files to arrays: formats, readers and writers, matching of views by hard event, ragged batches."""

from rs3l_gnn.data.formats import FORMATS, CandidateFormat, get_format, jet_features

__all__ = ["FORMATS", "CandidateFormat", "get_format", "jet_features"]
