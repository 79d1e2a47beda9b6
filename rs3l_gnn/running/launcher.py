"""What a launcher of Dask clusters is. No Dask in here, so that configurations parse quickly."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from rs3l_gnn.conventions import BaseConfig, ClusterError

__all__ = ["Launcher", "first_worker"]


class Launcher(BaseConfig):
    """Where Dask workers come from. Each launcher derives its settings from this class, and says how it starts."""

    name: str

    @abstractmethod
    def open(self) -> AbstractContextManager[Any]:
        """A ``distributed.Client`` with at least one worker; what was started for it stops at the end of the block.

        Raises:
            ClusterError: the cluster cannot be reached, or has no workers.
        """


def first_worker(client: Any, seconds: float) -> None:
    """Wait for the first worker of a cluster.

    Raises:
        ClusterError: there is none yet.
    """
    try:
        client.wait_for_workers(1, timeout=seconds)  # a batch system takes its time
    except TimeoutError as error:
        raise ClusterError(
            f"the Dask scheduler {client.scheduler.address} has no workers after {seconds:g} s",
            hint="start some, or raise worker_timeout",
        ) from error
