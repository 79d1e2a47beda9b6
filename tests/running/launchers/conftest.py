"""A Slurm of one node on the loopback: munged, slurmctld and slurmd in a folder, for the length of a block."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
"""What Debian's slurm-wlm and munge install; the first three where no shell of a user looks for them."""
_SYSTEM = "/usr/sbin:/usr/local/sbin"
_CONFIGURATION = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=1,sched_interval=2
MpiDefault=none
ReturnToService=2
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN
PartitionName=short Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class LoopbackSlurm:
    """A Slurm that runs.

    Attributes:
        environment: for its commands.
    """

    environment: dict[str, str]

    def shown(self, what: str) -> str:
        """One line for each node or job."""
        command = ["scontrol", "show", what, "--oneliner"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout  # noqa: S603

    def job_states(self) -> list[str]:
        """States of all jobs that it ever had, the first first."""
        words = self.shown("job").split()
        return [word.removeprefix("JobState=") for word in words if word.startswith("JobState=")]

    def workers(self) -> list[int]:
        """Process numbers of the Dask workers in its jobs, each a child of its nanny."""
        found = []
        ours = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                variables, words = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
            except OSError:  # it has ended, or is somebody else's
                continue
            if ours in variables.split(b"\0") and b"SLURM_JOB_ID=" in variables and b"spawn_main" in words:
                found.append(int(folder.name))
        return found


@pytest.fixture
def loopback_slurm(tmp_path: Path) -> Iterator[LoopbackSlurm]:
    """A Slurm of one node and a partition ``short``; skips where it is not installed."""
    missing = [name for name in _PROGRAMS if _program(name) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)} here: apt-get install slurm-wlm munge")
    folder = tmp_path / "slurm"
    folder.mkdir()
    with _slurm(folder) as running:
        yield running


def _program(name: str) -> str | None:
    """Its path; daemons stand where a user's PATH does not lead."""
    return shutil.which(name, path=f"{os.environ['PATH']}:{_SYSTEM}")


@contextmanager
def _slurm(folder: Path) -> Iterator[LoopbackSlurm]:
    """Start the daemons, and stop jobs and daemons at the end."""
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
    for name in ("state", "spool"):
        (folder / name).mkdir()
    configuration = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    configuration.write_text(_CONFIGURATION.format(host=host, user=user, folder=folder, ports=_free_ports(2)))
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    slurm = LoopbackSlurm(environment)
    files = {"key-file": key, **{f"{what}-file": folder / f"munge.{what}" for what in ("pid", "log", "seed")}}
    munged = ["munged", "--foreground", "--force", "--num-threads=1", f"--socket={folder}/munge.socket"]
    with ExitStack() as running:
        for command in (
            [*munged, *(f"--{name}={path}" for name, path in files.items())],
            ["slurmctld", "-D", "-i", "-f", str(configuration)],
            ["slurmd", "-D", "-f", str(configuration)],
        ):
            running.enter_context(_daemon(command, folder, environment))
            if command[0] == "munged":
                _wait_for((folder / "munge.socket").exists, "munged made no socket", folder)
        _wait_for(lambda: "State=IDLE" in slurm.shown("node"), "no node is idle", folder)
        try:
            yield slurm
        finally:
            subprocess.run(["scancel", "--user", user], env=environment, check=False)  # noqa: S603, S607
            _wait_for(lambda: not set(slurm.job_states()) & {"RUNNING", "COMPLETING"}, "jobs go on", folder)


@contextmanager
def _daemon(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    path = _program(command[0])
    assert path is not None
    with (folder / f"{command[0]}.out").open("w") as log:
        process = subprocess.Popen([path, *command[1:]], stdout=log, stderr=log, env=environment)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(condition: Callable[[], bool], complaint: str, folder: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            logs = "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.out")))
            raise RuntimeError(f"{complaint} after {seconds} s:\n{logs}")
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
