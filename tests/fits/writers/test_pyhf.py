from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyhf
import pytest

from rs3l_gnn.conventions import OutputError
from rs3l_gnn.fits import Likelihood, Templates, pyhf_workspace
from rs3l_gnn.fits.likelihood.minimise import numpy_backend
from rs3l_gnn.fits.writers.pyhf import write_workspace


def test_pyhf_validates_it(rich: Templates) -> None:
    with numpy_backend():
        workspace = pyhf.Workspace(pyhf_workspace(rich))
        model = workspace.model()
    assert workspace.version == "1.0.0"
    assert sorted(workspace.channels) == ["cr", "sr"]
    assert model.config.poi_name == "mu"


def test_rate_and_shape_are_apart(rich: Templates) -> None:
    signal = next(s for s in pyhf_workspace(rich)["channels"][0]["samples"] if s["name"] == "hbb")
    fsr = {m["type"]: m["data"] for m in signal["modifiers"] if m["name"] == "fsr"}
    total = sum(signal["data"])
    assert sum(fsr["histosys"]["hi_data"]) == pytest.approx(total)
    assert sum(fsr["histosys"]["lo_data"]) == pytest.approx(total)
    # 20 (1 + 0.8 x) (1.02 + 0.05 x) at x = -1, -1/3, 1/3, 1 over 80, and the same for down.
    ramp = np.linspace(-1, 1, 4)
    assert fsr["normsys"]["hi"] == pytest.approx(((1 + 0.8 * ramp) * (1.02 + 0.05 * ramp)).sum() / 4)
    assert fsr["normsys"]["lo"] == pytest.approx(((1 + 0.8 * ramp) * (0.97 - 0.05 * ramp)).sum() / 4)
    flat = [m["type"] for m in signal["modifiers"] if m["name"] == "hadronisation"]
    assert flat == ["normsys"]


def test_expectation_at_one_standard_deviation_is_the_template(rich: Templates) -> None:
    likelihood = Likelihood(rich)
    for sign, side in ((1.0, "up"), (-1.0, "down")):
        parameters = likelihood.asimov_parameters()
        parameters[likelihood.model.config.par_names.index("fsr")] = sign
        content = likelihood.expected_by_sample(parameters)
        for channel in rich.channels:
            for sample in channel.samples:
                wanted = next((getattr(s, side) for s in sample.shifts if s.nuisance == "fsr"), sample.values)
                found = content[sample.name][likelihood.channel_slices()[channel.name]]
                np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_samples_without_statistical_nuisances(rich: Templates) -> None:
    channels = [
        replace(channel, samples=tuple(replace(s, mc_stat=s.name != "qcd") for s in channel.samples))
        for channel in rich.channels
    ]
    document = pyhf_workspace(replace(rich, channels=tuple(channels)))
    types = {
        s["name"]: {m["type"] for m in s["modifiers"]} for channel in document["channels"] for s in channel["samples"]
    }
    assert "staterror" not in types["qcd"]
    assert "staterror" in types["hbb"]


def test_file(tmp_path: Path, rich: Templates) -> None:
    path = tmp_path / "workspace.json"
    write_workspace(path, rich)
    assert json.loads(path.read_text()) == pyhf_workspace(rich)
    with pytest.raises(OutputError, match="exists already"):
        write_workspace(path, rich)
