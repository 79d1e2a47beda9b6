"""The coffea schema that reads every supported event file."""

from __future__ import annotations

from typing import Any, ClassVar

from coffea.nanoevents import BaseSchema, DelphesSchema, PFNanoAODSchema

__all__ = ["JetSchema"]


class JetSchema(PFNanoAODSchema):  # type: ignore[misc]  # coffea ships no type information
    """PFNano's and NanoAOD's collections without cross references; Delphes' collections; flat branches as they are.

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

    def __init__(self, base_form: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        fields = base_form["fields"]
        if any(name.rpartition("/")[2].startswith("EFlowTrack.") for name in fields):
            self._form = DelphesSchema({**base_form, "fields": [_delphes_name(name) for name in fields]}).form
        elif "pfcand_pt" in fields and "event" not in fields:
            BaseSchema.__init__(self, base_form)
        else:
            super().__init__(base_form, *args, **kwargs)

    @classmethod
    def behavior(cls) -> dict[Any, Any]:
        """Behaviours of all the schemas."""
        return {**super().behavior(), **DelphesSchema.behavior()}


def _delphes_name(name: str) -> str:
    """Delphes' split collections are branches of branches (``Jet/Jet.PT``); copies of such files have flat names."""
    collection, dot, _ = name.partition(".")
    return f"{collection}/{name}" if dot and "/" not in name else name
