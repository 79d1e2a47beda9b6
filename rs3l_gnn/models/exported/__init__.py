"""Networks that another program wrote as ONNX or TorchScript, as taggers."""

from rs3l_gnn.models.exported.config import ExportedNetwork

__all__ = ["ExportedNetwork"]
