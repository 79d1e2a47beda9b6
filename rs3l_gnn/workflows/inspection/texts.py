"""Text files that the verbs write: tables, configurations, Combine cards."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.yaml_text import parse_yaml

__all__ = ["describe_text"]

Description = dict[str, Any]
_LIMIT = 50_000_000
"""Bytes; no text of ours is longer."""


def describe_text(path: Path) -> Description | None:
    """Describe a CSV table, a YAML file or a Combine card; None for any other text or anything binary."""
    if path.stat().st_size > _LIMIT:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    if text.startswith("imax "):
        return _card(text)
    if path.suffix == ".csv":
        return _table(text)
    if path.suffix in (".yaml", ".yml"):
        return _yaml(text)
    return None


def _card(text: str) -> Description:
    """A card of Combine: its counts, processes, and one line for each nuisance parameter after the last rule."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    processes = [row[1:] for row in rows if row[0] == "process"]
    rules = [number for number, row in enumerate(rows) if set(row[0]) == {"-"}]
    nuisances = [row for row in rows[rules[-1] + 1 :] if len(row) > 2] if rules else []
    return {
        "kind": "Combine card",
        "channels": next((row[1:] for row in rows if row[0] == "bin"), []),
        "processes": sorted(set(processes[0])) if processes else [],
        "nuisances": {row[0]: row[1] for row in nuisances if row[1] in ("lnN", "shape", "shape?", "lnU", "param")},
    }


def _table(text: str) -> Description:
    rows = list(csv.DictReader(text.splitlines()))
    columns = list(rows[0]) if rows else []
    kind = "training history" if {"epoch", "loss"} <= set(columns) else "CSV table"
    found: Description = {"kind": kind, "rows": len(rows), "columns": columns}
    if rows:
        found["first"] = dict(rows[0])
        found["last"] = dict(rows[-1])
    return found


def _yaml(text: str) -> Description | None:
    try:
        document = parse_yaml(text)
    except ConfigError:
        return None
    if not isinstance(document, dict):
        return None
    return {"kind": "YAML file", "keys": [str(key) for key in document]}
