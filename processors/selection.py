"""Which jets of each event are analysed, and in which channels they fall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import MissingBranchError, Split, split_of
from rs3l_gnn.conventions.jagged import local_index, parents_of
from rs3l_gnn.data.list_fields import counts_of, flat_field
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.selection_config import ChannelConfig, JetSelection

__all__ = ["JetView", "channel_mask", "choose_jets", "nominal_view", "split_mask"]


@dataclass(frozen=True)
class JetView:
    """The jets of a chunk under one hypothesis.

    Attributes:
        variation: name on the variation axis.
        pt: GeV, all jets one after another [n_jets].
        eta: [n_jets].
        mass: soft-drop mass in GeV [n_jets].
        anchor: True for the jet matched to the hard event [n_jets], None if it was not asked for.
        counts: jets of each event [n_events].
        phi: rad, None where it is that of the file [n_jets].
        mass_scale: plain mass over that in the file, None where it goes with pT [n_jets].
    """

    variation: str
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    mass: NDArray[np.float64]
    anchor: NDArray[np.bool_] | None
    counts: NDArray[np.int64]
    phi: NDArray[np.float64] | None = None
    mass_scale: NDArray[np.float64] | None = None


def nominal_view(jets: ak.Array, *, anchor: bool = False) -> JetView:
    """The jets as they stand in the file.

    Args:
        jets: records with pt, eta, msoftdrop [event][jet].
        anchor: True to read which jet is matched to the hard event.

    Raises:
        MissingBranchError: pt, eta, msoftdrop or a wanted anchor is absent.
    """
    needed = ["pt", "eta", "msoftdrop", *(["anchor"] if anchor else [])]
    missing = [name for name in needed if name not in jets.fields]
    if missing:
        raise MissingBranchError(f"the jets lack {', '.join(missing)}", got=", ".join(jets.fields))
    pt, eta, mass = (flat_field(jets, name).astype(np.float64) for name in ("pt", "eta", "msoftdrop"))
    matched = flat_field(jets, "anchor").astype(bool) if anchor else None
    return JetView("nominal", pt, eta, mass, matched, counts_of(jets))


def split_mask(config: ProcessorConfig, sample: str, event: NDArray[np.integer]) -> NDArray[np.bool_]:
    """True for the events on the wanted side of the split [n_events]; all of them without a split."""
    if config.split is None:
        return np.ones(len(event), dtype=bool)
    return np.asarray(split_of(sample, event, config.fractions) == Split[config.split.upper()])


def choose_jets(
    view: JetView,
    selection: JetSelection,
    events: NDArray[np.bool_],
    passed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Find the jets that are analysed.

    Args:
        view: the jets.
        selection: cuts, of which NaN passes none, and which of the jets that pass are taken.
        events: the events that count [n_events].
        passed: the jets for which the expressions of the selection hold [n_jets]; all if None.

    Returns:
        Places among all jets of the chunk, rising [n].

    Raises:
        MissingBranchError: the anchor is asked for in a file that has none.
    """
    good = (view.pt > selection.pt_min) & (np.abs(view.eta) < selection.eta_max)
    if selection.mass_min is not None:
        good &= view.mass >= selection.mass_min
    if selection.mass_max is not None:
        good &= view.mass < selection.mass_max
    if selection.choice == "anchor":
        if view.anchor is None:
            raise MissingBranchError("the view was made without the field anchor", hint="set jet.choice to leading")
        good &= view.anchor
    if passed is not None:
        good &= passed
    event = parents_of(view.counts)
    good &= events[event]
    candidates = np.flatnonzero(good)
    if selection.place is None:
        return candidates
    # By falling pT in each event; equal pT: the first in the file.
    ordered = candidates[np.lexsort((candidates, -view.pt[candidates], event[candidates]))]
    place = local_index(np.bincount(event[candidates], minlength=len(view.counts)))
    return np.asarray(ordered[place == selection.place])


def channel_mask(channel: ChannelConfig, values: Mapping[str, NDArray[np.floating]], n: int) -> NDArray[np.bool_]:
    """True for the jets inside every window of a channel [n].

    Args:
        channel: windows.
        values: variable name -> values of the jets [n].
        n: number of jets.
    """
    inside = np.ones(n, dtype=bool)
    for name, (low, high) in channel.cuts.items():
        # The score's upper edge is a score that occurs; a window up to it holds it, like the last bin.
        numbers = np.asarray(values[name], dtype=np.float64)
        if low is not None:
            inside &= numbers >= low
        if high is not None:
            inside &= (numbers < high) | (name.startswith("score_") & (numbers == high) & (high == 1.0))
    return inside
