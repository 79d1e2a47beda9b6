"""Which variation a data set of a fileset holds: one rule for whatever reads filesets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import uproot

from rs3l_gnn.conventions import (
    NOMINAL,
    ConfigError,
    InputFileError,
    UnknownVariationError,
    Variation,
    known_variations,
    own_variation,
)
from rs3l_gnn.conventions.expansion import bound_baskets
from rs3l_gnn.conventions.inputs import reading
from rs3l_gnn.conventions.variation import side_of_name
from rs3l_gnn.data.formats.simulated import SIMULATED

__all__ = ["RECORD_KEY", "variation_of", "with_record"]

bound_baskets()

RECORD_KEY = "variation_record"
"""Entry of the metadata with the record of a variation, as ``rs3l simulate`` writes it."""


def variation_of(dataset: str, metadata: Mapping[str, Any]) -> Variation:
    """The variation that the metadata of a data set name.

    In this order: the record in the metadata; a name of the registry or of an installed package; a name that ends in
    Up or Down, which says its source; any other name, a one-sided variation and its own source. Without a name the
    data set is nominal.

    Raises:
        UnknownVariationError: a record that cannot be read, or a name that no variation can have.
    """
    record, name = metadata.get(RECORD_KEY), metadata.get("variation")
    if isinstance(record, Mapping):
        return Variation.from_record(record, where=f"the metadata of data set {dataset!r}")
    if name is None:
        return NOMINAL
    text, known = str(name), known_variations()
    if text in known:
        return known[text]
    try:
        return own_variation(text, one_sided=side_of_name(text) is None, generator=True)
    except ConfigError as error:
        raise UnknownVariationError(f"data set {dataset!r}: {error}") from error


def with_record(dataset: str, metadata: Mapping[str, Any], files: Iterable[str]) -> dict[str, Any]:
    """Metadata with the record that the files of a re-simulation hold, where nothing else is known of its name.

    Args:
        dataset: its name.
        metadata: of the data set.
        files: paths or URLs; the first one that can be read is asked.

    Raises:
        UnknownVariationError: as in :func:`variation_of`.
        InputFileError: none of the files can be read.
    """
    variation = variation_of(dataset, metadata)
    has_record = isinstance(metadata.get(RECORD_KEY), Mapping)
    if has_record or metadata.get("resimulated_of") is None or variation.name in known_variations():
        return dict(metadata)
    stored = _stored(dataset, files).get("variation")
    # Files that were made under another name say nothing about this one.
    if not isinstance(stored, Mapping) or stored.get("name") != variation.name:
        return dict(metadata)
    return {**metadata, RECORD_KEY: dict(stored)}


def _stored(dataset: str, files: Iterable[str]) -> Mapping[str, Any]:
    """What the first readable file says of itself, empty for files of other programs."""
    reason = "no files"
    for path in files:
        try:
            return _record_of(path)
        except InputFileError as error:
            reason = str(error)
    raise InputFileError(
        f"no file of data set {dataset!r} says what its variation is",
        got=reason,
        hint=f"give its metadata a {RECORD_KEY}, or leave the data set out",
    )


def _record_of(path: str) -> Mapping[str, Any]:
    with reading(path, "cannot be read"), uproot.open({path: None}) as opened:
        return SIMULATED.metadata(opened)
