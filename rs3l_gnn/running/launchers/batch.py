"""Dask workers that are jobs of a batch system, by dask-jobqueue."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from typing import Any, ClassVar, Literal

from pydantic import Field

from rs3l_gnn.conventions import ClusterError, ConfigError, MissingDependencyError
from rs3l_gnn.running.launcher import Launcher, first_worker

__all__ = ["HTCondor", "Slurm"]

_SECONDS = 5.0
"""Between two looks whether jobs are missing."""


class BatchSystem(Launcher):
    """Jobs of a batch system, each a Dask worker for one core."""

    jobs: int = Field(default=1, ge=1, description="jobs to submit, each a worker")
    memory: str = Field(default="2GB", description="for each job")
    worker_timeout: int = Field(default=300, ge=1, description="seconds to wait for the first job to start")
    options: dict[str, Any] = Field(
        default_factory=dict, description="anything else that dask-jobqueue's class of this system takes"
    )

    cluster_class: ClassVar[str]
    """Name of dask-jobqueue's class."""

    def make_cluster(self) -> Any:
        """The cluster, before any job.

        Raises:
            MissingDependencyError: dask-jobqueue is not installed.
            ConfigError: it has no such options.
        """
        try:
            import dask_jobqueue
        except ImportError as error:
            raise MissingDependencyError(
                f"the launcher {self.name} needs dask-jobqueue", hint="pip install 'rs3l_gnn[batch]'"
            ) from error
        make_cluster = getattr(dask_jobqueue, self.cluster_class)
        # Looked at beforehand: a cluster that fails half-way through warns when it is collected.
        makers = (make_cluster, *make_cluster.__mro__[1:2], *make_cluster.job_cls.__mro__[:2])
        known = {name for maker in makers for name in signature(maker.__init__).parameters} - {"self", "kwargs"}
        unknown = sorted(self.options.keys() - known)
        if unknown:
            raise ConfigError(f"{self.cluster_class} has no options {', '.join(unknown)}", allowed=sorted(known))
        return make_cluster(cores=1, memory=self.memory, **self._resources(), **self.options)

    @contextmanager
    def open(self) -> Iterator[Any]:
        """A client of a new cluster, once its first job runs; later ones join in, and lost ones are submitted again."""
        import distributed

        make_client: Any = distributed.Client  # it has no types
        with self.make_cluster() as cluster:
            submit = cluster.job_cls.submit_command
            if shutil.which(submit.split()[0]) is None:
                raise ClusterError(
                    f"there is no {submit} here, which submits the jobs of {self.name}",
                    hint="run where jobs are submitted, or choose another launcher",
                )
            cluster.scale(jobs=self.jobs)
            with make_client(cluster) as client, _replaced(cluster, self.jobs):
                first_worker(client, self.worker_timeout)
                yield client

    def _resources(self) -> dict[str, Any]:
        return {}


@contextmanager
def _replaced(cluster: Any, jobs: int) -> Iterator[None]:
    """Jobs that have ended at their wall time or otherwise are submitted again.

    Dask forgets the worker of such a job and submits another one only when it is told how many there should be; its
    adaptive mode counts the lost ones as there.
    """
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(_SECONDS):
            cluster.scale(jobs=jobs)

    thread = threading.Thread(target=tell, name="rs3l-jobs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class HTCondor(BatchSystem):
    """Jobs of HTCondor."""

    name: Literal["htcondor"] = "htcondor"
    disk: str = Field(default="1GB", description="for each job")

    cluster_class: ClassVar[str] = "HTCondorCluster"

    def _resources(self) -> dict[str, Any]:
        return {"disk": self.disk}


class Slurm(BatchSystem):
    """Jobs of Slurm."""

    name: Literal["slurm"] = "slurm"
    queue: str | None = Field(default=None, description="partition; null for the default one")
    walltime: str = Field(default="02:00:00", description="of each job")

    cluster_class: ClassVar[str] = "SLURMCluster"

    def _resources(self) -> dict[str, Any]:
        return {"queue": self.queue, "walltime": self.walltime}
