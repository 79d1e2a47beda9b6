"""Event files as the views of others: copies of CMS files with smeared candidates, cut and ordered in any way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

Events = dict[str, Any]
_FAT_JETS = ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "rawFactor", "hadronFlavour", "genJetAK8Idx")
_GENERATED = ("pdgId", "pt", "eta", "phi", "mass", "genPartIdxMother", "status", "statusFlags")
_GEN_JETS = ("pt", "eta", "phi", "mass", "partonFlavour", "hadronFlavour")


@dataclass(frozen=True)
class CmsFile:
    """The parts of a file of CMS that pairing reads.

    Attributes:
        candidates: name of their collection.
        events: branches, collections as records [n_events].
    """

    candidates: str
    events: Events

    def smeared(self, seed: int = 1) -> Events:
        """Candidates and jets with other momenta; particles of the generator as they are."""
        rng = np.random.default_rng(seed)
        out = dict(self.events)
        for name in (self.candidates, "FatJet"):
            counts = ak.num(out[name]["pt"])
            factor = ak.unflatten(rng.normal(1, 0.05, int(ak.sum(counts))), counts)
            out[name] = ak.with_field(out[name], ak.values_astype(out[name]["pt"] * factor, np.float32), "pt")
        return out


def rows_of(events: Events, rows: Sequence[int] | NDArray[np.int64]) -> Events:
    """Some events in the order of ``rows``."""
    return {name: values[np.asarray(rows, dtype=np.int64)] for name, values in events.items()}


def write_events(path: Path, events: Mapping[str, Any], metadata: str | None = None) -> Path:
    """A file of ROOT."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with uproot.recreate(path) as file:
        types = {
            name: values.dtype if isinstance(values, np.ndarray) else ak.type(values).content
            for name, values in events.items()
        }
        file.mktree("Events", types)
        file["Events"].extend(dict(events))
        if metadata is not None:
            file["rs3l_metadata"] = metadata
    return path


def write_fileset(path: Path, datasets: Mapping[str, tuple[Sequence[Path], Mapping[str, Any]]]) -> Path:
    """A fileset in coffea's format."""
    document = {
        name: {"files": {str(file): "Events" for file in files}, "metadata": dict(metadata)}
        for name, (files, metadata) in datasets.items()
    }
    path.write_text(json.dumps(document))
    return path


def _read(path: Path, candidates: str, links: str, extra: Mapping[str, Sequence[str]]) -> CmsFile:
    tree = uproot.open(path)["Events"]
    fields = {
        "FatJet": _FAT_JETS,
        "GenPart": _GENERATED,
        "GenJetAK8": _GEN_JETS,
        links: ("jetIdx", "pFCandsIdx" if links == "FatJetPFCands" else "pfCandIdx"),
        **extra,
    }
    events: Events = {name: tree[name].array(library="np") for name in ("run", "luminosityBlock", "event", "genWeight")}
    for collection, names in fields.items():
        events[collection] = ak.zip({name: tree[f"{collection}_{name}"].array() for name in names})
    return CmsFile(candidates, events)


@pytest.fixture(scope="session")
def pfnano(slim_data: Path) -> CmsFile:
    """PFNano of CMS, 10 events."""
    candidates = ("pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz", "puppiWeight", "d0Err", "trkQuality")
    return _read(slim_data / "cms" / "pfnano.root", "PFCands", "FatJetPFCands", {"PFCands": candidates})


@pytest.fixture(scope="session")
def nano15(slim_data: Path) -> CmsFile:
    """NanoAOD v15 of CMS, 200 events of top pairs."""
    extra = {
        "PFCand": ("pt", "eta", "phi", "mass", "pdgId"),
        "LHEPart": ("pdgId", "pt", "eta", "phi", "mass", "status"),
    }
    return _read(slim_data / "cms" / "nano_tt_v15.root", "PFCand", "FatJetPFCand", extra)


@pytest.fixture
def two_views(tmp_path: Path) -> Callable[..., Path]:
    """Write a nominal and another view, each in some files, and the fileset that names them."""

    def write(nominal: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], **metadata: Any) -> Path:
        files = {
            what: [write_events(tmp_path / "in" / f"{what}_{i}.root", part) for i, part in enumerate(parts)]
            for what, parts in (("nominal", nominal), ("other", other))
        }
        view = {"resimulated_of": "tt", "variation": "herwig", **metadata}
        return write_fileset(
            tmp_path / "fileset.json", {"tt": (files["nominal"], {}), "tt_other": (files["other"], view)}
        )

    return write
