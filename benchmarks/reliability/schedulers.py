"""A Dask scheduler with a worker, in processes of their own, which can be killed and come back at the same address."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["DaskProcesses", "dask_processes"]


class DaskProcesses:
    """Scheduler and worker.

    Args:
        log: file for what they say.
    """

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._log, self._running = log, list[subprocess.Popen[bytes]]()

    def start(self) -> None:
        """Start both; whoever connects waits for them."""
        here = ("--no-dashboard", "--host", "127.0.0.1")
        self._start("dask_scheduler", *here, "--port", str(self._port))
        self._start("dask_worker", self.address, *here, "--nthreads", "1", "--no-nanny", "--death-timeout", "60")

    def kill(self) -> None:
        """Kill both, which end without a word to anybody."""
        for process in self._running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def _start(self, name: str, *options: str) -> None:
        with self._log.open("ab") as log:
            self._running.append(
                subprocess.Popen(  # noqa: S603  # own interpreter
                    [sys.executable, "-m", f"distributed.cli.{name}", *options],
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )


@contextmanager
def dask_processes(log: Path) -> Iterator[DaskProcesses]:
    """Both, until the end of the block."""
    processes = DaskProcesses(log)
    processes.start()
    try:
        yield processes
    finally:
        processes.kill()
