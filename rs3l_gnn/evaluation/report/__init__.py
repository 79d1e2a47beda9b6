"""One HTML page with everything an evaluation found."""

from rs3l_gnn.evaluation.report.page import write_report

__all__ = ["write_report"]
