"""A loss and a backbone of another package, those of docs/extending.md, and a penalty, in trainings from YAML."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models import load_encoder

PENALTY = """
import numpy as np
from rs3l_gnn.training import BoundPenalty, Penalty

class Size(Penalty):
    name: Literal["size"] = "size"
    def bind(self, index, draw):
        columns = np.log(index.pt)[:, None]
        return BoundPenalty(columns, lambda jets, rows: (jets.logits * rows[:, 0]).square().mean())
"""
CHILD = """
import json, sys
import numpy as np
from rs3l_gnn.conventions import load_config
from rs3l_gnn.conventions.config_keys import describe_keys
from rs3l_gnn.models import load_encoder
from rs3l_gnn.models.export import export
from rs3l_gnn.training import FinetuneConfig, PretrainConfig, finetune, pretrain

pre = pretrain(load_config(PretrainConfig, "pretrain.yaml"), "pretraining")
fine = finetune(load_config(FinetuneConfig, "finetune.yaml"), "tagger")
x = np.random.default_rng(0).normal(size=(7, 15)).astype(np.float32)
z = load_encoder("pretraining/encoder.safetensors").embed(x, np.array([0, 3, 3, 7]))
try:
    export("pretraining/encoder.safetensors", "exported")
except Exception as error:
    refused = str(error)
print(json.dumps({
    "losses": [row["loss"] for row in pre.history], "tuning": fine.history,
    "z": z.tolist(), "refused": refused, "keys": describe_keys(PretrainConfig),
}))
"""
FINETUNE = """
views: {views}
encoder: pretraining/encoder.safetensors
batch_events: 16
robustness: 1
penalties: [{{name: size, weight: 0.01, start: 0, full: 0}}]
trainer: {{epochs: 2, threads: 1, keep: last}}
"""


@pytest.fixture
def plugin(tmp_path: Path, code_of: Callable[[str, str], list[str]]) -> Path:
    """Folder of a package with the loss and the backbone of the page, as pip would leave it."""
    folder = tmp_path / "site"
    metadata = folder / "my_parts-1.0.dist-info"
    metadata.mkdir(parents=True)
    loss, backbone = code_of("docs/extending.md", "python")[:2]
    (folder / "my_parts.py").write_text(f"{loss}\n{backbone}\n{PENALTY}")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-parts\nVersion: 1.0\n")
    (project,) = code_of("docs/extending.md", "toml")
    groups = {**tomllib.loads(project)["project"]["entry-points"], "rs3l_gnn.penalties": {"size": "my_parts:Size"}}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in parts.items()) for group, parts in groups.items()]
    (metadata / "entry_points.txt").write_text("".join(lines))
    return folder


def test_a_loss_and_a_backbone_of_another_package(
    plugin: Path, toy_views: Path, tmp_path: Path, code_of: Callable[[str, str], list[str]]
) -> None:
    (settings,) = code_of("docs/extending.md", "yaml")
    rest = f"views: {toy_views}\nbatch_events: 16\ntrainer: {{epochs: 3, threads: 1}}\n"
    (tmp_path / "pretrain.yaml").write_text(settings + rest)
    (tmp_path / "finetune.yaml").write_text(FINETUNE.format(views=toy_views))
    environment = {**os.environ, "PYTHONPATH": str(plugin)}
    done = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["losses"]) == 3
    assert found["losses"][-1] < found["losses"][0]
    assert len(found["tuning"]) == 2
    last = found["tuning"][-1]
    assert last["val_loss"] == pytest.approx(last["val_cross_entropy"] + 0.01 * last["val_size"])
    assert last["val_size"] > 0
    assert "the backbone 'deepsets' cannot be exported" in found["refused"]
    assert not (tmp_path / "exported").exists()
    keys = [" ".join(line.split()) for line in found["keys"].splitlines()]
    assert "loss.name [nt_xent] nt_xent | supervised | vicreg | distance" in keys
    assert "encoder.backbone [edgeconv] edgeconv | transformer | deepsets" in keys
    assert "loss.margin [1.0] (of distance)" in keys
    # The embedding by hand, from the weights as they stand in the file.
    weights = load_file(tmp_path / "pretraining" / "encoder.safetensors")
    x = np.random.default_rng(0).normal(size=(7, 15)).astype(np.float32)
    particles = np.maximum(x @ weights["backbone.phi.0.weight"].T + weights["backbone.phi.0.bias"], 0)
    sums = np.array([particles[:3].sum(0), np.zeros(9), particles[3:].sum(0)])
    expected = sums @ weights["backbone.rho.weight"].T + weights["backbone.rho.bias"]
    assert np.allclose(found["z"], expected, atol=1e-5)
    # Here, where that package is not installed:
    with pytest.raises(
        CheckpointError, match=r"unknown backbone 'deepsets'.*edgeconv, transformer.*install the package"
    ):
        load_encoder(tmp_path / "pretraining" / "encoder.safetensors")
