"""The public RS3L data set (Zenodo record 10633815) as views.

HDF5 layout: one row a jet, rows 2i and 2i + 1 two views of one event; ``features`` [2N, 100, 15] padded with zeros,
``jet_features`` [2N, 6] = pt, eta, phi, e, msd, n2, ``jettype`` and ``vartype`` [2N]. ROOT layout: tree ``events``, one
entry a jet, with the features in ``pfcand_*`` and the jet in ``jet_*``; it does not say which jets belong together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    VARIATIONS,
    InputFileError,
    InvalidDataError,
    MissingBranchError,
    Variation,
)
from rs3l_gnn.data.views import Views
from rs3l_gnn.data.views_file import ViewsWriter

__all__ = ["PUBLISHED_BRANCHES", "convert_published", "published_features", "read_published"]

_HDF5 = ("features", "jet_features", "jettype", "vartype")
_JET = ("pt", "eta", "phi", "e", "msd", "n2")
_CANDIDATE = ("pt", "relpt", "eta", "phi", "e", "rele", "charge", "d0", "dz", "dr")
PUBLISHED_BRANCHES = tuple(f"pfcand_{name}" for name in (*_CANDIDATE, "pdgid"))
"""Candidate branches of the flat ROOT layout."""
_BY_NUMBER = {variation.vartype: variation for variation in VARIATIONS.values()}


def convert_published(
    paths: Sequence[Path | str], output: Path | str, *, sample: str = "rs3l", force: bool = False
) -> int:
    """Write published files as one file of views, block by block.

    Args:
        paths: HDF5 or ROOT files.
        output: the file of views.
        sample: name for the split of the events.
        force: replace an existing output.

    Returns:
        Views written.

    Raises:
        InputFileError: a file is missing, damaged, of another layout, or has an unknown ``vartype``.
        InvalidDataError: a feature is not finite; file, row and feature are named.
        OutputError: the output exists or cannot be written.
    """
    n_views = event = 0
    variations = tuple(_BY_NUMBER[number] for number in sorted(_BY_NUMBER))
    with ViewsWriter.open(output, (sample,), variations, force=force) as writer:
        for path in paths:
            for views in read_published(path, sample=sample, first_event=event):
                writer.append(views)
                n_views += views.n_jets
                event += views.n_events
    return n_views


def read_published(
    path: Path | str, *, sample: str = "rs3l", first_event: int = 0, block_events: int = 1000
) -> Iterator[Views]:
    """Views of a published file, in blocks; arguments and errors as for :func:`convert_published`."""
    path = Path(path)
    blocks = _root_blocks(path, block_events) if path.suffix == ".root" else _hdf5_blocks(path, block_events)
    row = 0
    for features, counts, jets, kinds, per_event in blocks:
        _require_finite(path, features, counts, row)
        yield _views(path, features, counts, jets, kinds, per_event, sample=sample, first_event=first_event)
        row += len(counts)
        first_event += len(counts) // per_event


_Block = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], int]


def _hdf5_blocks(path: Path, block_events: int) -> Iterator[_Block]:
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in _HDF5 if name not in file]
            if missing:
                raise MissingBranchError(f"{path} lacks {', '.join(missing)}", got=", ".join(file))
            n_rows, width = len(file["features"]), file["features"].shape[-1]
            if n_rows % 2 or width != len(FEATURE_NAMES):
                raise InputFileError(
                    f"{path}: 'features' must hold pairs of rows with {len(FEATURE_NAMES)} features",
                    got=file["features"].shape,
                )
            for start in range(0, n_rows, 2 * block_events):
                rows = slice(start, start + 2 * block_events)
                padded = file["features"][rows]
                valid = (padded != 0).any(axis=2)
                kinds = np.stack([file["jettype"][rows].ravel(), file["vartype"][rows].ravel()], axis=1)
                yield (
                    padded[valid].astype(np.float32),
                    valid.sum(axis=1),
                    file["jet_features"][rows].astype(np.float64),
                    kinds.astype(np.int64),
                    2,
                )
    except FileNotFoundError as error:
        raise InputFileError(f"{path} does not exist") from error
    except OSError as error:
        raise InputFileError(f"{path} is not a complete HDF5 file: {error}") from error


def _root_blocks(path: Path, block_events: int) -> Iterator[_Block]:
    names = [*PUBLISHED_BRANCHES, *(f"jet_{name}" for name in _JET), "jettype", "vartype"]
    try:
        with uproot.open(path) as file:
            _require_branches(path, file, names)
            for arrays in file["events"].iterate(names, step_size=block_events):
                yield _root_block(arrays)
    except InputFileError:
        raise
    except Exception as error:  # a damaged ROOT file raises anything, from struct.error to zlib.error
        raise InputFileError(f"{path} cannot be read as a ROOT file: {' '.join(str(error).split())[:200]}") from error


def _require_branches(path: Path, file: Any, names: list[str]) -> None:
    if "events" not in file:
        raise InputFileError(f"{path} has no tree 'events'", got=", ".join(file.keys(cycle=False)))
    missing = [name for name in names if name not in file["events"]]
    if missing:
        raise MissingBranchError(f"{path} lacks {', '.join(missing)}", got=", ".join(file["events"].keys()))


def published_features(arrays: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features of the flat ROOT layout, which are stored transformed.

    Args:
        arrays: :data:`PUBLISHED_BRANCHES` by name, each [jet][candidate].

    Returns:
        Features [n_particles, 15] and candidates of each jet [n_jets].
    """
    counts = np.asarray(ak.num(arrays["pfcand_pt"]), dtype=np.int64)
    columns = [np.asarray(ak.flatten(arrays[f"pfcand_{name}"]), dtype=np.float64) for name in _CANDIDATE]
    kind = np.abs(np.asarray(ak.flatten(arrays["pfcand_pdgid"])))
    charged = columns[_CANDIDATE.index("charge")] != 0
    muon, electron, photon = (kind == 13) & charged, (kind == 11) & charged, (kind == 22) & ~charged
    flags = [photon, muon, electron, charged & ~muon & ~electron, ~charged & ~photon]
    return np.stack([*columns, *flags], axis=1).astype(np.float32), counts


def _root_block(arrays: ak.Array) -> _Block:
    features, counts = published_features(arrays)
    jets = np.stack([np.asarray(arrays[f"jet_{name}"], dtype=np.float64) for name in _JET], axis=1)
    kinds = np.stack([np.asarray(arrays["jettype"]), np.asarray(arrays["vartype"])], axis=1).astype(np.int64)
    return features, counts, jets, kinds, 1


def _views(path: Path, *block: Any, sample: str, first_event: int) -> Views:
    features, counts, jets, kinds, per_event = block
    unknown = set(np.unique(kinds[:, 1]).tolist()) - set(_BY_NUMBER)
    if unknown:
        raise InputFileError(f"{path} has unknown values of vartype", got=sorted(unknown), allowed=sorted(_BY_NUMBER))
    event = np.arange(len(counts)) // per_event
    order = np.lexsort((kinds[:, 1], event))  # nominal, -1, comes first
    start = np.cumsum(counts) - counts
    offsets = np.concatenate([[0], np.cumsum(counts[order])]).astype(np.int64)
    rows = np.arange(offsets[-1]) + np.repeat(start[order] - offsets[:-1], counts[order])
    pt, eta, phi, energy, msoftdrop, n2 = jets[order].T
    numbers = np.unique(kinds[:, 1])
    variations: tuple[Variation, ...] = tuple(_BY_NUMBER[int(number)] for number in numbers)
    return Views(
        features=features[rows],
        offsets=offsets,
        first=np.arange(0, len(counts) + 1, per_event, dtype=np.int64),
        event=first_event + event.astype(np.int64),
        sample=np.zeros(len(counts), np.int16),
        vartype=kinds[order, 1].astype(np.int16),
        jettype=kinds[order, 0].astype(np.int16),
        pt=pt.astype(np.float32),
        eta=eta.astype(np.float32),
        phi=phi.astype(np.float32),
        mass=np.sqrt(np.maximum(energy**2 - (pt * np.cosh(eta)) ** 2, 0.0)).astype(np.float32),
        msoftdrop=msoftdrop.astype(np.float32),
        n2b1=n2.astype(np.float32),
        weight=np.ones(len(counts), np.float32),
        samples=(sample,),
        variations=variations,
    )


def _require_finite(path: Path, features: NDArray[np.float32], counts: NDArray[np.int64], row: int) -> None:
    finite = np.isfinite(features)
    if not finite.all():
        particle, column = (int(i) for i in np.argwhere(~finite)[0])
        jet = row + int(np.searchsorted(np.cumsum(counts), particle, side="right"))
        raise InvalidDataError(
            f"{path}: {FEATURE_NAMES[column]!r} in row {jet} is not finite", got=features[particle, column]
        )
