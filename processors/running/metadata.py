"""What the metadata of a data set say about it; the words are those of every reader of filesets."""

from __future__ import annotations

from rs3l_gnn.data.fileset import flag, is_simulation

__all__ = ["flag", "is_simulation"]
