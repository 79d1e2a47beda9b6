"""The coffea schema that reads every supported event file."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar

from coffea.nanoevents import BaseSchema, DelphesSchema, PFNanoAODSchema

from rs3l_gnn.data.event_format import collection_of
from rs3l_gnn.data.format_registry import find_format

__all__ = ["JetSchema"]

# Four-vectors where a file has what one needs; coffea's jets also ask for a charge.
_VECTORS = dict.fromkeys(("FatJet", "PFCands", "PFCand"), "PtEtaPhiMCollection")


class JetSchema(PFNanoAODSchema):  # type: ignore[misc]  # coffea ships no type information
    """PFNano's and NanoAOD's collections without cross references; Delphes' collections; flat branches as they are.

    The links from jets to candidates are followed by ``rs3l_gnn.data``; coffea's own references between
    collections warn about every collection that a file leaves out, and raise for real PFNano files.
    """

    mixins: dict[str, str]
    all_cross_references: ClassVar[dict[str, str]] = {}
    nested_items: ClassVar[dict[str, Any]] = {}
    nested_index_items: ClassVar[dict[str, Any]] = {}
    special_items: ClassVar[dict[str, Any]] = {}
    full_like_items: ClassVar[dict[str, Any]] = {}
    warn_missing_crossrefs = False

    def __init__(self, base_form: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        fields = base_form["fields"]
        separator = _separator(fields)
        if separator == ".":
            named = [_delphes_name(name) for name in fields]
            self._form = _delphes_schema(named)({**base_form, "fields": named}).form
        elif not separator:
            BaseSchema.__init__(self, base_form)
        else:
            self.mixins = {
                name: kind
                for name, kind in _VECTORS.items()
                if all(f"{name}_{field}" in fields for field in ("pt", "eta", "phi", "mass"))
            }
            super().__init__(base_form, *args, **kwargs)

    def with_metadata(self, metadata: Mapping[str, Any]) -> JetSchema:
        """The same view of another chunk: what coffea makes of the branches, with the metadata of that chunk."""
        parameters = self._form["parameters"]
        made = copy(self)
        made._form = {**self._form, "parameters": {**parameters, "metadata": {**metadata, **parameters["metadata"]}}}
        return made

    @classmethod
    def behavior(cls) -> dict[Any, Any]:
        """Behaviours of all the schemas."""
        return {**super().behavior(), **DelphesSchema.behavior()}


def _separator(fields: list[str]) -> str:
    """What stands between collection and field in the names of a tree's branches; nothing in flat trees."""
    names = {name.rpartition("/")[2] for name in fields}
    form = find_format({*names, *map(collection_of, names)}, candidates=False)
    if form is not None:
        return form.separator
    return "_" if "event" in names or any(f"n{collection_of(name)}" in names for name in names) else ""


# What coffea's behaviour of a collection is made of; each entry lists branches of which one is enough.
_VECTOR = (("PT",), ("Eta",), ("Phi",), ("Mass",))
_MASSLESS = (("PT", "ET"), ("Eta",), ("Phi",))
_NEEDED = {
    **dict.fromkeys(("Particle", "Jet", "Track"), _VECTOR),
    **dict.fromkeys(("Photon", "Electron", "Muon", "Tower"), _MASSLESS),
    "MissingET": (("MET",), ("Eta",), ("Phi",)),
}


def _delphes_schema(fields: list[str]) -> type[DelphesSchema]:
    """Coffea's schema for the version of Delphes that wrote these branches.

    Coffea expects those of Delphes 3.5 and ends in a KeyError without one of them (tracks have a mass since 3.4.3).
    A collection that lacks one keeps its branches, and has no four-vector behaviour.
    """
    found = set(fields)

    def is_whole(name: str, kind: str) -> bool:
        return all(any(f"{name}/{name}.{one}" in found for one in names) for names in _NEEDED.get(kind, ()))

    class Schema(DelphesSchema):  # type: ignore[misc]  # coffea ships no type information
        mixins: ClassVar[dict[str, str]] = {
            name: kind for name, kind in DelphesSchema.mixins.items() if is_whole(name, kind)
        }

    return Schema


def _delphes_name(name: str) -> str:
    """Delphes' split collections are branches of branches (``Jet/Jet.PT``); copies of such files have flat names."""
    collection, dot, _ = name.partition(".")
    return f"{collection}/{name}" if dot and "/" not in name else name
