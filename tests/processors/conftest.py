"""Short names for running an analysis."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot


@pytest.fixture(scope="session")
def toy_filesets(toy_directory: Path) -> list[Path]:
    """Filesets of the toy samples qcd and hbb, four variations each."""
    return [toy_directory / name / "fileset.json" for name in ("qcd", "hbb")]


@pytest.fixture
def written() -> Callable[[Path], dict[str, Any]]:
    """Read ``histograms.json`` of an output, without its provenance."""

    def read(output: Path) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((output / "histograms.json").read_text())
        document.pop("provenance")
        return document

    return read


@pytest.fixture(scope="session")
def command() -> str:
    """Path of the command ``rs3l``."""
    # Beside this Python, which need not be on the path.
    path = Path(sys.executable).with_name("rs3l")
    if not path.exists():
        pytest.skip("the package is not installed, so there is no command rs3l")
    return str(path)


def _rewritten(source: Path, target: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    with uproot.open(source) as file:
        arrays = file["Events"].arrays()
    changed = change({name: arrays[name] for name in arrays.fields})
    content: dict[str, Any] = {name: changed[name] for name in ("run", "luminosityBlock", "event", "genWeight")}
    for collection in ("FatJet", "PFCands", "FatJetPFCands"):
        prefix = f"{collection}_"
        content[collection] = ak.zip(
            {name.removeprefix(prefix): changed[name] for name in changed if name.startswith(prefix)}
        )
    with uproot.recreate(target) as file:
        file.mktree("Events", {name: ak.type(entry).content for name, entry in content.items()})
        file["Events"].extend(content)
    return target


@pytest.fixture(scope="session")
def rewritten() -> Callable[..., Path]:
    """Copy a simulated file with other contents: ``rewritten(source, target, change)``, branches in, branches out."""
    return _rewritten


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
