"""Shower weights: names, directions and lengths."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError, InvalidDataError, MissingBranchError
from rs3l_gnn.processors.systematics_config import CorrectionInput, SystematicsConfig, WeightCorrection
from rs3l_gnn.processors.weights import event_weights, shower_weights, weight_names

EVENTS = ak.Array(
    {"genWeight": [2.0, -1.0], "PSWeight": [[1.1, 0.9], [1.2, 0.8]], "Pileup": {"nTrueInt": [10.0, 60.0]}}
)


def test_up_is_the_larger_scale_wherever_it_stands() -> None:
    cms = shower_weights(["isr:muRfac=2", "fsr:muRfac=2", "isr:muRfac=0.5", "fsr:muRfac=0.5"], where="here")
    assert [(w.name, w.index) for w in cms] == [("psISRUp", 0), ("psFSRUp", 1), ("psISRDown", 2), ("psFSRDown", 3)]
    older = shower_weights(["nominal", "fsr:muRfac=0.5", "fsrUp"], where="here")
    assert [(w.name, w.index, w.factor) for w in older] == [("psFSRDown", 1, 0.5), ("psFSRUp", 2, None)]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["isr"], "entry 0 in here is unknown"),
        (["isr:muRfac=1"], "varies nothing"),
        (["isrUp", "isr:muRfac=2"], "are both psISRUp"),
    ],
)
def test_an_unclear_order_is_refused(order: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        shower_weights(order, where="here")


def test_weights_multiply_the_generator_weight() -> None:
    metadata = {"psweight_names": ["isrDown", "isrUp"]}
    weights = event_weights(EVENTS, SystematicsConfig(), metadata, "qcd", variations=True)
    assert (
        list(weights)
        == ["nominal", "psISRDown", "psISRUp"]
        == ["nominal", *weight_names(SystematicsConfig(), metadata, "qcd")]
    )
    np.testing.assert_allclose(weights["psISRDown"], [2.2, -1.2])
    np.testing.assert_allclose(weights["psISRUp"], [1.8, -0.8])
    assert list(event_weights(EVENTS, SystematicsConfig(), metadata, "qcd", variations=False)) == ["nominal"]
    data = {**metadata, "isMC": "False"}
    assert weight_names(SystematicsConfig(), data, "data") == {}
    np.testing.assert_array_equal(event_weights(EVENTS, SystematicsConfig(), data, "d", variations=True)["nominal"], 1)
    without = {**metadata, "shower_weights": False}
    assert list(event_weights(EVENTS, SystematicsConfig(), without, "qcd", variations=True)) == ["nominal"]
    assert weight_names(SystematicsConfig(), without, "qcd") == {}


def test_a_wrong_length_or_a_missing_branch_is_named() -> None:
    config = SystematicsConfig(ps_order=("isrUp",))
    with pytest.raises(InvalidDataError, match=r"PSWeight of data set 'qcd' has another length .*got 2; allowed: 1"):
        event_weights(EVENTS, config, {}, "qcd", variations=True)
    with pytest.raises(MissingBranchError, match="'qcd' lacks PSWeight"):
        event_weights(EVENTS[["genWeight"]], config, {}, "qcd", variations=True)


def test_a_correction_has_a_nominal_and_two_sides(tmp_path_factory: pytest.TempPathFactory) -> None:
    schema = pytest.importorskip("correctionlib.schemav2")
    sides = {"nominal": 1.0, "up": 1.5, "down": 0.5}
    bins = [
        {
            "key": side,
            "value": {
                "nodetype": "binning",
                "input": "npu",
                "edges": [0.0, 30.0, 100.0],
                "content": [value, 2 * value],
                "flow": "error",
            },
        }
        for side, value in sides.items()
    ]
    correction = schema.Correction.model_validate(
        {
            "name": "pileup",
            "version": 1,
            "inputs": [{"name": "npu", "type": "real"}, {"name": "side", "type": "string"}],
            "output": {"name": "weight", "type": "real"},
            "data": {"nodetype": "category", "input": "side", "content": bins},
        }
    )
    path = tmp_path_factory.mktemp("corrections") / "pileup.json"
    path.write_text(
        schema.CorrectionSet(schema_version=2, corrections=[correction]).model_dump_json(exclude_unset=True)
    )
    pileup = WeightCorrection(
        name="pileup",
        file=path,
        correction="pileup",
        inputs=(CorrectionInput(branch="Pileup_nTrueInt"), CorrectionInput(value="{direction}")),
        up="up",
        down="down",
    )
    weights = event_weights(EVENTS, SystematicsConfig(weights=(pileup,)), {}, "qcd", variations=True)
    np.testing.assert_allclose(weights["nominal"], [2.0, -2.0])
    np.testing.assert_allclose(weights["pileupUp"], [3.0, -3.0])
    np.testing.assert_allclose(weights["pileupDown"], [1.0, -1.0])
    wrong = pileup.model_copy(update={"correction": "pile_up"})
    with pytest.raises(ConfigError, match=r"no correction 'pile_up'; allowed: pileup"):
        event_weights(EVENTS, SystematicsConfig(weights=(wrong,)), {}, "qcd", variations=True)


CMS = [
    f"{source}:muRfac={factor}"
    for factor in ("0.707", "1.414", "0.5", "2.0", "0.25", "4.0")
    for source in ("isr", "fsr")
]


def test_several_factors_have_several_names() -> None:
    """The order of CMSSW's PythiaPSweightsSettings_cfi.py; names as in the registry of re-simulated variations."""
    found = {weight.name: (weight.index, weight.factor) for weight in shower_weights(CMS, where="here")}
    assert len(found) == 12
    assert found["psFSRUp"] == (7, 2.0)
    assert found["psISRDown"] == (4, 0.5)
    assert found["psFSRRedUp"] == (3, 1.414)
    assert found["psISRRedDown"] == (0, 0.707)
    assert found["psFSRConDown"] == (9, 0.25)
    assert found["psISRConUp"] == (10, 4.0)
    assert [weight.name for weight in shower_weights(["fsr:muRfac=1.5"], where="here")] == ["psFSRUp"]
    with pytest.raises(ConfigError, match="are both psFSRRedUp"):
        shower_weights(["fsr:muRfac=1.414", "fsr:muRfac=1.4142"], where="here")


def test_one_set_of_factors_is_filled_unless_more_are_named() -> None:
    """Three sizes of one change would be three nuisances of a fit."""
    metadata = {"psweight_names": CMS}
    default = weight_names(SystematicsConfig(), metadata, "qcd")
    assert list(default) == ["psISRDown", "psFSRDown", "psISRUp", "psFSRUp"]
    large = weight_names(SystematicsConfig(ps_sets=("Con",)), metadata, "qcd")
    assert list(large) == ["psISRConDown", "psFSRConDown", "psISRConUp", "psFSRConUp"]
    with pytest.raises(ConfigError, match=r"none of the sets in systematics.ps_sets.*got Def; allowed: Red"):
        weight_names(SystematicsConfig(), {"psweight_names": CMS[:4]}, "qcd")
    events = ak.Array({"genWeight": [2.0], "PSWeight": [[1.0 + 0.01 * place for place in range(12)]]})
    weights = event_weights(events, SystematicsConfig(), metadata, "qcd", variations=True)
    assert {name: float(values[0]) for name, values in weights.items()} == pytest.approx(
        {"nominal": 2.0, "psISRDown": 2.08, "psFSRDown": 2.10, "psISRUp": 2.12, "psFSRUp": 2.14}
    )
