"""Runs in processes of their own that faults are done to."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from rs3l_gnn.benchmarks.reliability.jobs import Job

WAITING = """
import time
from pathlib import Path

Path("here").touch()
time.sleep(60)
"""


def test_a_ctrl_c_is_heard_whoever_started_the_run(tmp_path: Path) -> None:
    """Also before the verbs listen: what is imported for them waits here, and knows nothing of signals."""
    (tmp_path / "rs3l_gnn").mkdir()
    (tmp_path / "rs3l_gnn" / "__init__.py").touch()
    (tmp_path / "rs3l_gnn" / "cli.py").write_text(WAITING)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = Job("pair", (), "out.h5").start(tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    while not (tmp_path / "here").exists():
        assert running.process.poll() is None
        time.sleep(0.05)
    running.signal(signal.SIGINT)
    assert running.wait().status == -signal.SIGINT
