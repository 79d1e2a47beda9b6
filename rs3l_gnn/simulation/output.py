"""PFNano-like ROOT files: tree ``Events``, one entry for each showered hard event."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import atomic_file
from rs3l_gnn.conventions.jagged import offsets_of, parents_of, starts_of
from rs3l_gnn.simulation.detector import FlowCandidates
from rs3l_gnn.simulation.hard_events import HardEvents
from rs3l_gnn.simulation.jets import Jets

__all__ = ["LabelledJets", "write_events"]

_EVENTS_PER_BLOCK = 1000
_MM_TO_CM = 0.1
_NO_TRACK = -1.0  # PFNano's word for "no impact parameter"


@dataclass(frozen=True)
class LabelledJets:
    """Jets of one view of each event of a batch, ready to be written.

    Attributes:
        jets, jettype, is_anchor: jets with their labels [n_jets].
        candidates: the constituents of the jets, in the order of ``jets.offsets`` [n_links].
        shower_weights: Pythia's weights of each event relative to nominal [n_events, n_weights], or None.
    """

    jets: Jets
    jettype: NDArray[np.int32]
    is_anchor: NDArray[np.bool_]
    candidates: FlowCandidates
    shower_weights: NDArray[np.float64] | None


def write_events(
    path: Path,
    view: LabelledJets,
    *,
    event: NDArray[np.int64],
    hard: HardEvents,
    kept: NDArray[np.bool_],
    metadata: dict[str, Any],
) -> None:
    """Write one file; the same arguments give the same arrays.

    Args:
        path: the file; replaced if there.
        view: the jets.
        event: number of each hard event in its LHE file [n_events].
        hard: the hard events, for their weights and fingerprints.
        kept: False for events that are left out [n_events].
        metadata: goes into the string ``rs3l_metadata``.
    """
    n_events = len(event)
    jets, candidates = view.jets, view.candidates
    per_event = np.bincount(jets.event, minlength=n_events)
    links = np.diff(jets.offsets)
    # Constituents were gathered jet after jet, so candidate i of an event is link i of the event.
    link_event = np.repeat(jets.event, links)
    per_event_links = np.bincount(link_event, minlength=n_events)
    first_jet = starts_of(per_event)
    first_link = starts_of(per_event_links)

    def jagged(columns: dict[str, NDArray[np.generic]], counts: NDArray[np.int64]) -> ak.Array:
        contents = [ak.contents.NumpyArray(values) for values in columns.values()]
        records = ak.contents.RecordArray(contents, list(columns))
        return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets_of(counts)), records))[kept]

    has_track = ~np.isnan(candidates.d0)
    branches = {
        "run": np.ones(n_events, dtype=np.uint32)[kept],
        "luminosityBlock": (event // _EVENTS_PER_BLOCK + 1).astype(np.uint32)[kept],
        "event": event.astype(np.uint64)[kept],
        "genWeight": hard.weight.astype(np.float32)[kept],
        "hardHash": hard.fingerprints()[kept],
        "FatJet": jagged(
            {
                **{
                    name: getattr(jets, name).astype(np.float32)
                    for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")
                },
                "jettype": view.jettype,
                "anchor": view.is_anchor,
            },
            per_event,
        ),
        "PFCands": jagged(
            {
                **{name: getattr(candidates, name).astype(np.float32) for name in ("pt", "eta", "phi", "mass")},
                "charge": candidates.charge,
                "pdgId": candidates.pdgid,
                "d0": np.where(has_track, candidates.d0 * _MM_TO_CM, _NO_TRACK).astype(np.float32),
                "dz": np.where(has_track, candidates.dz * _MM_TO_CM, _NO_TRACK).astype(np.float32),
                "puppiWeight": np.ones(len(candidates), dtype=np.float32),
            },
            per_event_links,
        ),
        "FatJetPFCands": jagged(
            {
                "jetIdx": (parents_of(links) - first_jet[link_event]).astype(np.int32),
                "pFCandsIdx": (np.arange(len(candidates)) - first_link[link_event]).astype(np.int32),
            },
            per_event_links,
        ),
    }
    if view.shower_weights is not None:
        branches["PSWeight"] = ak.from_regular(view.shower_weights.astype(np.float32)[kept])
    if hard.weight_names:
        branches["LHEReweightingWeight"] = ak.from_regular(hard.relative_weights()[kept].astype(np.float32))
    text = json.dumps(metadata)

    def identity() -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_OID, text)

    memory = _Memory()
    with uproot.recreate(memory, compression=uproot.ZLIB(1), uuid_function=identity) as file:
        tree = file.mktree("Events", {name: _type_of(values) for name, values in branches.items()})
        tree.extend(branches)
        file["rs3l_metadata"] = text
    with atomic_file(path, force=True) as partial:
        partial.write_bytes(memory.getvalue())


class _Memory(io.BytesIO):
    """A file in memory that can be read after uproot has closed it; its content knows no name of a file."""

    def close(self) -> None:
        """Stay open."""


def _type_of(values: Any) -> Any:
    return values.dtype if isinstance(values, np.ndarray) else values.type.content
