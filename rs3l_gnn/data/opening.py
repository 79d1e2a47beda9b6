"""How a file of events is opened: local ones are read by the thread that asks, others by fsspec."""

from __future__ import annotations

from typing import Any

import uproot

from rs3l_gnn.data.local_source import LocalSource

__all__ = ["is_local", "open_events", "reading_options"]


def reading_options(path: str) -> dict[str, Any]:
    """What ``uproot.open`` is told of a file besides its path.

    By itself uproot hands every request to another thread, for local files as well, and waits: for the twenty columns
    of a small chunk that takes as long as the bare network. A file that is mapped into memory would end the process
    where another one cuts it short.
    """
    return {} if "://" in path else {"handler": LocalSource, "use_threads": False}


def open_events(path: str, *, timeout: int = 60) -> Any:
    """Open a ROOT file.

    Args:
        path: path or URL.
        timeout: seconds for a remote file.
    """
    return uproot.open({path: None}, timeout=timeout, **reading_options(path))


def is_local(tree: Any) -> bool:
    """True for a tree of a file that is read by the thread that asks: many small requests cost no more than one."""
    return isinstance(tree.file.source, LocalSource)
