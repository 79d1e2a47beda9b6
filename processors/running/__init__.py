"""How an analysis runs: filesets, chunks, executors, exact sums, outputs.

An analysis of one's own changes nothing here.
"""

__all__: list[str] = []
