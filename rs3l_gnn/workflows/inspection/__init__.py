"""What a file is and what it holds."""

from rs3l_gnn.workflows.inspection.describe import describe, render

__all__ = ["describe", "render"]
