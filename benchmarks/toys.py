"""Toy files in the form of ``rs3l simulate``, made without an event generator in a fraction of a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import JetType, Stage, Variation, delta_r, event_rng, get_variation

__all__ = ["ToySample", "write_toys"]

_PDG_IDS = np.array([211, -211, 22, 130, 11, -13])
_CHARGES = np.array([1, -1, 0, 0, -1, 1])


@dataclass(frozen=True)
class ToySample:
    """One sample of toy events: jets with one prong (qcd) or two prongs (hbb, wqq) and 0 to ``max_candidates``."""

    name: str
    n_events: int = 60
    run_seed: int = 1
    max_candidates: int = 60

    @property
    def jettype(self) -> JetType:
        return {"hbb": JetType.H_BB, "wqq": JetType.W_QQ}.get(self.name, JetType.Q)

    def jet(self, event: int, variation: str | Variation) -> dict[str, NDArray[Any]] | None:
        """Candidates of the one jet of an event (GeV, mm), or None if the jet misses the pT cut."""
        hard = event_rng(self.run_seed, self.name, event, -1, Stage.HARD)
        if hard.random() < 0.05:
            return None
        axis_eta, axis_phi = hard.uniform(-2, 2), hard.uniform(-np.pi, np.pi)
        pt_jet = 450 + hard.exponential(100)
        two_prongs = self.jettype is not JetType.Q
        opening = hard.uniform(0.3, 0.6) if two_prongs else 0.0
        turn = hard.uniform(0, 2 * np.pi)
        kind = get_variation(variation) if isinstance(variation, str) else variation
        rng = event_rng(self.run_seed, self.name, event, kind.vartype, Stage.SHOWER)
        mean = 25 * (kind.factor or 1.0) ** -0.3
        n = int(np.clip(rng.poisson(mean), 2, self.max_candidates))
        side = np.where(rng.random(n) < 0.5, 0.5, -0.5) * opening
        width = 0.08 / (kind.factor or 1.0)
        which = rng.integers(len(_PDG_IDS), size=n)
        pt = np.maximum(rng.dirichlet(np.full(n, 0.7)) * pt_jet, 1.0)
        charge = _CHARGES[which]
        displaced = 0.3 if self.name == "hbb" else 0.05
        return {
            "pt": pt,
            "eta": axis_eta + side * np.cos(turn) + rng.normal(0, width, n),
            "phi": (axis_phi + side * np.sin(turn) + rng.normal(0, width, n) + np.pi) % (2 * np.pi) - np.pi,
            "mass": np.where(charge != 0, 0.1396, 0.0),
            "charge": charge,
            "pdgId": _PDG_IDS[which],
            "d0": np.where(charge != 0, rng.normal(0, displaced, n), 0.0),
            "dz": np.where(charge != 0, rng.normal(0, displaced, n), 0.0),
        }

    def write(self, path: Path, variation: str | Variation = "nominal") -> Path:
        """Write one variation as a PFNano-like ROOT file with its metadata."""
        rows = [self.jet(event, variation) for event in range(self.n_events)]
        present = np.array([row is not None for row in rows])
        candidates = {
            name: ak.values_astype(
                ak.Array([[] if row is None else row[name] for row in rows]),
                np.int32 if name in ("charge", "pdgId") else np.float32,
            )
            for name in ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
        }
        for name in ("d0", "dz"):  # PFNano: centimetres, -1 without a track
            candidates[name] = ak.values_astype(
                ak.where(candidates["charge"] == 0, -1.0, candidates[name] / 10), np.float32
            )
        jets = ak.Array([[] if row is None else [_jet_kinematics(row)] for row in rows])
        jets = ak.values_astype(jets, np.float32)
        one = ak.unflatten(np.ones(present.sum(), dtype=np.int32), present.astype(np.int64))
        n = self.n_events
        tree: dict[str, Any] = {
            "run": np.ones(n, np.uint32),
            "luminosityBlock": (np.arange(n) // 1000 + 1).astype(np.uint32),
            "event": np.arange(n, dtype=np.uint64),
            "genWeight": np.ones(n, np.float32),
            "hardHash": np.arange(n, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(self.run_seed),
            "FatJet": ak.zip(
                {
                    **{
                        name: ak.values_astype(jets[name], np.float32)
                        for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1")
                    },
                    "jettype": one * int(self.jettype),
                    "anchor": one == 1,
                }
            ),
            "PFCands": ak.zip(
                {**candidates, "puppiWeight": ak.values_astype(ak.ones_like(candidates["pt"]), np.float32)}
            ),
            "FatJetPFCands": ak.zip(
                {
                    "jetIdx": ak.values_astype(ak.zeros_like(candidates["charge"]), np.int32),
                    "pFCandsIdx": ak.values_astype(ak.local_index(candidates["pt"]), np.int32),
                }
            ),
        }
        if variation == "nominal":
            spread = np.array([event_rng(2, self.name, event, -1, Stage.HARD).normal(0, 0.05) for event in range(n)])
            tree["PSWeight"] = ak.from_regular(np.stack([1 + spread, 1 - spread], axis=1).astype(np.float32))
        metadata = {
            "format": "rs3l-simulation",
            "version": 1,
            "sample": self.name,
            "process": self.name,
            "variation": (get_variation(variation) if isinstance(variation, str) else variation).record(),
            "run_seed": self.run_seed,
            "n_hard_events": n,
            "n_failed": 0,
            "sumw": float(n),
            "xsec_pb": 1.0,
            "psweight_names": ["isrUp", "isrDown"] if variation == "nominal" else [],
            "jets": {"radius": 0.8, "pt_min": 450.0},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with uproot.recreate(path) as file:
            types = {name: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for name, v in tree.items()}
            file.mktree("Events", types)
            file["Events"].extend(tree)
            file["rs3l_metadata"] = json.dumps(metadata)
        return path


def _jet_kinematics(row: dict[str, NDArray[Any]]) -> dict[str, float]:
    px, py = row["pt"] * np.cos(row["phi"]), row["pt"] * np.sin(row["phi"])
    pz = row["pt"] * np.sinh(row["eta"])
    energy = np.sqrt(px**2 + py**2 + pz**2 + row["mass"] ** 2)
    p4 = np.array([energy.sum(), px.sum(), py.sum(), pz.sum()])
    pt = float(np.hypot(p4[1], p4[2]))
    mass = float(np.sqrt(max(p4[0] ** 2 - (p4[1:] ** 2).sum(), 0.0)))
    eta, phi = float(np.arcsinh(p4[3] / pt)), float(np.arctan2(p4[2], p4[1]))
    z, r = row["pt"] / row["pt"].sum(), delta_r(row["eta"], row["phi"], eta, phi)
    # A stand-in for N2 that falls for two prongs: the spread of the distances to the axis.
    n2 = float(np.clip(np.sqrt(np.sum(z * (r - np.sum(z * r)) ** 2)), 0, 0.5))
    return {"pt": pt, "eta": eta, "phi": phi, "mass": mass, "msoftdrop": mass, "n2b1": n2}


def write_toys(
    out: Path,
    samples: Sequence[str] = ("qcd", "hbb"),
    variations: Sequence[str] = ("nominal", "seed", "fsrRenHi", "fsrRenLo"),
    **sizes: int,
) -> Path:
    """Write samples as ``rs3l simulate`` leaves them, with coffea filesets; ``sizes``: see :class:`ToySample`."""
    for name in samples:
        sample = ToySample(name, **sizes)
        fileset = {}
        for variation in variations:
            sample.write(out / name / f"{variation}_0000.root", variation)
            fileset[f"{name}_{variation}"] = {
                "files": {f"{variation}_0000.root": "Events"},
                "metadata": {
                    "process": name,
                    "sample": name,
                    "variation": variation,
                    "xsec": 1.0,
                    "sumw": float(sample.n_events),
                    "n_hard_events": sample.n_events,
                    "resimulated_of": None if variation == "nominal" else f"{name}_nominal",
                    "isMC": True,
                },
            }
        (out / name / "fileset.json").write_text(json.dumps(fileset))
    return out
