"""What is kept of compiled code counts for all files whose functions became pieces of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from rs3l_gnn.models.kernels import compiled
compiled._sources = lambda: sys.argv[2]
import outer
print(outer.twice(3.0), sum(outer.twice.stats.cache_hits.values()))
"""
OUTER = """
from inner import piece
from rs3l_gnn.models.kernels.compiled import compiled

@compiled
def twice(x):
    return 2 * piece(x)
"""
INNER = """
from rs3l_gnn.models.kernels.compiled import compiled

@compiled
def piece(x):
    return x + {}
"""


def test_a_piece_of_another_file_is_compiled_anew(tmp_path: Path) -> None:
    def run(sources: str) -> str:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), sources]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own program

    (tmp_path / "outer.py").write_text(OUTER, encoding="utf-8")
    (tmp_path / "inner.py").write_text(INNER.format("1.0"), encoding="utf-8")
    assert [run("before"), run("before")] == ["8.0 0\n", "8.0 1\n"]
    (tmp_path / "inner.py").write_text(INNER.format("5.0"), encoding="utf-8")
    assert run("after") == "16.0 0\n"
