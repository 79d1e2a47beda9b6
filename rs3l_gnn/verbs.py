"""The verbs of the ``rs3l`` command, and the extra of this package that brings what each of them imports."""

from __future__ import annotations

__all__ = ["EXTRA_OF_VERB"]

EXTRA_OF_VERB = {
    "simulate": "simulation",
    "pair": "training",
    "pretrain": "training",
    "finetune": "training",
    "evaluate": "training",
    "export": "training,export",
    "publish": "analysis",
    "tag": "analysis",
    "analyze": "analysis",
    "fit": "fits",
    "demo": "all",
    "study": "all",
    "benchmark": "all",
    "inspect": "analysis",
    "weights": "analysis",
    "plot": "analysis",
    "fetch": "training",
}
"""In the order of the help text, which is the order of the chain."""
