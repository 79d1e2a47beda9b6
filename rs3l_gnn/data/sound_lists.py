"""Lists that lie in what was read with them."""

from __future__ import annotations

from typing import Any

import awkward as ak

__all__ = ["sound"]


def sound(arrays: Any, path: str) -> Any:
    """Arrays of awkward that uproot has read, which takes places of lists as a damaged file gives them.

    Args:
        arrays: any.
        path: of the file.

    Raises:
        ValueError: lists that do not lie in their content: awkward would read beyond its memory. The message ends as
            those of uproot about a file's content do.
    """
    if isinstance(arrays, ak.Array) and ak.validity_error(arrays):
        raise ValueError(f"lists do not lie in their baskets in file {path}")
    return arrays
