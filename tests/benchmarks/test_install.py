"""Counts of an environment with packages made by hand."""

from __future__ import annotations

import venv
from pathlib import Path

import pytest

from rs3l_gnn.benchmarks.install import what_is_installed


def test_packages_and_their_size(tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    (site,) = tmp_path.glob("lib/python*/site-packages")
    for name in ("one", "two", "pip", "rs3l_gnn"):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (site / "one.py").write_bytes(b"#" * 1_000_000)
    (site / "pip").mkdir(exist_ok=True)
    (site / "pip" / "large.py").write_bytes(b"#" * 5_000_000)
    found = what_is_installed(tmp_path / "bin" / "python")
    assert found["packages"] == 2
    assert found["megabytes"] == pytest.approx(1.0, abs=0.01)
