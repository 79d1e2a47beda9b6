"""Faults done to a run: after each, the same command is run again and its arrays compared with an undisturbed run's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rs3l_gnn.benchmarks.reliability.jobs import Ended, Job, Running
from rs3l_gnn.benchmarks.reliability.outputs import differences, leftovers
from rs3l_gnn.benchmarks.reliability.schedulers import dask_processes

__all__ = ["FAULTS", "Fault", "Reference", "lost"]


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: its output and how long it took (s)."""

    output: Path
    seconds: float

    @classmethod
    def make(cls, job: Job, folder: Path) -> Reference:
        """Run it once.

        Raises:
            RuntimeError: it fails.
        """
        start = time.monotonic()
        ended = job.run(folder)
        if ended.status != 0:
            raise RuntimeError(f"{job.verb} ends with {ended.status}: {ended.errors}")
        return cls(folder / job.output, time.monotonic() - start)


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        strike: starts the run, does it harm and waits for its end; gives how it ended.
        allowed: exit statuses that it may end with; None for any.
        verbs: to which it can happen; None for all.
    """

    strike: Callable[[Job, Path, Reference, np.random.Generator], Ended]
    allowed: tuple[int, ...] | None
    verbs: tuple[str, ...] | None = None

    def concerns(self, verb: str) -> bool:
        """Whether it can happen to a run of this verb."""
        return self.verbs is None or verb in self.verbs


def lost(fault: Fault, job: Job, reference: Reference, folder: Path, seed: int) -> list[str]:
    """What a fault did that it must not; empty if the run survived it.

    Args:
        fault: which.
        job: the run.
        reference: what it gives undisturbed.
        folder: to run in; empty.
        seed: of the moment and place of the fault.
    """
    try:
        return _lost(fault, job, reference, folder, np.random.default_rng([seed, zlib.crc32(job.verb.encode())]))
    finally:
        _unmount(folder)


def _lost(fault: Fault, job: Job, reference: Reference, folder: Path, rng: np.random.Generator) -> list[str]:
    ended = fault.strike(job, folder, reference, rng)
    problems = []
    if fault.allowed is not None and ended.status not in fault.allowed:
        problems.append(f"ends with {ended.status}: {ended.errors[-500:]}")
    if "Traceback" in ended.errors or list(folder.rglob("*.defect.log")):
        problems.append(f"a traceback or a report of a defect: {ended.errors[-1500:]}")
    if not _is_finished(job, folder):
        again = job.run(folder)
        if again.status != 0:
            return [*problems, f"run again, it ends with {again.status}: {again.errors[-500:]}"]
    problems += [f"{name or job.output} differs" for name in differences(folder / job.output, reference.output)]
    return problems + [f"{name} is left" for name in leftovers(folder)]


def _is_finished(job: Job, folder: Path) -> bool:
    """Whether an output is there, which a second run would refuse to replace."""
    if job.verb in ("simulate", "study"):  # these go on
        return (folder / job.output / "qcd" / "simulation.json").exists()
    return (folder / job.output).exists()


def _wait_for_end(running: Running) -> Ended:
    """Wait, and see that nothing of its session runs on; what does counts as a failure and is killed."""
    ended = running.wait()
    for _ in range(50):
        left = running.processes()
        if not left:
            return ended
        time.sleep(0.2)
    running.signal(signal.SIGKILL)
    return Ended(ended.status, f"{ended.errors}\nTraceback: {len(left)} processes run on")


def _signalled(number: int, *, everybody: bool) -> Callable[[Job, Path, Reference, np.random.Generator], Ended]:
    def strike(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
        running = job.start(folder)
        time.sleep(rng.uniform(0, reference.seconds))
        running.signal(number, everybody=everybody)
        return _wait_for_end(running)

    return strike


def _killed_worker(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """Kill one process below the first, at any time of the run; Python's tracker of resources is no worker."""
    running = job.start(folder)
    time.sleep(rng.uniform(0, reference.seconds))
    others = [
        one for one in running.processes() if one != running.process.pid and "resource_tracker" not in _command(one)
    ]
    if others:
        with suppress(ProcessLookupError):
            os.kill(int(rng.choice(others)), signal.SIGKILL)
    return _wait_for_end(running)


def _command(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    return ""


def _full_disk(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """A disk that has room for a part of the output, then for all of it; without the right to make one, small files."""
    files = [path.stat().st_size for path in _files(reference.output)]
    room = int(sum(files) * rng.uniform(0.05, 0.9))
    if _mount(folder, f"size={max(room, 8192)}"):
        ended = _wait_for_end(job.start(folder))
        _mount(folder, "remount,size=1g")
        return ended
    return _wait_for_end(job.start(folder, environment={"LARGEST_FILE": str(int(max(files) * rng.uniform(0.05, 0.9)))}))


def _small_files(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """Writes that fail beyond a size."""
    largest = max(path.stat().st_size for path in _files(reference.output))
    return _wait_for_end(job.start(folder, environment={"LARGEST_FILE": str(int(largest * rng.uniform(0.05, 0.95)))}))


def _read_only(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """A file system that may not be written, where this user may make one; else a folder without permission."""
    del reference, rng
    if _mount(folder, "size=1m"):
        _mount(folder, "remount,ro")
    else:
        folder.chmod(0o500)
    ended = _wait_for_end(job.start(folder))
    if not _mount(folder, "remount,rw,size=1g"):
        folder.chmod(0o700)
    return ended


def _two_runs(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """A second run into the same place, shortly after the first: one of them writes, the other says who does."""
    first = job.start(folder)
    time.sleep(rng.uniform(0, 0.5 * reference.seconds))
    ends = [_wait_for_end(job.start(folder)), _wait_for_end(first)]
    if sorted(end.status for end in ends) not in ([0, 2], [0, 0]):  # both 0: a study whose steps are done
        return Ended(1, "; ".join(f"{end.status}: {end.errors[-500:]}" for end in ends))
    told = [end.errors for end in ends if end.status == 2]
    words = ("another run writes", "exists already", "complete simulation")
    if not all(any(word in text for word in words) for text in told):
        return Ended(1, told[0])
    return Ended(0, "")


def _input_goes(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    return _with_input(job, folder, reference, rng, lambda path: path.rename(path.with_suffix(".gone")))


def _input_changes(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """Half of it is there, as when it is being copied."""

    def cut(path: Path) -> None:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return _with_input(job, folder, reference, rng, cut)


def _with_input(
    job: Job, folder: Path, reference: Reference, rng: np.random.Generator, harm: Callable[[Path], object]
) -> Ended:
    """Harm one input while it is read; it is good again for the next run. What was read before is a good result."""
    path = job.inputs[int(rng.integers(len(job.inputs)))]
    content = path.read_bytes()
    running = job.start(folder)
    time.sleep(rng.uniform(0, reference.seconds))
    try:
        harm(path)
        return _wait_for_end(running)
    finally:
        path.write_bytes(content)


def _clock_jumps(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    del reference
    return _wait_for_end(job.start(folder, environment={"CLOCK_JUMPS": str(rng.integers(2**31))}))


def _scheduler_dies(job: Job, folder: Path, reference: Reference, rng: np.random.Generator) -> Ended:
    """The scheduler of a cluster dies, with its worker, and another one comes at the same address."""
    with dask_processes(folder.with_name(f"{folder.name}-dask.log")) as cluster:
        run = f"run={{executor: dask, scheduler: '{cluster.address}', worker_timeout: 60, chunksize: 20}}"
        running = job.start(folder, more=("--set", run))
        time.sleep(rng.uniform(0, 1.5 * reference.seconds))
        cluster.kill()
        time.sleep(0.5)
        cluster.start()
        return _wait_for_end(running)


def _mount(folder: Path, options: str) -> bool:
    """Put a file system of its own there, or change it; only where this user may."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or os.geteuid() != 0:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603  # fixed words


def _unmount(folder: Path) -> None:
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)  # noqa: S603, S607  # fixed words


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]


FAULTS = {
    "SIGKILL": Fault(_signalled(signal.SIGKILL, everybody=False), (0, -9)),
    "SIGTERM": Fault(_signalled(signal.SIGTERM, everybody=True), (0, 143, -15)),
    "Ctrl-C": Fault(_signalled(signal.SIGINT, everybody=True), (0, 130, -2, 1)),
    "killed worker": Fault(_killed_worker, (0, 2)),
    "full disk": Fault(_full_disk, (0, 2)),
    "small files": Fault(_small_files, (0, 2)),
    "read-only output": Fault(_read_only, (2,)),
    "two runs": Fault(_two_runs, (0,)),
    "input goes": Fault(_input_goes, (0, 2)),
    "input changes": Fault(_input_changes, (0, 2)),
    "clock jumps": Fault(_clock_jumps, (0,)),
    "scheduler dies": Fault(_scheduler_dies, (0, 2), ("analyze",)),
}
"""By name; a signal before the run listens ends it as the shell's table says."""
