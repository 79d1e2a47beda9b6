"""The configurations of docs/processors.md: each is read, and those of expressions run on a file of CMS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.processors import AnalysisConfig, analyze

PAGE = Path(__file__).parents[2] / "docs" / "processors.md"
BLOCKS = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("block", BLOCKS, ids="-".join)
def test_every_block_is_read(block: dict[str, Any]) -> None:
    if list(block) == ["mass"] and "scale" in block["mass"]:  # a part of a section
        block = {"systematics": {"momenta": block}}
    parse_config(AnalysisConfig, {"filesets": "a.json", **block}, where="the page")


def test_the_selection_runs(shared_data: Path, tmp_path: Path) -> None:
    (block,) = (block for block in BLOCKS if "events" in block)
    document = {"tt": {"files": {str(shared_data / "cms" / "nano_tt_v15.root"): "Events"}}}
    (tmp_path / "fileset.json").write_text(json.dumps(document))
    # The file holds few events of high pT; with a trigger of lower pT, some are left.
    block["events"]["trigger"] = block["events"]["trigger"].replace("1050", "370")
    report = analyze(AnalysisConfig.model_validate({"filesets": tmp_path / "fileset.json", **block}), tmp_path / "out")
    flow = [step["events"] for step in report["cutflow"]["tt"].values()]
    assert flow[0] == 200
    assert flow[2] >= flow[3] >= flow[4] >= flow[5] >= flow[6] + flow[7] > 0
    written = json.loads((tmp_path / "out" / "histograms.json").read_text())
    assert {"met", "ht", "tau21"} < set(written["histograms"])
