"""Constraints of the lowest versions, from a setup.cfg written by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / ".ci" / "lowest.py"


def test_bounds_become_exact_and_torch_stays(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "lowest.py").write_bytes(SCRIPT.read_bytes())
    (tmp_path / "setup.cfg").write_text(
        "[options]\ninstall_requires =\n    numpy >= 2.0\n    torch >= 2.4\n"
        "[options.extras_require]\n# words\nphysics =\n    pythia8mc >= 8.317.2, != 8.318\nall =\n    %(physics)s\n"
        "lint =\n    ruff >= 0.6\ntest =\n    %(all)s\n    lazy_loader >= 0.4\n"
    )
    (tmp_path / "constraints.txt").write_text("numpy==2.4.6\ntorch==2.13.0\ntorch-geometric==2.8.1\n")
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, tmp_path / ".ci" / "lowest.py"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["lazy_loader==0.4", "numpy==2.0", "pythia8mc==8.317.2", "torch==2.13.0"]
