"""A model repository for NVIDIA's Triton Inference Server."""

from rs3l_gnn.models.triton.candidates import CANDIDATE_FIELDS, JET_FIELDS

__all__ = ["CANDIDATE_FIELDS", "JET_FIELDS"]
