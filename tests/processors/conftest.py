"""Short names for running an analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot

_SLIM = (
    *("run", "luminosityBlock", "event", "genWeight", "HLT_AK8PFJet140", "HLT_PFHT370", "PuppiMET_pt", "PuppiMET_phi"),
    *("Muon_pt", "Muon_looseId", "Jet_pt", "Jet_eta", "Jet_phi"),
    *(f"FatJet_{name}" for name in ("pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "rawFactor", "tau1", "tau2")),
    *(f"FatJet_{name}" for name in ("particleNet_XbbVsQCD", "globalParT3_Xbb", "globalParT3_QCD", "hadronFlavour")),
)


@pytest.fixture(scope="session")
def slim_nano(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some branches of a NanoAOD v15 file of CMS; the whole has so many that each opening of it takes a second."""
    with uproot.open(shared_data / "cms" / "nano_tt_v15.root") as file:
        arrays = file["Events"].arrays(list(_SLIM))
    lists = sorted({name.partition("_")[0] for name in _SLIM if arrays[name].ndim == 2})
    content: dict[str, Any] = {name: arrays[name] for name in _SLIM if arrays[name].ndim == 1}
    for collection in lists:
        prefix = f"{collection}_"
        content[collection] = ak.zip(
            {name.removeprefix(prefix): arrays[name] for name in _SLIM if name.startswith(prefix)}
        )
    path = tmp_path_factory.mktemp("slim") / "nano.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: ak.type(entry).content for name, entry in content.items()})
        file["Events"].extend(content)
    return path
