"""Jet representations from re-simulation (RS3L), from one LHE file to one fit.

The heavy parts load on first use: ``import rs3l_gnn`` alone imports neither torch nor coffea.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs3l_gnn.models import load_encoder, load_tagger

__version__ = "0.1.0"

__all__ = ["__version__", "load_encoder", "load_tagger"]


def __getattr__(name: str) -> Any:
    if name in ("load_encoder", "load_tagger"):
        from rs3l_gnn import models

        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
