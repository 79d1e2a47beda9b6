"""One chunk after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from rs3l_gnn.running.executor import Executor, Function, Workers

__all__ = ["Iterative"]


class Iterative(Executor):
    """One chunk after another, in this process."""

    name: Literal["iterative"] = "iterative"

    @contextmanager
    def open(self, warm_up: Callable[[], float], *, retries: int) -> Iterator[Workers]:
        """Nothing to start."""
        del warm_up, retries
        yield Workers(_results, 1, None)


def _results(items: Sequence[Any], function: Function) -> Generator[Any]:
    yield from map(function, items)
