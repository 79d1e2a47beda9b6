from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot

from rs3l_gnn.conventions import FEATURE_NAMES, FEATURE_SETS, InputFileError
from rs3l_gnn.data import PairConfig, pair
from rs3l_gnn.workflows.inspection import describe, render


def test_simulated_root(toy_directory: Path) -> None:
    found = describe(toy_directory / "hbb" / "fsrRenLo_0000.root")
    assert found["kind"] == "rs3l simulation (PFNano-like ROOT)"
    assert found["layout"] == "PFNano"
    assert found["trees"] == {"Events": 60}
    assert found["simulation"]["variation"]["factor"] == 1.414


def test_histograms_in_root(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "shapes.root") as file:
        for name in ("signal/hbb", "signal/hbb_fsrUp", "control/hbb"):
            file[name] = np.histogram([1.0, 2.0], bins=3)
    found = describe(tmp_path / "shapes.root")
    assert found["kind"] == "ROOT file of histograms"
    assert found["histograms"] == {"signal": 2, "control": 1}


def test_views(toy_directory: Path, tmp_path: Path) -> None:
    report = pair(PairConfig(directories=(toy_directory,)), tmp_path / "views.h5")
    found = describe(tmp_path / "views.h5")
    assert found["kind"] == "rs3l views"
    assert found["samples"] == ["hbb", "qcd"]
    assert found["hard events"] == sum(sample.matched for sample in report.samples.values())
    assert sum(found["views"].values()) == found["jets"]
    assert found["features"] == list(FEATURE_NAMES)
    assert found["generator weights"] == "equal"
    assert found["shower weights"] == ["isrUp", "isrDown"]


def test_published_layout(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "public.h5", "w") as file:
        file["features"] = np.zeros((4, 100, 15))
        file["jet_features"] = np.zeros((4, 6))
        file["jettype"] = [1, 1, 4, 4]
        file["vartype"] = [-1, 0, -1, 3]
    found = describe(tmp_path / "public.h5")
    assert found["kind"] == "RS3L data set (published HDF5 layout)"
    assert found["jet types"] == {"Q": 2, "H_BB": 2}
    assert found["vartypes"] == {-1: 2, 0: 1, 3: 1}


def test_real_files(shared_data: Path) -> None:
    found = describe(shared_data / "cms" / "pfnano.root")
    assert found["layout"] == "PFNano"
    assert {*FEATURE_NAMES, "puppi_weight", "asinh_d0_sig", "track_quality"} <= set(found["features"])
    assert "from_pv" not in found["features"]
    assert tuple(describe(shared_data / "cms" / "nano_tt_v15.root")["features"]) == FEATURE_SETS["nano"]
    assert describe(shared_data / "cms" / "nano_tt_v15.root")["layout"].startswith("NanoAOD v15")
    assert describe(shared_data / "lhe" / "madgraph5-3.5.8-pp_to_jj.lhe.gz")["events"] == 1000
    assert describe(shared_data / "published" / "mar20_run0.pt")["n_parameters"] == 128_904


def test_hepmc(tmp_path: Path) -> None:
    lines = ["HepMC::Version 3.02.05", "HepMC::Asciiv3-START_EVENT_LISTING", "E 0 1 2", "P 1 0 2212", "P 2 1 11"]
    whole = "\n".join([*lines, "V -1 0 [1]", "HepMC::Asciiv3-END_EVENT_LISTING", ""]).encode()
    (tmp_path / "a.hepmc.gz").write_bytes(gzip.compress(whole))
    found = describe(tmp_path / "a.hepmc.gz")
    assert (found["events"], found["particles"], found["vertices"]) == (1, 2, 1)
    (tmp_path / "cut.hepmc").write_bytes(whole[:-20])
    with pytest.raises(InputFileError, match="cut.hepmc is cut short after 1 events"):
        describe(tmp_path / "cut.hepmc")
    (tmp_path / "cut.hepmc.gz").write_bytes(gzip.compress(whole * 500)[:-12])
    with pytest.raises(InputFileError, match=r"cut.hepmc.gz is a damaged gzip file.*broke after \d+ events"):
        describe(tmp_path / "cut.hepmc.gz")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_packed_lhe(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    rows = "21 -1 0 0 501 502 0 0 9 9 0 0 9\n21 -1 0 0 502 501 0 0 -9 9 0 0 9\n25 1 1 2 0 0 0 0 0 18 18 0 9\n"
    text = (
        "<LesHouchesEvents version='3.0'>\n<init>\n2212 2212 6500 6500 0 0 0 0 -4 1\n-1 -1 1 1\n</init>\n"
        f"<event>\n3 1 2.5 90 -1 -1\n{rows}</event>\n</LesHouchesEvents>\n"
    )
    (tmp_path / "some.lhe").write_bytes(pack(text.encode()))
    found = describe(tmp_path / "some.lhe")
    assert (found["kind"], found["events"], found["xsec_pb"], found["xsec_from"]) == ("LHE", 1, 2.5, "mean weight")
    assert found["outgoing"] == {25: 1}


def test_archives_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("some.lhe", "<LesHouchesEvents>")
    with pytest.raises(InputFileError, match=r"a.zip is a zip archive, and no checkpoint; got 1 files, first 'some"):
        describe(tmp_path / "a.zip")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "a.zip", "a.zip")
    with pytest.raises(InputFileError, match=r"a.tar.gz is a tar archive; unpack it with tar"):
        describe(tmp_path / "a.tar.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 600, "damaged HDF5"),
        (b"\x1f\x8b" + b"\0" * 600, "damaged gzip"),
        (b"[metadata]\nname = x\n", "no known format"),
        (b"some text", "no known format"),
    ],
)
def test_damaged_and_unknown_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputFileError, match=message):
        describe(tmp_path / "file")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_truncated_root(toy_directory: Path, tmp_path: Path, share: float) -> None:
    content = (toy_directory / "hbb" / "nominal_0000.root").read_bytes()
    (tmp_path / "cut.root").write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputFileError, match="cut.root is a damaged ROOT file"):
        describe(tmp_path / "cut.root")


def test_coffea_output_is_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "a.coffea").write_bytes(b"\x04\x22\x4d\x18" + b"\0" * 50)
    assert "not opened" in describe(tmp_path / "a.coffea")["note"]


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"qcd": {"files": {"a.root": "Events"}}}')
    found = describe(tmp_path / "a.json")
    assert json.loads(render(found, as_json=True)) == found
    assert render(found).splitlines()[2:] == ["kind: coffea fileset", "datasets:", "  qcd: 1 files"]
