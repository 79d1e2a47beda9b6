"""Dask workers on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import Field

from rs3l_gnn.running.launcher import Launcher

__all__ = ["Local"]


class Local(Launcher):
    """Processes on this machine."""

    name: Literal["local"] = "local"
    workers: int = Field(default=1, ge=1, description="processes")
    memory_limit: str = Field(default="1.5GB", description="for each worker")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """A client of a cluster of its own."""
        import dask
        import distributed

        # Their types are only there in part.
        make_client: Any = distributed.Client
        make_cluster: Any = distributed.LocalCluster
        # Separate processes on loopback: threads would share one interpreter. The dashboard takes any free port there:
        # without an address, distributed insists on 8787 and warns when another cluster has it.
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
            make_cluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=self.memory_limit,
                silence_logs=logging.CRITICAL,  # a worker's own errors come back with its results
            ) as cluster,
            make_client(cluster) as client,
        ):
            client.wait_for_workers(self.workers, timeout=120)
            yield client
