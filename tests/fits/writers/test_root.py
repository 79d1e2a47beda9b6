from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import uproot

from rs3l_gnn.fits import Templates
from rs3l_gnn.fits.writers.root import write_shapes


def test_every_template_is_there(tmp_path: Path, rich: Templates) -> None:
    write_shapes(tmp_path / "shapes.root", rich)
    with uproot.open(tmp_path / "shapes.root") as file:
        names = {name.split(";")[0] for name in file.keys(recursive=True)} - {"sr", "cr"}
        # Data, nominal, and up and down of fsr and hadronisation for two samples in each channel.
        assert len(names) == (1 + 3 + 8) + (1 + 2 + 8)
        assert {"sr/data_obs", "sr/hbb", "sr/hbb_fsrUp", "cr/qcd_hadronisationDown"} <= names
        histogram = file["sr/hbb_fsrUp"]
        shift = rich.channels[0].samples[1].shifts[0]
        np.testing.assert_array_equal(histogram.values(), shift.up)
        np.testing.assert_array_equal(histogram.axis().edges(), rich.channels[0].edges)
        nominal = file["sr/wqq"]
        np.testing.assert_allclose(nominal.errors(), np.sqrt(2.0))
        assert nominal.member("fTsumw") == 120.0


def test_uneven_bins_and_no_flow(tmp_path: Path, rich: Templates) -> None:
    edges = np.array([0.0, 0.1, 0.4, 0.9, 1.0])
    uneven = replace(rich, channels=tuple(replace(channel, edges=edges) for channel in rich.channels))
    write_shapes(tmp_path / "shapes.root", uneven)
    with uproot.open(tmp_path / "shapes.root") as file:
        np.testing.assert_array_equal(file["cr/qcd"].axis().edges(), edges)
        assert file["cr/qcd"].values(flow=True)[[0, -1]].tolist() == [0.0, 0.0]


def test_no_errors_where_none_are_wanted(tmp_path: Path, rich: Templates) -> None:
    # autoMCStats would make nuisances of them.
    channels = [
        replace(channel, samples=tuple(replace(s, mc_stat=False) for s in channel.samples)) for channel in rich.channels
    ]
    write_shapes(tmp_path / "shapes.root", replace(rich, channels=tuple(channels)))
    with uproot.open(tmp_path / "shapes.root") as file:
        assert file["sr/qcd"].errors().tolist() == [0.0] * 4
