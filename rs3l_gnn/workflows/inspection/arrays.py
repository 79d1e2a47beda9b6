"""ROOT and HDF5 files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.conventions import InputFileError, JetLabel, jettype_names, known_features
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.data import effective_number
from rs3l_gnn.data.event_format import EventFormat, collection_of
from rs3l_gnn.data.feature_fields import lacking_features
from rs3l_gnn.data.format_registry import find_format
from rs3l_gnn.data.views_file import text_of

__all__ = ["describe_hdf5", "describe_root"]

Description = dict[str, Any]


def describe_hdf5(path: Path) -> Description:
    """Describe views, the published layout, or any HDF5 file.

    Raises:
        InputFileError: the file is damaged.
    """
    import h5py

    with reading(path, "is a damaged HDF5 file"), h5py.File(path, "r") as file:
        if text_of(file.attrs.get("format")) == "rs3l-views":
            return _views(file)
        shapes = {name: list(item.shape) for name, item in file.items() if isinstance(item, h5py.Dataset)}
        if {"features", "jet_features", "jettype", "vartype"} <= set(shapes):
            return {
                "kind": "RS3L data set (published HDF5 layout)",
                "jets": shapes["features"][0],
                "jet types": _jettypes(file["jettype"][:]),
                "vartypes": _counts(file["vartype"][:]),
                "arrays": shapes,
            }
        return {"kind": "HDF5", "arrays": shapes, "groups": [k for k in file if k not in shapes]}


def _views(file: Any) -> Description:
    variations = json.loads(file.attrs["variations"])
    names = {record["vartype"]: record["name"] for record in variations}
    jets = file["jets"]
    vartypes = _counts(jets["vartype"][:])
    return {
        "kind": "rs3l views",
        "version": int(file.attrs["version"]),
        "hard events": len(file["events"]["first"]) - 1,
        "jets": len(jets["event"]),
        "candidates": len(file["features"]),
        "features": json.loads(file.attrs["features"]),
        "samples": json.loads(file.attrs["samples"]),
        "views": {names.get(int(number), number): count for number, count in vartypes.items()},
        "jet types": _jettypes(
            jets["jettype"][:],
            [JetLabel.from_record(one, where="the file") for one in json.loads(file.attrs.get("labels", "[]"))],
        ),
        "kind of jets": json.loads(file.attrs.get("domain", "{}")) or "unknown",
        "generator weights": _weights(jets["weight"][:]),
        "shower weights": json.loads(file["shower_weights"].attrs["names"]) if "shower_weights" in file else [],
        "scores": json.loads(file["scores"].attrs["names"]) if "scores" in file else [],
    }


def _weights(weights: Any) -> Description | str:
    """Whether generator weights differ, and how far."""
    if len(weights) == 0 or (weights == weights[0]).all():
        return "equal"
    return {"effective jets": round(effective_number(weights), 1), "negative": int((weights < 0).sum())}


def describe_root(path: Path) -> Description:
    """Describe events or templates in a ROOT file.

    Raises:
        InputFileError: the file is damaged or cut short.
    """
    import uproot

    from rs3l_gnn.conventions.expansion import bound_baskets

    bound_baskets()
    _require_whole_root(path)
    with reading(path, "is a damaged ROOT file"), uproot.open(path) as file:
        classes = file.classnames(cycle=False)
        trees = {key: int(file[key].num_entries) for key, kind in classes.items() if kind in ("TTree", "ROOT::RNTuple")}
        description: Description = {"kind": "ROOT file", "trees": trees}
        if "rs3l_metadata" in file:
            description["kind"] = "rs3l simulation (PFNano-like ROOT)"
            description["simulation"] = _metadata(json.loads(str(file["rs3l_metadata"])))
        folders = [key.rpartition("/")[0] or "top" for key, kind in classes.items() if _is_histogram(kind)]
        if folders and not trees:
            description = {"kind": "ROOT file of histograms", "histograms": dict(Counter(folders))}
        return description | _events({name: file[name] for name in trees})


def _metadata(metadata: Description) -> Description:
    """What was simulated; the detector's numbers and Pythia's settings are counted, since ``config.yaml`` has them."""
    shown = {key: value for key, value in metadata.items() if key not in ("format", "version", "detector")}
    for key in ("settings", "lhe_weight_names"):
        if key in shown:
            shown[key] = f"{len(shown[key])} of them"
    pileup = metadata.get("detector", {}).get("pileup", {}).get("mean")
    return shown if pileup is None else {**shown, "mean pile-up": pileup}


def _is_histogram(kind: str) -> bool:
    return kind.startswith(("TH1", "TH2", "TH3", "TProfile"))


def _require_whole_root(path: Path) -> None:
    """Compare the length of the file with the end that its header names (ROOT's TFile header: fVersion, fEND)."""
    with path.open("rb") as stream:
        head = stream.read(20)
    large = int.from_bytes(head[4:8], "big") >= 1_000_000  # such files have 64-bit pointers
    end = int.from_bytes(head[12:20] if large else head[12:16], "big")
    if path.stat().st_size < end:
        raise InputFileError(
            f"{path} is a damaged ROOT file: truncated",
            got=f"{path.stat().st_size} of {end} bytes",
            hint="copy it again",
        )


def _events(trees: dict[str, Any]) -> Description:
    """Format and totals of the first tree whose format is known, else of what is called like one of events."""
    for name, tree in trees.items():
        branches = [branch.rpartition("/")[2] for branch in tree.keys()]  # noqa: SIM118  # a tree of uproot
        form = find_format({*branches, *map(collection_of, branches)}, candidates=False)
        if form is not None or name == "Events":
            counters = [] if form is None else [counter for counter in form.counters() if counter in branches]
            return {
                "layout": "unknown" if form is None else form.title,
                "totals": {counter: int(np.sum(tree[counter].array(library="np"))) for counter in counters},
                "branches": len(tree.keys(recursive=False)),
                **({"features": _features(form, branches)} if form is not None and form.has_candidates else {}),
            }
    return {}


def _features(form: EventFormat, branches: list[str]) -> list[str]:
    """Features that the candidates can give."""
    names = list(known_features())
    lacking = lacking_features(form, names, form.further_fields(branches))
    return [name for name in names if name not in lacking]


def _counts(values: Any) -> dict[int, int]:
    numbers, counts = np.unique(np.asarray(values), return_counts=True)
    return {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}


def _jettypes(values: Any, further: Sequence[JetLabel] = ()) -> dict[str, int]:
    known = jettype_names(further)
    return {known.get(number, str(number)): count for number, count in _counts(values).items()}
