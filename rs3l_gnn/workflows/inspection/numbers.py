"""How numbers and origins are shown."""

from __future__ import annotations

from typing import Any

__all__ = ["origin", "rounded", "with_error"]


def origin(document: dict[str, Any]) -> dict[str, Any]:
    """Seeds and version, from the provenance that every output carries."""
    record = document.get("provenance") or {}
    found = {"version of rs3l_gnn": record["rs3l_gnn"]} if "rs3l_gnn" in record else {}
    return {**found, **({"seeds": record["seeds"]} if record.get("seeds") else {})}


def rounded(value: float) -> float:
    """Four digits are enough for a look."""
    return float(f"{value:.4g}")


def with_error(value: float, error: float) -> str:
    """A value and its error as text."""
    return f"{value:.4g} ± {error:.2g}"
