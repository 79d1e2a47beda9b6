"""Chunks of files on workers: executors, launchers of clusters, and what is kept of finished chunks.

A verb that works on files in chunks says what is done with one; who does it, and what happens when a worker dies,
stands here.
"""

__all__: list[str] = []
