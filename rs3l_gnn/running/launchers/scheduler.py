"""The workers of a Dask scheduler that runs already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pydantic import Field

from rs3l_gnn.conventions import ClusterError
from rs3l_gnn.running.launcher import Launcher, first_worker

__all__ = ["Scheduler"]


class Scheduler(Launcher):
    """A scheduler that runs already; it goes on when the analysis is done."""

    name: Literal["scheduler"] = "scheduler"
    address: str = Field(description="tcp://host:port")
    connect_timeout: int = Field(default=60, ge=1, description="seconds to wait for the scheduler")
    worker_timeout: int = Field(default=300, ge=1, description="seconds to wait for the first worker")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """A client of the scheduler."""
        import distributed

        make_client: Any = distributed.Client  # it has no types
        try:
            client = make_client(self.address, timeout=f"{self.connect_timeout}s")
        except OSError as error:
            raise ClusterError(
                f"cannot reach the Dask scheduler {self.address}: {error}", hint="start it, or mend the address"
            ) from error
        with client:
            first_worker(client, self.worker_timeout)
            yield client
