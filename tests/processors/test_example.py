"""The example of docs/processors.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import awkward as ak
import uproot
from coffea import processor

from rs3l_gnn.inference import JetTagger, jet_inputs
from rs3l_gnn.processors import JetSchema

PAGE = Path(__file__).parents[2] / "docs" / "processors.md"


def test_the_ten_lines_run(toy_directory: Path, tagger_path: Path) -> None:
    code = re.search(r"```python\n(import awkward.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    scope: dict[str, Any] = {}
    exec(code[1], scope)  # noqa: S102 - the text of our own page
    path = toy_directory / "hbb" / "nominal_0000.root"
    run = processor.Runner(
        executor=processor.IterativeExecutor(status=False, compression=None, retries=0), schema=JetSchema, chunksize=20
    )
    out = run({"hbb": {"files": {str(path): "Events"}}}, scope["MyProcessor"](tagger_path))
    with uproot.open(path) as file:
        arrays = file["Events"].arrays(how=dict)
    jets = ak.zip({name: arrays[f"FatJet_{name}"] for name in ("pt", "eta", "phi", "mass")})
    fields = ("pt", "eta", "phi", "mass", "charge", "pdgId", "d0", "dz")
    candidates = ak.zip({name: arrays[f"PFCands_{name}"] for name in fields})
    links = ak.zip({"jetIdx": arrays["FatJetPFCands_jetIdx"], "candIdx": arrays["FatJetPFCands_pFCandsIdx"]})
    scores = JetTagger(tagger_path).score(jet_inputs(jets, candidates, links, selected=jets.pt > 450))
    assert out == {"hbb": {"tagged": int((scores > 0.5).sum())}}
    assert len(scores) > 0
