"""Files of other programs are chosen by their kind."""

from __future__ import annotations

import pytest

from rs3l_gnn.conventions import ConfigError, parse_config
from rs3l_gnn.models import ExportedNetwork


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="kind"):
        parse_config(ExportedNetwork, {"file": "model.onnx"}, where="here")
    with pytest.raises(ConfigError, match="kind.*'onnx' or 'torchscript'"):
        parse_config(ExportedNetwork, {"kind": "pickle", "file": "model.onnx"}, where="here")
    with pytest.raises(ConfigError, match="variables name no quantity pT, allowed: log_pt, .*energy"):
        parse_config(ExportedNetwork, {"kind": "onnx", "file": "a", "variables": {"x": "pT"}}, where="here")
