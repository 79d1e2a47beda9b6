"""Processes for chunks and steps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = """
import os, sys, time
from pathlib import Path
from rs3l_gnn.conventions.processes import run_on_processes

def step(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    list(run_on_processes(step, [sys.argv[1]], 1))
"""


def test_a_worker_ends_with_its_killed_parent(tmp_path: Path) -> None:
    """Otherwise it would write into the same folders as the next run."""
    script, written = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(SCRIPT)
    with subprocess.Popen([sys.executable, str(script), str(written)]) as parent:  # noqa: S603 - a script of this test
        while not (written.exists() and written.read_text()):
            assert parent.poll() is None
            time.sleep(0.1)
        worker = int(written.read_text())
        parent.send_signal(signal.SIGKILL)
    while _runs(worker):
        time.sleep(0.1)


ANALYSIS = """
import os, sys, time
from pathlib import Path
from rs3l_gnn.running.executors.futures import Futures

class Chunk:
    dataset, filename, entrystart, entrystop = "d", "f.root", 0, 1

def warm():
    return 0.0

def step(chunk):
    Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    with Futures(workers=2).open(warm, retries=0) as workers:
        list(workers.results([Chunk()], step))
"""


def test_the_pool_of_an_analysis_ends_with_its_killed_parent(tmp_path: Path) -> None:
    """All of it: an idle worker waits for a queue that its own copy keeps open, for ever."""
    script, written = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(ANALYSIS)
    command = [sys.executable, str(script), str(written)]
    with subprocess.Popen(command, start_new_session=True) as parent:  # noqa: S603 - a script of this test
        while not (written.exists() and written.read_text()):
            assert parent.poll() is None
            time.sleep(0.1)
        parent.send_signal(signal.SIGKILL)
    while _of_session(parent.pid):
        time.sleep(0.1)


IMPORTING = """
import os, sys, time
from pathlib import Path

if __name__ != "__main__":  # a worker imports what holds its task
    Path(sys.argv[1]).write_text(str(os.getpid()))
    time.sleep(1)
    Path(sys.argv[2]).touch()

from rs3l_gnn.conventions.errors import Rs3lError
from rs3l_gnn.conventions.processes import run_on_processes

def step(_):
    time.sleep(600)

if __name__ == "__main__":
    try:
        list(run_on_processes(step, [1], 1))
    except Rs3lError:
        sys.exit(3)
"""


def test_a_worker_says_nothing_of_a_ctrl_c_while_it_starts(tmp_path: Path) -> None:
    """The signal waits until the worker has begun, and ends it then; in an import it would be a traceback."""
    script, importing, imported = (tmp_path / name for name in ("parent.py", "importing", "imported"))
    script.write_text(IMPORTING)
    command = [sys.executable, str(script), str(importing), str(imported)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as parent:  # noqa: S603 - a script of this test
        while not (importing.exists() and importing.read_text()):
            assert parent.poll() is None
            time.sleep(0.05)
        os.kill(int(importing.read_text()), signal.SIGINT)
        _, said = parent.communicate()
    assert (parent.returncode, said) == (3, b"")
    assert imported.exists()


TRAINING = """
import os, sys, time
from pathlib import Path
from rs3l_gnn.cli.stopping import stopping
from rs3l_gnn.conventions.processes import run_on_processes

def step(path):
    from lightning.pytorch import Trainer
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    trainer._signal_connector.register_signal_handlers()
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    with stopping():
        list(run_on_processes(step, [sys.argv[1]], 1))
"""


def test_a_worker_that_trains_ends_with_the_signal(tmp_path: Path) -> None:
    """Lightning's own handler of SIGTERM would let it go on to the end of an epoch, and its parent wait for that."""
    script, written = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(TRAINING)
    with subprocess.Popen([sys.executable, str(script), str(written)], stderr=subprocess.PIPE) as parent:  # noqa: S603 - a script of this test
        while not (written.exists() and written.read_text()):
            assert parent.poll() is None
            time.sleep(0.1)
        parent.send_signal(signal.SIGTERM)
        _, said = parent.communicate()
    assert b"Stopped" in said
    assert not _runs(int(written.read_text()))


def _of_session(leader: int) -> list[int]:
    """Processes of a session that run; Python's tracker of resources ends by itself soon after."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = path.read_text(errors="replace").rpartition(")")[2].split()[:4]
            command = (path.parent / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if int(session) == leader and state not in "ZX" and "resource_tracker" not in command:
            found.append(int(path.parent.name))
    return found


def _runs(pid: int) -> bool:
    """False for a process that is gone, or is dead and waits for someone to fetch its status."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
