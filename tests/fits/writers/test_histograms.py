"""Files with templates open where this package cannot be imported, and hold every template."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.fits import FitConfig, Templates, build_templates, fit, template_histograms
from rs3l_gnn.fits.writers.histograms import write_templates

_STRANGER = """
import json, sys, zipfile

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rs3l_gnn", "processors"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Block())
import hist, uhi.io.json, uhi.io.zip

path = sys.argv[1]
if path.endswith(".json"):
    with open(path) as file:
        content = json.load(file, object_hook=uhi.io.json.object_hook)
    found = {name: hist.Hist(entry) for name, entry in content.items()}
elif path.endswith(".zip"):
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".json") for name in archive.namelist() if name.endswith(".json")]
        found = {name: hist.Hist(uhi.io.zip.read(archive, name)) for name in names}
else:
    from coffea.util import load
    found = load(path)
assert not any(name.startswith("rs3l_gnn") for name in sys.modules)
print(json.dumps({name: {
    "axes": [list(axis.edges) if axis.traits.continuous else list(axis) for axis in histogram.axes],
    "names": list(histogram.axes.name),
    "values": histogram.values().tolist(),
    "variances": histogram.variances().tolist(),
} for name, histogram in found.items()}))
"""


def read_elsewhere(path: Path, folder: Path) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603  # our own interpreter and script
        [sys.executable, "-W", "error::ImportWarning", "-c", _STRANGER, str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("ending", ["json", "zip", "coffea"])
def test_opened_without_this_package(tmp_path: Path, rich: Templates, ending: str) -> None:
    write_templates(tmp_path / f"templates.{ending}", rich)
    found = read_elsewhere(tmp_path / f"templates.{ending}", tmp_path)
    assert set(found) == {"sr", "cr", "data/sr", "data/cr"}
    looked_at = 0
    for channel in rich.channels:
        content = found[channel.name]
        samples, variations, edges = content["axes"]
        assert content["names"] == ["process", "variation", "score"]
        assert edges == channel.edges.tolist()
        assert found[f"data/{channel.name}"]["values"] == channel.data.tolist()
        for row, name in zip(content["values"], samples, strict=True):
            sample = channel.sample(name)
            assert sample is not None
            wanted = {"nominal": sample.values}
            for shift in sample.shifts:
                wanted |= {f"{shift.nuisance}Up": shift.up, f"{shift.nuisance}Down": shift.down}
            for rate in sample.rates:
                up, down = f"{rate.nuisance}Up", f"{rate.nuisance}Down"
                wanted |= {up: rate.up * sample.values, down: rate.down * sample.values}
            for values, variation in zip(row, variations, strict=True):
                assert values == wanted.get(variation, sample.values).tolist()
                looked_at += variation in wanted
        for rows, name in zip(content["variances"], samples, strict=True):
            sample = channel.sample(name)
            assert sample is not None
            assert all(row == sample.variances.tolist() for row in rows)
    # Nominal, two sides of fsr, hadronisation and lumi for hbb and qcd in both channels; nominal and norm_wqq for wqq.
    assert looked_at == 4 * 7 + 3


def test_without_errors_of_the_simulation(rich: Templates) -> None:
    channels = [
        replace(channel, samples=tuple(replace(s, mc_stat=False) for s in channel.samples)) for channel in rich.channels
    ]
    made = template_histograms(replace(rich, channels=tuple(channels)))
    variances = made["sr"].variances()
    assert variances is not None
    assert not variances.any()


def test_they_are_inputs_of_another_fit(
    write_run: Callable[..., Path], make_config: Callable[..., FitConfig], tmp_path: Path
) -> None:
    # The same model once more: rates come back as systematics of the axis.
    quick = {"ranking": False, "scan": False, "limit": False, "significance": False}
    first = fit(make_config(write_run(), template_formats=["json", "zip"], inference=quick), tmp_path / "out")
    assert (tmp_path / "out" / "templates.zip").exists()
    assert not (tmp_path / "out" / "templates.coffea").exists()
    again = build_templates(
        FitConfig.model_validate(
            {
                "inputs": tmp_path / "out" / "templates.json",
                "histogram": "sr",
                "samples": {"hbb": {"signal": True}, "qcd": {}, "wqq": {}},
                "reading": {"axes": {"dataset": "process"}, "channel": "sr", "unit": "events"},
            }
        )
    ).templates
    (before,), (after,) = first.built.templates.channels, again.channels
    np.testing.assert_allclose(after.edges, before.edges)
    for sample in before.samples:
        other = after.sample(sample.name)
        assert other is not None
        np.testing.assert_allclose(other.values, sample.values, rtol=1e-12)
        np.testing.assert_allclose(other.variances, sample.variances, rtol=1e-12)
        shifts = {shift.nuisance: shift for shift in other.shifts}
        for shift in sample.shifts:
            np.testing.assert_allclose(shifts[shift.nuisance].up, shift.up, rtol=1e-12)
            np.testing.assert_allclose(shifts[shift.nuisance].down, shift.down, rtol=1e-12)
        for rate in sample.rates:
            np.testing.assert_allclose(shifts[rate.nuisance].up, rate.up * sample.values, rtol=1e-12)
