"""The YAML of docs/variations.md is what the configuration takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rs3l_gnn.conventions import parse_config
from rs3l_gnn.simulation import SimulationConfig

PAGE = Path(__file__).parents[2] / "docs" / "variations.md"
BLOCKS: list[dict[str, Any]] = [
    yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_blocks_are_taken(number: int) -> None:
    block = BLOCKS[number]
    config = parse_config(
        SimulationConfig, {"samples": {"a": {"process": "qcd", "events": 1}}, **block}, where="docs/variations.md"
    )
    wanted = set(block["variations"]) | {name for one in block.get("samples", {}).values() for name in one["hepmc"]}
    assert {variation.name for variation in config.selected} == wanted | {"nominal"}
