"""Normalisation of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.processors import JetSchema, ProcessorConfig, TaggingProcessor, summarise


def _result(path: Path, **metadata: Any) -> dict[str, Any]:
    events = NanoEventsFactory.from_root(
        {str(path): "Events"}, schemaclass=JetSchema, mode="virtual", metadata={"dataset": "d", **metadata}
    ).events()
    return TaggingProcessor(ProcessorConfig()).process(events)


@pytest.mark.parametrize(
    ("metadata", "trust", "scale"),
    [
        ({"xsec": 3.0}, True, 3 / 60),
        ({"xsec": 3.0, "sumw": 600.0}, True, 3 / 600),
        ({"xsec": 3.0, "sumw": 600.0}, False, 3 / 60),
        ({}, True, 1.0),
        ({"xsec": 3.0, "isMC": "False"}, True, 1.0),
    ],
)
def test_the_scale_follows_the_metadata(
    toy_directory: Path, metadata: dict[str, Any], trust: bool, scale: float
) -> None:
    accumulated = _result(toy_directory / "qcd" / "nominal_0000.root", **metadata)
    summary = summarise(ProcessorConfig(), accumulated, trust_metadata=trust)
    assert summary["datasets"]["d"]["filesets"]["d"]["scale"] == pytest.approx(scale)
    one = summary["histograms"]["mass"][{"dataset": "d", "channel": "signal", "variation": "nominal"}]
    assert one.sum(flow=True).value == pytest.approx(scale * summary["cutflow"]["d"]["jet"]["events"])
    assert summary["datasets"]["d"]["normalised"] == ("xsec" in metadata and "isMC" not in metadata)
    assert summary["paired"] == {}


def test_weights_that_cancel_are_refused(toy_directory: Path) -> None:
    accumulated = _result(toy_directory / "qcd" / "nominal_0000.root", xsec=1.0)
    accumulated["d"]["sumw"].add(np.zeros(1, dtype=np.int64), [-60.0])
    with pytest.raises(InvalidDataError, match="'d' add up to nothing usable; got 0"):
        summarise(ProcessorConfig(), accumulated)
