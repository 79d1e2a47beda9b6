"""The coffea schema that reads every supported event file."""

from __future__ import annotations

from typing import Any, ClassVar

from coffea.nanoevents import PFNanoAODSchema

__all__ = ["JetSchema"]


class JetSchema(PFNanoAODSchema):  # type: ignore[misc]  # coffea ships no type information
    """PFNano's collections without cross references.

    The links from jets to candidates are followed by ``rs3l_gnn.data.formats``; coffea's own references between
    collections warn about every collection that a file leaves out, and raise for real PFNano files.
    """

    mixins: ClassVar[dict[str, str]] = {
        # Four-vectors where the files are sure to have what one needs; coffea's jets also ask for a charge.
        "FatJet": "PtEtaPhiMCollection",
        "PFCands": "PtEtaPhiMCollection",
        "PFCand": "PtEtaPhiMCollection",
    }
    all_cross_references: ClassVar[dict[str, str]] = {}
    nested_items: ClassVar[dict[str, Any]] = {}
    nested_index_items: ClassVar[dict[str, Any]] = {}
    special_items: ClassVar[dict[str, Any]] = {}
    full_like_items: ClassVar[dict[str, Any]] = {}
    warn_missing_crossrefs = False
