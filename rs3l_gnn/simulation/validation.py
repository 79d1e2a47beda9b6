"""Plots that show whether a simulation is sound, from the output directory of :func:`rs3l_gnn.simulation.simulate`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, OutputError, atomic_file, refuse_existing

__all__ = ["AnchorJets", "multiplicity_shift", "plot_validation", "read_anchor_jets"]

_BRANCHES = ("pt", "msoftdrop", "n2b1")
_MAX_LINES = 5


@dataclass(frozen=True)
class AnchorJets:
    """Anchor jets of one sample and variation; arrays [n_jets], and [n_tracks] for d0.

    pt and msoftdrop in GeV, d0 (absolute values) in mm, fractions: shares of pT of charged hadrons, photons, neutral
    hadrons and leptons.
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    msoftdrop: NDArray[np.float64]
    n2b1: NDArray[np.float64]
    multiplicity: NDArray[np.int64]
    d0: NDArray[np.float64]
    fractions: dict[str, float]


def read_anchor_jets(directory: Path | str, variation: str) -> AnchorJets:
    """Read the anchor jets of a sample's directory.

    Raises:
        InputFileError: there are no files of that variation.
    """
    files = sorted(Path(directory).glob(f"{variation}_[0-9]*.root"))
    if not files:
        raise InputFileError(f"{directory} holds no files of the variation {variation!r}")
    events = uproot.concatenate([f"{path}:Events" for path in files])
    anchor = events.FatJet_anchor
    index = ak.firsts(ak.local_index(anchor)[anchor])
    mine = events.FatJetPFCands_jetIdx == ak.fill_none(index, -1)
    candidates = {
        name: events[f"PFCands_{name}"][events.FatJetPFCands_pFCandsIdx[mine]]
        for name in ("pt", "charge", "pdgId", "d0")
    }
    kind, pt = np.abs(ak.to_numpy(ak.flatten(candidates["pdgId"]))), ak.to_numpy(ak.flatten(candidates["pt"]))
    groups = {"charged hadrons": (211,), "photons": (22,), "neutral hadrons": (130,), "leptons": (11, 13)}
    tracks = candidates["charge"] != 0
    has_anchor = ak.to_numpy(ak.any(anchor, axis=1))
    return AnchorJets(
        event=ak.to_numpy(events.event)[has_anchor].astype(np.int64),
        multiplicity=ak.to_numpy(ak.num(candidates["pt"]))[has_anchor],
        d0=np.abs(ak.to_numpy(ak.flatten(candidates["d0"][tracks]))) * 10.0,
        fractions={name: float(pt[np.isin(kind, ids)].sum() / max(pt.sum(), 1e-9)) for name, ids in groups.items()},
        **{name: ak.to_numpy(ak.flatten(events[f"FatJet_{name}"][anchor])) for name in _BRANCHES},
    )


def plot_validation(output: Path | str, image: Path | str, *, force: bool = False) -> None:
    """Draw masses, N2, impact parameters, kinds of candidates, multiplicities by variation, and shared jets.

    Args:
        output: output directory of a simulation; samples without a nominal view are left out.
        image: file to write, in any format that matplotlib knows.
        force: replace the file.

    Raises:
        InputFileError: ``output`` holds no finished sample with a nominal view.
        OutputError: the image exists and ``force`` is False, or it cannot be written.
    """
    from matplotlib.figure import Figure

    image = Path(image)
    refuse_existing(image, force=force)
    summaries = {path.parent: json.loads(path.read_text()) for path in sorted(Path(output).glob("*/simulation.json"))}
    samples = {
        path.name: {record["name"]: read_anchor_jets(path, record["name"]) for record in summary["variations"]}
        for path, summary in summaries.items()
        if "nominal" in summary["matched"]
    }
    if not samples:
        raise InputFileError(f"{output} holds no finished simulation")
    nominal = {name: views["nominal"] for name, views in samples.items()}
    figure = Figure(figsize=(14, 8), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    _overlay(panels[0], {name: jets.msoftdrop for name, jets in nominal.items()}, (0, 200, 40), "soft-drop mass [GeV]")
    _overlay(panels[1], {name: jets.n2b1 for name, jets in nominal.items()}, (0, 0.5, 25), r"$N_2^{\beta=1}$")
    _overlay(panels[2], {name: jets.d0 for name, jets in nominal.items()}, (0, 1, 25), r"$|d_0|$ of tracks [mm]")
    panels[2].set_yscale("log")
    _fractions(panels[3], nominal)
    _multiplicities(panels[4], samples)
    first = next(iter(samples))
    _responses(panels[5], samples[first], first)
    try:
        with atomic_file(image, force=force) as partial:
            figure.savefig(partial, dpi=90)
    except ValueError as error:
        raise OutputError(f"cannot draw {image}: {error}") from error


def multiplicity_shift(nominal: AnchorJets, varied: AnchorJets) -> tuple[float, float]:
    """Mean change of the number of candidates and its error, over the events that have their jet in both views."""
    _, one, other = np.intersect1d(nominal.event, varied.event, return_indices=True)
    change = varied.multiplicity[other] - nominal.multiplicity[one]
    return float(change.mean()), float(change.std() / np.sqrt(len(change)))


def _overlay(axes: Any, columns: dict[str, NDArray[np.float64]], binning: tuple[float, float, int], label: str) -> None:
    low, high, bins = binning
    for name, values in columns.items():
        # Entries beyond the last edge are shown in the last bin.
        shown = np.clip(values, low, np.nextafter(high, low))
        axes.hist(shown, bins=bins, range=(low, high), histtype="step", density=True, label=f"{name} ({len(values)})")
    axes.set_xlabel(label)
    axes.set_ylabel("density")
    axes.margins(y=0.25)
    axes.legend()


def _fractions(axes: Any, nominal: dict[str, AnchorJets]) -> None:
    bottom = np.zeros(len(nominal))
    for group in next(iter(nominal.values())).fractions:
        heights = np.array([jets.fractions[group] for jets in nominal.values()])
        axes.bar(list(nominal), heights, bottom=bottom, label=group)
        bottom += heights
    axes.set_ylabel("share of the candidates' pT")
    axes.set_ylim(0, 1.35)
    axes.legend(ncols=2)


def _multiplicities(axes: Any, samples: dict[str, dict[str, AnchorJets]]) -> None:
    """Change of the mean multiplicity by each variation, one row for each, the samples slightly above each other."""
    rows = list(dict.fromkeys(name for views in samples.values() for name in _others(views)))
    for place, (sample, views) in enumerate(samples.items()):
        shifts = {name: multiplicity_shift(views["nominal"], views[name]) for name in _others(views)}
        axes.errorbar(
            [shift for shift, _ in shifts.values()],
            [rows.index(name) + 0.25 * (place - (len(samples) - 1) / 2) for name in shifts],
            xerr=[error for _, error in shifts.values()],
            fmt="o",
            label=f"{sample} (nominal {views['nominal'].multiplicity.mean():.1f})",
        )
    axes.axvline(0, color="grey", linewidth=1)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(-0.7, len(rows) - 0.3 + 0.25 * len(samples))
    axes.set_xlabel("candidates more than in the nominal view of the same event")
    axes.legend(loc="upper left", ncols=2, fontsize="small")


def _responses(axes: Any, views: dict[str, AnchorJets], sample: str) -> None:
    """pT of views of the same hard event against each other."""
    nominal = views["nominal"]
    for name in _others(views)[:_MAX_LINES]:
        jets = views[name]
        _, one, other = np.intersect1d(nominal.event, jets.event, return_indices=True)
        ratio = jets.pt[other] / nominal.pt[one]
        axes.hist(np.clip(ratio, 0.5, 1.499), bins=40, range=(0.5, 1.5), histtype="step", label=f"{name} ({len(one)})")
    axes.set_xlabel(f"jet pT over that of the nominal view, {sample}")
    axes.set_ylabel("hard events")
    axes.margins(y=0.35)
    axes.legend()


def _others(views: Iterable[str]) -> list[str]:
    return [name for name in views if name != "nominal"]
