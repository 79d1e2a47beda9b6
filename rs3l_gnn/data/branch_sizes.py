"""How many bytes of a file belong to a branch."""

from __future__ import annotations

from typing import Any

from uproot.behaviors.RNTuple import HasFields

__all__ = ["compressed_bytes"]


def compressed_bytes(branch: Any) -> int:
    """Bytes in the file of a branch of a TTree, keys of its baskets included, or of a field of an RNTuple.

    Args:
        branch: of uproot.
    """
    if not isinstance(branch, HasFields):
        return int(branch.compressed_bytes)
    ntuple = branch.ntuple
    fields = {branch.field_id}
    for number, record in enumerate(ntuple.field_records):  # parts of a field stand behind it
        if record.parent_field_id in fields:
            fields.add(number)
    columns = [number for number, record in enumerate(ntuple.column_records) if record.field_id in fields]
    pages = (page for cluster in ntuple.page_link_list for column in columns for page in cluster[column].pages)
    return sum(int(page.locator.num_bytes) for page in pages)
