"""Runs that are told to stop, in real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, threading, time, multiprocessing
from pathlib import Path
from rs3l_gnn.cli import app
from rs3l_gnn.cli.app import verb
from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.conventions.locks import hold

@verb()
def weights(output: Path = Path("out")) -> None:
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    threading.Thread(target=lambda: child.join() or 1 / 0).start()  # as a pool complains that misses a worker
    with hold(output), atomic_file(output) as partial:
        partial.write_text("half")
        print(child.pid, flush=True)
        try:
            child.join()
            raise ConnectionError("a worker went away")
        except OSError as error:
            raise RuntimeError("what a library makes of it") from error

sys.argv = ["rs3l", "weights", "--output", sys.argv[1]]
app()
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_nothing_is_left_half_written_and_no_process(number: signal.Signals, status: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "out")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload] # noqa: S603  # own interpreter
    child = int(process.stdout.readline())
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == status
    assert errors == "rs3l weights: stopped; nothing is left half-written\n"
    assert list(tmp_path.iterdir()) == []
    assert not Path(f"/proc/{child}").exists()


TIDYING = """
import ctypes, gc, sys, time, weakref
from pathlib import Path
from rs3l_gnn.cli import app
from rs3l_gnn.cli.app import verb
from rs3l_gnn.conventions import atomic_file

def wait():
    print("here", flush=True)
    time.sleep(600)

class Tidied:
    def __del__(self):
        wait()

class Plain:
    pass

def deleted():
    Tidied()

def weak():
    one = Plain()
    reference = weakref.ref(one, lambda _: wait())
    del one

def collected():
    gc.callbacks.append(lambda phase, _: gc.callbacks.clear() or wait())
    gc.collect()

def of_c():
    ctypes.CFUNCTYPE(None)(wait)()

ways = {way.__name__: way for way in (deleted, weak, collected, of_c)}

@verb()
def weights(output: Path = Path("out")) -> None:
    with atomic_file(output) as partial:
        partial.write_text("half")
        ways[way]()
        Tidied()
        time.sleep(600)

way = sys.argv.pop()
app()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("way", ["deleted", "weak", "collected", "of_c"])
def test_a_signal_while_python_tidies_up_is_heard(way: str, number: signal.Signals, tmp_path: Path) -> None:
    """Twice: what it raises is dropped in the first place, and in one more to which it comes again."""
    command = [sys.executable, "-c", TIDYING, "weights", "--output", str(tmp_path / "out"), way]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload] # noqa: S603  # own interpreter
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == 128 + number
    assert output == "here\n"  # the second one
    assert errors == "rs3l weights: stopped; nothing is left half-written\n"
    assert list(tmp_path.iterdir()) == []


HELD = """
import sys, threading
from rs3l_gnn import cli
from rs3l_gnn.cli import stopping

status = int(sys.argv[1])

@cli.app.command()
def held() -> None:
    threading.Thread(target=threading.Event().wait).start()  # the interpreter would wait for it
    raise SystemExit(status)

stopping._PATIENCE = 0.5
sys.argv[1:] = ["held"]
cli.main()
"""


@pytest.mark.parametrize("status", [130, 143])
def test_a_thread_that_never_ends_does_not_keep_the_process(status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", HELD, str(status)], check=False)  # noqa: S603  # own interpreter
    assert ended.returncode == status
