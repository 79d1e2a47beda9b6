"""Configurations of every verb, by their path below this folder."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["config_path"]


def config_path(name: str) -> Path:
    """Path of a configuration that comes with the package, such as ``demo.yaml`` or ``simulate/demo.yaml``."""
    return Path(str(files(__name__) / name))
