"""Inputs as weaver prepares them: against a loop, and against weaver-core itself where it is installed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from numpy.typing import NDArray

from rs3l_gnn.conventions import FEATURE_NAMES, CheckpointError
from rs3l_gnn.models.exported.weaver import WeaverInputs, read_document

COUNTS = (3, 0, 20, 1, 12)
NAMES = {"part_pt_log": "log_pt", "part_deta": "deta", "part_charge": "charge"}


def _jets() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(sum(COUNTS), len(FEATURE_NAMES))).astype(np.float32)
    axes = np.array([[0.5, 1.0], [-1.0, 2.0], [-0.3, 3.1], [0.0, -3.1], [-2.0, 0.0]])
    return features, np.concatenate([[0], np.cumsum(COUNTS)]), axes


def _document(length: int = 12, **more: Any) -> dict[str, Any]:
    infos = {
        "part_pt_log": {"median": 0.4, "norm_factor": 2.0, "lower_bound": -1, "upper_bound": 1.5, "pad": -7},
        "part_deta": {},
        "part_charge": {"pad": 3.0},
    }
    group = {"var_names": list(infos), "var_infos": infos, "var_length": length, **more}
    mask = {"var_names": ["part_mask"], "var_infos": {"part_mask": {"pad": 0}}, "var_length": length}
    return {
        "output_names": ["a", "b"],
        "input_names": ["pf_features", "pf_mask"],
        "pf_features": group,
        "pf_mask": mask,
    }


def _make(document: dict[str, Any], **settings: Any) -> WeaverInputs:
    return WeaverInputs(document, settings.pop("variables", {}), padding=settings.pop("padding", "constant"), where="x")


def test_padding_if_nobody_says_it() -> None:
    document, jets = _document(), _jets()
    for padding in ("wrap", "constant"):
        found, expected = (_make(document, padding=given).batch(*jets) for given in (None, padding))
        assert {name: array.tolist() for name, array in found.items()} == {
            name: array.tolist() for name, array in expected.items()
        }
        document = {**document, "input_names": ["pf_features"]}  # the second time without a mask


@pytest.mark.parametrize("padding", ["constant", "wrap"])
def test_scaled_cut_and_padded(padding: str) -> None:
    features, offsets, axes = _jets()
    inputs = _make(_document(), padding=padding)
    assert (inputs.names, inputs.classes) == (("pf_features", "pf_mask"), ("a", "b"))
    assert set(inputs.features) == {"log_pt", "deta", "charge"}
    found = inputs.batch(features, offsets, axes)
    assert found["pf_features"].dtype == np.float32
    for jet, count in enumerate(COUNTS):
        for slot in range(12):
            real = slot < count
            rows = features[offsets[jet] : offsets[jet + 1]]
            again = padding == "wrap" and count > 0
            if real or again:
                row = dict(zip(FEATURE_NAMES, rows[slot % count].astype(float), strict=True))
                side = -1 if axes[jet, 0] < 0 else 1
                expected = [min(max((row["log_pt"] - 0.4) * 2, -1), 1.5), side * row["deta"], row["charge"]]
            else:
                expected = [-7, 0, 3]
            assert found["pf_features"][jet, :, slot] == pytest.approx(expected, rel=1e-6)
            assert found["pf_mask"][jet, 0, slot] == float(real)


def test_as_weaver_itself(tmp_path: Path) -> None:
    """Its own settings, its own document, its own inputs; installed by hand: it needs packages that we do not."""
    config: Any = pytest.importorskip("weaver.utils.data.config")
    dataset: Any = pytest.importorskip("weaver.utils.dataset")
    variables: list[Any] = [["part_pt_log", 0.4, 2.0, -1, 1.5, -7], ["part_deta", None], ["part_charge", None]]
    options = {
        "preprocess": {"method": "manual", "data_fraction": 1, "params": None},
        "inputs": {
            "pf_features": {"length": 12, "pad_mode": "constant", "vars": variables},
            "pf_mask": {"length": 12, "pad_mode": "constant", "vars": [["part_mask", None]]},
        },
        "labels": {"type": "simple", "value": ["a", "b"]},
    }
    settings = config.DataConfig(print_info=False, **options)
    settings.export_json(tmp_path / "preprocess.json")
    features, offsets, axes = _jets()
    side = np.repeat(np.where(axes[:, 0] < 0, -1, 1), COUNTS)
    columns: dict[str, Any] = {name: features[:, FEATURE_NAMES.index(own)] for name, own in NAMES.items()}
    columns |= {"part_deta": columns["part_deta"] * side, "part_mask": np.ones(len(features))}
    table = {name: ak.unflatten(values.astype(np.float32), COUNTS) for name, values in columns.items()}
    labels = {"_label_": ak.Array(np.zeros(len(COUNTS), int))}
    expected = dataset._finalize_inputs({**table, **labels}, settings)
    document = read_document(tmp_path / "preprocess.json")
    found = _make(document, padding="constant").batch(features, offsets, axes)
    for name in ("pf_features", "pf_mask"):
        np.testing.assert_allclose(found[name], expected[f"_{name}"], rtol=1e-6, atol=1e-7)


def test_what_a_document_may_not_say(tmp_path: Path) -> None:
    document = _document()
    document["pf_features"]["var_names"].append("part_d0err")
    document["pf_features"]["var_infos"]["part_d0err"] = {}
    with pytest.raises(
        CheckpointError, match=r"asks for part_d0err, .*allowed: log_pt, .*variables: {part_d0err: \.\.\.}"
    ):
        _make(document)
    assert "tanh_d0" in _make(document, variables={"part_d0err": "tanh_d0"}).features
    with pytest.raises(CheckpointError, match="pf_features has one value for a jet"):
        _make(_document(None))  # type: ignore[arg-type]  # what is tested
    with pytest.raises(CheckpointError, match="var_infos of pf_features lacks part_deta, part_charge"):
        _make(_document(var_infos={"part_pt_log": {}}))
    with pytest.raises(CheckpointError, match="x is not a preprocessing document of weaver-core: .*norm_factor"):
        _make(_document(var_infos={"part_pt_log": {"norm_factor": math.inf}}))
    with pytest.raises(CheckpointError, match="is not a preprocessing document"):
        _make({"input_names": ["pf_features"]})
    (tmp_path / "list.json").write_text(json.dumps([1]))
    with pytest.raises(CheckpointError, match="list.json is not a JSON object; got list"):
        read_document(tmp_path / "list.json")
    with pytest.raises(CheckpointError, match="cannot read .*none.json"):
        read_document(tmp_path / "none.json")
