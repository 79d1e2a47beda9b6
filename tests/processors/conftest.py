"""Short names for running an analysis."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import pytest
import uproot

_READ = re.compile(
    r"run|luminosityBlock|event|genWeight|PSWeight|HLT_(AK8PFJet140|PFHT370)|(Rho_)?fixedGridRhoFastjetAll|"
    r"PuppiMET_(pt|phi)|Muon_(pt|looseId)|Jet_(pt|eta|phi)|GenJetAK8_\w+|(FatJet)?PFCands?_\w+|"
    r"FatJet_(?!DDX|btag|deepTag)\w+"
)
"""Branches of files of CMS that tests here ask for."""


@pytest.fixture(scope="session")
def slim_data(shared_data: Path, made_once: Callable[..., Path]) -> Path:
    """As ``shared_data``, with few branches of CMS' files: to open the whole ones takes a second each.

    Whole files go through in test_cms.py.
    """

    def fill(folder: Path) -> None:
        for path in shared_data.iterdir():
            if path.name != "cms":
                (folder / path.name).symlink_to(path)
        (folder / "cms").mkdir()
        for path in (shared_data / "cms").iterdir():
            if path.suffix == ".root":
                _slim(path, folder / "cms" / path.name)
            else:
                (folder / "cms" / path.name).symlink_to(path)

    return made_once("slim-data", fill)


def _slim(source: Path, target: Path) -> None:
    with uproot.open(source) as file:
        names = [name for name in file["Events"].keys() if _READ.fullmatch(name)]  # noqa: SIM118 - of a tree, not a dict
        arrays = file["Events"].arrays(names)
    lists = [name for name in names if "_" in name and arrays[name].ndim == 2]
    content: dict[str, Any] = {name: arrays[name] for name in names if name not in lists}
    for collection in sorted({name.partition("_")[0] for name in lists}):
        prefix = f"{collection}_"
        content[collection] = ak.zip(
            {name.removeprefix(prefix): arrays[name] for name in lists if name.startswith(prefix)}
        )
    with uproot.recreate(target) as file:
        file.mktree("Events", {name: ak.type(entry).content for name, entry in content.items()})
        file["Events"].extend(content)


@pytest.fixture(scope="session")
def slim_nano(slim_data: Path) -> Path:
    """Some branches of a NanoAOD v15 file of CMS."""
    return slim_data / "cms" / "nano_tt_v15.root"
